//! Every setting of the server stands in the operator's manual. The page is written by a test of `stoa`;
//! this one needs no server to see that it is whole.

use super::{assert_none, read};

/// Where settings are defined: the fields of `struct Settings`.
const SOURCE: &str = "crates/stoa/src/config/settings.rs";
/// The manual, with a row for each.
const PAGE: &str = "docs/configuration.md";

#[test]
fn every_setting_is_in_the_manual() {
    let (source, page) = (read(SOURCE), read(PAGE));
    let defined = defined(&source);
    assert!(!defined.is_empty(), "{SOURCE} has no `struct Settings` any more");
    let listed = listed(&page);
    let missing =
        defined.iter().filter(|name| !listed.contains(name)).map(|name| format!("- {name}"));
    let gone = listed.iter().filter(|name| !defined.contains(name)).map(|name| format!("+ {name}"));
    assert_none(
        &missing.chain(gone).collect::<Vec<_>>(),
        &format!("settings that {PAGE} lacks (-) or invents (+):"),
    );
}

/// The names of the fields, as they are spelled in the file.
fn defined(source: &str) -> Vec<String> {
    source
        .lines()
        .skip_while(|line| *line != "pub struct Settings {")
        .take_while(|line| *line != "}")
        .filter_map(|line| {
            Some(line.strip_prefix("    pub ")?.split_once(':')?.0.replace('_', "-"))
        })
        .collect()
}

/// The names in the table of settings.
fn listed(page: &str) -> Vec<String> {
    page.lines()
        .skip_while(|line| !line.starts_with("| setting |"))
        .skip(2)
        .map_while(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn both_sides_are_read() {
    assert_eq!(
        defined("pub struct Settings {\n    /// Doc.\n    pub log_level: Option<u8>,\n}\n"),
        ["log-level"]
    );
    assert_eq!(
        listed("| setting | x |\n| --- | --- |\n| `log-level` | y |\n\n| `no` |"),
        ["log-level"]
    );
}
