//! The form of the changelog: newest first, with an `Unreleased` section that is filled as one works.

use super::{assert_none, read};

/// The kinds of change, in the order of <https://keepachangelog.com>.
const KINDS: &[&str] = &["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

#[test]
fn the_changelog_has_its_form() {
    assert_none(&wrong(&read("CHANGELOG.md")), "CHANGELOG.md:");
}

fn wrong(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut versions = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut found = |what: String| findings.push(format!("line {}: {what}", number + 1));
        if let Some(kind) = line.strip_prefix("### ") {
            if !KINDS.contains(&kind) {
                found(format!("`{kind}` is not one of {}", KINDS.join(", ")));
            }
        } else if let Some(heading) = line.strip_prefix("## ") {
            versions.push(heading);
            if heading != "Unreleased" && !is_release(heading) {
                found(format!("`{heading}` is not `Unreleased` or `1.2.3 - 2026-01-31`"));
            }
        } else if let Some(entry) = line.strip_prefix("- ")
            && entry.starts_with(char::is_lowercase)
        {
            found("an entry is a sentence, with a capital letter".into());
        } else if line.starts_with('*') {
            found("entries begin with `- `".into());
        }
    }
    if !text.starts_with("# Changelog\n") {
        findings.push("the title is `# Changelog`".into());
    }
    if versions.first() != Some(&"Unreleased") {
        findings.push("the first section is `## Unreleased`".into());
    }
    findings
}

/// `1.2.3 - 2026-01-31`
fn is_release(heading: &str) -> bool {
    let numbers = |text: &str, separator: char, sizes: [usize; 3]| {
        let parts: Vec<_> = text.split(separator).collect();
        parts.len() == 3
            && parts.iter().zip(sizes).all(|(part, size)| {
                !part.is_empty()
                    && part.len() <= size
                    && part.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    heading.split_once(" - ").is_some_and(|(version, date)| {
        numbers(version, '.', [4, 4, 4]) && date.len() == 10 && numbers(date, '-', [4, 2, 2])
    })
}

#[test]
fn what_breaks_the_form_is_seen() {
    let good = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.1.0 - 2026-01-31\n";
    assert!(wrong(good).is_empty());
    for bad in [
        "## Unreleased\n",
        "# Changelog\n\n## 0.1.0 - 2026-01-31\n",
        "# Changelog\n\n## Unreleased\n\n### New\n",
        "# Changelog\n\n## Unreleased\n\n- small letter\n",
        "# Changelog\n\n## Unreleased\n\n## Version 2\n",
        "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 26-1-31\n",
    ] {
        assert!(!wrong(bad).is_empty(), "{bad}");
    }
}
