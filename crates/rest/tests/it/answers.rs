//! What holds for every answer: headers, CORS, unknown paths and methods, tenants, tokens.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Call, Lab};
use crate::transcript::Transcript;

/// Calls that come to every kind of answer: good ones, refusals, unknown paths and methods, a preflight.
fn all_kinds() -> [(Method, &'static str); 9] {
    [
        (Method::GET, "//healthz"),
        (Method::GET, "//easemob/server.json"),
        (Method::GET, "//"),
        (Method::POST, "/token"),
        (Method::GET, "/users"),
        (Method::PATCH, "/users"),
        (Method::TRACE, "/users"),
        (Method::GET, "/users/%ff"),
        (Method::OPTIONS, "/users"),
    ]
}

#[tokio::test]
async fn what_every_answer_carries() {
    let lab = Lab::new();
    for (method, path) in all_kinds() {
        let answer = lab.call(Call::new(method.clone(), path)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
        if method != Method::OPTIONS {
            assert_eq!(answer.header("content-type"), "application/json", "{method} {path}");
            assert!(answer.body.is_object(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn through_tls_every_answer_says_so_for_two_years_and_without_tls_none() {
    const HEADER: &str = "strict-transport-security";
    let lab = Lab::new();
    for (method, path) in all_kinds() {
        let call = || Call::new(method.clone(), path);
        let answer = lab.call(call().encrypted("chat.example.org:8443")).await;
        assert_eq!(answer.header(HEADER), "max-age=63072000", "{method} {path}");
        // Whoever wrote the header: it is the listener that knows.
        let plain = call().header("host", "chat.example.org").header("x-forwarded-proto", "https");
        assert_eq!(lab.call(plain).await.header(HEADER), "", "{method} {path}");
        for shared in ["localhost:8443", "127.0.0.1:8443"] {
            let answer = lab.call(call().encrypted(shared)).await;
            assert_eq!(answer.header(HEADER), "", "{method} {path} {shared}");
        }
    }
}

#[tokio::test]
async fn a_preflight_is_answered_on_any_path() {
    let lab = Lab::new();
    for path in ["/users/alice/messageroaming", "/token", "//nobody/nothing/at/all"] {
        let call = Call::new(Method::OPTIONS, path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "DELETE")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = lab.call(call).await;
        assert_eq!(answer.status, 204);
        assert!(answer.bytes.is_empty());
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, POST, PUT, PATCH, DELETE, OPTIONS"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "Authorization, Content-Type, Accept, restrict-access, share-secret, X-Requested-With, \
             thumbnail, thumbnail-width, thumbnail-height, Range, If-Range, If-None-Match, \
             x-agora-token, x-agora-uid, token"
        );
        assert_eq!(answer.header("access-control-max-age"), "7200");
    }
}

#[tokio::test]
async fn a_head_has_the_headers_of_a_get_and_no_body() {
    let lab = Lab::new();
    let answer = lab.call(Call::new(Method::HEAD, "/users").token(&lab.app_token())).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "application/json");
    let answer = lab.call(Call::new(Method::HEAD, "/users")).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (401, 0));
}

#[tokio::test]
async fn without_an_app() {
    let lab = Lab::new();
    let mut transcript = Transcript::new(&lab);
    for path in [
        "//healthz",
        "//easemob/server.json?app_key=demo%23stoa&_v=1",
        "//easemob/server.json?app_id=01010101010101010101010101010101&sdk_version=4.10.0&file_version=1",
        "//easemob/server.json?app_key=undefined",
        "//easemob/server.json?app_key=nobody%23nothing",
        "//easemob/server.json?app_id=short",
        "//easemob/server.json?app_key=far%23away",
        "//easemob/server.json?app_id=a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        "//easemob/server.json?app_key=far%23unnamed",
        "//",
        "//demo",
        "//demo/stoa",
        "//nobody/nothing/users",
        "//far/away/users",
        "//far/unnamed/users",
        "//no%20body/nothing/users",
        "/no/such/thing",
        "/users//status",
        "/users/%ff%fe",
    ] {
        transcript.stranger(Method::GET, path, Value::Null).await;
    }
    transcript.stranger(Method::PATCH, "/users", Value::Null).await;
    transcript.stranger(Method::PUT, "/token", json!({})).await;
    transcript.stranger(Method::DELETE, "/users/alice/password", json!({})).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn tokens_that_admit_nobody() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let before = lab.user_token("alice");
    let mut transcript = Transcript::new(&lab);
    let (path, get) = ("/users/alice", Method::GET);
    transcript.stranger(get.clone(), path, Value::Null).await;
    for (what, token) in [
        ("nonsense", "nonsense".to_owned()),
        ("empty", String::new()),
        ("cut", before[..40].to_owned()),
        ("forged", lab.forged_token()),
        ("for another app", lab.foreign_token()),
        ("bob", lab.user_token("bob")),
        ("nobody anymore", lab.user_token("carol")),
    ] {
        transcript.call(what, Some(token), get.clone(), path, Value::Null).await;
    }
    transcript.admin(Method::POST, "/users/bob/deactivate", Value::Null).await;
    transcript.user("bob", get.clone(), "/users/bob", Value::Null).await;
    lab.clock.advance(Duration::from_secs(3600));
    transcript.call("late", Some(before), get, path, Value::Null).await;
    let basic = Call::new(Method::GET, path).header("authorization", "Basic YWJjOmRlZg==");
    assert_eq!(lab.call(basic).await.refused(401).0, "unauthorized");
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn the_time_that_a_call_took_is_told() {
    let lab = Lab::new();
    let answer = lab.call(Call::new(Method::GET, "/users")).await;
    assert_eq!(answer.body["timestamp"], 1_800_000_000_000_u64);
    assert_eq!(answer.body["duration"], 0);
}
