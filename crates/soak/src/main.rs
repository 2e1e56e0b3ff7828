//! Faults with real processes: the binary is killed, its disk fills up, strangers hold connections,
//! readers fall silent and its clock jumps, while people chat.
//!
//! **The one idea: only what a client was told counts.** Devices write down what was acknowledged to
//! them ([`ledger`]); at the end the server's history and what every device received are compared with
//! that, message by message. `cargo xtask soak` builds and runs this program; `docs/soak.md` has the
//! figures of the last long run.
//!
//! Randomness comes from one seed, which is printed; where a process is hit depends on the machine all
//! the same.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks here")]

mod check;
mod clock;
mod demo;
mod device;
mod dice;
mod disk;
mod half_open;
mod kills;
mod ledger;
mod report;
mod rest;
mod server;
mod silent;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};

use crate::dice::Dice;
use crate::report::Report;

/// What goes wrong in a scenario, in words.
type Outcome<T> = Result<T, String>;

/// Sets a server every fault that a machine can have, and looks whether anything was lost.
#[derive(Debug, Parser)]
#[command(name = "stoa-soak")]
struct Arguments {
    /// The server's binary
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// The quick form, a minute in all
    #[arg(long)]
    short: bool,
    /// Only these scenarios
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Kills in the scenario of that name [default: 100; 5 in the quick form]
    #[arg(long)]
    kills: Option<usize>,
    /// Where all random choices come from [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// The library that moves a process's clock (Debian: package libfaketime)
    #[arg(long, value_name = "FILE")]
    faketime: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The process is killed at random moments under load
    Kills,
    /// Files must not grow any more, then the disk is full
    Disk,
    /// Thousands of connections are opened and never finished
    HalfOpen,
    /// Clients read nothing any more
    Silent,
    /// The clock jumps an hour forth and back, and over midnight
    Clock,
}

/// What all scenarios need to know.
#[derive(Debug)]
struct Run {
    server: PathBuf,
    short: bool,
    kills: usize,
    faketime: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(dice::from_the_time);
    let run = Run {
        server: arguments.server,
        short: arguments.short,
        kills: arguments.kills.unwrap_or(if arguments.short { 5 } else { 100 }),
        faketime: arguments.faketime,
    };
    println!("seed {seed} (again: --seed {seed})");
    let mut failed = 0;
    for scenario in Scenario::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(scenario) {
            continue;
        }
        let name = scenario.to_possible_value().expect("every scenario has a name");
        let mut report = Report::default();
        let started = Instant::now();
        let outcome = play(*scenario, &run, Dice::new(seed), &mut report).await;
        println!("\n## {} ({:.0} s)\n", name.get_name(), started.elapsed().as_secs_f64());
        print!("{report}");
        if let Err(wrong) = outcome {
            failed += 1;
            eprintln!("\n`{}` FAILED: {wrong}", name.get_name());
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn play(scenario: Scenario, run: &Run, dice: Dice, report: &mut Report) -> Outcome<()> {
    match scenario {
        Scenario::Kills => kills::play(run, dice, report).await,
        Scenario::Disk => disk::play(run, dice, report).await,
        Scenario::HalfOpen => half_open::play(run, report).await,
        Scenario::Silent => silent::play(run, report).await,
        Scenario::Clock => clock::play(run, dice, report).await,
    }
}
