//! A message as JSON: the "JSON message" of conversation lists and pins (msync section 5.4).
//!
//! The same form as messages have over REST: what the SDK reads of it is in the golden tests.

use prost::Message;
use serde_json::{Map, Value, json};
use stoa_chat::entry::Entry;
use stoa_wire::{
    Content, ContentSubType, ContentType, KeyValue, MessageBody, Size, Value as Typed, ValueType,
    content,
};

use crate::edit;

/// The message as an object whose `payload` is a text.
pub fn json_message(entry: &Entry) -> Value {
    json!({
        "id": entry.id.to_string(),
        "from": entry.from.as_str(),
        "to": entry.to.name(),
        "timestamp": entry.at.as_millis(),
        "payload": payload(entry).to_string(),
    })
}

/// What the message says.
fn payload(entry: &Entry) -> Value {
    let body = MessageBody::decode(&*entry.body).unwrap_or_default();
    let mut payload = Map::new();
    let kind = match entry.to.group() {
        Some(group) if group.is_room() => "chatroom",
        Some(_) => "groupchat",
        None => "chat",
    };
    payload.insert("type".into(), kind.into());
    payload.insert("from".into(), entry.from.as_str().into());
    payload.insert("to".into(), entry.to.name().into());
    payload.insert("ext".into(), object(&body.ext));
    let bodies: Vec<Value> = body.contents.iter().take(1).map(content_object).collect();
    payload.insert("bodies".into(), bodies.into());
    let about = match &entry.edit {
        Some(mark) => Some(edit::about(entry, mark)),
        None => content::json_about(&entry.body).and_then(|text| serde_json::from_str(text).ok()),
    };
    if let Some(about @ Value::Object(_)) = about {
        payload.insert("meta".into(), about);
    }
    if let Some(config) = body.msg_config {
        let allow = config.allow_group_ack.unwrap_or_default();
        payload.insert("msgConfig".into(), json!({ "allowGroupAck": allow }));
    }
    Value::Object(payload)
}

/// One content of a message.
fn content_object(content: &Content) -> Value {
    let kind = content.kind.and_then(|kind| ContentType::try_from(kind).ok());
    let sub_type = content.sub_type.and_then(|sub| ContentSubType::try_from(sub).ok());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let file = |kind: &str| {
        json!({
            "type": kind,
            "url": text(&content.remote_path),
            "secret": text(&content.secret_key),
            "filename": text(&content.display_name),
            "file_length": content.file_length.unwrap_or_default(),
        })
    };
    match kind.unwrap_or(ContentType::Text) {
        ContentType::Combine => combined(content, &file("txt")),
        ContentType::Text if sub_type == Some(ContentSubType::Combine) => {
            combined(content, &file("txt"))
        }
        ContentType::Text => json!({ "type": "txt", "msg": text(&content.text) }),
        ContentType::Image => {
            let mut image = file("img");
            image["size"] = size(content.size.as_ref());
            if sub_type == Some(ContentSubType::Gif) {
                image["subType"] = "sub_gif".into();
            }
            image
        }
        ContentType::Voice => with_length(file("audio"), content),
        ContentType::File => with_length(file("file"), content),
        ContentType::Video => {
            let mut video = with_length(file("video"), content);
            video["thumb"] = text(&content.thumbnail_remote_path).into();
            video["thumb_secret"] = text(&content.thumbnail_secret_key).into();
            video["size"] = size(content.thumbnail_size.as_ref().or(content.size.as_ref()));
            video
        }
        ContentType::Location => json!({
            "type": "loc",
            "addr": text(&content.address),
            "lat": content.latitude.unwrap_or_default(),
            "lng": content.longitude.unwrap_or_default(),
            "buildingName": text(&content.building_name),
        }),
        ContentType::Command => json!({ "type": "cmd", "action": text(&content.action) }),
        ContentType::Custom => {
            let exts = content.custom_exts.iter().chain(&content.params);
            let exts: Vec<Value> = exts
                .filter_map(|entry| {
                    let key = entry.key.clone()?;
                    Some(Value::Object(Map::from_iter([(key, value(entry))])))
                })
                .collect();
            json!({
                "type": "custom",
                "customEvent": text(&content.custom_event),
                "customExts": exts,
            })
        }
    }
}

/// Several messages in one: a text to the SDK.
fn combined(content: &Content, file: &Value) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut combined = file.clone();
    combined["msg"] = text(&content.text).into();
    combined["subType"] = "sub_combine".into();
    combined["title"] = text(&content.title).into();
    combined["summary"] = text(&content.summary).into();
    combined["combineLevel"] = content.combine_level.unwrap_or_default().into();
    combined
}

fn with_length(mut file: Value, content: &Content) -> Value {
    file["length"] = content.duration.unwrap_or_default().into();
    file
}

fn size(size: Option<&Size>) -> Value {
    let (width, height) = size.map_or((0.0, 0.0), |size| {
        (size.width.unwrap_or_default(), size.height.unwrap_or_default())
    });
    json!({ "width": number(width), "height": number(height) })
}

/// A number, without a fraction where it has none.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only what fits is taken")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, reason = "it is compared with what it came from")]
    if whole as f64 == value { whole.into() } else { value.into() }
}

/// Typed entries as an object; of a key that occurs twice the last counts.
fn object(entries: &[KeyValue]) -> Value {
    let entries = entries.iter().filter_map(|entry| Some((entry.key.clone()?, value(entry))));
    Value::Object(entries.collect())
}

/// The value of a typed entry.
fn value(entry: &KeyValue) -> Value {
    let kind = entry.kind.and_then(|kind| ValueType::try_from(kind).ok());
    match &entry.value {
        None => Value::Null,
        Some(Typed::Varint(number)) if kind == Some(ValueType::Bool) => (*number != 0).into(),
        Some(Typed::Varint(number)) => (*number).into(),
        Some(Typed::Float(value)) => number(f64::from(*value)),
        Some(Typed::Double(value)) => number(*value),
        Some(Typed::String(text)) if kind == Some(ValueType::JsonString) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        Some(Typed::String(text)) => text.as_str().into(),
    }
}
