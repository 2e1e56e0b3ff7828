//! Users of a room: looked at, listed, given properties, put out.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{Ban, By};
use stoa_classroom::tree::Edit;
use stoa_core::{ClassRole, UserUuid};

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::rooms::whole;
use super::value::{self, ClassBody};
use crate::Rest;
use crate::json::{Json, Object};

/// Row 11: a user, for the teacher's side and for itself.
pub(crate) async fn get(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let user = call.user()?;
    let view = call.act(&rest, move |turn| {
        if !turn.by.is_teaching() && !turn.by.is(&user) {
            return Err(Refusal::NotAllowed);
        }
        let found = turn.room.users.get(&user).ok_or(Refusal::NoUser)?;
        Ok(turn.room.user_view(found))
    });
    Ok(done(rest.classroom.clock().now(), view.await?))
}

/// Row 23: who is in the room.
pub(crate) async fn list(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let room = call.room()?;
    let by = call.by(&rest, &room)?;
    let role = call.query.get("role")?.filter(|text| *text != "0").map(|text| {
        let what = "role: must be 1, 2 or 3, or host, audience or assistant";
        ClassRole::parse(text).ok_or_else(|| Refusal::argument(what))
    });
    let (role, name) = (role.transpose()?, call.query.get("userName")?.map(str::to_owned));
    let after = call.query.get("nextId")?.map(str::parse::<UserUuid>).transpose();
    let after = after.map_err(|_| Refusal::argument("nextId: must be one that an answer gave"))?;
    let most = call.query.whole("count", 1..=usize::MAX, stoa_classroom::PAGE)?;
    // An earlier entry of the user asks no more.
    call.turn(&rest, &room, by.clone(), |_| Ok(())).await?;
    let mut page = rest.classroom.users(&call.caller, &room, role, name, after, most).await?;
    if !sees_answers(&by) {
        // What others answered is not for those who learn.
        let properties = page.list.iter_mut().filter_map(|user| user.get_mut("userProperties"));
        properties.filter_map(Value::as_object_mut).for_each(|tree| drop(tree.remove("widgets")));
    }
    let data = json!({
        "total": page.total,
        "count": page.list.len(),
        "nextId": page.next.as_ref().map(UserUuid::as_str),
        "list": page.list,
    });
    Ok(done(rest.classroom.clock().now(), data))
}

/// Whether right answers, and what others answered, are for this caller.
pub(crate) const fn sees_answers(by: &By) -> bool {
    match by {
        By::App | By::Server => true,
        By::User { role, .. } => role.sees_answers(),
    }
}

/// Row 12, and row 54 by `PUT`: sets properties of a user.
pub(crate) async fn set_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let edit = value::edit(&mut body)?;
    edit_properties(&rest, &call, edit).await
}

/// Row 13, and row 54 by `DELETE`: removes properties of a user.
pub(crate) async fn remove_properties(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let edit = value::removal(&mut body)?;
    edit_properties(&rest, &call, edit).await
}

async fn edit_properties(rest: &Rest, call: &ClassCall, (edit, cause): (Edit, Value)) -> Outcome {
    let user = call.user()?;
    call.act(rest, move |turn| turn.edit_user_properties(&user, edit, &cause)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// Rows 14 and 36: puts a user out, and bans it or lifts that.
pub(crate) async fn exit(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let user = call.user()?;
    let ban = if body.has("dirty") { Some(ban(body.object("dirty")?)?) } else { None };
    call.act(&rest, move |turn| turn.put_out(&user, ban)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// What `dirty` says.
fn ban(mut dirty: Object) -> Result<Ban, ClassFailure> {
    match whole(&mut dirty, "state")? {
        Some(0) => return Ok(Ban::Lifted),
        Some(1) => {}
        _ => return Err(dirty.refuse("state", "is required and must be 0 or 1").into()),
    }
    match dirty.any("duration") {
        Some(Json::Whole(seconds)) if seconds > 0 => Ok(Ban::For(seconds)),
        Some(Json::Number(-1.0)) => Ok(Ban::Ever),
        _ => {
            let what = "is required and must be a number of seconds from 1 on, or -1 for ever";
            Err(dirty.refuse("duration", what).into())
        }
    }
}
