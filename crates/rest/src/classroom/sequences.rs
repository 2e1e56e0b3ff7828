//! What a room has said, from a number on.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_classroom::room::By;
use stoa_classroom::{EventFilter, PAGE, Refusal};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::users::sees_answers;
use crate::Rest;

fn page(call: &ClassCall) -> Result<(u64, usize), ClassFailure> {
    let from = call.query.get("nextId")?.filter(|text| !text.is_empty() && *text != "null");
    let refuse = || Refusal::argument("nextId: must be one that an answer gave");
    let from = from.map(|text| text.parse::<u64>()).transpose().map_err(|_| refuse())?;
    let count = call.query.optional_whole("count", 1..=usize::MAX)?.unwrap_or(PAGE);
    Ok((from.unwrap_or(1), count.min(PAGE)))
}

/// Row 15: events of a room, for the app's back end; for whoever is in the room, those about itself.
pub(crate) async fn events(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    let by = call.by(&rest, &room)?;
    let user = call.query.get("userUuid")?.map(str::to_owned);
    let user = match (by.user(), user) {
        (None, user) => user,
        (Some(own), Some(user)) if own.as_str() != user => return Err(Refusal::NotAllowed.into()),
        (Some(own), _) => Some(own.as_str().to_owned()),
    };
    let cmd = call.query.optional_whole("cmd", 0..=usize::from(u16::MAX))?;
    let cmd = cmd.and_then(|cmd| u16::try_from(cmd).ok());
    let listed = |name| {
        let text = call.query.get(name)?.unwrap_or_default();
        let parts = text.split(',').filter(|part| !part.is_empty()).map(str::to_owned);
        Ok::<_, ClassFailure>(parts.collect::<Vec<_>>())
    };
    let (keys, values) = (listed("causeDataFilterKeys")?, listed("causeDataFilterValues")?);
    if keys.len() != values.len() {
        let what = "causeDataFilterKeys: must name as many as causeDataFilterValues has";
        return Err(Refusal::argument(what).into());
    }
    let filter = EventFilter { cmd, user, cause: keys.into_iter().zip(values).collect() };
    let (from, most) = page(&call)?;
    call.turn(&rest, &room, by, |_| Ok(())).await?;
    let found = rest.classroom.find_events(&call.caller, &room, from, most, &filter).await?;
    let data = json!({
        "total": found.total,
        "count": found.list.len(),
        "nextId": found.next.map(|next| next.to_string()),
        "list": found.list,
    });
    Ok(done(rest.classroom.clock().now(), data))
}

/// Row 51: frames of a room.
pub(crate) async fn frames(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    let by = call.by(&rest, &room)?;
    let (from, most) = page(&call)?;
    call.turn(&rest, &room, by.clone(), |_| Ok(())).await?;
    let frames = rest.classroom.frames(&call.caller, &room, from, most).await?;
    answer(&rest, &by, &frames, most)
}

/// Row 52: frames to a user.
pub(crate) async fn peer_frames(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let by = rest.classroom.place(&call.caller, &room, Some(&user))?.by;
    let (from, most) = page(&call)?;
    call.turn(&rest, &room, by.clone(), |_| Ok(())).await?;
    let frames = rest.classroom.peer_frames(&call.caller, &room, &user, from, most).await?;
    answer(&rest, &by, &frames, most)
}

fn answer(rest: &Rest, by: &By, frames: &[stoa_classroom::frame::Frame], most: usize) -> Outcome {
    let sees = sees_answers(by);
    let next = (frames.len() == most).then(|| frames.last().map(|last| last.sequence + 1));
    let list: Vec<Value> = frames.iter().map(|frame| frame.view(sees)).collect();
    let data = json!({"list": list, "nextId": next.flatten().map(|next| next.to_string())});
    Ok(done(rest.classroom.clock().now(), data))
}
