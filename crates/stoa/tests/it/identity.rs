//! Who may enter and who is thrown out, through the operator's commands and the server that runs.

use serde_json::Value;

use crate::command_line::json;
use crate::https::call;
use crate::msync::Client;
use crate::server::{Ended, Place, exists, grant, text, user};

const KEY: [&str; 2] = ["--key", "demo#stoa"];

/// A token that the app's back end makes with the certificate in `file`, for a user or for itself.
fn made(place: &Place, demo: &Value, file: &str, name: Option<&str>) -> String {
    let keys = ["token", "build", "--app-id", text(demo, "appId"), "--certificate-file", file];
    let made = match name {
        Some(name) => place.run(&[&keys[..], &["chat-user", "--user", name]].concat()),
        None => place.run(&[&keys[..], &["chat-app"]].concat()),
    };
    made.answer().trim().to_owned()
}

/// The status of a call with this token.
fn asks(demo: &Value, name: &str, token: &str) -> u16 {
    let bearer = format!("Authorization: Bearer {token}");
    call(demo, "GET", &format!("/demo/stoa/users/{name}"), &[&bearer], None).status
}

#[test]
fn what_is_revoked_is_out_at_once_and_after_a_restart() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    place.run(&[&["app", "show", "--certificate-file", "c"], &KEY[..]].concat()).answer();
    let on_user = |command: &[&str]| {
        let whose = ["--app", "demo#stoa", "--user", name, "--json"];
        json(place.run(&[&["user"], command, &whose].concat()).answer())
    };

    // One token: its session goes, and the other one stays.
    let stolen = made(&place, &demo, "c", Some(name));
    let kept = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut thief = Client::log_in(&demo, name, "thief", &stolen).unwrap();
    let mut phone = Client::log_in(&demo, name, "phone", &kept).unwrap();
    let revoke = ["user", "revoke-token", "--app", "demo#stoa", "--token-file", "-", "--json"];
    let revoked = json(place.run_with_input(&revoke, &stolen).answer());
    assert_eq!(revoked["tokens"], 1);
    thief.wait_until_closed();
    assert_eq!((asks(&demo, name, &stolen), asks(&demo, name, &kept)), (401, 200));
    place.run_with_input(&revoke, &stolen).answer();

    // A device, with the token that it has.
    let revoked = on_user(&["revoke", "--device", "phone"]);
    assert_eq!(revoked["tokens"], 1);
    phone.wait_until_closed();
    assert_eq!(asks(&demo, name, &kept), 401);

    // The user: what the app's back end makes within the next minute is refused too.
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut web = Client::log_in(&demo, name, "web", &token).unwrap();
    assert_eq!(on_user(&["revoke"])["tokens"], Value::Null);
    web.wait_until_closed();
    let fresh = made(&place, &demo, "c", Some(name));
    assert_eq!((asks(&demo, name, &token), asks(&demo, name, &fresh)), (401, 401));
    let granted = grant(&demo, name, password);
    let granted = text(&granted.body, "access_token").to_owned();
    assert_eq!(asks(&demo, name, &granted), 200, "the server's own clock needs no minute");

    // The whole app.
    let mut web = Client::log_in(&demo, name, "web", &granted).unwrap();
    let shown = json(place.run(&[&["app", "revoke", "--json"], &KEY[..]].concat()).answer());
    assert!(shown["revokedUntil"].is_u64());
    web.wait_until_closed();
    let back_end = made(&place, &demo, "c", None);
    let all = |demo: &Value| {
        [&stolen, &kept, &token, &fresh, &granted, &back_end].map(|token| asks(demo, name, token))
    };
    assert_eq!(all(&demo), [401; 6]);
    let granted = grant(&demo, name, password);
    assert_eq!(asks(&demo, name, text(&granted.body, "access_token")), 200);

    server.end();
    let server = place.serve_demo(&[]);
    assert_eq!(all(&place.demo()), [401; 6]);
    server.end();
}

