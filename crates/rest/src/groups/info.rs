//! Making, listing, changing and ending groups.

use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use stoa_chat::{GroupBrief, GroupChange, GroupInfo, GroupView, NewGroup, Role};
use stoa_core::{AppKey, AppScope, Caller, MucKind, Refusal, UserId, limits};

use super::members::{affiliation, role_name, users_of};
use super::{GroupPath, GroupsPath};
use crate::auth::{AnyCaller, AppCaller};
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::Object;
use crate::path::UserPath;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;
use crate::{Rest, users};

/// The routes of a group or room itself.
pub(super) fn routes(at: &str) -> Routes {
    Routes::new().route(at, get(details).put(modify).delete(dismiss))
}

/// The routes that rooms do not have, or have otherwise.
pub(super) fn group_routes() -> Routes {
    Routes::new()
        .route("/chatgroups", get(list).post(create))
        .route("/publicchatgroups", get(list_public))
        .route("/chatgroups/{group}/disable", post(disable))
        .route("/chatgroups/{group}/enable", post(enable))
        .route("/users/{user}/joined_chatgroups", get(joined))
        .route("/chatgroups/user/{user}", get(joined_in_detail))
        .route("/chatgroups/user/{user}/joined_count", get(joined_count))
}

/// `POST /{org}/{app}/chatgroups`: R068. Body: `owner` (a user's token: that user), `groupname`,
/// `description` or `desc`, `avatar`, `custom`, `public`, `membersonly` or `approval`, `allowinvites`,
/// `invite_need_confirm`, `maxusers` (200), `members`.
///
/// Errors: 400 by field, 400 `invalid_parameter` for an unknown one, 401 for another owner, 403
/// `exceed_limit` and `forbidden_op` where the plan allows no more, 404 for a user who does not exist.
async fn create(
    State(rest): State<Rest>,
    caller: AnyCaller,
    Acting(device): Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    let new = read_new_group(body, &caller)?;
    let id = rest.chat.create_group(&caller, device.as_ref(), new).await?;
    Ok(Full::of(&*caller).data(json!({ "groupid": id.as_str() })).into())
}

/// Fields of a group's name and settings that can be given when it is made.
const NEW: &[&str] = &[
    "owner",
    "groupname",
    "name",
    "desc",
    "description",
    "avatar",
    "custom",
    "public",
    "approval",
    "membersonly",
    "members_only",
    "allowinvites",
    "invite_need_confirm",
    "maxusers",
    "members",
];

/// Fields of a room that can be changed.
const CHANGEABLE_OF_A_ROOM: &[&str] = &["name", "groupname", "description", "maxusers"];

/// Fields of a group that can be changed.
const CHANGEABLE: &[&str] = &[
    "groupname",
    "description",
    "avatar",
    "custom",
    "public",
    "membersonly",
    "allowinvites",
    "invite_need_confirm",
    "maxusers",
];

