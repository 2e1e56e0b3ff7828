//! The binary. Everything is in the library beside it, where tests reach it.

use std::process::ExitCode;

/// Of the allocators measured the one that keeps the least memory for each session, and the quickest
/// for messages (`docs/decisions/0017-jemalloc.md`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    stoa::cli::main()
}
