//! Events between sessions and nodes: in process.
