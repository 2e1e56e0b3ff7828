//! Where data keys live and really die.
