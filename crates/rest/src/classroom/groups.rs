//! Groups of a class.

use axum::extract::State;
use axum::routing::{delete, patch, post, put};
use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{GroupInfo, GroupPlan, GroupUsers};
use stoa_core::{RoomUuid, UserUuid};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::value::{ClassBody, name, names, objects, one_or_zero, required_name, signed};
use crate::Rest;
use crate::json::{Json, Object};
use crate::routes::Routes;

/// These paths.
pub(super) fn routes() -> Routes {
    let groups = "/v2/rooms/{room}/groups";
    Routes::new()
        .route(&format!("{groups}/states/{{state}}"), put(set).post(add).delete(remove))
        .route(&format!("{groups}/info"), patch(change_info))
        .route(&format!("{groups}/users"), patch(change_users))
        .route(&format!("{groups}/{{group}}/acceptance"), post(accept))
        .route(&format!("{groups}/{{group}}/progress"), delete(decline))
}

/// Users by name, each alone or as `userUuid` of an object.
pub(super) fn members(body: &mut Object, field: &str) -> Result<Vec<UserUuid>, ClassFailure> {
    let what = "must be a list of users, each by its userUuid";
    let list = match body.any(field) {
        None => return Ok(Vec::new()),
        Some(Json::List(list)) => list,
        Some(_) => return Err(body.refuse(field, what).into()),
    };
    let user = |(index, json): (usize, Json)| match json {
        Json::Text(text) => text.parse().map_err(|error| body.refuse(field, error).into()),
        json => required_name(&mut json.into_object(&format!("{field}[{index}]"))?, "userUuid"),
    };
    list.into_iter().enumerate().map(user).collect()
}

pub(super) fn plans(body: &mut Object) -> Result<Vec<GroupPlan>, ClassFailure> {
    let plan = |mut group: Object| {
        Ok(GroupPlan {
            id: name(&mut group, "groupUuid")?,
            name: group.optional_text("groupName")?,
            users: members(&mut group, "users")?,
            sort: signed(&mut group, "sort")?,
        })
    };
    objects(body, "groups")?.into_iter().map(plan).collect()
}

fn in_progress(body: &mut Object) -> Result<bool, ClassFailure> {
    Ok(one_or_zero(body, "inProgress")?.unwrap_or(false))
}

/// The main board's pages would be copied into the groups: there are none, so that what asks for it is told so.
fn no_scenes(rest: &Rest, call: &ClassCall, body: &mut Object) -> Result<(), ClassFailure> {
    if one_or_zero(body, "syncBoardScenes")?.unwrap_or(false) {
        call.by(rest, &call.room()?)?;
        return Err(Refusal::FeatureOff("pages of the whiteboard").into());
    }
    Ok(())
}

fn made(rest: &Rest, ids: &[RoomUuid]) -> Outcome {
    let groups: Vec<Value> = ids.iter().map(|id| json!({"groupUuid": id.as_str()})).collect();
    Ok(done(rest.classroom.clock().now(), json!({"groups": groups})))
}

/// Rows 6, 67 and 68: opens groups, or closes all.
async fn set(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    if !call.switch("state")? {
        call.act(&rest, |turn| turn.close_groups()).await?;
        return Ok(done(rest.classroom.clock().now(), Value::Null));
    }
    no_scenes(&rest, &call, &mut body)?;
    let (plans, invites) = (plans(&mut body)?, in_progress(&mut body)?);
    made(&rest, &call.act(&rest, move |turn| turn.open_groups(plans, invites)).await?)
}

fn only_one(call: &ClassCall) -> Result<(), ClassFailure> {
    if call.switch("state")? {
        return Ok(());
    }
    Err(Refusal::argument("state in the path: must be 1").into())
}

/// Row 69 by `POST`.
async fn add(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    only_one(&call)?;
    no_scenes(&rest, &call, &mut body)?;
    let (plans, invites) = (plans(&mut body)?, in_progress(&mut body)?);
    made(&rest, &call.act(&rest, move |turn| turn.add_groups(plans, invites)).await?)
}

/// Row 69 by `DELETE`.
async fn remove(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    only_one(&call)?;
    let ids = names(&mut body, "removeGroupUuids")?;
    call.act(&rest, move |turn| turn.remove_groups(&ids)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 70.
async fn change_info(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let change = |mut group: Object| {
        Ok::<_, ClassFailure>(GroupInfo {
            id: required_name(&mut group, "groupUuid")?,
            name: group.optional_text("groupName")?,
            sort: signed(&mut group, "sort")?,
        })
    };
    let changes = objects(&mut body, "groups")?.into_iter().map(change);
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    call.act(&rest, move |turn| turn.change_group_info(&changes)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 71.
async fn change_users(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let change = |mut group: Object| {
        Ok::<_, ClassFailure>(GroupUsers {
            id: required_name(&mut group, "groupUuid")?,
            add: members(&mut group, "addUsers")?,
            remove: members(&mut group, "removeUsers")?,
        })
    };
    let changes = objects(&mut body, "groups")?.into_iter().map(change);
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let invites = in_progress(&mut body)?;
    call.act(&rest, move |turn| turn.change_group_users(&changes, invites)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 72.
async fn accept(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (group, leave) = (call.named("group")?, names(&mut body, "leaveGroupUuids")?);
    call.act(&rest, move |turn| turn.accept_group(&group, &leave)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Row 73.
async fn decline(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let group = call.named("group")?;
    call.act(&rest, move |turn| turn.decline_group(&group)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
