//! Who may call, from where, and how often.

use std::time::Duration;

use http::{Request, StatusCode};
use stoa_console::{Fingerprint, NewApp};
use stoa_core::{AuthPolicy, Region};

use crate::lab::{APP, DESK, Lab, NOW, SHOP};

const BODY: &str = r#"{"user":"anna"}"#;

#[tokio::test]
async fn nobody_calls_without_a_good_credential() {
    let lab = Lab::new().await;
    let none = lab.call("192.0.2.1", None, Request::post("/v1/tokens"), BODY).await;
    assert_eq!((none.status, none.code()), (StatusCode::UNAUTHORIZED, "no_credentials"));
    assert_eq!(lab.last_told(), "refused no_credentials - 192.0.2.1");
    let stranger = lab.post(Fingerprint([9; 32]), "/v1/tokens", BODY).await;
    assert_eq!((stranger.status, stranger.code()), (StatusCode::UNAUTHORIZED, "unknown_client"));
    for header in ["Bearer", "Bearer stoa_x", "Basic c3RvYTpzdG9h", "Bearer 007"] {
        let request = Request::post("/v1/tokens").header("authorization", header);
        assert_eq!(lab.call("::1", None, request, BODY).await.code(), "unknown_client");
    }
    // A certificate counts before a key.
    let client = lab.console.token_clients()[0].clone();
    let ranges = vec!["::1".parse().unwrap()];
    let app = &client.app_key;
    let (_, key) = lab.console.add_key_client(app, "spare".parse().unwrap(), ranges).await.unwrap();
    let bearer = format!("Bearer {}", key.expose());
    let request = Request::post("/v1/tokens").header("authorization", &bearer);
    let both = lab.call("::1", Some(Fingerprint([9; 32])), request, BODY).await;
    assert_eq!(both.code(), "unknown_client");
}

#[tokio::test]
async fn a_client_that_was_removed_is_refused_with_its_next_call() {
    let lab = Lab::new().await;
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.status, StatusCode::OK);
    let app = APP.parse().unwrap();
    lab.console.remove_client(&app, &"shop".parse().unwrap()).await.unwrap();
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.code(), "unknown_client");
}

#[tokio::test]
async fn a_client_of_a_deleted_app_mints_nothing_for_another_app_of_that_key() {
    let lab = Lab::new().await;
    let app = lab.app(APP);
    lab.console.begin_deletion(&app.key).await.unwrap();
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.code(), "unknown_client");
    lab.console.finish_deletion(app.number).await.unwrap();
    let (key, auth) = (app.key.clone(), AuthPolicy::Token);
    lab.console.create_app(NewApp { key, region: Region::Eu, auth }).await.unwrap();
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.code(), "unknown_client");
    assert_eq!(lab.post(DESK, "/v1/tokens", BODY).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_certificate_that_is_over_opens_nothing() {
    let lab = Lab::new().await;
    lab.clock.advance(Duration::from_secs(86_400));
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.status, StatusCode::OK);
    lab.clock.advance(Duration::from_secs(1));
    let over = lab.post(SHOP, "/v1/tokens", BODY).await;
    assert_eq!((over.status, over.code()), (StatusCode::UNAUTHORIZED, "certificate_expired"));
}

#[tokio::test]
async fn a_key_counts_from_its_addresses_and_where_strangers_do_not_come() {
    for (listen, taken) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("10.0.0.5", true),
        ("fd00::5", true),
        ("0.0.0.0", false),
        ("169.254.0.1", false),
        ("203.0.113.5", false),
    ] {
        let lab = Lab::listening(listen).await;
        let ranges = vec!["10.1.0.0/16".parse().unwrap()];
        let app = APP.parse().unwrap();
        let client = lab.console.add_key_client(&app, "till".parse().unwrap(), ranges).await;
        let (_, key) = client.unwrap();
        let answer = lab.with_key("10.1.2.3", key.expose()).await;
        if !taken {
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_eq!(answer.code(), "key_not_accepted", "{listen}");
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{listen}");
        assert_eq!(lab.last_told(), "minted till true");
        let elsewhere = lab.with_key("10.2.0.1", key.expose()).await;
        assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
        assert_eq!(elsewhere.code(), "address_not_allowed");
        assert_eq!(lab.last_told(), "refused address_not_allowed till 10.2.0.1");
    }
}

#[tokio::test]
async fn a_certificate_can_be_bound_to_addresses() {
    let lab = Lab::new().await;
    let (app, name) = (APP.parse().unwrap(), "shop".parse().unwrap());
    let ranges = vec!["198.51.100.0/24".parse().unwrap()];
    lab.console.set_client_addresses(&app, &name, ranges).await.unwrap();
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.code(), "address_not_allowed");
    let request = Request::post("/v1/tokens");
    let inside = lab.call("198.51.100.77", Some(SHOP), request, BODY).await;
    assert_eq!(inside.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_calls_too_often_waits_and_the_others_do_not() {
    let lab = Lab::new().await;
    // Ids that are none cost less than tokens, and count the same.
    let bound = stoa_core::limits::TOKEN_CLIENT_CALLS_PER_SECOND;
    for _ in 0..bound {
        assert_eq!(lab.post(SHOP, "/v1/users/lookup", "{}").await.status, StatusCode::BAD_REQUEST);
    }
    let refused = lab.post(SHOP, "/v1/tokens", BODY).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert_eq!(refused.retry_after.as_deref(), Some("1"));
    assert_eq!(lab.post(DESK, "/v1/tokens", BODY).await.status, StatusCode::OK);
    lab.clock.set(NOW.plus(Duration::from_millis(10)));
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_address_of_strangers_is_told_to_wait_and_clients_there_are_not() {
    let lab = Lab::new().await;
    let stranger = Fingerprint([9; 32]);
    for _ in 0..20 {
        assert_eq!(lab.post(stranger, "/v1/tokens", BODY).await.code(), "unknown_client");
    }
    let refused = lab.post(stranger, "/v1/tokens", BODY).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((refused.code(), refused.retry_after.as_deref()), ("too_many_failures", Some("1")));
    assert_eq!(lab.last_told(), "refused too_many_failures - 192.0.2.1");
    let request = Request::post("/v1/tokens");
    let elsewhere = lab.call("192.0.2.2", Some(stranger), request, BODY).await;
    assert_eq!(elsewhere.code(), "unknown_client");
    assert_eq!(lab.post(SHOP, "/v1/tokens", BODY).await.status, StatusCode::OK);
}
