//! The question for a client's certificate (`CertificateRequest`, RFC 5246 section 7.4.4), with RSA added to it: in the datagram that is
//! sent, and in the record of the handshake (RFC 6347 section 4.2.6: whole messages with their headers).
//!
//! Both change the same bytes in the same way, and only these: the question as this server makes it, in the place where a
//! handshake has it. What a client sends is never changed.

use std::borrow::Cow;

/// By how many bytes the question becomes longer.
pub(super) const MORE: usize = 5;

/// Kind of a record: handshake.
const HANDSHAKE: u8 = 22;
/// Before a record: kind, version, epoch, number, length.
const RECORD: usize = 13;
/// Before a message: kind, length, number, offset and length of the fragment.
const MESSAGE: usize = 12;
/// What a handshake begins with: the client's and the server's hello, the server's certificate and key.
const BEFORE: [u8; 4] = [1, 2, 11, 12];
/// The question.
const REQUEST: u8 = 13;
/// Kinds of certificates.
const RSA_SIGN: u8 = 1;
/// PKCS#1 v1.5 with SHA-256 and SHA-384.
const RSA: [u8; 4] = [4, 1, 5, 1];

/// What is sent instead of this datagram, if the question is in it.
pub(super) fn datagram(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut rest, mut found) = (bytes, false);
    while let Some(head) = rest.first_chunk::<RECORD>() {
        let length = usize::from(u16::from_be_bytes([head[11], head[12]]));
        let (record, after) = rest.split_at_checked(RECORD + length)?;
        let content = &record[RECORD..];
        // Epoch 0 is what is not encrypted.
        let asked = (head[0] == HANDSHAKE && head[3..5] == [0, 0])
            .then(|| whole(content).filter(|(_, after)| after.is_empty()))
            .flatten()
            .and_then(|(message, _)| amended(message));
        let content = asked.as_deref().unwrap_or(content);
        out.extend_from_slice(&head[..11]);
        out.extend_from_slice(&u16::try_from(content.len()).ok()?.to_be_bytes());
        out.extend_from_slice(content);
        (rest, found) = (after, found || asked.is_some());
    }
    (found && rest.is_empty()).then_some(out)
}

/// The record of a handshake with the question as it was sent; anything else as it is.
pub(super) fn transcript(bytes: &[u8]) -> Cow<'_, [u8]> {
    changed(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned)
}

fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    for kind in BEFORE {
        let (message, after) = whole(rest)?;
        if message[0] != kind {
            return None;
        }
        rest = after;
    }
    let (message, after) = whole(rest)?;
    let before = &bytes[..bytes.len() - rest.len()];
    Some([before, &amended(message)?, after].concat())
}

/// The first message and what follows it, if the message is whole.
fn whole(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = bytes.first_chunk::<MESSAGE>()?;
    let length = number(&head[1..4]);
    if number(&head[6..9]) != 0 || number(&head[9..12]) != length {
        return None;
    }
    bytes.split_at_checked(MESSAGE + length)
}

/// This message with RSA, if it is the question and has none.
fn amended(message: &[u8]) -> Option<Vec<u8>> {
    if message[0] != REQUEST {
        return None;
    }
    let (count, rest) = message[MESSAGE..].split_first()?;
    let (kinds, rest) = rest.split_at_checked(usize::from(*count))?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (signatures, authorities) =
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    if kinds.contains(&RSA_SIGN) {
        return None;
    }
    let mut body = vec![count.checked_add(1)?];
    body.extend_from_slice(kinds);
    body.push(RSA_SIGN);
    let length = u16::from_be_bytes(*length).checked_add(4)?;
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(signatures);
    body.extend_from_slice(&RSA);
    body.extend_from_slice(authorities);
    let length = u32::try_from(body.len()).ok()?.to_be_bytes();
    let length = &length[1..];
    Some([&[REQUEST][..], length, &message[4..9], length, &body].concat())
}

