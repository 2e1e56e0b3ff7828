//! What some requests give out besides their answer: pieces, one after the other, as they come.
//!
//! Whoever takes them decides how fast they come. When nobody takes them any more, [`Pieces::send`] says
//! so, and what was asked for ends or goes on without.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::failure::Failure;

/// How many pieces wait to be taken at the most.
const WAITING: usize = 4;
/// Bytes of a piece at the most.
pub(super) const PIECE: usize = 256 << 10;

/// A piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What follows belongs to the file of this name.
    File(String),
    /// Bytes of it, at most 256 KiB.
    Bytes(Bytes),
    /// So much was done by now: rows, or bytes.
    Progress(u64),
}

const FILE: u8 = 1;
const BYTES: u8 = 2;
const PROGRESS: u8 = 3;

impl Piece {
    /// As it goes through the control socket: a byte that no JSON begins with, and what belongs to it.
    pub fn encode(&self) -> Vec<u8> {
        let number;
        let (tag, rest) = match self {
            Self::File(name) => (FILE, name.as_bytes()),
            Self::Bytes(bytes) => (BYTES, &bytes[..]),
            Self::Progress(done) => {
                number = done.to_be_bytes();
                (PROGRESS, &number[..])
            }
        };
        let mut frame = Vec::with_capacity(rest.len() + 1);
        frame.push(tag);
        frame.extend_from_slice(rest);
        frame
    }

    /// The piece that a frame holds; none if it is none.
    pub fn decode(frame: &[u8]) -> Option<Self> {
        let (tag, rest) = frame.split_first()?;
        match *tag {
            FILE => Some(Self::File(std::str::from_utf8(rest).ok()?.to_owned())),
            BYTES => Some(Self::Bytes(Bytes::copy_from_slice(rest))),
            PROGRESS => Some(Self::Progress(u64::from_be_bytes(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

/// Where pieces go.
#[derive(Debug, Clone)]
pub struct Pieces(mpsc::Sender<Piece>);

/// Where pieces go, and where they come.
pub fn pieces() -> (Pieces, mpsc::Receiver<Piece>) {
    let (to, from) = mpsc::channel(WAITING);
    (Pieces(to), from)
}

impl Pieces {
    /// Tells how much was done, if somebody listens and is not behind.
    pub fn tell(&self, done: u64) {
        let _ = self.0.try_send(Piece::Progress(done));
    }

    /// Hands a piece over, when there is room for it.
    ///
    /// # Errors
    /// [`Failure::Refused`] when nobody takes it.
    pub async fn send(&self, piece: Piece) -> Result<(), Failure> {
        let gone = |_| Failure::Refused("whoever asked for it went away".into());
        self.0.send(piece).await.map_err(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_piece_is_read_as_it_was_written_and_is_no_json() {
        for piece in [
            Piece::File("records/users.jsonl".into()),
            Piece::Bytes(Bytes::from_static(b"{}")),
            Piece::Bytes(Bytes::new()),
            Piece::Progress(7),
        ] {
            let frame = piece.encode();
            assert_ne!(frame[0], b'{');
            assert_eq!(Piece::decode(&frame), Some(piece));
        }
        for strange in [&b""[..], b"{}", b"\x01\xFF", b"\x03\x00"] {
            assert_eq!(Piece::decode(strange), None);
        }
    }

    proptest! {
        #[test]
        fn strange_frames_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Piece::decode(&bytes);
        }
    }
}
