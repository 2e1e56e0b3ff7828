//! From what lies in logs to what devices get: an entry as the `Meta` of MSYNC.
//!
//! Sessions push it and read it page by page, REST hands it out as history; both call [`meta`], so a
//! message looks the same wherever it is met. The bytes do not depend on who receives them, so that
//! they are made once for all members of a group.

mod edit;
mod event;
mod json;

use bytes::{BufMut, Bytes, BytesMut};
use stoa_chat::entry::{Entry, Kind};
use stoa_wire::NameSpace;
use stoa_wire::delivery::{Address, Delivery};

pub use edit::{edit_msg, rewrite};
pub use json::json_message;

/// An entry as an encoded `Meta` (msync sections 5 to 7).
pub fn meta(entry: &Entry, app_key: &str) -> Bytes {
    let device =
        Address::Device { user: entry.from.as_str(), resource: entry.from_resource.as_str() };
    let to = match entry.to.group() {
        Some(group) => Address::Group(group.as_str()),
        None => Address::User(entry.to.name()),
    };
    let (ns, from, payload) = match entry.kind {
        Kind::GroupEvent => {
            let (group, payload) = event::group(entry, app_key);
            let payload = payload.unwrap_or_default();
            return delivery(entry, app_key, NameSpace::Muc, Address::Group(&group), to, &payload);
        }
        Kind::ContactEvent => (NameSpace::Roster, device, event::contact(entry, app_key)),
        Kind::Notice => (NameSpace::Notify, device, event::notice(entry)),
        Kind::GroupReadReceipt => (NameSpace::Chat, device, event::read_in_group(entry)),
        _ => (NameSpace::Chat, device, body(entry)),
    };
    delivery(entry, app_key, ns, from, to, &payload)
}

fn delivery(
    entry: &Entry,
    app_key: &str,
    ns: NameSpace,
    from: Address<'_>,
    to: Address<'_>,
    payload: &[u8],
) -> Bytes {
    Delivery {
        id: entry.id.0,
        app_key,
        from,
        to,
        timestamp: entry.at.as_millis(),
        ns,
        payload,
        ext: &entry.ext,
        meta: b"",
    }
    .encode()
}

/// The field of a `MessageBody` that holds the server's own JSON about it.
const BODY_META: u32 = 9;

/// The body as it is delivered: with what the server has to say about an edit behind it.
fn body(entry: &Entry) -> Bytes {
    match &entry.edit {
        Some(edit) if entry.kind.is_message() => {
            let mut out = BytesMut::from(&entry.body[..]);
            put_text(BODY_META, &edit::about(entry, edit).to_string(), &mut out);
            out.freeze()
        }
        _ => entry.body.clone(),
    }
}

/// Appends a text field; of one that occurs twice the last counts.
fn put_text(number: u32, text: &str, out: &mut BytesMut) {
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(text.len() as u64, out);
    out.put_slice(text.as_bytes());
}
