//! The operator's door of a server that runs: its control socket, as the commands of its binary use it.
//!
//! A frame is a length (4 bytes, big-endian) and that much JSON; on one connection one request follows the other.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::Error;

/// The number of the protocol that is spoken.
const PROTOCOL: u32 = 1;
/// The longest answer that is taken, in bytes.
const LONGEST: usize = 1 << 20;

/// A connection to a control socket.
pub struct Operator {
    stream: UnixStream,
}

impl Operator {
    /// Connects to the server that has this data directory.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn connect(data: &Path) -> Result<Self, Error> {
        let socket = data.join("run/control.sock");
        let stream = UnixStream::connect(&socket).await;
        let stream = stream.map_err(Error::io(format!("connect to {}", socket.display())))?;
        Ok(Self { stream })
    }

    /// Lets the server do something, and returns what it answers.
    ///
    /// # Errors
    /// When the connection breaks, or the server refuses it.
    pub async fn ask(&mut self, request: &Value) -> Result<Value, Error> {
        let envelope = json!({ "protocol": PROTOCOL, "version": "bench", "body": request });
        let bytes = envelope.to_string().into_bytes();
        let length = u32::try_from(bytes.len()).map_err(|_| Error::protocol("a long request"))?;
        let frame = [&length.to_be_bytes()[..], &bytes].concat();
        self.stream.write_all(&frame).await.map_err(Error::io("ask the control socket"))?;
        let mut answer: Value = serde_json::from_slice(&self.frame().await?)
            .map_err(|error| Error::protocol(format!("no JSON: {error}")))?;
        let mut body = answer["body"].take();
        match body.get_mut("done") {
            Some(done) => Ok(done.take()),
            None => Err(Error::protocol(format!("the control socket answers {body}"))),
        }
    }

    async fn frame(&mut self) -> Result<Vec<u8>, Error> {
        let mut length = [0; 4];
        let broken = || Error::io("be answered by the control socket");
        self.stream.read_exact(&mut length).await.map_err(broken())?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(Error::protocol("a long answer of the control socket"));
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.map_err(broken())?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &'static [u8]) -> (Result<Value, Error>, Vec<u8>) {
        let (stream, mut server) = UnixStream::pair().unwrap();
        let serves = async {
            let length = server.read_u32().await.unwrap();
            let mut request = vec![0; length.try_into().unwrap()];
            server.read_exact(&mut request).await.unwrap();
            server.write_u32(answer.len().try_into().unwrap()).await.unwrap();
            server.write_all(answer).await.unwrap();
            request
        };
        let request = json!({ "app": { "revoke": { "key": "a#b" } } });
        let mut operator = Operator { stream };
        tokio::join!(operator.ask(&request), serves)
    }

    #[tokio::test]
    async fn a_request_goes_out_in_its_envelope_and_the_answer_comes_out_of_its() {
        let done = br#"{"protocol":1,"version":"1.0","body":{"done":{"revoked":{"tokens":1}}}}"#;
        let (answer, request) = answered(done).await;
        assert_eq!(answer.unwrap(), json!({ "revoked": { "tokens": 1 } }));
        let request: Value = serde_json::from_slice(&request).unwrap();
        assert_eq!(request["protocol"], 1);
        assert_eq!(request["body"]["app"]["revoke"]["key"], "a#b");
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_with_its_words() {
        let failed =
            br#"{"protocol":1,"version":"1.0","body":{"failed":{"message":"no such app"}}}"#;
        let said = answered(failed).await.0.unwrap_err().to_string();
        assert!(said.contains("no such app"), "{said}");
    }
}
