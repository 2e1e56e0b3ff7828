//! nats-server from Debian's package: not a chat server, but what a server comes to that does nothing
//! but hand on. It knows no rooms, members or storage; a subject is the room here.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Error;
use crate::client::Endpoint;
use crate::crowd::{Dialect, Ears, Line};
use crate::peers::{certify, free_port, write};
use crate::proc::{self, Usage};
use crate::process::Process;

/// Where Debian puts it, which need not be on the search path.
const PROGRAM: &str = "/usr/sbin/nats-server";
const PATIENCE: Duration = Duration::from_secs(20);

/// A running nats-server.
pub struct Nats {
    process: Process,
    endpoint: Endpoint,
    _dir: TempDir,
}

impl Nats {
    /// Starts one on loopback, with TLS.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn started() -> Result<Self, Error> {
        let program = PathBuf::from(PROGRAM);
        if !program.is_file() {
            return Err(Error::Missing(
                "nats-server is not installed (Debian: nats-server)".into(),
            ));
        }
        let dir =
            TempDir::with_prefix("stoa-bench-nats-").map_err(Error::io("make a directory"))?;
        let port = free_port()?;
        let certificate = certify(dir.path())?;
        let file = dir.path().join("nats.conf");
        let config = format!(
            "listen: \"127.0.0.1:{port}\"\n\
             max_pending: 512MB\n\
             write_deadline: \"30s\"\n\
             tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n",
            certificate.display(),
            dir.path().join("key.pem").display(),
        );
        write(&file, &config)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let endpoint = Endpoint::new(address, "localhost", &certificate)?;
        let log = dir.path().join("log");
        let mut command = Command::new(program);
        let mut process = Process::start(command.arg("-c").arg(&file), &log)?;
        let started = Instant::now();
        while let Err(error) = Client::open(&endpoint).await {
            if process.ended()?.is_some() || started.elapsed() > PATIENCE {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(Error::Server(format!("nats-server: {error}\n{said}")));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Self { process, endpoint, _dir: dir })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> Result<(), Error> {
        self.process.stop(Signal::TERM, PATIENCE).await.map(drop)
    }

    /// What it has used so far.
    pub fn usage(&self) -> Usage {
        proc::usage(&[self.process.id()])
    }

    /// Where it listens.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// A connection that has nothing subscribed.
pub struct Client {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
}

impl Client {
    /// Connects: the server's first line comes before TLS.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let mut tcp = endpoint.tcp().await?;
        let mut info = Vec::new();
        while !info.ends_with(b"\r\n") {
            // Byte by byte: what follows is not ours to read.
            info.push(tcp.read_u8().await.map_err(Error::io("read the first line"))?);
        }
        if !info.starts_with(b"INFO ") {
            return Err(Error::protocol("a first line that is no INFO"));
        }
        let stream = endpoint.shake(tcp).await?;
        let mut client = Self { stream, input: BytesMut::new() };
        // Who sends does not hear itself, as in a room of ours.
        let hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\
            \"echo\":false,\"lang\":\"rust\",\"version\":\"1\",\"protocol\":1}\r\nPING\r\n";
        client.stream.write_all(hello.as_bytes()).await.map_err(Error::io("send"))?;
        client.stream.flush().await.map_err(Error::io("send"))?;
        while !client.input.ends_with(b"PONG\r\n") {
            let count = client.stream.read_buf(&mut client.input).await;
            if count.map_err(Error::io("receive"))? == 0 {
                return Err(Error::Closed(String::from_utf8_lossy(&client.input).into_owned()));
            }
        }
        client.input.clear();
        Ok(client)
    }

    /// Becomes one of a crowd that will listen to this subject.
    ///
    /// # Errors
    /// When the runtime does not let the connection go.
    pub fn listener(self, subject: &str) -> Result<(Line, Listener), Error> {
        Ok((Line::new(self.stream, &self.input)?, Listener { subject: subject.into() }))
    }
}

/// Listens to a subject.
pub struct Listener {
    subject: String,
}

impl Dialect for Listener {
    const ECHOED: bool = false;

    fn take(&mut self, input: &[u8], ears: &mut Ears<'_>) -> Result<usize, Error> {
        let mut done = 0;
        while let Some((message, len)) = parse(&input[done..])? {
            match message {
                Message::Text(text) => ears.text(text)?,
                Message::Ping => ears.reply(b"PONG\r\n".to_vec()),
                Message::Pong => ears.answered(),
                Message::Other => {}
            }
            done += len;
        }
        Ok(done)
    }

    fn enter(&mut self) -> Vec<u8> {
        format!("SUB {} 1\r\nPING\r\n", self.subject).into_bytes()
    }

    fn say(&mut self, text: &str) -> Vec<u8> {
        format!("PUB {} {}\r\n{text}\r\n", self.subject, text.len()).into_bytes()
    }

    fn beat(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Message<'a> {
    Text(&'a [u8]),
    Ping,
    Pong,
    Other,
}

/// The message that `input` begins with, when it is complete, and its length.
fn parse(input: &[u8]) -> Result<Option<(Message<'_>, usize)>, Error> {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let (line, start) = (&input[..end], end + 1);
    let said = || Error::protocol(String::from_utf8_lossy(line).into_owned());
    if line.starts_with(b"MSG ") {
        let len = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next();
        let len = len.and_then(|len| std::str::from_utf8(len).ok()?.parse::<usize>().ok());
        let end = len.and_then(|len| start.checked_add(len)).ok_or_else(said)?;
        let whole = end.checked_add(2).filter(|whole| *whole <= input.len());
        return Ok(whole.map(|whole| (Message::Text(&input[start..end]), whole)));
    }
    let message = match line.trim_ascii_end() {
        b"PING" => Message::Ping,
        b"PONG" => Message::Pong,
        refusal if refusal.starts_with(b"-ERR") => return Err(said()),
        _ => Message::Other,
    };
    Ok(Some((message, start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_when_they_are_whole() {
        let text = b"MSG room 1 4\r\ntea?\r\nPING\r\n";
        assert_eq!(parse(text).unwrap(), Some((Message::Text(b"tea?"), 20)));
        for cut in 0..20 {
            assert_eq!(parse(&text[..cut]).unwrap(), None, "cut at {cut}");
        }
        assert_eq!(parse(&text[20..]).unwrap(), Some((Message::Ping, 6)));
        assert_eq!(parse(b"PONG\r\n").unwrap(), Some((Message::Pong, 6)));
        assert_eq!(parse(b"INFO {}\r\n").unwrap(), Some((Message::Other, 9)));
        assert!(parse(b"-ERR 'Slow Consumer'\r\n").is_err());
        assert!(parse(b"MSG room 1 many\r\n").is_err());
    }
}
