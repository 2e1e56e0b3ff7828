//! Nothing in the binary can open a connection to the outside, except through `egress`.
//!
//! The crate `egress` is the only one with an HTTP client (`docs/architecture.md`); what it
//! uses is not looked at here. All others are, with everything they pull in, and so are their sources: nothing
//! in them connects to an address. What the kernel is really asked for is seen by
//! `crates/stoa/tests/it/system_calls.rs`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{File, assert_none, files};
use crate::metadata::{linked, list, metadata, text};

/// Crates that are HTTP clients.
const CLIENTS: &[&str] = &[
    "attohttpc",
    "awc",
    "curl",
    "hyper-rustls",
    "hyper-tls",
    "isahc",
    "minreq",
    "reqwest",
    "surf",
    "ureq",
    "xh",
];

/// Crates with a client behind a feature whose name begins with the second word; `full` has it too.
const CLIENT_FEATURES: &[(&str, &str)] = &[("hyper", "client"), ("hyper-util", "client")];

/// Ours that are never in the binary.
const NOT_SHIPPED: &[&str] = &["xtask", "stoa-testclient", "stoa-bench"];

/// The one crate that may.
const EGRESS: &str = "stoa-egress";

#[test]
fn only_egress_has_an_http_client() {
    let metadata = metadata().expect("cargo metadata");
    assert_none(&clients(&metadata).expect("well-formed"), "HTTP clients outside `egress`:");
}

/// What opens a connection, or finds an address to open one to.
const CONNECTS: &[&str] = &[
    "TcpStream::connect",
    "TcpSocket",
    "UdpSocket",
    "client::conn",
    "lookup_host",
    "to_socket_addrs",
    "rustix::net",
    "libc::connect",
    "Socket::new(",
];

/// Sources of the binary that may, with the reason. What is for tests alone is cut off before it is looked at.
const MAY_CONNECT: &[(&str, &str)] = &[
    ("crates/egress/", "it is the way out"),
    (
        "crates/stoa/src/doctor/ports.rs",
        "to the listeners of this machine that the configuration names",
    ),
    (
        "crates/media/src/driver/sockets.rs",
        "bound and never connected: answers go to whoever proved by ICE that it asked",
    ),
    ("crates/media/src/trial/", "tests"),
    ("crates/gateway/src/session/separation/", "tests"),
    ("crates/testclient/", "a client for tests"),
    ("crates/bench/", "not in the binary"),
    ("crates/soak/", "not in the binary"),
];

#[test]
fn no_other_source_connects_to_an_address() {
    let findings: Vec<_> = files().iter().flat_map(connections).collect();
    assert_none(&findings, "connections outside `egress`:");
}

/// Lines of a source of ours that connect.
fn connections(file: &File) -> Vec<String> {
    let path = &file.path;
    let ours = path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs");
    if !ours || MAY_CONNECT.iter().any(|(start, _)| path.starts_with(start)) {
        return Vec::new();
    }
    // Modules of tests stand at the end of a file, and those in files of their own are named so.
    if path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let shipped = file.text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    let word = |line: &str| CONNECTS.iter().find(|word| line.contains(*word));
    shipped
        .filter_map(|(number, line)| Some(format!("{path}:{}: {}", number + 1, word(line)?)))
        .collect()
}

fn clients(metadata: &Value) -> Result<Vec<String>, String> {
    let packages = list(metadata, "/packages")?;
    let binary = packages.iter().find(|package| package["name"] == "stoa").ok_or("no `stoa`")?;
    let linked = linked_without_egress(metadata, &text(binary, "id")?)?;
    let mut findings = BTreeSet::new();
    for package in packages {
        let name = text(package, "name")?;
        if !linked.contains(&text(package, "id")?) {
            continue;
        }
        if CLIENTS.contains(&name.as_str()) {
            findings.insert(format!("`{name}` is linked into the binary"));
        }
        if NOT_SHIPPED.contains(&name.as_str()) {
            findings.insert(format!("`{name}` is for tests, but linked into the binary"));
        }
        for dependency in list(package, "/dependencies")? {
            if dependency["kind"].is_null() && !dependency["optional"].as_bool().unwrap_or(false) {
                findings
                    .extend(client_feature(dependency).map(|what| format!("`{name}` uses {what}")));
            }
        }
    }
    Ok(findings.into_iter().collect())
}

/// What `stoa` links, seen with `egress` cut out of the graph.
fn linked_without_egress(metadata: &Value, from: &str) -> Result<BTreeSet<String>, String> {
    let mut without = metadata.clone();
    for node in without["resolve"]["nodes"].as_array_mut().into_iter().flatten() {
        if let Some(edges) = node["deps"].as_array_mut() {
            edges.retain(|edge| edge["name"] != EGRESS.replace('-', "_").as_str());
        }
    }
    linked(&without, from)
}

fn client_feature(dependency: &Value) -> Option<String> {
    let (name, feature) = CLIENT_FEATURES.iter().find(|(name, _)| dependency["name"] == *name)?;
    let wanted = dependency["features"].as_array()?.iter().filter_map(Value::as_str);
    let mut wanted = wanted.filter(|wanted| wanted.starts_with(feature) || *wanted == "full");
    wanted.next().map(|wanted| format!("`{name}` with its feature `{wanted}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph(of_stoa: &str, features: &[&str]) -> Value {
        let package = |name: &str, dependencies: Value| json!({"name": name, "id": name, "dependencies": dependencies});
        let node = |id: &str, deps: &[&str]| {
            let deps: Vec<_> = deps
                .iter()
                .map(|dep| {
                    json!({"pkg": dep, "name": dep.replace('-', "_"), "dep_kinds": [{"kind": null}]})
                })
                .collect();
            json!({"id": id, "deps": deps})
        };
        let hyper = json!([{"name": "hyper", "kind": null, "features": features}]);
        json!({
            "packages": [package("stoa", hyper), package("stoa-egress", json!([])),
                package("middle", json!([])), package("reqwest", json!([]))],
            "resolve": {"nodes": [node("stoa", &[of_stoa]), node("stoa-egress", &["reqwest"]),
                node("middle", &["reqwest"]), node("reqwest", &[])]},
        })
    }

    #[test]
    fn a_client_that_another_crate_pulls_in_is_seen_one_in_egress_is_not() {
        let through_another = clients(&graph("middle", &["server"])).expect("well-formed");
        assert_eq!(through_another, ["`reqwest` is linked into the binary"]);
        assert!(clients(&graph("stoa-egress", &["server"])).expect("well-formed").is_empty());
    }

    #[test]
    fn a_source_that_connects_is_seen_with_its_line() {
        let file = |path: &str| {
            let text = format!("fn a() {{\n    {}(x);\n}}", CONNECTS[0]);
            File { path: path.into(), text }
        };
        let found = connections(&file("crates/chat/src/a.rs"));
        assert_eq!(found, [format!("crates/chat/src/a.rs:2: {}", CONNECTS[0])]);
        for elsewhere in ["crates/egress/src/a.rs", "crates/chat/tests/it/a.rs", "xtask/src/a.rs"] {
            assert!(connections(&file(elsewhere)).is_empty(), "{elsewhere}");
        }
        let tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{ {} }}", CONNECTS[0]);
        let file = File { path: "crates/chat/src/a.rs".into(), text: tests };
        assert!(connections(&file).is_empty());
    }

    #[test]
    fn a_client_behind_a_feature_is_seen() {
        let found = clients(&graph("stoa-egress", &["client", "http1"])).expect("well-formed");
        assert_eq!(found, ["`stoa` uses `hyper` with its feature `client`"]);
    }
}
