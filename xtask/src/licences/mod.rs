//! The licences of everything that is not ours.
//!
//! Each dependency's licence must be satisfiable with the [`ALLOWED`] ones, and `docs/third-party.md`
//! must list what is used. The page is rewritten by `cargo xtask licences --update`.

mod expression;
mod packages;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::args::LicenceOptions;
use crate::metadata::PLATFORM;
use crate::process::root;
use packages::{Package, Use};

/// Licences under which code may come into this project: permissive ones, and MPL-2.0, whose
/// duties end at the files it covers.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The page that lists the packages.
const PAGE: &str = "docs/third-party.md";

/// `cargo xtask licences`.
pub(crate) fn run(options: &LicenceOptions) -> Result<(), String> {
    check(options.update)?;
    match &options.texts {
        Some(file) => texts::write(file, &packages::all()?),
        None => Ok(()),
    }
}

/// Checks every licence and that the page is true; with `update` the page is written instead.
pub(crate) fn check(update: bool) -> Result<(), String> {
    let packages = packages::all()?;
    let refused = refused(&packages);
    if !refused.is_empty() {
        return Err(format!("licences that are not allowed:\n  {}", refused.join("\n  ")));
    }
    let path = root().join(PAGE);
    let page = page(&packages);
    if std::fs::read_to_string(&path).is_ok_and(|present| present == page) {
        println!("{} packages, each under an allowed licence", packages.len());
        return Ok(());
    }
    if !update {
        return Err(format!(
            "{PAGE} is not what the lock files say; `cargo xtask licences --update` rewrites it"
        ));
    }
    std::fs::write(&path, page).map_err(|error| format!("cannot write {PAGE}: {error}"))?;
    println!("{PAGE} rewritten");
    Ok(())
}

/// A line for each package whose licence does not fit.
fn refused(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter_map(|package| {
            let reason = match expression::satisfied(&package.licence, ALLOWED) {
                Ok(true) => return None,
                Ok(false) => package.licence.clone(),
                Err(_) if package.licence.is_empty() => "no licence named".to_owned(),
                Err(error) => error,
            };
            Some(format!("{} {}: {reason}", package.name, package.version))
        })
        .collect()
}

fn page(packages: &[Package]) -> String {
    let mut page = format!(
        "# Third-party software\n\n\
         Written by `cargo xtask licences --update` from `Cargo.lock` (as it is built for\n\
         {PLATFORM}), `web/package-lock.json` and `conformance/package-lock.json`; a test fails when it\n\
         has drifted.\n\
         Versions are in the lock files. `cargo xtask licences --texts FILE` gathers the full licence\n\
         texts that belong beside a released binary.\n"
    );
    for (used_for, heading, about) in [
        (Use::Binary, "In the binary", "Linked into `stoa`."),
        (
            Use::Page,
            "In the demo page",
            "npm packages of `web/` that are built into the page, which `stoa` serves with\n\
             `serve --demo`. Their full texts are at `/third-party.txt` there.",
        ),
        (Use::Tools, "For building and testing", "Rust packages that are not part of the binary."),
        (
            Use::PageTools,
            "For building the demo page",
            "npm packages of `web/` that are not part of the page.",
        ),
        (
            Use::Conformance,
            "For the conformance run",
            "npm packages of `conformance/`, never shipped.",
        ),
    ] {
        let mut rows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for package in packages.iter().filter(|package| package.used_for == used_for) {
            rows.entry(&package.name).or_default().insert(&package.licence);
        }
        let _ = write!(page, "\n## {heading}\n\n{about}\n\n| package | licence |\n| --- | --- |\n");
        for (name, licences) in rows {
            let licences: Vec<_> = licences.into_iter().collect();
            let _ = writeln!(page, "| {name} | {} |", licences.join("; "));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_is_allowed_and_listed() {
        if let Err(wrong) = check(std::env::var_os("UPDATE").is_some()) {
            panic!("{wrong}");
        }
    }

    #[test]
    fn a_foreign_licence_and_a_missing_one_are_told_apart() {
        let package = |name: &str, licence: &str| Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            used_for: Use::Binary,
            folder: None,
        };
        let packages = [
            package("good", "MIT OR Apache-2.0"),
            package("bad", "GPL-3.0-only"),
            package("none", ""),
        ];
        assert_eq!(refused(&packages), ["bad 1.0.0: GPL-3.0-only", "none 1.0.0: no licence named"]);
    }
}
