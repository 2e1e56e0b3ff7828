//! `cargo xtask fuzz`: libFuzzer with feedback from the code that was reached, on a stable compiler.
//!
//! The feedback needs no nightly: it is one pass of the code generator, which is switched on here by
//! its flags. No sanitizer is linked, because there is no unsafe code of ours to watch; what the
//! targets look for is panics, overflows and broken promises (the checks in each crate's `fuzzing.rs`).
//!
//! Inputs that reach something new are kept in three places: `fuzz/corpus` holds the small set that
//! stands in the repository, and which the crates' own tests run too; `fuzz/target/corpus` what later
//! runs on this machine found (`--keep` takes the best of it over into the first); `fuzz/artifacts`
//! the inputs that made a target fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::args::FuzzOptions;
use crate::process::{cargo, command, output, root, run as execute};
use crate::setup;

/// What the code generator is told: count every edge, know its place, and trace comparisons.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Bytes of an input, at the most: what is longer finds nothing more, only slower.
const MAX_BYTES: usize = 4096;
/// Seconds for each target in `cargo xtask test`.
const IN_TEST_S: u64 = 10;
/// Targets that run at the same time.
const AT_ONCE: usize = 2;
/// The target that fails by design.
const CANARY: &str = "canary";

/// `cargo xtask fuzz`.
pub(crate) fn run(options: &FuzzOptions) -> Result<(), String> {
    let targets = choose(targets()?, &options.targets)?;
    if options.list {
        targets.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    let folder = build()?;
    if let Some(input) = &options.input {
        let [target] = targets.as_slice() else {
            return Err("`--input` needs exactly one target".into());
        };
        return execute(command(folder.join(target), &[]).arg(input));
    }
    fuzz(&folder, &targets, options.seconds)?;
    if options.keep { targets.iter().try_for_each(|target| keep(&folder, target)) } else { Ok(()) }
}

/// The step of `cargo xtask test`.
pub(crate) fn step() -> Result<(), String> {
    fuzz(&build()?, &targets()?, IN_TEST_S)
}

/// Every target but the canary.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut found: Vec<_> = entries(&folder)?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|target| target != CANARY)
        .collect();
    found.sort();
    Ok(found)
}

fn choose(known: Vec<String>, wanted: &[String]) -> Result<Vec<String>, String> {
    match wanted.iter().find(|target| !known.contains(target)) {
        Some(unknown) => {
            Err(format!("there is no target `{unknown}`; there are {}", known.join(", ")))
        }
        None if wanted.is_empty() => Ok(known),
        None => Ok(wanted.to_vec()),
    }
}

/// Builds all targets; the folder in which they are.
fn build() -> Result<PathBuf, String> {
    setup::compiler()?;
    setup::cxx_compiler()?;
    let host = host(&output(&mut command("rustc", &["-vV"]))?)?;
    // The same versions as in the server; cargo adds those of libFuzzer.
    let lock = root().join("fuzz/Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock).map_err(|e| format!("fuzz/Cargo.lock: {e}"))?;
    let arguments = ["build", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "fuzz/target"];
    println!("building the targets (the first time takes a few minutes)");
    execute(
        command(cargo(), &arguments)
            .args(["--target", &host])
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f")),
    )?;
    Ok(root().join("fuzz/target").join(host).join("debug"))
}

fn host(version: &str) -> Result<String, String> {
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(|host| host.trim().to_owned()).ok_or_else(|| "`rustc -vV` names no host".into())
}

/// Runs the canary, then each target, and says what came of it.
fn fuzz(folder: &Path, targets: &[String], seconds: u64) -> Result<(), String> {
    canary(folder)?;
    println!("{:<14}{:>9}{:>14}{:>20}{:>12}", "target", "inputs", "code reached", "paths", "runs");
    let waiting = Mutex::new(targets.iter());
    let next = || waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let work = || {
        let mut outcomes = Vec::new();
        while let Some(target) = next() {
            let outcome = fuzz_one(folder, target, seconds);
            if let Ok(summary) = &outcome {
                println!("{target:<14}{summary}");
            }
            outcomes.push(outcome);
        }
        outcomes
    };
    let outcomes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().expect("does not panic")).collect::<Vec<_>>()
    });
    let failures: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n")) }
}

/// That feedback works at all: a defect that blind chance would not find in years is found.
fn canary(folder: &Path) -> Result<(), String> {
    let artifacts = fresh("fuzz/target/canary")?;
    let said = command(folder.join(CANARY), &["-seed=1", "-runs=2000000", "-max_len=16"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .output()
        .map_err(|error| format!("cannot start the canary: {error}"))?;
    let found = String::from_utf8_lossy(&said.stderr).contains("the canary was found");
    if found { Ok(()) } else { Err("the fuzzer has no feedback: the canary was not found".into()) }
}

fn fuzz_one(folder: &Path, target: &str, seconds: u64) -> Result<String, String> {
    let work = existing(&format!("fuzz/target/corpus/{target}"))?;
    let artifacts = existing(&format!("fuzz/artifacts/{target}"))?;
    let said = fuzzer(folder, target)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args([&work, &kept(target)])
        .output()
        .map_err(|error| format!("cannot start `{target}`: {error}"))?;
    let log = String::from_utf8_lossy(&said.stderr);
    if said.status.success() {
        return summary(&log).ok_or_else(|| format!("`{target}` ran without feedback:\n{log}"));
    }
    Err(failure(target, &log))
}

/// The target, told about inputs and what one may take.
fn fuzzer(folder: &Path, target: &str) -> Command {
    let mut fuzzer = command(folder.join(target), &["-timeout=10", "-rss_limit_mb=2048"]);
    fuzzer.arg(format!("-max_len={MAX_BYTES}"));
    let words = root().join(format!("fuzz/words/{target}.dict"));
    if words.is_file() {
        fuzzer.arg(format!("-dict={}", words.display()));
    }
    fuzzer
}

/// One line about a run: inputs kept, edges and paths at its start and its end, and runs.
fn summary(log: &str) -> Option<String> {
    let number = |line: &str, name: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).map(|word| word.split('/').next().unwrap_or(word).to_owned())
    };
    let start = log.lines().find(|line| line.contains("INITED"))?;
    let end = log.lines().rfind(|line| line.contains("DONE"))?;
    let runs = end.split_whitespace().next()?.trim_start_matches('#');
    let grown = |name| Some(format!("{} → {}", number(start, name)?, number(end, name)?));
    let (code, paths, kept) = (grown("cov:")?, grown("ft:")?, number(end, "corp:")?);
    Some(format!("{kept:>9}{code:>14}{paths:>20}{runs:>12}"))
}

