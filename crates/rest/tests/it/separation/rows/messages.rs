//! What was sent: conversations, history, pins, deletions, recalls, reports.

use http::Method;

use crate::separation::row::{BACK_END, May, ONESELF, ONESELF_ALONE, OUTSIDER, Outcome, Row, row};

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = conversations();
    rows.extend(deletions());
    rows.extend(pins());
    rows.extend(after_the_fact());
    rows
}

fn conversations() -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let drop = r#"{"channel":"{bob}","type":"chat","delete_roam":true}"#;
    let top = "/sdk/user/{user}/user_channel/top";
    let mark = "/sdk/user/{user}/user_channels/mark";
    let mut rows = Vec::new();
    for path in [
        "/sdk/user/{user}/user_channels/list",
        "/users/{user}/user_channels",
        "/users/{user}/user_channels/page",
        "/user/{user}/user_channels",
    ] {
        rows.push(row(get.clone(), path, ONESELF));
    }
    rows.push(
        row(get, "/sdk/user/{user}/user_channels/mark/search", ONESELF).query("?mark=mark_1"),
    );
    for path in ["/user/{user}/user_channel", "/users/{user}/user_channel"] {
        rows.push(row(delete.clone(), path, ONESELF).json(drop));
        let of_group = r#"{"channel":"{group}","type":"groupchat","delete_roam":true}"#;
        rows.push(row(delete.clone(), path, ONESELF).json(of_group));
    }
    for (to, query) in [
        (r#"{"type":"chat","to":"{bob}"}"#, "?type=chat&to={bob}"),
        (r#"{"type":"groupchat","to":"{group}"}"#, "?type=groupchat&to={group}"),
    ] {
        rows.push(row(post.clone(), top, ONESELF_ALONE).json(to));
        rows.push(row(delete.clone(), top, ONESELF_ALONE).query(query).after(
            "user",
            Method::POST,
            top,
            to,
        ));
    }
    for targets in [
        r#"{"mark":"mark_1","targets":[{"to":"{bob}","type":"chat"}]}"#,
        r#"{"mark":"mark_1","targets":[{"to":"{group}","type":"groupchat"}]}"#,
    ] {
        rows.push(row(post.clone(), mark, ONESELF_ALONE).json(targets));
        rows.push(row(delete.clone(), mark, ONESELF_ALONE).json(targets).after(
            "user",
            Method::POST,
            mark,
            targets,
        ));
    }
    rows
}

fn deletions() -> Vec<Row> {
    let mut rows = Vec::new();
    for door in ["sdk", "rest"] {
        let path = |rest: &str| format!("/{door}/message/roaming/{rest}");
        for (rest, query) in [
            ("chat/user/{user}", "?userId={bob}&msgIdList={note}"),
            ("group/user/{user}", "?groupId={group}&msgIdList={message}"),
            ("chat/user/{user}/time", "?userId={bob}&delTime={now}"),
            ("group/user/{user}/time", "?groupId={group}&delTime={now}"),
        ] {
            rows.push(row(Method::DELETE, &path(rest), ONESELF).query(query));
        }
        rows.push(row(Method::POST, &path("user/{user}/delete/all"), ONESELF));
    }
    rows
}

/// Pins are the users' own: the back end has none.
const PINNING: May = ONESELF_ALONE;

fn pins() -> Vec<Row> {
    let path = "/sdk/user/{user}/user_channel/pin";
    let mut rows = Vec::new();
    for (pin, list) in [
        (r#"{"type":"chat","to":"{bob}","pin_msg_id":"{note}"}"#, "?type=chat&to={bob}"),
        (
            r#"{"type":"groupchat","to":"{group}","pin_msg_id":"{message}"}"#,
            "?type=groupchat&to={group}",
        ),
        (r#"{"type":"chatroom","to":"{room}","pin_msg_id":"{said}"}"#, "?type=chatroom&to={room}"),
    ] {
        rows.push(row(Method::POST, path, PINNING).json(pin));
        rows.push(row(Method::DELETE, path, PINNING).json(pin).after(
            "user",
            Method::POST,
            path,
            pin,
        ));
        rows.push(row(Method::GET, path, PINNING).query(list).after(
            "user",
            Method::POST,
            path,
            pin,
        ));
    }
    rows
}

fn after_the_fact() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let mut rows = vec![
        row(post.clone(), "/users/{user}/messageroaming", ONESELF_ALONE)
            .json(r#"{"queue":"{bob}@easemob.com","start":-1,"pull_number":20}"#),
        row(post.clone(), "/users/{user}/messageroaming", ONESELF_ALONE)
            .json(r#"{"queue":"{group}@conference.easemob.com","start":-1,"pull_number":20}"#)
            .outsider(Outcome::Refused(OUTSIDER)),
        row(
            post.clone(),
            "/user/{user=bob}/moderation/report/message/{message=note}",
            ONESELF_ALONE,
        )
        .by("bob")
        .json(r#"{"reportType":"rude","reportReason":"it is"}"#),
        row(get, "/moderation/reports", BACK_END),
    ];
    for path in ["/messages/msg_recall", "/messages/recall"] {
        for body in [
            r#"{"msg_id":"{note}","to":"{bob}","from":"{user}","chat_type":"chat"}"#,
            r#"{"msg_id":"{message}","to":"{group}","from":"{user}","chat_type":"groupchat"}"#,
            r#"{"msg_id":"{said}","to":"{room}","from":"{user}","chat_type":"chatroom"}"#,
        ] {
            rows.push(row(post.clone(), path, BACK_END).json(body));
        }
    }
    rows
}
