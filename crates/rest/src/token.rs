//! Tokens that Stoa issues, and how long one lives (chat-rest section 2.1; msync section 9.1).

use axum::extract::State;
use serde_json::{Value, json};
use stoa_audit::Act;
use stoa_chat::{ClientCredentials, Error, Grant, IssuedToken};
use stoa_core::{Refusal, Secret, UserId};

use crate::auth::{AnyCaller, AppCaller, Door};
use crate::body::JsonObject;
use crate::envelope::object;
use crate::error::Failure;
use crate::path::{DevicePath, UserPath};
use crate::reply::{Full, Outcome, Reply, user_entity};
use crate::{Rest, users};

/// `POST /{org}/{app}/token`: R001 client credentials, R002 password, R003 `inherit`.
///
/// Body: `grant_type`, `ttl` in seconds (cut to the app's longest life; 0 or none stands for that),
/// and by grant `username` and `password`; `client_id` and `client_secret`; or, with an app token,
/// `username` and `autoCreateUser`.
///
/// Errors: 400 `invalid_grant` for a wrong proof or an app that takes no such grant, 400 by field, 401
/// for `inherit` without an app token, 403 for a deactivated user, 404 for an unknown one, 409 when
/// the user is being created by another call, 429.
pub(crate) async fn grant(
    State(rest): State<Rest>,
    door: Door,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let kind = body.text("grant_type")?;
    let ttl_s = body.optional_whole("ttl", "seconds", 0..=u64::MAX)?;
    let proof = match kind.as_str() {
        "password" => Grant::Password {
            username: body.text("username")?,
            password: Secret::new(body.text("password")?),
        },
        "client_credentials" => Grant::ClientCredentials(ClientCredentials {
            client_id: body.text("client_id")?,
            client_secret: Secret::new(body.text("client_secret")?),
        }),
        "inherit" => {
            let caller = door.caller(&rest).await?;
            let username = body.text("username")?;
            let username: UserId =
                username.parse().map_err(|error| body.refuse("username", error))?;
            let create = body.flag("autoCreateUser")?;
            let token = rest.chat.grant_for(&caller, &username, create, ttl_s).await;
            let by = door.by(&caller);
            let token = rest.acted(by, Act::TokenIssued, Some(&username), token).await?;
            return Ok(issued(&token, None));
        }
        _ => {
            return Err(
                body.refuse("grant_type", "must be password, client_credentials or inherit")
            );
        }
    };
    let visitor = door.visitor(&rest)?;
    let claimed = match &proof {
        Grant::Password { username, .. } => Some(username.parse::<UserId>().ok()),
        Grant::ClientCredentials(_) => None,
    };
    match rest.chat.grant_from(&visitor, door.place(), proof, ttl_s).await {
        Ok(token) => {
            if claimed.is_none() {
                rest.issued_to_back_end(&visitor, door.from());
            }
            Ok(issued(&token, Some(door.app().uuid.to_string())))
        }
        Err(error) => {
            if !error.is_fault() {
                let reason = match claimed {
                    None if matches!(error, Error::InvalidGrant(_)) => "client_credentials",
                    _ => error.class(),
                };
                let user = claimed.flatten();
                door.refuse(&rest, Act::PasswordRefused, reason, user.as_ref());
            }
            let failure = Failure::from(error);
            if failure.refusal() == Refusal::InvalidGrant {
                door.proof_failed(&rest);
            }
            Err(failure)
        }
    }
}

/// A token as the vendor writes it: for a user with the user, for an app with the app's uuid.
fn issued(issued: &IssuedToken, application: Option<String>) -> Reply {
    let mut answer = object([
        ("access_token", issued.token.expose().into()),
        ("expires_in", issued.expires_in_s.into()),
    ]);
    match &issued.user {
        Some(user) => answer.insert("user".into(), user_entity(user)),
        None => answer.insert("application".into(), application.map_or(Value::Null, Value::from)),
    };
    Reply::Bare(answer)
}

/// `GET /{org}/{app}/sdk/users/{user}/token/expires`: when the caller's own token ends, in
/// milliseconds since 1970. The SDK asks with a new token in order to renew: sessions of the user
/// that are open live until then.
///
/// Errors: 401 for an app token or another user's.
pub(crate) async fn expires(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(named): UserPath,
) -> Outcome {
    let user = users::named(&rest, &caller, &named).await?;
    let until = rest.chat.renew(&caller, &user).await?;
    Ok(Reply::Bare(object([("expire_timestamp", until.as_millis().into())])))
}

/// `POST /{org}/{app}/token/users/{user}/invalid`: R005. Revokes the tokens of a user that were made up to now,
/// and ends the sessions.
///
/// Errors: 404.
pub(crate) async fn invalidate_of_user(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(named): UserPath,
) -> Outcome {
    let user = rest.object(&caller, Act::UserRevoked, &named).await?;
    let revoked = rest.chat.revoke_user(&caller, &user).await;
    rest.acted(caller.by(), Act::UserRevoked, Some(&user), revoked).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true })).into())
}

/// `POST /{org}/{app}/token/users/{user}/devices/{resource}/invalid` (an addition of Stoa's own): revokes one
/// device. Its sessions end, the tokens that let them in open nothing any more, and no token made up to now lets
/// the device in again. Answers how many tokens those were.
///
/// Errors: 400 for a resource that is none, 404.
pub(crate) async fn invalidate_of_device(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(named): UserPath,
    DevicePath(device): DevicePath,
) -> Outcome {
    let user = rest.object(&caller, Act::DeviceRevoked, &named).await?;
    let tokens = rest.chat.revoke_device(&caller, &user, &device).await;
    let tokens = rest.acted(caller.by(), Act::DeviceRevoked, Some(&user), tokens).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true, "tokens": tokens })).into())
}

/// `POST /{org}/{app}/token/invalid` (an addition of Stoa's own): revokes the one token in the body's `token`.
///
/// Errors: 400 for what is no good token of this app.
pub(crate) async fn invalidate(
    State(rest): State<Rest>,
    caller: AppCaller,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let token = Secret::new(body.text("token")?);
    let revoked = rest.chat.revoke_token(&caller, token.expose()).await;
    // Whom it names, if it names somebody by name.
    let user = revoked.as_ref().ok().and_then(|named| named.as_ref()?.parse().ok());
    rest.acted(caller.by(), Act::TokenRevoked, user.as_ref(), revoked).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true })).into())
}
