//! Crates use only crates below them, as the table in `docs/architecture.md` says.
//!
//! The table is the rule: a row for each crate, from the top of the map down, with the crates that
//! it may use. A new edge is a new word in that table, which is where it is discussed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{assert_none, read};
use crate::metadata::{list, metadata, text};

/// The page with the table.
const PAGE: &str = "docs/architecture.md";

/// One row of the table.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    /// `None` stands for everything below.
    may_use: Option<BTreeSet<String>>,
}

/// A dependency from one of our crates on another.
#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    /// Only for its tests.
    for_tests: bool,
}

#[test]
fn crate_edges_point_downwards() {
    let rows = table(&read(PAGE));
    let metadata = metadata().expect("cargo metadata");
    let mut findings = incomplete(&rows, &members(&metadata));
    findings.extend(upward(&rows));
    findings.extend(edges(&metadata).iter().filter_map(|edge| forbidden(&rows, edge)));
    assert_none(&findings, &format!("the crates and the table in {PAGE}:"));
}

/// The rows of the table whose heading begins with `crate`.
fn table(page: &str) -> Vec<Row> {
    page.lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (first, last) = (cells.first()?, cells.last()?);
            let may_use = match *last {
                "everything below" => None,
                "-" => Some(BTreeSet::new()),
                names => Some(names.split(',').map(|name| name.trim().to_owned()).collect()),
            };
            Some(Row { name: first.trim_matches('`').to_owned(), may_use })
        })
        .collect()
}

/// Crates without a row and rows without a crate.
fn incomplete(rows: &[Row], members: &BTreeSet<String>) -> Vec<String> {
    let named: BTreeSet<_> = rows.iter().map(|row| row.name.clone()).collect();
    let missing = members.difference(&named).map(|name| format!("`{name}` has no row"));
    let gone = named.difference(members).map(|name| format!("there is no crate `{name}`"));
    missing.chain(gone).collect()
}

/// Rows that allow a crate above themselves.
fn upward(rows: &[Row]) -> Vec<String> {
    let place = |name: &str| rows.iter().position(|row| row.name == name);
    rows.iter()
        .enumerate()
        .flat_map(|(own, row)| row.may_use.iter().flatten().map(move |used| (own, row, used)))
        .filter(|(own, _, used)| place(used).is_none_or(|place| place <= *own))
        .map(|(_, row, used)| format!("`{}` may not be allowed `{used}`: not below it", row.name))
        .collect()
}

/// What is wrong with an edge: not in the table; or, for tests, upwards.
fn forbidden(rows: &[Row], edge: &Edge) -> Option<String> {
    let place = |name: &str| rows.iter().position(|row| row.name == name);
    let (from, to) = (place(&edge.from)?, place(&edge.to)?);
    let allowed = match &rows[from].may_use {
        None => to > from,
        Some(_) if edge.for_tests => to > from,
        Some(names) => names.contains(&edge.to),
    };
    (!allowed).then(|| {
        let purpose = if edge.for_tests { " for its tests" } else { "" };
        format!("`{}` uses `{}`{purpose}", edge.from, edge.to)
    })
}

fn members(metadata: &Value) -> BTreeSet<String> {
    ours(metadata).iter().map(|package| short(package)).collect()
}

/// The packages of this workspace: those that come from no registry.
fn ours(metadata: &Value) -> Vec<&Value> {
    let packages = list(metadata, "/packages").expect("packages");
    packages.iter().filter(|package| package["source"].is_null()).collect()
}

fn short(package: &Value) -> String {
    let name = text(package, "name").expect("a name");
    name.strip_prefix("stoa-").unwrap_or(&name).to_owned()
}

fn edges(metadata: &Value) -> Vec<Edge> {
    let mut edges = Vec::new();
    for package in ours(metadata) {
        for dependency in list(package, "/dependencies").expect("dependencies") {
            // A crate may name itself to switch a feature on in its own tests.
            let (from, to) = (short(package), short(dependency));
            if !dependency["path"].is_null() && from != to {
                edges.push(Edge { from, to, for_tests: dependency["kind"] == "dev" });
            }
        }
    }
    edges
}

#[test]
fn an_edge_upwards_is_seen() {
    let rows = table(
        "| crate | what | may use |\n| --- | --- | --- |\n| `stoa` | the binary | everything below |\n\
         | `chat` | rules | core |\n| `core` | words | - |\n",
    );
    let edge =
        |from: &str, to: &str, for_tests| Edge { from: from.into(), to: to.into(), for_tests };
    assert_eq!(forbidden(&rows, &edge("stoa", "core", false)), None);
    assert_eq!(forbidden(&rows, &edge("chat", "core", false)), None);
    assert_eq!(
        forbidden(&rows, &edge("core", "chat", true)),
        Some("`core` uses `chat` for its tests".into())
    );
    assert_eq!(forbidden(&rows, &edge("core", "stoa", false)), Some("`core` uses `stoa`".into()));
    assert!(upward(&rows).is_empty());
}

#[test]
fn a_table_that_allows_an_edge_upwards_is_refused() {
    let rows = table("| crate | may use |\n| --- | --- |\n| `core` | chat |\n");
    assert_eq!(upward(&rows).len(), 1);
    let members = ["core".to_owned(), "seal".to_owned()].into();
    assert_eq!(incomplete(&rows, &members), ["`seal` has no row"]);
}
