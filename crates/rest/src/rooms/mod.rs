//! Chat rooms (chat-rest sections 2.17 and 2.18; msync section 9.6): what they have other than
//! [groups], whose operations are served for both.

mod attributes;
mod join;
mod list;
mod super_admins;

use axum::response::Response;

use crate::error::Failure;
use crate::groups;
use crate::routes::Routes;

/// The routes of rooms.
pub(crate) fn routes() -> Routes {
    let of_one = groups::common("/chatrooms/{room}");
    let of_one = of_one.merge(join::routes()).merge(attributes::routes());
    Routes::new()
        .merge(list::routes())
        .merge(super_admins::routes())
        .merge(of_one.map_response(told_of_a_room))
}

/// Makes a refusal one of a room.
async fn told_of_a_room(mut response: Response) -> Response {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response.extensions_mut().insert(failure.of_a_room());
    }
    response
}
