//! Attributes of a group's members: R086 to R088, under the address of back ends and that of the SDK.

use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Map, Value};
use stoa_chat::Attributes;
use stoa_core::{Refusal, limits};

use super::{GroupPath, more};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::{Json, Object};
use crate::path::UserPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes.
pub(crate) fn routes() -> Routes {
    let at = |prefix: &str| {
        Routes::new()
            .route(
                &format!("{prefix}/metadata/chatgroup/{{group}}/user/{{user}}"),
                get(read).put(set),
            )
            .route(&format!("{prefix}/metadata/chatgroup/{{group}}/get"), post(read_many))
    };
    at("").merge(at("/sdk"))
}

/// Attributes as an object.
pub(crate) fn object(attributes: &Attributes) -> Value {
    let pair = |(key, value): (&String, &String)| (key.clone(), Value::from(value.as_str()));
    Value::Object(attributes.iter().map(pair).collect())
}

/// The texts in the body's object `metaData`.
pub(crate) fn meta_data(body: &mut Object) -> Result<Attributes, Failure> {
    let Some(Json::Object(fields)) = body.any("metaData") else {
        return Err(body.refuse("metaData", "is required and must be an object"));
    };
    let text = |(key, value)| match value {
        Json::Text(text) => Ok((key, text)),
        _ => Err(body.refuse("metaData", "must have strings as values")),
    };
    fields.into_iter().map(text).collect()
}

/// `PUT /{org}/{app}/metadata/chatgroup/{group}/user/{user}?resource`: R086, body `metaData` (keys of up
/// to 16 characters of `A-Z a-z 0-9 _`, values of up to 512 bytes, 4 KB in all; an empty value removes
/// its key). The member may, owner and administrators too.
///
/// Errors: 400 by field, 403, 404.
async fn set(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = more::name("username", &user)?;
    let changes = meta_data(&mut body)?;
    let data = object(&changes);
    rest.chat.set_member_attributes(&caller, device.as_ref(), &group, &user, changes).await?;
    Ok(Full::of(&*caller).data(data).into())
}

/// `GET /{org}/{app}/metadata/chatgroup/{group}/user/{user}`: R087.
///
/// Errors: 403, 404.
async fn read(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
) -> Outcome {
    let user = more::name("username", &user)?;
    let users = std::slice::from_ref(&user);
    let found = rest.chat.member_attributes(&caller, &group, users, &[]).await?;
    let attributes = found.get(&user).ok_or(Failure::of(Refusal::NotInGroup))?;
    Ok(Full::of(&*caller).data(object(attributes)).into())
}

/// `POST /{org}/{app}/metadata/chatgroup/{group}/get`: R088, body `targets` (1 to 10 users) and
/// `properties` (keys; all if none is named). Who is no member has no entry.
///
/// Errors: 400 by field, 403, 404.
async fn read_many(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let targets = body.texts("targets", 1..=limits::MEMBER_ATTRIBUTES_BATCH)?;
    let users = targets.iter().map(|text| more::name("targets", text));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let keys = match body.has("properties") {
        true => body.texts("properties", 0..=limits::MEMBER_ATTRIBUTES_BYTES)?,
        false => Vec::new(),
    };
    let found = rest.chat.member_attributes(&caller, &group, &users, &keys).await?;
    let found: Map<String, Value> =
        found.iter().map(|(user, values)| (user.as_str().to_owned(), object(values))).collect();
    Ok(Full::of(&*caller).data(found.into()).into())
}
