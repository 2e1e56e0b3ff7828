//! What a room has said, from a number on.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_classroom::PAGE;
use stoa_classroom::room::By;
use stoa_core::ClassRole;

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use crate::Rest;

fn page(call: &ClassCall) -> Result<(u64, usize), ClassFailure> {
    let from = call.query.get("nextId")?.filter(|text| !text.is_empty() && *text != "null");
    let refuse = || stoa_classroom::Refusal::argument("nextId: must be one that an answer gave");
    let from = from.map(|text| text.parse::<u64>()).transpose().map_err(|_| refuse())?;
    let count = call.query.optional_whole("count", 1..=usize::MAX)?.unwrap_or(PAGE);
    Ok((from.unwrap_or(1), count.min(PAGE)))
}

/// Row 15: events of a room, for the app's back end.
pub(crate) async fn events(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    call.by(&rest, &room)?;
    let (from, most) = page(&call)?;
    let events = rest.classroom.events(&call.caller, &room, from, most).await?;
    let next = (events.len() == most).then(|| events.last().map(|last| last.sequence + 1));
    let list: Vec<Value> = events.iter().map(|event| event.view(room.as_str())).collect();
    let total =
        rest.classroom.turn(&call.caller, &room, By::Server, |turn| Ok(turn.room.event_sequence));
    let data = json!({
        "total": total.await?,
        "count": list.len(),
        "nextId": next.flatten().map(|next| next.to_string()),
        "list": list,
    });
    Ok(done(rest.classroom.clock().now(), data))
}

/// Row 51: frames of a room.
pub(crate) async fn frames(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    let by = call.by(&rest, &room)?;
    let (from, most) = page(&call)?;
    let frames = rest.classroom.frames(&call.caller, &room, from, most).await?;
    answer(&rest, &by, &frames, most)
}

/// Row 52: frames to a user.
pub(crate) async fn peer_frames(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let by = rest.classroom.place(&call.caller, &room, Some(&user))?.by;
    let (from, most) = page(&call)?;
    let frames = rest.classroom.peer_frames(&call.caller, &room, &user, from, most).await?;
    answer(&rest, &by, &frames, most)
}

fn answer(rest: &Rest, by: &By, frames: &[stoa_classroom::frame::Frame], most: usize) -> Outcome {
    let sees = match by {
        By::App | By::Server => true,
        By::User { role, .. } => ClassRole::sees_answers(*role),
    };
    let next = (frames.len() == most).then(|| frames.last().map(|last| last.sequence + 1));
    let list: Vec<Value> = frames.iter().map(|frame| frame.view(sees)).collect();
    let data = json!({"list": list, "nextId": next.flatten().map(|next| next.to_string())});
    Ok(done(rest.classroom.clock().now(), data))
}
