//! What the clock does in a room.

use stoa_core::{ReleaseAnchor, Timestamp, UserUuid};

use super::{AWAITED, By, Exit, Outcome, Room, Turn};

impl Room {
    /// When the clock has something to do here next.
    pub fn next_due(&self, anchor: ReleaseAnchor) -> Option<Timestamp> {
        let state = self.schedule.next().map(|(_, at)| at);
        let destroyed = self.destroyed_at(anchor);
        let awaited = self.roster.first_awaited().map(|(at, _)| *at);
        let stage = self.stage_due().map(|(at, _)| at);
        let hand = self.hand_due().map(|(at, _)| at);
        let carousel = self.carousel_due();
        let poll = self.poll.as_ref().and_then(|poll| poll.untold);
        let quiz = self.quiz.as_ref().and_then(|quiz| quiz.untold);
        let all = [state, destroyed, awaited, stage, hand, carousel, poll, quiz];
        all.into_iter().flatten().min()
    }

    /// Whether the room's time is over at `now`: nothing of it is to be read from then on.
    pub fn is_released(&self, anchor: ReleaseAnchor, now: Timestamp) -> bool {
        self.destroyed_at(anchor).is_some_and(|at| at <= now)
    }

    /// When the room is destroyed, as far as that is known now. The room of a group goes with that of the class.
    fn destroyed_at(&self, anchor: ReleaseAnchor) -> Option<Timestamp> {
        match &self.main {
            Some(main) => main.released,
            None => self.schedule.destroyed_at(self.created, anchor),
        }
    }

    /// Whoever is in the room and not connected to this process, which has just begun, may come back for a while.
    pub(crate) fn await_absent(
        &mut self,
        at: Timestamp,
        is_connected: impl Fn(&UserUuid) -> bool,
        out: &mut Outcome,
    ) {
        for user in self.users.values_mut().filter(|user| user.online) {
            if user.awaited_until.is_none() && !is_connected(&user.id) {
                user.awaited_until = Some(at.plus(AWAITED));
                out.touched.users.insert(user.id.clone());
            }
        }
        out.touched.users.iter().for_each(|user| self.count(user));
    }

    /// Does what is due by `now`, each at its moment and in its order, so that it does not matter when this is called.
    pub fn catch_up(
        &mut self,
        now: Timestamp,
        entropy: &dyn stoa_core::Entropy,
        out: &mut Outcome,
    ) {
        while let Some((at, due)) = self.next_step(now) {
            let mut turn = Turn { room: self, by: By::Server, at, entropy, out };
            due(&mut turn);
        }
    }

    /// The next thing that is due by `now`, and its moment.
    fn next_step(&self, now: Timestamp) -> Option<(Timestamp, Step)> {
        let mut steps: Vec<(Timestamp, Step)> = Vec::new();
        if let Some((state, at)) = self.schedule.next() {
            steps.push((at, Box::new(move |turn: &mut Turn<'_>| turn.change_state(state))));
        }
        if let Some((at, user)) = self.roster.first_awaited().cloned() {
            steps.push((at, Box::new(move |turn: &mut Turn<'_>| turn.leave(&user, Exit::Left))));
        }
        if let Some((at, user)) = self.stage_due() {
            steps.push((at, Box::new(move |turn: &mut Turn<'_>| turn.time_out_stage(&user))));
        }
        if let Some((at, user)) = self.hand_due() {
            steps.push((at, Box::new(move |turn: &mut Turn<'_>| turn.time_out_hand(&user))));
        }
        if let Some(at) = self.carousel_due() {
            steps.push((at, Box::new(|turn: &mut Turn<'_>| turn.turn_carousel())));
        }
        if let Some(at) = self.poll.as_ref().and_then(|poll| poll.untold) {
            steps.push((at, Box::new(|turn: &mut Turn<'_>| turn.tell_poll())));
        }
        if let Some(at) = self.quiz.as_ref().and_then(|quiz| quiz.untold) {
            steps.push((at, Box::new(|turn: &mut Turn<'_>| turn.tell_quiz())));
        }
        let first = steps.into_iter().filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at)?;
        Some(first)
    }
}

type Step = Box<dyn FnOnce(&mut Turn<'_>)>;
