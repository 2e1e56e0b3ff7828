//! Who may enter and who is thrown out, through the operator's commands and the server that runs.

use serde_json::Value;

use crate::command_line::json;
use crate::https::call;
use crate::msync::Client;
use crate::server::{Place, exists, grant, text, user};

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
