//! Messages that the room hands on without reading them, and coming back (classroom specification, rows 58 and 59).

use serde_json::{Value, json};
use stoa_core::UserUuid;

use super::{CheckIn, Turn};
use crate::Refusal;
use crate::tree::Tree;

/// The most bytes of a message that is handed on, as JSON.
const MESSAGE_BYTES: usize = 16 * 1024;

impl Turn<'_> {
    /// Hands a message on to everybody in the room. `kept`: numbered, and read by who comes later.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for who is not listed, [`Refusal::NoUser`] for who is not there, [`Refusal::Argument`].
    pub fn hand_on(&mut self, payload: &Value, kept: bool) -> Result<(), Refusal> {
        let data = self.handed_on(payload)?;
        if kept {
            self.frame(99, data);
        } else {
            self.out.announced.push(json!({"cmd": 99, "data": data}));
        }
        Ok(())
    }

    /// Hands a message on to one user.
    ///
    /// # Errors
    /// As [`Self::hand_on`]; [`Refusal::PeerOffline`].
    pub fn hand_to(&mut self, user: &UserUuid, payload: &Value) -> Result<(), Refusal> {
        let data = self.handed_on(payload)?;
        if !self.room.users.get(user).is_some_and(|user| user.online) {
            return Err(Refusal::PeerOffline);
        }
        self.peer(user, 99, data);
        Ok(())
    }

    fn handed_on(&self, payload: &Value) -> Result<Value, Refusal> {
        let from = match self.by.user() {
            None => self.by.view(self.room),
            Some(user) => {
                let from = self.room.users.get(user).filter(|user| user.online);
                let from = from.ok_or(Refusal::NoUser)?;
                if !from.role.is_listed() {
                    return Err(Refusal::NotAllowed);
                }
                self.room.user_brief(from)
            }
        };
        if !payload.is_object() || payload.to_string().len() > MESSAGE_BYTES {
            let what = format!("payload: must be an object of {MESSAGE_BYTES} bytes at most");
            return Err(Refusal::argument(what));
        }
        Ok(json!({"fromUser": from, "payload": payload}))
    }

    /// A user who is taken for gone, and is not, is there again in the same entry.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for anybody else, [`Refusal::NoUser`]; as [`Turn::check_in`].
    pub fn come_back(&mut self, user: &UserUuid) -> Result<(), Refusal> {
        if !self.by.is(user) {
            return Err(Refusal::NotAllowed);
        }
        let found = self.room.users.get(user).ok_or(Refusal::NoUser)?;
        if found.online {
            return Ok(());
        }
        let (session, main) = (found.session, found.streams.first());
        let who = CheckIn {
            name: found.name.clone(),
            role: found.role,
            flex: Tree::new(),
            video_source: main.map_or(0, |main| main.video_source),
            audio_source: main.map_or(0, |main| main.audio_source),
        };
        self.enter(user, &who)?;
        if let Some(found) = self.room.users.get_mut(user) {
            found.session = session;
        }
        Ok(())
    }
}
