//! `stoa doctor` on data that are well, and on such as are not.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::command_line::json;
use crate::server::{Ended, Place, Server};

/// The level of the worst check of that name.
fn level(ended: &Ended, name: &str) -> String {
    let report = json(ended.stdout.trim());
    let checks = report["checks"].as_array().unwrap().iter();
    let levels =
        checks.filter(|check| check["check"] == name).map(|c| c["level"].as_str().unwrap());
    let order = ["ok", "warning", "failure"];
    let worst = levels.max_by_key(|level| order.iter().position(|known| known == level));
    worst.unwrap_or_else(|| panic!("no check {name}: {report:#}")).to_owned()
}

/// Where nothing else listens: a port that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn doctor(place: &Place, more: &[&str]) -> Ended {
    place.run(&[&["doctor", "--json"], more].concat())
}

#[test]
fn a_server_that_is_well_is_found_so_from_inside() {
    let place = Place::new();
    let address = free_address();
    let serve = ["serve", "--listen", &address, "--key-mirrors", "mirror"];
    let server = Server::start(place.command(&serve));
    // The server looks at what it was told itself, so that the command need not know it.
    let ended = doctor(&place, &[]);
    let report = json(ended.answer());
    assert_ne!(report["level"], "failure", "{report:#}");
    for name in ["server", "store", "vault", "vault mirrors", "clock", "last written", "port"] {
        assert_eq!(level(&ended, name), "ok", "{name}: {report:#}");
    }
    for name in ["permissions", "certificate", "sync", "disk space", "inodes", "open files"] {
        assert_ne!(level(&ended, name), "failure", "{name}");
    }
    let found = |check: &Value| check["found"].as_str().unwrap().contains("answers with TLS");
    assert!(report["checks"].as_array().unwrap().iter().any(found), "{report:#}");
    let text = place.run(&["doctor"]);
    assert!(text.answer().contains("ok       store: takes writes"), "{}", text.stdout);
    server.end();
}

#[test]
fn without_a_server_the_data_are_looked_at_directly() {
    let place = Place::new();
    let ended = doctor(&place, &["--listen", &free_address()]);
    assert_eq!(level(&ended, "data"), "ok", "none yet");
    assert!(!place.data().exists(), "nothing is made");

    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let ended = doctor(&place, &["--listen", &free_address()]);
    assert_eq!((ended.code, level(&ended, "data")), (Some(0), "ok".into()), "{}", ended.stdout);
    assert_eq!(level(&ended, "vault"), "warning", "it has no mirror");
}

#[test]
fn what_is_wrong_is_found_and_told_with_what_to_do() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = doctor(&place, &["--listen", &address]);
    assert_eq!((ended.code, level(&ended, "port")), (Some(1), "failure".into()));
    assert!(ended.stdout.contains("another program has it"), "{}", ended.stdout);

    let address = free_address();
    let listen = ["--listen", address.as_str()];
    let mode = |mode| {
        let path = place.path("data.keys");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o755);
    let ended = doctor(&place, &listen);
    assert_eq!((ended.code, level(&ended, "permissions")), (Some(1), "failure".into()));
    assert!(ended.stdout.contains("chmod 700 data.keys"), "{}", ended.stdout);
    mode(0o700);

    // A mirror that lags behind is seen before opening would mend it.
    place.run(&["app", "list", "--key-mirrors", "mirror"]).answer();
    place.run(&["app", "list"]).answer();
    let ended = doctor(&place, &[&listen[..], &["--key-mirrors", "mirror"]].concat());
    assert_eq!(level(&ended, "vault mirrors"), "failure", "{}", ended.stdout);
    assert!(ended.stdout.contains("lags behind"), "{}", ended.stdout);
    let ended = doctor(&place, &[&listen[..], &["--key-mirrors", "mirror"]].concat());
    assert_eq!(level(&ended, "vault mirrors"), "ok", "looking at the data has mended it");

    std::fs::remove_file(place.path("data.keys.root")).unwrap();
    let ended = doctor(&place, &listen);
    assert_eq!((ended.code, level(&ended, "data")), (Some(1), "failure".into()));
    assert!(ended.stdout.contains("root key file data.keys.root is missing"), "{}", ended.stdout);
}
