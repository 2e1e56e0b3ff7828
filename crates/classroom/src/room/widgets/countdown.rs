//! Countdowns.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::Timestamp;

use super::COUNTDOWN;
use crate::room::Turn;
use crate::tree::Tree;
use crate::{Refusal, millis};

/// The longest countdown, in seconds.
const LONGEST_S: u64 = 3600;

/// A countdown that goes or is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countdown {
    /// Tells it from earlier ones.
    pub id: String,
    /// What is left of it since then, in milliseconds.
    pub left_ms: u64,
    /// Since when it goes; none: it is paused.
    #[serde(with = "millis::optional")]
    pub since: Option<Timestamp>,
}

impl Countdown {
    /// What is left at `at`.
    fn left_at(&self, at: Timestamp) -> Duration {
        let gone = self.since.map_or(0, |since| at.as_millis().saturating_sub(since.as_millis()));
        Duration::from_millis(self.left_ms.saturating_sub(gone))
    }
}

fn fields(list: Vec<(&str, Value)>) -> Tree {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Turn<'_> {
    /// Row 47: starts a countdown of so many seconds, in place of another. Answers its id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn start_countdown(
        &mut self,
        duration_s: u64,
        position: Option<Value>,
    ) -> Result<String, Refusal> {
        self.admit_teaching()?;
        if !(1..=LONGEST_S).contains(&duration_s) {
            return Err(Refusal::argument(format!("duration: must be 1 to {LONGEST_S} seconds")));
        }
        let id = self.new_id();
        let mut set = fields(vec![
            ("state", json!(1)),
            ("extra.countdownTimerId", json!(id)),
            ("extra.state", json!(1)),
            ("extra.startTime", json!(self.at.as_millis())),
            ("extra.duration", json!(duration_s)),
            ("extra.totalDuration", json!(duration_s)),
        ]);
        Self::place(&mut set, position)?;
        self.room.countdown =
            Some(Countdown { id: id.clone(), left_ms: duration_s * 1000, since: Some(self.at) });
        self.serve_widget(COUNTDOWN, set, &[]);
        Ok(id)
    }

    /// Row 47: holds a countdown.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for another one; [`Refusal::Conflict`] for one that is held
    /// or over.
    pub fn pause_countdown(&mut self, id: &str) -> Result<(), Refusal> {
        let countdown = self.countdown(id)?;
        let left = countdown.left_at(self.at);
        if countdown.since.is_none() || left.is_zero() {
            return Err(Refusal::Conflict);
        }
        let left_ms = u64::try_from(left.as_millis()).unwrap_or_default();
        self.room.countdown = Some(Countdown { id: id.to_owned(), left_ms, since: None });
        let left_s = left_ms.div_ceil(1000);
        let set = fields(vec![("extra.state", json!(0)), ("extra.duration", json!(left_s))]);
        self.serve_widget(COUNTDOWN, set, &[]);
        Ok(())
    }

    /// Row 47: lets a countdown go on.
    ///
    /// # Errors
    /// As [`Self::pause_countdown`]; [`Refusal::Conflict`] for one that goes.
    pub fn continue_countdown(&mut self, id: &str) -> Result<(), Refusal> {
        let countdown = self.countdown(id)?;
        if countdown.since.is_some() {
            return Err(Refusal::Conflict);
        }
        let left_ms = countdown.left_ms;
        let since = Some(self.at);
        self.room.countdown = Some(Countdown { id: id.to_owned(), left_ms, since });
        let set = fields(vec![
            ("extra.state", json!(1)),
            ("extra.startTime", json!(self.at.as_millis())),
            ("extra.duration", json!(left_ms.div_ceil(1000))),
        ]);
        self.serve_widget(COUNTDOWN, set, &[]);
        Ok(())
    }

    /// Row 47: ends a countdown.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for another one.
    pub fn stop_countdown(&mut self, id: &str) -> Result<(), Refusal> {
        self.countdown(id)?;
        self.room.countdown = None;
        let set = fields(vec![("extra.state", json!(0)), ("extra.duration", json!(0))]);
        self.serve_widget(COUNTDOWN, set, &[]);
        Ok(())
    }

    fn countdown(&self, id: &str) -> Result<&Countdown, Refusal> {
        self.admit_teaching()?;
        let known = self.room.countdown.as_ref().filter(|countdown| countdown.id == id);
        known.ok_or(Refusal::NotAccepted)
    }
}
