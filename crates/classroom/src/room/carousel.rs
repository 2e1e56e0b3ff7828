//! The carousel: every so many seconds the next students are on the stage (classroom specification, section 1.8).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, Timestamp, UserUuid};

use super::process::Action;
use super::{Participant, Room, StreamKind, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// A carousel that goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carousel {
    /// Only those whose camera or microphone runs.
    pub with_device: bool,
    /// By chance, and not in the order of names.
    pub random: bool,
    /// Seconds for which they stay.
    pub interval_s: u32,
    /// How many at once.
    pub count: u32,
    /// When the next ones come.
    #[serde(with = "millis")]
    pub next: Timestamp,
    /// The last who came in order; the next one is behind.
    pub last: Option<String>,
}

/// As it stands in `carousel`.
pub(super) fn view(carousel: Option<&Carousel>) -> Tree {
    let mut view = Tree::new();
    view.insert("state".into(), json!(u8::from(carousel.is_some())));
    if let Some(carousel) = carousel {
        view.insert("range".into(), json!(if carousel.with_device { 2 } else { 1 }));
        view.insert("type".into(), json!(if carousel.random { 2 } else { 1 }));
        view.insert("interval".into(), json!(carousel.interval_s));
        view.insert("count".into(), json!(carousel.count));
    }
    view
}

fn one_or_two(field: &str, number: u64) -> Result<bool, Refusal> {
    match number {
        1 => Ok(false),
        2 => Ok(true),
        _ => Err(Refusal::argument(format!("{field}: must be 1 or 2"))),
    }
}

impl Turn<'_> {
    /// Row 33: lets the students of a room come on the stage in turns: `range` 1 all, 2 those with a device that runs;
    /// `order` 1 of names, 2 by chance; every `interval_s` seconds `count` of them. The first come at once.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`], [`Refusal::FeatureOff`]; [`Refusal::Conflict`] while the stage
    /// is hidden or groups are open.
    pub fn start_carousel(
        &mut self,
        range: u64,
        order: u64,
        interval_s: u64,
        count: u64,
    ) -> Result<(), Refusal> {
        self.admit_teaching()?;
        self.needs_stage()?;
        let (with_device, random) = (one_or_two("range", range)?, one_or_two("type", order)?);
        let interval_s = u32::try_from(interval_s).ok().filter(|s| (10..=99).contains(s));
        let interval_s =
            interval_s.ok_or(Refusal::argument("interval: must be 10 to 99 seconds"))?;
        let seats = self.room.stage.seats;
        let count = u32::try_from(count).ok().filter(|count| (1..=seats).contains(count));
        let count = count.ok_or_else(|| {
            Refusal::argument(format!("count: must be 1 to {seats}, the seats of the stage"))
        })?;
        if self.room.is_stage_hidden() || self.room.has_groups() {
            return Err(Refusal::Conflict);
        }
        let last = None;
        let next = self.at;
        self.room.carousel = Some(Carousel { with_device, random, interval_s, count, next, last });
        self.tell_carousel();
        self.turn_carousel();
        Ok(())
    }

    /// Row 34: stops the carousel. Who is on the stage stays there.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub fn stop_carousel(&mut self) -> Result<(), Refusal> {
        self.admit_teaching()?;
        self.end_carousel();
        Ok(())
    }

    pub(super) fn end_carousel(&mut self) {
        if self.room.carousel.take().is_some() {
            self.tell_carousel();
        }
    }

    fn tell_carousel(&mut self) {
        self.touch_room();
        let mut changed = Tree::new();
        changed.insert("carousel".into(), Value::Object(view(self.room.carousel.as_ref())));
        self.room_properties(&changed, &json!({}));
    }

    /// The next ones come, in place of those who are on the stage.
    pub(super) fn turn_carousel(&mut self) {
        let Some(carousel) = self.room.carousel.clone() else { return };
        let next = self.next_of(&carousel);
        if let Some(going) = &mut self.room.carousel {
            going.next = self.at.plus(Duration::from_secs(carousel.interval_s.into()));
            if !carousel.random {
                going.last = next.last().map(|user| user.as_str().to_owned()).or(going.last.take());
            }
        }
        self.touch_room();
        let on = self.room.stage.accepted.clone();
        let add: Vec<_> = next.iter().filter(|user| !on.contains(user)).cloned().collect();
        let remove: Vec<_> = on.into_iter().filter(|user| !next.contains(user)).collect();
        self.change_stage(&add, &remove, Action::Carousel);
    }

    fn next_of(&self, carousel: &Carousel) -> Vec<UserUuid> {
        let room = &self.room;
        let most = usize::try_from(carousel.count).unwrap_or(usize::MAX);
        let may = |user: &&Participant| {
            user.online
                && user.role == ClassRole::Student
                && (!carousel.with_device || has_device(user))
        };
        let all: Vec<UserUuid> =
            room.users.values().filter(may).map(|user| user.id.clone()).collect();
        if carousel.random {
            // Those who were not there come before those who were; chance orders both.
            let key = |user: &UserUuid| {
                (room.is_on_stage(user), u64::from_le_bytes(self.entropy.bytes()))
            };
            let mut mixed: Vec<_> = all.iter().map(|user| (key(user), user)).collect();
            mixed.sort();
            return mixed.into_iter().take(most).map(|(_, user)| user.clone()).collect();
        }
        let last = carousel.last.as_deref();
        let first = all.iter().position(|user| last.is_none_or(|last| user.as_str() > last));
        let first = first.unwrap_or(0);
        all.iter().cycle().skip(first).take(most.min(all.len())).cloned().collect()
    }
}

fn has_device(user: &Participant) -> bool {
    let main = user.stream(StreamKind::Main);
    main.is_some_and(|main| main.video_source > 0 || main.audio_source > 0)
}

impl Room {
    /// When the next ones come on the stage.
    pub(super) fn carousel_due(&self) -> Option<Timestamp> {
        self.carousel.as_ref().map(|carousel| carousel.next)
    }
}
