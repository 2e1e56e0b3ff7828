//! As much HTTP as the cases take: one request after another on one connection, and files in a stream.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Error;
use crate::client::Endpoint;

/// Bytes of a file that are written or read at once.
const PIECE: usize = 64 * 1024;
/// What stands between the parts of a form.
const BOUNDARY: &str = "----stoa-bench-boundary";

/// A connection for requests with a token.
pub struct Rest<S = TlsStream<TcpStream>> {
    stream: S,
    host: String,
    authorization: String,
}

impl Rest {
    /// Connects.
    ///
    /// # Errors
    /// When that fails.
    pub async fn connect(endpoint: &Endpoint, token: String) -> Result<Self, Error> {
        let stream = endpoint.connect().await?;
        let authorization = format!("Bearer {token}");
        Ok(Self { stream, host: endpoint.address.to_string(), authorization })
    }

    /// From now on calls are made with a token for class rooms.
    pub fn in_class_as(&mut self, token: &str) {
        self.authorization = format!("agora token={token}");
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Rest<S> {
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
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (kind, length) = ("application/json", body.len() as u64);
        let head = self.head(method, path, &[("Content-Type", kind)], length);
        self.write(&[head.as_bytes(), body.as_bytes()]).await?;
        self.answer().await
    }

    /// Makes a request that must succeed, and returns its answer.
    ///
    /// # Errors
    /// As [`Self::call`], and when the server refuses it.
    pub async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let answer = self.call(method, path, body).await?;
        success(method, path, answer)
    }

    /// Sends a file as the field `file` of a form, in pieces, and returns the answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn upload(&mut self, path: &str, file: File<'_>) -> Result<Value, Error> {
        let before = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file.bin\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let length = before.len() as u64 + file.length + after.len() as u64;
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let fields = [("Content-Type", kind.as_str()), ("restrict-access", "true")];
        let head = self.head("POST", path, &fields, length);
        let sent = async {
            self.write(&[head.as_bytes(), before.as_bytes()]).await?;
            let mut at = 0;
            while at < file.length {
                let piece = file.piece(at, PIECE);
                self.stream.write_all(piece).await.map_err(Error::io("send a file"))?;
                at += piece.len() as u64;
            }
            self.write(&[after.as_bytes()]).await
        };
        let sent = sent.await;
        // Whoever refuses it may say so before the end, and close.
        let answer = self.answer().await;
        match (sent, answer) {
            (_, Ok(answer)) => success("POST", path, answer),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
        }
    }

    /// Gets a file in pieces and compares it.
    ///
    /// # Errors
    /// When the server refuses it, the connection breaks, or it is not this file.
    pub async fn download(&mut self, path: &str, file: File<'_>) -> Result<(), Error> {
        let head = self.head("GET", path, &[], 0);
        self.write(&[head.as_bytes()]).await?;
        let mut input = Vec::with_capacity(PIECE);
        let head = loop {
            match Head::read(&input)? {
                Some(head) => break head,
                None => self.more(&mut input).await?,
            }
        };
        if head.status != 200 {
            let answer = self.rest(input).await?;
            return success("GET", path, answer).map(drop);
        }
        if head.length != file.length {
            let (got, due) = (head.length, file.length);
            return Err(Error::protocol(format!("a file of {got} bytes instead of {due}")));
        }
        input.drain(..head.bytes);
        let mut at = 0;
        loop {
            file.compare(at, &input)?;
            at += input.len() as u64;
            if at == file.length {
                return Ok(());
            }
            input.clear();
            self.more(&mut input).await?;
        }
    }

    fn head(&self, method: &str, path: &str, fields: &[(&str, &str)], length: u64) -> String {
        let Self { host, authorization, .. } = self;
        let fields: String =
            fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n\
             {fields}Content-Length: {length}\r\n\r\n"
        )
    }

    async fn write(&mut self, parts: &[&[u8]]) -> Result<(), Error> {
        self.stream.write_all(&parts.concat()).await.map_err(Error::io("send a request"))?;
        self.stream.flush().await.map_err(Error::io("send a request"))
    }

    async fn more(&mut self, input: &mut Vec<u8>) -> Result<(), Error> {
        input.reserve(PIECE);
        match self.stream.read_buf(input).await.map_err(Error::io("be answered"))? {
            0 => Err(Error::Closed(" during a request".into())),
            _ => Ok(()),
        }
    }

    /// Reads an answer whole.
    async fn answer(&mut self) -> Result<(u16, Vec<u8>), Error> {
        self.rest(Vec::new()).await
    }

    /// Reads an answer whole of which `input` has come.
    async fn rest(&mut self, mut input: Vec<u8>) -> Result<(u16, Vec<u8>), Error> {
        loop {
            if let Some((status, body)) = complete(&input)? {
                return Ok((status, input[body].to_vec()));
            }
            self.more(&mut input).await?;
        }
    }
}

