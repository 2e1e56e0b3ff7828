//! `cargo xtask bench`: build the server and the load generator in release, have the other servers at
//! hand, and measure.
//!
//! Everything after `bench` is for the generator, which is a program of its own (`crates/bench`): it
//! knows what `--quick`, `--only`, `--runs`, `--no-peers`, `--json` and `--gate` mean.

use std::time::Instant;

use crate::process::{cargo, command, output, root, run as execute};
use crate::setup;

/// Debian's packages of the servers that are measured beside ours: ejabberd, PostgreSQL with ejabberd's
/// driver for it, and NATS.
const PEERS: &[&str] = &["ejabberd", "erlang-p1-pgsql", "nats-server", "postgresql"];

/// Builds, installs what is missing, and runs the generator with these words.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let has = |flags: &[&str]| words.iter().any(|word| flags.contains(&word.as_str()));
    setup::compiler()?;
    let started = Instant::now();
    let arguments =
        ["build", "--locked", "--release", "--package", "stoa", "--package", "stoa-bench"];
    execute(&mut command(cargo(), &arguments))?;
    println!("built in {:.0} s", started.elapsed().as_secs_f64());
    // Without it the catch-up is over messages of today.
    let _ = setup::faketime();
    if !has(&["--no-peers", "--list", "--help", "-h"]) {
        let missing = setup::packages(PEERS);
        missing.map_err(|error| format!("{error}; `--no-peers` measures without them"))?;
    }
    let release = root().join("target/release");
    let mut generator = command(release.join("stoa-bench"), &[]);
    if let Ok(commit) = output(&mut command("git", &["rev-parse", "--short", "HEAD"])) {
        generator.env("BENCH_COMMIT", commit.trim());
    }
    execute(generator.arg("--binary").arg(release.join("stoa")).args(words))
}
