//! The members of a group, R077 to R081, and of a room, R129 to R133.

use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};
use stoa_chat::{Error, GroupMember, Role};
use stoa_core::{GroupId, Refusal, UserId, limits};

use super::{GroupPath, UsersPath};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::path::UserPath;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes below a group or room.
pub(super) fn routes(at: &str) -> Routes {
    Routes::new()
        .route(&format!("{at}/users"), get(list).post(add_several))
        .route(&format!("{at}/users/{{user}}"), post(add).delete(remove))
        .route(&format!("{at}/roles"), get(roles))
}

/// The routes that rooms do not have.
pub(super) fn group_routes() -> Routes {
    Routes::new().route("/chatgroups/{group}/user/{user}/is_joined", get(is_joined))
}

/// What an answer about members calls the id.
const fn id_field(group: &GroupId) -> &'static str {
    if group.is_room() { "id" } else { "groupid" }
}

/// The vendor's word for what a member is.
pub(super) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

/// A member as the vendor writes it; administrators are members where there is no word for them.
pub(super) fn affiliation(member: &GroupMember, admins: bool, with_time: bool) -> Value {
    let role = match member.role {
        Role::Admin if !admins => Role::Member,
        role => role,
    };
    let mut affiliation = json!({ role_name(role): member.user.as_str() });
    if with_time {
        affiliation["joined_time"] = member.joined.as_millis().into();
    }
    affiliation
}

/// Names as users.
///
/// # Errors
/// 404 `resource_not_found` for a text that no user can have as a name.
pub(super) fn users_of(names: &[String], field: &str) -> Result<Vec<UserId>, Failure> {
    let user = |name: &String| {
        name.parse::<UserId>().map_err(|_| {
            let shown: String = name.chars().take(UserId::MAX).collect();
            let text = format!("{field}: username {shown} doesn't exist");
            Failure::of(Refusal::UnknownMember).saying(text)
        })
    };
    names.iter().map(user).collect()
}

