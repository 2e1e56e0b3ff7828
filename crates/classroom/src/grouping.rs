//! Which rooms are groups, and what the room of a class tells them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_core::{AppKey, AppNumber, RoomUuid};

use crate::line::Desk;
use crate::room::{By, GroupIs, Room};
use crate::{Error, Refusal};

/// The groups that are open, each with the room of its class.
#[derive(Default)]
pub(crate) struct GroupIndex(Mutex<HashMap<(AppNumber, RoomUuid), RoomUuid>>);

impl GroupIndex {
    /// The room of the class that a group belongs to.
    pub(crate) fn main_of(&self, app: AppNumber, group: &RoomUuid) -> Option<RoomUuid> {
        self.0.lock().get(&(app, group.clone())).cloned()
    }

    /// These groups of a room are open.
    pub(crate) fn note_room(&self, app: AppNumber, room: &Room) {
        let open = room.groups.open.iter();
        self.0.lock().extend(open.map(|group| ((app, group.id.clone()), room.id.clone())));
    }

    fn note(&self, app: AppNumber, is: &GroupIs) {
        let key = (app, is.id.clone());
        if is.open.is_some() {
            self.0.lock().insert(key, is.main.clone());
        } else {
            self.0.lock().remove(&key);
        }
    }
}

/// What the room of a group is to be told.
pub(crate) enum Word {
    /// How it is.
    Is(GroupIs),
    /// The room of the class, by its instance, is destroyed.
    Gone {
        /// The group.
        id: RoomUuid,
        /// The room of the class.
        main: RoomUuid,
        /// Which one of that name.
        instance: u64,
    },
}

impl Word {
    /// Which group.
    pub(crate) const fn group(&self) -> &RoomUuid {
        match self {
            Self::Is(is) => &is.id,
            Self::Gone { id, .. } => id,
        }
    }

    /// Tells it. A room of that name that is no group of that class is left alone.
    pub(crate) fn tell(self, desk: &mut Desk<'_>, app: &AppKey) -> Result<(), Error> {
        match self {
            Self::Is(is) => tell(desk, is, app),
            Self::Gone { main, instance, .. } => {
                let mut turn = desk.turn(By::Server)?;
                if turn.room.is_of(&main, instance) {
                    turn.be_released();
                }
                Ok(())
            }
        }
    }
}

/// Tells the room of a group how it is; makes it where there is none.
pub(crate) fn tell(desk: &mut Desk<'_>, is: GroupIs, app: &AppKey) -> Result<(), Error> {
    if let (None, Some((name, members))) = (&desk.slot, &is.open) {
        let instance = crate::chat_room::number(desk.entropy);
        let mut room = Room::of_group(instance, &is, name, members, desk.at)?;
        crate::chat_room::describe(&mut room.widgets, app);
        crate::chat_room::complete(&mut room);
        *desk.slot = Some(room);
        desk.turn(By::Server)?.touch_room();
    }
    let mut turn = desk.turn(By::Server)?;
    if !turn.room.is_of(&is.main, is.main_instance) {
        return Err(Refusal::NoRoom.into());
    }
    turn.be_group(is);
    Ok(())
}

/// What a room's line has to tell to the rooms of groups.
pub(crate) struct Words {
    app: AppNumber,
    index: Arc<GroupIndex>,
    waiting: Mutex<Vec<Word>>,
}

impl Words {
    pub(crate) fn new(app: AppNumber, index: Arc<GroupIndex>) -> Self {
        Self { app, index, waiting: Mutex::default() }
    }

    /// It is stored that groups are so.
    pub(crate) fn keep(&self, groups: &[GroupIs]) {
        for is in groups {
            self.index.note(self.app, is);
        }
        self.waiting.lock().extend(groups.iter().cloned().map(Word::Is));
    }

    /// The room of the class is destroyed, and its groups are to be.
    pub(crate) fn gone(&self, main: &RoomUuid, instance: u64, groups: Vec<RoomUuid>) {
        let words = groups.into_iter().map(|id| {
            self.index.0.lock().remove(&(self.app, id.clone()));
            Word::Gone { id, main: main.clone(), instance }
        });
        let words: Vec<Word> = words.collect();
        self.waiting.lock().extend(words);
    }

    /// What is to be told now.
    pub(crate) fn take(&self) -> Vec<Word> {
        std::mem::take(&mut *self.waiting.lock())
    }
}

/// What the rooms of groups are to be told when a process begins: it may have ended before they were.
pub(crate) fn words_at_start(rooms: &[Room]) -> Vec<Word> {
    let groups = rooms.iter().filter_map(|room| Some((room, room.main.as_ref()?)));
    let told = groups.map(|(room, main)| {
        let class =
            rooms.iter().find(|class| class.id == main.id && class.instance == main.instance);
        let Some(class) = class else {
            let (id, instance) = (room.id.clone(), main.instance);
            return Word::Gone { id, main: main.id.clone(), instance };
        };
        Word::Is(class.group_is(&room.id).unwrap_or_else(|| class.group_is_closed(&room.id)))
    });
    told.collect()
}
