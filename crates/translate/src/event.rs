//! Events of groups and contacts, and notices.

use bytes::Bytes;
use prost::Message;
use serde_json::json;
use stoa_chat::entry::Entry;
use stoa_chat::event::{ContactEvent, GroupAct, GroupEvent, Notice, ReadInGroup};
use stoa_wire::{EventInfo, Jid, MucBody, RosterBody, delivery};

/// The group of an event, and the event as a `MUCBody` (msync section 6.3).
pub(crate) fn group(entry: &Entry, app_key: &str) -> (String, Option<Bytes>) {
    let Ok(event) = GroupEvent::decode(&*entry.body) else { return (String::new(), None) };
    let act = GroupAct::try_from(event.act).ok();
    let mut from = Jid { name: Some(event.actor.clone()), ..Jid::default() };
    // The SDK tells the user's own other devices from members by the device.
    let attributes =
        [GroupAct::AttributesChanged, GroupAct::RoomAttributesSet, GroupAct::RoomAttributesDeleted];
    if act.is_some_and(|act| attributes.contains(&act)) {
        from.client_resource = Some(entry.from_resource.as_str().into());
    }
    let several = matches!(act, Some(GroupAct::Joined | GroupAct::Left)) && event.users.len() > 1;
    let jid = |name: &String| Jid { name: Some(name.clone()), ..Jid::default() };
    let mute = event.muted_until_ms.map(|until| json!({ "user_mute_time": until }).to_string());
    let body = MucBody {
        muc_id: Some(Jid::group(app_key, &event.group)),
        operation: Some(event.act),
        from: Some(from),
        to: if several { Vec::new() } else { event.users.iter().map(jid).collect() },
        reason: event.reason,
        is_chatroom: Some(event.is_room),
        muc_name: event.name,
        event_info: event.detail.map(|detail| EventInfo { event_type: Some(0), ext: Some(detail) }),
        muc_member_count: event.members.and_then(|members| i32::try_from(members).ok()),
        ext: mute.or(event.ext),
        members: if several { event.users } else { Vec::new() },
        ..MucBody::default()
    };
    (event.group, Some(body.encode_to_vec().into()))
}

/// An event of contacts as a `RosterBody` (msync section 7).
pub(crate) fn contact(entry: &Entry, app_key: &str) -> Bytes {
    let event = ContactEvent::decode(&*entry.body).unwrap_or_default();
    RosterBody {
        operation: Some(event.act),
        from: Some(Jid::user(app_key, &event.from)),
        to: vec![Jid::user(app_key, &event.to)],
        reason: event.reason,
        ..RosterBody::default()
    }
    .encode_to_vec()
    .into()
}

/// A group's read receipt, with how many have read the message (msync section 5.3).
pub(crate) fn read_in_group(entry: &Entry) -> Bytes {
    let read = ReadInGroup::decode(&*entry.body).unwrap_or_default();
    let ReadInGroup { group, message, count, content } = &read;
    delivery::group_read_ack(entry.from.as_str(), group, *message, u64::from(*count), content)
}

/// A notice's JSON (msync section 5.6).
pub(crate) fn notice(entry: &Entry) -> Bytes {
    Notice::decode(&*entry.body).unwrap_or_default().json.into()
}
