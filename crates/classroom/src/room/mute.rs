//! Rights and devices of several streams at once, and the gallery (classroom specification, sections 1.7 and 2.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, UserUuid};

use super::tags::MOST_USERS;
use super::{StreamChange, StreamKind, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// The gallery on a second screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gallery {
    /// Whether it is open.
    pub on: bool,
    /// Who may publish for it.
    #[serde(with = "millis::names")]
    pub users: Vec<UserUuid>,
}

impl Gallery {
    /// As it stands in `expandedScope`.
    pub(super) fn view(&self) -> Value {
        let users: Vec<&str> = self.users.iter().map(UserUuid::as_str).collect();
        json!({"state": u8::from(self.on), "userUuids": users})
    }
}

impl Turn<'_> {
    /// Row 56: changes several streams, told in one frame: "mute all".
    ///
    /// # Errors
    /// As [`Self::change_stream`].
    pub fn change_streams(
        &mut self,
        changes: &[(UserUuid, u32, StreamChange)],
        cause: &Value,
    ) -> Result<(), Refusal> {
        if changes.is_empty() || changes.len() > 2 * MOST_USERS {
            let most = 2 * MOST_USERS;
            return Err(Refusal::argument(format!("streams: has 1 to {most} entries")));
        }
        for (user, stream, change) in changes {
            self.check_stream(user, *stream, change)?;
        }
        let told: Vec<_> = changes
            .iter()
            .map(|(user, stream, change)| {
                let action = self.put_stream(user, *stream, change);
                (user.clone(), *stream, action)
            })
            .collect();
        self.tell_batch(&told, cause);
        Ok(())
    }

    /// Row 84: the state of a user's own camera and microphone.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn set_device(
        &mut self,
        user: &UserUuid,
        camera: Option<i8>,
        microphone: Option<i8>,
    ) -> Result<(), Refusal> {
        let main = self.present(user)?.stream(StreamKind::Main).map(|stream| stream.id);
        let change = StreamChange {
            video_source: camera,
            audio_source: microphone,
            ..StreamChange::default()
        };
        self.change_stream(user, main.ok_or(Refusal::NoUser)?, change)
    }

    /// Row 37: opens the gallery, in which `users` may publish, or closes it.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] but for the teacher and the app, [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn set_gallery(&mut self, on: bool, users: &[UserUuid]) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teacher() {
            return Err(Refusal::NotAllowed);
        }
        if users.len() > MOST_USERS {
            return Err(Refusal::argument(format!("userUuids: has at most {MOST_USERS} entries")));
        }
        let mut listed: Vec<UserUuid> = Vec::new();
        for user in users {
            self.present(user)?;
            if on && !listed.contains(user) {
                listed.push(user.clone());
            }
        }
        let before =
            std::mem::replace(&mut self.room.gallery, Gallery { on, users: listed.clone() });
        self.touch_room();
        let mut changed = Tree::new();
        changed.insert("expandedScope".into(), self.room.gallery.view());
        self.room_properties(&changed, &json!({}));
        let gone = before.users.into_iter().filter(|user| !listed.contains(user));
        let mut told = Vec::new();
        for (user, on) in gone
            .map(|user| (user, false))
            .chain(listed.clone().into_iter().map(|user| (user, true)))
        {
            told.extend(self.change_gallery_rights(&user, on));
        }
        self.tell_streams(&told, &json!({}));
        Ok(())
    }

    /// Gives a student of the gallery the right to publish, or takes it from whoever has it by the gallery only.
    fn change_gallery_rights(&mut self, user: &UserUuid, on: bool) -> Option<(UserUuid, u32, u8)> {
        let found = self.room.users.get(user)?;
        let main = found.stream(StreamKind::Main);
        let has_both = main.is_some_and(|main| main.video && main.audio);
        let is_student = found.role == ClassRole::Student;
        if !is_student
            || on && has_both
            || !on && (self.room.is_on_stage(user) || !self.room.has_stage())
        {
            return None;
        }
        let id = self.give_rights(user, on)?;
        Some((user.clone(), id, if on { 1 } else { 3 }))
    }

    /// Whoever leaves is in the gallery no more.
    pub(super) fn leave_gallery(&mut self, user: &UserUuid) {
        if !self.room.gallery.users.contains(user) {
            return;
        }
        self.room.gallery.users.retain(|other| other != user);
        self.touch_room();
        let mut changed = Tree::new();
        changed.insert("expandedScope".into(), self.room.gallery.view());
        self.room_properties(&changed, &json!({}));
        let told = self.change_gallery_rights(user, false);
        self.tell_streams(told.as_slice(), &json!({}));
    }
}
