//! The project's own commands, the same on a laptop and in CI.
//!
//! `cargo xtask up` starts a demo server, `cargo xtask test` runs everything that must pass, and
//! `cargo xtask licences` looks after the third-party page. What can be checked by a program is
//! checked here, in `tidy`, as ordinary `#[test]`s (`cargo test -p xtask`).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks here")]

mod args;
mod bench;
mod fuzz;
mod licences;
mod metadata;
mod process;
mod setup;
mod sim;
mod soak;
mod steps;
#[cfg(test)]
mod tidy;
mod tls;
mod up;
mod web;

use std::process::ExitCode;

use args::Command;

/// What `cargo xtask` alone prints.
const USAGE: &str = "\
Usage: cargo xtask <command>

  up [--release] [--listen IP:PORT] [--data DIR]
        build the server and start it with a demo app; Ctrl-C ends it
  test [--list] [--only STEP[,STEP…]]
        everything that must pass, or some steps of it
  fuzz [TARGET…] [--seconds N] [--keep] [--input FILE] [--list]
        feed the parsers, all or some, for N seconds each (60); keep the inputs
        that reach something new; or run one input alone
  soak [--short] [--release] [-- OPTION…]
        kills, full disks, half-open connections, silent readers and jumping
        clocks, against the real server; `-- --help` has the options
  bench [--quick] [--only CASE[,CASE…]] [--runs N] [--no-peers] [--json FILE] [--gate]
        what sessions, messages, logins and a start cost the server, and ejabberd
        beside it; `--list` names the cases
  sim [--seed S] [--seeds A..B] [--runs N] [--minutes M] [--trace LINES]
        clients, network, disk and clock from a seed, around the server's own
        code; `--help` has the other options
  licences [--update] [--texts FILE]
        check the licences of all dependencies; rewrite docs/third-party.md;
        gather the full licence texts for a release
";

fn main() -> ExitCode {
    let outcome = match args::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            Ok(())
        }
        Ok(Command::Up(options)) => up::run(&options),
        Ok(Command::Test(options)) => steps::run(&options),
        Ok(Command::Fuzz(options)) => fuzz::run(&options),
        Ok(Command::Soak(options)) => soak::run(&options),
        Ok(Command::Bench(words)) => bench::run(&words),
        Ok(Command::Sim(words)) => sim::run(&words),
        Ok(Command::Licences(options)) => licences::run(&options),
        Err(wrong) => {
            eprintln!("xtask: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
