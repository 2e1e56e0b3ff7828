//! All that is kept of one person, at the command line: handed out by the server that runs, and without one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use zip::ZipArchive;

use crate::command_line::json;
use crate::https::call;
use crate::msync::Client;
use crate::server::{Place, grant, text, user};

/// The files of an archive.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    };
    (0..count).map(read).collect()
}

/// How many records of a space an inventory counts.
pub(crate) fn count(inventory: &Value, space: &str) -> u64 {
    let classes = inventory["classes"].as_array().unwrap().iter();
    let mut spaces = classes.flat_map(|class| class["spaces"].as_array().unwrap());
    spaces.find(|found| found["space"] == space).unwrap()["records"].as_u64().unwrap()
}

pub(crate) fn export(place: &Place, name: &str, file: &str) -> crate::server::Ended {
    let whose = ["--app", "demo#stoa", "--user", name, "--output", file, "--json"];
    place.run(&[&["person", "export"], &whose[..]].concat())
}

#[test]
fn a_person_is_exported_with_a_server_and_without_and_nothing_is_written_over() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let ((name, password), (other, _)) = (user(&demo, 0), user(&demo, 1));
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut client = Client::log_in(&demo, name, "web", &token).unwrap();
    client.send_text(other, 1, "a text for the archive").unwrap();
    client.acknowledged().unwrap();
    let bearer = format!("Authorization: Bearer {token}");
    let path = format!("/demo/stoa/users/{name}");
    assert_eq!(call(&demo, "GET", &path, &[&bearer], None).status, 200);

    let inventory = json(export(&place, name, "first.zip").answer());
    let mode = place.path("first.zip").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!((count(&inventory, "users"), count(&inventory, "messages")), (1, 1));
    let files = unpacked(&place.path("first.zip"));
    assert_eq!(json(&files["inventory.json"]), inventory);
    let message = json(files["records/messages.jsonl"].trim());
    assert_eq!(message["said"]["bodies"][0]["msg"], "a text for the archive");
    assert!(message["body"].is_string() && message["from"] == name);
    export(&place, name, "first.zip").refused(4);

    // Nobody of that name: an archive that says so, and the answer no.
    let nobody = export(&place, "nobody", "nobody.zip");
    assert!(nobody.refused(1).contains("there is no user"), "{}", nobody.stderr);
    let zeros = json(&unpacked(&place.path("nobody.zip"))["inventory.json"]);
    assert_eq!((&zeros["records"], &zeros["files"]), (&0.into(), &0.into()));

    server.end();
    let again = json(export(&place, name, "second.zip").answer());
    assert_eq!(count(&again, "messages"), 1);
    // The first one is an act that stands in the log, which names the user.
    assert_eq!(count(&again, "audit_entries"), count(&inventory, "audit_entries") + 1);
}

fn erase(place: &Place, name: &str, more: &[&str]) -> crate::server::Ended {
    let whose = ["--app", "demo#stoa", "--user", name, "--json"];
    place.run(&[&["person", "erase"], &whose[..], more].concat())
}

#[test]
fn a_person_is_erased_by_the_server_that_runs_and_a_second_export_is_empty() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let ((name, password), (other, other_password)) = (user(&demo, 0), user(&demo, 1));
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut client = Client::log_in(&demo, name, "web", &token).unwrap();
    client.send_text(other, 1, "what the erased person said").unwrap();
    client.acknowledged().unwrap();
    let token = text(&grant(&demo, other, other_password).body, "access_token").to_owned();
    let mut second = Client::log_in(&demo, other, "web", &token).unwrap();
    second.send_text(name, 1, "what the other one said").unwrap();
    second.acknowledged().unwrap();

    assert!(erase(&place, name, &[]).refused(2).contains("--confirm"));
    let erased = json(erase(&place, name, &["--confirm"]).answer());
    assert_eq!((&erased["erased"], &erased["found"]), (&true.into(), &true.into()));
    client.wait_until_closed();
    let empty = export(&place, name, "after.zip");
    assert!(empty.refused(1).contains("there is no user"), "{}", empty.stderr);
    let inventory = json(&unpacked(&place.path("after.zip"))["inventory.json"]);
    let left = inventory["records"].as_u64().unwrap() - count(&inventory, "revocations");
    assert_eq!((left, &inventory["files"]), (0, &0.into()), "{inventory}");
    // The other one keeps what it said.
    let kept = json(export(&place, other, "other.zip").answer());
    assert_eq!(count(&kept, "messages"), 1);
    let message = unpacked(&place.path("other.zip"))["records/messages.jsonl"].clone();
    assert!(message.contains("what the other one said"));
    server.end();
    let server = place.serve_demo(&[]);
    let again = json(export(&place, other, "again.zip").answer());
    assert_eq!(count(&again, "messages"), 1);
    server.end();
}
