//! What of the conformance list of class rooms is shown, and by which test: `docs/classroom-conformance.md`, written
//! from the names of tests. A test carries its numbers in its name: `c073_c074_…`, in scripts `C073, C074: …`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{File, assert_none, files};
use crate::process::root;

/// The page.
const PAGE: &str = "docs/classroom-conformance.md";
/// The numbers go from 1 to this one.
const LAST: u16 = 221;

/// What is not served, on purpose: the calls say so.
const OFF: &[(&[u16], &str)] = &[
    (&[46, 47, 48, 49, 50, 51], "recording"),
    (&[105], "pages of the whiteboard"),
    (&[123], "several screens at once"),
    (&[124], "remote control"),
    (&[126, 127, 128, 129, 130, 131, 132], "files"),
    (&[160], "events of recording"),
    (&[161], "events of files"),
];

/// What is to come, and with what; a number that a test shows has come.
const LATER: &[(&[u16], &str)] = &[
    (&[4], "media"),
    (&[144], "media"),
    (&[175, 176, 177], "storage of an app's own"),
    (&[178, 179, 180, 181, 182, 183, 184, 185, 186], "recording"),
    (&[197], "files and recording"),
    (
        &[200, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 213, 214, 215, 216],
        "the rest of the page of a class, and cases of its own for what is there",
    ),
    (&[219, 220], "tokens of class rooms from the token server"),
];

/// What goes in through every door is found nowhere.
const CANARY: &str =
    "crates/stoa/tests/it/canary/mod.rs::ten_thousand_strings_through_every_door_are_found_nowhere";

/// Tests that show something and carry no number in their names.
const SHOWN: &[(u16, &str)] = &[
    (5, "crates/gateway/tests/it/net/hostile.rs::garbage_instead_of_tls_is_answered_with_an_alert"),
    (
        6,
        "crates/stoa/tests/it/demo.rs::clients_are_served_over_tls_1_2_and_1_3_under_its_names_only",
    ),
    (198, CANARY),
    (198, "crates/chat/tests/it/retention.rs::monitoring_and_revocations_end_with_their_days_too"),
    (199, CANARY),
];

