//! What the fuzz targets run, shared with tests that need no fuzzer.

use std::net::Ipv4Addr;

use bytes::Bytes;
use stoa_core::AddressRange;
use stoa_wire::{Message, MessageBody};

use crate::class::fuzzing::exercise;
use crate::net::codec::{Carries, Decoder, Event, ProtocolError};
use crate::net::{client_of_head, first_request};
use crate::session::incoming::{Act, Incoming, Sender, read};

/// Bytes of a message in [`exercise_socket`]; small, so that inputs reach it.
const MESSAGE_BYTES: usize = 600;

/// Takes `data` for what a stranger sends on a new connection: the start of the first request, and
/// WebSocket frames after it.
///
/// # Panics
/// When it matters in which pieces the bytes come, or more is kept than a message may have.
pub fn exercise_socket(data: &[u8]) {
    for start in
        ["", "GET /ws", "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"]
    {
        request(&[start.as_bytes(), data].concat());
    }
    let Some((&step, frames)) = data.split_first() else { return };
    for carries in [Carries::Binary, Carries::Text] {
        let whole = decode(carries, frames.chunks(frames.len().max(1)));
        let pieces = decode(carries, frames.chunks(usize::from(step).max(1)));
        assert_eq!(whole, pieces);
    }
}

/// A request is judged once: what was enough stays enough, with the same outcome.
fn request(bytes: &[u8]) {
    // Whoever is no proxy is who it is, whatever it says.
    let (proxy, stranger) = (Ipv4Addr::new(10, 0, 0, 1).into(), Ipv4Addr::new(9, 9, 9, 9).into());
    let proxies: [AddressRange; 1] = ["10.0.0.0/8".parse().expect("it is a range")];
    let _ = client_of_head(proxy, &proxies, bytes);
    assert_eq!(client_of_head(stranger, &proxies, bytes), stranger);
    let Some((len, answer)) = first_request(bytes) else { return };
    assert!(len <= bytes.len());
    assert_eq!(first_request(&bytes[..len]), Some((len, answer)));
    assert_eq!(first_request(&bytes[..len - 1]), None);
}

fn decode<'a>(
    carries: Carries,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Event>, Result<(), ProtocolError>) {
    let mut decoder = Decoder::new(MESSAGE_BYTES, carries);
    let mut events = Vec::new();
    let mut outcome = Ok(());
    for piece in pieces {
        let result = decoder.decode(piece, &mut |event| events.push(event));
        // Everything after an error is ignored.
        outcome = outcome.and(result);
        assert!(decoder.buffered_bytes() <= MESSAGE_BYTES + 125);
    }
    (events, outcome)
}

/// Takes `data` for a frame, of somebody who is logged in and of somebody who is not.
///
/// # Panics
/// When something gets through that recipients could not read, or in another's name.
pub fn exercise_frame(data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    if let Ok(incoming) = read(frame.clone(), None) {
        assert!(matches!(incoming, Incoming::Login(_) | Incoming::Unread));
    }
    let sender = Sender { app_key: "org#app", user: "amy" };
    let Ok(Incoming::Act { id, act }) = read(frame, Some(sender)) else { return };
    let (to, body, client_id) = match &act {
        Act::Send(draft) => {
            assert!(draft.content_bytes <= data.len());
            (draft.to.name(), &draft.body, draft.client_id)
        }
        Act::Acknowledge(receipt) => (receipt.to.as_str(), &receipt.body, receipt.client_id),
        // What the reader adds is all that is taken over.
        Act::AcknowledgeInGroup(receipt) => return assert!(receipt.content.len() <= data.len()),
        Act::Recall(recall) => (recall.to.name(), &recall.body, recall.client_id),
        // A name alone, checked where it was read; a body is made of it when the message is known.
        Act::Read(_) => return,
        Act::Edit(edit) => return assert!(edit.content_bytes <= data.len()),
        Act::EnterRoom { room, ext, .. } => {
            return assert!(room.is_room() && ext.len() <= data.len());
        }
        Act::LeaveRoom { room } => return assert!(room.is_room()),
        Act::Refuse(status) => return assert_ne!(status.code, 0),
    };
    assert!(id != 0 && client_id == id);
    let body = MessageBody::decode(body.clone()).expect("what is sent on can be read");
    let name = |jid: Option<stoa_wire::Jid>| jid.and_then(|jid| jid.name);
    assert_eq!(name(body.from).as_deref(), Some("amy"));
    assert!(name(body.to).is_some_and(|name| name.eq_ignore_ascii_case(to)));
}

/// Takes `data` for what a client in a class sends, line by line, and for what happens to its session meanwhile.
///
/// # Panics
/// When a session does something after its end, lets somebody hear the room who was not let in, or says what is no
/// JSON.
pub fn exercise_class(data: &[u8]) {
    exercise(data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzer_kept() {
        for (target, exercise) in [
            ("socket", exercise_socket as fn(&[u8])),
            ("msync", exercise_frame),
            ("class", exercise_class),
        ] {
            let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
            let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
            assert!(!inputs.is_empty(), "{target}");
            inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
            exercise_socket(&data);
            exercise_frame(&data);
            exercise_class(&data);
        }
    }
}
