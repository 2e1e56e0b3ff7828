//! Attributes of a chat room: R151 to R155.

use axum::extract::State;
use axum::routing::{post, put};
use serde_json::{Value, json};
use stoa_chat::{AttributeChange, AttributeOutcome};
use stoa_core::{Caller, limits};

use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::envelope;
use crate::error::Failure;
use crate::groups::{GroupPath, meta_data, name, object};
use crate::path::UserPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome, Reply};
use crate::routes::Routes;

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/metadata/chatroom/{room}", post(read))
        .route("/metadata/chatroom/{room}/user/{user}", put(set::<false>).delete(remove::<false>))
        .route(
            "/metadata/chatroom/{room}/user/{user}/forced",
            put(set::<true>).delete(remove::<true>),
        )
}

/// `POST /{org}/{app}/metadata/chatroom/{room}`: R152, body `keys` (all if it names none).
///
/// Errors: 400 by field and for who is not in the room, 404.
async fn read(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(room): GroupPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let keys = match body.has("keys") {
        true => body.texts("keys", 0..=limits::ROOM_ATTRIBUTES)?,
        false => Vec::new(),
    };
    let found = rest.chat.room_attributes(&caller, &room, &keys).await?;
    Ok(Full::of(&*caller).data(object(&found)).into())
}

/// The keys that were set or removed, and why the others were not. The SDK needs both fields.
fn outcome(outcome: &AttributeOutcome) -> Value {
    json!({ "successKeys": outcome.done, "errorKeys": outcome.refused })
}

/// Makes `change` for the user that the path names. Answers what became of it.
async fn change(
    (rest, caller, Acting(device)): (&Rest, &Caller, Acting),
    (GroupPath(room), UserPath(user)): (GroupPath, UserPath),
    change: AttributeChange,
    forced: bool,
) -> Result<Value, Failure> {
    let user = name("username", &user)?;
    let (chat, device) = (&rest.chat, device.as_ref());
    let made = chat.change_room_attributes(caller, device, &room, &user, change, forced).await?;
    Ok(outcome(&made))
}

/// `PUT /{org}/{app}/metadata/chatroom/{room}/user/{user}?resource`: R151, body `metaData` (1 to 10 keys
/// of up to 128 characters of `A-Z a-z 0-9 _ . -`, with values of up to 4,096 characters; 100 keys in a
/// room) and `autoDelete` (`DELETE`, which is the default: they go when the user leaves, or
/// `NO_DELETE`). New keys and those of the user are set, with `/forced` (R154) also keys of others; each
/// has its own outcome.
///
/// Errors: 400 by field and for who is not in the room, 401 for another user's token, 404.
async fn set<const FORCED: bool>(
    State(rest): State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let auto_delete = match body.optional_text("autoDelete")?.as_deref() {
        None | Some("DELETE") => true,
        Some("NO_DELETE") => false,
        Some(_) => return Err(body.refuse("autoDelete", "must be DELETE or NO_DELETE")),
    };
    let wanted = AttributeChange::Set { values: meta_data(&mut body)?, auto_delete };
    let data = change((&rest, &caller, device), (room, user), wanted, FORCED).await?;
    Ok(Full::of(&*caller).data(data).into())
}

/// `DELETE /{org}/{app}/metadata/chatroom/{room}/user/{user}?resource`: R153, body `keys` (1 to 10), those
/// of the user, with `/forced` (R155) also keys of others.
///
/// Errors: as [`set`].
async fn remove<const FORCED: bool>(
    State(rest): State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let keys = body.texts("keys", 1..=limits::ROOM_ATTRIBUTES_BATCH)?;
    let wanted = AttributeChange::Remove(keys);
    let data = change((&rest, &caller, device), (room, user), wanted, FORCED).await?;
    Ok(Reply::Bare(envelope::object([("status", "ok".into()), ("data", data)])))
}
