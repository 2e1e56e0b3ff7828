//! Backups at the command line: made while the server runs, verified, brought back elsewhere.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::command_line::json;
use crate::msync::Client;
use crate::person::{count, export};
use crate::server::{Ended, Place, grant, text, user};

fn create(place: &Place, output: &str) -> Ended {
    place.run(&["backup", "create", "--output", output, "--json"])
}

fn verify(place: &Place, file: &str) -> Ended {
    place.run(&["backup", "verify", file, "--json"])
}

/// Brings a backup back into the directory `data`, with the vault of the first.
fn restore(place: &Place, file: &str, data: &str) -> Ended {
    let keys = ["--data", data, "--keys", "data.keys", "--json"];
    place.run(&[&["backup", "restore", file], &keys[..]].concat())
}

/// Says something from the first user to the second.
fn say(demo: &Value, number: u64, said: &str) {
    let ((name, password), (other, _)) = (user(demo, 0), user(demo, 1));
    let token = text(&grant(demo, name, password).body, "access_token").to_owned();
    let mut client = Client::log_in(demo, name, "web", &token).unwrap();
    client.send_text(other, number, said).unwrap();
    client.acknowledged().unwrap();
}

/// How many messages an export of the second user counts, from the data in `data`.
fn messages(place: &Place, data: &str, name: &str, file: &str) -> u64 {
    let whose = ["--app", "demo#stoa", "--user", name, "--output", file, "--json"];
    let keys = ["--data", data, "--keys", "data.keys"];
    let exported = place.run(&[&["person", "export"], &whose[..], &keys].concat());
    count(&json(exported.answer()), "messages")
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_brought_back_with_its_vault_only() {
    let place = Place::new();
    let server = place.serve_demo(&["--data", "data"]);
    let demo = place.demo();
    say(&demo, 1, "before the backup");
    let made = json(create(&place, "first.backup").answer());
    let mode = place.path("first.backup").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(made["rows"].as_u64().unwrap() > 10, "{made}");
    create(&place, "first.backup").refused(4);
    let verified = json(verify(&place, "first.backup").answer());
    assert_eq!((&verified["rows"], &verified["backup"]), (&made["rows"], &made["backup"]));
    std::fs::create_dir(place.path("backups")).unwrap();
    create(&place, "backups").answer();
    assert_eq!(std::fs::read_dir(place.path("backups")).unwrap().count(), 1);

    place.run(&["app", "create", "--key", "later#app"]).answer();

    // What was said later is not in it; who is erased later is gone in it, too.
    say(&demo, 2, "after the backup");
    let (name, other) = (user(&demo, 0).0, user(&demo, 1).0);
    let whose = ["--app", "demo#stoa", "--user", name, "--confirm"];
    // The vault is the server's, so nothing is brought back meanwhile.
    restore(&place, "first.backup", "too-early").refused(3);
    server.end();
    restore(&place, "first.backup", "copy").answer();
    assert_eq!(messages(&place, "copy", other, "a.zip"), 1);
    let listed = place.run(&["app", "list", "--data", "copy", "--keys", "data.keys"]);
    assert!(!listed.answer().contains("later#app"));
    restore(&place, "first.backup", "copy").refused(1);
    place.run(&[&["person", "erase"], &whose[..]].concat()).answer();
    assert_eq!(messages(&place, "data", other, "b.zip"), 0);
    let brought = json(restore(&place, "first.backup", "erased").answer());
    assert!(brought["destroyed"].as_u64().unwrap() > 0, "{brought}");
    assert_eq!(messages(&place, "erased", other, "c.zip"), 0);
    export(&place, name, "d.zip").refused(1);
    // A server serves what was brought back.
    let server = place.serve_demo(&["--data", "erased", "--keys", "data.keys"]);
    server.end();
    let audit = ["audit", "list", "--data", "erased", "--keys", "data.keys"];
    assert!(place.run(&audit).answer().contains("backup.restored"));

    // Cut, changed, of another vault, without any.
    let bytes = std::fs::read(place.path("first.backup")).unwrap();
    std::fs::write(place.path("cut"), &bytes[..bytes.len() - 1]).unwrap();
    assert!(verify(&place, "cut").refused(1).contains("cut off"));
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(place.path("changed"), changed).unwrap();
    assert!(verify(&place, "changed").refused(1).contains("not as it was written"));
    let strange = Place::new();
    strange.run(&["app", "create", "--key", "acme#support"]).answer();
    let file = place.path("first.backup").to_str().unwrap().to_owned();
    assert!(verify(&strange, &file).refused(1).contains("belongs to the vault"));
    let elsewhere = ["backup", "restore", &file, "--data", "new", "--keys", "nowhere"];
    assert!(strange.run(&elsewhere).refused(1).contains("there is no vault"));

    // What was not finished is served by nobody, and said.
    restore(&place, "cut", "half").refused(1);
    let serve = ["serve", "--data", "half", "--keys", "data.keys", "--listen", "127.0.0.1:0"];
    assert!(place.run(&serve).refused(2).contains("was interrupted"));
    assert!(restore(&place, "first.backup", "half").refused(2).contains("remove the directory"));
}

/// What other data centres know this one by is its own for as long as its data are.
#[test]
fn the_certificate_for_other_data_centres_comes_back_with_the_data() {
    let place = Place::new();
    let with = |data| ["region", "identity", "--json", "--data", data, "--keys", "data.keys"];
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let shown = json(place.run(&with("data")).answer());
    assert!(place.path("data/tls/directory.sealed").exists());
    create(&place, "first.backup").answer();
    restore(&place, "first.backup", "copy").answer();
    let record = |data| std::fs::read(place.path(data).join("tls/directory.sealed")).unwrap();
    assert_eq!(record("data"), record("copy"));
    let brought = json(place.run(&with("copy")).answer());
    assert_eq!(brought, shown, "also the certificate, which another key could not prove");
}
