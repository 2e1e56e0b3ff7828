//! From frames to what a client wants: every conversion from the wire's types stands here.

use bytes::Bytes;
use serde_json::Value;
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::{DeviceInfo, Draft, Edit, GroupReceipt, LoginRequest, Recall, Receipt};
use stoa_core::{
    AppKey, GroupId, MessageId, MsyncStatus, MucKind, Refusal, Resource, Secret, Target, UserId,
    limits,
};
use stoa_wire::content::{self, Inspection};
use stoa_wire::{
    CommSyncUl, Command, ContentType, EditScope, GROUP_DOMAIN, KeyValue, Limits, MSync, Message,
    MessageBody, MessageType, Meta, MucBody, MucOperation, NameSpace, PRIORITY_TAG, Provision,
    RouteType, Value as TypedValue, delivery,
};

/// What a frame asks for.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// To log in.
    Login(Box<Login>),
    /// For the list of queues with news; also the heartbeat.
    Unread,
    /// For the next page of the queue of that name; with a key, everything up to it was received.
    Pull { queue: String, is_group: bool, key: Option<u64> },
    /// To do something, under the client's number.
    Act { id: u64, act: Act },
    /// Nothing that needs an answer.
    Nothing,
}

/// A login as a frame asks for it.
#[derive(Debug)]
pub(crate) struct Login {
    /// The resource to echo in the answer; empty if the client named none.
    pub(crate) resource: String,
    /// The text for devices that this login replaces.
    pub(crate) note: String,
    /// The request, or why there is none.
    pub(crate) request: Result<LoginRequest, MsyncStatus>,
}

/// What a client wants to have done.
#[derive(Debug)]
pub(crate) enum Act {
    Send(Draft),
    Acknowledge(Receipt),
    /// To note that a group's conversation was read; nobody is told.
    Read(Target),
    Recall(Recall),
    Edit(Edit),
    AcknowledgeInGroup(GroupReceipt),
    EnterRoom {
        room: GroupId,
        /// What the others are told with it.
        ext: String,
        leave_others: bool,
    },
    LeaveRoom {
        room: GroupId,
    },
    Refuse(MsyncStatus),
}

/// A frame that cannot be read: the connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("the frame cannot be read: {0}")]
pub(crate) struct Malformed(&'static str);

/// What an app may add to a recall (msync section 5.3).
const RECALL_EXT: &str = "recallMessageExtensionInfo";

/// Text that devices that are replaced are shown (msync section 2, `Provision.reason`).
const NOTE_CHARS: usize = 1024;

/// Whose frames are read, once it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    /// `org#app`.
    pub(crate) app_key: &'a str,
    /// The user's name.
    pub(crate) user: &'a str,
}

/// Reads a frame of `sender`; without one only a login is looked into.
pub(crate) fn read(frame: Bytes, sender: Option<Sender<'_>>) -> Result<Incoming, Malformed> {
    let bounds = Limits { frame_bytes: limits::FRAME_BYTES };
    let frame =
        stoa_wire::decode_frame(frame, bounds).map_err(|_| Malformed("not an MSYNC frame"))?;
    let command = frame.command.unwrap_or(Command::Sync as i32);
    match Command::try_from(command) {
        Ok(Command::Provision) => login(frame).map(|login| Incoming::Login(Box::new(login))),
        Ok(Command::Unread) => Ok(Incoming::Unread),
        Ok(Command::Sync) => match sender {
            Some(sender) => sync(frame.payload.unwrap_or_default(), sender),
            None => Err(Malformed("not logged in")),
        },
        // A NOTICE has no meaning from a client; a later protocol's command neither.
        Ok(Command::Notice) | Err(_) => Err(Malformed("not a command of a client")),
    }
}

fn login(frame: MSync) -> Result<Login, Malformed> {
    let payload = frame.payload.unwrap_or_default();
    let provision = Provision::decode(payload).map_err(|_| Malformed("not a Provision"))?;
    let guid = frame.guid.unwrap_or_default();
    let resource = provision.resource.clone().or(guid.client_resource).unwrap_or_default();
    let note = provision.reason.as_deref().unwrap_or_default().chars().take(NOTE_CHARS).collect();
    let request = request(frame.auth, &provision, guid.app_key, guid.name, &resource);
    Ok(Login { request, resource, note })
}

fn request(
    auth: Option<String>,
    provision: &Provision,
    app_key: Option<String>,
    user: Option<String>,
    resource: &str,
) -> Result<LoginRequest, MsyncStatus> {
    let invalid = Refusal::IllegalArgument.msync();
    let missing = MsyncStatus { code: 4, reason: "Sorry, a mandatory part is missing" };
    let platform = provision.os_custom_value.map_or_else(
        || provision.os_type.and_then(|os| u32::try_from(os).ok()).unwrap_or_default(),
        |custom| custom.saturating_add(1000),
    );
    let device = DeviceInfo {
        resource: resource.parse::<Resource>().map_err(|_| invalid)?,
        uuid: cut(provision.device_uuid.as_deref()),
        name: cut(provision.device_name.as_deref()),
        platform,
    };
    let unknown = Refusal::UnknownApp.msync();
    let app = app_key.ok_or(missing)?.parse::<AppKey>().map_err(|_| unknown)?;
    let user = user.ok_or(missing)?;
    let token = token(auth, provision.auth_token.as_deref()).ok_or(missing)?;
    Ok(LoginRequest { app, user, token, device, address: None })
}

