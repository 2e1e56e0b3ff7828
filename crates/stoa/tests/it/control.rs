//! Commands against a server that runs, through its control socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command_line::json;
use crate::https::call;
use crate::msync::Client;
use crate::server::{Ended, Place, Server, exists, grant, root_key, text, user};

const APP: [&str; 2] = ["--app", "demo#stoa"];

fn on_user(place: &Place, command: &[&str]) -> Ended {
    place.run(&[&["user"], command, &APP[..]].concat())
}

#[test]
fn what_commands_do_counts_at_once_in_the_server() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();

    let create =
        ["user", "create", "--app", "demo#stoa", "--user", "carol", "--password-file", "-"];
    place.run_with_input(&create, "secret of carol\n").answer();
    let granted = grant(&demo, "carol", "secret of carol");
    assert_eq!(granted.status, 200, "{}", granted.body);
    let token = text(&granted.body, "access_token");
    let mut session = Client::log_in(&demo, "carol", "phone", token).unwrap();
    let shown = json(on_user(&place, &["show", "--user", "carol", "--json"]).answer());
    assert_eq!(shown["devicesOnline"], 1);

    // A new password ends the session and the token.
    std::fs::write(place.path("new"), "another secret\n").unwrap();
    let set = ["set-password", "--user", "carol", "--password-file", "new"];
    assert_eq!(on_user(&place, &set).answer(), "");
    session.wait_until_closed();
    let bearer = format!("Authorization: Bearer {token}");
    let refused = call(&demo, "GET", "/demo/stoa/users/carol", &[&bearer], None);
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(grant(&demo, "carol", "secret of carol").status, 400);
    let granted = grant(&demo, "carol", "another secret");
    assert_eq!(granted.status, 200);

    // Logging out ends the session only.
    let token = text(&granted.body, "access_token");
    let mut session = Client::log_in(&demo, "carol", "phone", token).unwrap();
    let ended = json(on_user(&place, &["log-out", "--user", "carol", "--json"]).answer());
    assert_eq!(ended["ended"], true);
    session.wait_until_closed();
    drop(Client::log_in(&demo, "carol", "phone", token).unwrap());

    // Settings of the app too.
    let set = ["app", "set", "auth", "token", "--key", "demo#stoa", "--json"];
    assert_eq!(json(place.run(&set).answer())["auth"], "token");
    let refused = grant(&demo, "carol", "another secret");
    assert_eq!(refused.status, 400, "{}", refused.body);

    let refused = on_user(&place, &["show", "--user", "nobody"]);
    assert!(refused.refused(1).contains("no such user"), "{}", refused.stderr);
    server.end();
    assert!(json(on_user(&place, &["show", "--user", "carol", "--json"]).answer()).is_object());
}

#[test]
fn a_certificate_is_exchanged_while_the_server_runs() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let certificate = |command: &[&str]| {
        place.run(&[&["app", "certificate"], command, &["--key", "demo#stoa"]].concat())
    };
    let enters = |file: &str| {
        let keys = ["--app-id", text(&demo, "appId"), "--certificate-file", file];
        let made = place.run(&[&["token", "build"], &keys[..], &["chat-app"]].concat());
        let bearer = format!("Authorization: Bearer {}", made.answer().trim());
        let path = format!("/demo/stoa/users/{}", user(&demo, 0).0);
        call(&demo, "GET", &path, &[&bearer], None).status
    };
    place.run(&["app", "show", "--key", "demo#stoa", "--certificate-file", "first"]).answer();
    certificate(&["add", "--certificate-file", "second"]).answer();
    assert_eq!(place.path("second").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!([enters("first"), enters("second")], [200, 200]);
    let listed = certificate(&["list"]);
    let slots: Vec<_> = listed.answer().lines().filter_map(|l| l.split('\t').next()).collect();
    assert_eq!(slots, ["primary", "secondary"]);
    let third = certificate(&["add", "--certificate-file", "third"]);
    assert!(third.refused(1).contains("retire one of them first"), "{}", third.stderr);
    let again = certificate(&["add", "--certificate-file", "second"]);
    assert!(again.refused(2).contains("there already"), "{}", again.stderr);

    certificate(&["retire", "--slot", "primary"]).answer();
    assert_eq!([enters("first"), enters("second")], [401, 200]);
    let last = certificate(&["retire", "--slot", "primary"]);
    assert!(last.refused(1).contains("add another one first"), "{}", last.stderr);
    server.end();
}