fn state_of(table: &[(&[u16], &'static str)], number: u16) -> Option<&'static str> {
    table.iter().find(|(numbers, _)| numbers.contains(&number)).map(|(_, why)| *why)
}

/// The numbers at the beginning of a test's name.
fn numbers(name: &str) -> Vec<u16> {
    let number = |part: &str| {
        let digits = part.strip_prefix('c').filter(|digits| digits.len() == 3)?;
        digits.parse().ok()
    };
    name.split('_').map_while(number).collect()
}

/// The tests of a file that carry numbers.
fn tests(file: &File) -> Vec<(Vec<u16>, String)> {
    let (mut is_test, mut block, mut found) = (false, false, Vec::new());
    for line in file.text.lines().map(str::trim) {
        block |= line.starts_with("proptest!");
        is_test |= line.starts_with("#[") && line.contains("test");
        let Some((_, rest)) = line.split_once("fn ") else { continue };
        let name = rest.split(['(', '<']).next().unwrap_or_default();
        let carried = numbers(name);
        if (is_test || block) && !carried.is_empty() {
            found.push((carried, format!("{}::{name}", file.path)));
        }
        is_test = false;
    }
    found
}

/// The numbers at the beginning of the name of a script's test, which end with a colon.
fn named_numbers(name: &str) -> Option<Vec<u16>> {
    let (numbers, _) = name.split_once(':')?;
    let number = |part: &str| {
        let digits = part.strip_prefix('C').filter(|digits| digits.len() == 3)?;
        digits.parse().ok()
    };
    numbers.split(", ").map(number).collect()
}

/// The tests of a script that carry numbers.
fn script_tests(file: &File) -> Vec<(Vec<u16>, String)> {
    let names = file.text.lines().filter_map(|line| {
        let line = line.trim();
        let is_test = line.starts_with("test(")
            || line.starts_with("test.each(")
            || line.starts_with("name: '");
        let (_, rest) = line.split_once("'C").filter(|_| is_test)?;
        let name = format!("C{}", rest.split('\'').next()?);
        Some((named_numbers(&name)?, name))
    });
    names.map(|(numbers, name)| (numbers, format!("{}: {name}", file.path))).collect()
}

fn is_script_of_tests(path: &str) -> bool {
    path.starts_with("web/") && path.ends_with(".test.ts")
        || path.starts_with("conformance/tests/") && path.ends_with(".js")
}

/// Which tests show each number.
fn shown(files: &[File]) -> BTreeMap<u16, BTreeSet<String>> {
    let sources =
        files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs"));
    let mut shown: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    let scripts = files.iter().filter(|file| is_script_of_tests(&file.path));
    for (numbers, test) in sources.flat_map(tests).chain(scripts.flat_map(script_tests)) {
        for number in numbers {
            shown.entry(number).or_default().insert(test.clone());
        }
    }
    for (number, test) in SHOWN {
        shown.entry(*number).or_default().insert((*test).to_owned());
    }
    shown
}

fn page(shown: &BTreeMap<u16, BTreeSet<String>>) -> String {
    let mut rows = String::new();
    let mut counts = [0_u16; 3];
    for number in 1..=LAST {
        let tests = shown.get(&number).into_iter().flatten();
        let tests: Vec<String> = tests.map(|test| format!("`{test}`")).collect();
        let (count, state, by) = match (state_of(OFF, number), state_of(LATER, number)) {
            (Some(what), _) => (1, "off", format!("{what}: {}", tests.join(", "))),
            (None, Some(what)) if tests.is_empty() => (2, "later", format!("with {what}")),
            (None, _) => (0, "pass", tests.join(", ")),
        };
        counts[count] += 1;
        let _ = writeln!(rows, "| C{number:03} | {state} | {by} |");
    }
    let [pass, off, later] = counts;
    format!(
        "# Conformance of class rooms\n\n\
         The {LAST} numbers of the conformance list of the classroom specification, and which test shows each. A test \
         carries its numbers in its name. *Off* is refused by a clear answer, which a test shows; *later* comes with \
         what is named. `cargo test -p xtask` writes this page with `UPDATE=1`, and fails when a number has no state.\n\n\
         | state | numbers |\n| --- | ---: |\n| pass | {pass} |\n| off | {off} |\n| later | {later} |\n\n\
         | number | state | shown by, or with what it comes |\n| --- | --- | --- |\n{rows}"
    )
}

#[test]
fn every_number_of_the_conformance_list_has_one_state() {
    let shown = shown(&files());
    let mut findings = Vec::new();
    for number in 1..=LAST {
        let (off, later) = (state_of(OFF, number), state_of(LATER, number));
        let has_test = shown.contains_key(&number);
        match (off, later, has_test) {
            (None, _, true) | (Some(_), None, true) | (None, Some(_), false) => {}
            (None, None, false) => {
                findings.push(format!("C{number:03}: no test, not off, not later"));
            }
            (Some(_), None, false) => {
                findings.push(format!("C{number:03}: off, and no test says so"));
            }
            (Some(_), Some(_), _) => findings.push(format!("C{number:03}: off and later")),
        }
    }
    findings.extend(
        shown.keys().filter(|number| **number > LAST).map(|n| format!("C{n:03}: not in the list")),
    );
    assert_none(&findings, "numbers of the conformance list of class rooms:");
}

#[test]
fn the_page_of_conformance_is_what_the_tests_say() {
    let (path, page) = (root().join(PAGE), page(&shown(&files())));
    if std::fs::read_to_string(&path).is_ok_and(|present| present == page) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "{PAGE} has drifted from the tests; `UPDATE=1 cargo test -p xtask` rewrites it"
    );
    std::fs::write(path, page).expect("the page can be written");
}

#[test]
fn numbers_stand_at_the_beginning_of_a_tests_name() {
    assert_eq!(numbers("c073_c074_on_stage"), [73, 74]);
    assert_eq!(numbers("c07_on_stage"), [0_u16; 0]);
    assert_eq!(numbers("on_c073_stage"), [0_u16; 0]);
    let file = File {
        path: "crates/x.rs".into(),
        text: "fn c001_helps() {}\n#[test]\nfn c002_shows() {}\n".into(),
    };
    assert_eq!(tests(&file), [(vec![2], "crates/x.rs::c002_shows".into())]);
    assert_eq!(named_numbers("C201, C202: where calls go"), Some(vec![201, 202]));
    assert_eq!(named_numbers("C20: where calls go"), None);
    let text = "// 'C001: no'\ntest('C002: shows', () => {\n  name: 'C003, C004: shows',\n";
    let file = File { path: "web/x.test.ts".into(), text: text.into() };
    let expected = [(vec![2], "C002: shows"), (vec![3, 4], "C003, C004: shows")];
    assert_eq!(
        script_tests(&file),
        expected.map(|(numbers, name)| (numbers, format!("web/x.test.ts: {name}")))
    );
}
