//! The session as a state machine: inputs and the time go in, effects and the next deadline come out.
//!
//! Handshake: only a login is understood, and the first one decides. Then the session is open: each
//! meta that needs an answer is answered within [`limits::ANSWER_DEADLINE`] or the session is closed,
//! every pull of a queue ends in a last page, and nothing is sent to a socket that does not keep up
//! beyond what the client itself asked for (msync sections 0, 3 and 4).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use stoa_chat::entry::{Delivery, Event, Kick, KickReason, Queue, Which};
use stoa_chat::{Error, Page, Unread};
use stoa_core::{MessageId, MsyncStatus, Refusal, Resource, Seq, Timestamp, UserId, limits};

use super::close::CloseReason;
use super::counted;
pub(crate) use super::flow::{Call, Effect, Input, LoggedIn, Outcome};
use super::incoming::{self, Act, Incoming, Login, Sender};
use super::outgoing::{self, Outgoing};
use super::queues::{Answer, Arrival, PageAnswer, Queues};
use super::rate::FrameRate;

/// Deliveries that may wait for the list of unread queues.
const EARLY: usize = 1024;

/// Pages that a client may wait for at once. It pulls each of its conversations after a login.
const WANTED: usize = 16_384;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Timestamp,
    },
    LoggingIn {
        resource: Resource,
        until: Timestamp,
        /// What has been decided about the session since it is attached, before it knows.
        decided: Vec<Arc<Event>>,
    },
    Open(Box<Open>),
    Closed,
}

#[derive(Debug)]
struct Open {
    user: UserId,
    resource: Resource,
    number: u64,
    /// When the session ends, as the client knows.
    expires: Timestamp,
    /// When it ends before that, which the client was not told.
    ends_early: Option<Timestamp>,
    notice_id: MessageId,
    out: Outgoing,
    queues: Queues,
    /// What arrived before it was known which queues are unread.
    early: Option<Vec<Arc<Event>>>,
    early_overflow: bool,
    /// It was known once which queues are unread.
    listed: bool,
    /// The client waits for its list of unread queues.
    list_owed: bool,
    unanswered: VecDeque<(u64, Timestamp)>,
    /// Pages to be read, one after the other: of which queue, and behind what.
    wanted: VecDeque<(Queue, Option<Seq>)>,
    /// A page is being read.
    reading: bool,
    calls: usize,
    heard: Timestamp,
    rate: FrameRate,
    saved: Timestamp,
    saving: bool,
    blocked: bool,
    /// The server ends: nothing further is taken, and what was taken is answered first.
    ending: bool,
}

