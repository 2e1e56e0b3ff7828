//! The chat of a class over the room's own stream, and conversations with those who teach.

use axum::extract::State;
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use stoa_chat::entry::Priority;
use stoa_classroom::Refusal;
use stoa_classroom::room::{CHAT_PAGE, RecordList};
use stoa_core::{GroupId, RoomUuid, UserId, UserUuid};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::rooms::whole;
use super::value::{ClassBody, names, one_or_zero, whole_or};
use super::widgets::after;
use crate::Rest;
use crate::json::Object;
use crate::messages::content::compose;
use crate::messages::{check_size, message};
use crate::routes::Routes;

/// What is said in chat rooms by row 66: the text is in `msg` itself.
const KINDS: [&str; 6] = [TEXT, "img", "loc", "audio", "video", "file"];
const TEXT: &str = "txt";

/// These paths of the education plane.
pub(super) fn routes() -> Routes {
    let over_chat = "/v2/rooms/{room}/widgets/easemobIM/messages";
    let with_student = "/v2/rooms/{room}/conversation/students/{user}/messages";
    Routes::new()
        .route("/v2/rooms/{room}/chat/messages", get(history).post(broadcast))
        .route(over_chat, post(broadcast_over_chat).patch(broadcast_over_chat))
        .route("/v2/rooms/{room}/from/{user}/chat", post(say_as))
        .route("/v2/rooms/{room}/mute", put(mute))
        .route("/v2/rooms/{room}/conversation/students", get(conversations))
        .route(with_student, get(conversation).post(say_privately))
}

/// These paths of the scene plane.
pub(super) fn scene_routes() -> Routes {
    Routes::new().route("/v1/rooms/{room}/chat/channel", post(say))
}

/// A text and its kind.
fn text(body: &mut Object) -> Result<(String, u64), ClassFailure> {
    Ok((body.text("message")?, whole_or(body, "type", 1)?))
}

fn said(rest: &Rest, id: &str) -> Outcome {
    Ok(done(rest.classroom.clock().now(), json!({"messageId": id})))
}

/// Row 57.
async fn say(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    let (message, kind) = text(&mut body)?;
    said(&rest, &call.act(&rest, move |turn| turn.say(&message, kind)).await?)
}

/// Row 61: says something in one's own name.
async fn say_as(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (user, (message, kind)) = (call.user()?, text(&mut body)?);
    let act = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        if !turn.by.is(&user) {
            return Err(Refusal::NotAllowed);
        }
        turn.say(&message, kind)
    };
    said(&rest, &call.act(&rest, act).await?)
}

/// Row 62.
async fn mute(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let muted = one_or_zero(&mut body, "muteChat")?;
    let muted = muted.ok_or_else(|| body.refuse("muteChat", "is required and must be 0 or 1"))?;
    call.act(&rest, move |turn| turn.set_mute(muted)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Where something is to be said: in this room, in groups, or in both; and in which groups.
fn audience(body: &mut Object) -> Result<(u64, Option<Vec<RoomUuid>>), ClassFailure> {
    let range = whole(body, "range")?;
    let range = range.ok_or_else(|| body.refuse("range", "is required and must be 1, 2 or 3"))?;
    let to = if body.has("toGroupUuids") { Some(names(body, "toGroupUuids")?) } else { None };
    Ok((range, to))
}

/// Row 65: says something over the rooms' own streams.
async fn broadcast(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (range, to) = audience(&mut body)?;
    if body.optional_text("type")?.is_some_and(|kind| kind != "txt") {
        return Err(body.refuse("type", "must be txt").into());
    }
    let message = body.text("msg")?;
    call.act(&rest, move |turn| turn.broadcast(range, to.as_deref(), &message)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 66: says something in the chat rooms, where whoever comes later finds it too. `msg` is a text, or of other
/// kinds the fields that chat-rest section 5.1 has.
async fn broadcast_over_chat(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (range, to) = audience(&mut body)?;
    let kind = body.optional_text("type")?.unwrap_or_else(|| TEXT.into());
    if !KINDS.contains(&&*kind) {
        return Err(body.refuse("type", format!("must be one of {}", KINDS.join(", "))).into());
    }
    let ext = body.any("ext");
    let composed = match kind == TEXT {
        true => compose(&kind, &mut body, ext)?,
        false => compose(&kind, &mut body.object("msg")?, ext)?,
    };
    check_size(&composed)?;
    let by = call.by(&rest, &call.room()?)?;
    let chats = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        turn.broadcast_over_chat(range, to.as_deref())
    };
    let chats = call.act(&rest, chats).await?;
    let make =
        |from: &UserId, room: &GroupId| message(from, room, &composed, Priority::High, false);
    rest.classroom.say_over_chat(&call.caller, &by, chats, make).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// A page of a list: in the order in which it was said, or the last first.
async fn page(rest: &Rest, call: &ClassCall, list: RecordList) -> Outcome {
    let room = call.room()?;
    let last_first = call.query.whole("sort", 0..=1, 0)? == 1;
    let after = after(call)?;
    let found = rest.classroom.records(&call.caller, &room, &list, after, last_first, CHAT_PAGE);
    let (list, next) = found.await?;
    let list: Vec<Value> = list.into_iter().map(|(_, record)| record).collect();
    let data = json!({"list": list, "nextId": next.map(|next| next.to_string())});
    Ok(done(rest.classroom.clock().now(), data))
}

/// Row 60.
async fn history(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    call.act(&rest, |_| Ok(())).await?;
    page(&rest, &call, RecordList::Chat).await
}

/// Row 63.
async fn conversations(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let after = call.query.get("nextId")?.map(str::parse::<UserUuid>).transpose();
    let after = after.map_err(|_| Refusal::argument("nextId: must be one that an answer gave"))?;
    let act = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        turn.conversations(after.as_ref(), stoa_classroom::PAGE)
    };
    let (list, next) = call.act(&rest, act).await?;
    let data = json!({"list": list, "nextId": next.as_ref().map(UserUuid::as_str)});
    Ok(done(rest.classroom.clock().now(), data))
}

/// Row 64 by `GET`.
async fn conversation(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let student = call.user()?;
    let of = student.clone();
    call.act(&rest, move |turn| turn.may_read_conversation(&of)).await?;
    page(&rest, &call, RecordList::Conversation(student)).await
}

/// Row 64 by `POST`.
async fn say_privately(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (student, (message, kind)) = (call.user()?, text(&mut body)?);
    let act = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        turn.say_privately(&student, &message, kind)
    };
    let id = call.act(&rest, act).await?;
    Ok(done(rest.classroom.clock().now(), json!({"peerMessageId": id})))
}
