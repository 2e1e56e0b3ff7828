//! Nothing that a user gave lies anywhere in clear: ten thousand strings go in through every door that there is, those of class
//! rooms and their streams too, and are looked for in every file that the server wrote, backups among them, and in its log, after
//! an orderly end and after a kill. So are the tokens by which they came.

mod classes;
mod http;
mod needles;
mod rounds;

use std::path::Path;

use needles::Needles;
use rounds::Rounds;

use crate::server::{Place, Server};

/// Strings that go in before the first search.
const STRINGS: usize = 10_000;
/// And those of the second life, which ends by a kill.
const MORE: usize = 500;

fn start(place: &Place) -> Server {
    let temporary = place.path("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = place.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", temporary);
    Server::start(command)
}

/// A backup lies beside the rest, and is searched with it.
#[track_caller]
fn back_up(place: &Place, name: &str) {
    place.run(&["backup", "create", "--output", name]).answer();
    assert!(place.path(name).metadata().unwrap().len() > 100_000);
}

/// Looks through everything that lies in `place`, besides what the test itself was given to know, and the log.
#[track_caller]
fn nothing_is_found(needles: &Needles, place: &Place, log: &str, when: &str) {
    // It names the demo's users and their passwords, for people on this machine.
    let told = place.data().join("demo.json");
    let searched = needles.search(place.path(".").as_path(), |path| path == told);
    assert!(searched.files > 10 && searched.bytes > 1 << 20, "{when}: {searched:?}");
    assert_eq!(searched.found, Vec::<String>::new(), "{when}");
    assert_eq!(needles.found_in(log.as_bytes()), None, "{when}, in the log");
}

#[test]
fn ten_thousand_strings_through_every_door_are_found_nowhere() {
    let place = Place::new();
    let server = start(&place);
    place.run(&["app", "set", "accept-rtm-token", "true", "--key", "demo#stoa"]).answer();
    let mut rounds = Rounds::begin(&place);
    while rounds.strings().len() < STRINGS {
        rounds.go_round();
    }
    back_up(&place, "first.backup");
    let log = server.end();
    nothing_is_found(&rounds.needles(), &place, &log, "after an orderly end");

    let server = start(&place);
    rounds.come_back(&place);
    while rounds.strings().len() < STRINGS + MORE {
        rounds.go_round();
    }
    back_up(&place, "second.backup");
    let log = server.kill();
    nothing_is_found(&rounds.needles(), &place, &log, "after a kill");
}

/// The search can fail: whatever is written in clear, or as another program might have encoded it, is found.
#[test]
fn the_search_finds_every_spelling_in_files_and_in_their_names() {
    let place = Place::new();
    let strings = vec!["canary zq7 ä 0001".to_owned(), "canary0002zq7".to_owned()];
    let [app, certificate] = ["a1", "b2"].map(|pair| pair.repeat(16));
    let token = stoa_token::Builder007::new(&app, &certificate, 1, 60, 1).rtm("x");
    let tokens = [token.build().unwrap()];
    let needles = Needles::new(&strings, &tokens);
    let directory = place.path("searched");
    std::fs::create_dir(&directory).unwrap();
    let search = || needles.search(Path::new(&directory), |_| false).found.len();
    for token in &tokens {
        std::fs::write(directory.join("file"), needles::bytes_of(token)).unwrap();
        assert_eq!(search(), 1, "the bytes of a token");
    }
    for string in strings.iter().chain(&tokens) {
        for (spelling, bytes) in needles::spellings(string) {
            std::fs::write(directory.join("file"), [b"before", &bytes[..], b"after"].concat())
                .unwrap();
            assert_eq!(search(), 1, "{string} as {spelling}");
        }
        for lead in ["", "a", "ab"] {
            use base64::Engine;
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{lead}{string}!"));
            std::fs::write(directory.join("file"), text).unwrap();
            assert_eq!(search(), 1, "{string} in base64 after {} bytes", lead.len());
        }
    }
    std::fs::write(directory.join("file"), "canary").unwrap();
    assert_eq!(search(), 0);
    std::fs::write(directory.join("canary0002zq7.txt"), "").unwrap();
    assert_eq!(search(), 1);
}