/// The first 256 characters of a text that is only shown.
fn cut(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().take(256).collect()
}

/// The token: in the frame's `auth`, or in the JSON of `Provision.authToken`, behind the prefix that
/// means "token" in both.
fn token(auth: Option<String>, auth_token: Option<&str>) -> Option<Secret> {
    let named = || {
        let json: Value = serde_json::from_str(auth_token?).ok()?;
        Some(json.get("token")?.as_str()?.to_owned())
    };
    let text = auth.or_else(named)?;
    Some(Secret::new(text.strip_prefix("$t$")?))
}

fn sync(payload: Bytes, sender: Sender<'_>) -> Result<Incoming, Malformed> {
    let sync = CommSyncUl::decode(payload).map_err(|_| Malformed("not a CommSyncUL"))?;
    if let Some(meta) = sync.meta {
        let id = meta.id.unwrap_or_default();
        return Ok(match act(meta, id, sender) {
            Some(act) => Incoming::Act { id, act },
            None => Incoming::Nothing,
        });
    }
    let jid = sync.queue.unwrap_or_default();
    // The SDK names a queue as it was named to it, with the domain.
    let is_group = jid.domain.as_deref() == Some(GROUP_DOMAIN);
    match jid.name {
        Some(queue) => Ok(Incoming::Pull { queue, is_group, key: sync.key }),
        None => Err(Malformed("a CommSyncUL with neither a meta nor a queue")),
    }
}

/// What a meta asks for; nothing for those that need no answer.
fn act(meta: Meta, id: u64, sender: Sender<'_>) -> Option<Act> {
    let refuse = |refusal: Refusal| Some(Act::Refuse(refusal.msync()));
    let ns = match meta.ns {
        Some(ns) => NameSpace::try_from(ns).ok(),
        None => Some(NameSpace::Statistic),
    };
    match ns {
        Some(NameSpace::Statistic) => None,
        Some(NameSpace::Chat) if id == 0 => refuse(Refusal::MissingPart),
        Some(NameSpace::Chat) => Some(chat(meta, id, sender).unwrap_or_else(Act::Refuse)),
        Some(NameSpace::Muc) if id == 0 => refuse(Refusal::MissingPart),
        Some(NameSpace::Muc) => Some(room(meta, sender).unwrap_or_else(Act::Refuse)),
        _ => refuse(Refusal::Unsupported),
    }
}

/// Coming into a chat room and going out of it, all that the SDK does to rooms here (msync section 6.1).
fn room(meta: Meta, sender: Sender<'_>) -> Result<Act, MsyncStatus> {
    let missing = Refusal::MissingPart.msync();
    let payload = meta.payload.filter(|payload| !payload.is_empty()).ok_or(missing)?;
    let body = MucBody::decode(payload).map_err(|_| Refusal::Malformed.msync())?;
    let room = body.muc_id.ok_or(missing)?;
    let name = room.name.filter(|name| !name.is_empty()).ok_or(missing)?;
    let unknown = Refusal::UnknownRoom.msync();
    if room.app_key.as_deref().is_some_and(|app_key| app_key != sender.app_key) {
        return Err(unknown);
    }
    let room = GroupId::parse(MucKind::Room, &name).map_err(|_| unknown)?;
    match body.operation.and_then(|operation| MucOperation::try_from(operation).ok()) {
        Some(MucOperation::Join) => Ok(Act::EnterRoom {
            room,
            ext: body.ext.unwrap_or_default(),
            leave_others: body.leave_other_rooms.unwrap_or_default(),
        }),
        Some(MucOperation::Leave) => Ok(Act::LeaveRoom { room }),
        _ => Err(Refusal::Unsupported.msync()),
    }
}

/// How soon a message of a room is dropped, as its `ext` says (msync section 5.1).
fn priority(ext: &[KeyValue]) -> Priority {
    let tag = ext.iter().find(|entry| entry.key.as_deref() == Some(PRIORITY_TAG));
    match tag.and_then(|tag| tag.value.as_ref()) {
        Some(TypedValue::Varint(tag)) => Priority::of_tag(*tag),
        _ => Priority::Normal,
    }
}

