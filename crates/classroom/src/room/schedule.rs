//! When a class begins, ends and closes (classroom specification, section 1.5).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_core::{ReleaseAnchor, Timestamp};

use crate::tree::Tree;
use crate::{Refusal, millis};

/// How long a room stays open after its end, in seconds, unless it is said.
pub const CLOSE_DELAY_S: u32 = 600;
/// The longest class, and the longest delay of its closing, in seconds.
pub const LONGEST_S: u32 = 86_400;
/// How long a room is kept after its class.
pub const RELEASED_AFTER: Duration = Duration::from_secs(3600);
/// How long a room that nobody entered is kept.
pub const RESERVED: Duration = Duration::from_secs(5 * 86_400);

/// The state of a class, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ClassState {
    /// Everybody may enter, the class has not begun.
    NotStarted = 0,
    /// It has begun.
    Started = 1,
    /// Its time is over; everybody may stay for a while.
    Ended = 2,
    /// Nobody is in it, nobody may enter.
    Closed = 3,
}

impl From<ClassState> for u8 {
    fn from(state: ClassState) -> Self {
        state as Self
    }
}

impl TryFrom<u8> for ClassState {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        let all = [Self::NotStarted, Self::Started, Self::Ended, Self::Closed];
        all.get(usize::from(number)).copied().ok_or("a state of a class is 0, 1, 2 or 3")
    }
}

/// What was said of a class's times before it began. Whoever says it first decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// When it begins.
    pub start: Option<Timestamp>,
    /// How long it lasts, in seconds.
    pub duration_s: Option<u32>,
    /// How long it stays open after that, in seconds.
    pub close_delay_s: Option<u32>,
}

/// The times of a class and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Where the class stands.
    pub state: ClassState,
    /// When it begins or began.
    #[serde(with = "millis::optional")]
    pub start: Option<Timestamp>,
    /// How long it lasts, in seconds.
    pub duration_s: Option<u32>,
    /// How long it stays open after its end, in seconds.
    pub close_delay_s: u32,
    /// When it ended.
    #[serde(with = "millis::optional")]
    pub ended: Option<Timestamp>,
    /// When it was closed.
    #[serde(with = "millis::optional")]
    pub closed: Option<Timestamp>,
    /// When somebody entered for the first time.
    #[serde(with = "millis::optional")]
    pub entered: Option<Timestamp>,
    /// When the last one left; none while somebody is there.
    #[serde(with = "millis::optional")]
    pub empty_since: Option<Timestamp>,
}

impl Schedule {
    /// That of a new room.
    ///
    /// # Errors
    /// [`Refusal::Argument`] for times that are too long.
    pub fn new(times: Times) -> Result<Self, Refusal> {
        for (name, value) in [("duration", times.duration_s), ("closeDelay", times.close_delay_s)] {
            if value.is_some_and(|s| s > LONGEST_S) {
                return Err(Refusal::argument(format!("{name}: at most {LONGEST_S} seconds")));
            }
        }
        Ok(Self {
            state: ClassState::NotStarted,
            start: times.start,
            duration_s: times.duration_s.filter(|s| *s > 0),
            close_delay_s: times.close_delay_s.unwrap_or(CLOSE_DELAY_S),
            ended: None,
            closed: None,
            entered: None,
            empty_since: None,
        })
    }

    /// When the class ends by the clock: known once it is known when it begins.
    pub fn ends_at(&self) -> Option<Timestamp> {
        Some(self.start?.plus(Duration::from_secs(self.duration_s?.into())))
    }

    /// When the room closes by the clock.
    pub fn closes_at(&self) -> Option<Timestamp> {
        let ends = self.ended.or_else(|| self.ends_at())?;
        Some(ends.plus(Duration::from_secs(self.close_delay_s.into())))
    }

    /// The next change by the clock: to which state, and when.
    pub fn next(&self) -> Option<(ClassState, Timestamp)> {
        match self.state {
            ClassState::NotStarted => Some((ClassState::Started, self.start?)),
            ClassState::Started => Some((ClassState::Ended, self.ends_at()?)),
            ClassState::Ended => Some((ClassState::Closed, self.closes_at()?)),
            ClassState::Closed => None,
        }
    }

    /// When the room is destroyed, as far as that is known now.
    pub fn destroyed_at(&self, created: Timestamp, anchor: ReleaseAnchor) -> Option<Timestamp> {
        if let Some(closed) = self.closed {
            return Some(match (anchor, self.ended) {
                (ReleaseAnchor::End, Some(ended)) => ended.plus(RELEASED_AFTER).max(closed),
                _ => closed.plus(RELEASED_AFTER),
            });
        }
        if self.entered.is_none() {
            return Some(created.plus(RESERVED));
        }
        // A class that ends by the clock is closed first.
        if self.ends_at().is_some() || self.ended.is_some() {
            return None;
        }
        self.empty_since.map(|since| since.plus(RELEASED_AFTER))
    }

    /// Whether the class may be put into `state` by hand.
    ///
    /// # Errors
    /// [`Refusal::Started`], [`Refusal::Ended`].
    pub const fn may_become(&self, state: ClassState) -> Result<(), Refusal> {
        match (self.state, state) {
            (ClassState::Closed, _) => Err(Refusal::Ended),
            (ClassState::NotStarted, ClassState::NotStarted) => Err(Refusal::Conflict),
            (ClassState::Started, ClassState::NotStarted | ClassState::Started) => {
                Err(Refusal::Started)
            }
            (ClassState::Ended, ClassState::Closed) => Ok(()),
            (ClassState::Ended, _) => Err(Refusal::Ended),
            _ => Ok(()),
        }
    }

    /// Puts the class into `state` at `at`. A manual start becomes the start, so that all times move with it.
    pub fn become_at(&mut self, state: ClassState, at: Timestamp) {
        if state >= ClassState::Started && self.state < ClassState::Started {
            self.start = Some(at);
        }
        if state >= ClassState::Ended && self.ended.is_none() {
            self.ended = Some(at);
        }
        if state == ClassState::Closed && self.closed.is_none() {
            self.closed = Some(at);
        }
        self.state = state;
    }

    /// As it stands in `roomProperties.schedule`.
    pub fn view(&self) -> Tree {
        let mut view = Tree::new();
        view.insert("state".into(), json!(self.state));
        view.insert("closeDelay".into(), json!(self.close_delay_s));
        let times = [
            ("startTime", self.start),
            ("endTime", self.ended.or_else(|| self.ends_at())),
            ("closeTime", self.closed.or_else(|| self.closes_at())),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                view.insert(name.into(), json!(time.as_millis()));
            }
        }
        if let Some(s) = self.duration_s {
            view.insert("duration".into(), json!(s));
        }
        view
    }
}
