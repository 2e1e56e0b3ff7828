//! What a back end wants to have said, as the content of a message (chat-rest section 5.1).

use serde_json::{Map, Number, Value};
use stoa_chat::entry::Kind;
use stoa_wire::{Content, ContentType, KeyValue, Size};

use crate::error::Failure;
use crate::json::{Json, Object};

/// Bytes of a custom message's event, and how many parameters it may have.
const CUSTOM_EVENT: usize = 32;
const CUSTOM_EXTS: usize = 16;

/// A message's content, without its ends.
pub(crate) struct Composed {
    pub(super) kind: Kind,
    pub(super) content: Content,
    pub(super) ext: Vec<KeyValue>,
}

/// The content of the kind `kind` that `body` describes, with the app's own data `ext`.
///
/// # Errors
/// 400 by field.
pub(crate) fn compose(
    kind: &str,
    body: &mut Object,
    ext: Option<Json>,
) -> Result<Composed, Failure> {
    let (kind, content) = match kind {
        "txt" => (Kind::Text, Content { text: Some(body.text("msg")?), ..of(ContentType::Text) }),
        "img" => {
            let size = match body.any("size") {
                Some(size) => Some(read_size(size)?),
                None => None,
            };
            (Kind::Image, Content { size, ..file(body, ContentType::Image, false)? })
        }
        "audio" => (Kind::Voice, file(body, ContentType::Voice, false)?),
        "video" => {
            let thumb = body.optional_text("thumb")?;
            let secret = body.optional_text("thumb_secret")?;
            let video = file(body, ContentType::Video, false)?;
            let video =
                Content { thumbnail_remote_path: thumb, thumbnail_secret_key: secret, ..video };
            (Kind::Video, video)
        }
        "file" => (Kind::File, file(body, ContentType::File, true)?),
        "loc" => {
            let place = Content {
                latitude: Some(degrees(body, "lat", 90.0)?),
                longitude: Some(degrees(body, "lng", 180.0)?),
                address: Some(body.text("addr")?),
                ..of(ContentType::Location)
            };
            (Kind::Location, place)
        }
        "cmd" => {
            let action = Some(body.text("action")?);
            (Kind::Command, Content { action, ..of(ContentType::Command) })
        }
        "custom" => (Kind::Custom, custom(body)?),
        _ => {
            let kinds = "must be one of txt, img, audio, video, file, loc, cmd, custom";
            return Err(Failure::argument(format!("type: {kinds}")));
        }
    };
    let ext = match ext {
        None => Vec::new(),
        Some(Json::Object(fields)) => {
            fields.into_iter().map(|(key, value)| typed(&key, value)).collect()
        }
        Some(_) => return Err(Failure::argument("ext: must be an object")),
    };
    Ok(Composed { kind, content, ext })
}

fn of(kind: ContentType) -> Content {
    Content { kind: Some(kind as i32), ..Content::default() }
}

/// A file that was uploaded before.
fn file(body: &mut Object, kind: ContentType, with_name: bool) -> Result<Content, Failure> {
    let whole = |number: Option<u64>| number.and_then(|number| i32::try_from(number).ok());
    let most = i32::MAX.unsigned_abs().into();
    let name = match with_name {
        true => Some(body.text("filename")?),
        false => body.optional_text("filename")?,
    };
    Ok(Content {
        remote_path: Some(body.text("url")?),
        display_name: name,
        secret_key: body.optional_text("secret")?,
        duration: whole(body.optional_whole("length", "seconds", 0..=most)?),
        file_length: whole(body.optional_whole("file_length", "bytes", 0..=most)?),
        ..of(kind)
    })
}

fn read_size(size: Json) -> Result<Size, Failure> {
    let mut size = size.into_object("body.size")?;
    let most = u64::from(u16::MAX);
    let mut side = |name| size.optional_whole(name, "pixels", 0..=most);
    let number = |side: Option<u64>| side.and_then(|side| u32::try_from(side).ok()).map(f64::from);
    Ok(Size { width: number(side("width")?), height: number(side("height")?) })
}

/// Degrees, written as a text or a number.
fn degrees(body: &mut Object, name: &str, most: f64) -> Result<f64, Failure> {
    let given = match body.any(name) {
        Some(Json::Text(text)) => text.trim().parse::<f64>().ok(),
        Some(Json::Number(number)) => Some(number),
        Some(Json::Whole(number)) => u32::try_from(number).ok().map(f64::from),
        _ => None,
    };
    let allowed = given.filter(|degrees| (-most..=most).contains(degrees));
    allowed.ok_or_else(|| body.refuse(name, format_args!("must be degrees from -{most} to {most}")))
}

fn custom(body: &mut Object) -> Result<Content, Failure> {
    let event = body.text("customEvent")?;
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.');
    if event.is_empty() || event.len() > CUSTOM_EVENT || !event.bytes().all(allowed) {
        let rule = format!("1 to {CUSTOM_EVENT} characters of A-Z, a-z, 0-9, '_', '-', '/', '.'");
        return Err(body.refuse("customEvent", rule));
    }
    let exts = match body.any("customExts") {
        None => Vec::new(),
        Some(Json::Object(fields)) if fields.len() <= CUSTOM_EXTS => {
            let entry = |(key, value): (String, Json)| match value {
                Json::Text(text) => Ok(KeyValue::string(&key, &text)),
                _ => Err(body.refuse("customExts", "its values must be strings")),
            };
            fields.into_iter().map(entry).collect::<Result<_, _>>()?
        }
        Some(_) => {
            let rule = format!("must be an object of at most {CUSTOM_EXTS} strings");
            return Err(body.refuse("customExts", rule));
        }
    };
    Ok(Content { custom_event: Some(event), custom_exts: exts, ..of(ContentType::Custom) })
}

/// A value of the app's own, typed as the SDK types it (msync section 2, `KeyValue`).
fn typed(key: &str, value: Json) -> KeyValue {
    match value {
        Json::Bool(value) => KeyValue::bool(key, value),
        Json::Whole(number) if i64::try_from(number).is_ok() => {
            KeyValue::int(key, i64::try_from(number).unwrap_or_default())
        }
        Json::Number(number) => KeyValue::double(key, number),
        Json::Text(text) => KeyValue::string(key, &text),
        other => KeyValue::json(key, plain(other).to_string()),
    }
}

/// The same value for writing it down again.
fn plain(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => value.into(),
        Json::Whole(number) => number.into(),
        Json::Number(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Json::Text(text) => text.into(),
        Json::List(list) => list.into_iter().map(plain).collect(),
        Json::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, value)| (key, plain(value))).collect::<Map<_, _>>(),
        ),
    }
}
