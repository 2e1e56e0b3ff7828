//! Contacts and block lists (chat-rest sections 2.4 and 2.5; msync section 9.4).

mod blocks;
mod lists;
mod ties;

use axum::routing::{delete, get, post};
use serde_json::{Value, json};
use stoa_core::{Caller, UserId};

use crate::Shared;
use crate::error::Failure;
use crate::json::Object;
use crate::reply::user_entity;
use crate::routes::Routes;

/// The routes of contacts and block lists.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/users/{user}/contacts", get(lists::page))
        .route("/user/{user}/contacts", get(lists::page))
        .route("/users/{user}/contacts/users", get(lists::all))
        .route("/users/{user}/rosters", get(lists::all))
        .route("/users/{user}/contacts/apply", post(ties::invite))
        .route("/users/{user}/contacts/accept/users/{friend}", post(ties::accept))
        .route("/users/{user}/contacts/decline/users/{friend}", post(ties::decline))
        .route(
            "/users/{user}/contacts/users/{friend}",
            post(ties::add).delete(ties::remove).put(ties::remark),
        )
        .route("/users/{user}/blocks/users", get(blocks::list).post(blocks::block))
        .route("/users/{user}/blocks/users/{friend}", delete(blocks::unblock_one))
        .route("/sdk/user/{user}/blocks", post(blocks::block).delete(blocks::unblock))
}

/// The other user that the path names by name or uuid. Whether it exists is found out by who acts.
///
/// # Errors
/// 404 for what names nobody.
async fn friend(rest: &Shared, caller: &Caller, named: &str) -> Result<UserId, Failure> {
    match named.parse() {
        Ok(name) => Ok(name),
        Err(_) => Ok(rest.chat.user_named(caller, named).await?),
    }
}

/// The users that the body's `usernames` names.
///
/// # Errors
/// 400 for none, too many, and names that nobody can have.
fn usernames(body: &mut Object, most: usize) -> Result<Vec<UserId>, Failure> {
    let names = body.texts("usernames", 1..=most)?;
    let user = |(at, name): (usize, String)| {
        let user = name.parse::<UserId>();
        user.map_err(|error| body.refuse(&format!("usernames[{at}]"), error))
    };
    names.into_iter().enumerate().map(user).collect()
}

/// `user` as an entity: whole for the app's back end, by name alone for another user.
async fn entity(rest: &Shared, caller: &Caller, user: &UserId) -> Value {
    match rest.chat.user(caller, user).await {
        Ok(user) => user_entity(&user),
        Err(_) => json!({ "type": "user", "username": user.as_str() }),
    }
}
