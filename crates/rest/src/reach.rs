//! What a call is about, for callers whose tokens are for a class room: those reach the chat of the class, as
//! [`Chat::must_reach`](stoa_chat::Chat::must_reach) decides. What is not named here is none of it.

use axum::extract::RawPathParams;
use http::Method;
use stoa_chat::class::Wanted;
use stoa_core::{GroupId, MucKind, Target};

/// What belongs to the conversation of a chat room, below `/{org}/{app}/chatrooms/{room}`: who is there, what is announced
/// and kept there, who may speak.
const OF_A_ROOM: &[(&str, &[Method])] = &[
    ("", &[Method::GET]),
    ("/users", &[Method::GET]),
    ("/roles", &[Method::GET]),
    ("/admin", &[Method::GET]),
    ("/apply", &[Method::POST]),
    ("/quit", &[Method::DELETE]),
    ("/announcement", &[Method::GET, Method::POST]),
    ("/mute", &[Method::GET, Method::POST]),
    ("/mute/{user}", &[Method::DELETE]),
    ("/ban", &[Method::POST, Method::DELETE]),
    ("/white/users", &[Method::GET, Method::POST]),
    ("/white/users/{user}", &[Method::GET, Method::POST, Method::DELETE]),
];

/// The same, below `/{org}/{app}/sdk/chatrooms/{room}`.
const OF_A_ROOM_SDK: &[(&str, &[Method])] = &[("/mute/{user}", &[Method::GET])];

/// Calls whose body names a conversation: the operation asks about it.
const NAMED: &[(&str, Method)] = &[("/{org}/{app}/users/{user}/messageroaming", Method::POST)];

/// Calls about nothing but the caller's own token.
const SESSION: &[(&str, Method)] = &[("/{org}/{app}/sdk/users/{user}/token/expires", Method::GET)];

fn is_one(of: &[(&str, &[Method])], method: &Method, rest: &str) -> bool {
    of.iter().any(|(path, methods)| *path == rest && methods.contains(method))
}

/// What the call of `method` at the path `template` with these variables is about.
pub(crate) fn wanted(method: &Method, template: &str, variables: &RawPathParams) -> Wanted {
    let is = |of: &[(&str, Method)]| of.iter().any(|(path, m)| *path == template && m == method);
    if is(NAMED) {
        return Wanted::Named;
    }
    if is(SESSION) {
        return Wanted::Session;
    }
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name);
    let room = |name: &str| {
        let (_, text) = variable(name)?;
        GroupId::parse(MucKind::Room, text).ok().map(Target::Group)
    };
    let Some(target) = room("room").or_else(|| room("group")) else { return Wanted::Other };
    let below = |prefix: &str| template.strip_prefix(prefix);
    let of_a_room = below("/{org}/{app}/chatrooms/{room}")
        .is_some_and(|rest| is_one(OF_A_ROOM, method, rest))
        // Attributes are kept by those who are in the room.
        || below("/{org}/{app}/metadata/chatroom/{room}").is_some()
        || below("/{org}/{app}/sdk/chatrooms/{room}")
            .is_some_and(|rest| is_one(OF_A_ROOM_SDK, method, rest));
    // A group is nothing of a class, whatever its id.
    match of_a_room {
        true => Wanted::Conversation(target),
        false => Wanted::Administration(target),
    }
}