impl Session {
    /// A session whose connection was opened at `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { state: State::Waiting { until: now.plus(limits::LOGIN_DEADLINE) } }
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Waiting { until } | State::LoggingIn { until, .. } => Some(*until),
            State::Open(open) => Some(open.deadline()),
            State::Closed => None,
        }
    }

    /// Whether more frames may be read: not while too much is under way.
    pub(crate) fn wants_frames(&self) -> bool {
        match &self.state {
            State::Waiting { .. } => true,
            State::Open(open) => {
                let under_way = open.calls.max(open.unanswered.len());
                !open.ending && under_way < limits::SENDS_IN_FLIGHT
            }
            State::LoggingIn { .. } | State::Closed => false,
        }
    }

    /// Takes an input at `now`; effects are appended to `out`.
    pub(crate) fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        let closing = match (&mut self.state, input) {
            (State::Closed, _) => return,
            (State::Open(open), input) => {
                let closing = open.handle(now, input, out);
                open.read_next(out);
                open.note_moves(now, out);
                closing.or_else(|| open.has_ended().then_some(CloseReason::Shutdown))
            }
            (State::Waiting { .. }, Input::Frame(frame)) => return self.first_frame(frame, out),
            (
                State::LoggingIn { resource, decided, .. },
                Input::Outcome(Outcome::Login(result)),
            ) => match result {
                Ok(logged_in) => {
                    let mut open = Open::new(logged_in, resource.clone(), now, out);
                    let mut decided = std::mem::take(decided).into_iter();
                    let closing = decided.find_map(|event| open.event(now, event, out));
                    self.state = State::Open(Box::new(open));
                    closing
                }
                Err(error) => {
                    out.push(Effect::Send(outgoing::not_admitted(resource.as_str(), &error)));
                    Some(CloseReason::NotLoggedIn)
                }
            },
            (State::Waiting { until } | State::LoggingIn { until, .. }, Input::Tick) => {
                (now >= *until).then_some(CloseReason::NotLoggedIn)
            }
            (_, Input::Shutdown) => Some(CloseReason::Shutdown),
            (_, Input::Overrun) => Some(CloseReason::TooSlow),
            // A second frame before the answer to the login: the driver does not read any.
            (State::LoggingIn { .. }, Input::Frame(_)) => Some(CloseReason::Protocol),
            (State::LoggingIn { decided, .. }, Input::Event(event)) => {
                // Entries lie in the logs, where they are looked for after the login.
                if matches!(*event, Event::Kick(_) | Event::LivesUntil { .. }) {
                    decided.push(event);
                }
                None
            }
            (_, Input::Event(_) | Input::Missed | Input::Outcome(_) | Input::Pressure(_)) => None,
        };
        if let Some(reason) = closing {
            self.close(reason, out);
        }
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<Effect>) {
        if let State::Open(open) = &mut self.state {
            let moved = open.queues.take_moved();
            if !moved.is_empty() {
                out.push(Effect::Call(Call::Save(moved)));
            }
        }
        self.state = State::Closed;
        out.push(Effect::Close(reason));
    }

    /// Whether the session has ended.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The connection is gone: what is left to store.
    pub(crate) fn disconnected(&mut self, out: &mut Vec<Effect>) {
        if !self.is_closed() {
            self.close(CloseReason::Gone, out);
        }
    }

    fn first_frame(&mut self, frame: Bytes, out: &mut Vec<Effect>) {
        let Ok(Incoming::Login(login)) = incoming::read(frame, None) else {
            return self.close(CloseReason::Protocol, out);
        };
        let Login { resource, note, request } = *login;
        match request {
            Ok(request) => {
                let State::Waiting { until } = self.state else { return };
                let resource = request.device.resource.clone();
                self.state = State::LoggingIn { resource, until, decided: Vec::new() };
                out.push(Effect::Call(Call::Login { request, note }));
            }
            Err(status) => {
                counted::login_malformed();
                out.push(Effect::Send(outgoing::login_refused(&resource, status)));
                self.close(CloseReason::NotLoggedIn, out);
            }
        }
    }
}

impl Open {
    fn new(logged_in: LoggedIn, resource: Resource, now: Timestamp, out: &mut Vec<Effect>) -> Self {
        out.push(Effect::Send(outgoing::logged_in(resource.as_str(), logged_in.expires)));
        out.push(Effect::Call(Call::Unread));
        Self {
            user: logged_in.user,
            resource,
            number: logged_in.number,
            expires: logged_in.expires,
            ends_early: None,
            notice_id: logged_in.notice_id,
            out: Outgoing { app_key: logged_in.app_key },
            queues: Queues::default(),
            early: Some(Vec::new()),
            early_overflow: false,
            listed: false,
            list_owed: false,
            unanswered: VecDeque::new(),
            wanted: VecDeque::new(),
            reading: false,
            calls: 1,
            heard: now,
            rate: FrameRate::new(now),
            saved: now,
            saving: false,
            blocked: false,
            ending: false,
        }
    }

    fn deadline(&self) -> Timestamp {
        let mut at = self.heard.plus(limits::SESSION_IDLE);
        at = at.min(self.expires.plus(limits::TOKEN_GRACE));
        at = self.ends_early.map_or(at, |early| at.min(early));
        if let Some((_, since)) = self.unanswered.front() {
            at = at.min(since.plus(limits::ANSWER_DEADLINE));
        }
        if self.queues.has_moved() && !self.saving {
            at = at.min(self.saved.plus(limits::CURSOR_INTERVAL));
        }
        if !self.blocked && self.early.is_none() {
            at = self.queues.deadline().map_or(at, |due| at.min(due));
        }
        at
    }

    /// Handles an input; answers why the session must end, if it must.
    fn handle(
        &mut self,
        now: Timestamp,
        input: Input,
        out: &mut Vec<Effect>,
    ) -> Option<CloseReason> {
        match input {
            Input::Frame(frame) => {
                self.heard = now;
                self.frame(now, frame, out)
            }
            Input::Event(event) => self.event(now, event, out),
            Input::Missed => {
                self.missed(out);
                None
            }
            Input::Outcome(outcome) => {
                let answers = |outcome: &Outcome| {
                    matches!(
                        outcome,
                        Outcome::Done(..) | Outcome::Edited(..) | Outcome::Entered(..)
                    )
                };
                if !answers(&outcome) {
                    self.calls = self.calls.saturating_sub(1);
                }
                self.outcome(now, outcome, out)
            }
            Input::Pressure(blocked) => {
                self.blocked = blocked;
                if !blocked {
                    self.notices(now, out);
                }
                None
            }
            Input::Tick => self.tick(now, out),
            Input::Overrun => Some(CloseReason::TooSlow),
            Input::Shutdown => {
                self.ending = true;
                None
            }
        }
    }

