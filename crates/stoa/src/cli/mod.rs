//! The command line.

use std::process::ExitCode;

pub mod token;

/// Carries out what the command line asks for.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
