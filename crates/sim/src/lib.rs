//! A seeded simulation of Stoa: many clients, the sessions and the chat service as they are, a disk
//! and a vault that fail, a network that loses its way, and a clock that is set.
//!
//! **The one idea: nothing happens by itself.** One thread, one generator of chance, and a time that
//! only the simulation moves; so a seed is a whole run, and a failure is told by its seed alone.
//! The manner is that of TigerBeetle's VOPR.
//!
//! What runs is the server's own code, from the session's driver down to the committer's sequencer
//! and the vault's files. Replaced are the socket (`net`), the store's disk
//! ([`stoa_store::engine::Simulated`]), the vault's file system ([`stoa_vault::SimFs`]), clock and
//! entropy. The clients are [`stoa_testclient`]'s SDK with an app around it.
//!
//! Reading the code: `world` is a run and its turns, `plan` what a seed decides, `server` one life of
//! the process, `client`, `acts` and `traffic` the clients' side, `trouble` what goes wrong, `model`
//! what must be true, `rooms` all about chat rooms, `classes` all about class rooms, `audit` the judgement, [`Mutant`] servers that the judgement has to find out.
//! `docs/simulation.md` says what is promised and how to repeat a failure.

mod acts;
mod audit;
mod classes;
mod client;
mod dice;
mod model;
mod mutant;
mod net;
mod plan;
mod report;
mod rooms;
mod server;
mod trace;
mod traffic;
mod trouble;
mod world;

pub use mutant::Mutant;
pub use report::{Counts, Report};

use world::World;

/// The seeds that found something once, oldest first, from `seeds.txt`.
pub fn kept_seeds() -> Vec<u64> {
    let lines = include_str!("../seeds.txt").lines().map(str::trim);
    let seeds = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    seeds.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// How to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// A server that is broken on purpose.
    pub mutant: Option<Mutant>,
    /// How many lines of the trace are kept; without, enough for most failures.
    pub trace: Option<usize>,
}

/// Runs the simulation of `seed` to its end.
pub fn run(seed: u64, options: Options) -> Report {
    let mut world = World::new(seed, options.mutant, options.trace);
    world.set_up();
    world.go_on(world.plan.trouble_ms);
    if world.model.wrong.is_empty() {
        world.make_peace();
    }
    if world.model.wrong.is_empty() {
        world.last_round();
    }
    if world.model.wrong.is_empty() {
        world.judge();
    }
    if world.model.wrong.is_empty() {
        world.end_classes();
    }
    for wrong in world.model.wrong.clone() {
        world.trace.note(world.now, format_args!("WRONG {wrong}"));
    }
    world.counts.in_rooms = world.rooms.asked;
    world.counts.in_classes = world.classes.calls;
    world.counts.heard_in_classes = world.classes.heard;
    Report {
        seed,
        counts: world.counts,
        seconds: world.now / 1000,
        fingerprint: world.trace.fingerprint(),
        wrong: world.model.wrong,
        trace: world.trace.tail(),
    }
}
