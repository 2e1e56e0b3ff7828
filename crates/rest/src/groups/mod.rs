//! Groups (chat-rest sections 2.11 to 2.16; msync section 9.5), and what chat rooms have in common with
//! them.
//!
//! A user's token reaches groups as far as the user's standing in them (chat-rest U20); which that is
//! chat decides. The query's `resource` is the device that acts and is not told of it again. What is
//! served for both kinds stands here once: the path says which it is, `{group}` or `{room}`.

mod admins;
mod announcement;
mod attributes;
mod files;
mod info;
mod join;
mod lists;
mod members;
mod more;
mod mute;
mod receipts;

use axum::extract::FromRequestParts;
use http::request::Parts;
use stoa_core::{GroupId, MucKind, Refusal, limits};

pub(crate) use attributes::{meta_data, object};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use info::read_change;
pub(crate) use info::{max_members, members, only, owner};
pub(crate) use more::{name, names};

use crate::Rest;
use crate::error::Failure;
use crate::path::variable;
use crate::routes::Routes;

/// What the path names: a room in `{room}` or a group in `{group}`.
async fn named(parts: &mut Parts) -> Result<(MucKind, String), Failure> {
    match variable(parts, "room").await {
        Ok(text) => Ok((MucKind::Room, text)),
        Err(_) => Ok((MucKind::Group, variable(parts, "group").await?)),
    }
}

/// What is said where there is no such group, or room.
const fn unknown(kind: MucKind) -> Failure {
    match kind {
        MucKind::Group => Failure::of(Refusal::UnknownGroup),
        MucKind::Room => Failure::of(Refusal::UnknownRoom),
    }
}

/// The group or room in the path. What is no id is answered as one that there is not.
pub(crate) struct GroupPath(pub(crate) GroupId);

impl FromRequestParts<Rest> for GroupPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let (kind, text) = named(parts).await?;
        GroupId::parse(kind, &text).map(Self).map_err(|_| unknown(kind))
    }
}

/// The groups or rooms in the path, up to 100 with commas between them. What is no id is left out.
pub(crate) struct GroupsPath(pub(crate) Vec<GroupId>);

impl FromRequestParts<Rest> for GroupsPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let (kind, text) = named(parts).await?;
        let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty());
        if ids.clone().count() > limits::GROUP_DETAILS {
            let most = limits::GROUP_DETAILS;
            return Err(Failure::argument(format!("the path may name {most} groups at the most")));
        }
        let ids: Vec<GroupId> = ids.filter_map(|id| GroupId::parse(kind, id).ok()).collect();
        if ids.is_empty() { Err(unknown(kind)) } else { Ok(Self(ids)) }
    }
}

/// The names in the path, 1 to 60 (of a room's members 100) with commas between them, which may be
/// percent-encoded.
pub(crate) struct UsersPath(pub(crate) Vec<String>);

impl FromRequestParts<Rest> for UsersPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let most = match named(parts).await?.0 {
            MucKind::Group => limits::GROUP_BATCH,
            MucKind::Room => limits::ROOM_REMOVED,
        };
        let text = variable(parts, "user").await?;
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(Into::into).collect();
        if names.is_empty() || names.len() > most {
            return Err(Failure::argument(format!("the path must name 1 to {most} users")));
        }
        Ok(Self(names))
    }
}

/// The routes of groups.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .merge(info::group_routes())
        .merge(members::group_routes())
        .merge(join::routes())
        .merge(attributes::routes())
        .merge(receipts::routes())
        .merge(common("/chatgroups/{group}"))
}

/// The routes that groups and rooms have in common, below `at`.
pub(crate) fn common(at: &str) -> Routes {
    Routes::new()
        .merge(info::routes(at))
        .merge(members::routes(at))
        .merge(admins::routes(at))
        .merge(mute::routes(at))
        .merge(lists::routes(at))
        .merge(announcement::routes(at))
        .merge(files::routes(at))
}
