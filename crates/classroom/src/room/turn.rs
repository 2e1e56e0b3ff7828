//! One act on a room.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stoa_core::{ClassRole, Entropy, Timestamp, UserUuid};

use super::{ClassState, GroupIs, Participant, Record, Room};
use crate::Refusal;
use crate::frame::{Event, Frame, PeerFrame};
use crate::tree::Tree;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The app's back end.
    App,
    /// A user of the room, in a role that a token or the room vouches for.
    User {
        /// Who.
        id: UserUuid,
        /// In which role.
        role: ClassRole,
    },
    /// The server: the clock, a connection that is gone.
    Server,
}

impl By {
    /// Whether this runs the room: the app's back end, the teacher, an assistant.
    pub const fn is_teaching(&self) -> bool {
        match self {
            Self::App | Self::Server => true,
            Self::User { role, .. } => role.is_teaching(),
        }
    }

    /// Whether this may do what the teacher alone may.
    pub const fn is_teacher(&self) -> bool {
        match self {
            Self::App | Self::Server => true,
            Self::User { role, .. } => matches!(role, ClassRole::Teacher),
        }
    }

    /// Whether this is somebody who learns.
    pub const fn is_student(&self) -> bool {
        matches!(self, Self::User { role: ClassRole::Student, .. })
    }

    /// Whether this is that user.
    pub fn is(&self, user: &UserUuid) -> bool {
        matches!(self, Self::User { id, .. } if id == user)
    }

    /// Whether this may speak for that user: it is that user, or the app.
    pub fn may_act_for(&self, user: &UserUuid) -> bool {
        matches!(self, Self::App | Self::Server) || self.is(user)
    }

    /// The user, if it is one.
    pub const fn user(&self) -> Option<&UserUuid> {
        match self {
            Self::User { id, .. } => Some(id),
            _ => None,
        }
    }

    /// As `operator` in frames and events.
    pub fn view(&self, room: &Room) -> Value {
        match self {
            Self::User { id, role } => {
                let name = room.users.get(id).map_or("", |user| user.name.as_str());
                let role = role.name(room.kind);
                json!({"userUuid": id.as_str(), "userName": name, "role": role})
            }
            Self::App | Self::Server => {
                json!({"userUuid": "server", "userName": "server", "role": "server"})
            }
        }
    }
}

/// Which records a batch of acts has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// The room's own.
    pub room: bool,
    /// Those of these users.
    pub users: BTreeSet<UserUuid>,
}

/// What comes of acts besides the changed room.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Which records are to be stored.
    pub touched: Touched,
    /// To everybody in the room, numbered.
    pub frames: Vec<Frame>,
    /// To one user, numbered for that user.
    pub peers: Vec<PeerFrame>,
    /// To one user, neither numbered nor kept.
    pub told: Vec<(UserUuid, Value)>,
    /// To everybody in the room, neither numbered nor kept.
    pub announced: Vec<Value>,
    /// To the app's back end, numbered.
    pub events: Vec<Event>,
    /// Whose connections end, and why.
    pub ended: Vec<(UserUuid, &'static str)>,
    /// To be kept.
    pub records: Vec<Record>,
    /// What the rooms of groups are told.
    pub groups: Vec<GroupIs>,
}

/// One act on a room, by somebody, at a moment.
pub struct Turn<'a> {
    /// The room.
    pub room: &'a mut Room,
    /// Who acts.
    pub by: By,
    /// When.
    pub at: Timestamp,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// What comes of it.
    pub out: &'a mut Outcome,
}

