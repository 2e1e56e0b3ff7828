use std::path::Path;
use std::sync::LazyLock;

use crate::https::call;
use crate::server::{Ended, Place, Server, exists, grant, root_key, user};

/// The key of this run.
static KEY: LazyLock<String> = LazyLock::new(root_key);

/// Whether a file of the process's own, such as its environment, holds the key.
fn shows_key(process: u32, file: &str) -> bool {
    let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
    bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes())
}

#[test]
fn a_key_in_the_environment_is_wiped_from_it() {
    let place = Place::new();
    for (variable, more) in [("STOA_ROOT_KEY", &[][..]), ("MY_KEY", &["--root-key-env", "MY_KEY"])]
    {
        // Where looking is allowed, so that this test sees it whoever runs it.
        let serve = ["serve", "--demo", "--listen", "127.0.0.1:0", "--core-dumps", "true"];
        let arguments = [&serve, more].concat();
        let mut command = place.command(&arguments);
        let server = Server::start({
            command.env(variable, &*KEY);
            command
        });
        let demo = place.demo();
        assert_eq!(call(&demo, "GET", "/healthz", &[], None).status, 200);
        assert_eq!(grant(&demo, user(&demo, 0).0, user(&demo, 0).1).status, 200);
        if Path::new("/proc/self/environ").exists() {
            assert!(!shows_key(server.id(), "environ"));
            assert!(!shows_key(server.id(), "cmdline"));
        }
        server.end();
    }
    assert!(!exists(&place.path("data.keys.root")), "no other key is made");

    let ended: Ended =
        place.command(&["app", "list"]).env("STOA_ROOT_KEY", &*KEY).output().unwrap().into();
    assert!(ended.answer().contains("demo#stoa"));
    let wrong = root_key();
    let ended: Ended =
        place.command(&["app", "list"]).env("STOA_ROOT_KEY", &wrong).output().unwrap().into();
    let reason = ended.refused(4);
    assert!(reason.contains("the root key is not the one of the vault"), "{reason}");
    assert!(!reason.contains(&wrong) && !reason.contains(&*KEY), "{reason}");
    let ended = place.run(&["app", "list", "--root-key-env", "MY_KEY"]);
    assert!(ended.refused(4).contains("MY_KEY should hold the root key"), "{}", ended.stderr);
}

#[test]
fn a_key_from_a_command_and_one_on_standard_input_do_not_meet() {
    let place = Place::new();
    std::fs::write(place.path("key"), &*KEY).unwrap();
    let command = ["--root-key-command", "cat key"];
    place.run(&[&["app", "create", "--key", "acme#support"], &command[..]].concat()).answer();
    // The variable's way through the process leaves standard input to the command.
    let create =
        ["user", "create", "--app", "acme#support", "--user", "erin", "--password-file", "-"];
    let mut child = place.command(&create);
    child.env("STOA_ROOT_KEY", &*KEY).stdin(std::process::Stdio::piped());
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"secret of erin\n").unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert!(ended.answer().contains("erin"));
}

#[test]
fn a_key_that_can_be_guessed_is_refused_before_anything_is_made() {
    let place = Place::new();
    let weak = "0123456789abcdef".repeat(4);
    let mut serve = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let ended: Ended = serve.env("STOA_ROOT_KEY", &weak).output().unwrap().into();
    let reason = ended.refused(4);
    assert!(reason.contains("can be guessed") && reason.contains("openssl rand"), "{reason}");
    assert!(!reason.contains(&weak) && !exists(&place.path("data.keys")), "{reason}");
}
