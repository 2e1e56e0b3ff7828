//! What goes through the control socket: frames of a length (4 bytes, big-endian) and that much JSON.
//!
//! A client writes `{"protocol", "version", "body": Request}`, the server answers `{"protocol",
//! "version", "body": {"done": Answer} | {"failed": Problem}}`, as often as the client likes.
//! Before an answer, the pieces may come that some requests give out ([`Piece`](crate::admin::Piece)): frames
//! that begin with a byte with which no JSON does.
//! `protocol` and `version` keep their meaning for ever; what `body` is, the number decides. It rises
//! with every change that an older binary would misunderstand.

use std::io::{self, ErrorKind};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::admin::{Answer, Request};
use crate::failure::{Exit, Problem};

/// The number of the protocol that this binary speaks.
pub const PROTOCOL: u32 = 1;
/// The version of this binary.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The longest request, in bytes: far above every password and name.
pub const LONGEST_REQUEST: usize = 64 << 10;
/// The longest answer, in bytes: far above the list of all apps, or a page of users.
pub const LONGEST_ANSWER: usize = 16 << 20;

/// Longer than any answer with a secret in it, in bytes.
const SHORT: usize = 8 << 10;

/// What is around every request and answer.
#[derive(Serialize, Deserialize)]
struct Envelope<'a, B> {
    protocol: u32,
    version: &'a str,
    body: B,
}

/// The body of an answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Done(Box<Answer>),
    Failed(Problem),
}

/// Why a frame is not understood.
#[derive(Debug, thiserror::Error)]
pub enum Misunderstanding {
    /// The other side speaks another protocol.
    #[error(
        "the server is version {version} and speaks control protocol {protocol}, this command is version {VERSION} and speaks {PROTOCOL}: use the binary that the server was started with, or restart the server with this one"
    )]
    OtherVersion {
        /// The protocol it speaks.
        protocol: u32,
        /// Its version.
        version: String,
    },
    /// It is not what the protocol says.
    #[error("what came through the control socket is not understood")]
    Malformed,
}

/// The bytes of a request. They may hold secrets, so they are wiped.
pub(super) fn write_request(request: &Request) -> io::Result<Zeroizing<Vec<u8>>> {
    let envelope = Envelope { protocol: PROTOCOL, version: VERSION, body: request };
    // Never grown, so that no copy is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST));
    serde_json::to_writer(&mut *bytes, &envelope)?;
    Ok(bytes)
}

/// Reads a request.
pub(super) fn read_request(bytes: &[u8]) -> Result<Request, Misunderstanding> {
    serde_json::from_str(open(bytes)?).map_err(|_| Misunderstanding::Malformed)
}

/// The bytes of an answer.
pub(super) fn write_answer(outcome: Result<Answer, Problem>) -> io::Result<Zeroizing<Vec<u8>>> {
    let body = match outcome {
        Ok(answer) => Outcome::Done(Box::new(answer)),
        Err(problem) => Outcome::Failed(problem),
    };
    let envelope = Envelope { protocol: PROTOCOL, version: VERSION, body };
    // Only short answers hold a secret; those do not outgrow this.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SHORT));
    serde_json::to_writer(&mut *bytes, &envelope)?;
    Ok(bytes)
}

/// Reads an answer.
pub(super) fn read_answer(bytes: &[u8]) -> Result<Result<Answer, Problem>, Misunderstanding> {
    let outcome = serde_json::from_str(open(bytes)?).map_err(|_| Misunderstanding::Malformed)?;
    Ok(match outcome {
        Outcome::Done(answer) => Ok(*answer),
        Outcome::Failed(problem) => Err(problem),
    })
}

/// What the server answers to a request that it does not understand.
pub(super) fn not_understood(reason: &Misunderstanding) -> Problem {
    let message = match reason {
        Misunderstanding::OtherVersion { protocol, version } => format!(
            "this command is version {version} and speaks control protocol {protocol}, the server is version {VERSION} and speaks {PROTOCOL}: use the binary that the server was started with"
        ),
        Misunderstanding::Malformed => format!(
            "the server (version {VERSION}) does not know this request: use the binary that the server was started with"
        ),
    };
    Problem { exit: Exit::Failed, kind: "version".into(), message }
}