/// The JSON of an answer that must be a success.
fn success(method: &str, path: &str, (status, body): (u16, Vec<u8>)) -> Result<Value, Error> {
    if status != 200 {
        let path = path.split('?').next().unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        return Err(Error::protocol(format!("HTTP {status} to {method} {path}: {body}")));
    }
    serde_json::from_slice(&body).map_err(|error| Error::protocol(format!("no JSON: {error}")))
}

/// What files are made of, so that none is held whole: noise that repeats itself after a length which
/// is no multiple of any that a server might cut files into. A piece in a wrong place is noticed.
pub struct Noise(Box<[u8]>);

/// A prime.
const NOISE_BYTES: usize = 1_000_003;

impl Default for Noise {
    fn default() -> Self {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        };
        Self(std::iter::repeat_with(byte).take(NOISE_BYTES).collect())
    }
}

impl Noise {
    /// The file of so many bytes.
    pub const fn file(&self, length: u64) -> File<'_> {
        File { noise: self, length }
    }
}

/// A file whose bytes are known without being held.
#[derive(Clone, Copy)]
pub struct File<'a> {
    noise: &'a Noise,
    length: u64,
}

impl<'a> File<'a> {
    /// At most `most` of the bytes from `at` on; none at the end only.
    fn piece(self, at: u64, most: usize) -> &'a [u8] {
        let noise = &self.noise.0;
        let start = usize::try_from(at % noise.len() as u64).expect("less than a length");
        let left = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        &noise[start..noise.len().min(start.saturating_add(most.min(left)))]
    }

    /// Whether `bytes` stand at `at`.
    fn compare(self, mut at: u64, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let piece = self.piece(at, bytes.len());
            if piece.is_empty() || !bytes.starts_with(piece) {
                return Err(Error::protocol(format!("a file that differs near byte {at}")));
            }
            bytes = &bytes[piece.len()..];
            at += piece.len() as u64;
        }
        Ok(())
    }
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Its own length.
    bytes: usize,
    /// The length of the body.
    length: u64,
}

impl Head {
    /// Reads it, when it is complete.
    fn read(input: &[u8]) -> Result<Option<Self>, Error> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(input);
        let bytes = match parsed.map_err(|error| Error::protocol(format!("no HTTP: {error}")))? {
            httparse::Status::Complete(bytes) => bytes,
            httparse::Status::Partial => return Ok(None),
        };
        let length =
            response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let length = length
            .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<u64>().ok())
            .ok_or_else(|| Error::protocol("an answer without length"))?;
        Ok(Some(Self { status: response.code.unwrap_or_default(), bytes, length }))
    }
}