    /// Nothing that was taken from the client waits for an answer any more.
    fn has_ended(&self) -> bool {
        self.ending && self.calls == 0 && self.unanswered.is_empty()
    }

    fn call(&mut self, call: Call, out: &mut Vec<Effect>) {
        self.calls += 1;
        out.push(Effect::Call(call));
    }

    fn frame(
        &mut self,
        now: Timestamp,
        frame: Bytes,
        out: &mut Vec<Effect>,
    ) -> Option<CloseReason> {
        let within_rate = self.rate.take(now);
        let sender = Sender { app_key: &self.out.app_key, user: self.user.as_str() };
        let Ok(incoming) = incoming::read(frame, Some(sender)) else {
            return Some(CloseReason::Protocol);
        };
        match incoming {
            // Who flooded with messages is told in the vendor's words; anything else is cut off.
            Incoming::Act { id, .. } if !within_rate => {
                counted::rate_limited();
                let status = Refusal::RateLimited.msync();
                out.push(Effect::Send(outgoing::answer(id, Err(status), now)));
            }
            _ if !within_rate => return Some(CloseReason::Flood),
            Incoming::Login(login) => {
                let status = MsyncStatus { code: 4, reason: "already logged in" };
                out.push(Effect::Send(outgoing::login_refused(&login.resource, status)));
                return Some(CloseReason::Protocol);
            }
            Incoming::Unread if self.early.is_some() => self.list_owed = true,
            Incoming::Unread => self.list(now, out),
            Incoming::Pull { queue, is_group, key } => {
                return self.pull(now, &queue, is_group, key, out);
            }
            Incoming::Act { id, act } => {
                let call = match act {
                    Act::Send(draft) => Call::Send { id, draft },
                    Act::Acknowledge(receipt) => Call::Acknowledge { id, receipt },
                    Act::Read(target) => Call::Read { id, target },
                    Act::Recall(recall) => Call::Recall { id, recall },
                    Act::Edit(edit) => Call::Edit { id, edit: Box::new(edit) },
                    Act::AcknowledgeInGroup(receipt) => Call::AcknowledgeInGroup { id, receipt },
                    Act::EnterRoom { room, ext, leave_others } => {
                        Call::EnterRoom { id, room, ext, leave_others }
                    }
                    Act::LeaveRoom { room } => Call::LeaveRoom { id, room },
                    Act::Refuse(status) => {
                        counted::refused(status);
                        out.push(Effect::Send(outgoing::answer(id, Err(status), now)));
                        return None;
                    }
                };
                // Not counted as a call under way: it is counted among the unanswered.
                self.unanswered.push_back((id, now));
                out.push(Effect::Call(call));
            }
            Incoming::Nothing => {}
        }
        None
    }

    fn list(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let queues = self.queues.unread(now);
        out.push(Effect::Send(self.out.unread(&queues, now)));
    }

    fn pull(
        &mut self,
        now: Timestamp,
        name: &str,
        is_group: bool,
        key: Option<u64>,
        out: &mut Vec<Effect>,
    ) -> Option<CloseReason> {
        let Some(queue) = Queue::from_name(name, is_group) else {
            out.push(Effect::Send(self.out.empty_page(name, is_group, now)));
            return None;
        };
        let answer = match key {
            Some(key) => self.queues.acknowledged(&queue, key),
            None => self.queues.pulled(&queue, now),
        };
        match answer {
            Answer::Read(_) if self.wanted.len() >= WANTED => return Some(CloseReason::TooSlow),
            Answer::Read(after) => self.wanted.push_back((queue, after)),
            Answer::Empty => out.push(Effect::Send(self.out.empty_page(name, is_group, now))),
        }
        None
    }

    /// Reads the next page that the client waits for, unless more would then be sent without its place
    /// being stored than the client would know again after a crash.
    fn read_next(&mut self, out: &mut Vec<Effect>) {
        if !self.reading
            && self.queues.has_room(limits::QUEUE_PAGE)
            && let Some((queue, after)) = self.wanted.pop_front()
        {
            self.reading = true;
            self.queues.reserve_page();
            self.call(Call::Page { queue, after }, out);
        }
    }

