//! `cargo xtask test`: everything that must pass, in the order in which it fails fastest.
//!
//! Each step is one entry of [`STEPS`]; it can be run alone with `--only`, is timed, and the first
//! that fails ends the run. All Rust steps share one debug target directory, so that code is
//! compiled once. What tests need of libraries is more than what programs need, and cargo compiles
//! them anew for each such selection: so once `unit` has compiled everything, the steps after it take
//! the programs that came of that, and compile nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::args::TestOptions;
use crate::process::{cargo, command, root, run as execute};
use crate::{fuzz, licences, setup, sim, soak, tls, web};

/// One thing that must pass.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the code is formatted", run: fmt },
    Step { name: "licences", about: "dependencies' licences are allowed", run: licences },
    Step { name: "tidy", about: "docs, crate edges, key spaces and house rules", run: tidy },
    Step { name: "web", about: "the demo page: types, unit tests, build", run: web::step },
    Step { name: "clippy", about: "no warning in any target", run: clippy },
    Step { name: "doc", about: "the API documentation builds without a warning", run: doc },
    Step { name: "unit", about: "all Rust tests but the matrices", run: unit },
    Step { name: "separation", about: "who reaches what: the matrices, counted", run: separation },
    Step { name: "vectors", about: "the public token vectors", run: vectors },
    Step { name: "simulation", about: "seeded faults around the server's code", run: sim::step },
    Step {
        name: "soak",
        about: "kills, full disks and clocks that jump, in short",
        run: soak::step,
    },
    Step { name: "fuzz", about: "every parser, ten seconds of made-up input", run: fuzz::step },
    Step { name: "tls", about: "sslyze with Mozilla's intermediate configuration", run: tls },
    Step { name: "conformance", about: "the vendor's SDK in a browser", run: conformance },
];

/// All of the workspace but this program, with what its tests need.
const TESTED: &[&str] = &["--locked", "--workspace", "--exclude", "xtask"];

/// What the paths of the tests have in common that say who reaches what.
const MATRICES: &str = "separation";

/// Whether this run has compiled [`TESTED`], programs included.
static COMPILED: AtomicBool = AtomicBool::new(false);

/// Compiles the programs of these packages, unless this run has.
pub(crate) fn programs(packages: &[&str]) -> Result<(), String> {
    setup::compiler()?;
    if COMPILED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    let arguments: Vec<&str> = ["build", "--locked"].into_iter().chain(packages).collect();
    execute(&mut command(cargo(), &arguments))
}

/// Runs the steps that were asked for.
pub(crate) fn run(options: &TestOptions) -> Result<(), String> {
    let chosen = choose(&options.only)?;
    if options.list {
        for step in STEPS {
            println!("{:<12} {}", step.name, step.about);
        }
        return Ok(());
    }
    let mut done: Vec<(&str, Duration)> = Vec::new();
    for step in chosen {
        println!("\n── {}: {}", step.name, step.about);
        let started = Instant::now();
        let outcome = (step.run)();
        done.push((step.name, started.elapsed()));
        if let Err(error) = outcome {
            summarise(&done, Some(step.name));
            return Err(format!(
                "step `{name}` failed: {error}\n       alone: cargo xtask test --only {name}",
                name = step.name
            ));
        }
    }
    summarise(&done, None);
    Ok(())
}

fn choose(names: &[String]) -> Result<Vec<&'static Step>, String> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("there is no step `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(STEPS.iter().filter(|step| names.iter().any(|name| name == step.name)).collect())
}

fn summarise(done: &[(&str, Duration)], failed: Option<&str>) {
    println!();
    for (name, took) in done {
        let verdict = if failed == Some(name) { "FAILED" } else { "passed" };
        println!("{name:<12} {verdict}  {:>7.1} s", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|(_, took)| *took).sum();
    println!("{:<12}         {:>7.1} s", "in all", total.as_secs_f64());
}

fn fmt() -> Result<(), String> {
    setup::component("cargo-fmt", "rustfmt")?;
    execute(&mut command(cargo(), &["fmt", "--all", "--", "--check"]))
        .map_err(|error| format!("{error}; `cargo fmt --all` mends it"))
}

fn licences() -> Result<(), String> {
    licences::check(false)
}

fn tidy() -> Result<(), String> {
    setup::compiler()?;
    execute(&mut command(cargo(), &["test", "--locked", "--package", "xtask"]))
}

fn clippy() -> Result<(), String> {
    setup::component("cargo-clippy", "clippy")?;
    setup::compiler()?;
    let arguments = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    execute(&mut command(cargo(), &arguments))
}

fn doc() -> Result<(), String> {
    let arguments = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    execute(command(cargo(), &arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn unit() -> Result<(), String> {
    setup::compiler()?;
    // The examples of the token server are run by a test.
    setup::node()?;
    setup::python()?;
    // A test looks at the system calls of a server.
    if cfg!(target_os = "linux") {
        setup::packages(&["strace"])?;
    }
    execute(command(cargo(), &["test"]).args(TESTED).args(["--", "--skip", MATRICES]))?;
    // Those programs that no test runs.
    execute(command(cargo(), &["build", "--bins", "--tests"]).args(TESTED))?;
    COMPILED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The matrices of who reaches what: by themselves, so that their numbers of cells are seen.
fn separation() -> Result<(), String> {
    setup::compiler()?;
    let only = [MATRICES, "--", "--nocapture"];
    let mut tests = command(cargo(), &["test", "--quiet", "--lib", "--tests"]);
    if COMPILED.load(Ordering::Relaxed) {
        tests.args(TESTED);
    } else {
        tests.args(["--locked", "--package", "stoa-rest", "--package", "stoa-gateway"]);
    }
    execute(tests.args(only))
}

fn vectors() -> Result<(), String> {
    programs(&["stoa"])?;
    let vectors = "crates/token/tests/vectors/tokens.json";
    let server = root().join("target/debug/stoa");
    execute(&mut command(server, &["token", "check", "--vectors", vectors]))
}

fn tls() -> Result<(), String> {
    programs(&["stoa"])?;
    tls::step()
}

fn conformance() -> Result<(), String> {
    setup::node()?;
    let browser = setup::browser()?;
    // A case looks at what a server writes to the disk.
    if cfg!(target_os = "linux") {
        setup::packages(&["strace"])?;
    }
    setup::encoder()?;
    setup::npm_packages("conformance")?;
    web::build()?;
    programs(&["stoa"])?;
    execute(
        command("npm", &["test", "--silent"])
            .current_dir(root().join("conformance"))
            .env("CHROMIUM", browser)
            .env("STOA_BIN", root().join("target/debug/stoa")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Result<Vec<&'static str>, String> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        choose(&only).map(|steps| steps.iter().map(|step| step.name).collect())
    }

    #[test]
    fn chosen_steps_run_in_the_usual_order() {
        assert_eq!(names(&["unit", "fmt"]), Ok(vec!["fmt", "unit"]));
        assert_eq!(names(&[]).map(|all| all.len()), Ok(STEPS.len()));
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_list() {
        let message = names(&["units"]).expect_err("no such step");
        assert!(message.starts_with("there is no step `units`; there are fmt, "), "{message}");
    }
}
