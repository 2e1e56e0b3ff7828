//! `cargo xtask sim`: seeded runs of the simulation, `docs/simulation.md`.
//!
//! The words go to the simulation's own program, which prints a line for each run. A failing seed is
//! repeated with `cargo xtask sim --seed SEED`.

use crate::process::{command, root, run as execute};
use crate::steps;

/// The seeds of the step `simulation`, beside those that once found something. `cargo test` runs others.
const SEEDS: &str = "100..130";

/// Runs the simulation's program with these words.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    steps::programs(&["stoa-sim"])?;
    execute(command(root().join("target/debug/stoa-sim"), &[]).args(words))
}

/// The step of `cargo xtask test`.
pub(crate) fn step() -> Result<(), String> {
    run(&["--kept".into(), "--seeds".into(), SEEDS.into()])
}
