//! The stream of a class room: frames are counted, not read.

use super::{Dialect, Ears};
use crate::Error;
use crate::client::socket::{self, Socket};
use crate::crowd::Line;

/// A client in a class.
pub struct InClass {
    mask: u32,
}

impl InClass {
    /// Takes over a connection that hears what its room says.
    ///
    /// # Errors
    /// When the runtime does not let it go.
    pub fn new(socket: Socket) -> Result<(Line, Self), Error> {
        let (stream, input, mask) = socket.into_parts();
        Ok((Line::new(stream, &input)?, Self { mask }))
    }

    fn frame(&mut self, opcode: u8, message: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(message.len() + 14);
        socket::masked(&mut self.mask, opcode, message, &mut frame);
        frame
    }
}

impl Dialect for InClass {
    const ECHOED: bool = true;

    fn take(&mut self, input: &[u8], ears: &mut Ears<'_>) -> Result<usize, Error> {
        let mut done = 0;
        while let Some((opcode, head, len)) = socket::whole(&input[done..])? {
            let body = &input[done + head..done + head + len];
            match opcode {
                // A list of one frame: what was done meanwhile is no part of what is counted.
                socket::TEXT if body.starts_with(b"{\"list\"") => ears.event(),
                socket::PING => {
                    let pong = self.frame(socket::PONG, body);
                    ears.reply(pong);
                }
                socket::CLOSE => return Err(Error::Closed(" of a student".into())),
                _ => {}
            }
            done += head + len;
        }
        Ok(done)
    }

    fn enter(&mut self) -> Vec<u8> {
        self.say("{\"type\":\"ping\"}")
    }

    fn say(&mut self, text: &str) -> Vec<u8> {
        self.frame(socket::TEXT, text.as_bytes())
    }

    fn beat(&mut self) -> Vec<Vec<u8>> {
        vec![self.enter()]
    }
}