impl Turn<'_> {
    /// Tells everybody in the room.
    pub fn frame(&mut self, cmd: u16, data: Value) {
        self.frame_apart(cmd, data, None);
    }

    /// Tells everybody in the room; whoever may not see right answers gets `reduced`.
    pub fn frame_apart(&mut self, cmd: u16, data: Value, reduced: Option<Value>) {
        self.room.sequence += 1;
        let sequence = self.room.sequence;
        let operator = self.by.view(self.room);
        let list = Vec::new();
        self.out.frames.push(Frame { cmd, sequence, at: self.at, operator, data, reduced, list });
    }

    /// Tells everybody in the room of several users at once.
    pub fn frame_of_many(&mut self, cmd: u16, list: Vec<Value>) {
        if list.is_empty() {
            return;
        }
        self.frame(cmd, json!({}));
        if let Some(frame) = self.out.frames.last_mut() {
            frame.list = list;
        }
    }

    /// Tells one user, numbered.
    pub fn peer(&mut self, user: &UserUuid, cmd: u16, data: Value) {
        let operator = self.by.view(self.room);
        let Some(to) = self.room.users.get_mut(user) else { return };
        to.peer_sequence += 1;
        let sequence = to.peer_sequence;
        let frame =
            Frame { cmd, sequence, at: self.at, operator, data, reduced: None, list: vec![] };
        self.out.peers.push(PeerFrame { user: user.clone(), frame });
        self.touch(user);
    }

    /// Tells one user what is neither numbered nor kept.
    pub fn tell(&mut self, user: &UserUuid, message: Value) {
        self.out.told.push((user.clone(), message));
    }

    /// Tells the app's back end.
    pub fn event(&mut self, cmd: u16, data: Value) {
        self.room.event_sequence += 1;
        let sequence = self.room.event_sequence;
        self.out.events.push(Event { cmd, sequence, at: self.at, data });
    }

    /// Tells everybody of properties of the room that changed, by dotted path. `cause` is copied unread.
    pub fn room_properties(&mut self, changed: &Tree, cause: &Value) {
        self.room_properties_apart(changed, None, cause);
    }

    /// As [`Self::room_properties`]; whoever may not see right answers is told of `reduced` instead.
    pub fn room_properties_apart(&mut self, changed: &Tree, reduced: Option<&Tree>, cause: &Value) {
        let removed = changed.values().all(|value| *value == "deleted");
        let cmd = if removed && !changed.is_empty() { 5 } else { 4 };
        let operator = self.by.view(self.room);
        let data = |changed: &Tree| json!({"changeProperties": changed, "operator": operator, "cause": cause});
        let reduced = reduced.map(data);
        self.frame_apart(cmd, data(changed), reduced);
    }

    /// Tells everybody of properties of a user that changed, by dotted path.
    pub fn user_properties(&mut self, user: &UserUuid, changed: &Tree, cause: &Value) {
        let (cmd, data) = self.user_change(user, changed, cause);
        self.touch(user);
        self.frame(cmd, data);
    }

    /// What is told of properties of a user that changed.
    pub(crate) fn user_change(
        &self,
        user: &UserUuid,
        changed: &Tree,
        cause: &Value,
    ) -> (u16, Value) {
        let removed = changed.values().all(|value| *value == "deleted");
        let cmd = if removed && !changed.is_empty() { 23 } else { 22 };
        let from = self.room.users.get(user).map(|user| self.room.user_brief(user));
        let operator = self.by.view(self.room);
        let data = json!({
            "fromUser": from, "changeProperties": changed, "operator": operator, "cause": cause,
        });
        (cmd, data)
    }

    /// The record of a user was changed, and is to be stored.
    pub fn touch(&mut self, user: &UserUuid) {
        self.room.count(user);
        self.out.touched.users.insert(user.clone());
    }

    /// The record of the room is to be stored.
    pub const fn touch_room(&mut self) {
        self.out.touched.room = true;
    }

    /// Whether anything may be done here at all: not in a room that is closed, and not by somebody who is banned.
    ///
    /// # Errors
    /// [`Refusal::RoomOver`], [`Refusal::Banned`].
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        if self.room.schedule.state == ClassState::Closed {
            return Err(Refusal::RoomOver);
        }
        match self.by.user() {
            Some(user) if self.room.is_banned(user, self.at) => Err(Refusal::Banned),
            _ => Ok(()),
        }
    }

    /// As [`Self::admit`], for what those do who teach.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], and those of [`Self::admit`].
    pub(crate) fn admit_teaching(&self) -> Result<(), Refusal> {
        self.admit()?;
        if self.by.is_teaching() { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// Somebody who is there.
    ///
    /// # Errors
    /// [`Refusal::NoUser`].
    pub(crate) fn present(&self, user: &UserUuid) -> Result<&Participant, Refusal> {
        self.room.users.get(user).filter(|user| user.online).ok_or(Refusal::NoUser)
    }

    /// Somebody who is there and learns.
    ///
    /// # Errors
    /// [`Refusal::NoUser`], [`Refusal::Argument`].
    pub(crate) fn student(&self, field: &str, user: &UserUuid) -> Result<&Participant, Refusal> {
        let found = self.present(user)?;
        if found.role == ClassRole::Student {
            return Ok(found);
        }
        Err(Refusal::argument(format!("{field}: must be a student of the room")))
    }

    /// Whom an act is about: whoever is named, which only those who teach may do, or whoever acts.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub(crate) fn target(&self, to: Option<&UserUuid>) -> Result<UserUuid, Refusal> {
        match (to, self.by.user()) {
            (Some(to), _) if self.by.is(to) || self.by.is_teaching() => Ok(to.clone()),
            (Some(_), _) => Err(Refusal::NotAllowed),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) => Err(Refusal::argument("toUserUuid: is required")),
        }
    }
}
