//! Every test that the documentation names as evidence exists, and is a test.
//!
//! Such a name is `path/to/file.rs::name_of_the_test` between backticks.

use super::{assert_none, files};

#[test]
fn the_tests_that_pages_name_exist() {
    let files = files();
    let source = |path: &str| files.iter().find(|file| file.path == path);
    let mut seen = 0;
    let mut findings = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        for quoted in page.text.split('`').skip(1).step_by(2) {
            let Some((path, name)) = quoted.split_once(".rs::") else { continue };
            if !path.contains('/') || name.contains("::") {
                continue;
            }
            seen += 1;
            let found =
                source(&format!("{path}.rs")).is_some_and(|file| has_test(&file.text, name));
            if !found {
                findings.push(format!("{}: {quoted}", page.path));
            }
        }
    }
    assert!(seen > 0, "docs/security.md names tests");
    assert_none(&findings, "named as evidence, but no such test:");
}

/// Whether `source` has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let mut attribute = false;
    let mut block = false;
    for line in source.lines().map(str::trim) {
        block |= line.starts_with("proptest!");
        if line.starts_with("#[") && line.contains("test") {
            attribute = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let named = rest.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<']));
            if named && (attribute || block) {
                return true;
            }
            attribute = false;
        }
    }
    false
}

#[test]
fn a_function_is_not_a_test() {
    let source = "#[test]\nfn checks() {}\nfn helps() {}\n#[tokio::test(flavor = \"x\")]\nasync fn waits() {}";
    assert!(has_test(source, "checks") && has_test(source, "waits"));
    assert!(!has_test(source, "helps") && !has_test(source, "check"));
}