#[test]
fn the_root_key_is_exchanged_while_the_server_runs() {
    let place = Place::new();
    let mirrors = ["--key-mirrors", "mirror"];
    let server = place.serve_demo(&mirrors);
    let demo = place.demo();
    let old = std::fs::read_to_string(place.path("data.keys.root")).unwrap();
    let before = json(place.run(&["key", "status", "--json"]).answer());
    let rotated = json(place.run(&["key", "rotate", "--json"]).answer());
    assert_eq!(rotated["before"], before["rootKey"]);
    assert_ne!(rotated["rootKey"], before["rootKey"]);
    assert!(!exists(&place.path("data.keys.root.next")));
    let new = std::fs::read_to_string(place.path("data.keys.root")).unwrap();
    assert_ne!(new, old);
    // It goes on, makes keys, and opens with the new key after a kill.
    let made = json(place.run(&["key", "rotate", "--data-keys", "--json"]).answer());
    assert!(made["dataKeysMade"].as_u64().unwrap() > 0, "{made}");
    let (name, password) = user(&demo, 0);
    assert_eq!(grant(&demo, name, password).status, 200);
    server.kill();
    let list = [&["app", "list"], &mirrors[..]].concat();
    assert!(place.run(&list).answer().contains("demo#stoa"));

    // With the old key nothing opens, and the message says which one is wanted.
    std::fs::write(place.path("data.keys.root"), &old).unwrap();
    let refused = place.run(&list);
    let reason = refused.refused(4);
    assert!(reason.contains(text(&rotated, "rootKey")), "{reason}");
    assert!(reason.contains(text(&rotated, "before")), "{reason}");

    // Without a server too, with a key from elsewhere, which is never shown.
    std::fs::write(place.path("data.keys.root"), &new).unwrap();
    let hex = &*root_key();
    let rotate = ["key", "rotate", "--new-key-file", "-", "--key-mirrors", "mirror"];
    let ended = place.run_with_input(&rotate, hex);
    assert!(ended.answer().contains("opens nothing any more"), "{}", ended.stdout);
    assert!(!ended.stdout.contains(hex) && !ended.stderr.contains(hex));
    assert_eq!(std::fs::read_to_string(place.path("data.keys.root")).unwrap().trim(), hex);
    let same = place.run_with_input(&rotate, hex);
    assert!(same.refused(1).contains("is the present one"), "{}", same.stderr);
    let bad = place.run_with_input(&rotate, "short");
    assert!(bad.refused(2).contains("64 hexadecimal"), "{}", bad.stderr);
    assert!(place.run(&list).answer().contains("demo#stoa"));
}

/// What a directory's files hold; of those that are just being replaced, nothing.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    files.map(|file| (file.path(), std::fs::read(file.path()).unwrap_or_default())).collect()
}

