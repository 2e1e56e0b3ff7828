//! The frames that the web SDK sends, field for field.

use bytes::Bytes;
use stoa_wire::{
    CommSyncUl, Command, Content, ContentType, EncryptType, Jid, KeyValue, MSync, Message as _,
    MessageBody, MessageType, Meta, MucBody, MucOperation, NameSpace, OsType, PRIORITY_TAG,
    Provision, RouteType, StatisticsBody, StatisticsOperation, USER_DOMAIN, Version,
};

/// The SDK's version, which it tells the server.
const SDK_VERSION: &str = "1.4.0";

/// Who logs in, and with what.
#[derive(Clone)]
pub struct Identity {
    /// The app key, `org#app`.
    pub app_key: String,
    /// The user.
    pub user: String,
    /// The device.
    pub resource: String,
    /// The token, without prefix.
    pub token: String,
}

/// PROVISION: the login. `now` is in milliseconds since 1970.
pub fn provision(identity: &Identity, now: u64) -> Vec<u8> {
    let token = format!("$t${}", identity.token);
    let body = Provision {
        os_type: Some(OsType::Other.into()),
        version: Some(SDK_VERSION.into()),
        compress_type: vec![0],
        encrypt_type: vec![0],
        device_uuid: Some(identity.resource.clone()),
        device_name: Some(identity.resource.clone()),
        resource: Some(identity.resource.clone()),
        action_version: Some("v5.1".into()),
        auth_token: Some(format!("{{\"token\":\"{token}\"}}")),
        session_id: Some(format!("{now}:")),
        ..Default::default()
    };
    let guid = Jid::user(&identity.app_key, &identity.user).with_resource(&identity.resource);
    let frame = MSync {
        guid: Some(guid),
        auth: Some(token),
        device_id: Some(0),
        ..outer(Command::Provision, Some(body.encode_to_vec().into()))
    };
    frame.encode_to_vec()
}

/// UNREAD: what is waiting? Also the heartbeat.
pub fn unread() -> Vec<u8> {
    outer(Command::Unread, None).encode_to_vec()
}

/// SYNC that asks for `queue`: from its start, or after `key`, which is then acknowledged.
pub fn pull(queue: Jid, key: Option<u64>) -> Vec<u8> {
    sync(&CommSyncUl { queue: Some(queue), key, ..Default::default() })
}

/// What the client tells about itself with each UNREAD and after each answer to it.
pub fn statistics(now: u64) -> Vec<u8> {
    let body = StatisticsBody {
        operation: Some(StatisticsOperation::Information.into()),
        ..Default::default()
    };
    let meta = Meta {
        id: Some(now),
        ns: Some(NameSpace::Statistic.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Default::default()
    };
    sync(&CommSyncUl { meta: Some(meta), ..Default::default() })
}

/// A text from one user to another.
pub fn text(identity: &Identity, to: &str, id: u64, text: String) -> Vec<u8> {
    let address = Jid::user(&identity.app_key, to);
    send(message(identity, address, MessageType::Chat, id, text))
}

/// A text from a member to a group.
pub fn group_text(identity: &Identity, group: &str, id: u64, text: String) -> Vec<u8> {
    let address = Jid::group(&identity.app_key, group);
    send(message(identity, address, MessageType::GroupChat, id, text))
}

/// A text from a member to a chat room: to all who are there, or to these only.
pub fn room_text(
    identity: &Identity,
    room: &str,
    id: u64,
    text: String,
    only: &[String],
) -> Vec<u8> {
    let address = Jid::group(&identity.app_key, room);
    let mut meta = message(identity, address, MessageType::ChatRoom, id, text);
    // The SDK says with every one how important it is: this much is normal.
    meta.ext.push(KeyValue::int(PRIORITY_TAG, 1));
    if !only.is_empty() {
        meta.directed_users = only.to_vec();
        meta.routetype = Some(RouteType::Direct.into());
    }
    send(meta)
}

/// The wish to enter a chat room.
pub fn enter(identity: &Identity, room: &str, id: u64) -> Vec<u8> {
    let body = MucBody {
        muc_id: Some(Jid::group(&identity.app_key, room)),
        operation: Some(MucOperation::Join.into()),
        from: Some(Jid::named(&identity.user)),
        is_chatroom: Some(true),
        ext: Some(String::new()),
        leave_other_rooms: Some(false),
        ..Default::default()
    };
    let meta = Meta {
        id: Some(id),
        from: Some(Jid::user(&identity.app_key, &identity.user)),
        to: Some(Jid { domain: Some(USER_DOMAIN.into()), ..Jid::default() }),
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Default::default()
    };
    send(meta)
}

fn message(identity: &Identity, address: Jid, kind: MessageType, id: u64, text: String) -> Meta {
    let body = MessageBody {
        kind: Some(kind.into()),
        from: Some(Jid::named(&identity.user)),
        to: Some(Jid::named(address.name())),
        contents: vec![Content {
            kind: Some(ContentType::Text.into()),
            text: Some(text),
            ..Default::default()
        }],
        ..Default::default()
    };
    Meta {
        id: Some(id),
        to: Some(address),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: Some(RouteType::All.into()),
        ..Default::default()
    }
}

fn send(meta: Meta) -> Vec<u8> {
    sync(&CommSyncUl { meta: Some(meta), ..Default::default() })
}

fn sync(payload: &CommSyncUl) -> Vec<u8> {
    outer(Command::Sync, Some(payload.encode_to_vec().into())).encode_to_vec()
}

fn outer(command: Command, payload: Option<Bytes>) -> MSync {
    MSync {
        version: Some(Version::V1.into()),
        command: Some(command.into()),
        encrypt_type: vec![EncryptType::None.into()],
        payload,
        ..Default::default()
    }
}
