//! What others get to see of the server's memory, by what the kernel says of the process.
//!
//! The server runs as a user who is not root: of root's processes every file is root's anyway.

#![cfg(target_os = "linux")]

use std::os::unix::fs::MetadataExt;

use crate::command_line::json;
use crate::metrics::Figures;
use crate::server::{Place, Server, root_key};

/// A server that logs in JSON and shows metrics.
fn serve(place: &Place, more: &[&str]) -> Server {
    let serve = ["serve", "--demo", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let arguments = [&serve, &["--metrics-listen", "127.0.0.1:0"][..], more].concat();
    Server::start(place.command_without_root(&arguments))
}

/// The soft and the hard limit of a core file's size.
fn core_limits(process: &str) -> (String, String) {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let mut words = core.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

/// Whose the process's own files are: its user's, or root's when it is not dumpable (proc_pid(5)).
fn owner_of_files(server: &Server) -> u32 {
    std::fs::metadata(format!("/proc/{}/environ", server.id())).unwrap().uid()
}

/// Who the process is.
fn user(server: &Server) -> u32 {
    std::fs::metadata(format!("/proc/{}", server.id())).unwrap().uid()
}

/// What `stoa doctor` finds of it, in the server.
fn found(place: &Place) -> String {
    let report = json(place.run(&["doctor", "--json"]).stdout.trim());
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["check"] == "core dumps");
    check.unwrap_or_else(|| panic!("{report:#}"))["level"].as_str().unwrap().to_owned()
}

#[test]
fn nobody_looks_into_a_server_and_it_leaves_no_core_dump() {
    let place = Place::new();
    let server = serve(&place, &[]);
    assert_eq!(core_limits(&server.id().to_string()), ("0".into(), "0".into()));
    assert_ne!(user(&server), 0);
    assert_eq!(owner_of_files(&server), 0);
    assert_eq!(found(&place), "ok");

    // It still knows itself, and its control socket is reached through a descriptor of its own.
    let figures = Figures::of(&server);
    for series in ["process_open_fds", "process_resident_memory_bytes", "process_threads"] {
        assert!(figures.get(series) > 0.0, "{series}");
    }
    server.end();
}

#[test]
fn whoever_asks_for_it_can_look_into_the_process() {
    let place = Place::new();
    let server = serve(&place, &["--core-dumps", "true"]);
    assert_eq!(owner_of_files(&server), user(&server));
    assert_eq!(core_limits(&server.id().to_string()), core_limits("self"), "as it was started");
    assert_eq!(found(&place), "warning");
    server.end();
}

/// A command that opens the data has their keys, too. What it starts inherits the limit, and tells it.
#[test]
fn a_command_that_opens_the_data_leaves_no_core_dump_either() {
    let place = Place::new();
    let script = place.path("key");
    let key = root_key();
    std::fs::write(&script, format!("ulimit -H -c > limit\necho {key}\n")).unwrap();
    place.run(&["app", "create", "--key", "acme#support", "--root-key-command", "sh key"]).answer();
    assert_eq!(std::fs::read_to_string(place.path("limit")).unwrap(), "0\n");
}
