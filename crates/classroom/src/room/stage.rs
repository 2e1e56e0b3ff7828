//! The stage: who is on it, who is invited, and what that allows (classroom specification, section 1.8).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, Timestamp, UserUuid};

use super::process::{self, Action, Change, MAX_INVITED, MAX_WAIT, Waiting};
use super::{Participant, Room, StreamKind, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// Students on the stage at once, unless it is said.
pub const SEATS: u32 = 6;
/// Students on the stage at once, at the most.
pub const MOST_SEATS: u32 = 100;

/// The stage of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Whether it is switched on.
    pub enabled: bool,
    /// Students on it at once.
    pub seats: u32,
    /// Whether students are on it at entry.
    pub at_entry: bool,
    /// Who is invited, or asks.
    pub progress: Vec<Waiting>,
    /// Who is on it, in the order of coming.
    #[serde(with = "millis::names")]
    pub accepted: Vec<UserUuid>,
}

impl Default for Stage {
    fn default() -> Self {
        let (progress, accepted) = (Vec::new(), Vec::new());
        Self { enabled: true, seats: SEATS, at_entry: false, progress, accepted }
    }
}

impl Stage {
    /// That of a new room.
    ///
    /// # Errors
    /// [`Refusal::Argument`].
    pub fn new(seats: Option<u32>, at_entry: bool) -> Result<Self, Refusal> {
        let seats = seats.unwrap_or(SEATS);
        if seats > MOST_SEATS {
            return Err(Refusal::argument(format!("maxAccept: at most {MOST_SEATS}")));
        }
        Ok(Self { seats, at_entry, ..Self::default() })
    }

    /// As it stands in `processes.handsUp`.
    pub(crate) fn view(&self) -> Value {
        json!({
            "enabled": self.enabled,
            "maxAccept": self.seats,
            "maxWait": MAX_WAIT,
            "timeout": 60,
            "defaultAcceptRole": self.default_role(),
            "progress": process::views(&self.progress),
            "accepted": process::names(&self.accepted),
        })
    }

    const fn default_role(&self) -> &'static str {
        if self.at_entry { "audience" } else { "" }
    }

    fn is_full(&self) -> bool {
        self.accepted.len() >= usize::try_from(self.seats).unwrap_or(usize::MAX)
    }
}

impl Room {
    /// Whether students are on a stage here, and not all of them always.
    pub const fn has_stage(&self) -> bool {
        matches!(self.kind, RoomType::Small | RoomType::Lecture | RoomType::Group)
    }

    /// Whether a user is on the stage.
    pub fn is_on_stage(&self, user: &UserUuid) -> bool {
        self.stage.accepted.contains(user)
    }

    /// Whether the app or the teacher hides the stage: bit 0 of `flexProps.area` is 0.
    pub fn is_stage_hidden(&self) -> bool {
        let area = self.flex.get("area").and_then(Value::as_u64);
        matches!(self.kind, RoomType::Small | RoomType::Group) && area.is_some_and(|a| a & 1 == 0)
    }

    /// When the first who waits for the stage waits no longer.
    pub(super) fn stage_due(&self) -> Option<(Timestamp, UserUuid)> {
        first_due(&self.stage.progress)
    }
}

/// The first who waits no longer, and when.
pub(super) fn first_due(waiting: &[Waiting]) -> Option<(Timestamp, UserUuid)> {
    waiting.iter().filter_map(|one| Some((one.until?, one.user.clone()))).min()
}

