//! The classes of the demo: one is made, and whoever comes into it gets a token.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stoa_classroom::Error;
use stoa_classroom::room::{CheckIn, Crosses, NewRoom, Times};
use stoa_classroom::tree::Tree;
use stoa_core::{
    App, ClassRole, ClassScope, Entropy, RoomType, RoomUuid, Secret, UserUuid, issue_room_token,
};

use super::api::{Api, Refusal, TOKEN, no_store};
use super::random_text;

/// Who makes the class, and runs it.
const TEACHER: (&str, &str) = ("teacher", "Tina");
/// How long a class of the demo lasts.
const CLASS_S: u32 = 45 * 60;
/// Letters of a room's name, of 5 random bits each.
const NAME: usize = 20;

const NOT_A_ROOM_TYPE: Refusal =
    Refusal(StatusCode::BAD_REQUEST, "room_type", "roomType must be 0, 2, 4 or 10");
const NOT_A_ROLE: Refusal =
    Refusal(StatusCode::BAD_REQUEST, "role", "role must be 0, 1, 2, 3 or 4");

const NOT_A_NAME: Refusal = Refusal(
    StatusCode::BAD_REQUEST,
    "name",
    "roomUuid and userUuid must have 1 to 63 of the characters that names in classes have",
);

fn not_a_name<E>(_: E) -> Refusal {
    NOT_A_NAME
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    room_type: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    app_id: String,
    room_uuid: String,
    room_name: &'static str,
    room_type: u32,
}

/// `POST /demo/classes`: makes a class.
pub(super) async fn make(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Json(Wanted { room_type }): Json<Wanted>,
) -> Result<Response, Refusal> {
    let app = api.admitted(&headers)?;
    let kind = RoomType::of_number(room_type).filter(|kind| *kind != RoomType::Group);
    let kind = kind.ok_or(NOT_A_ROOM_TYPE)?;
    let room = room_name(&*api.entropy);
    let teacher: UserUuid = TEACHER.0.parse().expect("a constant that is a user's name");
    let token = token(&api, &app, (&room, &teacher, ClassRole::Teacher));
    let classroom = &api.classroom;
    let caller = classroom.authenticate(&app, Some(token.expose()), Some(&teacher));
    let who = CheckIn {
        name: TEACHER.1.into(),
        role: ClassRole::Teacher,
        flex: Tree::new(),
        video_source: 0,
        audio_source: 0,
    };
    let new = new_class(kind);
    let name = TITLE;
    let caller = caller.map_err(|error| refused(&error))?;
    let made = classroom.check_in(&caller, &room, &teacher, who, Some(new)).await;
    made.map_err(|error| refused(&error))?;
    let made = Made {
        app_id: app.id.to_string(),
        room_uuid: room.as_str().into(),
        room_name: name,
        room_type: kind.number(),
    };
    Ok((no_store(), Json(made)).into_response())
}

/// What a class of the demo is called.
const TITLE: &str = "Demo class";

fn new_class(kind: RoomType) -> NewRoom {
    NewRoom {
        name: TITLE.into(),
        kind,
        times: Times { start: None, duration_s: Some(CLASS_S), close_delay_s: None },
        roles: BTreeMap::new(),
        flex: Tree::new(),
        widgets: Tree::new(),
        max_accept: None,
        accepts_at_entry: false,
        crosses: Crosses::default(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comer {
    room_uuid: String,
    user_uuid: String,
    role: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    app_id: String,
    token: String,
    expires_in_s: u64,
}

/// `POST /demo/class-tokens`: a token for somebody who comes into a class, or is in it and needs another one.
pub(super) async fn ticket(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Json(Comer { room_uuid, user_uuid, role }): Json<Comer>,
) -> Result<Response, Refusal> {
    let app = api.admitted(&headers)?;
    let role = ClassRole::of_number(role).ok_or(NOT_A_ROLE)?;
    let (room, user) =
        (room_uuid.parse().map_err(not_a_name)?, user_uuid.parse().map_err(not_a_name)?);
    let token = token(&api, &app, (&room, &user, role));
    let ticket = Ticket {
        app_id: app.id.to_string(),
        token: token.expose().into(),
        expires_in_s: TOKEN.as_secs(),
    };
    Ok((no_store(), Json(ticket)).into_response())
}

fn token(
    api: &Api,
    app: &Arc<App>,
    (room, user, role): (&RoomUuid, &UserUuid, ClassRole),
) -> Secret {
    let seconds = u32::try_from(TOKEN.as_secs()).unwrap_or(u32::MAX);
    let class = ClassScope { room: room.clone(), user: user.clone(), role };
    issue_room_token(app, &class, app.next_issue(api.clock.now()), seconds, &*api.entropy)
}

/// A name that nobody else's class has.
fn room_name(entropy: &dyn Entropy) -> RoomUuid {
    let name: String = random_text(entropy).chars().take(NAME).collect();
    format!("demo-{name}").parse().expect("letters, digits and a hyphen")
}

fn refused(error: &Error) -> Refusal {
    if let Error::Refused(_) | Error::Token(_) = error {
        return Refusal(StatusCode::CONFLICT, "refused", "the demo's app does not allow it");
    }
    tracing::error!(error = error as &dyn std::error::Error, "the demo's class was not made");
    Refusal(StatusCode::SERVICE_UNAVAILABLE, "failed", "the server could not do it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn names_of_rooms_are_random_and_valid() {
        let entropy = SeededEntropy::new(1);
        let (a, b) = (room_name(&entropy), room_name(&entropy));
        assert!(a != b && a.as_str().len() == 25, "{a:?} {b:?}");
    }
}
