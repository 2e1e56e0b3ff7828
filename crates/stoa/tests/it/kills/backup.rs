//! A backup that is being made, by a command alone and by a server.

use std::fs::remove_file;

use super::{Traced, at, killed, most_came_before_the_end, place_with, read, spread, whole};
use crate::server::Place;

/// It is whole, or says that it is not, or was never begun.
fn is_told(place: &Place, file: &str) {
    if !place.path(file).exists() {
        return;
    }
    let verified = place.run(&["backup", "verify", file]);
    match verified.code {
        Some(0) => {
            place.run(&[&["backup", "restore", file][..], &at("copy")].concat()).answer();
            assert_eq!(read(place, "copy"), 2);
            std::fs::remove_dir_all(place.path("copy")).unwrap();
        }
        _ => assert!(
            ["cut off", "is no backup"].iter().any(|why| verified.refused(1).contains(why)),
            "{}",
            verified.stderr
        ),
    }
    remove_file(place.path(file)).unwrap();
}

#[test]
fn a_backup_whose_making_is_killed_is_whole_or_says_that_it_is_not() {
    let place = place_with(&["alice", "bob"]);
    let create = ["backup", "create", "--output", "killed.backup"];
    let steps = whole(&place, &create);
    is_told(&place, "killed.backup");
    let mut interrupted = 0;
    for after in spread(1, steps, 8) {
        interrupted += usize::from(killed(&place, &create, after).interrupted);
        is_told(&place, "killed.backup");
        assert_eq!(read(&place, "data"), 2);
    }
    most_came_before_the_end(8, interrupted);
}

/// The command that was writing what the server read says so, and leaves nothing behind.
#[test]
fn a_command_whose_server_is_killed_takes_its_unfinished_backup_away() {
    let place = place_with(&["alice", "bob"]);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let mut unfinished = 0;
    for more in 0..4 {
        let mut server = Traced::start(&place, &serve);
        let steps = server.until(" ready address=");
        let create = ["backup", "create", "--output", "killed.backup"];
        let asked = server.asked_by(place.command(&create));
        server.kill_after(steps + more, None);
        let ended = asked.join().unwrap();
        if ended.code != Some(0) {
            unfinished += 1;
            assert!(!place.path("killed.backup").exists(), "{}", ended.stderr);
        }
        is_told(&place, "killed.backup");
    }
    assert!(unfinished > 0);
}
