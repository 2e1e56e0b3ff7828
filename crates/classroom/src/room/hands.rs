//! Hands that are up (classroom specification, section 1.8).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{Timestamp, UserUuid};

use super::process::{self, Action, Change, MAX_WAIT, Waiting};
use super::stage::first_due;
use super::{Room, Turn};
use crate::Refusal;
use crate::tree::Tree;

/// The hands that are up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hands {
    /// Whose, in the order of rising.
    pub progress: Vec<Waiting>,
}

impl Hands {
    /// As it stands in `processes.waveArm`.
    pub(crate) fn view(&self) -> Value {
        json!({
            "maxWait": MAX_WAIT,
            "timeout": 3,
            "progress": process::views(&self.progress),
            "accepted": [],
        })
    }
}

impl Room {
    /// When the first hand falls.
    pub(super) fn hand_due(&self) -> Option<(Timestamp, UserUuid)> {
        first_due(&self.hands.progress)
    }
}

impl Turn<'_> {
    /// Row 31: a student's hand is up for `timeout_s` seconds, or until it is lowered (-1). With `again` a second call
    /// keeps it up.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for whoever is no student, [`Refusal::NoUser`], [`Refusal::HandUp`],
    /// [`Refusal::TooMany`], [`Refusal::Argument`], [`Refusal::FeatureOff`].
    pub fn raise_hand(
        &mut self,
        timeout_s: i64,
        again: bool,
        payload: Value,
    ) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = match self.by.user() {
            Some(user) if self.by.is_student() => user.clone(),
            _ => return Err(Refusal::NotAllowed),
        };
        let name = self.present(&user)?.name.clone();
        let until = process::until(timeout_s, self.at)?;
        process::check_payload(&payload)?;
        let many = self.room.hands.progress.len();
        let up = self.room.hands.progress.iter_mut().find(|one| one.user == user);
        match up {
            Some(_) if !again => Err(Refusal::HandUp),
            Some(up) => {
                up.until = until;
                let is_new = up.payload != payload;
                up.payload = payload;
                let brief = up.brief();
                self.touch_room();
                if is_new {
                    self.tell_hands(vec![brief], vec![], Action::Ask);
                }
                Ok(())
            }
            None if many >= MAX_WAIT => Err(Refusal::TooMany),
            None => {
                let up = Waiting { user, name, at: self.at, until, payload, invited: false };
                let brief = up.brief();
                self.room.hands.progress.push(up);
                self.tell_hands(vec![brief], vec![], Action::Ask);
                Ok(())
            }
        }
    }

    /// Row 32: lowers a hand: one's own, or anybody's by those who teach.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for a hand that is not up.
    pub fn lower_hand(&mut self, to: Option<&UserUuid>) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = self.target(to)?;
        if !self.room.hands.progress.iter().any(|one| one.user == user) {
            return Err(Refusal::NotAccepted);
        }
        let action = if self.by.is(&user) { Action::Cancel } else { Action::Refuse };
        self.drop_hand(&user, action);
        Ok(())
    }

    /// A hand that has been up for its time falls.
    pub(super) fn time_out_hand(&mut self, user: &UserUuid) {
        self.drop_hand(user, Action::TimedOut);
    }

    /// The hand of somebody who is no student here any more falls.
    pub(super) fn cancel_hand(&mut self, user: &UserUuid) {
        self.drop_hand(user, Action::Cancel);
    }

    fn drop_hand(&mut self, user: &UserUuid, action: Action) {
        let progress = &mut self.room.hands.progress;
        let Some(at) = progress.iter().position(|one| one.user == *user) else { return };
        let gone = progress.remove(at).brief();
        self.tell_hands(vec![], vec![gone], action);
    }

    fn tell_hands(&mut self, added: Vec<Value>, removed: Vec<Value>, action: Action) {
        self.touch_room();
        let progress = &self.room.hands.progress;
        let up: Vec<Value> = progress.iter().map(Waiting::brief).collect();
        let mut changed = Tree::new();
        changed.insert("processes.waveArm.progress".into(), process::views(progress));
        let event = json!({
            "progressUsers": up, "addProgressUsers": added, "removeProgressUsers": removed,
        });
        let change = Change { add_progress: added, remove_progress: removed, ..Change::default() };
        self.room_properties(&changed, &change.cause("waveArm", action));
        self.event(1502, event);
    }
}
