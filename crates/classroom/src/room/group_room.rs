//! The room of a group, which the room of the class tells who is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, RoomUuid, Timestamp, UserUuid};

use super::{ClassState, Exit, GroupIs, NewRoom, Room, Schedule, Times, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// The room of the class, as the room of a group knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainRoom {
    /// Its name in the app.
    #[serde(with = "millis::name")]
    pub id: RoomUuid,
    /// Which one of that name.
    pub instance: u64,
    /// Counts what it said of the group.
    pub version: u64,
    /// Who learns in the group, and who teaches and came in by an invitation.
    #[serde(with = "millis::names")]
    pub members: Vec<UserUuid>,
    /// When it was destroyed; the group goes with it.
    #[serde(with = "millis::optional")]
    pub released: Option<Timestamp>,
}

impl Room {
    /// The room of a group that is open.
    ///
    /// # Errors
    /// [`Refusal::Argument`].
    pub(crate) fn of_group(
        instance: u64,
        is: &GroupIs,
        name: &str,
        members: &[UserUuid],
        at: Timestamp,
    ) -> Result<Self, Refusal> {
        let new = NewRoom {
            crosses: super::Crosses::default(),
            name: name.to_owned(),
            kind: RoomType::Group,
            times: Times::default(),
            roles: BTreeMap::new(),
            flex: Tree::new(),
            widgets: Tree::new(),
            max_accept: None,
            accepts_at_entry: false,
        };
        let main = MainRoom {
            id: is.main.clone(),
            instance: is.main_instance,
            version: is.version,
            members: members.to_vec(),
            released: None,
        };
        Ok(Self { main: Some(main), ..Self::new(is.id.clone(), instance, new, at)? })
    }

    /// Whether this is a group of that room of a class.
    pub(crate) fn is_of(&self, main: &RoomUuid, instance: u64) -> bool {
        self.main.as_ref().is_some_and(|known| known.id == *main && known.instance == instance)
    }

    /// Whether a user may come in: into a group only who is in it, or teaches.
    pub(super) fn is_member(&self, user: &UserUuid, role: ClassRole) -> bool {
        let Some(main) = &self.main else { return true };
        role != ClassRole::Student || main.members.contains(user)
    }
}

impl Turn<'_> {
    /// The room of the class says how this group is. What is older than the last is not heard.
    pub(crate) fn be_group(&mut self, is: GroupIs) {
        let Some(main) = &mut self.room.main else { return };
        if is.version >= main.version {
            main.version = is.version;
            self.touch_room();
            match is.open {
                Some((name, members)) => {
                    if let Some(main) = &mut self.room.main {
                        main.members = members;
                    }
                    self.room.name = name;
                    self.open_again();
                    self.put_others_out();
                }
                None if self.room.schedule.state != ClassState::Closed => {
                    self.change_state(ClassState::Closed);
                }
                None => {}
            }
        }
        if let (Some((from, message)), true) =
            (is.said, self.room.schedule.state != ClassState::Closed)
        {
            self.put_chat(&from, &message, 2);
        }
    }

    /// A group that was closed and is opened by the same name goes on in its room.
    fn open_again(&mut self) {
        if self.room.schedule.state != ClassState::Closed {
            return;
        }
        if let Ok(schedule) = Schedule::new(Times::default()) {
            self.room.schedule = schedule;
            let state = json!(self.room.schedule.state);
            let mut changed = Tree::new();
            changed.insert("schedule".into(), Value::Object(self.room.schedule.view()));
            changed.insert("state".into(), state);
            self.room_properties(&changed, &json!({}));
        }
    }

    /// Whoever learns and is in the group no more is put out of its room.
    fn put_others_out(&mut self) {
        let room = &self.room;
        let others = room.users.values().filter(|user| user.online);
        let others = others.filter(|user| !room.is_member(&user.id, user.role));
        let others: Vec<UserUuid> = others.map(|user| user.id.clone()).collect();
        for user in others {
            self.leave(&user, Exit::Left);
            self.out.ended.push((user, "moved"));
        }
    }

    /// The room of the class is destroyed.
    pub(crate) fn be_released(&mut self) {
        let at = self.at;
        if let Some(main) = &mut self.room.main {
            main.released.get_or_insert(at);
            self.touch_room();
        }
        let there = self.room.users.values().filter(|user| user.online);
        let there: Vec<UserUuid> = there.map(|user| user.id.clone()).collect();
        for user in there {
            self.leave(&user, Exit::Left);
            self.out.ended.push((user, "closed"));
        }
    }
}
