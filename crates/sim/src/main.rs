//! Runs simulations and prints a line for each; the command line behind `cargo xtask sim`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks here")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use stoa_sim::{Counts, Mutant, Options, Report, kept_seeds, run};

const USAGE: &str = "\
Usage: stoa-sim [OPTION…]

  --seed S         run this seed (again and again for several)
  --seeds A..B     run the seeds from A up to, not including, B
  --kept           run the seeds that found something once
  --runs N         run N seeds, chosen by the clock
  --minutes M      run seeds, chosen by the clock, for M minutes
  --mutant NAME    let the server be broken in this way; `list` says in which ways it can be
  --trace N        print the last N lines of the trace, whether something is wrong or not
";

/// Lines of the trace that a failure prints.
const TAIL: usize = 40;

#[derive(Default)]
struct Asked {
    seeds: Vec<u64>,
    runs: u64,
    minutes: u64,
    mutant: Option<Mutant>,
    trace: Option<usize>,
}

fn main() -> ExitCode {
    let asked = match read(std::env::args().skip(1)) {
        Ok(Some(asked)) => asked,
        Ok(None) => return ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("stoa-sim: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if go(&asked) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Asked>, String> {
    let mut asked = Asked::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
        let number =
            |text: String| text.parse::<u64>().map_err(|_| format!("`{text}` is not a number"));
        match word.as_str() {
            "--seed" => asked.seeds.push(number(value()?)?),
            "--seeds" => {
                let range = value()?;
                let (from, to) = range.split_once("..").ok_or("`--seeds` needs A..B")?;
                asked.seeds.extend(number(from.into())?..number(to.into())?);
            }
            "--kept" => asked.seeds.extend(kept_seeds()),
            "--runs" => asked.runs = number(value()?)?,
            "--minutes" => asked.minutes = number(value()?)?,
            "--trace" => {
                asked.trace = Some(usize::try_from(number(value()?)?).unwrap_or(usize::MAX));
            }
            "--mutant" => {
                let name = value()?;
                if name == "list" {
                    Mutant::ALL.iter().for_each(|(name, _)| println!("{name}"));
                    return Ok(None);
                }
                let known = Mutant::ALL.iter().find(|(known, _)| *known == name);
                asked.mutant = Some(known.ok_or_else(|| format!("there is no mutant `{name}`"))?.1);
            }
            "--help" | "-h" => {
                print!("{USAGE}");
                return Ok(None);
            }
            _ => return Err(format!("there is no option `{word}`")),
        }
    }
    Ok(Some(asked))
}

fn go(asked: &Asked) -> bool {
    println!("{}", Report::HEADING);
    let started = Instant::now();
    let mut sum = Sum::default();
    for seed in &asked.seeds {
        sum.add(&one(*seed, asked));
    }
    let chosen = seed_by_clock();
    for n in 0..asked.runs {
        sum.add(&one(chosen.wrapping_add(n) % 100_000_000, asked));
    }
    let long = Duration::from_secs(asked.minutes * 60);
    let mut n = 0;
    while asked.minutes > 0 && started.elapsed() < long {
        sum.add(&one(chosen.wrapping_add(n) % 100_000_000, asked));
        n += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} runs, {} operations, {} faults, {} crashes; {} acknowledged, {} recognised as doubles; \
         {} acts in rooms, {} heard there; {} calls about classes, {} heard there; {} wrong; {seconds:.1} s",
        sum.runs,
        sum.counts.operations,
        sum.counts.faults,
        sum.counts.crashes,
        sum.counts.acknowledged,
        sum.counts.recognised,
        sum.counts.in_rooms,
        sum.counts.heard,
        sum.counts.in_classes,
        sum.counts.heard_in_classes,
        sum.wrong,
    );
    sum.wrong == 0
}

fn seed_by_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs())
}

#[derive(Default)]
struct Sum {
    runs: u64,
    wrong: u64,
    counts: Counts,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.wrong += u64::from(!report.wrong.is_empty());
        self.counts.operations += report.counts.operations;
        self.counts.faults += report.counts.faults;
        self.counts.crashes += report.counts.crashes;
        self.counts.acknowledged += report.counts.acknowledged;
        self.counts.recognised += report.counts.recognised;
        self.counts.in_rooms += report.counts.in_rooms;
        self.counts.heard += report.counts.heard;
        self.counts.in_classes += report.counts.in_classes;
        self.counts.heard_in_classes += report.counts.heard_in_classes;
    }
}

fn one(seed: u64, asked: &Asked) -> Report {
    let report = run(seed, Options { mutant: asked.mutant, trace: asked.trace });
    println!("{}", report.line());
    let failed = !report.wrong.is_empty();
    if failed || asked.trace.is_some() {
        let lines = asked.trace.unwrap_or(TAIL).min(report.trace.len());
        for line in &report.trace[report.trace.len() - lines..] {
            println!("    {line}");
        }
    }
    if failed {
        for wrong in report.wrong.iter().take(5) {
            println!("    wrong: {wrong}");
        }
        println!("    repeat: cargo xtask sim --seed {seed} --trace 2000");
    }
    report
}