/// The body of a frame, if it is of our protocol.
fn open(bytes: &[u8]) -> Result<&str, Misunderstanding> {
    let envelope: Envelope<'_, &RawValue> =
        serde_json::from_slice(bytes).map_err(|_| Misunderstanding::Malformed)?;
    if envelope.protocol != PROTOCOL {
        let version = envelope.version.chars().filter(|c| !c.is_control()).take(32).collect();
        return Err(Misunderstanding::OtherVersion { protocol: envelope.protocol, version });
    }
    Ok(envelope.body.get())
}

/// Writes a frame.
pub(super) async fn write_frame(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    longest: usize,
) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= longest);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "too long"))?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(bytes).await?;
    to.flush().await
}

/// Reads a frame of at most `longest` bytes; none at the end.
pub(super) async fn read_frame(
    from: &mut (impl AsyncRead + Unpin),
    longest: usize,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > longest {
        return Err(io::Error::new(ErrorKind::InvalidData, "a frame is longer than allowed"));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{SecretText, Text, UserRequest};
    use proptest::prelude::*;
    use stoa_core::Secret;

    fn set_password(password: &str) -> Request {
        Request::User(UserRequest::SetPassword {
            app: Text("acme#support".parse().unwrap()),
            user: Text("carol".parse().unwrap()),
            password: SecretText(Secret::new(password)),
        })
    }

    #[test]
    fn the_bytes_of_version_1() {
        let bytes = write_request(&set_password("a \"quoted\" one")).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap().replace(VERSION, "VERSION");
        assert_eq!(
            text,
            r##"{"protocol":1,"version":"VERSION","body":{"user":{"set_password":{"app":"acme#support","user":"carol","password":"a \"quoted\" one"}}}}"##
        );
        let Ok(Request::User(UserRequest::SetPassword { password, .. })) = read_request(&bytes)
        else {
            panic!("{text}")
        };
        assert_eq!(password.0.expose(), "a \"quoted\" one");
        let answer = write_answer(Ok(Answer::Renewed { keys: 3 })).unwrap();
        let text = std::str::from_utf8(&answer).unwrap().replace(VERSION, "VERSION");
        assert_eq!(
            text,
            r#"{"protocol":1,"version":"VERSION","body":{"done":{"renewed":{"keys":3}}}}"#
        );
        assert!(matches!(read_answer(&answer), Ok(Ok(Answer::Renewed { keys: 3 }))));
    }

    #[test]
    fn another_version_is_told_apart_from_nonsense() {
        let other = br#"{"protocol":7,"version":"9.0.0","body":{"new":"things"}}"#;
        let reason = read_answer(other).unwrap_err();
        let text = reason.to_string();
        assert!(text.contains("9.0.0") && text.contains("protocol 7"), "{text}");
        let reason = read_request(other).unwrap_err();
        assert!(not_understood(&reason).message.contains("9.0.0"));
        let unknown = br#"{"protocol":1,"version":"0.0.9","body":{"app":"explode"}}"#;
        assert!(matches!(read_request(unknown), Err(Misunderstanding::Malformed)));
        let bad = br##"{"protocol":1,"version":"0.0.9","body":{"app":{"show":{"key":"acme#support#x","reveal":false}}}}"##;
        assert!(
            matches!(read_request(bad), Err(Misunderstanding::Malformed)),
            "checked on reading"
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let request = format!("{:?}", set_password("correct horse"));
        assert!(!request.contains("horse") && !request.contains("carol"), "{request}");
    }

    proptest! {
        #[test]
        fn strange_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_request(&bytes);
            let _ = read_answer(&bytes);
        }
    }

    #[tokio::test]
    async fn frames_are_bounded() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"abc", 3).await.unwrap();
        assert!(write_frame(&mut Vec::new(), b"abcd", 3).await.is_err());
        let mut from = &wire[..];
        assert_eq!(read_frame(&mut from, 3).await.unwrap().unwrap().as_slice(), b"abc");
        assert!(read_frame(&mut from, 3).await.unwrap().is_none());
        assert!(read_frame(&mut &wire[..], 2).await.is_err());
        assert!(read_frame(&mut &wire[..5], 3).await.is_err(), "cut");
        assert!(read_frame(&mut &[0xFF; 8][..], 3).await.is_err(), "no room is made for it");
    }
}
