//! Coming in and going out (classroom specification, sections 1.6, 2.2 and 2.3).

use std::time::Duration;

use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, Timestamp, UserUuid};

use super::schedule::ClassState;
use super::{Participant, Stream, StreamKind, Turn, shown_name};
use crate::Refusal;
use crate::tree::{Edit, Tree};

/// How long somebody is awaited who has entered and has no connection yet, or whose connection is gone.
pub const AWAITED: Duration = Duration::from_secs(20);

/// Who comes in.
#[derive(Debug, Clone)]
pub struct CheckIn {
    /// The name that is shown to people.
    pub name: String,
    /// The role, which the token or the room vouches for.
    pub role: ClassRole,
    /// The app's own properties of the user; they are set where there are none yet.
    pub flex: Tree,
    /// How the devices are.
    pub video_source: i8,
    /// How the devices are.
    pub audio_source: i8,
}

/// What who has come in needs to know besides the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// Tells this entry from an earlier and a later one of the same user.
    pub session: u64,
    /// Whether the user had been there before.
    pub again: bool,
}

/// How somebody goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, or since the connection is gone.
    Left,
    /// Put out.
    Kicked,
}

impl Exit {
    const fn number(self) -> u8 {
        match self {
            Self::Left => 1,
            Self::Kicked => 2,
        }
    }
}

/// A ban with an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ban {
    /// For so many seconds.
    For(u64),
    /// As long as there is the room.
    Ever,
    /// None any more.
    Lifted,
}

