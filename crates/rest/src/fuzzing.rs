//! What the fuzz target runs, shared with a test that needs no fuzzer.

use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::Mutex;
use stoa_core::{AppKey, MucKind, Resource, UserId, limits};
use tower::Service;

use crate::error::Failure;
use crate::json::{Json, Object};
use crate::query::{self, Query};
use crate::users::read_new_user;
use crate::{auth, body, chatfiles, classroom, groups, history, messages, path};

/// Takes `data` for a request's line and the headers that are read: the address up to the first line
/// break, then the values of `Authorization`, `Content-Type`, `Range` and `If-None-Match`.
///
/// # Panics
/// When a name is taken that is none, or a refusal does not say what is wrong.
pub fn exercise_request(data: &[u8]) {
    let mut lines = data.splitn(5, |byte| *byte == b'\n');
    let Ok(uri) = http::Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let mut headers = http::HeaderMap::new();
    use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, RANGE};
    for name in [AUTHORIZATION, CONTENT_TYPE, RANGE, IF_NONE_MATCH] {
        let value = lines.next().unwrap_or_default();
        if let Ok(value) = http::HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let _ = (auth::bearer(&headers), body::is_json(&headers));
    if let chatfiles::Asked::Part(range) = chatfiles::asked(&headers, 1_000, "\"x\"") {
        assert!(!range.is_empty() && range.end <= 1_000);
    }
    let query = Query::of(&uri);
    if let Ok(Some(name)) = query.get("file-name") {
        let value = chatfiles::disposition(name, false);
        assert!(value.as_bytes().iter().all(|b| (0x20..0x7F).contains(b)));
    }
    if let Some(limit) = is_told(query.limit()) {
        assert!((1..=limits::LIST_PAGE).contains(&limit));
    }
    for (name, value) in query::fields(&uri) {
        if let Some(Some(found)) = is_told(query.get(&name)) {
            assert_eq!(found, value);
        }
    }
    names(&uri);
}

/// The names in a path, through the routes that the door has for them.
fn names(uri: &http::Uri) {
    let (mut parts, ()) = http::Request::builder().uri(uri).body(()).expect("a uri").into_parts();
    let request = http::Request::from_parts(parts.clone(), axum::body::Body::empty());
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let mut routes = axum::Router::new().route(
        "/{org}/{app}/users/{user}/disconnect/{resource}",
        axum::routing::any(move |request: axum::extract::Request| async move {
            *keep.lock() = Some(request.into_parts().0);
        }),
    );
    // Nothing in it waits for anything.
    let _ = routes.call(request).now_or_never();
    let Some(found) = seen.lock().take() else { return };
    parts = found;
    let mut variable = |name| path::variable(&mut parts, name).now_or_never()?.ok();
    if let (Some(org), Some(app)) = (variable("org"), variable("app"))
        && let Ok(key) = AppKey::new(&org, &app)
    {
        assert_eq!(key.to_string().parse().as_ref(), Ok(&key));
    }
    if let Some(Ok(user)) = variable("user").map(|user| user.parse::<UserId>()) {
        assert_eq!(user.as_str().parse().as_ref(), Ok(&user));
    }
    if let Some(Ok(resource)) = variable("resource").map(|device| device.parse::<Resource>()) {
        assert_eq!(resource.as_str().parse().as_ref(), Ok(&resource));
    }
}

/// Takes `data` for the body of each operation that reads one.
///
/// # Panics
/// When something that is not JSON passes for it, or a refusal does not say what is wrong.
pub fn exercise_body(data: &[u8]) {
    let accepted = is_told(Json::parse(data)).is_some();
    assert!(!accepted || serde_json::from_slice::<serde_json::Value>(data).is_ok());
    if !accepted {
        return;
    }
    let app_key = "demo#stoa".parse().expect("an app key");
    let readers: &[&dyn Fn(Object) -> Result<(), Failure>] = &[
        &|body| read_new_user(body).map(drop),
        &|body| history::read_query(body, &app_key).map(drop),
        &|body| groups::read_change(MucKind::Group, body).map(drop),
        &|body| groups::read_change(MucKind::Room, body).map(drop),
        &|body| messages::read_broadcast(body).map(drop),
        &|mut body| body.text("grant_type").map(drop),
        &|mut body| body.flag("autoCreateUser").map(drop),
        &|mut body| body.optional_whole("ttl", "seconds", 0..=u64::MAX).map(drop),
        &|mut body| body.texts("usernames", 1..=100).map(drop),
    ];
    for read in readers {
        is_told(Json::parse(data).and_then(|json| json.into_object("")).and_then(read));
    }
    classroom::exercise_bodies(|| Json::parse(data).ok()?.into_object("").ok());
}

/// The value; of a refusal, that it has words for the client and is the client's fault.
fn is_told<T>(outcome: Result<T, Failure>) -> Option<T> {
    outcome
        .inspect_err(|failure| {
            assert!(!failure.text().is_empty());
            let status = failure.refusal().rest().status;
            assert!((400..500).contains(&status), "{status}");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzer_kept() {
        for (target, exercise) in
            [("rest_body", exercise_body as fn(&[u8])), ("rest_request", exercise_request)]
        {
            let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
            let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
            assert!(!inputs.is_empty(), "{target}");
            inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            name in "properties|increments|roomType|dirty|rewardDetails|streams|groups|userUuids|username|password|queue|start|ttl|usernames|msgType|grant_type|\\PC{0,9}",
            value in "null|true|-1|[0-9]{1,30}|\"\\PC{0,40}\"|\\[(\"a\",){0,3}7\\]|\\{\\}|\\PC{0,20}",
        ) {
            exercise_body(format!("{{\"{name}\":{value}}}").as_bytes());
            exercise_request(format!("/?{name}={value}").as_bytes());
            exercise_body(value.as_bytes());
        }
    }
}
