use serde_json::json;

use crate::https::call;
use crate::msync::Client;
use crate::server::{Place, grant, text, user};

#[test]
fn lines_tell_what_happens_and_to_nobody_whom_it_happens() {
    let place = Place::new();
    let server = place.serve_demo(&["--log-level", "trace", "--log-format", "json"]);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    let token = grant(&demo, name, password).body["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let path = |rest: &str| format!("/demo/stoa/{rest}");
    let get = |rest: &str, headers: &[&str]| call(&demo, "GET", &path(rest), headers, None).status;
    assert_eq!(get(&format!("users/{name}"), &[&bearer]), 200);
    assert_ne!(get("users/not-there-at-all?cursor=of-the-query", &[&bearer]), 200);
    assert_ne!(get("users?limit=7&cursor=of-the-query", &["Authorization: Bearer 007wrong"]), 200);
    assert_ne!(grant(&demo, "somebody-else", "a-wrong-password").status, 200);
    let body = json!({"username": "newly-made", "password": "of-the-new-one"});
    assert_ne!(call(&demo, "POST", &path("users"), &[&bearer], Some(&body)).status, 200);
    let mut client = Client::log_in(&demo, name, "device-of-hers", &token).unwrap();
    client.send_text(user(&demo, 1).0, 1, "what-she-says").unwrap();
    client.acknowledged().unwrap();
    let log = server.end();

    let mut messages = Vec::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(text(&line, "target").starts_with("stoa"), "{line}");
        messages.push(text(&line, "message").to_owned());
    }
    for expected in ["ready", "ending", "ended"] {
        assert!(messages.iter().any(|message| message == expected), "{expected}: {messages:?}");
    }
    for secret in [
        name,
        password,
        &token,
        text(&demo, "certificate"),
        text(&demo, "appId"),
        "demo#stoa",
        "/demo/stoa",
        "not-there-at-all",
        "of-the-query",
        "007wrong",
        "somebody-else",
        "a-wrong-password",
        "newly-made",
        "of-the-new-one",
        "device-of-hers",
        "what-she-says",
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} stands in {line:?}");
    }
}
