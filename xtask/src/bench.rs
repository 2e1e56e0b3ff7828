//! `cargo xtask bench`: build the server and the load generator in release, have the other servers at
//! hand, and measure.
//!
//! Everything after `bench` is for the generator, which is a program of its own (`crates/bench`): it
//! knows which cases there are, and what `--quick`, `--only`, `--runs`, `--no-peers`, `--json` and `--gate` mean.

use std::time::Instant;

use crate::process::{cargo, command, output, root, run as execute};
use crate::setup;

/// Debian's packages of the servers that are measured beside ours: ejabberd, PostgreSQL with ejabberd's
/// driver for it, and NATS.
const PEERS: &[&str] = &["ejabberd", "erlang-p1-pgsql", "nats-server", "postgresql"];

/// Those for sound and pictures: Janus, and what sets up the network that it needs.
const MEDIA: &[&str] = &["janus", "iproute2"];

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
        let missing = setup::packages(&peers(words));
        missing.map_err(|error| format!("{error}; `--no-peers` measures without them"))?;
    }
    let release = root().join("target/release");
    let mut generator = command(release.join("stoa-bench"), &[]);
    if let Ok(commit) = output(&mut command("git", &["rev-parse", "--short", "HEAD"])) {
        generator.env("BENCH_COMMIT", commit.trim());
    }
    execute(generator.arg("--binary").arg(release.join("stoa")).args(words))
}

/// The packages for what these words ask for: without the chat servers where all cases that are named are of media.
fn peers(words: &[String]) -> Vec<&'static str> {
    let names = words.iter().enumerate().filter_map(|(at, word)| {
        let valued = at > 0 && ["--json", "--runs", "--threads"].contains(&words[at - 1].as_str());
        match word.strip_prefix("--only=") {
            Some(names) => Some(names),
            None => (!valued && !word.starts_with('-')).then_some(word.as_str()),
        }
    });
    let names: Vec<&str> = names.flat_map(|names| names.split(',')).collect();
    let media = |name: &&str| *name == "media" || name.starts_with("media-");
    match !names.is_empty() && names.iter().all(media) {
        true => MEDIA.to_vec(),
        false => [PEERS, MEDIA].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_measures_media_alone_needs_no_chat_servers() {
        let wanted = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            peers(&words)
        };
        for alone in
            ["media", "media --quick --json out", "--only media-fan-100,media-mesh", "--only=media"]
        {
            assert_eq!(wanted(alone), MEDIA, "{alone}");
        }
        for more in ["", "--quick", "--only p2p", "media p2p", "--only media,p2p --runs 3"] {
            assert!(
                wanted(more).contains(&"ejabberd") && wanted(more).contains(&"janus"),
                "{more}"
            );
        }
    }
}