/// A number of three bytes.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The question as it is made, and as it is to be.
    const MADE: &[u8] = &[1, 64, 0, 4, 4, 3, 5, 3, 0, 0];
    const SENT: &[u8] = &[2, 64, 1, 0, 8, 4, 3, 5, 3, 4, 1, 5, 1, 0, 0];

    fn message(kind: u8, number: u8, body: &[u8]) -> Vec<u8> {
        let length = [0, 0, u8::try_from(body.len()).unwrap()];
        [&[kind][..], &length, &[0, number, 0, 0, 0], &length, body].concat()
    }

    fn record(epoch: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[22, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 7][..], &length, content].concat()
    }

    fn hellos() -> Vec<Vec<u8>> {
        BEFORE.iter().zip(0..).map(|(kind, n)| message(*kind, n, &[n; 40])).collect()
    }

    #[test]
    fn the_question_is_amended_where_it_is_sent_and_where_it_is_recorded() {
        let (made, sent) = (message(13, 4, MADE), message(13, 4, SENT));
        assert_eq!(sent.len(), made.len() + MORE);
        let (before, done) = (hellos(), message(14, 5, &[]));
        let flight = |asked: &[u8]| -> Vec<u8> {
            let server = before[1..].iter().map(Vec::as_slice);
            server.chain([asked, &done]).flat_map(|m| record(0, m)).collect()
        };
        assert_eq!(datagram(&flight(&made)), Some(flight(&sent)));
        let recorded = |asked: &[u8]| [&before.concat()[..], asked, &done].concat();
        assert_eq!(*transcript(&recorded(&made)), recorded(&sent));
    }

    #[test]
    fn what_has_rsa_already_stays() {
        let sent = message(13, 4, SENT);
        assert_eq!(datagram(&record(0, &sent)), None);
        let recorded = [hellos().concat(), sent].concat();
        assert_eq!(*transcript(&recorded), recorded);
    }

    #[test]
    fn nothing_else_is_changed_in_what_is_sent() {
        let made = message(13, 4, MADE);
        assert_eq!(datagram(&[]), None);
        assert_eq!(datagram(&record(1, &made)), None, "encrypted");
        assert_eq!(datagram(&record(0, &message(11, 4, MADE))), None, "a certificate");
        assert_eq!(datagram(&record(0, &made[..made.len() - 1])), None, "a part");
        assert_eq!(datagram(&record(0, &[&made[..], &made].concat())), None, "two in one");
        let cut = record(0, &made);
        assert_eq!(datagram(&cut[..cut.len() - 1]), None, "cut");
        assert_eq!(datagram(&[cut, vec![22]].concat()), None, "and more");
    }

    #[test]
    fn a_client_cannot_put_the_question_into_the_record() {
        let made = message(13, 4, MADE);
        let unchanged = |messages: &[Vec<u8>]| {
            let bytes = messages.concat();
            assert_eq!(*transcript(&bytes), bytes);
        };
        let before = hellos();
        unchanged(&before);
        unchanged(std::slice::from_ref(&made));
        // In its hello; and as the first thing that it says.
        let within = message(1, 0, &made);
        unchanged(&[std::slice::from_ref(&within), &before[1..]].concat());
        unchanged(&[std::slice::from_ref(&made), &before].concat());
        // Where it is, only what the server has said is changed.
        let recorded = [std::slice::from_ref(&within), &before[1..], std::slice::from_ref(&made)]
            .concat()
            .concat();
        let wanted = [&[within][..], &before[1..], &[message(13, 4, SENT)]].concat().concat();
        assert_eq!(*transcript(&recorded), wanted);
        // Not a second time.
        let twice = [&before[..], &[message(13, 4, SENT), made]].concat();
        unchanged(&twice);
    }

    #[test]
    fn no_cut_of_a_record_is_a_fault() {
        let recorded = [hellos().concat(), message(13, 4, MADE), message(14, 5, &[])].concat();
        let sent: Vec<u8> = hellos().iter().flat_map(|m| record(0, m)).collect();
        for end in 0..recorded.len() {
            let _ = transcript(&recorded[..end]);
        }
        for end in 0..sent.len() {
            assert_eq!(datagram(&sent[..end]), None);
        }
        // Lengths inside the question that point outside.
        for at in [0, 2, 3] {
            let mut body = MADE.to_vec();
            body[at] = 200;
            assert_eq!(datagram(&record(0, &message(13, 4, &body))), None);
        }
    }
}
