//! Shared screens (classroom specification, section 1.9).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, UserUuid};

use super::streams::check_device;
use super::{Room, Stream, StreamKind, Turn};
use crate::tree::{self, Tree};
use crate::{Refusal, millis};

/// The screen that is shared in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Whose.
    #[serde(with = "millis::name")]
    pub user: UserUuid,
    /// Its stream.
    pub stream: u32,
}

/// As it stands in `screen`.
pub(super) fn view(screen: Option<&Screen>) -> Value {
    match screen {
        None => json!({"state": 0}),
        Some(screen) => json!({
            "state": 1,
            "streamUuid": screen.stream.to_string(),
            "userUuid": screen.user.as_str(),
        }),
    }
}

impl Room {
    /// Whether a user may share a screen: those who teach, everybody in a cloud class, and whom the teacher lets by
    /// `flexProps.screenGrants.<user>`.
    pub fn may_share(&self, user: &UserUuid, role: ClassRole) -> bool {
        let granted = || {
            let grants = self.flex.get("screenGrants").and_then(Value::as_object);
            grants.is_some_and(|grants| {
                let found = grants.get(user.as_str()).or_else(|| tree::get(grants, user.as_str()));
                found.and_then(Value::as_bool) == Some(true)
            })
        };
        match role {
            ClassRole::Teacher | ClassRole::Assistant => true,
            ClassRole::Student => self.kind == RoomType::Cloud || granted(),
            ClassRole::Observer | ClassRole::Invisible => false,
        }
    }
}

impl Turn<'_> {
    /// Row 74: a user shares a screen with all, one at a time. Answers the stream; a second call of the same user
    /// answers it again.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`]; [`Refusal::Conflict`] while somebody
    /// else does.
    pub fn start_screen(
        &mut self,
        user: &UserUuid,
        audio: bool,
        audio_source: i8,
    ) -> Result<u32, Refusal> {
        self.check_share(user, audio_source)?;
        match &self.room.screen {
            Some(screen) if screen.user == *user => return Ok(screen.stream),
            Some(_) => return Err(Refusal::Conflict),
            None => {}
        }
        let stream = self.add_share(user, audio, audio_source);
        self.room.screen = Some(Screen { user: user.clone(), stream });
        self.tell_screen();
        Ok(stream)
    }

    /// Row 75: a screen is shared no more: one's own, or anybody's by those who teach.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`]; [`Refusal::NoScreen`] when that user shares none.
    pub fn stop_screen(&mut self, user: &UserUuid) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teaching() && !self.by.is(user) {
            return Err(Refusal::NotAllowed);
        }
        if self.room.screen.as_ref().is_none_or(|screen| screen.user != *user) {
            return Err(Refusal::NoScreen);
        }
        self.end_share(user);
        Ok(())
    }

    fn check_share(&self, user: &UserUuid, audio_source: i8) -> Result<(), Refusal> {
        self.admit()?;
        check_device("audioSourceState", audio_source)?;
        if !self.by.may_act_for(user) {
            return Err(Refusal::NotAllowed);
        }
        let found = self.present(user)?;
        if self.room.may_share(user, found.role) { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    fn add_share(&mut self, user: &UserUuid, audio: bool, audio_source: i8) -> u32 {
        let id = self.new_stream_id();
        if let Some(found) = self.room.users.get_mut(user) {
            found.updated = self.at;
            found.streams.push(Stream {
                id,
                kind: StreamKind::Screen,
                video: true,
                audio,
                video_source: 1,
                audio_source,
            });
        }
        self.touch(user);
        self.tell_stream(user, id, 1);
        id
    }

    /// The screen of a user is shared no more, if there was one.
    pub(super) fn end_share(&mut self, user: &UserUuid) {
        let shared = self.room.users.get(user).and_then(|user| user.stream(StreamKind::Screen));
        if let Some(id) = shared.map(|stream| stream.id) {
            self.tell_stream(user, id, 3);
            if let Some(found) = self.room.users.get_mut(user) {
                found.streams.retain(|stream| stream.id != id);
                found.updated = self.at;
            }
            self.touch(user);
        }
        if self.room.screen.as_ref().is_some_and(|screen| screen.user == *user) {
            self.room.screen = None;
            self.tell_screen();
        }
    }

    fn tell_screen(&mut self) {
        self.touch_room();
        let mut changed = Tree::new();
        changed.insert("screen".into(), view(self.room.screen.as_ref()));
        self.room_properties(&changed, &json!({}));
    }
}
