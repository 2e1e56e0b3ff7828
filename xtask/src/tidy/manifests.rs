//! What every crate's manifest and folder look like.

use super::{assert_none, files, read};

#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let workspace = read("Cargo.toml");
    assert!(
        workspace.lines().any(|line| line.trim() == r#"unsafe_code = "forbid""#),
        "the workspace's lints forbid unsafe code"
    );
    let findings: Vec<_> = files()
        .iter()
        .filter(|file| is_member(&file.path) && !takes_workspace_lints(&file.text))
        .map(|file| format!("{}: needs `[lints]` with `workspace = true`", file.path))
        .collect();
    assert_none(&findings, "manifests:");
}

#[test]
fn integration_tests_are_one_binary_for_each_crate() {
    let mut roots: Vec<(String, String)> = files()
        .iter()
        .filter_map(|file| {
            let (folder, rest) = file.path.split_once("/tests/")?;
            is_test_root(rest).then(|| (folder.to_owned(), file.path.clone()))
        })
        .collect();
    roots.sort();
    let findings: Vec<_> = roots
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|roots| roots.len() > 1)
        .flat_map(|roots| roots.iter().map(|(_, path)| path.clone()))
        .collect();
    assert_none(
        &findings,
        "each of these is linked by itself; make them modules of tests/it/main.rs:",
    );
}

#[test]
fn dependencies_are_named_in_the_workspace() {
    let findings: Vec<_> = files()
        .iter()
        .filter(|file| is_member(&file.path))
        .flat_map(|file| {
            own_versions(&file.text).into_iter().map(|line| format!("{}: {line}", file.path))
        })
        .collect();
    assert_none(
        &findings,
        "write `name.workspace = true`, the version stands in the root's Cargo.toml:",
    );
}

fn is_member(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

fn takes_workspace_lints(manifest: &str) -> bool {
    section(manifest, "lints").any(|line| line == "workspace = true")
}

/// Whether Cargo makes a test binary of this path below a crate's `tests`.
fn is_test_root(rest: &str) -> bool {
    match rest.split_once('/') {
        None => rest.ends_with(".rs"),
        Some((_, rest)) => rest == "main.rs",
    }
}

/// Lines of dependency sections that bring a version or a path of their own.
fn own_versions(manifest: &str) -> Vec<&str> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .flat_map(|name| section(manifest, name))
        .filter(|line| line.contains('=') && !line.contains("workspace = true"))
        // A crate may name itself, to switch its features on in its own tests.
        .filter(|line| !line.contains("path = \".\""))
        .collect()
}

/// The lines of a section, without blank ones and comments.
fn section<'a>(manifest: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("[{name}]");
    manifest
        .lines()
        .map(str::trim)
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn sections_are_told_apart() {
    let manifest = "[lints]\nworkspace = true\n\n[dependencies]\na.workspace = true\nb = \"1\"\n";
    assert!(takes_workspace_lints(manifest));
    assert!(!takes_workspace_lints("[lints]\n[other]\nworkspace = true\n"));
    assert_eq!(own_versions(manifest), ["b = \"1\""]);
}

#[test]
fn test_roots_are_what_cargo_takes_for_one() {
    assert!(is_test_root("it/main.rs") && is_test_root("alone.rs"));
    assert!(!is_test_root("it/other.rs") && !is_test_root("vectors/tokens.json"));
}
