//! Rooms: made, looked at, put into a state, given properties.

use std::collections::BTreeMap;

use axum::extract::State;
use serde_json::Value;
use stoa_classroom::Refusal;
use stoa_classroom::room::{ClassState, Crosses, DefaultStream, NewRoom, RoleRule, Times};
use stoa_core::{ClassRole, RoomType, Timestamp};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::value::{self, ClassBody};
use crate::Rest;
use crate::json::{Json, Object};

/// Row 1: makes a room.
pub(crate) async fn create(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    call.back_end(&rest)?;
    let new = new_room(&mut body)?;
    rest.classroom.create(&call.caller, &call.room()?, new).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 2: a room.
pub(crate) async fn get(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let (by, room) = (call.back_end(&rest)?, call.room()?);
    let view = call.turn(&rest, &room, by, |turn| Ok(turn.room.view())).await?;
    Ok(done(rest.classroom.clock().now(), view))
}

/// Rows 3 and 24: puts the class into a state.
pub(crate) async fn set_state(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let state = u8::try_from(call.number("state")?).unwrap_or(u8::MAX);
    let state = ClassState::try_from(state).map_err(Refusal::argument)?;
    call.act(&rest, move |turn| turn.set_state(state)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Rows 4 and 38: sets properties of the room.
pub(crate) async fn set_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let edit = value::edit(&mut body)?;
    edit_properties(&rest, &call, edit).await
}

/// Row 5: removes properties of the room.
pub(crate) async fn remove_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let edit = value::removal(&mut body)?;
    edit_properties(&rest, &call, edit).await
}

async fn edit_properties(
    rest: &Rest,
    call: &ClassCall,
    (edit, cause): (stoa_classroom::tree::Edit, Value),
) -> Outcome {
    call.act(rest, move |turn| turn.edit_room_properties(edit, &cause)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// A whole number that may stand as text.
pub(crate) fn whole(body: &mut Object, name: &str) -> Result<Option<u64>, ClassFailure> {
    let refuse = |body: &Object| body.refuse(name, "must be a whole number").into();
    match body.any(name) {
        None => Ok(None),
        Some(Json::Whole(number)) => Ok(Some(number)),
        Some(Json::Text(text)) => text.parse().map(Some).map_err(|_| refuse(body)),
        Some(_) => Err(refuse(body)),
    }
}

/// The type of a room, if there is such a one.
pub(super) fn kind_of_room(body: &mut Object) -> Result<Option<RoomType>, ClassFailure> {
    Ok(whole(body, "roomType")?.and_then(RoomType::of_number))
}

/// This type, if an app may make such rooms.
pub(super) fn app_room(body: &Object, kind: Option<RoomType>) -> Result<RoomType, ClassFailure> {
    let kind = kind.filter(|kind| *kind != RoomType::Group);
    kind.ok_or_else(|| body.refuse("roomType", "is required and must be 0, 2, 4 or 10").into())
}

/// The type of a room that an app makes.
fn room_type(body: &mut Object) -> Result<RoomType, ClassFailure> {
    let kind = kind_of_room(body)?;
    app_room(body, kind)
}

/// Seconds, or nothing.
fn seconds(body: &mut Object, name: &str) -> Result<Option<u32>, ClassFailure> {
    let number = whole(body, name)?;
    Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

/// The times of a class.
pub(crate) fn times(body: &mut Object) -> Result<Times, ClassFailure> {
    let start = whole(body, "startTime")?.filter(|ms| *ms > 0).map(Timestamp::from_millis);
    let (duration_s, close_delay_s) = (seconds(body, "duration")?, seconds(body, "closeDelay")?);
    Ok(Times { start, duration_s, close_delay_s })
}

fn nothing() -> Result<Object, ClassFailure> {
    Ok(Json::Object(BTreeMap::new()).into_object("")?)
}

/// A part of the body that may be absent.
fn part(body: &mut Object, name: &str) -> Result<Object, ClassFailure> {
    if body.has(name) { Ok(body.object(name)?) } else { nothing() }
}

/// What may cross regions in the room, of what the app's owner permits; all of it where nothing is said.
fn crosses(body: &mut Object) -> Result<Crosses, ClassFailure> {
    let mut lets =
        |name| Ok::<_, ClassFailure>(if body.has(name) { body.flag(name)? } else { true });
    Ok(Crosses { media: lets("media")?, messages: lets("messages")? })
}

/// What a room is made with (section 2.1.1).
pub(super) fn new_room(body: &mut Object) -> Result<NewRoom, ClassFailure> {
    let (name, kind) = (body.text("roomName")?, room_type(body)?);
    let mut properties = part(body, "roomProperties")?;
    let times = times(&mut part(&mut properties, "schedule")?)?;
    let mut hands_up = part(&mut part(&mut properties, "processes")?, "handsUp")?;
    let max_accept = whole(&mut hands_up, "maxAccept")?;
    let accepts_at_entry = value::audience(&mut hands_up)?;
    let (flex, widgets) =
        (value::tree(&mut properties, "flexProps")?, value::tree(&mut properties, "widgets")?);
    let crosses = crosses(&mut part(&mut properties, "crossRegion")?)?;
    let mut config = part(body, "roleConfig")?;
    let mut roles = BTreeMap::new();
    for role in [ClassRole::Teacher, ClassRole::Student, ClassRole::Assistant] {
        let name = role.number().to_string();
        if !config.has(&name) {
            continue;
        }
        let mut said = config.object(&name)?;
        let limit = whole(&mut said, "limit")?;
        let stream = match said.has("defaultStream") {
            false => None,
            true => {
                let mut stream = said.object("defaultStream")?;
                let mut on = |name| Ok::<_, ClassFailure>(whole(&mut stream, name)? != Some(0));
                let (on_at_all, video, audio) =
                    (on("state")?, on("videoState")?, on("audioState")?);
                Some(DefaultStream { on: on_at_all, video, audio })
            }
        };
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        roles.insert(role.number(), RoleRule { limit, stream });
    }
    let max_accept = max_accept.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
    Ok(NewRoom { name, kind, times, roles, flex, widgets, max_accept, accepts_at_entry, crosses })
}
