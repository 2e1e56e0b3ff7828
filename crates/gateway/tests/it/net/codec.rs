//! WebSocket frames byte by byte (examples of RFC 6455, section 5.7, where it has some).

use bytes::Bytes;
use proptest::prelude::*;
use stoa_gateway::net::codec::{
    Carries, CloseCode, Decoder, Event, ProtocolError, put_close, put_message_head, put_pong,
};

use super::support::client_frame;

const LIMIT: usize = 1000;
const BINARY: u8 = 0x82;

fn decode_in(pieces: &[&[u8]]) -> (Vec<Event>, Result<(), ProtocolError>) {
    let mut decoder = Decoder::new(LIMIT, Carries::Binary);
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.decode(piece, &mut |event| events.push(event)) {
            return (events, Err(error));
        }
    }
    (events, Ok(()))
}

fn decode(bytes: &[u8]) -> (Vec<Event>, Result<(), ProtocolError>) {
    decode_in(&[bytes])
}

fn error(bytes: &[u8]) -> ProtocolError {
    let (events, result) = decode(bytes);
    assert_eq!(events, []);
    result.unwrap_err()
}

fn message(payload: &[u8]) -> Event {
    Event::Message(Bytes::copy_from_slice(payload))
}

#[test]
fn a_masked_message_in_hex() {
    // "Hello" under the mask 37 fa 21 3d, the example of the RFC with the binary operation.
    let frame = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode(&frame), (vec![message(b"Hello")], Ok(())));
}