/// Refuses fields that are not among `known`: in the vendor's words (chat-rest section 1.6).
pub(crate) fn only(body: &Object, known: &[&str]) -> Result<(), Failure> {
    let unknown = body.names().filter(|name| !known.contains(name));
    let unknown: Vec<String> = unknown.map(|name| name.chars().take(64).collect()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let text = format!("Some of [{}] are not valid fields.", unknown.join(", "));
    Err(Failure::of(Refusal::InvalidParameter).saying(text))
}

/// To whom what is made is to belong: a user's token needs not say it.
pub(crate) fn owner(body: &mut Object, caller: &Caller) -> Result<UserId, Failure> {
    match (body.optional_text("owner")?, caller.user()) {
        (Some(owner), _) => owner.parse::<UserId>().map_err(|error| body.refuse("owner", error)),
        (None, Some(me)) => Ok(me.clone()),
        (None, None) => Err(body.refuse("owner", "is required and must be a string")),
    }
}

/// Who is to be in it from the beginning.
pub(crate) fn members(body: &mut Object) -> Result<Vec<UserId>, Failure> {
    match body.has("members") {
        true => users_of(&body.texts("members", 0..=limits::REST_BODY_BYTES)?, "members"),
        false => Ok(Vec::new()),
    }
}

/// Reads the body of [`create`].
pub(crate) fn read_new_group(mut body: Object, caller: &Caller) -> Result<NewGroup, Failure> {
    only(&body, NEW)?;
    let owner = owner(&mut body, caller)?;
    let mut text = |names: &[&str]| {
        let mut found = None;
        for name in names {
            found = found.or(body.optional_text(name)?);
        }
        Ok::<_, Failure>(found.unwrap_or_default())
    };
    let name = text(&["groupname", "name"])?;
    let description = text(&["description", "desc"])?;
    let (avatar, custom) = (text(&["avatar"])?, text(&["custom"])?);
    let members = members(&mut body)?;
    let default = limits::GROUP_MEMBERS_DEFAULT.min(caller.app().chat.plan.group_members);
    Ok(NewGroup {
        owner,
        name,
        description,
        avatar,
        custom,
        public: body.flag("public")?,
        approval: body.flag("membersonly")? | body.flag("members_only")? | body.flag("approval")?,
        member_invites: body.flag("allowinvites")?,
        invite_confirm: body.flag("invite_need_confirm")?,
        max_members: max_members(&mut body)?.unwrap_or(default),
        members,
    })
}

pub(crate) fn max_members(body: &mut Object) -> Result<Option<u32>, Failure> {
    let most = body.optional_whole("maxusers", "members", 1..=u64::from(u32::MAX))?;
    Ok(most.map(|most| u32::try_from(most).unwrap_or(u32::MAX)))
}

/// The change of a group, or room, that the body of [`modify`] asks for, and the fields that it names.
pub(crate) fn read_change(
    kind: MucKind,
    mut body: Object,
) -> Result<(GroupChange, Vec<String>), Failure> {
    let changeable = match kind {
        MucKind::Group => CHANGEABLE,
        MucKind::Room => CHANGEABLE_OF_A_ROOM,
    };
    only(&body, changeable)?;
    let names: Vec<String> = body.names().map(Into::into).collect();
    let names: Vec<String> = names.into_iter().filter(|name| body.has(name)).collect();
    if names.is_empty() {
        let text = format!("the body must have one of {}", changeable.join(", "));
        return Err(Failure::argument(text));
    }
    let mut flag = |name| {
        let given = names.iter().any(|given| given == name);
        Ok::<_, Failure>(if given { Some(body.flag(name)?) } else { None })
    };
    let (public, approval) = (flag("public")?, flag("membersonly")?);
    let (member_invites, invite_confirm) = (flag("allowinvites")?, flag("invite_need_confirm")?);
    let also_name = body.optional_text("name")?;
    let change = GroupChange {
        name: body.optional_text("groupname")?.or(also_name),
        description: body.optional_text("description")?,
        avatar: body.optional_text("avatar")?,
        custom: body.optional_text("custom")?,
        public,
        approval,
        member_invites,
        invite_confirm,
        max_members: max_members(&mut body)?,
    };
    Ok((change, names))
}

/// `PUT /{org}/{app}/chatgroups/{group}`: R073, any of `groupname`, `description`, `avatar`, `custom`
/// and, for the owner and back ends, `public`, `membersonly`, `allowinvites`, `invite_need_confirm`,
/// `maxusers`; R085, `newowner` alone. R119, of a room: `name` or `groupname`, `description`,
/// `maxusers`. Answer: true for each field.
///
/// Errors: 400 `invalid_parameter` for any other field, and nothing is changed; 400 by field; 403, 404.
async fn modify(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let mut changed = Map::new();
    if body.has("newowner") {
        only(&body, &["newowner"])?;
        let name = body.text("newowner")?;
        let owner = name.parse().map_err(|error| body.refuse("newowner", error))?;
        rest.chat.transfer_group(&caller, device.as_ref(), &group, &owner).await?;
        changed.insert("newowner".into(), true.into());
    } else {
        let (change, names) = read_change(group.kind(), body)?;
        rest.chat.change_group(&caller, device.as_ref(), &group, change).await?;
        // Also of a room (chat-rest R119).
        let told = |name| if name == "name" { "groupname".into() } else { name };
        changed.extend(names.into_iter().map(|name| (told(name), true.into())));
    }
    Ok(Full::of(&*caller).data(changed.into()).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}`: R074 and R120. All members are told.
///
/// Errors: 403 unless the caller owns it, 404.
async fn dismiss(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.dismiss_group(&caller, device.as_ref(), &group).await?;
    let id = group.as_str();
    let mut data = json!({ "success": true, "id": id });
    if !group.is_room() {
        data["groupid"] = id.into();
    }
    Ok(Full::of(&*caller).data(data).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/disable`: R069. Nobody sends to it or manages it.
///
/// Errors: 404.
async fn disable(state: State<Rest>, caller: AppCaller, group: GroupPath) -> Outcome {
    set_disabled(state, caller, group, true).await
}

/// `POST /{org}/{app}/chatgroups/{group}/enable`: R070.
///
/// Errors: 404.
async fn enable(state: State<Rest>, caller: AppCaller, group: GroupPath) -> Outcome {
    set_disabled(state, caller, group, false).await
}

async fn set_disabled(
    State(rest): State<Rest>,
    caller: AppCaller,
    GroupPath(group): GroupPath,
    disabled: bool,
) -> Outcome {
    rest.chat.set_group_disabled(&caller, &group, disabled).await?;
    Ok(Full::of(&*caller).data(json!({ "disabled": disabled })).into())
}

/// `GET /{org}/{app}/chatgroups/{groups}`: R072 and R118, up to 100 ids with commas between them; those that do
/// not exist, or that the user may not see, are left out. With `joined_time=true` since when each is a
/// member. Of a public group that the user is not in, only the owner is told.
///
/// Errors: 400 for too many ids, 403 or 404 where nothing is left.
async fn details(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupsPath(ids): GroupsPath,
    query: Query,
) -> Outcome {
    let with_time = query.flag("joined_time")?;
    let views = rest.chat.groups(&caller, &ids).await?;
    let data: Vec<Value> = views.iter().map(|view| detail(view, with_time)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).into())
}

fn detail(view: &GroupView, with_time: bool) -> Value {
    let info = &*view.info;
    let members = view.members.iter().map(|member| affiliation(member, false, with_time));
    json!({
        "id": info.id.as_str(),
        "name": info.name,
        "avatar": info.avatar,
        "description": info.description,
        "membersonly": info.approval,
        "allowinvites": info.member_invites,
        "invite_need_confirm": info.invite_confirm,
        "maxusers": info.max_members,
        "owner": info.owner.as_str(),
        "created": info.created.as_millis(),
        "custom": info.custom,
        "mute": info.all_muted,
        "affiliations_count": view.count,
        "disabled": info.disabled,
        "affiliations": members.collect::<Vec<_>>(),
        "public": info.public,
        "shieldgroup": view.shielded,
    })
}

fn list_limit(query: &Query) -> Result<usize, Failure> {
    query.whole("limit", 1..=limits::GROUP_LIST_PAGE, limits::LIST_PAGE_DEFAULT)
}

/// `GET /{org}/{app}/chatgroups?limit&cursor`: R075, `limit` 1 to 1,000 (10), those made last first.
///
/// Errors: 400 for a limit out of range or a cursor that is none.
async fn list(State(rest): State<Rest>, caller: AppCaller, query: Query) -> Outcome {
    let page = rest.chat.all_groups(&caller, list_limit(&query)?, query.get("cursor")?).await?;
    let app_key = &caller.app().key;
    let data: Vec<Value> = page.groups.iter().map(|group| listed(group, app_key)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).cursor(page.cursor).into())
}