    fn event(
        &mut self,
        now: Timestamp,
        event: Arc<Event>,
        out: &mut Vec<Effect>,
    ) -> Option<CloseReason> {
        match &*event {
            Event::Appended(delivery) => {
                if let Some(early) = &mut self.early {
                    // More than fit are found by listing once more.
                    if early.len() < EARLY {
                        early.push(event);
                    } else {
                        self.early_overflow = true;
                    }
                } else {
                    self.deliver(now, delivery, out);
                }
            }
            Event::Passing(delivery) => {
                if delivery.entry.concerns(&self.user, &self.resource) && !self.blocked {
                    counted::pushed();
                    out.push(Effect::Send(self.out.passing(delivery)));
                }
            }
            // Those are handed to the transport, not to the session.
            Event::Room(_) => {}
            Event::Kick(kick) => return self.kick(now, kick, out),
            // Who is not told of an earlier end would come again and again.
            Event::LivesUntil { session, until } if *session == self.number => {
                if *until < self.expires {
                    self.ends_early = Some(*until);
                } else {
                    (self.expires, self.ends_early) = (*until, None);
                }
            }
            Event::LivesUntil { .. } => {}
        }
        None
    }

    /// What was missed lies in the log: found by listing once more, as after a login.
    fn missed(&mut self, out: &mut Vec<Effect>) {
        if self.early.is_some() {
            // The list that is under way may be older than what was missed.
            self.early_overflow = true;
        } else {
            self.early = Some(Vec::new());
            self.call(Call::Unread, out);
        }
    }

    fn deliver(&mut self, now: Timestamp, delivery: &Delivery, out: &mut Vec<Effect>) {
        let concerns = delivery.entry.concerns(&self.user, &self.resource);
        let may_push = !self.blocked;
        let arrival = self.queues.arrived(&delivery.queue, delivery.seq, concerns, may_push, now);
        if let Arrival::Push(key) = arrival {
            counted::pushed();
            out.push(Effect::Send(self.out.push(delivery, key)));
        }
    }

    fn kick(&self, now: Timestamp, kick: &Kick, out: &mut Vec<Effect>) -> Option<CloseReason> {
        let meant = match &kick.which {
            Which::All => true,
            Which::Device(resource) => *resource == self.resource,
            Which::Session(number) => *number == self.number,
        };
        if !meant {
            return None;
        }
        Some(self.put_out(kick.reason, &kick.note, now, out))
    }

    /// Tells the client why it has to go.
    fn put_out(
        &self,
        reason: KickReason,
        note: &str,
        now: Timestamp,
        out: &mut Vec<Effect>,
    ) -> CloseReason {
        let (id, user) = (self.notice_id, self.user.as_str());
        out.push(Effect::Send(self.out.kicked(id, user, reason, note, now)));
        CloseReason::Kicked
    }

    fn outcome(
        &mut self,
        now: Timestamp,
        outcome: Outcome,
        out: &mut Vec<Effect>,
    ) -> Option<CloseReason> {
        match outcome {
            Outcome::Login(_) => {}
            Outcome::Unread(Ok(unread)) => self.unread(now, unread, out),
            Outcome::Page(queue, Ok(page)) => self.page(now, queue, page, out),
            Outcome::Unread(Err(_)) | Outcome::Page(_, Err(_)) => {
                return Some(CloseReason::Unanswered);
            }
            Outcome::Done(id, result) => {
                self.count_answer(now, id, &result);
                let result = match result {
                    Err(error) if error.outcome_is_unknown() => {
                        return Some(CloseReason::Unanswered);
                    }
                    result => result.map_err(|error| error.refusal().msync()),
                };
                out.push(Effect::Send(outgoing::answer(id, result, now)));
            }
            Outcome::Entered(id, room, result) => {
                self.count_answer(now, id, &result);
                let frame = match result {
                    Ok(entered) => self.out.entered(id, &room, &self.user, &entered, now),
                    Err(error) if error.outcome_is_unknown() => {
                        return Some(CloseReason::Unanswered);
                    }
                    Err(error) => outgoing::answer(id, Err(error.refusal().msync()), now),
                };
                out.push(Effect::Send(frame));
            }
            Outcome::Edited(id, result) => {
                self.count_answer(now, id, &result);
                let frame = match *result {
                    Ok(edited) => self.out.edited(id, &edited),
                    Err(error) if error.outcome_is_unknown() => {
                        return Some(CloseReason::Unanswered);
                    }
                    Err(error) => outgoing::answer(id, Err(error.refusal().msync()), now),
                };
                out.push(Effect::Send(frame));
            }
            Outcome::Saved(Ok(())) => {
                self.saving = false;
                self.queues.saved(now);
            }
            // Whatever went on to be delivered would come again, more of it than a client knows again.
            Outcome::Saved(Err(())) => return Some(CloseReason::Unanswered),
        }
        None
    }

