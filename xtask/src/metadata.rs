//! The dependency graph, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::process::{cargo, command, output};

/// Where the released binary runs. Packages for other systems only are not in it, and are not
/// fetched to be looked at.
pub(crate) const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// `cargo metadata` of this workspace for [`PLATFORM`].
pub(crate) fn metadata() -> Result<Value, String> {
    let arguments =
        ["metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM];
    parse("cargo metadata", &output(&mut command(cargo(), &arguments))?)
}

/// JSON from text; `what` is named when it is none.
pub(crate) fn parse(what: &str, text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{what} is not JSON: {error}"))
}

/// Everything that the `stoa` binary links: its normal dependencies and theirs, as package ids.
pub(crate) fn linked(metadata: &Value, from: &str) -> Result<BTreeSet<String>, String> {
    let edges = normal_edges(metadata)?;
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(id) = waiting.pop() {
        if seen.insert(id.clone()) {
            waiting.extend(edges.get(&id).into_iter().flatten().cloned());
        }
    }
    Ok(seen)
}

/// For each package id, the ids of its normal dependencies (not those for building or testing).
fn normal_edges(metadata: &Value) -> Result<BTreeMap<String, Vec<String>>, String> {
    list(metadata, "/resolve/nodes")?
        .iter()
        .map(|node| {
            let normal = list(node, "/deps")?
                .iter()
                .filter(|dep| {
                    dep["dep_kinds"]
                        .as_array()
                        .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
                })
                .map(|dep| text(dep, "pkg"))
                .collect::<Result<_, _>>()?;
            Ok((text(node, "id")?, normal))
        })
        .collect()
}

/// The list at `pointer`, or a sentence that it is not there.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a Vec<Value>, String> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .ok_or_else(|| format!("cargo metadata has no list {pointer}"))
}

/// The text of `field`, or a sentence that it is not there.
pub(crate) fn text(value: &Value, field: &str) -> Result<String, String> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| format!("there is no text `{field}`"))
}
