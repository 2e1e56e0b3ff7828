//! What concerns several users at once: rewards, properties, tags.

use axum::extract::State;
use axum::routing::{post, put};
use serde_json::Value;
use stoa_classroom::tree::Edit;
use stoa_core::UserUuid;

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::value::{self, ClassBody, objects, required_name, signed};
use crate::Rest;
use crate::json::Object;
use crate::routes::Routes;

/// These paths of the education plane.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/v2/rooms/{room}/rewards", post(reward))
        .route("/v3/rooms/{room}/rewards", post(reward))
        .route("/v4/rooms/{room}/rewards", post(reward_in_one))
        .route(
            "/v2/rooms/{room}/users/properties/batch",
            put(set_properties).delete(remove_properties),
        )
        .route("/v1/rooms/{room}/user/{user}/tags/{key}", put(tag))
}

/// Row 35.
async fn reward(State(rest): State<Rest>, call: ClassCall, ClassBody(body): ClassBody) -> Outcome {
    give(&rest, &call, body, false).await
}

/// Row 35, told in one frame.
async fn reward_in_one(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    give(&rest, &call, body, true).await
}

async fn give(rest: &Rest, call: &ClassCall, mut body: Object, in_one: bool) -> Outcome {
    let mut changes = Vec::new();
    for mut detail in objects(&mut body, "rewardDetails")? {
        let user = required_name(&mut detail, "userUuid")?;
        let change = signed(&mut detail, "changeReward")?;
        let what = "is required and must be a whole number";
        changes.push((user, change.ok_or_else(|| detail.refuse("changeReward", what))?));
    }
    call.act(rest, move |turn| turn.give_rewards(&changes, in_one)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Rows 39 and 55 by `PUT`.
pub(super) async fn set_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    edit(&rest, &call, body, value::edit).await
}

/// Rows 39 and 55 by `DELETE`.
pub(super) async fn remove_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    edit(&rest, &call, body, value::removal).await
}

/// Reads what is to be changed of one user, and why.
type ReadEdit = fn(&mut Object) -> Result<(Edit, Value), ClassFailure>;

async fn edit(rest: &Rest, call: &ClassCall, mut body: Object, read: ReadEdit) -> Outcome {
    let mut edits: Vec<(UserUuid, Edit, Value)> = Vec::new();
    for mut one in objects(&mut body, "users")? {
        let user = required_name(&mut one, "userUuid")?;
        let (edit, cause) = read(&mut one)?;
        edits.push((user, edit, cause));
    }
    call.act(rest, move |turn| turn.edit_users_properties(edits)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 40.
async fn tag(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    let (user, key) = (call.user()?, call.text("key").to_owned());
    let value = value::any(&mut body, "properties");
    call.act(&rest, move |turn| turn.set_tag(&user, &key, value)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
