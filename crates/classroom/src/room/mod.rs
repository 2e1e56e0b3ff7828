//! A room as a state machine without IO: acts and time in, frames and events out.
//!
//! [`Room`] is what is stored; a [`Turn`] is one act on it, by somebody, at a moment. Each area has a file of its own,
//! with its part of the state and the acts that change it. An act that is refused has changed nothing: checks come
//! first. What others are told is written to the turn's [`Outcome`], and leaves only when the change is durable.

mod carousel;
mod chat;
mod clock;
mod entry;
mod group_room;
mod groups;
mod hands;
mod messages;
mod mute;
mod participant;
mod process;
mod properties;
mod records;
mod rewards;
mod roster;
pub mod schedule;
mod screen;
mod stage;
mod stated;
mod states;
mod streams;
mod tags;
mod turn;
mod view;
mod widgets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_core::{ClassRole, RoomType, RoomUuid, Timestamp, UserUuid};

pub use carousel::Carousel;
pub use chat::{CHAT_CHARS, CHAT_PAGE, Conversation};
pub use entry::{AWAITED, Ban, CheckIn, Entered, Exit};
pub use group_room::MainRoom;
pub use groups::{
    Group, GroupInfo, GroupIs, GroupPlan, GroupUsers, Groups, MOST_GROUPS, MOST_MEMBERS,
};
pub use hands::Hands;
pub use mute::Gallery;
pub use participant::Participant;
pub use process::{LONGEST_WAIT_S, MAX_WAIT, PAYLOAD_BYTES, Waiting};
pub use records::{Record, RecordList};
pub use rewards::MOST_REWARDS;
pub use schedule::{ClassState, Schedule, Times};
pub use screen::Screen;
pub use stage::{MOST_SEATS, SEATS, Stage};
pub use stated::STATED_MOST;
pub use streams::{DefaultStream, Stream, StreamChange, StreamKind};
pub use tags::MOST_USERS;
pub use turn::{By, Outcome, Touched, Turn};
pub use widgets::{
    Countdown, MOST_WIDGETS, Poll, PollAnswer, Quiz, QuizAnswer, USER_WIDGETS_BYTES, WINDOWS_BYTES,
};

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
    /// What may cross regions, of what the app's owner permits.
    pub crosses: Crosses,
}

/// Of what the app's owner permits to cross regions, what a room lets cross (classroom specification, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crosses {
    /// Live sound and pictures.
    pub media: bool,
    /// Everything else of clients whose network is in another region.
    pub messages: bool,
}

impl Default for Crosses {
    fn default() -> Self {
        Self { media: true, messages: true }
    }
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
    /// What users may be who come without a token that says it, by the numbers of roles.
    #[serde(default)]
    pub stated: BTreeMap<String, u8>,
    /// Whether messages and media of the app that may cross regions may in this room.
    #[serde(default)]
    pub crosses: Crosses,
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
    /// The stage.
    #[serde(default)]
    pub stage: Stage,
    /// The hands that are up.
    #[serde(default)]
    pub hands: Hands,
    /// The carousel, while it goes.
    #[serde(default)]
    pub carousel: Option<Carousel>,
    /// The screen that is shared.
    #[serde(default)]
    pub screen: Option<Screen>,
    /// The gallery.
    #[serde(default)]
    pub gallery: Gallery,
    /// Whether students may not write in the room's chat.
    #[serde(default)]
    pub mute_chat: bool,
    /// The last poll.
    #[serde(default)]
    pub poll: Option<Poll>,
    /// The last quiz.
    #[serde(default)]
    pub quiz: Option<Quiz>,
    /// The countdown, while there is one.
    #[serde(default)]
    pub countdown: Option<Countdown>,
    /// How the windows on the board stand.
    #[serde(default)]
    pub board_windows: Value,
    /// The groups.
    #[serde(default)]
    pub groups: Groups,
    /// The room of the class, where this is the room of a group.
    #[serde(default)]
    pub main: Option<MainRoom>,
    /// How many records there are of polls and quizzes.
    #[serde(default)]
    pub records: u64,
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
        widgets::check_all(&new.widgets)?;
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
            stated: BTreeMap::new(),
            crosses: new.crosses,
            sequence: 0,
            event_sequence: 0,
            users: BTreeMap::new(),
            roster: Roster::default(),
            stage: Stage::new(new.max_accept, new.accepts_at_entry)?,
            hands: Hands::default(),
            carousel: None,
            screen: None,
            gallery: Gallery::default(),
            mute_chat: false,
            poll: None,
            quiz: None,
            countdown: None,
            board_windows: Value::Null,
            groups: Groups::default(),
            main: None,
            records: 0,
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
