//! User attributes (chat-rest section 2.6; msync section 9.3).
//!
//! They come as a form. The SDK percent-encodes it where it sets several at once, and does not where it
//! sets one, so that `&`, `=` and `+` of a value arrive as they are: [`read_form`] tells which it is.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request, State};
use axum::routing::{get, post};
use serde_json::{Value, json};
use stoa_chat::Attributes;
use stoa_core::{Refusal, UserId, limits};

use crate::Rest;
use crate::auth::{AnyCaller, AppCaller};
use crate::body::{JsonObject, is_json, is_of_type, read};
use crate::error::Failure;
use crate::json::Json;
use crate::path::UserPath;
use crate::reply::{Outcome, Reply};
use crate::routes::Routes;
use crate::users::named;

/// The routes of user attributes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/metadata/user/get", post(get_many))
        .route("/metadata/user/capacity", get(capacity))
        .route("/metadata/user/{user}", get(one).put(set).delete(delete))
}

/// What a body says: JSON, or a form that is yet to be read.
pub(crate) enum Given {
    Json(Json),
    Form(Vec<u8>),
}

impl FromRequest<Rest> for Given {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Rest) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let json = is_json(&parts.headers);
        if !json && !is_of_type(&parts.headers, "application/x-www-form-urlencoded") {
            return Err(Failure::of(Refusal::MediaType).saying(
                "Unsupported Media Type. The body must be application/x-www-form-urlencoded or \
                 application/json.",
            ));
        }
        let bytes = read(body).await?;
        if json { Json::parse(&bytes).map(Self::Json) } else { Ok(Self::Form(bytes.to_vec())) }
    }
}

/// Reads the attributes of a JSON object: strings, numbers and truth values.
fn read_json(json: Json) -> Result<Attributes, Failure> {
    let Json::Object(fields) = json else {
        return Err(Failure::argument("the body must be an object of keys and values"));
    };
    let text = |(key, json): (String, Json)| match json {
        Json::Text(text) => Ok((key, text)),
        Json::Whole(number) => Ok((key, number.to_string())),
        Json::Number(number) => Ok((key, number.to_string())),
        Json::Bool(value) => Ok((key, value.to_string())),
        Json::Null | Json::List(_) | Json::Object(_) => {
            let key: String = key.chars().take(64).collect();
            Err(Failure::argument(format!("{key}: must be a string")))
        }
    };
    fields.into_iter().map(text).collect()
}

/// Whether neither `encodeURIComponent` nor a form's encoding would have left this byte.
const fn is_raw(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric()
        && !matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'%'
                | b'&'
                | b'='
                | b'+'
        )
}

/// Reads the attributes of a form. Of a user (`sdk`) a body with bytes that no encoding leaves is one
/// key and its value as it is, and `+` is itself; of a back end `+` is a blank, as forms have it.
///
/// # Errors
/// 400 for what is not UTF-8, and for a part without `=`.
pub(crate) fn read_form(form: &[u8], sdk: bool) -> Result<Attributes, Failure> {
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| Failure::argument("attributes: must be UTF-8"))
    };
    let split = |part: &[u8]| {
        let at = part.iter().position(|byte| *byte == b'=');
        let missing = || Failure::argument("attributes: must be key=value, joined by &");
        let at = at.ok_or_else(missing)?;
        Ok::<_, Failure>((part[..at].to_vec(), part[at + 1..].to_vec()))
    };
    if sdk && form.iter().copied().any(is_raw) {
        let (key, value) = split(form)?;
        return Ok(BTreeMap::from([(text(key)?, text(value)?)]));
    }
    let parts = form.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    let pair = |part: &[u8]| {
        let (key, value) = split(part)?;
        Ok((text(decoded(&key, !sdk))?, text(decoded(&value, !sdk))?))
    };
    parts.map(pair).collect()
}

/// Percent-decodes; what only looks like an escape stays.
fn decoded(text: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let digit = |at: usize| {
        let byte = text.get(at).copied()?;
        char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                at += 2;
            }
            (b'+', ..) if plus_is_blank => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    out
}

