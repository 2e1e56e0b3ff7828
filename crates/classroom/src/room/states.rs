//! The state of the class, by hand and by the clock.

use serde_json::{Value, json};

use super::schedule::ClassState;
use super::{Exit, Turn};
use crate::Refusal;
use crate::tree::{Tree, below};

impl Turn<'_> {
    /// Puts the class into a state by hand.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Started`], [`Refusal::Ended`].
    pub fn set_state(&mut self, state: ClassState) -> Result<(), Refusal> {
        if !self.by.is_teacher() {
            return Err(Refusal::NotAllowed);
        }
        self.room.schedule.may_become(state)?;
        self.change_state(state);
        Ok(())
    }

    pub(crate) fn change_state(&mut self, state: ClassState) {
        self.room.schedule.become_at(state, self.at);
        self.touch_room();
        let mut data = Tree::new();
        data.insert("state".into(), json!(state));
        let schedule = self.room.schedule.view();
        let times = [
            ("startTime", ClassState::Started),
            ("endTime", ClassState::Ended),
            ("closeTime", ClassState::Closed),
        ];
        for (name, from) in times {
            if let (true, Some(time)) = (state >= from, schedule.get(name)) {
                data.insert(name.into(), time.clone());
            }
        }
        self.event(1, Value::Object(data));
        let mut changed = below("schedule", schedule);
        changed.insert("state".into(), json!(state));
        self.room_properties(&changed, &json!({}));
        if state == ClassState::Closed {
            self.end_carousel();
            self.end_groups();
            self.put_everybody_out();
        }
    }

    fn put_everybody_out(&mut self) {
        let there = self.room.users.values().filter(|user| user.online);
        let there: Vec<_> = there.map(|user| user.id.clone()).collect();
        for user in there {
            self.leave(&user, Exit::Left);
            self.out.ended.push((user, "closed"));
        }
    }
}
