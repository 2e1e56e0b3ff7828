//! The stage, hands, the carousel and the gallery.

use axum::extract::State;
use axum::routing::{post, put};
use serde_json::Value;
use stoa_core::UserUuid;

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::rooms::whole;
use super::value::{self, ClassBody, audience, name, names, whole_or};
use crate::Rest;
use crate::json::Object;
use crate::routes::Routes;

/// How long the answer to an invitation is awaited, in seconds, unless it is said.
const ANSWER_S: i64 = 60;
/// How long a hand is up, in seconds, unless it is said.
const HAND_S: i64 = 3;

/// These paths.
pub(super) fn routes() -> Routes {
    let hands_up = "/v2/rooms/{room}/processes/handsUp";
    let wave_arm = "/v2/rooms/{room}/processes/waveArm";
    Routes::new()
        .route(&format!("{hands_up}/{{state}}"), put(set_stage))
        .route(&format!("{hands_up}/progress"), post(ask).delete(withdraw))
        .route(&format!("{hands_up}/acceptance"), post(accept).delete(leave))
        .route(&format!("{hands_up}/acceptance/all"), axum::routing::delete(clear))
        .route(&format!("{wave_arm}/progress"), post(raise).delete(lower))
        .route("/v2/rooms/{room}/carousels/states/{state}", put(carousel))
        .route("/v2/rooms/{room}/expandedScope/states/{state}", put(gallery))
}

/// Nothing to be told of what was done.
fn nothing(rest: &Rest) -> Outcome {
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 25.
async fn set_stage(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (on, at_entry) = (call.switch("state")?, audience(&mut body)?);
    call.act(&rest, move |turn| turn.set_stage(on, at_entry)).await?;
    nothing(&rest)
}

/// How long, whether again, and what is said with it.
fn asked(body: &mut Object, usual_s: i64) -> Result<(i64, bool, Value), ClassFailure> {
    let timeout = value::signed(body, "timeout")?.unwrap_or(usual_s);
    Ok((timeout, body.flag("retry")?, value::any(body, "payload")))
}

/// Row 26.
async fn ask(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    let to = name(&mut body, "toUserUuid")?;
    let (timeout, again, payload) = asked(&mut body, ANSWER_S)?;
    call.act(&rest, move |turn| turn.ask_stage(to.as_ref(), timeout, again, payload)).await?;
    nothing(&rest)
}

/// Row 27.
async fn withdraw(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let to = name(&mut body, "toUserUuid")?;
    call.act(&rest, move |turn| turn.withdraw_stage(to.as_ref())).await?;
    nothing(&rest)
}

/// Row 28.
async fn accept(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let to = name(&mut body, "toUserUuid")?;
    call.act(&rest, move |turn| turn.accept_stage(to.as_ref())).await?;
    nothing(&rest)
}

/// Row 29.
async fn leave(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let to = name(&mut body, "toUserUuid")?;
    call.act(&rest, move |turn| turn.leave_stage(to.as_ref())).await?;
    nothing(&rest)
}

/// Row 30.
async fn clear(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    call.act(&rest, |turn| turn.clear_stage()).await?;
    nothing(&rest)
}

/// Row 31.
async fn raise(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (timeout, again, payload) = asked(&mut body, HAND_S)?;
    call.act(&rest, move |turn| turn.raise_hand(timeout, again, payload)).await?;
    nothing(&rest)
}

/// Row 32.
async fn lower(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let to = name(&mut body, "toUserUuid")?;
    call.act(&rest, move |turn| turn.lower_hand(to.as_ref())).await?;
    nothing(&rest)
}

/// Rows 33 and 34.
async fn carousel(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    if call.switch("state")? {
        let (range, order) = (whole_or(&mut body, "range", 1)?, whole_or(&mut body, "type", 1)?);
        let interval = whole_or(&mut body, "interval", 10)?;
        let count = whole(&mut body, "count")?;
        let act = move |turn: &mut stoa_classroom::room::Turn<'_>| {
            // As many as there are seats, when it is not said.
            let count = count.unwrap_or_else(|| turn.room.stage.seats.min(6).into());
            turn.start_carousel(range, order, interval, count)
        };
        call.act(&rest, act).await?;
    } else {
        call.act(&rest, |turn| turn.stop_carousel()).await?;
    }
    nothing(&rest)
}

/// Row 37.
async fn gallery(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (on, users): (bool, Vec<UserUuid>) =
        (call.switch("state")?, names(&mut body, "userUuids")?);
    call.act(&rest, move |turn| turn.set_gallery(on, &users)).await?;
    nothing(&rest)
}
