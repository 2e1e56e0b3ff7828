//! The lines of `docs/classroom.md`, run as they stand there.

use std::process::Command;

use serde_json::Value;

use crate::https::address;
use crate::server::{Place, text};

const PAGE: &str = include_str!("../../../../docs/classroom.md");

/// What is run: the page's one block of shell.
fn lines() -> &'static str {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0
}

#[test]
fn a_first_class_is_held_with_ten_lines_of_curl() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let certificate = place.data().join("first-class.certificate");
    std::fs::write(&certificate, text(&demo, "certificate")).unwrap();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_stoa")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", lines()])
        .env("PATH", format!("{}:{path}", binary.display()))
        .env("APP_ID", text(&demo, "appId"))
        .env("CERTIFICATE", &certificate)
        .env("HOST", address(&demo).to_string())
        .env("CA", text(&demo, "ca"))
        .output()
        .unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    let answers: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 10);
    assert!(answers.iter().all(|answer| answer["code"] == 0), "{told}");
    let roster = &answers[7]["data"];
    assert_eq!((&roster["total"], &roster["list"][0]["userUuid"]), (&1.into(), &"sam".into()));
    let events = answers[9]["data"].as_array().unwrap();
    let cmds: Vec<u64> = events.iter().map(|event| event["cmd"].as_u64().unwrap()).collect();
    for cmd in [1, 20, 1101, 1501, 1502] {
        assert!(cmds.contains(&cmd), "{cmd}: {cmds:?}");
    }
    assert!(events.iter().all(|event| event["roomUuid"] == "first"));
    server.end();
}
