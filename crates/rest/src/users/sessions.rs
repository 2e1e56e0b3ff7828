//! Who is online, and ending sessions.

use axum::extract::State;
use serde_json::{Map, Value, json};
use stoa_audit::Act;
use stoa_core::{Refusal, UserId, limits};

use super::named;
use crate::Rest;
use crate::auth::{AnyCaller, AppCaller};
use crate::body::JsonObject;
use crate::error::Failure;
use crate::path::{DevicePath, UserPath};
use crate::reply::{Full, Outcome};

/// `GET` or `POST /{org}/{app}/users/{user}/disconnect` (U04): R015. Afterwards no session of the user
/// is left, so the result is true even if there was none.
///
/// Errors: 404.
pub(crate) async fn disconnect(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = rest.object(&caller, Act::UserLoggedOut, &user).await?;
    let ended = rest.chat.disconnect(&caller, &user, None).await;
    rest.acted(caller.by(), Act::UserLoggedOut, Some(&user), ended).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true })).into())
}

/// `DELETE /{org}/{app}/users/{user}/disconnect/{resource}`: R016. The result tells whether that device
/// was online.
///
/// Errors: 400 for a text that names no device, 404.
pub(crate) async fn disconnect_device(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
    DevicePath(device): DevicePath,
) -> Outcome {
    let user = rest.object(&caller, Act::UserLoggedOut, &user).await?;
    let result = rest.chat.disconnect(&caller, &user, Some(device)).await;
    let result = rest.acted(caller.by(), Act::UserLoggedOut, Some(&user), result).await?;
    Ok(Full::of(&*caller).data(json!({ "result": result })).into())
}

/// `GET /{org}/{app}/users/{user}/resources`: R017, the devices that are online. The SDK reads it for
/// the user's other devices.
///
/// Errors: 401 for another user's token, 404.
pub(crate) async fn resources(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    let devices = rest.chat.devices_online(&caller, &user)?;
    let devices = devices.iter().map(|device| {
        json!({
            "res": device.info.resource.as_str(),
            "device_uuid": device.info.uuid,
            "device_name": device.info.name,
        })
    });
    Ok(Full::of(&*caller).data(Value::Array(devices.collect())).into())
}

const fn word(online: bool) -> &'static str {
    if online { "online" } else { "offline" }
}

/// `GET /{org}/{app}/users/{user}/status`: R018.
///
/// Errors: 401 for another user's token, 404.
pub(crate) async fn status(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    let online = rest.chat.is_online(&caller, &user);
    // The vendor counts 0 here.
    Ok(Full::of(&*caller).data(json!({ user.as_str(): word(online) })).count(0).into())
}

/// `POST /{org}/{app}/users/batch/status`: R019, body `usernames` (1 to 100). Each answer is under the
/// name as it was given; one that nobody has is offline.
///
/// Errors: 400 by field. For any user but `batch` the path is not served.
pub(crate) async fn batch_status(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(batch): UserPath,
    body: Result<JsonObject, Failure>,
) -> Outcome {
    // `users/{user}/status` serves this too, so that a user may be called `batch`.
    if batch != "batch" {
        return Err(Failure::of(Refusal::MethodNotAllowed));
    }
    let JsonObject(mut body) = body?;
    let usernames = body.texts("usernames", 1..=limits::STATUS_BATCH)?;
    let states = usernames.into_iter().map(|name| {
        let user = name.parse::<UserId>();
        let online = user.is_ok_and(|user| rest.chat.is_online(&caller, &user));
        Value::Object(Map::from_iter([(name, word(online).into())]))
    });
    let states = Value::Array(states.collect());
    Ok(Full::of(&*caller).action("get batch user status").data(states).into())
}