/// `GET /{org}/{app}/chatgroups/{group}/users`: R077, who came last first. By page with `pagenum` (from
/// 1; 0 is 1) and `pagesize` (1 to 100, 10; of a room 1 to 1,000, 1,000), where administrators stand as members; or, as the SDK asks,
/// with `cursor` and `limit` and, with `joined_time=true`, since when each is a member.
///
/// Errors: 400, 403 for who is no member, 404.
async fn list(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    query: Query,
) -> Outcome {
    let reply = Full::of(&*caller);
    if query.get("limit")?.is_some() || query.get("cursor")?.is_some() {
        let (limit, with_time) = (query.limit()?, query.flag("joined_time")?);
        let cursor = query.get("cursor")?;
        let page = rest.chat.group_members_from(&caller, &group, cursor, limit).await?;
        let data: Vec<Value> =
            page.members.iter().map(|member| affiliation(member, true, with_time)).collect();
        return Ok(reply.count(data.len()).data(data.into()).cursor(page.cursor).into());
    }
    let (skip, size) = match group.is_room() {
        true => query.page(limits::ROOM_PAGE, limits::ROOM_PAGE)?,
        false => query.page(limits::LIST_PAGE_DEFAULT, limits::LIST_PAGE)?,
    };
    let members = rest.chat.group_members(&caller, &group, skip, size).await?;
    let data: Vec<Value> = members.iter().map(|member| affiliation(member, false, false)).collect();
    Ok(reply.count(data.len()).data(data.into()).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/user/{user}/is_joined`: R071.
///
/// Errors: 403 for a user's token that asks about another in a group that it is not in, 404.
async fn is_joined(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
) -> Outcome {
    let joined = match user.parse() {
        Ok(user) => rest.chat.is_in_group(&caller, &group, &user).await?,
        Err(_) => false,
    };
    Ok(Full::of(&*caller).data(joined.into()).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/roles`: R089, whose answer nobody documents: owner and
/// administrators, written as members are.
///
/// Errors: 403 for who is no member, 404.
async fn roles(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
) -> Outcome {
    let managers = rest.chat.group_managers(&caller, &group).await?;
    let data: Vec<Value> = managers.iter().map(|member| affiliation(member, true, false)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).into())
}

/// The words for why `user` was not treated as asked (chat-rest section 1.6).
pub(super) fn reason(error: Error, user: &UserId, group: &GroupId) -> Failure {
    let (user, group) = (user.as_str(), group.as_str());
    let text = match &error {
        Error::AlreadyInGroup => {
            format!("Can not join this group, reason: user: {user} already in group: {group}.")
        }
        Error::BlockedByGroup => {
            format!("Can not join this group, reason: user: {user} is in the blacklist of {group}.")
        }
        Error::NotInGroup => format!("Users {user} are not members of this group!"),
        Error::UnknownUser => format!("username {user} doesn't exist"),
        _ => return error.into(),
    };
    Failure::from(error).saying(text)
}

/// `POST /{org}/{app}/chatgroups/{group}/users/{user}`: R078, without asking the user. A user's token
/// as far as that user may invite, and not where the group asks whom it invites.
///
/// Errors: 403 already in group, full, in too many groups; 404.
async fn add(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(name): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let users = users_of(&[name], "the path")?;
    let user = users[0].clone();
    let added = rest.chat.add_members(&caller, device.as_ref(), &group, users).await;
    added.map_err(|error| reason(error, &user, &group))?;
    let data = json!({
        "result": true,
        id_field(&group): group.as_str(),
        "action": "add_member",
        "user": user.as_str(),
    });
    Ok(Full::of(&*caller).data(data).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/users`: R079, body `usernames` (1 to 60). `newmembers` are those
/// who were not members before (chat-rest U12).
///
/// Errors: as [`add`]; 403 if nobody could be added.
async fn add_several(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let names = body.texts("usernames", 1..=limits::GROUP_BATCH)?;
    let users = users_of(&names, "usernames")?;
    let first = users[0].clone();
    let added = rest.chat.add_members(&caller, device.as_ref(), &group, users).await;
    let added = added.map_err(|error| match error {
        Error::AlreadyInGroup | Error::BlockedByGroup => reason(error, &first, &group),
        error => error.into(),
    })?;
    let data = json!({
        "newmembers": added.iter().map(UserId::as_str).collect::<Vec<_>>(),
        id_field(&group): group.as_str(),
        "action": "add_member",
    });
    Ok(Full::of(&*caller).data(data).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/users/{users}`: R080 for one, R081 for up to 60 with commas
/// between them, each with its own result (chat-rest U13).
///
/// Errors: 400 for too many; of one, 403 for who is no member or the owner; 403, 404.
async fn remove(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UsersPath(names): UsersPath,
    Acting(device): Acting,
) -> Outcome {
    let one = names.len() == 1;
    // What is no name is nobody's: it is no member.
    let users: Vec<Result<UserId, &String>> =
        names.iter().map(|name| name.parse().map_err(|_| name)).collect();
    let known = users.iter().flatten().cloned().collect();
    let outcomes = rest.chat.remove_members(&caller, device.as_ref(), &group, known).await?;
    let mut results = Vec::with_capacity(names.len());
    for user in users {
        let found = match &user {
            Ok(user) => outcomes.iter().find(|(named, _)| named == user),
            Err(_) => None,
        };
        let failure = match found {
            Some((_, Ok(()))) => None,
            Some((user, Err(error))) => Some(reason(error.clone(), user, &group)),
            None => Some(Failure::of(Refusal::NotInGroup)),
        };
        if let (true, Some(failure)) = (one, &failure) {
            return Err(failure.clone());
        }
        let name = user.as_ref().map_or_else(|name| name.as_str(), UserId::as_str);
        let mut result = json!({
            "result": failure.is_none(),
            "action": "remove_member",
            "user": name,
            id_field(&group): group.as_str(),
        });
        if let Some(failure) = failure {
            result["reason"] = failure.text().into();
        }
        results.push(result);
    }
    let data = if one { results.swap_remove(0) } else { results.into() };
    Ok(Full::of(&*caller).data(data).into())
}