fn listed(group: &GroupBrief, app_key: &AppKey) -> Value {
    let GroupBrief { info, members, .. } = group;
    json!({
        // Here alone with the app in front (chat-rest U18).
        "owner": format!("{app_key}_{}", info.owner.as_str()),
        "groupid": info.id.as_str(),
        "affiliations": members,
        "type": "group",
        "lastModified": info.modified.as_millis().to_string(),
        "groupname": info.name,
    })
}

fn short(info: &GroupInfo) -> Value {
    json!({ "groupid": info.id.as_str(), "groupname": info.name })
}

/// `GET /{org}/{app}/publicchatgroups?limit&cursor` (msync section 9.5), as [`list`].
///
/// Errors: 400.
async fn list_public(State(rest): State<Rest>, caller: AnyCaller, query: Query) -> Outcome {
    let page = rest.chat.public_groups(&caller, list_limit(&query)?, query.get("cursor")?).await?;
    let data: Vec<Value> = page.groups.iter().map(|group| short(&group.info)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).cursor(page.cursor).into())
}

/// Which page of what a user has joined: how many to skip, and how many to take. Back ends count from
/// 1 (chat-rest U22), the SDK from 0; a number that is too large stands for the largest (R076).
fn joined_page(query: &Query, caller: &Caller, most: usize) -> Result<(usize, usize), Failure> {
    let own = caller.user().is_some();
    let paged = query.get("pagenum")?.is_some() || query.get("pagesize")?.is_some();
    if own && !paged {
        return Ok((0, usize::MAX));
    }
    let size = query.whole("pagesize", 1..=usize::MAX, limits::JOINED_PAGE_DEFAULT)?.min(most);
    let number = query.whole("pagenum", 0..=usize::MAX, 0)?;
    let number = if own { number } else { number.saturating_sub(1) };
    Ok((number.saturating_mul(size), size))
}

