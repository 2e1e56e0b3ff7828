//! The binary: command line, configuration, wiring, start and shutdown.
fn main() {}
