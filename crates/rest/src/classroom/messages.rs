//! Messages that are handed on unread, and coming back.

use axum::extract::State;
use axum::routing::{post, put};
use serde_json::Value;
use stoa_core::UserUuid;

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::value::{self, ClassBody};
use crate::Rest;
use crate::routes::Routes;

/// These paths of the scene plane.
pub(super) fn scene_routes() -> Routes {
    Routes::new()
        .route("/v1/rooms/{room}/message/channel", post(to_all))
        .route("/v2/rooms/{room}/users/{to_user}/messages/peer", post(to_one))
        .route("/v1/rooms/{room}/users/{user}/states/{state}", put(come_back))
}

/// Row 58: to everybody in the room.
async fn to_all(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (payload, kept) = (value::any(&mut body, "payload"), body.flag("sync")?);
    call.act(&rest, move |turn| turn.hand_on(&payload, kept)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 58: to one user.
async fn to_one(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let to: UserUuid = call.named("to_user")?;
    let payload = value::any(&mut body, "payload");
    call.act(&rest, move |turn| turn.hand_to(&to, &payload)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 59: whoever is taken for gone says that it is there.
async fn come_back(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let user = call.user()?;
    if call.number("state")? != 1 {
        let what = "state in the path: must be 1";
        return Err(ClassFailure::from(stoa_classroom::Refusal::argument(what)));
    }
    call.act(&rest, move |turn| turn.come_back(&user)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