/// `GET /{org}/{app}/users/{user}/joined_chatgroups?pagenum&pagesize`: R076, those joined last first;
/// without page all for the user itself, the first five for a back end.
///
/// Errors: 400, 401 for another user's token, 404.
async fn joined(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let most = if caller.is_app() { limits::JOINED_PAGE } else { limits::JOINED_PAGE_OWN };
    let (skip, count) = joined_page(&query, &caller, most)?;
    let groups = rest.chat.groups_joined(&caller, &user, skip, count, false).await?;
    let data: Vec<Value> = groups.iter().map(|group| short(&group.info)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).into())
}

/// `GET /{org}/{app}/chatgroups/user/{user}?pagenum&pagesize&needAffiliations&needRole` (msync section
/// 9.5): as [`joined`], with details as `entities`.
///
/// Errors: as there.
async fn joined_in_detail(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let (skip, count) = joined_page(&query, &caller, limits::JOINED_PAGE)?;
    let (count, with_role) = (count.min(limits::JOINED_PAGE), query.flag("needRole")?);
    let with_count = query.flag("needAffiliations")?;
    let groups = rest.chat.groups_joined(&caller, &user, skip, count, with_role).await?;
    let entities = groups.iter().map(|GroupBrief { info, members, role }| {
        let mut entity = json!({
            "groupId": info.id.as_str(),
            "name": info.name,
            "disabled": info.disabled,
            "membersonly": info.approval,
            "allowinvites": info.member_invites,
            "description": info.description,
            "maxusers": info.max_members,
            "public": info.public,
        });
        if with_count {
            entity["affiliations_count"] = (*members).into();
        }
        if with_role {
            entity["permission"] = role_name(role.unwrap_or(Role::Member)).into();
        }
        entity
    });
    let entities: Vec<Value> = entities.collect();
    let count = entities.len();
    Ok(Full { entities, ..Full::of(&*caller) }.count(count).into())
}

/// `GET /{org}/{app}/chatgroups/user/{user}/joined_count` (msync section 9.5).
///
/// Errors: 401 for another user's token, 404.
async fn joined_count(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let count = rest.chat.count_groups_joined(&caller, &user).await?;
    Ok(Full::of(&*caller).data(count.into()).into())
}
