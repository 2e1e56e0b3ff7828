//! Groups (chat-rest sections 2.11 to 2.16; msync section 9.5).
//!
//! A user's token reaches groups as far as the user's standing in them (chat-rest U20); which that is
//! chat decides. The query's `resource` is the device that acts and is not told of it again.

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

use axum::Router;
use axum::extract::FromRequestParts;
use http::request::Parts;
use stoa_core::{GroupId, Refusal, Resource, limits};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use info::read_change;

use crate::Rest;
use crate::error::Failure;
use crate::path::variable;
use crate::query::Query;

/// The group in the path. What is no group's id is answered as a group that there is not.
pub(crate) struct GroupPath(pub(crate) GroupId);

impl FromRequestParts<Rest> for GroupPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let group = variable(parts, "group").await?;
        group.parse().map(Self).map_err(|_| Failure::of(Refusal::UnknownGroup))
    }
}

/// The groups in the path, as text: ids with commas between them.
pub(crate) struct GroupsPath(pub(crate) String);

impl FromRequestParts<Rest> for GroupsPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        variable(parts, "group").await.map(Self)
    }
}

/// The names in the path, 1 to 60 with commas between them, which may be percent-encoded.
pub(crate) struct UsersPath(pub(crate) Vec<String>);

impl FromRequestParts<Rest> for UsersPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let text = variable(parts, "user").await?;
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(Into::into).collect();
        if names.is_empty() || names.len() > limits::GROUP_BATCH {
            let most = limits::GROUP_BATCH;
            return Err(Failure::argument(format!("the path must name 1 to {most} users")));
        }
        Ok(Self(names))
    }
}

/// The device on which the caller acts, if the query names one.
///
/// # Errors
/// 400 for a text that is no device's name.
pub(crate) fn device(query: &Query) -> Result<Option<Resource>, Failure> {
    query.acting()
}

/// The routes of groups.
pub(crate) fn routes() -> Router<Rest> {
    Router::new()
        .merge(info::routes())
        .merge(members::routes())
        .merge(join::routes())
        .merge(more::more_routes())
}