/// The status, and where the body lies, when the answer is complete.
fn complete(input: &[u8]) -> Result<Option<(u16, std::ops::Range<usize>)>, Error> {
    let Some(Head { status, bytes, length }) = Head::read(input)? else { return Ok(None) };
    let end = bytes.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    Ok((input.len() >= end).then_some((status, bytes..end)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(complete(text).unwrap(), Some((200, text.len() - 2..text.len())));
        assert_eq!(complete(&text[..text.len() - 1]).unwrap(), None);
        assert_eq!(complete(&text[..10]).unwrap(), None);
        assert!(complete(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    fn connected() -> (Rest<DuplexStream>, DuplexStream) {
        let (stream, other) = duplex(10_000);
        (Rest { stream, host: "here".into(), authorization: "Bearer t".into() }, other)
    }

    /// Reads a request whole and answers it.
    async fn serve(mut other: DuplexStream, length: usize, answer: Vec<u8>) -> Vec<u8> {
        let mut input = Vec::new();
        while input.len() < length {
            assert!(other.read_buf(&mut input).await.unwrap() > 0, "{} came", input.len());
        }
        // Whoever knows enough leaves.
        let _ = other.write_all(&answer).await;
        input
    }

    #[tokio::test]
    async fn a_file_is_sent_whole_as_a_form() {
        let noise = Noise::default();
        let file = noise.file(NOISE_BYTES as u64 + 70_000);
        let (mut rest, other) = connected();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}".to_vec();
        // The length is known from the head, which a first look brings.
        let server = tokio::spawn(async move {
            let mut other = other;
            let mut input = Vec::new();
            let (head, length) = loop {
                other.read_buf(&mut input).await.unwrap();
                let text = String::from_utf8_lossy(&input[..input.len().min(600)]).into_owned();
                if let Some((head, _)) = text.split_once("\r\n\r\n") {
                    let length =
                        head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                    break (head.to_owned(), length.unwrap().parse::<usize>().unwrap());
                }
            };
            let missing = head.len() + 4 + length - input.len();
            input.extend(serve(other, missing, answer).await);
            (head, input, length)
        });
        assert_eq!(rest.upload("/o/a/chatfiles", file).await.unwrap()["a"], 1);
        let (head, input, length) = server.await.unwrap();
        assert!(head.starts_with("POST /o/a/chatfiles HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nrestrict-access: true"), "{head}");
        let body = &input[head.len() + 4..];
        assert_eq!(body.len(), length);
        let start = body.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let end = start + NOISE_BYTES + 70_000;
        file.compare(0, &body[start..end]).unwrap();
        assert_eq!(&body[end..], format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    }

    #[tokio::test]
    async fn a_file_is_compared_while_it_comes() {
        let noise = Noise::default();
        let length = NOISE_BYTES + 5_000;
        let file = noise.file(length as u64);
        let bytes: Vec<u8> = noise.0.iter().chain(&noise.0[..5_000]).copied().collect();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        let whole = [head, bytes].concat();
        let request =
            "GET /f HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer t\r\nContent-Length: 0\r\n\r\n";
        for (fault, at) in [(0, whole.len() - 1), (1, whole.len() - 1), (1, 100)] {
            let mut answer = whole.clone();
            answer[at] ^= fault;
            let (mut rest, other) = connected();
            let server = tokio::spawn(serve(other, request.len(), answer));
            assert_eq!(rest.download("/f", file).await.is_ok(), fault == 0);
            drop(rest);
            assert_eq!(server.await.unwrap(), request.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_words() {
        for length in [9, 1 << 30] {
            let refusal = b"HTTP/1.1 413 Large\r\nContent-Length: 9\r\n\r\ntoo large".to_vec();
            let (mut rest, other) = connected();
            let server = tokio::spawn(serve(other, 10, refusal));
            let noise = Noise::default();
            let error = rest.upload("/f?share-secret=s", noise.file(length)).await.unwrap_err();
            let said = error.to_string();
            assert!(said.contains("HTTP 413 to POST /f: too large"), "{said}");
            server.await.unwrap();
        }
        let refusal = b"HTTP/1.1 404 None\r\nContent-Length: 4\r\n\r\ngone".to_vec();
        let (mut rest, other) = connected();
        let server = tokio::spawn(serve(other, 10, refusal));
        let noise = Noise::default();
        let error = rest.download("/f", noise.file(1)).await.unwrap_err().to_string();
        assert!(error.contains("HTTP 404 to GET /f: gone"), "{error}");
        server.await.unwrap();
    }

    #[test]
    fn pieces_end_with_the_noise_and_with_the_file() {
        let noise = Noise::default();
        let end = NOISE_BYTES as u64;
        let file = noise.file(end + 10);
        assert_eq!(file.piece(end - 3, 100).len(), 3);
        assert_eq!(file.piece(end, 100), &noise.0[..10]);
        assert!(file.piece(end + 10, 100).is_empty());
        assert!(file.compare(end + 9, &noise.0[9..11]).is_err(), "longer than the file");
    }
}
