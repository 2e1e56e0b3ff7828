//! Streams: what may be published, how devices are, the shared screen.

use axum::extract::State;
use axum::routing::put;
use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::StreamChange;
use stoa_core::{AppScope, UserUuid};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::value::{self, ClassBody, device, objects, one_or_zero, required_name};
use crate::Rest;
use crate::json::{Json, Object};
use crate::routes::Routes;

/// These paths of the scene plane.
pub(super) fn scene_routes() -> Routes {
    Routes::new()
        .route(
            "/v1/rooms/{room}/users/{user}/streams/{stream}",
            put(set).patch(set_devices).delete(remove),
        )
        .route("/v1/rooms/{room}/streams", put(set_many))
}

/// These paths of the education plane.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/v2/rooms/{room}/users/{user}/screen/{state}", put(screen))
        .route("/v2/rooms/{room}/users/{user}/device", put(set_device))
}

fn stream(call: &ClassCall) -> Result<u32, ClassFailure> {
    let number = u32::try_from(call.number("stream")?);
    number.map_err(|_| Refusal::argument("stream in the path: must be a 32-bit number").into())
}

fn devices(body: &mut Object) -> Result<StreamChange, ClassFailure> {
    Ok(StreamChange {
        video_source: device(body, "videoSourceState")?,
        audio_source: device(body, "audioSourceState")?,
        ..StreamChange::default()
    })
}

/// What `PUT` says of a stream.
fn change(body: &mut Object) -> Result<StreamChange, ClassFailure> {
    if body.has("converterOptions")
        || body.any("generateToken").is_some_and(|json| json != Json::Bool(false))
    {
        return Err(Refusal::FeatureOff("streams by CDN").into());
    }
    Ok(StreamChange {
        video: one_or_zero(body, "videoState")?,
        audio: one_or_zero(body, "audioState")?,
        ..devices(body)?
    })
}

/// Row 56 by `PUT`: what may be published, by the teacher's side.
async fn set(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    let change = change(&mut body)?;
    put_one(&rest, &call, change).await
}

/// Row 56 by `PATCH`: devices, by their owner.
async fn set_devices(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let change = devices(&mut body)?;
    put_one(&rest, &call, change).await
}

async fn put_one(rest: &Rest, call: &ClassCall, change: StreamChange) -> Outcome {
    let (user, stream) = (call.user()?, stream(call)?);
    call.act(rest, move |turn| turn.change_stream(&user, stream, change)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 56 by `DELETE`.
async fn remove(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let (user, stream) = (call.user()?, stream(&call)?);
    call.act(&rest, move |turn| turn.remove_stream(&user, stream)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 56, several at once.
async fn set_many(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let cause = value::any(&mut body, "cause");
    let mut changes: Vec<(UserUuid, u32, StreamChange)> = Vec::new();
    for mut one in objects(&mut body, "streams")? {
        let user = required_name(&mut one, "userUuid")?;
        let stream = super::rooms::whole(&mut one, "streamUuid")?;
        let stream = stream.and_then(|stream| u32::try_from(stream).ok());
        let what = "is required and must be a 32-bit number";
        let stream = stream.ok_or_else(|| one.refuse("streamUuid", what))?;
        changes.push((user, stream, change(&mut one)?));
    }
    call.act(&rest, move |turn| turn.change_streams(&changes, &cause)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Rows 74 and 75: shares a screen, or ends that.
async fn screen(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let user = call.user()?;
    if !call.switch("state")? {
        call.act(&rest, move |turn| turn.stop_screen(&user)).await?;
        return Ok(done(rest.classroom.clock().now(), Value::Null));
    }
    let audio = one_or_zero(&mut body, "audioState")?.unwrap_or(false);
    let source = device(&mut body, "audioSourceState")?.unwrap_or(0);
    let stream = call.act(&rest, move |turn| turn.start_screen(&user, audio, source)).await?;
    let token = rtc_token(&rest, &call, stream)?;
    let data = json!({"streamUuid": stream.to_string(), "rtcToken": token});
    Ok(done(rest.classroom.clock().now(), data))
}

/// A token for the media of the room in the path under a stream's number, which ends with the caller's.
pub(super) fn rtc_token(
    rest: &Rest,
    call: &ClassCall,
    stream: u32,
) -> Result<String, ClassFailure> {
    let (room, ends) = (call.room()?, call.caller.expires());
    let token = rest.classroom.media_token(call.caller.app(), &room, stream, ends);
    Ok(token.expose().to_owned())
}

/// Row 84.
async fn set_device(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let user = call.user()?;
    let (camera, microphone) = (device(&mut body, "camera")?, device(&mut body, "mic")?);
    call.act(&rest, move |turn| turn.set_device(&user, camera, microphone)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