impl Turn<'_> {
    pub(super) fn needs_stage(&self) -> Result<(), Refusal> {
        self.admit()?;
        if self.room.has_stage() {
            return Ok(());
        }
        Err(Refusal::FeatureOff("rooms of this type have no stage"))
    }

    /// Row 25: switches the stage on or off for those who enter from now on.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::FeatureOff`].
    pub fn set_stage(&mut self, enabled: bool, at_entry: bool) -> Result<(), Refusal> {
        self.admit_teaching()?;
        self.needs_stage()?;
        let stage = &mut self.room.stage;
        (stage.enabled, stage.at_entry) = (enabled, enabled && at_entry);
        let mut changed = Tree::new();
        changed.insert("processes.handsUp.enabled".into(), json!(enabled));
        let role = stage.default_role();
        changed.insert("processes.handsUp.defaultAcceptRole".into(), json!(role));
        self.touch_room();
        self.room_properties(&changed, &json!({}));
        Ok(())
    }

    /// Row 26: invites a student to the stage, or asks for it. The answer is awaited for `timeout_s` seconds, or as
    /// long as it takes (-1). With `again` a second one renews the first.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`], [`Refusal::FeatureOff`];
    /// [`Refusal::Conflict`] for who is on the stage or was invited, [`Refusal::HandUp`] for who has asked,
    /// [`Refusal::TooMany`].
    pub fn ask_stage(
        &mut self,
        to: Option<&UserUuid>,
        timeout_s: i64,
        again: bool,
        payload: Value,
    ) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = self.target(to)?;
        let invited = !self.by.is(&user);
        if !invited && !self.by.is_student() && !self.by.is_teaching() {
            return Err(Refusal::NotAllowed);
        }
        let name = self.student("toUserUuid", &user)?.name.clone();
        let until = process::until(timeout_s, self.at)?;
        process::check_payload(&payload)?;
        if self.room.is_on_stage(&user) {
            return Err(Refusal::Conflict);
        }
        let progress = &self.room.stage.progress;
        let before = progress.iter().position(|one| one.user == user);
        if before.is_some() && !again {
            return Err(if invited { Refusal::Conflict } else { Refusal::HandUp });
        }
        let others = progress.iter().filter(|one| one.invited == invited && one.user != user);
        if others.count() >= if invited { MAX_INVITED } else { MAX_WAIT } {
            return Err(Refusal::TooMany);
        }
        // Who was invited and asks now does not take the invitation away.
        let invited = invited || before.is_some_and(|at| progress[at].invited);
        let waiting = Waiting { user, name, at: self.at, until, payload, invited };
        let mut change = Change { add_progress: vec![waiting.brief()], ..Change::default() };
        let progress = &mut self.room.stage.progress;
        if let Some(before) = before {
            change.remove_progress.push(progress.remove(before).brief());
        }
        progress.push(waiting);
        self.tell_stage_progress(change, Action::Ask);
        Ok(())
    }

    /// Row 27: takes an invitation or a request back, or declines it.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] when there is none.
    pub fn withdraw_stage(&mut self, to: Option<&UserUuid>) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = self.target(to)?;
        let found = self.room.stage.progress.iter().find(|one| one.user == user);
        let invited = found.ok_or(Refusal::NotAccepted)?.invited;
        // Whoever began it cancels it, the other one declines.
        let is_own = self.by.is(&user);
        let action = if is_own == invited { Action::Refuse } else { Action::Cancel };
        self.drop_stage_progress(&user, action);
        Ok(())
    }

    /// Row 28: puts a student on the stage, or accepts an invitation.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`]; [`Refusal::NotAccepted`] for somebody
    /// whom nobody invited, [`Refusal::Conflict`] for who is there already and while the stage is hidden,
    /// [`Refusal::StageFull`].
    pub fn accept_stage(&mut self, to: Option<&UserUuid>) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = self.target(to)?;
        if self.by.is(&user) {
            if !self.by.is_student() {
                return Err(Refusal::NotAllowed);
            }
            if self.room.is_on_stage(&user) {
                return Err(Refusal::Conflict);
            }
            let progress = &self.room.stage.progress;
            if !progress.iter().any(|one| one.invited && one.user == user) {
                return Err(Refusal::NotAccepted);
            }
        }
        self.student("toUserUuid", &user)?;
        if self.room.is_on_stage(&user) || self.room.is_stage_hidden() {
            return Err(Refusal::Conflict);
        }
        if self.room.stage.is_full() {
            return Err(Refusal::StageFull);
        }
        self.change_stage(&[user], &[], Action::Accept);
        Ok(())
    }

    /// Row 29: leaves the stage, or takes a student off it.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for somebody who is not on it.
    pub fn leave_stage(&mut self, to: Option<&UserUuid>) -> Result<(), Refusal> {
        self.needs_stage()?;
        let user = self.target(to)?;
        if !self.room.is_on_stage(&user) {
            return Err(Refusal::NotAccepted);
        }
        self.change_stage(&[], &[user], Action::OffStage);
        Ok(())
    }

    /// Row 30: takes everybody off the stage.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::FeatureOff`].
    pub fn clear_stage(&mut self) -> Result<(), Refusal> {
        self.admit_teaching()?;
        self.needs_stage()?;
        self.empty_stage();
        Ok(())
    }

    pub(super) fn empty_stage(&mut self) {
        let all = self.room.stage.accepted.clone();
        self.change_stage(&[], &all, Action::OffStage);
    }

    /// A student who enters is on the stage at once where it is so said and there is a seat.
    pub(super) fn seat_at_entry(&mut self, user: &UserUuid) {
        let room = &self.room;
        let stage = &room.stage;
        let is_student = room.users.get(user).is_some_and(|user| user.role == ClassRole::Student);
        let may = room.has_stage() && !room.is_stage_hidden() && is_student;
        if may && stage.at_entry && !stage.is_full() && !room.is_on_stage(user) {
            self.change_stage(std::slice::from_ref(user), &[], Action::Accept);
        }
    }

    /// Whoever leaves the room, or is no student any more, waits no longer and has no seat.
    pub(super) fn free_seat(&mut self, user: &UserUuid) {
        self.drop_stage_progress(user, Action::Cancel);
        if self.room.is_on_stage(user) {
            self.change_stage(&[], std::slice::from_ref(user), Action::OffStage);
        }
    }

    pub(super) fn time_out_stage(&mut self, user: &UserUuid) {
        self.drop_stage_progress(user, Action::TimedOut);
    }

    fn drop_stage_progress(&mut self, user: &UserUuid, action: Action) {
        let progress = &mut self.room.stage.progress;
        let Some(at) = progress.iter().position(|one| one.user == *user) else { return };
        let gone = progress.remove(at);
        let change = Change { remove_progress: vec![gone.brief()], ..Change::default() };
        self.tell_stage_progress(change, action);
    }

    fn tell_stage_progress(&mut self, change: Change, action: Action) {
        self.touch_room();
        let mut changed = Tree::new();
        let progress = process::views(&self.room.stage.progress);
        changed.insert("processes.handsUp.progress".into(), progress);
        self.room_properties(&changed, &change.cause("handsUp", action));
    }

    /// Changes who is on the stage, with what that allows and takes away, and tells everybody.
    pub(super) fn change_stage(&mut self, add: &[UserUuid], remove: &[UserUuid], action: Action) {
        if add.is_empty() && remove.is_empty() {
            return;
        }
        self.touch_room();
        let stage = &mut self.room.stage;
        let (waited, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut stage.progress)
            .into_iter()
            .partition(|one| add.contains(&one.user));
        stage.progress = waiting;
        stage.accepted.retain(|user| !remove.contains(user));
        stage.accepted.extend_from_slice(add);
        let [added, removed, accepted] = [add, remove, &stage.accepted].map(process::names);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let change = Change {
            remove_progress: waited.iter().map(Waiting::brief).collect(),
            add_accepted: list(&added),
            remove_accepted: list(&removed),
            ..Change::default()
        };
        let mut changed = Tree::new();
        changed.insert("processes.handsUp.accepted".into(), accepted.clone());
        if !waited.is_empty() {
            let progress = process::views(&stage.progress);
            changed.insert("processes.handsUp.progress".into(), progress);
        }
        self.room_properties(&changed, &change.cause("handsUp", action));
        self.event(
            1501,
            json!({
                "acceptedUsers": accepted,
                "addAcceptedUsers": added,
                "removeAcceptedUsers": removed,
            }),
        );
        if self.room.kind == RoomType::Lecture {
            self.tell_subscribed(add, true);
        }
        let mut streams = Vec::new();
        for (users, on) in [(remove, false), (add, true)] {
            for user in users {
                streams.extend(self.give_rights(user, on).map(|id| (user.clone(), id, on)));
            }
        }
        let streams: Vec<_> =
            streams.into_iter().map(|(user, id, on)| (user, id, if on { 1 } else { 3 })).collect();
        self.tell_streams(&streams, &json!({}));
        if self.room.kind == RoomType::Lecture {
            self.tell_subscribed(remove, false);
        }
    }

    /// Lets a user's camera and microphone be published, or not. Answers the stream.
    pub(super) fn give_rights(&mut self, user: &UserUuid, on: bool) -> Option<u32> {
        let at = self.at;
        let found = self.room.users.get(user)?;
        let new = found.stream(StreamKind::Main).is_none().then(|| self.new_stream_id());
        // Whoever is gone may publish at its next entry what its role may.
        let left = self.room.stream_at_entry(found.role);
        let (video, audio) = match (on, found.online) {
            (true, _) => (true, true),
            (false, true) => (false, false),
            (false, false) => (left.on && left.video, left.on && left.audio),
        };
        let found = self.room.users.get_mut(user)?;
        if let Some(id) = new {
            found.add_main(id);
        }
        let main = found.stream_mut(StreamKind::Main)?;
        (main.video, main.audio) = (video, audio);
        let id = main.id;
        found.updated = at;
        self.touch(user);
        Some(id)
    }

    /// In a lecture, those who are on the stage are made known to all, and forgotten after that.
    fn tell_subscribed(&mut self, users: &[UserUuid], on: bool) {
        let view = |user: &Participant| {
            let mut view = self.room.user_in_frame(user);
            view["subscribe"] = json!(u8::from(on));
            view
        };
        let users: Vec<Value> =
            users.iter().filter_map(|user| self.room.users.get(user)).map(view).collect();
        if !users.is_empty() {
            self.frame(24, json!({"users": users}));
        }
    }
}
