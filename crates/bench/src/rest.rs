//! As much HTTP as it takes to register users: one request after another on one connection.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Error;
use crate::client::Endpoint;

/// A connection for requests with a token.
pub struct Rest {
    stream: TlsStream<TcpStream>,
    host: String,
    token: String,
}

impl Rest {
    /// Connects.
    ///
    /// # Errors
    /// When that fails.
    pub async fn connect(endpoint: &Endpoint, token: String) -> Result<Self, Error> {
        let stream = endpoint.connect().await?;
        Ok(Self { stream, host: endpoint.address.to_string(), token })
    }

    /// Makes a request and returns the status and the body.
    ///
    /// # Errors
    /// When the connection breaks or the answer is no HTTP.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Vec<u8>), Error> {
        let (host, token) = (&self.host, &self.token);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.map_err(Error::io("send a request"))?;
        self.stream.flush().await.map_err(Error::io("send a request"))?;
        let mut input = Vec::new();
        loop {
            if let Some((status, body)) = complete(&input)? {
                return Ok((status, input[body].to_vec()));
            }
            let count = self.stream.read_buf(&mut input).await.map_err(Error::io("be answered"))?;
            if count == 0 {
                return Err(Error::Closed(" during a request".into()));
            }
        }
    }
}

/// The status, and where the body lies, when the answer is complete.
fn complete(input: &[u8]) -> Result<Option<(u16, std::ops::Range<usize>)>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(input);
    let head = match parsed.map_err(|error| Error::protocol(format!("no HTTP: {error}")))? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = length
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok())
        .ok_or_else(|| Error::protocol("an answer without length"))?;
    let end = head.saturating_add(length);
    let whole = input.len() >= end;
    Ok(whole.then(|| (response.code.unwrap_or_default(), head..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(complete(text).unwrap(), Some((200, text.len() - 2..text.len())));
        assert_eq!(complete(&text[..text.len() - 1]).unwrap(), None);
        assert_eq!(complete(&text[..10]).unwrap(), None);
        assert!(complete(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
