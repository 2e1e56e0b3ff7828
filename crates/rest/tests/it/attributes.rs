//! User attributes.

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Answer, Call, Lab};
use crate::transcript::Transcript;

async fn form(lab: &Lab, token: &str, user: &str, body: &[u8]) -> Answer {
    let call = Call::new(Method::PUT, &format!("/metadata/user/{user}")).token(token).text(body);
    lab.call(call.header("content-type", "application/x-www-form-urlencoded")).await
}

#[tokio::test]
async fn a_form_of_the_sdk_and_one_of_a_back_end() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let alice = lab.user_token("alice");
    let one = form(&lab, &alice, "alice", "sign=a + b & c=d ü".as_bytes()).await;
    assert_eq!(one.done()["data"], json!({"sign": "a + b & c=d ü"}));
    let one = form(&lab, &alice, "alice", b"phone=+49").await;
    assert_eq!(one.done()["data"], json!({"phone": "+49"}));
    let several = form(&lab, &alice, "alice", b"nickname=Al%20%2B%26&ext=%7B%7D").await;
    assert_eq!(several.done()["data"], json!({"nickname": "Al +&", "ext": "{}"}));
    let app = form(&lab, &lab.app_token(), "alice", b"mail=a+b@c.org&custom=x").await;
    assert_eq!(app.done()["data"], json!({"mail": "a b@c.org", "custom": "x"}));
    let all = lab.admin(Method::GET, "/metadata/user/alice", Value::Null).await;
    assert_eq!(
        all.done()["data"],
        json!({
            "sign": "a + b & c=d ü", "phone": "+49", "nickname": "Al +&", "ext": "{}",
            "mail": "a b@c.org", "custom": "x",
        })
    );
    for body in [&b"nothing"[..], b"", b"nickname=%ff", b"=x"] {
        assert_eq!(form(&lab, &alice, "alice", body).await.refused(400).0, "illegal_argument");
    }
    let call = Call::new(Method::PUT, "/metadata/user/alice").token(&alice).text("sign=x");
    let other = lab.call(call.header("content-type", "text/plain")).await;
    assert_eq!(other.refused(415).0, "web_application");
}

#[tokio::test]
async fn attributes() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let path = "/metadata/user/alice";
    t.user("alice", Method::GET, path, Value::Null).await;
    t.user("alice", Method::PUT, path, json!({"nickname": "Al", "gender": 1, "vip": true})).await;
    t.user("alice", Method::PUT, path, json!({"sign": "x", "gender": ""})).await;
    t.user("bob", Method::GET, path, Value::Null).await;
    t.user("bob", Method::PUT, path, json!({"sign": "not mine"})).await;
    for body in [
        json!({"nickname": "n".repeat(65)}),
        json!({"ext": "e".repeat(2048)}),
        json!({"ext": null}),
        json!({}),
        json!([]),
    ] {
        t.user("alice", Method::PUT, path, body).await;
    }
    let get = "/metadata/user/get";
    let targets = json!(["alice", "Bob", "nobody", "not a name"]);
    t.user("bob", Method::POST, get, json!({"targets": targets, "properties": ["sign"]})).await;
    t.user("bob", Method::POST, get, json!({"targets": ["alice"]})).await;
    t.user("bob", Method::POST, get, json!({"targets": vec!["alice"; 101]})).await;
    t.admin(Method::GET, "/metadata/user/capacity", Value::Null).await;
    t.user("bob", Method::GET, "/metadata/user/capacity", Value::Null).await;
    t.admin(Method::GET, "/metadata/user/nobody", Value::Null).await;
    t.admin(Method::PUT, "/metadata/user/nobody", json!({"sign": "x"})).await;
    t.call("another app", Some(lab.foreign_token()), Method::GET, path, Value::Null).await;
    t.user("bob", Method::DELETE, path, Value::Null).await;
    t.user("alice", Method::DELETE, path, Value::Null).await;
    t.admin(Method::DELETE, path, Value::Null).await;
    t.admin(Method::GET, "/metadata/user/capacity", Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn the_capacity_is_what_all_have_together() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let capacity = async || {
        lab.admin(Method::GET, "/metadata/user/capacity", Value::Null).await.done()["data"].clone()
    };
    assert_eq!(capacity().await, 0);
    for (user, sign, all) in [("alice", "12345", 9), ("bob", "1", 14), ("alice", "", 9)] {
        let path = format!("/metadata/user/{user}");
        lab.admin(Method::PUT, &path, json!({"sign": sign})).await.done();
        assert_eq!(capacity().await, all);
    }
    lab.admin(Method::DELETE, "/users/bob", Value::Null).await.done();
    assert_eq!(capacity().await, 4);
    lab.users(&["bob"]).await;
    let bob = lab.admin(Method::GET, "/metadata/user/bob", Value::Null).await;
    assert_eq!(bob.done()["data"], json!({}), "another person");
}
