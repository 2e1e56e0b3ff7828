//! Registration.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_audit::Act;
use stoa_chat::{Error, NewUser, Registered};
use stoa_core::{Refusal, Secret, UserId, limits};

use crate::Rest;
use crate::audit::By;
use crate::auth::Door;
use crate::body::JsonBody;
use crate::error::Failure;
use crate::json::{Json, Object};
use crate::reply::{Full, Outcome};

/// `POST /{org}/{app}/users`: R006 register one (an object), R007 register up to 60 (a list; those
/// that exist already are named in `data`, the others are made).
///
/// Fields: `username` (1 to 64 characters of `a-z 0-9 _ - .`), `password` (1 to 64 bytes) and
/// `nickname` (up to 100 characters), the last two optional with an app token. Without a token only
/// where the app is open, one at a time, and with a password.
///
/// Errors: 400 `duplicate_unique_property_exists` (R006), 400 by field, 401, 429.
pub(crate) async fn register(
    State(rest): State<Rest>,
    door: Door,
    body: Result<JsonBody, Failure>,
) -> Outcome {
    if !door.has_token() {
        return register_openly(&rest, &door, body).await;
    }
    let caller = door.caller(&rest).await?;
    if !caller.is_app() {
        rest.refused_call(door.by(&caller), "app_token_needed");
        return Err(Failure::of(Refusal::Unauthorized));
    }
    let JsonBody(body) = body?;
    let reply = Full::of(&caller);
    let Json::List(entries) = body else {
        let user = read_new_user(body.into_object("")?)?;
        let username = user.username.clone();
        let registered = rest.chat.register(&caller, vec![user]).await;
        let registered = written(&rest, door.by(&caller), registered).await?;
        if registered.created.is_empty() {
            return Err(taken(&username));
        }
        return Ok(reply.users(&registered.created).into());
    };
    if entries.is_empty() || entries.len() > limits::REGISTER_BATCH {
        let (got, most) = (entries.len(), limits::REGISTER_BATCH);
        return Err(Failure::argument(format!("the list must have 1 to {most} users, not {got}")));
    }
    let entries = entries.into_iter().enumerate();
    let users = entries.map(|(at, json)| read_new_user(json.into_object(&format!("[{at}]"))?));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let registered = rest.chat.register(&caller, users).await;
    let registered = written(&rest, door.by(&caller), registered).await?;
    let failed = registered.taken.iter().map(|username| {
        let name = username.as_str();
        json!({ "username": name, "registerUserFailReason": format!("the {name} already exists") })
    });
    let failed = Value::Array(failed.collect());
    Ok(reply.users(&registered.created).data(failed).into())
}

/// Writes down whom a back end registered and whom it could not.
async fn written(
    rest: &Rest,
    by: By<'_>,
    outcome: Result<Registered, Error>,
) -> Result<Registered, Failure> {
    let act = Act::UserCreated;
    let registered = match outcome {
        Ok(registered) => registered,
        Err(error) => return rest.acted(by, act, None, Err(error)).await,
    };
    for user in &registered.created {
        rest.acted(by, act, Some(&user.username), Ok(())).await?;
    }
    for name in &registered.taken {
        // What is to be answered of it is the caller's.
        let _ = rest.acted(by, act, Some(name), Err::<(), _>(Error::NameTaken)).await;
    }
    Ok(registered)
}

async fn register_openly(rest: &Rest, door: &Door, body: Result<JsonBody, Failure>) -> Outcome {
    // A stranger's body is of no interest where strangers cannot register.
    if !door.app().auth.allows_open_registration() {
        door.refuse(rest, Act::RegistrationRefused, "closed", None);
        return Err(Failure::of(Refusal::RegistrationClosed));
    }
    let visitor = door.visitor(rest)?;
    let JsonBody(body) = body?;
    let user = read_new_user(body.into_object("")?)?;
    let username = user.username.clone();
    door.registers(rest)?;
    match rest.chat.register_openly(&visitor, user).await {
        Ok(user) => {
            rest.registered_openly(&visitor, &user.username, door.from());
            Ok(Full::of(&visitor).users([&user]).into())
        }
        Err(Error::NameTaken) => Err(taken(&username)),
        Err(error) => Err(error.into()),
    }
}

/// Reads one user. Lengths are checked for the whole list before the first of it is made.
pub(crate) fn read_new_user(mut fields: Object) -> Result<NewUser, Failure> {
    if !fields.has("username") {
        let text = "is required: Entity user requires a property named username.";
        return Err(fields.refuse("username", text));
    }
    let name = fields.text("username")?;
    let username = name.parse::<UserId>().map_err(|error| {
        let shown: String = name.chars().take(UserId::MAX).collect();
        fields.refuse("username", format_args!("'{shown}' is not legal: {error}"))
    })?;
    let password = fields.optional_text("password")?.map(Secret::new);
    let most = limits::PASSWORD_BYTES;
    if password.as_ref().is_some_and(|p| p.expose().is_empty() || p.expose().len() > most) {
        return Err(
            fields.refuse("password", format_args!("must be a string of 1 to {most} bytes"))
        );
    }
    let nickname = fields.optional_text("nickname")?;
    let most = limits::NICKNAME_CHARS;
    if nickname.as_ref().is_some_and(|nickname| nickname.chars().count() > most) {
        return Err(fields.refuse("nickname", format_args!("must have at most {most} characters")));
    }
    Ok(NewUser { username, password, nickname })
}

/// The vendor's words; the SDK looks for `username be unique`.
fn taken(username: &UserId) -> Failure {
    Failure::of(Refusal::NameTaken).saying(format!(
        "Application null Entity user requires that property named username be unique, \
         value of {} exists.",
        username.as_str()
    ))
}
