//! Bodies that no honest client sends.

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Answer, Call, Lab};

async fn post(lab: &Lab, path: &str, body: impl AsRef<[u8]>) -> Answer {
    lab.call(Call::new(Method::POST, path).token(&lab.app_token()).text(body)).await
}

#[tokio::test]
async fn what_is_not_json() {
    let lab = Lab::new();
    for path in ["/users", "/token"] {
        for body in
            [&b"{"[..], b"{\"username\":", b"\xff\xfe\x00", b"{'username':'a'}", b"{} trailing"]
        {
            assert_eq!(post(&lab, path, body).await.refused(400).0, "json_parse");
        }
        let empty = post(&lab, path, "").await;
        assert_eq!(empty.refused(400), ("illegal_argument", "the body is empty, it must be JSON"));
        for (body, kind) in [("null", "null"), ("7", "a number"), ("\"x\"", "a string")] {
            let text = format!("the body must be an object, not {kind}");
            assert_eq!(post(&lab, path, body).await.refused(400), ("illegal_argument", &*text));
        }
    }
}

#[tokio::test]
async fn a_place_in_the_text_is_told() {
    let lab = Lab::new();
    let answer = post(&lab, "/users", "{\"username\":\n}").await;
    assert_eq!(answer.refused(400).1, "not JSON: expected value at line 2 column 1");
}

#[tokio::test]
async fn doubles_and_deep_nesting() {
    let lab = Lab::new();
    let answer = post(&lab, "/users", r#"{"username":"alice","username":"bob"}"#).await;
    assert_eq!(answer.refused(400), ("illegal_argument", "username: appears twice in one object"));
    let users = lab.admin(Method::GET, "/users", Value::Null).await;
    assert_eq!(users.done()["entities"], json!([]));
    for depth in [100, 100_000] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let answer = post(&lab, "/users", body).await;
        assert_eq!(answer.refused(400).1, "the body is nested deeper than 16 levels");
        let body = format!("{{\"grant_type\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(post(&lab, "/token", body).await.refused(400).0, "illegal_argument");
    }
}

#[tokio::test]
async fn media_types() {
    let lab = Lab::new();
    let call = |content_type: Option<&str>| {
        let call = Call::new(Method::POST, "/users").token(&lab.app_token()).text("{}");
        let mut call = match content_type {
            Some(text) => call.header("content-type", text),
            None => call,
        };
        if content_type.is_none() {
            call.0.headers_mut().remove("content-type");
        }
        lab.call(call)
    };
    for accepted in ["application/json", "Application/JSON; charset=utf-8"] {
        assert!(call(Some(accepted)).await.refused(400).1.contains("username"), "{accepted}");
    }
    for other in [Some("application/xml"), Some("text/plain"), Some(""), None] {
        assert_eq!(call(other).await.refused(415).0, "web_application", "{other:?}");
    }
    let mut bare = Call::new(Method::POST, "/users").token(&lab.app_token());
    bare.0.headers_mut().remove("content-type");
    assert_eq!(lab.call(bare).await.refused(400).1, "the body is empty, it must be JSON");
}

#[tokio::test]
async fn ten_megabytes() {
    let lab = Lab::new();
    let big = json!({"username": "x".repeat(10 << 20)}).to_string();
    for path in ["/users", "/token"] {
        let answer = post(&lab, path, &big).await;
        let text = "the body is larger than 1048576 bytes";
        assert_eq!(answer.refused(413), ("illegal_argument", text));
    }
    let answer = lab.call(Call::new(Method::POST, "/users").text(&big)).await;
    assert_eq!(answer.refused(401).0, "unauthorized", "a stranger's body is not looked at");
    let unread = post(&lab, "/users/nobody/deactivate", &big).await;
    assert_eq!(unread.refused(404).0, "service_resource_not_found");
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_read() {
    let lab = Lab::new();
    let overhead = json!({"username": ""}).to_string().len();
    let body = json!({"username": "x".repeat((1 << 20) - overhead)}).to_string();
    assert_eq!(body.len(), 1 << 20);
    let answer = post(&lab, "/users", &body).await;
    assert!(answer.refused(400).1.contains("a username has 1 to 64 characters"));
    assert!(answer.bytes.len() < 1_000, "what was sent is not sent back");
    assert_eq!(post(&lab, "/users", format!("{body} ")).await.refused(413).0, "illegal_argument");
}