    /// The answer to the client's meta `id` is known.
    fn count_answer<T>(&mut self, now: Timestamp, id: u64, result: &Result<T, Error>) {
        let known = self.unanswered.iter().position(|(of, _)| *of == id);
        if let Some((_, since)) = known.and_then(|index| self.unanswered.remove(index)) {
            counted::answered(now.since(since), result);
        }
        if self.unanswered.is_empty() {
            // Nothing is kept while nothing happens.
            self.unanswered = VecDeque::new();
        }
    }

    fn unread(&mut self, now: Timestamp, unread: Vec<Unread>, out: &mut Vec<Effect>) {
        let again = std::mem::replace(&mut self.listed, true);
        for Unread { queue, cursor } in unread {
            if again {
                self.queues.unread_again(queue, cursor);
            } else {
                self.queues.unread_at_login(queue, cursor, now);
            }
        }
        if std::mem::take(&mut self.early_overflow) {
            // What arrived lies behind what was missed, and would be taken for all there is.
            self.early = Some(Vec::new());
            return self.call(Call::Unread, out);
        }
        for event in self.early.take().unwrap_or_default() {
            if let Event::Appended(delivery) = &*event {
                self.deliver(now, delivery, out);
            }
        }
        if std::mem::take(&mut self.list_owed) {
            self.list(now, out);
        }
    }

    fn page(&mut self, now: Timestamp, queue: Queue, page: Page, out: &mut Vec<Effect>) {
        let Page { start, entries, end, more } = page;
        self.reading = false;
        self.queues.release_page();
        match self.queues.page_read(&queue, start, end, !entries.is_empty(), more, now) {
            PageAnswer::Entries(key) => {
                counted::paged(entries.len());
                let entries = entries.into_iter().map(|(_, entry)| entry);
                out.push(Effect::Send(self.out.page(&queue, entries, key, now)));
            }
            PageAnswer::Empty => {
                let is_group = matches!(queue, Queue::Group(_));
                out.push(Effect::Send(self.out.empty_page(queue.name(), is_group, now)));
            }
            PageAnswer::ReadOn(after) => {
                self.reading = true;
                self.queues.reserve_page();
                self.call(Call::Page { queue, after: Some(after) }, out);
            }
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Effect>) -> Option<CloseReason> {
        if now >= self.heard.plus(limits::SESSION_IDLE) {
            return Some(CloseReason::Idle);
        }
        if self.ends_early.is_some_and(|early| now >= early) {
            return Some(self.put_out(KickReason::Revoked, "", now, out));
        }
        if now >= self.expires.plus(limits::TOKEN_GRACE) {
            return Some(CloseReason::TokenExpired);
        }
        let answer_due = |(_, since): &(u64, Timestamp)| now >= since.plus(limits::ANSWER_DEADLINE);
        if self.unanswered.front().is_some_and(answer_due) {
            return Some(CloseReason::Unanswered);
        }
        if !self.blocked && self.early.is_none() {
            self.notices(now, out);
        }
        None
    }

    /// Tells where the client stands, and stores it when it is time.
    fn note_moves(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let fresh = self.queues.take_fresh().into_iter();
        out.extend(fresh.map(|(queue, seq)| Effect::Moved(queue, seq)));
        let due = now >= self.saved.plus(limits::CURSOR_INTERVAL)
            || self.queues.unsaved() >= limits::CURSOR_ENTRIES
            || !self.wanted.is_empty();
        if due && self.queues.has_moved() && !self.saving {
            self.saving = true;
            self.saved = now;
            let moved = self.queues.take_moved();
            self.call(Call::Save(moved), out);
        }
    }

    fn notices(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        for queue in self.queues.due_notices(now) {
            out.push(Effect::Send(self.out.notice(&queue)));
        }
    }
}

const _: () =
    assert!(limits::QUEUE_PAGE <= limits::REDELIVERED, "a page fits into what may come again");
