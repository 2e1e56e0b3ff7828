//! Standard tools: an encoder publishes by WHIP (RFC 9725), a player watches by WHEP (draft-ietf-wish-whep).
//!
//! Both post an offer with a bearer token of the room, and get the answer and an address at which to end it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::{delete, post};
use http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use stoa_classroom::room::{By, CheckIn, StreamKind};
use stoa_classroom::tree::Tree;
use stoa_classroom::{Refusal, Tool};
use stoa_core::UserUuid;

use super::answer::{Outcome, done};
use super::door::ClassCall;
use crate::Rest;
use crate::body;
use crate::reply::{FileReply, Reply};
use crate::routes::Routes;

/// The media type of offers and answers.
const SDP: &str = "application/sdp";
/// A tool's address takes this and nothing else.
const ALLOWED: HeaderValue = HeaderValue::from_static("DELETE");

/// The paths.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/v1/rooms/{room}/whip", post(publish))
        .route("/v1/rooms/{room}/whep", post(watch))
        .route("/v1/rooms/{room}/whip/{session}", delete(end).patch(no_patch))
        .route("/v1/rooms/{room}/whep/{session}", delete(end).patch(no_patch))
}

async fn publish(State(rest): State<Rest>, call: ClassCall, request: Request) -> Outcome {
    connect(&rest, &call, "whip", Tool::Publisher, request).await
}

/// `?user=` says whose stream, the teacher's otherwise; `?screen=1` the screen instead of the camera.
async fn watch(State(rest): State<Rest>, call: ClassCall, request: Request) -> Outcome {
    let of = call.query.get("user")?.map(str::parse::<UserUuid>).transpose();
    let of = of.map_err(|error| Refusal::argument(format!("user {error}")))?;
    let kind = match call.query.get("screen")? {
        None | Some("0") => StreamKind::Main,
        Some("1") => StreamKind::Screen,
        Some(_) => return Err(Refusal::argument("screen: must be 0 or 1").into()),
    };
    connect(&rest, &call, "whep", Tool::Player { of, kind }, request).await
}

async fn connect(
    rest: &Rest,
    call: &ClassCall,
    protocol: &str,
    tool: Tool,
    request: Request,
) -> Outcome {
    let room = call.room()?;
    let By::User { id: user, role } = call.by(rest, &room)? else {
        return Err(Refusal::NotForThis.into());
    };
    rest.classroom.serves_media()?;
    if !is_sdp(request.headers()) {
        return Err(Refusal::argument("Content-Type: must be application/sdp").into());
    }
    let sdp = body::read(request.into_body()).await?;
    let sdp = String::from_utf8(sdp.into())
        .map_err(|_| Refusal::argument("the offer must be text in UTF-8"))?;
    let name = call.query.get("name")?.filter(|name| !name.is_empty());
    let name = name.unwrap_or(user.as_str()).to_owned();
    // An encoder sends from the first moment on.
    let on = i8::from(tool == Tool::Publisher);
    let who = CheckIn { name, role, flex: Tree::new(), video_source: on, audio_source: on };
    let place = (&room, &user);
    let connected = rest.classroom.connect_tool(&call.caller, place, who, call.from, tool, sdp);
    let connected = connected.await?;
    let at = format!("{protocol}/{:016x}", connected.session);
    let at = HeaderValue::from_str(&at).map_err(|_| Refusal::argument("the path"))?;
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(SDP)), (LOCATION, at)];
    let answer = connected.answer.into();
    Ok(Reply::File(FileReply::new(StatusCode::CREATED, headers.into_iter().collect(), answer)))
}

fn is_sdp(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SDP)
}

async fn end(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    let By::User { id: user, .. } = call.by(&rest, &room)? else {
        return Err(Refusal::NotForThis.into());
    };
    let session = u64::from_str_radix(call.text("session"), 16);
    let session = session.map_err(|_| Refusal::argument("session in the path: is not ours"))?;
    rest.classroom.disconnect_tool(&call.caller, &room, &user, session).await?;
    Ok(done(rest.classroom.clock().now(), serde_json::Value::Null))
}

/// All candidates stand in the answer, and a new path takes a new connection (RFC 9725, section 4.3.1).
async fn no_patch(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    call.by(&rest, &call.room()?)?;
    let headers = [(ALLOW, ALLOWED)].into_iter().collect();
    Ok(Reply::File(FileReply::new(StatusCode::METHOD_NOT_ALLOWED, headers, Body::empty())))
}