/// However far it has come, one of the two keys opens the vault, and the next command finds out which.
#[test]
fn a_rotation_that_is_killed_leaves_a_vault_that_opens() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let mirrored = ["--key-mirrors", "mirror"];
    place.run(&[&["app", "list"], &mirrored[..]].concat()).answer();
    let (root, next) = (place.path("data.keys.root"), place.path("data.keys.root.next"));
    let (vault, mirror) = (place.path("data.keys"), place.path("mirror"));
    let stages = [
        "started",
        "new key written",
        "vault",
        "mirror",
        "old key overwritten",
        "new key in place",
    ];
    for stage in stages.into_iter().chain(stages) {
        let (key, keys, copies) = (std::fs::read(&root).ok(), contents(&vault), contents(&mirror));
        let is_reached = || match stage {
            "started" => true,
            "new key written" => exists(&next) || std::fs::read(&root).ok() != key,
            "vault" => contents(&vault) != keys,
            "mirror" => contents(&mirror) != copies,
            "old key overwritten" => std::fs::read(&root).ok() != key,
            _ => std::fs::read(&root).ok() != key && !exists(&next),
        };
        let mut command = place.command(&[&["key", "rotate"], &mirrored[..]].concat());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut rotating = command.spawn().unwrap();
        // Seen too late, it is killed later, or has ended.
        while !is_reached() && rotating.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        assert!(is_reached(), "it never came to: {stage}");
        rotating.kill().unwrap();
        rotating.wait().unwrap();
        let listed = place.run(&[&["app", "list"], &mirrored[..]].concat());
        assert!(listed.answer().contains("acme#support"), "after: {stage}");
        assert!(!exists(&next), "settled");
    }
}

/// A lock that is held by something that is no server of ours.
#[test]
fn a_lock_without_a_socket_explains_itself() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    std::fs::remove_file(place.data().join("run/control.sock")).unwrap();
    for arguments in [&["app", "list"][..], &["key", "status"]] {
        let ended = place.run(arguments);
        let reason = ended.refused(3);
        assert!(reason.contains(&format!("process {} (stoa)", server.id())), "{reason}");
        assert!(reason.contains("data/run/control.sock"), "{reason}");
        assert!(reason.contains("try again") && reason.contains("kill"), "{reason}");
    }
    let ended = place.run(&["app", "list", "--json"]);
    let error = json(ended.refused(3));
    assert_eq!(
        (&error["error"]["exitCode"], &error["error"]["kind"]),
        (&3.into(), &"in_use".into())
    );
    server.end();
}

/// The key comes through a pipe that is read once, and the lock is tried more than once.
#[test]
fn a_key_from_the_environment_is_not_lost_while_a_lock_is_waited_for() {
    let key = &*root_key();
    let place = Place::new();
    let mut serve = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    serve.env("STOA_ROOT_KEY", key);
    let server = Server::start(serve);
    // A server is reached without any key.
    assert_eq!(place.run(&["app", "list"]).answer(), "");
    std::fs::remove_file(place.data().join("run/control.sock")).unwrap();
    let list = place.command(&["app", "list"]).env("STOA_ROOT_KEY", key).output().unwrap();
    assert!(Ended::from(list).refused(3).contains("is in use by process"));
    server.end();
}

#[test]
fn commands_without_a_server_wait_for_each_other() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let create = |user| ["user", "create", "--app", "acme#support", "--user", user];
    let running: Vec<_> = ["carol", "dave"]
        .into_iter()
        .map(|user| {
            let mut command = place.command(&create(user));
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in running {
        let ended: Ended = child.wait_with_output().unwrap().into();
        ended.answer();
    }
    assert_eq!(place.run(&["user", "list", "--app", "acme#support"]).answer().lines().count(), 2);
}

#[test]
fn the_socket_of_a_killed_server_is_in_nobodys_way() {
    let place = Place::new();
    place.serve_demo(&[]).kill();
    let socket = place.data().join("run/control.sock");
    assert!(exists(&socket), "left behind");
    assert!(place.run(&["app", "list"]).answer().contains("demo#stoa"));
    let server = place.serve_demo(&[]);
    assert!(place.run(&["app", "list"]).answer().contains("demo#stoa"));
    server.end();
    assert!(!exists(&socket), "taken away at an orderly end");
}

#[test]
fn the_socket_is_the_owners_alone() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let run = place.data().join("run");
    let mode = |path: &PathBuf| path.symlink_metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&run), mode(&run.join("control.sock"))), (0o700, 0o600));
    // A directory that others could have put a socket into is not talked to.
    std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o770)).unwrap();
    let ended = place.run(&["app", "list"]);
    assert!(ended.refused(3).contains("is not safe"), "{}", ended.stderr);
    server.end();
}

