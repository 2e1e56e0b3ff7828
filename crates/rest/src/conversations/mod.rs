//! A user's conversations (msync section 9.11, chat-rest R060 and R061).

mod list;
mod settings;

use axum::routing::{delete, get, post};
use stoa_core::{GroupId, MucKind, Resource, Target};

use crate::error::Failure;
use crate::query::Query;
use crate::routes::Routes;

pub(crate) use list::number as list_number;

/// The routes of this subject.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/sdk/user/{user}/user_channels/list", get(list::all))
        .route("/sdk/user/{user}/user_channels/mark/search", get(list::marked))
        .route("/users/{user}/user_channels", get(list::old))
        .route("/users/{user}/user_channels/page", get(list::old))
        .route("/user/{user}/user_channels", get(list::old))
        .route("/user/{user}/user_channel", delete(settings::delete))
        .route("/users/{user}/user_channel", delete(settings::delete))
        .route("/sdk/user/{user}/user_channel/top", post(settings::pin).delete(settings::unpin))
        .route("/sdk/user/{user}/user_channels/mark", post(settings::mark).delete(settings::unmark))
}

/// The device on which a call was made: not told of what it did itself.
pub(crate) fn device(query: &Query) -> Result<Resource, Failure> {
    Ok(query.acting()?.unwrap_or_else(Resource::none))
}

/// The conversation that `kind` and `name` stand for. The SDK writes the kind in two ways.
pub(crate) fn target(
    (kind_field, kind): (&str, &str),
    (name_field, name): (&str, &str),
) -> Result<Target, Failure> {
    let target = match kind {
        "chat" => name.parse().map(Target::User).map_err(|error| error.to_string()),
        "groupchat" | "groupChat" => {
            name.parse().map(Target::Group).map_err(|error| error.to_string())
        }
        _ => {
            return Err(Failure::argument(format!("{kind_field}: must be chat or groupchat")));
        }
    };
    target.map_err(|error| Failure::argument(format!("{name_field}: {error}")))
}

/// As [`target`], or a chat room: where messages can lie.
pub(crate) fn place(
    (kind_field, kind): (&str, &str),
    (name_field, name): (&str, &str),
) -> Result<Target, Failure> {
    match kind {
        "chatroom" | "chatRoom" => {
            let room = GroupId::parse(MucKind::Room, name).map(Target::Group);
            room.map_err(|error| Failure::argument(format!("{name_field}: {error}")))
        }
        "chat" | "groupchat" | "groupChat" => target((kind_field, kind), (name_field, name)),
        _ => {
            let allowed = "must be chat, groupchat or chatroom";
            Err(Failure::argument(format!("{kind_field}: {allowed}")))
        }
    }
}

/// What the SDK calls the kind of a conversation in answers.
pub(crate) const fn kind_of(target: &Target) -> &'static str {
    match target {
        Target::User(_) => "chat",
        Target::Group(group) if group.is_room() => "chatroom",
        Target::Group(_) => "groupchat",
    }
}
