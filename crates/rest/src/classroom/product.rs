//! What the chat product has to do with a class, and roles of users whose tokens say none.

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Outcome, done};
use super::door::ClassCall;
use super::entry::role;
use super::value::ClassBody;
use crate::Rest;

/// Row 22: a token with which the user uses the chat room of the class.
pub(crate) async fn token(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let token = rest.classroom.chat_token(&call.caller, &room, &user).await?;
    Ok(done(rest.classroom.clock().now(), json!({"token": token.expose()})))
}

/// Ours: the app's back end says in which role a user may come in whose token says none.
pub(crate) async fn set_role(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    let by = call.back_end(&rest)?;
    let role = role(&mut body)?;
    let turn =
        rest.classroom.turn(&call.caller, &room, by, move |turn| turn.state_role(&user, role));
    turn.await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
