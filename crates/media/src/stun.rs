//! The one thing that is read of a STUN request before its connection is known: for whom it is (RFC 8489, RFC 8445).

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0, 1];
const USERNAME: u16 = 6;

/// The user fragment of the side that is asked: the part of USERNAME before the colon. `None` for what is no binding
/// request, or has no such name.
pub(crate) fn user(bytes: &[u8]) -> Option<&str> {
    if bytes.get(..2)? != BINDING_REQUEST || bytes.len() < HEADER {
        return None;
    }
    let mut rest = bytes.get(HEADER..)?;
    while let [a, b, c, d, tail @ ..] = rest {
        let (kind, len) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        if kind == USERNAME {
            let name = std::str::from_utf8(tail.get(..len)?).ok()?;
            return name.split_once(':').map(|(user, _)| user);
        }
        rest = tail.get(len.next_multiple_of(4)..)?;
    }
    None
}

/// Whether it is STUN at all (RFC 7983: the first octet says it).
pub(crate) fn is(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_who_is_asked_and_cut_ones_name_nobody() {
        let mut request = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 12]);
        request.extend([0x80, 0x2a, 0, 2, 1, 1, 0, 0]);
        request.extend([0, 6, 0, 7]);
        request.extend(b"abc:def\0");
        assert_eq!(user(&request), Some("abc"));
        for len in 0..request.len() - 1 {
            assert_eq!(user(&request[..len]), None, "{len}");
        }
        request[1] = 0x11;
        assert_eq!(user(&request), None, "an indication names nobody");
    }
}
