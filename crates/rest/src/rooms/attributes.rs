//! Attributes of a chat room: R151 to R155.

use axum::Router;
use axum::extract::State;
use axum::routing::{post, put};
use serde_json::{Value, json};
use stoa_chat::{AttributeChange, AttributeOutcome};
use stoa_core::limits;

use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::envelope;
use crate::error::Failure;
use crate::groups::{GroupPath, meta_data, name, object};
use crate::json::Object;
use crate::path::UserPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome, Reply};

/// The routes.
pub(super) fn routes() -> Router<Rest> {
    Router::new()
        .route("/metadata/chatroom/{room}", post(read))
        .route("/metadata/chatroom/{room}/user/{user}", put(set).delete(remove))
        .route(
            "/metadata/chatroom/{room}/user/{user}/forced",
            put(set_forced).delete(remove_forced),
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

/// What is asked for by whom, and where.
struct Asked {
    state: State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
}

impl Asked {
    async fn make(
        self,
        change: AttributeChange,
        forced: bool,
    ) -> Result<(AnyCaller, Value), Failure> {
        let Self { state: State(rest), caller, room: GroupPath(room), user, device } = self;
        let (user, device) = (name("username", &user.0)?, device.0);
        let made = rest.chat.change_room_attributes(
            &caller,
            device.as_ref(),
            &room,
            &user,
            change,
            forced,
        );
        let data = outcome(&made.await?);
        Ok((caller, data))
    }

    async fn set(self, mut body: Object, forced: bool) -> Outcome {
        let auto_delete = match body.optional_text("autoDelete")?.as_deref() {
            None | Some("DELETE") => true,
            Some("NO_DELETE") => false,
            Some(_) => return Err(body.refuse("autoDelete", "must be DELETE or NO_DELETE")),
        };
        let change = AttributeChange::Set { values: meta_data(&mut body)?, auto_delete };
        let (caller, data) = self.make(change, forced).await?;
        Ok(Full::of(&*caller).data(data).into())
    }

    async fn remove(self, mut body: Object, forced: bool) -> Outcome {
        let keys = body.texts("keys", 1..=limits::ROOM_ATTRIBUTES_BATCH)?;
        let (_, data) = self.make(AttributeChange::Remove(keys), forced).await?;
        Ok(Reply::Bare(envelope::object([("status", "ok".into()), ("data", data)])))
    }
}

/// `PUT /{org}/{app}/metadata/chatroom/{room}/user/{user}?resource`: R151, body `metaData` (1 to 10 keys
/// of up to 128 characters of `A-Z a-z 0-9 _ . -`, with values of up to 4,096 characters; 100 keys in a
/// room) and `autoDelete` (`DELETE`, which is the default: they go when the user leaves, or
/// `NO_DELETE`). New keys and those of the user are set; each has its own outcome.
///
/// Errors: 400 by field and for who is not in the room, 401 for another user's token, 404.
async fn set(
    state: State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    Asked { state, caller, room, user, device }.set(body, false).await
}

/// `PUT …/forced`: R154, as [`set`], also keys of others.
///
/// Errors: as there.
async fn set_forced(
    state: State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    Asked { state, caller, room, user, device }.set(body, true).await
}

/// `DELETE /{org}/{app}/metadata/chatroom/{room}/user/{user}?resource`: R153, body `keys` (1 to 10), those
/// of the user.
///
/// Errors: as [`set`].
async fn remove(
    state: State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    Asked { state, caller, room, user, device }.remove(body, false).await
}

/// `DELETE …/forced`: R155, as [`remove`], also keys of others.
///
/// Errors: as there.
async fn remove_forced(
    state: State<Rest>,
    caller: AnyCaller,
    room: GroupPath,
    user: UserPath,
    device: Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    Asked { state, caller, room, user, device }.remove(body, true).await
}
