//! The store as its users see it: the contract that every engine keeps, and the sealed records
//! above it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apart;
mod contract;
mod embedded;
mod ends;
mod engines;
mod kill;
mod model;
mod page;
mod receipts;
mod records;
mod sealed;
mod signing;
mod transactions;
mod world;
