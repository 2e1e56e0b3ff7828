//! Tokens, users, their attributes and their presence.

use http::Method;

use crate::separation::row::{
    ANYBODY, BACK_END, EVERYBODY, ONESELF, ONESELF_ALONE, Refused, Row, row, whole,
};

/// Strangers are told that they cannot register, in this app.
const NOT_OPEN: Refused = (401, "Registration is not open, please contact the app admin.");

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = tokens();
    rows.extend(accounts());
    rows.extend(attributes());
    rows.extend(presence());
    rows
}

fn tokens() -> Vec<Row> {
    let (post, get) = (Method::POST, Method::GET);
    vec![
        whole(get.clone(), "/healthz", ANYBODY),
        whole(get.clone(), "/easemob/server.json", ANYBODY).query("?app_key={org}%23{app}"),
        row(post.clone(), "/token", ANYBODY)
            .json(r#"{"grant_type":"password","username":"{user}","password":"secret"}"#)
            .with_password(),
        row(post.clone(), "/token", ANYBODY).json(
            r#"{"grant_type":"client_credentials","client_id":"{client}","client_secret":"{certificate}"}"#,
        ),
        row(post.clone(), "/token", BACK_END).json(r#"{"grant_type":"inherit","username":"{bob}"}"#),
        row(post.clone(), "/token/invalid", BACK_END).json(r#"{"token":"{token}"}"#),
        row(post.clone(), "/token/users/{user}/invalid", BACK_END),
        row(post, "/token/users/{user}/devices/{resource=device}/invalid", BACK_END),
        row(get, "/sdk/users/{user}/token/expires", ONESELF_ALONE),
    ]
}

fn accounts() -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    vec![
        row(get.clone(), "/users", BACK_END),
        row(post.clone(), "/users", BACK_END).json(r#"{"username":"{fresh}"}"#).stranger(NOT_OPEN),
        row(post.clone(), "/users", BACK_END)
            .json(r#"[{"username":"{fresh}"}]"#)
            .stranger(NOT_OPEN),
        row(get.clone(), "/users/{user}", ONESELF),
        row(put.clone(), "/users/{user}", ONESELF).json(r#"{"nickname":"Al"}"#),
        row(delete.clone(), "/users/{user}", BACK_END),
        row(put, "/users/{user}/password", BACK_END).json(r#"{"newpassword":"another"}"#),
        row(post.clone(), "/users/{user}/deactivate", BACK_END),
        row(post.clone(), "/users/{user}/activate", BACK_END),
        row(get.clone(), "/users/{user}/disconnect", BACK_END),
        row(post.clone(), "/users/{user}/disconnect", BACK_END),
        row(delete, "/users/{user}/disconnect/{resource=device}", BACK_END),
        row(get.clone(), "/users/{user}/resources", ONESELF),
        row(get, "/users/{user}/status", ONESELF),
        row(post, "/users/{user=batch}/status", BACK_END).json(r#"{"usernames":["{user}"]}"#),
    ]
}

fn attributes() -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    vec![
        row(post, "/metadata/user/get", EVERYBODY).json(r#"{"targets":["{user}"]}"#),
        row(get.clone(), "/metadata/user/capacity", BACK_END),
        row(get, "/metadata/user/{user}", EVERYBODY),
        row(put, "/metadata/user/{user}", ONESELF).json(r#"{"nickname":"Al"}"#),
        row(delete, "/metadata/user/{user}", ONESELF),
    ]
}

fn presence() -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    vec![
        row(post.clone(), "/users/{user}/presence", ONESELF).json(r#"{"usernames":["{bob}"]}"#),
        row(delete, "/users/{user}/presence", ONESELF).json(r#"["{bob}"]"#),
        row(get, "/users/{user}/presence/sublist", ONESELF).query("?pageNum=1&pageSize=10"),
        row(post.clone(), "/users/{user}/presence/{expiry=seconds}", ONESELF)
            .json(r#"{"usernames":["{carl}"]}"#),
        row(post, "/users/{user}/presence/{resource=device}/{status=one}", ONESELF)
            .json(r#"{"ext":"busy"}"#),
    ]
}
