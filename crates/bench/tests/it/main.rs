//! What the load generator is held against.

mod recorded;
