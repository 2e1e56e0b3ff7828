//! House rules that a program can check, as tests: `cargo test -p xtask`.
//!
//! Each module is one rule over the real tree, with small tests of its own that the rule does see
//! what it forbids. The failure says where and what to do.

mod changelog;
mod conformance;
mod edges;
mod evidence;
mod links;
mod manifests;
mod outbound;
mod settings;
mod sources;

use crate::process::{command, output, root};

/// A text file of the repository.
struct File {
    /// Its path from the root, with `/`.
    path: String,
    text: String,
}

/// The path of every file that is tracked or would be (new, not ignored), sorted.
fn tracked() -> Vec<String> {
    let listed = output(&mut command(
        "git",
        &["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    ))
    .expect("tidy looks at what git tracks, so git and a clone are needed");
    let mut paths: Vec<_> =
        listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Every text file among them.
fn files() -> Vec<File> {
    // What cannot be read as text is binary, or deleted and not yet committed.
    let read = |path: String| {
        let text = std::fs::read_to_string(root().join(&path)).ok()?;
        Some(File { path, text })
    };
    tracked().into_iter().filter_map(read).collect()
}

/// The text of one file that must be there.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with all findings, one a line.
#[track_caller]
fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}
