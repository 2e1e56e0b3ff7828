//! The simulation holds, can be repeated, and can fail.

use stoa_sim::{Mutant, Options, Report, kept_seeds, run};

/// Seeds that every test run takes, beside those that once found something.
const SEEDS: std::ops::Range<u64> = 2..12;

#[track_caller]
fn holds(seed: u64) {
    let report = run(seed, Options::default());
    assert!(
        report.wrong.is_empty(),
        "seed {seed}: {:#?}\n{}\nrepeat: cargo xtask sim --seed {seed} --trace 2000",
        report.wrong,
        report.trace.join("\n"),
    );
}

#[test]
fn seeds_hold() {
    SEEDS.for_each(holds);
}

#[test]
fn seeds_that_once_found_something_hold() {
    kept_seeds().into_iter().for_each(holds);
}

#[test]
fn a_seed_is_a_whole_run() {
    for seed in [3, 8] {
        let [first, second] = [(); 2].map(|()| run(seed, Options::default()));
        let told = |report: &Report| (report.fingerprint, report.counts, report.seconds);
        assert_eq!(told(&first), told(&second), "seed {seed}");
        assert_ne!(first.fingerprint, run(seed + 1, Options::default()).fingerprint);
    }
}

/// A simulation that finds nothing proves nothing: a server that breaks a promise is found out.
#[test]
fn a_server_that_breaks_a_promise_is_found_out() {
    for (name, mutant) in Mutant::ALL {
        let options = Options { mutant: Some(*mutant), ..Options::default() };
        // A few to each, for not every run has the trouble that shows it.
        let found = [1, 4, 5, 6, 8, 9, 10, 11]
            .into_iter()
            .find(|seed| !run(*seed, options).wrong.is_empty());
        assert!(found.is_some(), "{name}");
    }
}
