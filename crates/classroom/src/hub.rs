//! Who listens to a room, and what is handed to them.
//!
//! A message is made into text once for all who get the same, and shared. A listener is called by whoever publishes
//! and must not block.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use indexmap::IndexMap;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_core::{Timestamp, TokenMark, UserUuid};

use crate::frame::message;
use crate::room::{Outcome, Room};

/// For how many listeners a message is made ready before it is sent to them.
const AT_ONCE: usize = 64;

/// Receives what a room says to one user's connection.
pub trait Listener: Send + Sync {
    /// A message as JSON text.
    fn hear(&self, text: &Bytes);

    /// As [`Self::hear`], but may leave something to do to [`Self::flush`], which follows: what many are told is made ready
    /// for some of them before it is sent to them, since that finds more of the same in the caches.
    fn prepare(&self, text: &Bytes) {
        self.hear(text);
    }

    /// Sends what was made ready.
    fn flush(&self) {}

    /// The token behind the connection is another, or means something else: it is good until then.
    fn lives_until(&self, until: Timestamp) {
        let _ = until;
    }

    /// The connection is to end: `displaced`, `kicked`, `banned`, `closed`, `revoked`, `outside`.
    fn end(&self, why: &'static str);
}

/// By what a connection was let in.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    /// The tokens that let it in and renewed it; none where the app is open.
    pub(crate) marks: Vec<TokenMark>,
    /// From where it comes, if that is known.
    pub(crate) address: Option<IpAddr>,
    /// Until when it was told to live.
    pub(crate) until: Timestamp,
}

/// What comes of a look at a connection.
pub(crate) enum Verdict {
    /// It lives until then.
    Lives(Timestamp),
    /// It ends.
    Ends(&'static str),
}

/// One user's connection.
pub(crate) struct Ear {
    pub(crate) session: u64,
    pub(crate) sees_answers: bool,
    pub(crate) to: Arc<dyn Listener>,
    pub(crate) pass: Pass,
}

/// Up to which numbers a room and one of its users had been told when a connection began to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The room's.
    pub sequence: u64,
    /// The user's.
    pub peer_sequence: u64,
}

/// A connection that listens from the end of a batch of acts on.
pub(crate) struct Joining {
    pub(crate) user: UserUuid,
    pub(crate) ear: Ear,
    /// Set when it listens.
    pub(crate) from: Arc<OnceLock<Heard>>,
}

/// The listeners of one room: one for each user. They are told mostly in the order in which they came, which is the one
/// in which their sockets and sessions lie in memory: with thousands that saves a part of the time.
#[derive(Default)]
pub(crate) struct Hub(Mutex<IndexMap<UserUuid, Ear>>);

impl Hub {
    /// Lets those listen who have come with a batch of acts that is stored and told, each in place of an earlier one
    /// of the same user; not whoever was displaced or put out in the same batch.
    pub(crate) fn join(&self, room: Option<&Room>, joining: Vec<Joining>) {
        for Joining { user, ear, from } in joining {
            let there = room.and_then(|room| Some((room, room.users.get(&user)?)));
            let Some((room, found)) = there else { continue };
            if !found.online || found.session != ear.session {
                continue;
            }
            let heard = Heard { sequence: room.sequence, peer_sequence: found.peer_sequence };
            // Nobody else sets it.
            let _ = from.set(heard);
            if let Some(before) = self.0.lock().insert(user, ear) {
                before.to.end("displaced");
            }
        }
    }

    /// A further token keeps a user's connection alive.
    pub(crate) fn renew(&self, user: &UserUuid, mark: Option<&TokenMark>, now: Timestamp) {
        let mut ears = self.0.lock();
        let Some(ear) = ears.get_mut(user) else { return };
        let Some(mark) = mark.filter(|mark| ear.pass.marks.iter().all(|known| known.id != mark.id))
        else {
            return;
        };
        let marks = &mut ear.pass.marks;
        marks.retain(|known| known.ends > now);
        if marks.len() >= stoa_core::limits::TOKENS_OF_A_SESSION {
            marks.remove(0);
        }
        marks.push(mark.clone());
    }