/// `PUT /{org}/{app}/metadata/user/{user}`: R035, a form or a JSON object of keys and values. Those that
/// are not named stay; `data` are those that were set.
///
/// Errors: 400 by key and beyond 2 KiB; 401 for another user's token; 404; 415.
pub(crate) async fn set(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    given: Given,
) -> Outcome {
    let attributes = match given {
        Given::Json(json) => read_json(json)?,
        Given::Form(form) => read_form(&form, caller.user().is_some())?,
    };
    let user = named(&rest, &caller, &user).await?;
    rest.chat.set_attributes(&caller, &user, &attributes).await?;
    Ok(Reply::Timed(json!(attributes)))
}

/// `GET /{org}/{app}/metadata/user/{user}`: R036, for every user of the app; `{}` where there are none,
/// and for a name that nobody has.
pub(crate) async fn one(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let attributes = match user.parse::<UserId>() {
        Ok(user) => rest.chat.attributes(&caller, &user).await?,
        Err(_) => Attributes::new(),
    };
    Ok(Reply::Timed(json!(attributes)))
}

/// `POST /{org}/{app}/metadata/user/get`: R037, body `targets` (1 to 100 users) and `properties` (keys; all
/// without it). Each answer is under the name as it was given.
///
/// Errors: 400 by field.
pub(crate) async fn get_many(
    State(rest): State<Rest>,
    caller: AnyCaller,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let most = limits::ATTRIBUTES_BATCH;
    let targets = body.texts("targets", 1..=most)?;
    let wanted = match body.has("properties") {
        true => Some(body.texts("properties", 0..=most)?),
        false => None,
    };
    let mut data = serde_json::Map::new();
    for target in targets {
        let mut attributes = match target.parse::<UserId>() {
            Ok(user) => rest.chat.attributes(&caller, &user).await?,
            Err(_) => Attributes::new(),
        };
        if let Some(wanted) = &wanted {
            attributes.retain(|key, _| wanted.contains(key));
        }
        data.insert(target, json!(attributes));
    }
    Ok(Reply::Timed(Value::Object(data)))
}

/// `GET /{org}/{app}/metadata/user/capacity`: R038, bytes of all users' attributes.
pub(crate) async fn capacity(State(rest): State<Rest>, caller: AppCaller) -> Outcome {
    Ok(Reply::Timed(rest.chat.attribute_bytes(&caller).await?.into()))
}

/// `DELETE /{org}/{app}/metadata/user/{user}`: R039, true also where there were none.
///
/// Errors: 401 for another user's token; 404.
pub(crate) async fn delete(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    rest.chat.delete_attributes(&caller, &user).await?;
    Ok(Reply::Timed(true.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(text: &str, sdk: bool) -> Vec<(String, String)> {
        read_form(text.as_bytes(), sdk).unwrap().into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn one_attribute_of_the_sdk_comes_as_it_is() {
        for value in ["a + b", "x&y = z!", "100 %", "https://e.org/a?b=c&d=%20", "ünï 😀", "+49 30"]
        {
            assert_eq!(form(&format!("sign={value}"), true), [pair("sign", value)]);
        }
        // Of what could be either, both readings are the same.
        for value in ["abc", "+49", "50%", "100%zz", ""] {
            assert_eq!(form(&format!("sign={value}"), true), [pair("sign", value)]);
        }
    }

    #[test]
    fn several_are_encoded() {
        let sent = "ext=%7B%22a%22%3A1%7D&nickname=a%20%2B%20b%26c%3Dd&sign=%C3%BC&mail=";
        let read = [
            pair("ext", "{\"a\":1}"),
            pair("mail", ""),
            pair("nickname", "a + b&c=d"),
            pair("sign", "ü"),
        ];
        assert_eq!(form(sent, true), read);
        assert_eq!(form(sent, false), read);
        let plain = "avatarurl=http://e.org/a.png&nickname=a+b&&sign=x";
        let read =
            [pair("avatarurl", "http://e.org/a.png"), pair("nickname", "a b"), pair("sign", "x")];
        assert_eq!(form(plain, false), read);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for (bytes, sdk) in [(&b"nickname"[..], true), (b"a=1&b", false), (b"a=%ff", true)] {
            assert_eq!(read_form(bytes, sdk).unwrap_err().refusal(), Refusal::IllegalArgument);
        }
        assert!(read_form(b"a=\xff", true).is_err());
        assert!(read_form(b"", true).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_form_or_a_refusal(bytes in proptest::collection::vec(any::<u8>(), 0..80), sdk: bool) {
            let _ = read_form(&bytes, sdk);
        }
    }
}