#[test]
fn a_rotation_lets_both_in_for_the_overlap_and_a_leaked_one_out_at_once() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let name = user(&demo, 0).0;
    let certificate =
        |command: &[&str]| place.run(&[&["app", "certificate"], command, &KEY[..]].concat());
    place.run(&[&["app", "show", "--certificate-file", "first"], &KEY[..]].concat()).answer();
    let by_first = made(&place, &demo, "first", Some(name));
    let mut web = Client::log_in(&demo, name, "web", &by_first).unwrap();

    let rotated = certificate(&["rotate", "--certificate-file", "second", "--json"]);
    let rotated = json(rotated.answer());
    assert!(rotated["certificates"][0]["retires"].is_null());
    let ends = rotated["certificates"][1]["retires"].as_u64().unwrap();
    assert_eq!(ends - rotated["certificates"][0]["created"].as_u64().unwrap(), 86_400_000);
    let by_second = made(&place, &demo, "second", Some(name));
    assert_eq!((asks(&demo, name, &by_first), asks(&demo, name, &by_second)), (200, 200));
    let listed = certificate(&["list"]).answer().to_owned();
    assert!(listed.lines().nth(1).unwrap().contains("ends "), "{listed}");
    certificate(&["rotate", "--certificate-file", "third"]).refused(1);
    assert!(!place.path("third").exists());

    // The SDK renews with a token of the new one; the session then outlives the former one.
    let bearer = format!("Authorization: Bearer {by_second}");
    let renew = format!("/demo/stoa/sdk/users/{name}/token/expires");
    assert_eq!(call(&demo, "GET", &renew, &[&bearer], None).status, 200);
    let other = user(&demo, 1).0;
    let by_first_too = made(&place, &demo, "first", Some(other));
    let mut old = Client::log_in(&demo, other, "web", &by_first_too).unwrap();
    certificate(&["retire", "--slot", "secondary"]).answer();
    old.wait_until_closed();
    assert_eq!((asks(&demo, name, &by_first), asks(&demo, name, &by_second)), (401, 200));
    web.send_text(user(&demo, 1).0, 7, "still here").unwrap();
    assert_eq!(web.acknowledged().unwrap().0, 7);

    // Somebody else has the second one.
    certificate(&["add", "--certificate-file", "third"]).answer();
    certificate(&["retire", "--slot", "primary", "--leaked"]).answer();
    web.wait_until_closed();
    assert_eq!(asks(&demo, name, &by_second), 401);
    server.end();
}

/// Runs `stoa app server-certificate rotate` with these options.
fn rotate(place: &Place, options: &[&str]) -> Ended {
    place.run(&[&["app", "server-certificate", "rotate", "--json"], &KEY[..], options].concat())
}

/// A token that the server issues for a password.
fn granted(demo: &Value, (name, password): (&str, &str)) -> String {
    text(&grant(demo, name, password).body, "access_token").to_owned()
}

#[test]
fn a_server_certificate_is_exchanged_while_sessions_go_on_also_over_a_restart() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (alice, bob) = (user(&demo, 0), user(&demo, 1));
    let list = || {
        let command = ["app", "server-certificate", "list", "--json"];
        let listed = place.run(&[&command[..], &KEY].concat()).answer().to_owned();
        listed.lines().map(json).collect::<Vec<Value>>()
    };
    let first = list();
    assert_eq!(first.len(), 1);
    let by_first = granted(&demo, alice);
    let mut web = Client::log_in(&demo, alice.0, "web", &by_first).unwrap();

    // Without options as long as the app's tokens live at most, which is a day.
    let rotated = json(rotate(&place, &[]).answer());
    assert_eq!(rotated["serverCertificates"], Value::from(list()));
    let [present, former] = &list()[..] else { panic!("the present and the former one") };
    assert_eq!((text(present, "slot"), text(former, "slot")), ("present", "former"));
    assert_eq!(former["fingerprint"], first[0]["fingerprint"]);
    let ends = former["retires"].as_u64().unwrap();
    assert_eq!(ends - present["created"].as_u64().unwrap(), 86_400_000);
    assert!(present["retires"].is_null());
    web.send_text(bob.0, 7, "still here").unwrap();
    assert_eq!(web.acknowledged().unwrap().0, 7);
    let by_second = granted(&demo, alice);
    let both = |demo: &Value| [&by_first, &by_second].map(|token| asks(demo, alice.0, token));
    assert_eq!(both(&demo), [200; 2]);

    // One former one at a time, and no longer than tokens live.
    assert!(rotate(&place, &[]).refused(1).contains("--overlap 0"));
    assert!(rotate(&place, &["--overlap", "86401"]).refused(2).contains("choose 0 to 86400"));
    rotate(&place, &["--overlap", "60", "--leaked"]).refused(2);
    server.end();

    let server = place.serve_demo(&[]);
    let demo = place.demo();
    assert_eq!(both(&demo), [200; 2]);
    let mut former = Client::log_in(&demo, alice.0, "web", &by_first).unwrap();
    let mut present = Client::log_in(&demo, bob.0, "web", &granted(&demo, bob)).unwrap();
    rotate(&place, &["--overlap", "0"]).answer();
    former.wait_until_closed();
    present.wait_until_closed();
    assert_eq!(both(&demo), [401; 2], "the former one has ended as well");
    assert_eq!(list().len(), 1);
    let by_third = granted(&demo, alice);
    assert_eq!(asks(&demo, alice.0, &by_third), 200);

    // An overlap ends by itself.
    let mut web = Client::log_in(&demo, alice.0, "web", &by_third).unwrap();
    rotate(&place, &["--overlap", "1"]).answer();
    web.wait_until_closed();
    assert_eq!(asks(&demo, alice.0, &by_third), 401);
    let by_fourth = granted(&demo, alice);
    assert_eq!(asks(&demo, alice.0, &by_fourth), 200);
    server.end();

    // Without a server the command does it itself.
    rotate(&place, &["--overlap", "0"]).answer();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    assert_eq!(asks(&demo, alice.0, &by_fourth), 401);
    assert_eq!(asks(&demo, alice.0, &granted(&demo, alice)), 200);
    server.end();
}

