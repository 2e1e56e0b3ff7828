//! An ordered key-value store of sealed records with serializable transactions.
