//! Which packages of others we use, from `cargo metadata` and from npm's lock file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::metadata::{linked, list, metadata, parse, text};
use crate::process::root;

/// What a package is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// Linked into the `stoa` binary.
    Binary,
    /// Runs only while building or testing.
    Tools,
    /// An npm package that is built into the demo page, which is in the binary too.
    Page,
    /// An npm package that builds and tests the demo page.
    PageTools,
    /// An npm package of `conformance/`.
    Conformance,
}

/// A package of somebody else.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression of its manifest; empty when it has none.
    pub(crate) licence: String,
    pub(crate) used_for: Use,
    /// The folder with its sources, where there is one.
    pub(crate) folder: Option<PathBuf>,
}

/// All packages of others, sorted by use, name and version.
pub(crate) fn all() -> Result<Vec<Package>, String> {
    let mut packages = crates(&metadata()?)?;
    for (folder, shipped, tools) in
        [("web", Use::Page, Use::PageTools), ("conformance", Use::Conformance, Use::Conformance)]
    {
        let path = format!("{folder}/package-lock.json");
        let lock = std::fs::read_to_string(root().join(&path))
            .map_err(|error| format!("cannot read {path}: {error}"))?;
        packages.extend(npm(&path, &parse(&path, &lock)?, shipped, tools)?);
    }
    packages
        .sort_by(|a, b| (a.used_for, &a.name, &a.version).cmp(&(b.used_for, &b.name, &b.version)));
    Ok(packages)
}

fn crates(metadata: &Value) -> Result<Vec<Package>, String> {
    let members: BTreeSet<String> = list(metadata, "/workspace_members")?
        .iter()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let resolved: BTreeSet<String> = list(metadata, "/resolve/nodes")?
        .iter()
        .map(|node| text(node, "id"))
        .collect::<Result<_, _>>()?;
    let packages = list(metadata, "/packages")?;
    let binary = packages
        .iter()
        .find(|package| package["name"] == "stoa")
        .ok_or("the workspace has no package `stoa`")?;
    let linked = linked(metadata, &text(binary, "id")?)?;
    packages
        .iter()
        .filter_map(|package| {
            let id = package["id"].as_str().unwrap_or_default();
            (!members.contains(id) && resolved.contains(id)).then(|| {
                let manifest = PathBuf::from(text(package, "manifest_path")?);
                Ok(Package {
                    name: text(package, "name")?,
                    version: text(package, "version")?,
                    licence: package["license"].as_str().unwrap_or_default().to_owned(),
                    used_for: if linked.contains(id) { Use::Binary } else { Use::Tools },
                    folder: manifest.parent().map(ToOwned::to_owned),
                })
            })
        })
        .collect()
}

/// The packages of npm's lock file at `path`: those that are `shipped`, and the `tools`, which it
/// marks as needed for development only.
fn npm(path: &str, lock: &Value, shipped: Use, tools: Use) -> Result<Vec<Package>, String> {
    let packages = lock["packages"]
        .as_object()
        .ok_or_else(|| format!("{path} has no `packages`; write it with npm 9 or newer"))?;
    packages
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, package)| {
            let name = path.rsplit("node_modules/").next().unwrap_or(path);
            let is_tool = package["dev"] == true || package["devOptional"] == true;
            Ok(Package {
                name: name.to_owned(),
                version: text(package, "version")?,
                licence: package["license"].as_str().unwrap_or_default().to_owned(),
                used_for: if is_tool { tools } else { shipped },
                folder: None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `stoa` uses `a`, `a` uses `b`; `t` is used for tests and `c` to build.
    fn small() -> Value {
        let dep = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let package = |id: &str| {
            json!({"id": id, "name": id, "version": "1.0.0", "license": "MIT",
                "manifest_path": format!("{id}/Cargo.toml")})
        };
        json!({
            "workspace_members": ["stoa"],
            "packages": [package("stoa"), package("a"), package("b"), package("t"), package("c"),
                package("elsewhere")],
            "resolve": {"nodes": [
                {"id": "stoa", "deps": [dep("a", json!(null)), dep("t", json!("dev")),
                    dep("c", json!("build"))]},
                {"id": "a", "deps": [dep("b", json!(null))]},
                {"id": "b", "deps": []}, {"id": "t", "deps": []}, {"id": "c", "deps": []},
            ]},
        })
    }

    #[test]
    fn what_is_linked_is_told_from_what_builds_and_tests() {
        let found: Vec<_> = crates(&small())
            .expect("well-formed")
            .into_iter()
            .map(|package| (package.name, package.used_for))
            .collect();
        let expected =
            [("a", Use::Binary), ("b", Use::Binary), ("t", Use::Tools), ("c", Use::Tools)];
        assert_eq!(found, expected.map(|(name, used_for)| (name.to_owned(), used_for)));
    }

    #[test]
    fn npm_packages_are_named_without_their_path() {
        let lock = json!({"packages": {
            "": {"name": "ours"},
            "node_modules/a/node_modules/@x/b": {"version": "2.0.0", "license": "ISC"},
            "node_modules/c": {"version": "1.0.0", "license": "MIT", "dev": true},
        }});
        let found = npm("x", &lock, Use::Page, Use::PageTools).expect("well-formed");
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.used_for)).collect();
        assert_eq!(found, [("@x/b", Use::Page), ("c", Use::PageTools)]);
    }
}