#[test]
fn a_server_is_reached_on_a_path_longer_than_an_address() {
    let place = Place::new();
    let deep = format!("{}/{}", "d".repeat(100), "e".repeat(100));
    let server = place.serve_demo(&["--data", &deep]);
    assert!(place.run(&["app", "list", "--data", &deep]).answer().contains("demo#stoa"));
    server.end();
}

#[test]
fn a_second_server_leaves_the_first_ones_socket() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let second = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(second.refused(3).contains("stop it first"), "{}", second.stderr);
    assert!(place.run(&["app", "list"]).answer().contains("demo#stoa"));
    server.end();
}

/// What root makes, the server's user could not read. Only root can try this.
#[test]
fn root_does_not_open_the_data_of_another_user() {
    const ANOTHER: u32 = 12_345;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    std::os::unix::fs::chown(place.path("data.keys"), Some(ANOTHER), None).unwrap();
    let before = std::fs::read_dir(place.path("data.keys")).unwrap().count();
    for arguments in [&["app", "list"][..], &["key", "rotate"]] {
        let ended = place.run(arguments);
        assert!(ended.refused(2).contains("sudo -u '#12345' stoa"), "{}", ended.stderr);
    }
    assert_eq!(std::fs::read_dir(place.path("data.keys")).unwrap().count(), before);
}

/// Only root can be somebody else, to try this.
#[test]
fn another_user_is_told_whom_to_be() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let server = place.serve_demo(&[]);
    // The place may be entered by everybody, the data may not.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(""), open.clone()).unwrap();
    let binary = place.path("stoa");
    std::fs::copy(env!("CARGO_BIN_EXE_stoa"), &binary).unwrap();
    std::fs::set_permissions(&binary, open).unwrap();
    for arguments in [&["app", "list"][..], &["doctor"], &["key", "rotate"]] {
        let mut command = std::process::Command::new(&binary);
        command.args(arguments).current_dir(place.path("")).uid(12_345).gid(12_345);
        let ended: Ended = command.output().unwrap().into();
        let reason = ended.refused(1);
        assert!(reason.contains("may not be used by user 12345"), "{reason}");
    }
    server.end();
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn converse(place: &Place, bytes: &[u8]) -> Vec<u8> {
    let mut socket = UnixStream::connect(place.data().join("run/control.sock")).unwrap();
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // Cut off is an answer too.
    let _ = socket.read_to_end(&mut answer);
    answer
}

#[test]
fn what_is_not_understood_does_no_harm() {
    let place = Place::new();
    let server = place.serve_demo(&["--log-format", "json", "--log-level", "trace"]);
    let other = json!({"protocol": 9, "version": "7.7.7", "body": {"secret": "of carol"}});
    let answer = converse(&place, &frame(other.to_string().as_bytes()));
    let answer: Value = serde_json::from_slice(&answer[4..]).unwrap();
    assert_eq!(answer["protocol"], 1);
    assert!(text(&answer["body"]["failed"], "message").contains("7.7.7"), "{answer}");
    for strange in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF; 100], &frame(b"{}"), &[0, 0]] {
        let mut socket = UnixStream::connect(place.data().join("run/control.sock")).unwrap();
        socket.write_all(strange).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    }
    // One that says nothing keeps nobody waiting, and does not hold up the end.
    let silent = UnixStream::connect(place.data().join("run/control.sock")).unwrap();
    assert!(place.run(&["app", "list"]).answer().contains("demo#stoa"));
    let create =
        ["user", "create", "--app", "demo#stoa", "--user", "carol", "--password-file", "-"];
    place.run_with_input(&create, "correct horse battery\n").answer();
    let log = server.end();
    drop(silent);
    assert!(!log.contains("horse") && !log.contains("carol"), "no secret and no name in the log");
    assert!(log.contains(r#""command":"user create""#), "but what was done: {log}");
}