impl Turn<'_> {
    /// Whether a user may come in in a role.
    ///
    /// # Errors
    /// [`Refusal::RoomOver`], [`Refusal::Banned`], [`Refusal::RoleFull`], [`Refusal::RoomFull`].
    pub fn check_in(&self, user: &UserUuid, role: ClassRole) -> Result<(), Refusal> {
        if self.room.schedule.state == ClassState::Closed {
            return Err(Refusal::RoomOver);
        }
        if self.room.is_banned(user, self.at) {
            return Err(Refusal::Banned);
        }
        if !self.room.is_member(user, role) {
            return Err(Refusal::NotAllowed);
        }
        let present = self.room.users.get(user).filter(|present| present.online);
        if present.is_some_and(|present| present.role == role) || role == ClassRole::Invisible {
            return Ok(());
        }
        if self.room.seats(role).is_some_and(|seats| self.room.present(role) >= seats) {
            return Err(Refusal::RoleFull);
        }
        // Those who teach may look into every group.
        let is_guest = self.room.kind == RoomType::Group && role.is_teaching();
        if role.is_listed()
            && !is_guest
            && present.is_none()
            && self.room.total() >= self.room.capacity()
        {
            return Err(Refusal::RoomFull);
        }
        Ok(())
    }

    /// Lets a user in. Whoever is there already comes from another device: the earlier one is told to go, and what
    /// the user has in the room stays.
    ///
    /// # Errors
    /// As [`Self::check_in`]; [`Refusal::Argument`].
    pub fn enter(&mut self, user: &UserUuid, who: &CheckIn) -> Result<Entered, Refusal> {
        self.check_in(user, who.role)?;
        let name = shown_name("userName", &who.name)?;
        super::streams::check_device("videoSourceState", who.video_source)?;
        super::streams::check_device("audioSourceState", who.audio_source)?;
        Edit::default().apply(&who.flex)?;
        let session = u64::from_le_bytes(self.entropy.bytes()) | 1;
        let before = self.room.users.get(user);
        let role_before = before.map(|before| before.role);
        let there = before.filter(|before| before.online);
        let changed = there.is_some_and(|before| (before.role, &before.name) != (who.role, &name));
        if there.is_some() {
            self.out.ended.push((user.clone(), "displaced"));
            // In another role it is as if somebody else came.
            if role_before != Some(who.role) {
                self.leave(user, Exit::Left);
            }
        }
        let before = self.room.users.get(user).cloned();
        let was_online = before.as_ref().is_some_and(|before| before.online);
        let again = before.is_some();
        let mut entered = before.unwrap_or_else(|| Participant {
            id: user.clone(),
            name: name.clone(),
            role: who.role,
            online: false,
            streams: Vec::new(),
            flex: who.flex.clone(),
            widgets: Tree::new(),
            rewards: 0,
            session,
            peer_sequence: 0,
            entries: 0,
            entered: self.at,
            awaited_until: None,
            updated: self.at,
            tags: Tree::new(),
            poll: None,
            quiz: None,
            conversation: super::Conversation::default(),
        });
        entered.name = name;
        entered.role = who.role;
        entered.online = true;
        entered.session = session;
        entered.entries = entered.entries.saturating_add(1);
        entered.entered = self.at;
        entered.awaited_until = Some(self.at.plus(AWAITED));
        entered.updated = self.at;
        let starts = self.room.stream_at_entry(who.role);
        let rights = (starts.on && starts.video, starts.on && starts.audio);
        if role_before.is_some_and(|before| before != who.role) {
            // Rights are those of the role.
            if let Some(main) = entered.stream_mut(StreamKind::Main) {
                (main.video, main.audio) = rights;
            }
        }
        // What those who are there are to be told of the stream of somebody who is there already.
        let mut told = None;
        if entered.stream(StreamKind::Main).is_none() && who.role != ClassRole::Invisible {
            let main = Stream {
                id: self.new_stream_id(),
                kind: StreamKind::Main,
                video: rights.0,
                audio: rights.1,
                video_source: who.video_source,
                audio_source: who.audio_source,
            };
            told = was_online.then_some((main.id, 1));
            entered.streams.insert(0, main);
        } else if let Some(main) = entered.stream_mut(StreamKind::Main) {
            let devices = (who.video_source, who.audio_source);
            if was_online && (main.video_source, main.audio_source) != devices {
                told = Some((main.id, 2));
            }
            (main.video_source, main.audio_source) = devices;
        }
        if self.room.has_chat() {
            entered
                .widgets
                .insert(crate::chat_room::WIDGET.into(), crate::chat_room::of_user(user));
        }
        self.room.users.insert(user.clone(), entered);
        self.touch(user);
        if self.room.schedule.entered.is_none() {
            self.room.schedule.entered = Some(self.at);
            self.touch_room();
        }
        if self.room.schedule.empty_since.take().is_some() {
            self.touch_room();
        }
        if !was_online {
            self.tell_in(user, if again { 2 } else { 1 });
            self.seat_at_entry(user);
        }
        if changed {
            self.tell_user(user);
        }
        if let Some((stream, action)) = told.filter(|(stream, _)| self.room.shows(user, *stream)) {
            self.tell_stream(user, stream, action);
        }
        Ok(Entered { session, again })
    }

    /// Lets a user out. Nothing happens to whoever is not there.
    pub fn leave(&mut self, user: &UserUuid, how: Exit) {
        let Some(left) = self.room.users.get_mut(user).filter(|left| left.online) else { return };
        left.online = false;
        left.awaited_until = None;
        left.updated = self.at;
        self.lay_down(user);
        if let Some(main) =
            self.room.users.get_mut(user).and_then(|u| u.stream_mut(StreamKind::Main))
        {
            (main.video_source, main.audio_source) = (0, 0);
        }
        self.touch(user);
        self.tell_out(user, how);
        if self.room.roster.is_empty() {
            self.room.schedule.empty_since = Some(self.at);
            self.touch_room();
        }
    }

    /// Somebody who leaves has nothing any more that it had by being there.
    fn lay_down(&mut self, user: &UserUuid) {
        self.free_seat(user);
        self.cancel_hand(user);
        self.leave_gallery(user);
        self.end_share(user);
        self.drop_invitations(user);
        self.leave_widgets(user);
    }

    /// Puts a user out, and bans it for a while or lifts that.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`].
    pub fn put_out(&mut self, user: &UserUuid, ban: Option<Ban>) -> Result<(), Refusal> {
        let target = self.room.users.get(user);
        let of_teacher = target.is_some_and(|target| target.role == ClassRole::Teacher);
        // An assistant does not put the teacher out.
        if !self.by.is_teaching() || of_teacher && !self.by.is_teacher() {
            return Err(Refusal::NotAllowed);
        }
        let is_banned = self.room.bans.contains_key(user.as_str());
        if target.is_none() && !is_banned {
            return Err(Refusal::NoUser);
        }
        let name = user.as_str().to_owned();
        match ban {
            None => {}
            Some(Ban::Lifted) => {
                self.room.bans.remove(&name);
                self.touch_room();
                return Ok(());
            }
            Some(Ban::Ever) => {
                self.room.bans.insert(name, None);
                self.touch_room();
            }
            Some(Ban::For(seconds)) => {
                let until = self.at.plus(Duration::from_secs(seconds));
                self.room.bans.insert(name, Some(until.as_millis()));
                self.touch_room();
            }
        }
        self.leave(user, Exit::Kicked);
        self.leave_groups(user);
        self.out.ended.push((user.clone(), if ban.is_some() { "banned" } else { "kicked" }));
        Ok(())
    }

    /// Whether those who are in the room are told when somebody in `role` comes or goes: in a lecture only of those
    /// who teach, since students are many.
    const fn is_told_of(&self, role: ClassRole) -> bool {
        role.is_listed()
            && !(matches!(self.room.kind, RoomType::Lecture) && matches!(role, ClassRole::Student))
    }

    fn tell_in(&mut self, user: &UserUuid, how: u8) {
        let Some(entered) = self.room.users.get(user) else { return };
        let role = entered.role;
        let event = self.room.user_event(entered, how);
        if role == ClassRole::Invisible {
            return;
        }
        let online = self.room.user_in_frame(entered);
        let total = self.room.total();
        self.event(20, json!({"total": total, "onlineUsers": [event], "offlineUsers": []}));
        if self.is_told_of(role) {
            self.frame(20, json!({"total": total, "onlineUsers": [online], "offlineUsers": []}));
        }
    }

    fn tell_out(&mut self, user: &UserUuid, how: Exit) {
        let Some(left) = self.room.users.get(user) else { return };
        let role = left.role;
        let event = self.room.user_event(left, how.number());
        if role == ClassRole::Invisible {
            return;
        }
        let mut offline = self.room.user_brief(left);
        offline["type"] = json!(how.number());
        let total = self.room.total();
        self.event(20, json!({"total": total, "onlineUsers": [], "offlineUsers": [event]}));
        if self.is_told_of(role) {
            self.frame(20, json!({"total": total, "onlineUsers": [], "offlineUsers": [offline]}));
        }
    }

    /// Tells that a user's name or role is another.
    fn tell_user(&mut self, user: &UserUuid) {
        let Some(changed) = self.room.users.get(user) else { return };
        if self.is_told_of(changed.role) {
            let data: Value = self.room.user_brief(changed);
            self.frame(21, data);
        }
    }

    /// A user's connection is there: whoever was awaited is no more.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] when the user has entered elsewhere since.
    pub fn connected(&mut self, user: &UserUuid, session: u64) -> Result<(), Refusal> {
        let found = self.room.users.get_mut(user).ok_or(Refusal::NoUser)?;
        if found.session != session || !found.online {
            return Err(Refusal::NotForThis);
        }
        if found.awaited_until.take().is_some() {
            self.touch(user);
        }
        Ok(())
    }

    /// A user goes by itself, from the connection of its entry `session`; one of an earlier entry is nobody's.
    pub fn takes_leave(&mut self, user: &UserUuid, session: u64) {
        if self.room.users.get(user).is_some_and(|found| found.session == session) {
            self.leave(user, Exit::Left);
        }
    }

    /// A user's connection is gone; it may come back for a while.
    pub fn disconnected(&mut self, user: &UserUuid, session: u64) {
        let Some(found) = self.room.users.get_mut(user) else { return };
        if found.session == session && found.online {
            found.awaited_until = Some(self.at.plus(AWAITED));
            self.touch(user);
        }
    }
}

impl super::Room {
    /// Whether a user may not come in at `at`.
    pub fn is_banned(&self, user: &UserUuid, at: Timestamp) -> bool {
        match self.bans.get(user.as_str()) {
            None => false,
            Some(None) => true,
            Some(Some(until)) => at.as_millis() < *until,
        }
    }
}
