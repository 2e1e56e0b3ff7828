//! A room as a state machine without IO: acts and time in, frames and events out.
//!
//! [`Room`] is what is stored; a [`Turn`] is one act on it, by somebody, at a moment. Each area has a file of its own,
//! with its part of the state and the acts that change it. An act that is refused has changed nothing: checks come
//! first. What others are told is written to the turn's [`Outcome`], and leaves only when the change is durable.

mod clock;
mod entry;
mod participant;
mod properties;
mod roster;
pub mod schedule;
mod states;
mod streams;
mod turn;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stoa_core::{ClassRole, RoomType, RoomUuid, Timestamp, UserUuid};

pub use entry::{AWAITED, Ban, CheckIn, Entered, Exit};
pub use participant::Participant;
pub use schedule::{ClassState, Schedule, Times};
pub use streams::{DefaultStream, Stream, StreamChange, StreamKind};
pub use turn::{By, Outcome, Touched, Turn};

use self::roster::Roster;
use crate::tree::Tree;
use crate::{Refusal, millis};

/// What a room is made with.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Its name, shown to people.
    pub name: String,
    /// Its type.
    pub kind: RoomType,
    /// Its times.
    pub times: Times,
    /// What holds for each role.
    pub roles: BTreeMap<u8, RoleRule>,
    /// The app's own properties.
    pub flex: Tree,
    /// Records of widgets, by their ids.
    pub widgets: Tree,
    /// Students on the stage at once; none: the default.
    pub max_accept: Option<u32>,
    /// Whether students are on the stage at entry.
    pub accepts_at_entry: bool,
}

/// What holds for a role in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRule {
    /// How many there may be at once.
    pub limit: Option<u32>,
    /// Its stream at entry; none: by the room's type.
    pub stream: Option<DefaultStream>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Its name in the app.
    #[serde(with = "millis::name")]
    pub id: RoomUuid,
    /// Tells it from an earlier and a later room of the same name.
    pub instance: u64,
    /// Its name, shown to people.
    pub name: String,
    /// Its type.
    #[serde(with = "millis::room_type")]
    pub kind: RoomType,
    /// When it was made.
    #[serde(with = "millis")]
    pub created: Timestamp,
    /// Its times, and where the class stands.
    pub schedule: Schedule,
    /// What holds for each role, by its number.
    pub roles: BTreeMap<u8, RoleRule>,
    /// The app's own properties.
    pub flex: Tree,
    /// Records of widgets, by their ids.
    pub widgets: Tree,
    /// Who is banned, and until when (ms): for ever, where there is no number.
    pub bans: BTreeMap<String, Option<u64>>,
    /// The number of the last frame to the room. Stored with the frames.
    #[serde(skip)]
    pub sequence: u64,
    /// The number of the last event to the app's back end. Stored with the events.
    #[serde(skip)]
    pub event_sequence: u64,
    /// Who has been in the room, by name. Stored apart.
    #[serde(skip)]
    pub users: BTreeMap<UserUuid, Participant>,
    /// Counts over them.
    #[serde(skip)]
    pub(crate) roster: Roster,
}

/// The longest name that is shown to people, in bytes.
pub const SHOWN_NAME_BYTES: usize = 63;

/// A name that is shown to people.
///
/// # Errors
/// [`Refusal::Argument`] for one that is empty or too long.
pub fn shown_name(field: &str, text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.len() > SHOWN_NAME_BYTES {
        return Err(Refusal::argument(format!("{field}: must have 1 to {SHOWN_NAME_BYTES} bytes")));
    }
    Ok(text.to_owned())
}

impl Room {
    /// A new room.
    ///
    /// # Errors
    /// [`Refusal::Argument`].
    pub fn new(id: RoomUuid, instance: u64, new: NewRoom, at: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            id,
            instance,
            name: shown_name("roomName", &new.name)?,
            kind: new.kind,
            created: at,
            schedule: Schedule::new(new.times)?,
            roles: new.roles,
            flex: new.flex,
            widgets: new.widgets,
            bans: BTreeMap::new(),
            sequence: 0,
            event_sequence: 0,
            users: BTreeMap::new(),
            roster: Roster::default(),
        })
    }

    /// Who is there and is counted.
    pub fn listed(&self) -> impl Iterator<Item = &Participant> {
        self.users.values().filter(|user| user.online && user.role.is_listed())
    }

    /// How many of a role are there.
    pub fn present(&self, role: ClassRole) -> usize {
        self.roster.present(role)
    }

    /// How many are there at once, at the most.
    pub const fn capacity(&self) -> usize {
        match self.kind {
            RoomType::OneToOne => 2,
            RoomType::Lecture => 5_000,
            RoomType::Small => 200,
            RoomType::Cloud => 50,
            RoomType::Group => 17,
        }
    }

    /// How many of a role are there at once, at the most; none: as many as fit into the room.
    pub fn seats(&self, role: ClassRole) -> Option<usize> {
        let said = self.roles.get(&role.number()).and_then(|rule| rule.limit);
        let said = said.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        match (self.kind, role) {
            (RoomType::OneToOne, ClassRole::Teacher | ClassRole::Student) => {
                Some(said.unwrap_or(1).min(1))
            }
            _ => said,
        }
    }
}
