//! The definitions, the page and the exposition fit together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in helpers too")]

mod page;
mod text;