fn chat(meta: Meta, id: u64, sender: Sender<'_>) -> Result<Act, MsyncStatus> {
    let user = sender.user;
    let missing = Refusal::MissingPart.msync();
    let malformed = Refusal::Malformed.msync();
    let to = meta.to.ok_or(missing)?;
    // Nobody of another app can be reached, so there is nobody of that name.
    if to.app_key.as_deref().is_some_and(|app_key| app_key != sender.app_key) {
        return Err(Refusal::UnknownRecipient.msync());
    }
    let name = to.name.filter(|name| !name.is_empty()).ok_or(missing)?;
    let body = meta.payload.filter(|body| !body.is_empty()).ok_or(missing)?;
    let seen = content::inspect(&body).map_err(|_| malformed)?;
    let is_room = seen.message_type == Some(MessageType::ChatRoom);
    let is_group = to.domain.as_deref() == Some(GROUP_DOMAIN)
        || seen.message_type == Some(MessageType::GroupChat);
    let target = if is_room {
        let room = GroupId::parse(MucKind::Room, &name);
        Target::Group(room.map_err(|_| Refusal::UnknownRoom.msync())?)
    } else if is_group {
        // What is done to a message does not say whether it lies in a group or in a room.
        Target::Group(name.parse().map_err(|_| Refusal::UnknownGroup.msync())?)
    } else {
        Target::User(name.parse().map_err(|_| Refusal::UnknownRecipient.msync())?)
    };
    let receipt = |kind| {
        let body = content::override_from_to(&body, user, &name).map_err(|_| malformed)?;
        let to = name.parse().map_err(|_| Refusal::UnknownRecipient.msync())?;
        Ok(Act::Acknowledge(Receipt { kind, to, body, client_id: id }))
    };
    match seen.message_type.ok_or(malformed)? {
        MessageType::Chat
        | MessageType::Normal
        | MessageType::GroupChat
        | MessageType::ChatRoom => {}
        MessageType::ReadAck | MessageType::DeliverAck if seen.ack_message_id.is_none() => {
            return Err(missing);
        }
        MessageType::ReadAck if is_group => {
            let group = name.parse().map_err(|_| Refusal::UnknownGroup.msync())?;
            let message = MessageId(seen.ack_message_id.ok_or(missing)?);
            let content = MessageBody::decode(&*body).map_err(|_| malformed)?.ack_content;
            let content = content.unwrap_or_default();
            return Ok(Act::AcknowledgeInGroup(GroupReceipt { group, message, content }));
        }
        MessageType::ReadAck => return receipt(Kind::ReadReceipt),
        MessageType::DeliverAck => return receipt(Kind::DeliveryReceipt),
        MessageType::ChannelAck if is_group => return Ok(Act::Read(target)),
        MessageType::ChannelAck => return receipt(Kind::ConversationReceipt),
        MessageType::Recall => {
            let message = MessageId(seen.ack_message_id.ok_or(missing)?);
            let body = content::override_from_to(&body, user, &name).map_err(|_| malformed)?;
            let ext = recall_ext(&meta.ext);
            return Ok(Act::Recall(Recall { to: target, message, body, ext, client_id: id }));
        }
        MessageType::Edit => {
            let message = MessageId(seen.edit_message_id.ok_or(missing)?);
            let scope = seen.edit_scope.unwrap_or(EditScope::Body);
            return Ok(Act::Edit(Edit {
                to: target,
                message,
                kind: kind(&seen).ok_or(Refusal::EditFormat.msync())?,
                content_bytes: seen.counted_bytes,
                rewrite: stoa_translate::rewrite(body, scope),
                client_id: id,
            }));
        }
    }
    let only_resource = match to.client_resource.filter(|resource| !resource.is_empty()) {
        Some(resource) => Some(resource.parse().map_err(|_| Refusal::IllegalArgument.msync())?),
        None => None,
    };
    Ok(Act::Send(Draft {
        to: target,
        only_resource,
        only_users: directed(meta.routetype, &meta.directed_users)?,
        kind: kind(&seen).ok_or(malformed)?,
        body: content::override_from_to(&body, user, &name).map_err(|_| malformed)?,
        ext: delivery::encode_ext(&meta.ext),
        content_bytes: seen.counted_bytes,
        client_id: id,
        online_only: meta.routetype == Some(RouteType::Online as i32),
        receipts: seen.allow_group_ack && is_group && !is_room,
        priority: priority(&meta.ext),
    }))
}

/// What of a recall's `ext` is passed on.
fn recall_ext(ext: &[KeyValue]) -> Bytes {
    let known: Vec<KeyValue> =
        ext.iter().filter(|entry| entry.key.as_deref() == Some(RECALL_EXT)).cloned().collect();
    delivery::encode_ext(&known)
}

/// The members of a group that a message is for, if it is not for all.
fn directed(route: Option<i32>, users: &[String]) -> Result<Vec<UserId>, MsyncStatus> {
    if route != Some(RouteType::Direct as i32) {
        return Ok(Vec::new());
    }
    if users.is_empty() {
        return Err(Refusal::MissingPart.msync());
    }
    let user = |name: &String| name.parse().map_err(|_| Refusal::UnknownRecipient.msync());
    users.iter().map(user).collect()
}

fn kind(seen: &Inspection<'_>) -> Option<Kind> {
    Some(match seen.kind? {
        ContentType::Text => Kind::Text,
        ContentType::Image => Kind::Image,
        ContentType::Video => Kind::Video,
        ContentType::Location => Kind::Location,
        ContentType::Voice => Kind::Voice,
        ContentType::File => Kind::File,
        ContentType::Command => Kind::Command,
        ContentType::Custom => Kind::Custom,
        ContentType::Combine => Kind::Combined,
    })
}
