//! Row 18: what all rooms of the app have told of, each event once.

use axum::extract::State;
use serde_json::Value;
use stoa_classroom::Handout;

use super::answer::{Outcome, done_with};
use super::door::ClassCall;
use crate::Rest;

/// Hands out events. With `ack` in the query they come again until the next call brings the text that came with them.
pub(crate) async fn events(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    call.back_end(&rest)?;
    let how = match call.query.is_said("ack") {
        false => Handout::Once,
        true => Handout::Acknowledged(call.query.get("ack")?.map(str::to_owned)),
    };
    let acknowledged = matches!(how, Handout::Acknowledged(_));
    let out = rest.classroom.hand_out(&call.caller, how).await?;
    let text = acknowledged.then(|| ("ack", out.acknowledge.map_or(Value::Null, Value::String)));
    Ok(done_with(rest.classroom.clock().now(), out.events.into(), text))
}