/// What went wrong, in which input it lies, and how to see it again.
fn failure(target: &str, log: &str) -> String {
    let mut told: Vec<_> = log
        .lines()
        .skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR: libFuzzer"))
        .take(8)
        .map(|line| format!("    {line}"))
        .collect();
    let written = log.lines().find_map(|line| line.split_once("Test unit written to "));
    match written {
        Some((_, input)) => {
            let input = Path::new(input.trim());
            let input = input.strip_prefix(root()).unwrap_or(input).display();
            told.push(format!("    input: {input}"));
            told.push(format!("    again: cargo xtask fuzz {target} --input {input}"));
        }
        None => told.push(format!("    no input was written:\n{log}")),
    }
    format!("`{target}` failed\n{}", told.join("\n"))
}

/// Takes the smallest set of inputs that reaches everything over into the repository.
fn keep(folder: &Path, target: &str) -> Result<(), String> {
    let merged = fresh(&format!("fuzz/target/merged/{target}"))?;
    let work = existing(&format!("fuzz/target/corpus/{target}"))?;
    let said = fuzzer(folder, target)
        .arg("-set_cover_merge=1")
        .args([&merged, &kept(target), &work])
        .output()
        .map_err(|error| format!("cannot start `{target}`: {error}"))?;
    let inputs = entries(&merged)?;
    if !said.status.success() || inputs.is_empty() {
        let log = String::from_utf8_lossy(&said.stderr);
        return Err(format!("the inputs of `{target}` cannot be merged:\n{log}"));
    }
    let folder = fresh(&format!("fuzz/corpus/{target}"))?;
    for input in &inputs {
        let name = input.file_name().ok_or("a file has a name")?;
        fs::copy(input, folder.join(name)).map_err(|e| format!("{}: {e}", input.display()))?;
    }
    println!("{target}: {} inputs kept", inputs.len());
    Ok(())
}

/// The folder of the inputs in the repository.
fn kept(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

fn existing(folder: &str) -> Result<PathBuf, String> {
    let folder = root().join(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn fresh(folder: &str) -> Result<PathBuf, String> {
    let path = root().join(folder);
    if path.exists() {
        fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    existing(folder)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let paths = fs::read_dir(folder).and_then(|found| found.map(|e| Ok(e?.path())).collect());
    paths.map_err(|error| format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#12\tINITED cov: 75 ft: 80 corp: 3/60b exec/s: 0 rss: 30Mb\n\
        #500\tNEW    cov: 76 ft: 81 corp: 4/61b lim: 21 exec/s: 0 rss: 31Mb\n\
        #9000\tDONE   cov: 76 ft: 90 corp: 5/70b lim: 21 exec/s: 4500 rss: 31Mb\n";

    #[test]
    fn a_run_is_summed_up() {
        let words: Vec<_> =
            summary(LOG).expect("complete").split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["5", "75", "→", "76", "80", "→", "90", "9000"]);
        assert_eq!(summary("Executed 7 units"), None);
    }

    #[test]
    fn a_failure_names_the_command_that_repeats_it() {
        let input = root().join("fuzz/artifacts/token/crash-1");
        let log = format!(
            "INFO: x\nthread '<unnamed>' panicked at a.rs:1:1:\nno\nTest unit written to {}\n",
            input.display()
        );
        let told = failure("token", &log);
        assert!(told.contains("panicked at a.rs:1:1"), "{told}");
        assert!(
            told.ends_with("again: cargo xtask fuzz token --input fuzz/artifacts/token/crash-1")
        );
    }

    #[test]
    fn every_target_is_built_has_inputs_and_is_described() {
        let read = |path| fs::read_to_string(root().join(path)).expect(path);
        let (manifest, page) = (read("fuzz/Cargo.toml"), read("docs/fuzzing.md"));
        let mut bytes = 0;
        for target in targets().expect("targets") {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
            assert!(page.contains(&format!("| `{target}` |")), "{target}");
            let inputs = entries(&kept(&target)).expect("inputs");
            assert!(!inputs.is_empty(), "{target}");
            bytes += inputs.iter().map(|i| i.metadata().expect("a file").len()).sum::<u64>();
        }
        assert!(bytes < 500_000, "{bytes} bytes are kept: `cargo xtask fuzz --keep` keeps less");
    }

    #[test]
    fn the_host_is_read() {
        assert_eq!(
            host("rustc 1\nhost: x86_64-unknown-linux-gnu\n").as_deref(),
            Ok("x86_64-unknown-linux-gnu")
        );
        assert!(host("rustc 1").is_err());
    }
}
