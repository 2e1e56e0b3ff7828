//! The form in which a record is handed out: JSON whose fields are named once and stay.
//!
//! Times are milliseconds since 1970 in UTC, in fields whose name ends with `Ms`.

use prost::Message;
use serde_json::{Value, json};
use stoa_core::Seq;

use crate::entry::{Audience, Entry, Kind};
use crate::event::{ContactEvent, GroupEvent, Notice, ReadInGroup};
use crate::records::{
    Account, Cursors, Device, GroupFile, Membership, StoredGroup, StoredMember, StoredReport,
    StoredStanding,
};

/// An account; of the password only whether there is one.
pub(super) fn account(account: &Account) -> Value {
    json!({
        "username": account.username,
        "uuid": hex(&account.uuid),
        "createdMs": account.created_ms,
        "modifiedMs": account.modified_ms,
        "activated": !account.deactivated,
        "nickname": account.nickname,
        "hasPassword": !account.password_hash.is_empty(),
        "tokensRevokedUntilMs": account.revoked_until_ms,
    })
}

pub(super) fn device(device: &Device) -> Value {
    json!({
        "resource": device.resource,
        "uuid": device.uuid,
        "name": device.name,
        "lastLoginMs": device.last_login_ms,
    })
}

pub(super) fn cursors(cursors: &Cursors) -> Value {
    let devices = cursors.devices.iter();
    let devices = devices.map(|d| json!({ "resource": d.resource, "seq": d.seq, "atMs": d.at_ms }));
    json!({ "highest": cursors.highest, "devices": devices.collect::<Vec<_>>() })
}

pub(super) fn membership(row: &Membership) -> Value {
    let kind = match (row.is_room, row.is_group) {
        (true, _) => "room",
        (false, true) => "group",
        (false, false) => "user",
    };
    let span = |span: &crate::records::Span| json!({ "since": span.since, "until": span.until });
    json!({
        "conversation": row.name,
        "kind": kind,
        "sinceMs": row.since_ms,
        "sinceSeq": row.since_seq,
        "untilSeq": row.until_seq,
        "earlier": row.earlier.iter().map(span).collect::<Vec<_>>(),
        "received": row.cursors.as_ref().map(cursors),
        "readUpTo": row.read.as_ref().map(|mark| mark.seq),
        "deletedUpTo": row.cleared_seq,
        "pinnedMs": row.pinned_ms,
        "marks": row.marks,
        "unlistedAt": row.unlisted_seq,
        "takesNoMessages": row.shielded,
        "tookNone": row.shields.iter().map(span).collect::<Vec<_>>(),
        "away": row.is_away,
    })
}

pub(super) fn group(row: &StoredGroup, is_room: bool) -> Value {
    json!({
        "id": row.id,
        "kind": if is_room { "room" } else { "group" },
        "name": row.name,
        "description": row.description,
        "avatar": row.avatar,
        "custom": row.custom,
        "announcement": row.announcement,
        "owner": row.owner,
        "createdMs": row.created_ms,
        "modifiedMs": row.modified_ms,
    })
}

/// A line of the roster of a group, of whoever is named in it.
pub(super) fn line(line: &StoredMember, group: &str, is_room: bool) -> Value {
    let role = match line.standing() {
        StoredStanding::Owner => "owner",
        StoredStanding::Admin => "admin",
        StoredStanding::Member => "member",
        StoredStanding::Invited => "invited",
        StoredStanding::Applied => "applied",
        StoredStanding::Blocked => "blocked",
        StoredStanding::Unknown => "unknown",
    };
    json!({
        "group": group,
        "kind": if is_room { "room" } else { "group" },
        "user": line.user,
        "role": role,
        "sinceMs": line.since_ms,
        "mutedUntilMs": line.muted_until_ms,
        "allowed": line.allowed,
        "invitedBy": line.by,
        "takesNoMessages": line.shielded,
        "away": line.away,
    })
}

pub(super) fn report(row: &StoredReport) -> Value {
    json!({
        "message": row.message.to_string(),
        "conversation": row.peer,
        "label": row.label,
        "reason": row.reason,
        "atMs": row.at_ms,
    })
}

pub(super) fn group_file(row: &GroupFile) -> Value {
    json!({
        "id": hex(&row.id),
        "name": row.name,
        "owner": row.owner,
        "size": row.size,
        "createdMs": row.created_ms,
    })
}

/// An entry of a log, without its body where only a door can read it.
pub(super) fn entry(conversation: &str, seq: Seq, entry: &Entry) -> Value {
    let names = |users: &[stoa_core::UserId]| -> Vec<String> {
        users.iter().map(|user| user.as_str().to_owned()).collect()
    };
    let (only, except) = match &entry.audience {
        Audience::All => (None, None),
        Audience::Only(users) => (Some(names(users)), None),
        Audience::Except(users) => (None, Some(names(users))),
    };
    let edit = entry.edit.as_ref().map(
        |edit| json!({ "count": edit.count, "by": edit.by.as_str(), "atMs": edit.at.as_millis() }),
    );
    json!({
        "conversation": conversation,
        "seq": seq.0,
        "id": entry.id.to_string(),
        "atMs": entry.at.as_millis(),
        "kind": format!("{:?}", entry.kind),
        "from": entry.from.as_str(),
        "fromDevice": entry.from_resource.as_str(),
        "to": entry.to.name(),
        "onlyFor": only,
        "notFor": except,
        "edit": edit,
        "event": event(entry),
    })
}

/// What an event of the server says; none for what only a door can read.
fn event(entry: &Entry) -> Option<Value> {
    let body = &entry.body[..];
    Some(match entry.kind {
        Kind::GroupEvent => {
            let event = GroupEvent::decode(body).ok()?;
            json!({
                "group": event.group,
                "act": format!("{:?}", event.act()),
                "actor": event.actor,
                "users": event.users,
                "name": event.name,
                "reason": event.reason,
                "detail": event.detail,
            })
        }
        Kind::ContactEvent => {
            let event = ContactEvent::decode(body).ok()?;
            json!({
                "act": format!("{:?}", event.act()),
                "from": event.from,
                "to": event.to,
                "reason": event.reason,
            })
        }
        Kind::GroupReadReceipt => {
            let read = ReadInGroup::decode(body).ok()?;
            json!({
                "group": read.group,
                "message": read.message.to_string(),
                "count": read.count,
                "content": read.content,
            })
        }
        Kind::Notice => Value::from(Notice::decode(body).ok()?.json),
        _ => return None,
    })
}

/// Whether only a door can read the body of such an entry.
pub(super) const fn is_of_a_door(kind: Kind) -> bool {
    !matches!(kind, Kind::GroupEvent | Kind::ContactEvent | Kind::GroupReadReceipt | Kind::Notice)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
