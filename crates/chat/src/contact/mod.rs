//! Contacts and block lists, and how two users stand to each other.

mod relation;

pub(crate) use relation::Relation;
