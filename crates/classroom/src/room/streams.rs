//! Streams: who may publish what, and which devices run (classroom specification, section 1.7).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, UserUuid};

use super::{Participant, Room, Turn};
use crate::Refusal;
use crate::tree::Tree;

/// What of a stream may be published at entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultStream {
    /// Whether there is a stream at all.
    pub on: bool,
    /// The picture.
    pub video: bool,
    /// The sound.
    pub audio: bool,
}

/// What a stream shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamKind {
    /// Camera and microphone.
    Main,
    /// A screen and its sound.
    Screen,
}

/// A stream of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its number, which the server allots.
    pub id: u32,
    /// What it shows.
    pub kind: StreamKind,
    /// Whether the picture may be published.
    pub video: bool,
    /// Whether the sound may be published.
    pub audio: bool,
    /// The device that makes the picture: 0 stopped, 1 started, 2 starting, -1 failed.
    pub video_source: i8,
    /// The device that takes up the sound.
    pub audio_source: i8,
}

/// A change to a stream; what is none stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamChange {
    /// Whether the picture may be published.
    pub video: Option<bool>,
    /// Whether the sound may be published.
    pub audio: Option<bool>,
    /// The state of the device that makes the picture.
    pub video_source: Option<i8>,
    /// The state of the device that takes up the sound.
    pub audio_source: Option<i8>,
}

impl Stream {
    /// As others are told of it.
    pub fn view(&self) -> Tree {
        let (video_type, audio_type) = match self.kind {
            StreamKind::Main => (1, 1),
            StreamKind::Screen => (2, 2),
        };
        let view = json!({
            "streamUuid": self.id.to_string(),
            "streamName": "",
            "videoSourceType": video_type,
            "audioSourceType": audio_type,
            "videoState": u8::from(self.video),
            "audioState": u8::from(self.audio),
            "videoSourceState": self.video_source,
            "audioSourceState": self.audio_source,
        });
        match view {
            Value::Object(view) => view,
            _ => Tree::new(),
        }
    }

    fn change(&mut self, change: &StreamChange) {
        self.video = change.video.unwrap_or(self.video);
        self.audio = change.audio.unwrap_or(self.audio);
        self.video_source = change.video_source.unwrap_or(self.video_source);
        self.audio_source = change.audio_source.unwrap_or(self.audio_source);
    }
}

/// A device's state.
///
/// # Errors
/// [`Refusal::Argument`].
pub(crate) fn check_device(field: &str, state: i8) -> Result<(), Refusal> {
    if (-1..=2).contains(&state) {
        return Ok(());
    }
    Err(Refusal::argument(format!("{field}: must be 0, 1, 2 or -1")))
}

impl Room {
    /// What a role may publish at entry.
    pub fn stream_at_entry(&self, role: ClassRole) -> DefaultStream {
        let both = DefaultStream { on: true, video: true, audio: true };
        let said = self.roles.get(&role.number()).and_then(|rule| rule.stream);
        match (role, self.kind) {
            (ClassRole::Observer | ClassRole::Invisible, _) => DefaultStream::default(),
            (ClassRole::Assistant, _) => said.unwrap_or_default(),
            (ClassRole::Teacher, _) => said.unwrap_or(both),
            (ClassRole::Student, RoomType::OneToOne | RoomType::Cloud | RoomType::Group) => {
                said.unwrap_or(both)
            }
            // On the stage only.
            (ClassRole::Student, RoomType::Small | RoomType::Lecture) => said.unwrap_or_default(),
        }
    }

    /// Whether others see a stream in the room: a student's where there is a stage, only while it is on the stage or
    /// may publish for another reason.
    pub fn is_shown(&self, user: &Participant, stream: &Stream) -> bool {
        let needs_stage =
            self.has_stage() && user.role == ClassRole::Student && stream.kind == StreamKind::Main;
        !needs_stage || stream.video || stream.audio || self.is_on_stage(&user.id)
    }

    /// As [`Self::is_shown`], by names.
    pub(super) fn shows(&self, user: &UserUuid, stream: u32) -> bool {
        let owner = self.users.get(user);
        let found = owner.and_then(|owner| owner.streams.iter().find(|found| found.id == stream));
        owner.zip(found).is_some_and(|(owner, stream)| self.is_shown(owner, stream))
    }

    /// Whether a stream's number is taken.
    pub(crate) fn has_stream(&self, id: u32) -> bool {
        self.roster.has_stream(id)
    }
}

