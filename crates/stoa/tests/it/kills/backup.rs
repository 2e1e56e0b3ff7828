//! A backup that is being made, by a command alone and by a server.

use std::fs::remove_file;
use std::process::Stdio;

use stoa_chat::attachment::NewFile;

use super::{at, killed, most_came_before_the_end, place_with, read, spread, whole};
use crate::retention::{Past, config_of, with_node};
use crate::server::{Ended, Place, Server};

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

/// Bytes of a file of a user: more than a command holds back before it writes, and than lies in a socket.
const FILE: usize = 8 << 20;

/// A server that dies while it hands a backup out: the command says so, and leaves nothing behind.
#[test]
fn a_command_whose_server_is_killed_takes_its_unfinished_backup_away() {
    let place = place_with(&["alice", "bob"]);
    with_node(&config_of(&place, "data"), async |node| {
        let alice = Past::of(node, 0).caller(Some("alice")).await;
        for _ in 0..3 {
            let mut upload = node.chat.begin_upload(&alice).await.unwrap();
            upload.push(&vec![b'x'; FILE]).await.unwrap();
            let new = NewFile { name: "large".into(), ..NewFile::default() };
            node.chat.finish_upload(&alice, upload, new).await.unwrap();
        }
    });
    let (file, mut unfinished) = (place.path("killed.backup"), 0);
    for _ in 0..4 {
        let server = Server::start(place.command(&["serve", "--listen", "127.0.0.1:0"]));
        let mut command = place.command(&["backup", "create", "--output", "killed.backup"]);
        let mut making = command.stderr(Stdio::piped()).spawn().unwrap();
        while file.metadata().map_or(0, |file| file.len()) == 0
            && making.try_wait().unwrap().is_none()
        {
            std::thread::yield_now();
        }
        server.kill();
        let ended = Ended::from(making.wait_with_output().unwrap());
        if ended.code != Some(0) {
            unfinished += 1;
            assert!(!file.exists(), "{}", ended.stderr);
        }
        is_told(&place, "killed.backup");
    }
    println!("{unfinished} of 4 servers were killed before the end");
    assert!(unfinished > 0);
}
