//! A further token for whoever is in a room (classroom specification, section 3), and tokens that are taken back.

use axum::extract::State;
use serde_json::{Value, json};

use super::answer::{Outcome, done};
use super::door::ClassCall;
use super::value::ClassBody;
use crate::Rest;

/// `PUT …/users/{user}/token`: the user's connection lives as long as the token in the body. Whoever calls is that
/// user in that room, or the app's back end.
pub(crate) async fn renew(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (room, user) = (call.room()?, call.user()?);
    rest.classroom.place(&call.caller, &room, Some(&user))?;
    let token = body.text("token")?;
    let until = rest.classroom.renew(&call.caller, &room, &user, &token).await?;
    Ok(done(rest.classroom.clock().now(), json!({"expireTs": until.as_millis()})))
}

/// Ours: `POST …/v2/users/{user}/token/invalid`: the app's back end revokes all tokens for class rooms in that name which
/// were made up to now. What they let in ends.
pub(crate) async fn revoke(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    call.back_end(&rest)?;
    let user = call.user()?;
    rest.classroom.revoke_user(&call.caller, &user).await?;
    rest.class_user_revoked(&call.caller, &user, call.from).await;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
