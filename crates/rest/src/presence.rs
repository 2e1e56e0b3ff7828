//! Presence (chat-rest section 2.7; msync section 9.8). Answers have no envelope, and their numbers are
//! texts, times in seconds (U24).

use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::routing::{get, post};
use http::request::Parts;
use serde_json::{Map, Value, json};
use stoa_chat::Presence;
use stoa_core::{UserId, limits};

use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::{JsonBody, JsonObject};
use crate::envelope::object;
use crate::error::Failure;
use crate::json::Json;
use crate::path::{DevicePath, UserPath, variable};
use crate::query::Query;
use crate::reply::{Outcome, Reply};
use crate::routes::Routes;
use crate::users::named;

/// The routes of presence.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/users/{user}/presence", post(query).delete(unsubscribe))
        .route("/users/{user}/presence/sublist", get(subscriptions))
        .route("/users/{user}/presence/{expiry}", post(subscribe))
        .route("/users/{user}/presence/{resource}/{status}", post(publish))
}

/// A whole number in the path, with its variable's name.
struct Number<const STATUS: bool>(u64);

impl<const STATUS: bool> FromRequestParts<Rest> for Number<STATUS> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let name = if STATUS { "status" } else { "expiry" };
        let text = variable(parts, name).await?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| digits)
            .map(Self)
            .ok_or_else(|| Failure::argument(format!("{name}: must be a whole number, as digits")))
    }
}

fn answer(result: Value) -> Outcome {
    Ok(Reply::Bare(object([("result", result)])))
}

/// A presence as the vendor writes it.
fn view(presence: &Presence) -> Value {
    let states = presence.devices.iter();
    let status: Map<String, Value> =
        states.map(|(device, status)| (device.clone(), status.to_string().into())).collect();
    let until = presence.until.map_or(0, stoa_core::Timestamp::as_secs);
    json!({
        "uid": presence.user.as_str(),
        "last_time": presence.changed.as_secs().to_string(),
        "expiry": until.to_string(),
        "ext": presence.ext,
        "status": status,
    })
}

/// The users of a list. A name that nobody can have is nobody's.
fn users(names: &[String]) -> Vec<UserId> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// `POST /{org}/{app}/users/{user}/presence/{resource}/{status}`: R040, body `ext` (up to 1,024 bytes). The
/// status is 0 for offline, 1 for online, or a number of the app's own up to 65535.
///
/// Errors: 400 for a device that the user does not have, and by field; 401 for another user's token; 404.
async fn publish(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    DevicePath(resource): DevicePath,
    Number(status): Number<true>,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let ext = body.optional_text("ext")?.unwrap_or_default();
    let Ok(status) = u16::try_from(status) else {
        return Err(Failure::argument("status: must be at most 65535"));
    };
    let user = named(&rest, &caller, &user).await?;
    rest.chat.publish_presence(&caller, &user, &resource, status.into(), &ext).await?;
    answer("ok".into())
}

/// `POST /{org}/{app}/users/{user}/presence/{expiry}`: R041, body `usernames` (1 to 100), for 1 to 2,592,000
/// seconds.
///
/// Errors: 400 by field and for oneself; 401 for another user's token; 403 beyond 3,000; 404.
async fn subscribe(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    Number(expiry): Number<false>,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let names = body.texts("usernames", 1..=usize::MAX)?;
    let user = named(&rest, &caller, &user).await?;
    let whom = users(&too_many(&names, "too many sub presence")?);
    if whom.is_empty() {
        return answer(json!([]));
    }
    let during = Duration::from_secs(expiry);
    let presences = rest.chat.subscribe_presence(&caller, &user, &whom, during).await?;
    answer(presences.iter().map(view).collect())
}

/// `POST /{org}/{app}/users/{user}/presence`: R042, body `usernames` (1 to 100). Who does not exist is left
/// out.
///
/// Errors: 400 by field; 401 for another user's token; 404.
async fn query(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let names = body.texts("usernames", 1..=usize::MAX)?;
    let user = named(&rest, &caller, &user).await?;
    let whom = users(&too_many(&names, "too many get presences")?);
    if whom.is_empty() {
        return answer(json!([]));
    }
    let presences = rest.chat.presences(&caller, &user, &whom).await?;
    answer(presences.iter().map(view).collect())
}

/// `DELETE /{org}/{app}/users/{user}/presence`: R043, a list of users or an object with the list `users` (U07).
///
/// Errors: 400 by field; 401 for another user's token; 404.
async fn unsubscribe(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    JsonBody(body): JsonBody,
) -> Outcome {
    let mut body = match body {
        // As if it stood in an object, so that refusals name the entry.
        list @ Json::List(_) => {
            Json::Object([("users".to_owned(), list)].into()).into_object("")?
        }
        other => other.into_object("")?,
    };
    let names = body.texts("users", 1..=usize::MAX)?;
    let user = named(&rest, &caller, &user).await?;
    let whom = users(&too_many(&names, "too many unsub presences")?);
    if !whom.is_empty() {
        rest.chat.unsubscribe_presence(&caller, &user, &whom).await?;
    }
    answer("ok".into())
}

/// Passes up to 100 names.
fn too_many(names: &[String], words: &str) -> Result<Vec<String>, Failure> {
    let most = limits::PRESENCE_BATCH;
    if names.len() > most {
        return Err(Failure::argument(format!("{words}: 1 to {most} users, not {}", names.len())));
    }
    Ok(names.to_vec())
}

/// `GET /{org}/{app}/users/{user}/presence/sublist?pageNum&pageSize`: R044, pages of 1 to 500 (1) from 1 on
/// (0 is taken for 1, U22).
///
/// Errors: 400 by field; 401 for another user's token; 404.
async fn subscriptions(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let most = limits::PRESENCE_SUBSCRIPTIONS;
    let page = query.whole("pageNum", 0..=most, 1)?.max(1);
    let size = query.whole("pageSize", 1..=500, 1)?;
    let user = named(&rest, &caller, &user).await?;
    let all = rest.chat.presence_subscriptions(&caller, &user).await?;
    let shown = all.iter().skip((page - 1) * size).take(size);
    let list = shown.map(|subscription| {
        let until = subscription.until.as_secs().to_string();
        json!({ "uid": subscription.user.as_str(), "expiry": until })
    });
    answer(json!({ "totalnum": all.len().to_string(), "sublist": list.collect::<Vec<_>>() }))
}
