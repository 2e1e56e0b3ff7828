//! What the doors make of entries, word for word.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helpers too")]

mod edits;
mod json;
