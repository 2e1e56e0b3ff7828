//! Messages of back ends to chat rooms: R050 and R051 (chat-rest section 2.9).
//!
//! They are in whose name the back end likes, and nobody asks whether that user may. The message is
//! stored in the room and handed to who is there, like one of a user's.

pub(crate) mod content;

use axum::extract::State;
use axum::routing::post;
use serde_json::{Map, json};
use stoa_chat::RoomMessage;
use stoa_chat::entry::Priority;
use stoa_core::{GroupId, MucKind, Refusal, UserId, limits};
use stoa_wire::{Jid, KeyValue, Message, MessageBody, MessageType, PRIORITY_TAG, delivery};

use self::content::Composed;
use crate::Rest;
use crate::auth::AppCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::Object;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes of this subject.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/messages/chatrooms", post(send))
        .route("/messages/chatrooms/broadcast", post(broadcast))
}

/// As whom a message is sent if nobody says it.
const DEFAULT_SENDER: &str = "admin";

fn sender(body: &mut Object) -> Result<UserId, Failure> {
    let name = body.optional_text("from")?.unwrap_or_else(|| DEFAULT_SENDER.into());
    name.parse().map_err(|error| body.refuse("from", error))
}

/// How soon it is dropped.
fn priority(body: &mut Object) -> Result<Priority, Failure> {
    match body.optional_text("chatroom_msg_level")?.as_deref() {
        Some("high") => Ok(Priority::High),
        None | Some("normal") => Ok(Priority::Normal),
        Some("low") => Ok(Priority::Low),
        Some(_) => Err(body.refuse("chatroom_msg_level", "must be high, normal or low")),
    }
}

/// A message as its ends are known: what chat wants.
pub(crate) fn message(
    from: &UserId,
    to: &GroupId,
    composed: &Composed,
    priority: Priority,
    is_broadcast: bool,
) -> RoomMessage {
    let name = |name: &str| Some(Jid { name: Some(name.into()), ..Jid::default() });
    let body = MessageBody {
        kind: Some(MessageType::ChatRoom as i32),
        from: name(from.as_str()),
        to: name(to.as_str()),
        contents: vec![composed.content.clone()],
        ext: composed.ext.clone(),
        ..MessageBody::default()
    };
    let mut ext = vec![KeyValue::int(PRIORITY_TAG, priority.tag())];
    if is_broadcast {
        ext.push(KeyValue::bool("is_broadcast", true));
    }
    RoomMessage {
        from: from.clone(),
        kind: composed.kind,
        body: body.encode_to_vec().into(),
        ext: delivery::encode_ext(&ext),
        priority,
    }
}

/// Refuses what is larger than a user's message may be.
pub(crate) fn check_size(composed: &Composed) -> Result<(), Failure> {
    let ext: usize = composed.ext.iter().map(Message::encoded_len).sum();
    let bytes = composed.content.encoded_len() + ext;
    let most = limits::MESSAGE_CONTENT_BYTES;
    if bytes > most {
        let text = format!("body and ext: {bytes} bytes, {most} are allowed");
        return Err(Failure::of(Refusal::TooLarge).saying(text));
    }
    Ok(())
}

/// `POST /{org}/{app}/messages/chatrooms`: R050. Body: `to` (1 to 10 room ids), `type`, `body`, `from`
/// (`admin`), `chatroom_msg_level` (`normal`), `ext`. Answer: each room's message id.
///
/// Errors: 400 by field, 404 for a room that does not exist; then nothing is sent.
async fn send(
    State(rest): State<Rest>,
    caller: AppCaller,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let (from, priority) = (sender(&mut body)?, priority(&mut body)?);
    let rooms = body.texts("to", 1..=limits::ROOM_SEND_BATCH)?;
    let unknown = |_| Failure::of(Refusal::UnknownRoom);
    let rooms: Vec<GroupId> = rooms
        .iter()
        .map(|room| GroupId::parse(MucKind::Room, room).map_err(unknown))
        .collect::<Result<_, _>>()?;
    let (kind, ext) = (body.text("type")?, body.any("ext"));
    let mut content = body.object("body")?;
    let composed = content::compose(&kind, &mut content, ext)?;
    check_size(&composed)?;
    for room in &rooms {
        rest.chat.groups(&caller, std::slice::from_ref(room)).await?;
    }
    let mut sent = Map::new();
    for room in &rooms {
        let message = message(&from, room, &composed, priority, false);
        let appended = rest.chat.say_in_room(&caller, room, message).await?;
        sent.insert(room.as_str().into(), appended.id.to_string().into());
    }
    Ok(Full::of(&*caller).data(sent.into()).into())
}

/// What [`broadcast`] is asked for.
pub(crate) struct Broadcast {
    from: UserId,
    priority: Priority,
    composed: Composed,
}

/// Reads the body of [`broadcast`].
pub(crate) fn read_broadcast(mut body: Object) -> Result<Broadcast, Failure> {
    let (from, priority) = (sender(&mut body)?, priority(&mut body)?);
    let ext = body.any("ext");
    let mut content = body.object("msg")?;
    let kind = content.text("type")?;
    let composed = content::compose(&kind, &mut content, ext)?;
    check_size(&composed)?;
    Ok(Broadcast { from, priority, composed })
}

/// `POST /{org}/{app}/messages/chatrooms/broadcast`: R051, to all rooms in which somebody is. Body: `from`
/// (`admin`), `chatroom_msg_level` (`normal`), `msg` (`type` and the fields of its kind), `ext`. Answer:
/// an id for the call, and in how many rooms it was said.
///
/// Errors: 400 by field, 403 where the plan has no broadcasts.
async fn broadcast(
    State(rest): State<Rest>,
    caller: AppCaller,
    JsonObject(body): JsonObject,
) -> Outcome {
    let Broadcast { from, priority, composed } = read_broadcast(body)?;
    let make = |room: &GroupId| message(&from, room, &composed, priority, true);
    let (id, rooms) = rest.chat.say_in_all_rooms(&caller, make).await?;
    // A number that JavaScript knows exactly: the moment, not the 63 bits of an id.
    let id = id.made_at().as_millis();
    Ok(Full::of(&*caller).data(json!({ "id": id, "rooms": rooms })).into())
}