#[test]
fn a_leaked_server_certificate_ends_all_sessions_that_it_ever_let_in_and_stands_in_the_log() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (alice, bob) = (user(&demo, 0), user(&demo, 1));
    place.run(&[&["app", "show", "--certificate-file", "c"], &KEY[..]].concat()).answer();
    let by_server = granted(&demo, alice);
    let mut web = Client::log_in(&demo, alice.0, "web", &by_server).unwrap();
    let by_app = made(&place, &demo, "c", Some(bob.0));
    let mut other = Client::log_in(&demo, bob.0, "web", &by_app).unwrap();

    // A session that a token of the app's back end has renewed goes on.
    let bearer = format!("Authorization: Bearer {}", made(&place, &demo, "c", Some(alice.0)));
    let renew = format!("/demo/stoa/sdk/users/{}/token/expires", alice.0);
    assert_eq!(call(&demo, "GET", &renew, &[&bearer], None).status, 200);
    rotate(&place, &["--overlap", "0"]).answer();
    assert_eq!(asks(&demo, alice.0, &by_server), 401);
    web.send_text(bob.0, 7, "still here").unwrap();
    assert_eq!(web.acknowledged().unwrap().0, 7);

    // Not so when somebody else could have opened it.
    let by_server = granted(&demo, alice);
    let bearer = format!("Authorization: Bearer {by_server}");
    assert_eq!(call(&demo, "GET", &renew, &[&bearer], None).status, 200);
    rotate(&place, &["--leaked"]).answer();
    web.wait_until_closed();
    assert_eq!(asks(&demo, alice.0, &by_server), 401);
    assert_eq!(asks(&demo, bob.0, &by_app), 200);
    other.send_text(alice.0, 8, "nobody let me in").unwrap();
    assert_eq!(other.acknowledged().unwrap().0, 8);

    rotate(&place, &[]).answer();
    rotate(&place, &[]).refused(1);
    let act = "app.server_certificate.rotated";
    let log = ["audit", "list", "--app", "demo#stoa", "--act", act];
    let log = place.run(&log).answer().to_owned();
    let entries: Vec<_> = log.lines().collect();
    let told = [
        "refused  (the app demo#stoa has a former server certificate",
        "done  overlap=token-cap  leaked=false",
        "done  overlap=0  leaked=true",
        "done  overlap=0  leaked=false",
    ];
    assert_eq!(entries.len(), told.len(), "{log}");
    for (entry, words) in entries.iter().zip(told) {
        assert!(entry.contains(words), "{entry}");
    }
    let printed = server.end();
    assert!(!printed.contains(&by_server), "{printed}");
}

#[test]
fn an_app_is_deleted_with_its_sessions_keys_and_records() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut web = Client::log_in(&demo, name, "web", &token).unwrap();
    let keys = |place: &Place| {
        let status = json(place.run(&["key", "status", "--json"]).answer());
        (status["dataKeys"].as_u64().unwrap(), status["blindingKeys"].as_u64().unwrap())
    };
    let before = keys(&place);
    assert_eq!(before.1, 2, "the platform's and the app's");

    let client = ["token-server", "key", "create", "--app", "demo#stoa", "--name", "shop"];
    let from = ["--address", "10.0.0.0/8", "--key-file", "client"];
    place.run(&[&client[..], &from].concat()).answer();

    let delete =
        |confirm: &str| place.run(&[&["app", "delete", "--confirm", confirm], &KEY[..]].concat());
    assert!(delete("demo#other").refused(2).contains("nothing was deleted"));
    assert_eq!(asks(&demo, name, &token), 200);
    assert_eq!(delete("demo#stoa").answer(), "");
    web.wait_until_closed();
    assert_eq!(asks(&demo, name, &token), 404, "there is no such app");
    assert_eq!(place.run(&["app", "list"]).answer(), "");
    // What is left is the platform's own.
    let left = keys(&place);
    assert!(left.0 < before.0 && left.1 == 1, "{before:?} {left:?}");
    delete("demo#stoa").refused(1);
    server.end();
    assert!(exists(&place.path("data")));

    // It starts without what went with the app. The name is free; who has it now is another app, with nobody in it.
    let create = ["app", "create", "--key", "demo#stoa", "--json"];
    let made = json(place.run(&create).answer());
    assert_ne!(made["appId"], demo["appId"]);
    assert_eq!(place.run(&["user", "list", "--app", "demo#stoa"]).answer(), "");
}
