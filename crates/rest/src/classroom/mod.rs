//! Class rooms: what the app's back end and the pages of a class say (classroom specification, section 2).
//!
//! | module | rows of the specification |
//! | --- | --- |
//! | `door` | who is calling, for which app, room and user |
//! | `answer` | the envelope `code`, `msg`, `ts`, `data` |
//! | `value` | property trees and lists in bodies |
//! | `rooms` | 1 to 5 |
//! | `entry` | 20, 21, 50 |
//! | `sequences` | 15, 51, 52 |
//! | `renewal` | a further token (section 3) |

mod answer;
mod door;
mod entry;
mod renewal;
mod rooms;
mod sequences;
mod value;

use axum::routing::{get, post, put};

use crate::routes::Routes;

pub(crate) use answer::ClassFailure;

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
            .route("/v3/rooms/{room}/users/{user}", put(entry::check_in))
            .route("/v3/rooms/{room}/users/{user}/entry", put(entry::enter_at_once))
            .route("/v1/rooms/{room}/users/{user}/token", put(renewal::renew))
    };
    let scene = || {
        Routes::new()
            .route("/v2/rooms/{room}/users/{user}/entry", post(entry::enter))
            .route("/v1/rooms/{room}/sequences", get(sequences::frames))
            .route("/v1/rooms/{room}/users/{user}/sequences", get(sequences::peer_frames))
    };
    Routes::new()
        .nest("/{region}/edu/apps/{app_id}", edu())
        .nest("/edu/apps/{app_id}", edu())
        .nest("/{region}/scene/apps/{app_id}", scene())
        .nest("/scene/apps/{app_id}", scene())
}
