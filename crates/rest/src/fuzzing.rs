//! What the fuzz target runs, shared with a test that needs no fuzzer.

use crate::error::Failure;
use crate::history;
use crate::json::{Json, Object};
use crate::query;
use crate::users::read_new_user;

/// Takes `data` for the body of each operation that reads one, and for a query.
///
/// # Panics
/// When something that is not JSON passes for it, or a refusal does not say what is wrong.
pub fn exercise(data: &[u8]) {
    if let Ok(uri) = http::Uri::try_from(data) {
        query::fields(&uri);
    }
    let accepted = is_told(Json::parse(data)).is_some();
    assert!(!accepted || serde_json::from_slice::<serde_json::Value>(data).is_ok());
    if !accepted {
        return;
    }
    let app_key = "demo#stoa".parse().expect("an app key");
    let readers: &[&dyn Fn(Object) -> Result<(), Failure>] = &[
        &|body| read_new_user(body).map(drop),
        &|body| history::read_query(body, &app_key).map(drop),
        &|mut body| body.text("grant_type").map(drop),
        &|mut body| body.flag("autoCreateUser").map(drop),
        &|mut body| body.optional_whole("ttl", "seconds", 0..=u64::MAX).map(drop),
        &|mut body| body.texts("usernames", 1..=100).map(drop),
    ];
    for read in readers {
        is_told(Json::parse(data).and_then(|json| json.into_object("")).and_then(read));
    }
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

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            name in "username|password|queue|start|ttl|usernames|msgType|grant_type|\\PC{0,9}",
            value in "null|true|-1|[0-9]{1,30}|\"\\PC{0,40}\"|\\[(\"a\",){0,3}7\\]|\\{\\}|\\PC{0,20}",
        ) {
            exercise(format!("{{\"{name}\":{value}}}").as_bytes());
            exercise(format!("/?{name}={value}").as_bytes());
            exercise(value.as_bytes());
        }
    }
}