    /// Looks at all connections, or at one user's, and tells those what comes of it for whom it is another than
    /// before. Answers whose connections end.
    pub(crate) fn judge(
        &self,
        user: Option<&UserUuid>,
        judge: impl Fn(&UserUuid, &Pass) -> Verdict,
    ) -> Vec<UserUuid> {
        let mut ears = self.0.lock();
        let mut over = Vec::new();
        let mut look = |(name, ear): (&UserUuid, &mut Ear)| match judge(name, &ear.pass) {
            Verdict::Lives(until) if until == ear.pass.until => {}
            Verdict::Lives(until) => {
                ear.pass.until = until;
                ear.to.lives_until(until);
            }
            Verdict::Ends(why) => over.push((name.clone(), ear.to.clone(), why)),
        };
        match user {
            Some(user) => ears.get_mut(user).into_iter().for_each(|ear| look((user, ear))),
            None => ears.iter_mut().for_each(&mut look),
        }
        drop(ears);
        // They hang up by themselves, as whoever loses a connection.
        let end = |(user, to, why): (UserUuid, Arc<dyn Listener>, _)| {
            to.end(why);
            user
        };
        over.into_iter().map(end).collect()
    }

    /// The connection of that session is gone. Answers whether it was the user's.
    pub(crate) fn leave(&self, user: &UserUuid, to: &Arc<dyn Listener>) -> Option<u64> {
        let mut ears = self.0.lock();
        let is_it = ears.get(user).is_some_and(|ear| Arc::ptr_eq(&ear.to, to));
        is_it.then(|| ears.swap_remove(user)).flatten().map(|ear| ear.session)
    }

    /// Whether a user listens.
    pub(crate) fn hears(&self, user: &UserUuid) -> bool {
        self.0.lock().contains_key(user)
    }

    /// How many listen.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Hands out what came of acts.
    pub(crate) fn publish(&self, outcome: &Outcome) {
        let ears = self.0.lock();
        if !ears.is_empty() {
            let mut texts: Vec<[Bytes; 2]> = Vec::new();
            if !outcome.frames.is_empty() {
                let full = text(&message(&outcome.frames, true));
                let apart = outcome.frames.iter().any(|frame| frame.reduced.is_some());
                let reduced =
                    if apart { text(&message(&outcome.frames, false)) } else { full.clone() };
                texts.push([full, reduced]);
            }
            for value in &outcome.announced {
                let same = text(value);
                texts.push([same.clone(), same]);
            }
            for [full, reduced] in &texts {
                let mut ears = ears.values();
                loop {
                    let some = ears.clone().take(AT_ONCE);
                    some.for_each(|ear| {
                        ear.to.prepare(if ear.sees_answers { full } else { reduced })
                    });
                    ears.by_ref().take(AT_ONCE).for_each(|ear| ear.to.flush());
                    if ears.len() == 0 {
                        break;
                    }
                }
            }
            for peer in &outcome.peers {
                if let Some(ear) = ears.get(&peer.user) {
                    let frames = std::slice::from_ref(&peer.frame);
                    let mut value = message(frames, ear.sees_answers);
                    value["peer"] = true.into();
                    ear.to.hear(&text(&value));
                }
            }
            for (user, value) in &outcome.told {
                if let Some(ear) = ears.get(user) {
                    ear.to.hear(&text(value));
                }
            }
        }
        drop(ears);
        for (user, why) in &outcome.ended {
            let ended = self.0.lock().swap_remove(user);
            if let Some(ear) = ended {
                ear.to.end(why);
            }
        }
    }
}

fn text(value: &Value) -> Bytes {
    value.to_string().into()
}
