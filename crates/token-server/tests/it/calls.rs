//! What the calls do, and how they are refused.

use http::{Request, StatusCode};

use crate::lab::{APP, DESK, Lab, NOW, SHOP};

#[tokio::test]
async fn a_token_is_minted_that_opens_the_door() {
    let lab = Lab::new().await;
    assert_eq!(lab.last_minted.of(lab.app(APP).number), None);
    let first = lab.post(SHOP, "/v1/tokens", r#"{"user":"anna@example.org","ttl":600}"#).await;
    assert_eq!(first.body["created"], true);
    assert_eq!(first.body["expiresIn"], 600);
    assert_eq!(lab.last_told(), "minted shop true");
    assert_eq!(lab.last_minted.of(lab.app(APP).number), Some(NOW));

    let caller = lab.chat.authenticate(&APP.parse().unwrap(), &first.text("token")).await.unwrap();
    assert_eq!(caller.user().unwrap().as_str(), first.text("username"));
    assert_ne!(first.text("username"), "anna@example.org");
    let same = lab.chat.authenticate(&"acme#other".parse().unwrap(), &first.text("token")).await;
    assert!(same.is_err(), "the token of one app opens no other");

    let again = lab.post(SHOP, "/v1/tokens", r#"{"user":"anna@example.org"}"#).await;
    assert_eq!(
        (again.body["created"].clone(), again.body["expiresIn"].clone()),
        (false.into(), 86_400.into())
    );
    for field in ["username", "uuid"] {
        assert_eq!(again.text(field), first.text(field));
    }
    let elsewhere = lab.post(DESK, "/v1/tokens", r#"{"user":"anna@example.org"}"#).await;
    assert_ne!(elsewhere.text("username"), first.text("username"), "each app has its own");
}

#[tokio::test]
async fn users_are_found_and_erased_by_the_apps_own_id() {
    let lab = Lab::new().await;
    let nobody = lab.post(SHOP, "/v1/users/lookup", r#"{"user":"anna"}"#).await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::NOT_FOUND, "unknown_user"));
    assert_eq!(lab.last_told(), "refused unknown_user shop 192.0.2.1");
    let minted = lab.post(SHOP, "/v1/tokens", r#"{"user":"anna"}"#).await;
    let found = lab.post(SHOP, "/v1/users/lookup", r#"{"user":"anna"}"#).await;
    assert_eq!(found.text("username"), minted.text("username"));
    let elsewhere = lab.post(DESK, "/v1/users/lookup", r#"{"user":"anna"}"#).await;
    assert_eq!(elsewhere.code(), "unknown_user");

    let deleted = lab.post(SHOP, "/v1/users/delete", r#"{"user":"anna"}"#).await;
    assert_eq!(deleted.text("uuid"), minted.text("uuid"));
    assert_eq!(lab.last_told(), "deleted shop");
    for path in ["/v1/users/lookup", "/v1/users/delete"] {
        assert_eq!(lab.post(SHOP, path, r#"{"user":"anna"}"#).await.code(), "unknown_user");
    }
    let key = APP.parse().unwrap();
    assert!(lab.chat.authenticate(&key, &minted.text("token")).await.is_err());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_clear_words() {
    let lab = Lab::new().await;
    let long = format!(r#"{{"user":"{}"}}"#, "x".repeat(513));
    for (body, says) in [
        ("", "JSON object"),
        ("[]", "JSON object"),
        ("{}", "user"),
        (r#"{"user":7}"#, "string"),
        (r#"{"user":""}"#, "1 to 512 bytes"),
        (&long, "1 to 512 bytes"),
        (r#"{"user":"anna","ttl":0}"#, "ttl"),
        (r#"{"user":"anna","ttl":-1}"#, "u64"),
        (r#"{"user":"anna","role":"admin"}"#, "role"),
    ] {
        let refused = lab.post(SHOP, "/v1/tokens", body).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "bad_request"));
        let message = refused.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{body}: {message}");
    }
    // The longest id fits, also when every byte of it is escaped.
    let escaped = format!(r#"{{"user":"{}"}}"#, "\\u0001".repeat(512));
    assert_eq!(lab.post(SHOP, "/v1/tokens", &escaped).await.status, StatusCode::OK);
    let large = format!(r#"{{"user":"{}"}}"#, "x".repeat(9000));
    let large = lab.post(SHOP, "/v1/tokens", &large).await;
    assert_eq!((large.status, large.code()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));

    let path = lab.post(SHOP, "/v1/token", "{}").await;
    assert_eq!((path.status, path.code()), (StatusCode::NOT_FOUND, "unknown_path"));
    let method = lab.call("::1", Some(SHOP), Request::get("/v1/tokens"), "").await;
    assert_eq!(method.code(), "method_not_allowed");
}

#[tokio::test]
async fn a_deactivated_user_gets_no_token() {
    let lab = Lab::new().await;
    let minted = lab.post(SHOP, "/v1/tokens", r#"{"user":"anna"}"#).await;
    let app = stoa_core::issue_token(&lab.app(APP), None, NOW, 60, &stoa_core::SystemEntropy);
    let back_end = lab.chat.authenticate(&APP.parse().unwrap(), app.expose()).await.unwrap();
    let name = minted.text("username").parse().unwrap();
    lab.chat.set_activated(&back_end, &name, false).await.unwrap();
    let refused = lab.post(SHOP, "/v1/tokens", r#"{"user":"anna"}"#).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "user_deactivated"));
}
