//! What the web SDK sends when, without IO: a frame of the server in, frames to send and news out.
//!
//! After the login it asks what is waiting and tells about itself; what an answer to UNREAD lists it
//! pulls at once; what a NOTICE names it pulls one after another; every page but the last is
//! acknowledged. What the SDK does for its app only (dropping doubles, events) is left out.

use std::collections::VecDeque;

use bytes::Bytes;
use stoa_wire::{
    CommNotice, CommSyncDl, CommUnreadDl, Command, Jid, MSync, Message as _, Meta, Provision,
};

use crate::Error;
use crate::client::frames;

/// What a frame of the server brought.
#[derive(Debug, PartialEq)]
pub enum News {
    /// The login succeeded.
    Welcome,
    /// The answer to UNREAD, with so many queues.
    Unread(usize),
    /// The answer to what was sent under this id.
    Ack(u64),
    /// Messages and notices.
    Page(Vec<Meta>),
    /// The end of a queue.
    Last(Vec<Meta>),
    /// There is something in a queue.
    Notice,
}

/// The state of one connection.
#[derive(Debug, Default)]
pub struct Protocol {
    /// Queues that are to be pulled or are being pulled, and whether a NOTICE named them.
    pending: VecDeque<(Jid, bool)>,
}

impl Protocol {
    /// Takes a frame; what is to be sent for it is appended to `output`, each to be written by
    /// itself. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// When the server refuses something, or sends what the SDK would not understand.
    pub fn hear(
        &mut self,
        frame: Bytes,
        now: u64,
        output: &mut Vec<Vec<u8>>,
    ) -> Result<News, Error> {
        let broken = |error| Error::protocol(format!("a frame that is none: {error}"));
        let outer = MSync::decode(frame).map_err(broken)?;
        let command = outer.command();
        let payload = outer.payload.unwrap_or_default();
        match command {
            Command::Provision => {
                welcome(&Provision::decode(payload).map_err(broken)?)?;
                Self::heartbeat(now, output);
                Ok(News::Welcome)
            }
            Command::Unread => {
                let dl = CommUnreadDl::decode(payload).map_err(broken)?;
                let count = dl.unread.len();
                for queue in dl.unread.into_iter().filter_map(|listed| listed.queue) {
                    if !self.is_pending(&queue) {
                        self.pending.push_back((queue.clone(), false));
                    }
                    output.push(frames::pull(queue, None));
                }
                output.push(frames::statistics(now));
                Ok(News::Unread(count))
            }
            Command::Notice => {
                let dl = CommNotice::decode(payload).map_err(broken)?;
                let queue = dl.queue.ok_or_else(|| Error::protocol("NOTICE without queue"))?;
                if !self.is_pending(&queue) {
                    self.pending.push_back((queue.clone(), true));
                    if self.pending.len() == 1 {
                        output.push(frames::pull(queue, None));
                    }
                }
                Ok(News::Notice)
            }
            Command::Sync => self.sync(CommSyncDl::decode(payload).map_err(broken)?, output),
        }
    }

    /// Whether no queue is asked for: then the last page of a queue is answered with nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// What is sent after the login, and after 30 seconds of silence.
    pub fn heartbeat(now: u64, output: &mut Vec<Vec<u8>>) {
        output.push(frames::unread());
        output.push(frames::statistics(now));
    }

    fn sync(&mut self, dl: CommSyncDl, output: &mut Vec<Vec<u8>>) -> Result<News, Error> {
        let status = dl.status.as_ref().ok_or_else(|| Error::protocol("SYNC without status"))?;
        let id = dl.meta_id();
        if let Some(code @ 1..) = status.error_code {
            let reason = status.reason.as_deref().unwrap_or_default();
            return Err(Error::protocol(format!("refused with {code}: {reason}")));
        }
        if id > 0 {
            return Ok(News::Ack(id));
        }
        let is_last = dl.is_last();
        let queue = dl.queue.ok_or_else(|| Error::protocol("a page without queue"))?;
        if !is_last {
            let key = dl.next_key.ok_or_else(|| Error::protocol("a page without key"))?;
            output.push(frames::pull(queue, Some(key)));
            return Ok(News::Page(dl.metas));
        }
        // A quirk of the SDK: a queue whose last page was not empty is asked once more.
        if dl.metas.is_empty() {
            self.pending.retain(|(pending, _)| pending.name() != queue.name());
        }
        if let Some((next, true)) = self.pending.front() {
            output.push(frames::pull(next.clone(), None));
        }
        Ok(News::Last(dl.metas))
    }

    fn is_pending(&self, queue: &Jid) -> bool {
        self.pending.iter().any(|(pending, _)| pending.name() == queue.name())
    }
}

fn welcome(dl: &Provision) -> Result<(), Error> {
    let status = dl.status.as_ref().ok_or_else(|| Error::protocol("PROVISION without status"))?;
    match status.error_code {
        Some(code @ 1..) => {
            let reason = status.reason.as_deref().unwrap_or_default();
            Err(Error::protocol(format!("login refused with {code}: {reason}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use stoa_wire::{CommSyncUl, MetaQueue, Status};

    use super::*;

    fn frame(command: Command, payload: Vec<u8>) -> Bytes {
        let frame = MSync {
            command: Some(command.into()),
            payload: Some(payload.into()),
            ..Default::default()
        };
        frame.encode_to_vec().into()
    }

    fn page(queue: &Jid, next_key: Option<u64>, is_last: bool) -> Bytes {
        let page = CommSyncDl {
            status: Some(Status::default()),
            queue: Some(queue.clone()),
            next_key,
            is_last: Some(is_last),
            ..Default::default()
        };
        frame(Command::Sync, page.encode_to_vec())
    }

    /// The queues and keys that frames ask for.
    fn pulls(output: &mut Vec<Vec<u8>>) -> Vec<(Option<Jid>, Option<u64>)> {
        let pull = |frame: Vec<u8>| {
            let outer = MSync::decode(Bytes::from(frame)).unwrap();
            let sync = CommSyncUl::decode(outer.payload.unwrap_or_default()).unwrap();
            (sync.queue, sync.key)
        };
        output.drain(..).map(pull).filter(|(queue, _)| queue.is_some()).collect()
    }

    #[test]
    fn queues_are_asked_for_and_acknowledged_by_the_address_that_the_server_gave() {
        for queue in [Jid::user("o#a", "ann"), Jid::group("o#a", "42"), Jid::named("odd")] {
            let (mut protocol, mut output) = (Protocol::default(), Vec::new());
            let mut hear = |frame| {
                protocol.hear(frame, 0, &mut output).unwrap();
                pulls(&mut output)
            };
            let asked = vec![(Some(queue.clone()), None)];
            let unread = MetaQueue { queue: Some(queue.clone()), n: Some(1) };
            let unread = CommUnreadDl { unread: vec![unread], ..Default::default() };
            assert_eq!(hear(frame(Command::Unread, unread.encode_to_vec())), asked);
            assert_eq!(hear(page(&queue, Some(7), false)), [(Some(queue.clone()), Some(7))]);
            assert!(hear(page(&queue, None, true)).is_empty());
            let notice = CommNotice { queue: Some(queue.clone()) };
            assert_eq!(hear(frame(Command::Notice, notice.encode_to_vec())), asked);
            // Pages that were not asked for are acknowledged, too.
            assert_eq!(hear(page(&queue, Some(9), false)), [(Some(queue.clone()), Some(9))]);
        }
    }
}
