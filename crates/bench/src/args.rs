//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::cases::{self, Case};
use crate::plan::{Plan, Scale};

/// Measures what the server costs, and other servers beside it.
#[derive(Debug, Parser)]
#[command(name = "stoa-bench", version)]
pub struct Args {
    /// Everything in a few minutes: shorter, fewer sessions, one run
    #[arg(long)]
    pub quick: bool,
    /// Only these cases, or kinds of cases: `media` is all that begin with it
    #[arg(value_name = "CASE")]
    pub these: Vec<String>,
    /// The same; may be repeated
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Runs of each case, of which the table has the median [default: 3, quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: Option<u32>,
    /// Do not measure other servers
    #[arg(long)]
    pub no_peers: bool,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// End with 1 when a required value is missed
    #[arg(long)]
    pub gate: bool,
    /// The server's release binary
    #[arg(long, value_name = "FILE", default_value = "target/release/stoa")]
    pub binary: PathBuf,
    /// Threads of the load generator
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub threads: usize,
    /// Only say which cases there are
    #[arg(long)]
    pub list: bool,
}

impl Args {
    /// The cases that were asked for, in their usual order. Without a word a quick run leaves those
    /// out whose figures mean nothing when they are short.
    ///
    /// # Errors
    /// With a sentence when one of them does not exist.
    pub fn cases(&self) -> Result<Vec<&'static Case>, String> {
        let named = |word: &str, case: &Case| {
            let rest = case.name.strip_prefix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let words = || self.these.iter().chain(&self.only);
        let unknown = words().find(|word| !cases::ALL.iter().any(|case| named(word, case)));
        if let Some(unknown) = unknown {
            let known: Vec<_> = cases::ALL.iter().map(|case| case.name).collect();
            return Err(format!("there is no case `{unknown}`; there are {}", known.join(", ")));
        }
        // `room` is a case, though `room-join` begins with it.
        let is_case = |word: &str| cases::ALL.iter().any(|case| case.name == word);
        let chosen = |case: &&Case| match words().next() {
            None => !self.quick || !LONG.contains(&case.name),
            Some(_) => words().any(|word| match is_case(word) {
                true => case.name == word,
                false => named(word, case),
            }),
        };
        Ok(cases::ALL.iter().copied().filter(chosen).collect())
    }

    /// The plan for the cases.
    pub fn plan(&self) -> Plan {
        Plan {
            scale: if self.quick { Scale::Quick } else { Scale::Full },
            binary: self.binary.clone(),
            peers: !self.no_peers,
        }
    }

    /// Runs of each case.
    pub fn runs(&self) -> u32 {
        self.runs.unwrap_or(if self.quick { 1 } else { 3 })
    }
}

/// The cases that compare two high quantiles of latency, of which seconds of each say nothing, and those of media, which
/// only root may measure with Janus beside it.
const LONG: &[&str] = &[
    "room-silent",
    "media-fan-100",
    "media-fan-200",
    "media-mesh-10x5",
    "media-mesh-5x10",
    "doors",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Args {
        Args::try_parse_from(std::iter::once("bench").chain(line.split_whitespace())).unwrap()
    }

    #[test]
    fn cases_come_in_their_order_and_unknown_ones_are_named() {
        let names = |line: &str| -> Result<Vec<_>, _> {
            parse(line).cases().map(|cases| cases.iter().map(|case| case.name).collect())
        };
        assert_eq!(names("--only p2p,start"), Ok(vec!["start", "p2p"]));
        assert_eq!(names("").unwrap().len(), cases::ALL.len());
        assert_eq!(names("--quick").unwrap().len(), cases::ALL.len() - LONG.len());
        assert_eq!(names("--quick --only doors"), Ok(vec!["doors"]));
        let media = ["media-fan-100", "media-fan-200", "media-mesh-10x5", "media-mesh-5x10"];
        assert_eq!(names("media --quick"), Ok(media.to_vec()));
        assert_eq!(names("--only media-fan,room"), Ok(vec!["room", media[0], media[1]]));
        let refusal = names("--only fast").unwrap_err();
        assert!(refusal.starts_with("there is no case `fast`; there are start, "), "{refusal}");
    }

    #[test]
    fn a_quick_run_is_one_unless_said_otherwise() {
        assert_eq!((parse("").runs(), parse("--quick").runs()), (3, 1));
        assert_eq!(parse("--quick --runs 5").runs(), 5);
    }
}
