//! Chat rooms, and what back ends say in them.

use http::Method;

use super::groups::common;
use crate::separation::row::{
    BACK_END, EVERYBODY, NOT_THERE, ONESELF, Outcome, Row, UNAUTHORIZED, members, members_alone,
    row,
};

/// Everybody may come into a room of the app.
const COMING_IN: &str = "a room of the app is there for all its users to come into";

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_rooms();
    rows.extend(attributes());
    rows.extend(common("/chatrooms/{room}", NOT_THERE));
    rows
}

fn of_rooms() -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let admins = "/chatrooms/super_admin";
    let alice = r#"{"superadmin":"{user}"}"#;
    vec![
        row(get.clone(), "/chatrooms", EVERYBODY),
        row(post.clone(), "/chatrooms", members(UNAUTHORIZED))
            .json(r#"{"owner":"{user}","name":"new","members":["{bob}"]}"#)
            .after("app", Method::POST, admins, alice),
        row(get.clone(), "/users/{user}/joined_chatrooms", ONESELF),
        row(get, admins, BACK_END),
        row(post.clone(), admins, BACK_END).json(alice),
        row(delete.clone(), "/chatrooms/super_admin/{user}", BACK_END).after(
            "app",
            Method::POST,
            admins,
            alice,
        ),
        row(post.clone(), "/chatrooms/{room}/apply", ONESELF_OF_A_ROOM).by("carl").open(COMING_IN),
        row(delete, "/chatrooms/{room}/quit", members_alone(NOT_THERE)).by("bob"),
        row(post.clone(), "/messages/chatrooms", BACK_END)
            .json(r#"{"from":"{user}","to":["{room}"],"type":"txt","body":{"msg":"to all"}}"#),
        row(post, "/messages/chatrooms/broadcast", BACK_END)
            .json(r#"{"from":"{user}","msg":{"type":"txt","msg":"to all"}}"#),
    ]
}

/// Each user of the app, for itself.
const ONESELF_OF_A_ROOM: crate::separation::row::May =
    crate::separation::row::May { back_end: members_alone(UNAUTHORIZED).back_end, ..EVERYBODY };

fn attributes() -> Vec<Row> {
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let own = "/metadata/chatroom/{room}/user/{user}";
    let forced = "/metadata/chatroom/{room}/user/{user}/forced";
    let (set, keys) = (r#"{"metaData":{"topic":"other"}}"#, r#"{"keys":["topic"]}"#);
    let mut rows = vec![row(post, "/metadata/chatroom/{room}", members(NOT_THERE)).json(keys)];
    let out = Outcome::Refused(NOT_THERE);
    for path in [own, forced] {
        rows.push(row(put.clone(), path, members(UNAUTHORIZED)).json(set).outsider(out));
        rows.push(row(delete.clone(), path, members(UNAUTHORIZED)).json(keys).outsider(out));
    }
    rows
}
