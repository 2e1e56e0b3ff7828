//! Every path and heading that the documentation names exists.
//!
//! Looked at are Markdown links to files, paths between backticks that begin with a folder of this
//! repository, and `docs/….md` in comments of the code.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use super::{File, assert_none, files, tracked};
use crate::process::root;

#[test]
fn what_the_documentation_names_exists() {
    let files = files();
    let findings: Vec<_> = files
        .iter()
        .flat_map(|file| match Path::new(&file.path).extension()?.to_str()? {
            "md" => Some([links(file), paths(file)].concat()),
            "rs" => Some(pages(file)),
            _ => None,
        })
        .flatten()
        .collect();
    assert_none(&findings, "named, but not there:");
}

/// Markdown links to files of ours, and to headings in them.
fn links(file: &File) -> Vec<String> {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .filter(|target| {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { file.path.clone().into() } else { folder.join(path) };
            !exists(&path) || !(heading.is_empty() || has_heading(&path, heading))
        })
        .map(|target| format!("{}: {target}", file.path))
        .collect()
}

/// Paths between backticks, from the root of the repository.
fn paths(file: &File) -> Vec<String> {
    let tops = tops();
    file.text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|quoted| is_path(quoted, &tops) && !exists(Path::new(quoted)))
        .map(|quoted| format!("{}: {quoted}", file.path))
        .collect()
}

/// `docs/….md` in the code.
fn pages(file: &File) -> Vec<String> {
    let starts = file.text.match_indices("docs/").map(|(at, _)| &file.text[at..]);
    starts
        .filter_map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c)));
            let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
            (path.ends_with(".md") && !exists(Path::new(path)))
                .then(|| format!("{}: {path}", file.path))
        })
        .collect()
}

/// The names at the top of the repository that a path can begin with.
fn tops() -> BTreeSet<String> {
    let names = files().into_iter().filter_map(|file| {
        let (top, _) = file.path.split_once('/')?;
        Some(top.to_owned())
    });
    names.collect()
}

fn is_path(quoted: &str, tops: &BTreeSet<String>) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    quoted.chars().all(plain) && quoted.split_once('/').is_some_and(|(top, _)| tops.contains(top))
}

/// Whether the path leads to something of the repository: what is built or installed beside it does
/// not count, since a fresh clone has none of that.
fn exists(path: &Path) -> bool {
    static TRACKED: LazyLock<Vec<String>> = LazyLock::new(tracked);

    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir if plain.pop() => {}
            Component::CurDir => {}
            _ => return false,
        }
    }
    // A folder is there with the first file in it; `root` itself with any.
    let plain = plain.to_string_lossy();
    let from = TRACKED.partition_point(|path| path.as_str() < &*plain);
    TRACKED[from..].iter().take_while(|path| path.starts_with(&*plain)).any(|path| {
        plain.is_empty() || matches!(path.as_bytes().get(plain.len()), None | Some(b'/'))
    })
}

fn has_heading(path: &Path, heading: &str) -> bool {
    let page = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    page.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
}

/// The anchor that a heading gets: small letters, hyphens for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn anchors_are_made_as_readers_see_them() {
    assert_eq!(anchor("## One message, end to end"), "one-message-end-to-end");
    assert_eq!(anchor("# `chat`"), "chat");
}

#[test]
fn a_dead_link_a_dead_path_and_a_dead_page_are_seen() {
    let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
    let links_of = "[x](gone.md) [y](../README.md) [z](https://example.org/gone.md)";
    assert_eq!(links(&file("xtask/a.md", links_of)), ["xtask/a.md: gone.md"]);
    let dead = file("README.md", "`xtask/src/gone.rs` and `xtask/src/main.rs`, `either/or`, `a b`");
    assert_eq!(paths(&dead), ["README.md: xtask/src/gone.rs"]);
    let gone = ["docs/", "gone.md"].concat();
    let dead = file("a.rs", &format!("//! See `{gone}`."));
    assert_eq!(pages(&dead), [format!("a.rs: {gone}")]);
}
