//! Claims as JSON, in the form that test vectors have them (token specification, section 14).

use serde_json::{Map, Value, json};

use crate::signature::hex;
use crate::{Claims, Claims006, Claims007, Fields, Parsed, Permissions, Privileges, Service};

/// A token as JSON, with its content in hexadecimal. Not authenticated, as [`Parsed`] is not.
pub fn decoded(parsed: &Parsed) -> Value {
    let mut value = claims(&parsed.unauthenticated);
    value["content_hex"] = hex(&parsed.content).into();
    value
}

/// Claims as JSON.
pub fn claims(claims: &Claims) -> Value {
    match claims {
        Claims::V007(claims) => claims_007(claims),
        Claims::V006(claims) => claims_006(claims),
    }
}

fn claims_007(claims: &Claims007) -> Value {
    json!({
        "version": "007",
        "app_id": claims.app_id,
        "signature": claims.signature.to_hex(),
        "issue_ts": claims.issue_ts,
        "expire": claims.expire,
        "salt": claims.salt,
        "service_count": claims.service_count,
        "services": claims.services.iter().map(service).collect::<Vec<_>>(),
        "unknown_service": claims.unknown_service,
    })
}

fn claims_006(claims: &Claims006) -> Value {
    json!({
        "version": "006",
        "app_id": claims.app_id,
        "signature": claims.signature.to_hex(),
        "crc_channel": claims.crc_channel,
        "crc_uid": claims.crc_uid,
        "salt": claims.salt,
        "ts": claims.ts,
        "privileges": privileges(&claims.privileges),
    })
}

/// One service as JSON.
pub fn service(service: &Service) -> Value {
    let fields = match &service.fields {
        Fields::Rtc { channel, uid } => json!({ "channel": channel, "uid": uid }),
        Fields::Rtm { user_id } | Fields::Chat { user_id } => json!({ "user_id": user_id }),
        Fields::Streaming { channel, account } | Fields::Fcdn { channel, account } => {
            json!({ "channel": channel, "account": account })
        }
        Fields::Apaas { room_uuid, user_uuid, role } => {
            json!({ "room_uuid": room_uuid, "user_uuid": user_uuid, "role": role })
        }
        Fields::Rtm2 { user_id, permissions: lists } => {
            json!({ "user_id": user_id, "permissions": permissions(lists) })
        }
        Fields::Fpa | Fields::ConvoAi | Fields::Stt => json!({}),
    };
    let mut value = json!({
        "type": service.kind().number(),
        "name": service.kind().name(),
        "privileges": privileges(&service.privileges),
    });
    if let (Value::Object(value), Value::Object(fields)) = (&mut value, fields) {
        value.extend(fields);
    }
    value
}

fn privileges(privileges: &Privileges) -> Value {
    object(privileges.iter().map(|(number, value)| (number, value.into())))
}

fn permissions(permissions: &Permissions) -> Value {
    object(permissions.lists().iter().map(|(resource_type, permissions)| {
        let lists = permissions.iter().map(|(permission, names)| (*permission, json!(names)));
        (*resource_type, object(lists))
    }))
}

fn object(entries: impl Iterator<Item = (u16, Value)>) -> Value {
    entries.map(|(number, value)| (number.to_string(), value)).collect::<Map<_, _>>().into()
}
