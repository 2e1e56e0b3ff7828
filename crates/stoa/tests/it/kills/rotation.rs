//! Keys that are being exchanged: the root key, data keys, an app's certificate; by a command alone and by a server.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::{
    APP, Killed, OF_APP, Traced, copy, killed, most_came_before_the_end, place_with, read, spread,
    whole,
};
use crate::command_line::json;
use crate::server::{Ended, Place, exists};

const MIRRORED: [&str; 2] = ["--key-mirrors", "mirror"];
const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--key-mirrors", "mirror"];
const SAID: u64 = 2;

fn mirrored(place: &Place, command: &[&str]) -> Ended {
    place.run(&[command, &MIRRORED].concat())
}

/// The root key in the file.
fn root(place: &Place) -> String {
    std::fs::read_to_string(place.path("data.keys.root")).unwrap()
}

/// One of the two keys opens the vault, in both directories, and the other one does not.
#[track_caller]
fn one_key_opens(place: &Place, before: &str) {
    let status = json(mirrored(place, &["key", "status", "--json"]).answer());
    assert!(status["stopped"].is_null(), "{status}");
    assert!(!exists(&place.path("data.keys.root.next")), "settled");
    let after = root(place);
    if before != after {
        std::fs::write(place.path("earlier"), before).unwrap();
        std::fs::set_permissions(place.path("earlier"), Permissions::from_mode(0o600)).unwrap();
        let refused = mirrored(place, &["app", "list", "--root-key-file", "earlier"]);
        assert!(refused.refused(4).contains("is not the one of the vault"), "{}", refused.stderr);
    }
    // Each directory would do alone.
    for keys in ["data.keys", "mirror"] {
        copy(&place.path(keys), &place.path("alone"));
        let alone = ["--keys", "alone", "--root-key-file", "data.keys.root"];
        assert!(place.run(&[&["app", "list"][..], &alone].concat()).answer().contains(APP));
        std::fs::remove_dir_all(place.path("alone")).unwrap();
    }
    assert_eq!(read(place, "data"), SAID);
}

#[test]
fn a_root_key_whose_exchange_is_killed_opens_the_vault_or_the_next_one_does() {
    let place = place_with(&["alice", "bob"]);
    mirrored(&place, &["app", "list"]).answer();
    let rotate = [&["key", "rotate"][..], &MIRRORED].concat();
    let steps = whole(&place, &rotate);
    let (mut interrupted, mut exchanged) = (0, 0);
    for after in spread(1, steps, 12) {
        let before = root(&place);
        interrupted += usize::from(killed(&place, &rotate, after).interrupted);
        one_key_opens(&place, &before);
        exchanged += usize::from(root(&place) != before);
    }
    most_came_before_the_end(12, interrupted);
    assert!(exchanged > 0 && exchanged < 12, "{exchanged} were exchanged");
    let before = root(&place);
    mirrored(&place, &["key", "rotate"]).answer();
    assert_ne!(root(&place), before);
    one_key_opens(&place, &before);
}

/// Lets a server do what a command asks for, and kills it after so many more steps than it took to be ready.
fn killed_server(place: &Place, command: &[&str], more: usize) -> (Killed, usize, Ended) {
    let mut server = Traced::start(place, &SERVE);
    let ready = server.until(" ready address=");
    let asked = server.asked_by(place.command(command));
    let killed = server.kill_after(ready.saturating_add(more), None);
    (killed, ready, asked.join().unwrap())
}

#[test]
fn a_server_that_is_killed_while_it_exchanges_the_root_key_starts_with_one_of_the_two() {
    let place = place_with(&["alice", "bob"]);
    let rotate = ["key", "rotate"];
    let (undisturbed, ready, ended) = killed_server(&place, &rotate, usize::MAX);
    ended.answer();
    let (mut interrupted, mut told) = (0, 0);
    for more in spread(1, undisturbed.steps - ready, 8) {
        let before = root(&place);
        let (killed, _, ended) = killed_server(&place, &rotate, more);
        interrupted += usize::from(killed.interrupted);
        one_key_opens(&place, &before);
        if ended.code == Some(0) {
            told += 1;
            assert_ne!(root(&place), before, "what was told to be done is done");
        }
    }
    most_came_before_the_end(8, interrupted);
    assert!(told < 8);
    mirrored(&place, &rotate).answer();
}

#[test]
fn further_data_keys_whose_making_is_killed_are_there_or_not_and_everything_opens() {
    let place = place_with(&["alice", "bob"]);
    let renew = ["key", "rotate", "--data-keys"];
    let steps = whole(&place, &renew);
    let mut interrupted = 0;
    for after in spread(1, steps, 4) {
        interrupted += usize::from(killed(&place, &renew, after).interrupted);
        assert_eq!(read(&place, "data"), SAID);
    }
    most_came_before_the_end(4, interrupted);
    assert!(json(place.run(&[&renew[..], &["--json"]].concat()).answer())["dataKeysMade"] != 0);
}

/// The certificates of the app, the primary first.
fn certificates(place: &Place) -> Vec<String> {
    let listed = place.run(&["app", "certificate", "list", "--key", APP, "--json"]);
    let lines = listed.answer().lines().map(json);
    lines.map(|line| line["fingerprint"].as_str().unwrap().to_owned()).collect()
}

/// The earlier one is good as long as nobody retires it, and a new one is never lost.
#[test]
fn a_certificate_whose_exchange_is_killed_leaves_the_earlier_one_good() {
    let place = place_with(&["alice", "bob"]);
    let of_key = ["--key", APP];
    let rotate = ["app", "certificate", "rotate", "--key", APP, "--certificate-file", "new"];
    let retire = ["app", "certificate", "retire", "--key", APP, "--slot", "secondary"];
    let steps = whole(&place, &rotate);
    let (mut interrupted, mut exchanged) = (0, 0);
    for after in spread(1, steps, 6) {
        place.run(&retire).answer();
        let _ = std::fs::remove_file(place.path("new"));
        let before = certificates(&place);
        assert_eq!(before.len(), 1);
        interrupted += usize::from(killed(&place, &rotate, after).interrupted);
        let now = certificates(&place);
        assert_eq!(now.last(), before.last(), "after {after} of {steps}");
        if now.len() == 1 {
            let _ = std::fs::remove_file(place.path("new"));
            place.run(&rotate).answer();
        } else {
            exchanged += 1;
            // Where the file is missing or cut off, the app still tells which one it is.
            let _ = std::fs::remove_file(place.path("new"));
            let show = ["app", "show", "--certificate-file", "new"];
            place.run(&[&show[..], &of_key].concat()).answer();
        }
        let shown = place.run(&["app", "show", "--key", APP, "--json"]);
        let app = json(shown.answer());
        let id = app["appId"].as_str().unwrap();
        let keys = ["--app-id", id, "--certificate-file", "new"];
        let token = place.run(&[&["token", "build"][..], &keys, &["chat-app"]].concat());
        assert!(!token.answer().is_empty());
        assert_eq!(read(&place, "data"), SAID);
    }
    most_came_before_the_end(6, interrupted);
    assert!(exchanged > 0, "{exchanged}");
    assert!(place.run(&[&["user", "list"][..], &OF_APP].concat()).answer().contains("alice"));
}