#[test]
fn what_the_server_writes_in_hex() {
    let head = |len| {
        let mut out = Vec::new();
        put_message_head(len, Carries::Binary, &mut out);
        out
    };
    assert_eq!(head(0), [0x82, 0]);
    assert_eq!(head(125), [0x82, 125]);
    assert_eq!(head(126), [0x82, 126, 0, 126]);
    assert_eq!(head(256), [0x82, 126, 0x01, 0x00]);
    assert_eq!(head(65_535), [0x82, 126, 0xff, 0xff]);
    assert_eq!(head(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);

    let mut out = Vec::new();
    put_pong(b"Hello", &mut out);
    assert_eq!(out, [0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    out.clear();
    put_close(Some(CloseCode::NORMAL), "bye", &mut out);
    assert_eq!(out, [0x88, 5, 0x03, 0xe8, b'b', b'y', b'e']);
    out.clear();
    put_close(None, "", &mut out);
    assert_eq!(out, [0x88, 0]);
}

#[test]
fn long_reasons_are_cut_at_a_character() {
    let mut out = Vec::new();
    put_close(Some(CloseCode::POLICY), &"é".repeat(100), &mut out);
    assert_eq!(out.len(), 2 + 2 + 122);
    assert!(std::str::from_utf8(&out[4..]).is_ok());
}

#[test]
fn fragments_with_a_ping_between() {
    let stream = [
        client_frame(0x02, b"Hel"),
        client_frame(0x89, b"you?"),
        client_frame(0x00, b""),
        client_frame(0x80, b"lo"),
        client_frame(BINARY, b""),
    ];
    let expected = vec![Event::Ping(Bytes::from_static(b"you?")), message(b"Hello"), message(b"")];
    assert_eq!(decode(&stream.concat()), (expected, Ok(())));
}

#[test]
fn closing() {
    let close = |payload: &[u8]| decode(&client_frame(0x88, payload));
    assert_eq!(close(b""), (vec![Event::Close(None)], Ok(())));
    assert_eq!(close(b"\x03\xe8"), (vec![Event::Close(Some(CloseCode::NORMAL))], Ok(())));
    assert_eq!(close(b"\x0f\xa0bye"), (vec![Event::Close(Some(CloseCode(4000)))], Ok(())));
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535] {
        let frame = client_frame(0x88, &code.to_be_bytes());
        assert_eq!(error(&frame), ProtocolError::CloseCode, "{code}");
    }
    assert_eq!(error(&client_frame(0x88, b"\x03")), ProtocolError::CloseCode);
    assert_eq!(error(&client_frame(0x88, b"\x03\xe8\xff")), ProtocolError::CloseReason);
    // Nothing counts after it, not even nonsense.
    let stream = [client_frame(0x88, b""), client_frame(BINARY, b"late"), vec![0xff; 9]].concat();
    assert_eq!(decode(&stream), (vec![Event::Close(None)], Ok(())));
}

#[test]
fn against_the_protocol() {
    assert_eq!(error(&[0x82, 0x05]), ProtocolError::NotMasked);
    assert_eq!(error(&[0xc2]), ProtocolError::Reserved);
    assert_eq!(error(&[0x83]), ProtocolError::Opcode(3));
    assert_eq!(error(&[0x8b]), ProtocolError::Opcode(11));
    assert_eq!(error(&client_frame(0x81, b"text")), ProtocolError::Text);
    assert_eq!(error(&client_frame(0x80, b"x")), ProtocolError::Fragments);
    assert_eq!(
        error(&[client_frame(0x02, b"x"), client_frame(0x82, b"y")].concat()),
        ProtocolError::Fragments
    );
    assert_eq!(error(&client_frame(0x09, b"x")), ProtocolError::Control);
    assert_eq!(error(&client_frame(0x89, &[0; 126])), ProtocolError::Control);
    assert_eq!(error(&[0x82, 0xfe, 0, 125, 0, 0, 0, 0]), ProtocolError::Length);
    assert_eq!(
        error(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]),
        ProtocolError::Length
    );
    assert_eq!(error(&[&[0x82, 0xff][..], &[0xff; 12]].concat()), ProtocolError::Length);
}

#[test]
fn a_connection_that_carries_texts() {
    let decode = |stream: &[u8]| {
        let mut events = Vec::new();
        let mut decoder = Decoder::new(LIMIT, Carries::Text);
        let result = decoder.decode(stream, &mut |event| events.push(event));
        (events, result)
    };
    let text = "a text, für alle".as_bytes();
    assert_eq!(decode(&client_frame(0x81, text)), (vec![message(text)], Ok(())));
    // A character may be cut between fragments.
    let cut = text.iter().position(|byte| *byte > 0x7f).unwrap() + 1;
    let fragments = [client_frame(0x01, &text[..cut]), client_frame(0x80, &text[cut..])].concat();
    assert_eq!(decode(&fragments), (vec![message(text)], Ok(())));
    assert_eq!(decode(&client_frame(0x81, b"\xff")), (vec![], Err(ProtocolError::NotUtf8)));
    assert_eq!(ProtocolError::NotUtf8.close_code(), CloseCode::INVALID_TEXT);
    assert_eq!(decode(&client_frame(BINARY, b"x")), (vec![], Err(ProtocolError::Binary)));
    assert_eq!(ProtocolError::Binary.close_code(), CloseCode::UNSUPPORTED);
    let mut head = Vec::new();
    put_message_head(300, Carries::Text, &mut head);
    assert_eq!(head, [0x81, 126, 1, 44]);
}

#[test]
fn sizes() {
    assert_eq!(decode(&client_frame(BINARY, &[1; LIMIT])), (vec![message(&[1; LIMIT])], Ok(())));
    let too_large = ProtocolError::TooLarge { limit: LIMIT };
    assert_eq!(error(&client_frame(BINARY, &[1; LIMIT + 1])), too_large);
    // The head alone is enough to refuse, and fragments count together.
    assert_eq!(
        error(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        too_large
    );
    let fragments = [client_frame(0x02, &[1; LIMIT]), client_frame(0x80, &[1; 1])].concat();
    assert_eq!(error(&fragments), too_large);
}

#[test]
fn codes_of_errors() {
    assert_eq!(ProtocolError::Text.close_code(), CloseCode::UNSUPPORTED);
    assert_eq!(ProtocolError::TooLarge { limit: 1 }.close_code(), CloseCode::TOO_LARGE);
    assert_eq!(ProtocolError::CloseReason.close_code(), CloseCode::INVALID_TEXT);
    assert_eq!(ProtocolError::NotMasked.close_code(), CloseCode::PROTOCOL);
}

#[test]
fn nothing_is_kept_between_messages() {
    let mut decoder = Decoder::new(LIMIT, Carries::Binary);
    let frame = client_frame(BINARY, &[7; 300]);
    decoder.decode(&frame[..100], &mut |_| panic!("not complete")).unwrap();
    assert_eq!(decoder.buffered_bytes(), 100 - 8);
    let mut events = 0;
    decoder.decode(&frame[100..], &mut |_| events += 1).unwrap();
    assert_eq!((events, decoder.buffered_bytes()), (1, 0));
}

/// A stream that is right, with what it means.
fn conversation() -> impl Strategy<Value = (Vec<u8>, Vec<Event>)> {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max);
    let fragments = prop::collection::vec(bytes(200), 1..4);
    let item = prop_oneof![
        fragments.prop_map(|parts| {
            let last = parts.len() - 1;
            let stream = parts.iter().enumerate().map(|(i, part)| {
                client_frame(if i == 0 { 2 } else { 0 } | if i == last { 0x80 } else { 0 }, part)
            });
            (stream.collect::<Vec<_>>().concat(), message(&parts.concat()))
        }),
        bytes(126).prop_map(|payload| (client_frame(0x89, &payload), Event::Ping(payload.into()))),
        bytes(126).prop_map(|payload| (client_frame(0x8a, &payload), Event::Pong)),
    ];
    prop::collection::vec(item, 0..8).prop_map(|items| {
        let (streams, events): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        (streams.concat(), events)
    })
}

proptest! {
    #[test]
    fn however_the_stream_is_cut_it_means_the_same(
        (stream, events) in conversation(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        prop_assert_eq!(decode_in(&pieces), (events.clone(), Ok(())));
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(decode_in(&bytes), (events, Ok(())));
    }

    #[test]
    fn arbitrary_bytes_end_in_events_or_an_error(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..10),
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (events, _) = decode_in(&pieces);
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        prop_assert!(events.len() <= bytes);
    }

    #[test]
    fn damage_is_survived(
        (stream, _) in conversation(),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut stream = stream;
        if !stream.is_empty() {
            let at = at.index(stream.len());
            stream[at] ^= 1_u8 << bit;
        }
        let mut decoder = Decoder::new(LIMIT, Carries::Binary);
        let result = decoder.decode(&stream, &mut |_| {});
        prop_assert!(decoder.buffered_bytes() <= LIMIT + 125);
        if result.is_err() {
            // After an error everything is ignored.
            prop_assert_eq!(decoder.buffered_bytes(), 0);
            prop_assert_eq!(decoder.decode(&stream, &mut |_| panic!("an event")), Ok(()));
        }
    }
}
