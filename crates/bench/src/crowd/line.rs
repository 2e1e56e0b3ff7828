//! One connection, read and written without a task of its own.

use std::io::{BufRead as _, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use rustls::ClientConnection;
use tokio_rustls::client::TlsStream;

use crate::Error;

/// A TLS connection after its handshake, and what was read of a message that is not complete.
pub struct Line {
    tcp: TcpStream,
    tls: ClientConnection,
    input: Vec<u8>,
}

impl Line {
    /// Takes a connection out of the hands of the runtime. `input` was read and not taken.
    ///
    /// # Errors
    /// When the runtime does not let it go.
    pub fn new(stream: TlsStream<tokio::net::TcpStream>, input: &[u8]) -> Result<Self, Error> {
        let (tcp, mut tls) = stream.into_inner();
        // It stays one that does not block.
        let tcp = tcp.into_std().map_err(Error::io("take over a connection"))?;
        tls.set_buffer_limit(None);
        let mut line = Self { tcp, tls, input: input.to_vec() };
        // What was decrypted and not read would wait for the next record.
        let mut rest = Vec::new();
        match line.tls.reader().read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                return Err(Error::io("take over a connection")(error));
            }
            _ => line.input.extend(rest),
        }
        Ok(line)
    }

    pub(super) const fn socket(&self) -> &TcpStream {
        &self.tcp
    }

    /// Reads once; how many bytes, if there are any.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        match self.tcp.read(buffer) {
            Ok(0) => Err(Error::Closed(String::new())),
            Ok(count) => Ok(Some(count)),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::io("receive")(error)),
        }
    }

    /// Decrypts what was read and gives it to `take`, which says how much of it was complete. What
    /// is left is given again with what comes next.
    pub(super) fn take(
        &mut self,
        mut records: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<usize, Error>,
    ) -> Result<(), Error> {
        while !records.is_empty() {
            self.tls.read_tls(&mut records).map_err(Error::io("decrypt"))?;
            self.tls
                .process_new_packets()
                .map_err(|error| Error::protocol(format!("broken TLS: {error}")))?;
            let mut reader = self.tls.reader();
            loop {
                let chunk = match reader.fill_buf() {
                    Ok([]) => return Err(Error::Closed(String::new())),
                    Ok(chunk) => chunk,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(Error::io("decrypt")(error)),
                };
                let len = chunk.len();
                if self.input.is_empty() {
                    let done = take(chunk)?;
                    self.input.extend(&chunk[done.min(len)..]);
                } else {
                    self.input.extend(chunk);
                    let done = take(&self.input)?;
                    self.input.drain(..done.min(self.input.len()));
                }
                reader.consume(len);
            }
        }
        Ok(())
    }

    /// Encrypts a message.
    pub(super) fn write(&mut self, message: &[u8]) -> Result<(), Error> {
        self.tls.writer().write_all(message).map_err(Error::io("encrypt"))
    }

    /// Whether something encrypted waits to be sent.
    pub(super) fn has_output(&self) -> bool {
        self.tls.wants_write()
    }

    /// Sends what was encrypted; `false` when the socket does not take all of it now.
    pub(super) fn flush(&mut self) -> Result<bool, Error> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.tcp) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("send")(error)),
            }
        }
        Ok(true)
    }
}
