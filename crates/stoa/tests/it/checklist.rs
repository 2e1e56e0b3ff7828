//! `stoa checklist` against a server that runs: what is broken turns red, and what it says mends it.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::https::call;
use crate::server::{Place, grant, text, user};

const KEY: [&str; 2] = ["--key", "demo#stoa"];

/// The checklist's items, and the exit code.
fn look(place: &Place) -> (Vec<Value>, i32) {
    let ended = place.run(&["checklist", "--app", "demo#stoa", "--json"]);
    let object: Value = serde_json::from_str(&ended.stdout).unwrap();
    (object["items"].as_array().unwrap().clone(), ended.code.unwrap())
}

fn item(place: &Place, id: &str) -> (String, String) {
    let (items, code) = look(place);
    let failed = items.iter().any(|item| item["status"] == "fail");
    assert_eq!(code, i32::from(failed), "the exit code tells whether anything has failed");
    let found = items.iter().find(|item| item["id"] == id).unwrap();
    let mend = found["mend"].as_str().unwrap_or_default();
    (text(found, "status").to_owned(), mend.to_owned())
}

/// Breaks one thing, and mends it as it is told.
fn broken_and_mended(place: &Place, id: &str, broken: &str, mend: impl Fn(&str)) {
    let (status, advice) = item(place, id);
    assert_eq!(status, broken, "{id}");
    assert!(!advice.is_empty(), "{id}");
    mend(&advice);
    let (status, advice) = item(place, id);
    assert_eq!((status.as_str(), advice.as_str()), ("pass", ""), "{id}");
}

/// Runs the command that an item says, as it stands there.
fn run_as_told(place: &Place, advice: &str) {
    let words: Vec<_> = advice[advice.find("stoa ").unwrap() + 5..].split(' ').collect();
    place.run(&words).answer();
}

#[test]
fn what_is_broken_turns_red_and_what_it_says_mends_it() {
    let place = Place::new();
    let server = place.serve_demo(&["--plain-http", "127.0.0.1:0", "--core-dumps", "true"]);
    let demo = place.demo();
    let app = |command: &[&str]| place.run(&[&["app"], command, &KEY[..]].concat());

    app(&["set", "auth", "open"]).answer();
    for id in ["no_certificate_off", "token_authentication"] {
        assert_eq!(item(&place, id).0, "fail");
    }
    broken_and_mended(&place, "no_certificate_off", "fail", |told| run_as_told(&place, told));
    assert_eq!(item(&place, "token_authentication").0, "pass");
    app(&["set", "auth", "token_or_password"]).answer();
    broken_and_mended(&place, "token_authentication", "warn", |told| run_as_told(&place, told));

    app(&["set", "accept-006", "true"]).answer();
    broken_and_mended(&place, "tokens_006_off", "fail", |told| run_as_told(&place, told));
    broken_and_mended(&place, "retention_set", "fail", |told| {
        assert!(told.contains("stoa app set plan PLAN"), "{told}");
        app(&["set", "plan", "self-hosted"]).answer();
    });

    // Users who come in by password alone, with tokens of a day.
    app(&["set", "auth", "token_or_password"]).answer();
    let (name, password) = user(&demo, 0);
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let asks = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        call(&demo, "GET", &format!("/demo/stoa/users/{name}"), &[&bearer], None).status
    };
    assert_eq!(asks(&token), 200);
    broken_and_mended(&place, "token_lifetimes", "fail", |told| {
        run_as_told(&place, told);
    });
    broken_and_mended(&place, "token_server_used", "fail", |_| {
        app(&["show", "--certificate-file", "certificate"]).answer();
        let keys = ["--app-id", text(&demo, "appId"), "--certificate-file", "certificate"];
        let build = [&["token", "build"], &keys[..], &["chat-user", "--user", name]].concat();
        assert_eq!(asks(place.run(&build).answer().trim()), 200);
    });
    assert_eq!(item(&place, "token_server_guarded").0, "stated");

    // Names that a counter makes, and then random ones.
    let create = |name: &str| {
        let create = ["user", "create", "--app", "demo#stoa", "--user", name];
        place.run(&create).answer();
    };
    (1..20).for_each(|n| create(&format!("user{n}")));
    broken_and_mended(&place, "ids_random", "fail", |told| {
        assert!(told.contains("at least 64 bits"), "{told}");
        for n in 0..32_u128 {
            create(&format!(
                "u{:032x}",
                (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
            ));
        }
    });

    // Files that others can read.
    let keys = place.path("data.keys");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o755)).unwrap();
    broken_and_mended(&place, "secrets_private", "fail", |told| {
        let mut words = told.split(' ');
        let mut chmod = std::process::Command::new(words.next().unwrap());
        assert!(chmod.args(words).current_dir(keys.parent().unwrap()).status().unwrap().success());
    });

    for id in ["vault_mirrored", "tls_only", "core_dumps_off"] {
        assert_eq!(item(&place, id).0, "fail", "{id}");
    }
    let shown = place.run(&["checklist"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stdout.contains("FAIL  The vault has a mirror"), "{}", shown.stdout);
    assert!(shown.stdout.contains("mend: name a directory on another disk"), "{}", shown.stdout);
    server.end();

    // What the configuration has to say, said, and the server started again.
    let server = place.serve_demo(&["--key-mirrors", "mirror"]);
    for id in ["vault_mirrored", "tls_only", "core_dumps_off", "audit_whole", "tls_certificate"] {
        assert_eq!(item(&place, id).0, "pass", "{id}");
    }
    server.end();
    let unknown = place.run(&["checklist", "--app", "demo#none", "--key-mirrors", "mirror"]);
    assert!(unknown.refused(1).contains("no app"), "{}", unknown.stderr);
}