impl Turn<'_> {
    /// A number for a stream, which nobody in the room has.
    pub(crate) fn new_stream_id(&self) -> u32 {
        loop {
            let id = u32::from_le_bytes(self.entropy.bytes());
            if id != 0 && !self.room.has_stream(id) {
                return id;
            }
        }
    }

    /// Changes what of a stream may be published, or how its devices are: rights by the teacher's side, devices by
    /// whom they belong to.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`] also where there is no such stream, [`Refusal::Argument`].
    pub fn change_stream(
        &mut self,
        user: &UserUuid,
        stream: u32,
        change: StreamChange,
    ) -> Result<(), Refusal> {
        self.check_stream(user, stream, &change)?;
        let action = self.put_stream(user, stream, &change);
        self.tell_stream(user, stream, action);
        Ok(())
    }

    /// Whether a stream may be changed so.
    pub(super) fn check_stream(
        &self,
        user: &UserUuid,
        stream: u32,
        change: &StreamChange,
    ) -> Result<(), Refusal> {
        self.admit()?;
        let rights = change.video.is_some() || change.audio.is_some();
        let devices = change.video_source.is_some() || change.audio_source.is_some();
        if rights && !self.by.is_teaching() || devices && !self.by.may_act_for(user) {
            return Err(Refusal::NotAllowed);
        }
        for (field, state) in
            [("videoSourceState", change.video_source), ("audioSourceState", change.audio_source)]
        {
            state.map_or(Ok(()), |state| check_device(field, state))?;
        }
        let owner = self.room.users.get(user).ok_or(Refusal::NoUser)?;
        if !owner.streams.iter().any(|found| found.id == stream) {
            return Err(Refusal::NoUser);
        }
        // Nobody gives those rights who have none by their role.
        let gives = change.video == Some(true) || change.audio == Some(true);
        let may_publish = owner.role.is_listed();
        if gives && !may_publish { Err(Refusal::NotAllowed) } else { Ok(()) }
    }

    /// Changes a stream that was checked, and answers what others are to be told: 1 added, 2 changed, 3 removed, 0
    /// nothing.
    pub(super) fn put_stream(&mut self, user: &UserUuid, stream: u32, change: &StreamChange) -> u8 {
        let was_shown = self.room.shows(user, stream);
        let at = self.at;
        if let Some(owner) = self.room.users.get_mut(user) {
            if let Some(found) = owner.streams.iter_mut().find(|found| found.id == stream) {
                found.change(change);
            }
            owner.updated = at;
        }
        self.touch(user);
        match (was_shown, self.room.shows(user, stream)) {
            (false, true) => 1,
            (true, true) => 2,
            (true, false) => 3,
            (false, false) => 0,
        }
    }

    /// Removes a stream of a user's own, or of anybody's by the teacher's side.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`].
    pub fn remove_stream(&mut self, user: &UserUuid, stream: u32) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teaching() && !self.by.may_act_for(user) {
            return Err(Refusal::NotAllowed);
        }
        let owner = self.room.users.get(user).ok_or(Refusal::NoUser)?;
        let found = owner.streams.iter().find(|found| found.id == stream);
        if found.ok_or(Refusal::NoUser)?.kind == StreamKind::Screen {
            self.end_share(user);
            return Ok(());
        }
        self.tell_stream(user, stream, 3);
        if let Some(owner) = self.room.users.get_mut(user) {
            owner.streams.retain(|found| found.id != stream);
            owner.updated = self.at;
        }
        self.touch(user);
        Ok(())
    }

    /// Tells the room of a stream: 1 added, 2 changed, 3 removed; 0 nothing.
    pub(crate) fn tell_stream(&mut self, user: &UserUuid, stream: u32, action: u8) {
        if let Some(mut data) = self.stream_data(user, stream, action) {
            data.insert("operator".into(), self.by.view(self.room));
            self.frame(40, Value::Object(data));
        }
    }

    fn stream_data(&self, user: &UserUuid, stream: u32, action: u8) -> Option<Tree> {
        let owner = self.room.users.get(user).filter(|_| action != 0)?;
        let mut data = owner.streams.iter().find(|found| found.id == stream)?.view();
        data.insert("action".into(), action.into());
        data.insert("fromUser".into(), self.room.user_brief(owner));
        Some(data)
    }

    /// Tells the room of streams, each with what happened to it: of one as [`Self::tell_stream`] does, of several in
    /// one frame.
    pub(super) fn tell_streams(&mut self, streams: &[(UserUuid, u32, u8)], cause: &Value) {
        match streams {
            [(user, stream, action)] => self.tell_stream(user, *stream, *action),
            _ => self.tell_batch(streams, cause),
        }
    }

    /// Tells the room of streams in one frame.
    pub(super) fn tell_batch(&mut self, streams: &[(UserUuid, u32, u8)], cause: &Value) {
        let each = |(user, stream, action): &(UserUuid, u32, u8)| {
            self.stream_data(user, *stream, *action).map(Value::Object)
        };
        let streams: Vec<Value> = streams.iter().filter_map(each).collect();
        if !streams.is_empty() {
            let operator = self.by.view(self.room);
            self.frame(41, json!({"streams": streams, "operator": operator, "cause": cause}));
        }
    }
}
