//! Making chat rooms, and listing all and those that a user is in: R115 to R117.

use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};
use stoa_chat::{GroupBrief, NewRoom};
use stoa_core::{AppKey, AppScope, Caller, limits};

use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::groups::{max_members, members, only, owner};
use crate::json::Object;
use crate::path::UserPath;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;
use crate::{Rest, users};

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/chatrooms", get(list).post(create))
        .route("/users/{user}/joined_chatrooms", get(joined))
}

/// Fields of a room that can be given when it is made.
const NEW: &[&str] = &["name", "description", "owner", "maxusers", "members"];

/// `POST /{org}/{app}/chatrooms?resource`: R115. Body: `name`, `description`, `owner` (a user's token:
/// that user, who must be a super administrator), `maxusers` (1,000), `members`, who are in it at once.
///
/// Errors: 400 by field, 400 `invalid_parameter` for an unknown one, 401 for another owner, 403 for who
/// is no super administrator, 403 `exceed_limit` and `forbidden_op` where the plan allows no more, 404
/// for a user who does not exist.
async fn create(
    State(rest): State<Rest>,
    caller: AnyCaller,
    Acting(device): Acting,
    JsonObject(body): JsonObject,
) -> Outcome {
    let new = read_new_room(body, &caller)?;
    let id = rest.chat.create_room(&caller, device.as_ref(), new).await?;
    Ok(Full::of(&*caller).data(json!({ "id": id.as_str() })).into())
}

fn read_new_room(mut body: Object, caller: &Caller) -> Result<NewRoom, Failure> {
    only(&body, NEW)?;
    let default = limits::ROOM_MEMBERS_DEFAULT.min(caller.app().chat.plan.room_members);
    Ok(NewRoom {
        name: body.text("name")?,
        description: body.optional_text("description")?.unwrap_or_default(),
        owner: owner(&mut body, caller)?,
        max_members: max_members(&mut body)?.unwrap_or(default),
        members: members(&mut body)?,
    })
}

/// `GET /{org}/{app}/chatrooms?limit&cursor`: R116, `limit` 1 to 100 (10), those made last first; or, as
/// the SDK asks, `pagenum` (from 1) and `pagesize`, among the 10,000 made last.
///
/// Errors: 400 for a number out of range or a cursor that is none.
async fn list(State(rest): State<Rest>, caller: AnyCaller, query: Query) -> Outcome {
    let page = query.optional_page(limits::LIST_PAGE_DEFAULT, limits::ROOM_PAGE)?;
    let by_page = page.is_some();
    let (skip, limit) = match page {
        Some(page) => page,
        None => (0, query.whole("limit", 1..=limits::ROOM_LIST_PAGE, limits::LIST_PAGE_DEFAULT)?),
    };
    let page = rest.chat.rooms(&caller, skip, limit, query.get("cursor")?).await?;
    let data: Vec<Value> = page.groups.iter().map(listed).collect();
    let cursor = page.cursor.filter(|_| !by_page);
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).cursor(cursor).into())
}

fn listed(room: &GroupBrief) -> Value {
    let GroupBrief { info, members, .. } = room;
    json!({
        "id": info.id.as_str(),
        "name": info.name,
        "owner": info.owner.as_str(),
        "affiliations_count": members,
        "disabled": info.disabled,
    })
}

/// `GET /{org}/{app}/users/{user}/joined_chatrooms?pagenum&pagesize&detail`: R117, those come into last
/// first: `pagesize` 1 to 1,000 (1,000), without page the first 500. With `detail=true` as the SDK
/// reads them.
///
/// Errors: 400, 401 for another user's token, 404.
async fn joined(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let page = query.optional_page(limits::ROOM_PAGE, limits::ROOM_PAGE)?;
    let (skip, count) = page.unwrap_or((0, limits::ROOMS_JOINED));
    let with_detail = query.flag("detail")?;
    let rooms = rest.chat.rooms_joined(&caller, &user, skip, count).await?;
    let app_key = &caller.app().key;
    let data: Vec<Value> =
        rooms.iter().map(|room| joined_room(room, app_key, with_detail)).collect();
    Ok(Full::of(&*caller).count(data.len()).data(data.into()).into())
}

fn joined_room(room: &GroupBrief, app_key: &AppKey, with_detail: bool) -> Value {
    let info = &room.info;
    if !with_detail {
        return json!({ "id": info.id.as_str(), "name": info.name });
    }
    json!({
        "id": info.id.as_str(),
        "title": info.name,
        // The SDK cuts the app off (msync section 9.6).
        "owner": format!("{app_key}_{}", info.owner.as_str()),
        "created": info.created.as_millis(),
        "description": info.description,
        "max_users": info.max_members,
    })
}
