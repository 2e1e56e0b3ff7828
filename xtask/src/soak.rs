//! `cargo xtask soak`: builds the server and the program that sets faults upon it, and lets it.

use crate::args::SoakOptions;
use crate::process::{cargo, command, root, run as execute};
use crate::{setup, steps};

/// The seed of the step in `cargo xtask test`: the same choices every time.
const SEED: &str = "20261121";

/// `cargo xtask soak`.
pub(crate) fn run(options: &SoakOptions) -> Result<(), String> {
    let packages = ["stoa", "stoa-soak"];
    if options.release {
        setup::compiler()?;
        let packages = packages.iter().flat_map(|package| ["--package", package]);
        execute(command(cargo(), &["build", "--locked", "--release"]).args(packages))?;
    } else {
        steps::programs(&packages)?;
    }
    let folder = root().join("target").join(if options.release { "release" } else { "debug" });
    let mut soak = command(folder.join("stoa-soak"), &[]);
    soak.arg("--server").arg(folder.join("stoa"));
    match setup::faketime() {
        Some(library) => {
            soak.arg("--faketime").arg(library);
        }
        None => println!("libfaketime is not here: no clock will jump"),
    }
    execute(soak.args(&options.more))
}

/// The step of `cargo xtask test`.
pub(crate) fn step() -> Result<(), String> {
    let more = ["--short", "--seed", SEED].map(str::to_owned).into();
    run(&SoakOptions { release: false, more })
}
