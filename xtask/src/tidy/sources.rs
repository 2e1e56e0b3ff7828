//! What may not stand in any file, and how long a source file may be.

use super::{File, assert_none, files};
use crate::process::root;

/// The most lines of one Rust file. A longer one is two subjects.
const MOST_LINES: usize = 700;

/// Words that mark unfinished work, in halves so that this file does not contain them.
const MARKERS: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[ign", "ore"),
    ("FIX", "ME"),
    ("XX", "X"),
    (".on", "ly("),
    (".sk", "ip(\""),
];

/// Files in which a marker is looked for.
const CODE: &[&str] = &[".rs", ".js", ".mjs", ".ts", ".tsx", ".sh"];

#[test]
fn files_are_short() {
    let findings: Vec<_> = files()
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&findings, &format!("Rust files have at most {MOST_LINES} lines; split them:"));
}

#[test]
fn nothing_is_left_unfinished() {
    let findings: Vec<_> = files()
        .iter()
        .filter(|file| CODE.iter().any(|end| file.path.ends_with(end)))
        .flat_map(markers)
        .collect();
    assert_none(&findings, "unfinished or skipped:");
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let above =
        root().parent().map(|dir| format!("{}/", dir.display())).filter(|dir| dir.len() > 2);
    let home = std::env::var("HOME").ok().filter(|dir| dir.len() > 2).map(|dir| format!("{dir}/"));
    let mut places: Vec<String> = ["home", "Users"].map(|dir| format!("/{dir}/")).into();
    places.extend(above);
    places.extend(home);
    let findings: Vec<_> = files().iter().flat_map(|file| mentions(file, &places)).collect();
    assert_none(&findings, "paths of a machine:");
}

fn markers(file: &File) -> Vec<String> {
    let words: Vec<_> = MARKERS.iter().map(|(start, end)| format!("{start}{end}")).collect();
    mentions(file, &words)
}

fn mentions(file: &File, words: &[String]) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(number, line)| {
            let word = words.iter().find(|word| line.contains(word.as_str()))?;
            Some(format!("{}:{}: {word}", file.path, number + 1))
        })
        .collect()
}

#[test]
fn a_marker_is_found_with_its_line() {
    let marker = format!("{}{}", MARKERS[0].0, MARKERS[0].1);
    let file = File { path: "a.rs".into(), text: format!("fn a() {{\n    {marker});\n}}") };
    assert_eq!(markers(&file), [format!("a.rs:2: {marker}")]);
}
