//! Check-in and entry.

use axum::extract::State;
use serde_json::Value;
use stoa_classroom::room::{CheckIn, NewRoom};
use stoa_classroom::tree::Tree;
use stoa_core::{ClassRole, RoomType, RoomUuid, UserUuid};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::rooms::{app_room, kind_of_room, times};
use super::streams::rtc_token;
use super::value::{self, ClassBody};
use crate::Rest;
use crate::json::{Json, Object};

/// Row 20: checks in; makes the room where there is none.
pub(crate) async fn check_in(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let who = who(&rest, &call, &room, &user, &mut body)?;
    let new = implicit(&mut body)?;
    let checked = rest.classroom.check_in(&call.caller, &room, &user, who, new).await?;
    Ok(done(rest.classroom.clock().now(), checked))
}

/// Row 21: check-in and entry in one.
pub(crate) async fn enter_at_once(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    entered(&rest, &call, body).await
}

/// Row 50: enters.
pub(crate) async fn enter(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    entered(&rest, &call, body).await
}

async fn entered(rest: &Rest, call: &ClassCall, mut body: Object) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let who = who(rest, call, &room, &user, &mut body)?;
    let mut entry = rest.classroom.enter(&call.caller, &room, &user, who, None).await?;
    let stream = entry.view["localUser"]["streamUuid"].as_str();
    if let Some(stream) = stream.and_then(|stream| stream.parse().ok()) {
        entry.view["localUser"]["rtcToken"] = rtc_token(rest, call, stream)?.into();
    }
    Ok(done(rest.classroom.clock().now(), entry.view))
}

/// A role by its number or name.
pub(crate) fn role(body: &mut Object) -> Result<ClassRole, ClassFailure> {
    let said = match body.any("role") {
        Some(Json::Whole(number)) => i64::try_from(number).ok().and_then(ClassRole::of_number),
        Some(Json::Text(text)) => ClassRole::parse(&text),
        _ => None,
    };
    said.ok_or_else(|| body.refuse("role", "is required and must be 0, 1, 2, 3 or 4").into())
}

/// A device's state.
fn device(stream: Option<&Tree>, name: &str) -> i8 {
    let state = stream.and_then(|stream| stream.get(name)).and_then(Value::as_i64);
    state.and_then(|state| i8::try_from(state).ok()).unwrap_or_default()
}

fn who(
    rest: &Rest,
    call: &ClassCall,
    room: &RoomUuid,
    user: &UserUuid,
    body: &mut Object,
) -> Result<CheckIn, ClassFailure> {
    let role = call.role(rest, room, user, role(body)?)?;
    let name = body.optional_text("userName")?.filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| user.as_str().to_owned());
    let mut properties = value::tree(body, "userProperties")?;
    let flex = match properties.remove("flexProps") {
        Some(Value::Object(flex)) => flex,
        _ => Tree::new(),
    };
    let stream = value::tree(body, "stream")?;
    let (video_source, audio_source) =
        (device(Some(&stream), "videoSourceState"), device(Some(&stream), "audioSourceState"));
    Ok(CheckIn { name, role, flex, video_source, audio_source })
}

/// What a room is made with by whoever comes first; nothing if no type is said, or that of a group, which is there
/// before anybody comes.
pub(super) fn implicit(body: &mut Object) -> Result<Option<NewRoom>, ClassFailure> {
    if !body.has("roomType") {
        return Ok(None);
    }
    let kind = match kind_of_room(body)? {
        Some(RoomType::Group) => return Ok(None),
        kind => app_room(body, kind)?,
    };
    let name = body.optional_text("roomName")?.unwrap_or_default();
    let times = times(body)?;
    Ok(Some(NewRoom {
        name,
        kind,
        times,
        roles: std::collections::BTreeMap::new(),
        flex: Tree::new(),
        widgets: Tree::new(),
        max_accept: None,
        accepts_at_entry: false,
        crosses: stoa_classroom::room::Crosses::default(),
    }))
}
