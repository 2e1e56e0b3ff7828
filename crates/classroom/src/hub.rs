//! Who listens to a room, and what is handed to them.
//!
//! A message is made into text once for all who get the same, and shared. A listener is called by whoever publishes
//! and must not block.

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_core::UserUuid;

use crate::frame::message;
use crate::room::Outcome;

/// Receives what a room says to one user's connection.
pub trait Listener: Send + Sync {
    /// A message as JSON text.
    fn hear(&self, text: &Bytes);

    /// The connection is to end: `displaced`, `kicked`, `banned`, `closed`.
    fn end(&self, why: &'static str);
}

struct Ear {
    session: u64,
    sees_answers: bool,
    to: std::sync::Arc<dyn Listener>,
}

/// The listeners of one room: one for each user.
#[derive(Default)]
pub(crate) struct Hub(Mutex<HashMap<UserUuid, Ear>>);

impl Hub {
    /// From now on `to` hears what the room says, in place of an earlier one of the same user.
    pub(crate) fn listen(
        &self,
        user: UserUuid,
        session: u64,
        sees_answers: bool,
        to: std::sync::Arc<dyn Listener>,
    ) {
        if let Some(before) = self.0.lock().insert(user, Ear { session, sees_answers, to }) {
            before.to.end("displaced");
        }
    }

    /// The connection of that session is gone. Answers whether it was the user's.
    pub(crate) fn leave(&self, user: &UserUuid, to: &std::sync::Arc<dyn Listener>) -> Option<u64> {
        let mut ears = self.0.lock();
        let is_it = ears.get(user).is_some_and(|ear| std::sync::Arc::ptr_eq(&ear.to, to));
        is_it.then(|| ears.remove(user)).flatten().map(|ear| ear.session)
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
                for ear in ears.values() {
                    ear.to.hear(if ear.sees_answers { full } else { reduced });
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
            let ended = self.0.lock().remove(user);
            if let Some(ear) = ended {
                ear.to.end(why);
            }
        }
    }
}

fn text(value: &Value) -> Bytes {
    value.to_string().into()
}
