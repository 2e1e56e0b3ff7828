//! Contacts and who is blocked.

use http::Method;

use crate::separation::row::{BACK_END, ONESELF, Row, row};

const BOB: &str = r#"{"usernames":["{bob}"]}"#;

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    vec![
        row(get.clone(), "/users/{user}/contacts", ONESELF),
        row(get.clone(), "/user/{user}/contacts", ONESELF),
        row(get.clone(), "/users/{user}/contacts/users", ONESELF).query("?needReturnRemark=true"),
        row(get.clone(), "/users/{user}/rosters", ONESELF),
        row(post.clone(), "/users/{user}/contacts/apply", ONESELF)
            .json(r#"{"usernames":["{carl}"],"reason":"hello"}"#),
        row(post.clone(), "/users/{user}/contacts/accept/users/{friend=ivan}", ONESELF),
        row(post.clone(), "/users/{user}/contacts/decline/users/{friend=ivan}", ONESELF),
        row(post.clone(), "/users/{user}/contacts/users/{friend=carl}", BACK_END),
        row(delete.clone(), "/users/{user}/contacts/users/{friend=bob}", ONESELF),
        row(put, "/users/{user}/contacts/users/{friend=bob}", ONESELF)
            .json(r#"{"remark":"a friend"}"#),
        row(get, "/users/{user}/blocks/users", ONESELF),
        row(post.clone(), "/users/{user}/blocks/users", ONESELF).json(BOB),
        row(delete.clone(), "/users/{user}/blocks/users/{friend=gus}", ONESELF),
        row(post, "/sdk/user/{user}/blocks", ONESELF).json(BOB),
        row(delete, "/sdk/user/{user}/blocks", ONESELF).json(r#"{"usernames":["{gus}"]}"#),
    ]
}
