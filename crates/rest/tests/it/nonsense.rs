//! Whatever is sent to whatever route: an answer that the SDK survives (msync section 0, item 12).

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::lab::{Answer, Call, Lab};

const ROUTES: &[(Method, &str)] = &[
    (Method::GET, "//easemob/server.json?"),
    (Method::POST, "/token?"),
    (Method::GET, "/users?"),
    (Method::POST, "/users?"),
    (Method::GET, "/users/{user}?"),
    (Method::PUT, "/users/{user}?"),
    (Method::PUT, "/users/{user}/password?"),
    (Method::POST, "/users/{user}/activate?"),
    (Method::GET, "/users/{user}/disconnect?"),
    (Method::DELETE, "/users/{user}/disconnect/{user}?"),
    (Method::GET, "/users/{user}/resources?"),
    (Method::GET, "/users/{user}/status?"),
    (Method::POST, "/users/batch/status?"),
    (Method::POST, "/users/{user}/messageroaming?"),
    (Method::GET, "/sdk/users/{user}/token/expires?"),
    (Method::POST, "/chatfiles?"),
    (Method::GET, "/chatfiles/{user}?"),
    (Method::POST, "/sdk/chatfiles/part-upload/{user}?"),
    (Method::PUT, "/sdk/chatfiles/part-upload/{user}?"),
    (Method::DELETE, "/sdk/chatfiles/part-upload/{user}?"),
    (Method::GET, "/users/{user}/contacts/users?"),
    (Method::GET, "/user/{user}/contacts?"),
    (Method::POST, "/users/{user}/contacts/apply?"),
    (Method::POST, "/users/{user}/contacts/accept/users/{user}?"),
    (Method::POST, "/users/{user}/contacts/users/{user}?"),
    (Method::PUT, "/users/{user}/contacts/users/{user}?"),
    (Method::DELETE, "/users/{user}/contacts/users/{user}?"),
    (Method::POST, "/sdk/user/{user}/blocks?"),
    (Method::DELETE, "/sdk/user/{user}/blocks?"),
    (Method::GET, "/users/{user}/blocks/users?"),
    (Method::PUT, "/metadata/user/{user}?"),
    (Method::POST, "/metadata/user/get?"),
    (Method::POST, "/users/{user}/presence?"),
    (Method::DELETE, "/users/{user}/presence?"),
    (Method::POST, "/users/{user}/presence/{user}?"),
    (Method::POST, "/users/{user}/presence/{user}/1?"),
    (Method::GET, "/users/{user}/presence/sublist?"),
    (Method::PATCH, "/users?"),
    (Method::GET, "/{user}/{user}?"),
];

fn is_survivable(call: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    assert!(status == 200 || (400..500).contains(&status), "{call}: {status} {}", answer.body);
    assert_ne!(status, 406, "{call}");
    assert!(answer.body.is_object(), "{call}: {:?}", answer.bytes);
    if status != 200 {
        answer.refused(status);
    }
}

/// A field's name that some route reads, or another.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(vec![
            "username", "nickname", "usernames", "grant_type", "ttl", "client_id", "autoCreateUser",
            "queue", "start", "pull_number", "is_positive", "msgType", "startTime", "endTime",
            "userId", "device_token", "newpassword", "reason", "remark", "targets", "properties",
            "ext", "users",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,70}".prop_map(Value::from),
        proptest::sample::select(vec![
            "alice",
            "password",
            "client_credentials",
            "inherit",
            "alice@easemob.com",
            "txt,img",
            "-1",
            "7@conference.easemob.com",
        ])
        .prop_map(Value::from),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => proptest::collection::vec((name(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("alice".to_owned()),
        1 => Just("nobody".to_owned()),
        1 => "[!$-.0-;=@-Z_a-z~]{1,12}",
        1 => "(%[0-9a-f]{2}){1,6}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "(limit|cursor|chat-type|share-secret|thumbnail|app_key|app_id|_v)=[!$-;=@-Z_a-z~]{0,12}",
        "[!$-;=@-Z_a-z~]{0,30}",
    ]
}

#[derive(Debug, Clone)]
enum Sent {
    Json(Value),
    Bytes(Vec<u8>),
}

#[test]
fn never_a_server_error_and_always_an_object() {
    let runtime = Runtime::new().unwrap();
    let lab = Lab::new();
    runtime.block_on(lab.users(&["alice"]));
    let sent = prop_oneof![
        4 => body().prop_map(Sent::Json),
        1 => proptest::collection::vec(any::<u8>(), 0..64).prop_map(Sent::Bytes),
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let inputs = (sent, segment(), query(), 0..3_u8);
    let outcome = runner.run(&inputs, |(sent, segment, query, who)| {
        // Bursts of calls are what `rates` is about.
        lab.clock.advance(std::time::Duration::from_millis(500));
        let token = match who {
            0 => lab.app_token(),
            1 => lab.user_token("alice"),
            _ => segment.clone(),
        };
        for (method, route) in ROUTES {
            let path = format!("{}{query}", route.replace("{user}", &segment));
            let call = Call::new(method.clone(), &path).header("authorization", "Bearer x");
            let Ok(bearer) = format!("Bearer {token}").parse() else { continue };
            let mut call = match &sent {
                Sent::Json(body) => call.json(body.clone()),
                Sent::Bytes(bytes) => call.text(bytes),
            };
            call.0.headers_mut().insert("authorization", bearer);
            let answer = runtime.block_on(lab.call(call));
            is_survivable(&format!("{method} {path}"), &answer);
        }
        Ok(())
    });
    outcome.unwrap();
    let unharmed = runtime.block_on(lab.admin(Method::GET, "/users/alice", Value::Null));
    assert_eq!(unharmed.done()["entities"][0]["username"], json!("alice"));
}
