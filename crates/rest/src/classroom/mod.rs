//! Class rooms: what the app's back end and the pages of a class say (classroom specification, section 2).
//!
//! | module | rows of the specification |
//! | --- | --- |
//! | `door` | who is calling, for which app, room and user |
//! | `answer` | the envelope `code`, `msg`, `ts`, `data` |
//! | `value` | property trees and lists in bodies |
//! | `rooms` | 1 to 5 |
//! | `users` | 11 to 14, 23, 36 |
//! | `entry` | 20, 21, 50 |
//! | `sequences` | 15, 51, 52 |
//! | `polling` | 18 |
//! | `stage` | 25 to 34, 37 |
//! | `batch` | 35, 39, 40, 55 |
//! | `streams` | 56, 74, 75, 84 |
//! | `messages` | 58, 59 |
//! | `widgets` | 16, 17, 41 to 48 |
//! | `chat` | 57, 60 to 66 |
//! | `groups` | 6, 67 to 73 |
//! | `product` | 22, and roles of users whose tokens say none |
//! | `off` | 7 to 10, 76, 78 to 83: what is not served |
//! | `tools` | WHIP and WHEP, which the specification does not have |
//! | `renewal` | a further token (section 3), and tokens that are taken back |

mod answer;
mod batch;
mod chat;
mod door;
mod entry;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod groups;
mod messages;
mod off;
mod polling;
mod product;
mod renewal;
mod rooms;
mod sequences;
mod stage;
mod streams;
mod tools;
mod users;
mod value;
mod widgets;

use axum::routing::{get, post, put};

use crate::routes::Routes;

pub(crate) use answer::ClassFailure;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fuzzing::exercise_bodies;

/// The paths of class rooms, with the region before them and without.
pub(crate) fn routes() -> Routes {
    let edu = || {
        Routes::new()
            .route("/v2/rooms/{room}", get(rooms::get).post(rooms::create))
            .route("/v2/rooms/{room}/states/{state}", put(rooms::set_state))
            .route(
                "/v2/rooms/{room}/properties",
                put(rooms::set_properties).delete(rooms::remove_properties),
            )
            .route("/v2/rooms/{room}/sequences", get(sequences::events))
            .route("/v2/rooms/{room}/users", get(users::list))
            .route("/v2/rooms/{room}/users/{user}", get(users::get))
            .route(
                "/v2/rooms/{room}/users/{user}/properties",
                put(users::set_properties).delete(users::remove_properties),
            )
            .route("/v2/rooms/{room}/users/{user}/exit", post(users::exit))
            .merge(stage::routes())
            .merge(batch::routes())
            .merge(streams::routes())
            .merge(widgets::routes())
            .merge(chat::routes())
            .merge(groups::routes())
            .merge(off::routes())
            .merge(tools::routes())
            .route("/v3/rooms/{room}/users/{user}", put(entry::check_in))
            .route("/v3/rooms/{room}/users/{user}/entry", put(entry::enter_at_once))
            .route("/v2/rooms/{room}/widgets/easemobIM/users/{user}/token", get(product::token))
            .route("/v2/rooms/{room}/users/{user}/role", put(product::set_role))
            .route("/v1/rooms/{room}/users/{user}/token", put(renewal::renew))
            .route("/v2/users/{user}/token/invalid", post(renewal::revoke))
    };
    let scene = || {
        Routes::new()
            .route("/v2/rooms/{room}/users/{user}/entry", post(entry::enter))
            .route("/v1/rooms/{room}/sequences", get(sequences::frames))
            .route("/v1/rooms/{room}/users/{user}/sequences", get(sequences::peer_frames))
            .route(
                "/v1/rooms/{room}/properties",
                put(rooms::set_properties).delete(rooms::remove_properties),
            )
            .route(
                "/v1/rooms/{room}/users/{user}/properties",
                put(users::set_properties).delete(users::remove_properties),
            )
            .route(
                "/v1/rooms/{room}/users/properties",
                put(batch::set_properties).delete(batch::remove_properties),
            )
            .merge(streams::scene_routes())
            .merge(messages::scene_routes())
            .merge(chat::scene_routes())
    };
    let polling = || Routes::new().route("/v2/rooms/sequences", get(polling::events));
    Routes::new()
        .nest("/{region}/edu/polling/apps/{app_id}", polling())
        .nest("/edu/polling/apps/{app_id}", polling())
        .nest("/{region}/edu/apps/{app_id}", edu())
        .nest("/edu/apps/{app_id}", edu())
        .nest("/{region}/scene/apps/{app_id}", scene())
        .nest("/scene/apps/{app_id}", scene())
}

/// Whether a path is one of class rooms, served or not: there every answer has their envelope.
pub(crate) fn is_here(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    let is_plane = |part: Option<&str>| matches!(part, Some("edu" | "scene"));
    let is_below = |part: Option<&str>| matches!(part, Some("apps" | "polling"));
    is_plane(first) && is_below(second) || is_plane(second) && is_below(third)
}
