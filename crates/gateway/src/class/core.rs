//! The session of a client in a class: a state machine that takes messages, outcomes of calls, what the room decides
//! about the connection, and the time, and yields messages, calls and the next deadline.
//!
//! What the room says while the client is told what it missed is held back by the outlet until [`Effect::Live`], so
//! that numbers rise by one on the client's side.

use std::time::Duration;

use bytes::Bytes;
use stoa_classroom::frame::{Frame, message as numbered};
use stoa_classroom::{Joined, Track};
use stoa_core::{Secret, Timestamp, limits};
use stoa_media::Tell;
use stoa_metrics::class::{REFUSED, REPLAYED, Refused as Counted};

use super::close::CloseReason;
use super::media::{self, Answer, MediaMessage};
use super::message::{self, ClientMessage, Hello, Refused};
use crate::session::rate::Rate;

/// What happens to a session.
#[derive(Debug)]
pub(crate) enum Input {
    /// The client sent a message.
    Message(Bytes),
    /// It answered a ping.
    Alive,
    /// Whether it is let in.
    Joined(Result<Joined, Refused>),
    /// Frames that it missed, from the number on that was asked for.
    Missed(Track, Result<Vec<Frame>, Refused>),
    /// Whether a further token was taken.
    Renewed(Result<Timestamp, Refused>),
    /// The token behind it is good until then.
    LivesUntil(Timestamp),
    /// The room ends it.
    End(&'static str),
    /// The client does not keep up with what the room says.
    Overrun,
    /// What came of something about media.
    Media(Answer),
    /// What the media server tells.
    MediaTold(Tell),
    /// Time has passed.
    Tick,
    /// The server ends.
    Shutdown,
    /// The client has closed the connection, or it broke.
    Gone,
}

/// What a session wants done.
#[derive(Debug)]
pub(crate) enum Call {
    /// Let the client in and listen to its room.
    Join(Box<Hello>),
    /// Read frames that it missed.
    Missed(Track, u64),
    /// Take a further token.
    Renew(Secret),
    /// Do something about media.
    Media(Box<MediaMessage>),
}

/// What a session does.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A message to the client.
    Send(String),
    /// A call, whose outcome comes as an input.
    Call(Call),
    /// What the room says goes to the client from now on, what was held back first.
    Live,
    /// Ask the client whether it is there.
    Ping,
    /// Close the connection.
    Close(CloseReason),
}

/// What of a track the client still has to be told: from a number on, up to one.
#[derive(Debug, Clone, Copy)]
struct Rest {
    next: u64,
    last: u64,
}

impl Rest {
    /// None if the client knows what was never said, or has missed too much.
    fn after(known: u64, last: u64) -> Option<Self> {
        let missed = last.checked_sub(known)?;
        (missed <= limits::CLASS_REPLAY).then_some(Self { next: known + 1, last })
    }

    const fn is_done(self) -> bool {
        self.next > self.last
    }
}

/// A client that was let in.
#[derive(Debug)]
struct Inside {
    sees_answers: bool,
    until: Timestamp,
    /// It was told that the token will end.
    warned: bool,
}

#[derive(Debug)]
enum Stage {
    /// It has not said who it is.
    Strange,
    /// It is asked whether it may come in. With what it knows: numbers of the room and of the user.
    Asking { sequence: u64, peer_sequence: u64 },
    /// It is told what it missed.
    Missing { inside: Inside, room: Rest, peer: Rest },
    /// It hears what the room says.
    Live(Inside),
    /// The connection is being closed.
    Over,
}

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    stage: Stage,
    /// The silence after which the client is asked whether it is there.
    quiet: Duration,
    /// Since when it is open, or when something was last heard of the client.
    heard: Timestamp,
    /// When it was asked since then whether it is there. Only an answer that does not come counts: a clock that
    /// jumps makes nobody silent.
    asked: Option<Timestamp>,
    rate: Rate<{ limits::CLASS_MESSAGES_BURST }, { limits::CLASS_MESSAGES_PER_SECOND }>,
}

impl Session {
    /// A session that begins now and asks its client after so much silence whether it is there.
    pub(crate) const fn new(now: Timestamp, quiet: Duration) -> Self {
        Self { stage: Stage::Strange, quiet, heard: now, asked: None, rate: Rate::new(now) }
    }

    /// Takes an input and says what is to be done.
    pub(crate) fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) {
        if matches!(self.stage, Stage::Over) {
            return;
        }
        match input {
            Input::Message(text) => self.message(now, &text, out),
            Input::Alive => self.alive(now),
            Input::Joined(joined) => self.joined(now, joined, out),
            Input::Missed(track, frames) => self.missed(track, frames, out),
            Input::Renewed(Ok(until)) => out.push(Effect::Send(message::renewed(until))),
            Input::Renewed(Err(refused)) => out.push(Effect::Send(message::error(&refused))),
            Input::Media(answer) => out.extend(media::answered(answer).map(Effect::Send)),
            Input::MediaTold(tell) => out.push(Effect::Send(media::told(&tell))),
            Input::LivesUntil(until) => {
                if let Some(inside) = self.inside() {
                    (inside.until, inside.warned) = (until, false);
                }
            }
            Input::End(why) => return self.close(CloseReason::of_room(why), out),
            Input::Overrun => return self.close(CloseReason::Resync, out),
            Input::Shutdown => return self.close(CloseReason::Shutdown, out),
            Input::Gone => return self.close(CloseReason::Gone, out),
            Input::Tick => {}
        }
        self.look_at_the_clock(now, out);
    }

    /// When [`Input::Tick`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let inside = match &self.stage {
            Stage::Strange => return Some(self.heard.plus(limits::CLASS_HELLO_DEADLINE)),
            Stage::Over => return None,
            Stage::Asking { .. } => None,
            Stage::Missing { inside, .. } | Stage::Live(inside) => Some(inside),
        };
        let token = inside.map(|inside| match inside.warned {
            true => inside.until,
            false => warning(inside.until),
        });
        let silent = match self.asked {
            Some(asked) => asked.plus(limits::CLASS_ANSWER),
            None => self.heard.plus(self.quiet),
        };
        Some(token.map_or(silent, |token| token.min(silent)))
    }

    fn inside(&mut self) -> Option<&mut Inside> {
        match &mut self.stage {
            Stage::Missing { inside, .. } | Stage::Live(inside) => Some(inside),
            _ => None,
        }
    }

    fn alive(&mut self, now: Timestamp) {
        // A stranger has its time whatever it sends.
        if !matches!(self.stage, Stage::Strange) {
            (self.heard, self.asked) = (now, None);
        }
    }

    fn message(&mut self, now: Timestamp, text: &Bytes, out: &mut Vec<Effect>) {
        self.alive(now);
        if !self.rate.take(now) {
            REFUSED.of(Counted::Rate).inc();
            return self.close(CloseReason::Flood, out);
        }
        let message = match message::read(text) {
            Ok(message) => message,
            Err(why) => return self.refuse(why, out),
        };
        match (message, &self.stage) {
            (ClientMessage::Hello(hello), Stage::Strange) => {
                let (sequence, peer_sequence) = (hello.sequence, hello.peer_sequence);
                self.heard = now;
                self.stage = Stage::Asking { sequence, peer_sequence };
                out.push(Effect::Call(Call::Join(hello)));
            }
            (ClientMessage::Hello(_), _) => self.refuse("hello: was said".into(), out),
            (ClientMessage::Ping, _) => out.push(Effect::Send(message::pong(now))),
            (ClientMessage::Renew(token), Stage::Missing { .. } | Stage::Live(_)) => {
                out.push(Effect::Call(Call::Renew(token)));
            }
            (ClientMessage::Renew(_), _) => self.refuse("renew: comes after welcome".into(), out),
            (ClientMessage::Media(message), Stage::Live(_)) => {
                out.push(Effect::Call(Call::Media(message)));
            }
            (ClientMessage::Media(_), _) => self.refuse("media: comes after live".into(), out),
            (ClientMessage::Leave, Stage::Missing { .. } | Stage::Live(_)) => {
                self.close(CloseReason::Left, out);
            }
            (ClientMessage::Leave, _) => self.refuse("leave: comes after welcome".into(), out),
        }
    }

    /// What the client sent is not understood. A stranger has no second try.
    fn refuse(&mut self, why: String, out: &mut Vec<Effect>) {
        REFUSED.of(Counted::Invalid).inc();
        let refused = Refused { code: 400, text: why };
        if matches!(self.stage, Stage::Strange) {
            out.push(Effect::Send(message::refused(&refused)));
            return self.close(CloseReason::Refused, out);
        }
        out.push(Effect::Send(message::error(&refused)));
    }

    fn joined(&mut self, now: Timestamp, joined: Result<Joined, Refused>, out: &mut Vec<Effect>) {
        let Stage::Asking { sequence, peer_sequence } = self.stage else { return };
        let joined = match joined {
            Ok(joined) => joined,
            Err(refused) => {
                out.push(Effect::Send(message::refused(&refused)));
                return self.close(CloseReason::Refused, out);
            }
        };
        let room = Rest::after(sequence, joined.heard.sequence);
        let peer = Rest::after(peer_sequence, joined.heard.peer_sequence);
        let (Some(room), Some(peer)) = (room, peer) else {
            return self.close(CloseReason::Resync, out);
        };
        out.push(Effect::Send(message::welcome(&joined, self.quiet, now)));
        let Joined { sees_answers, until, .. } = joined;
        let inside = Inside { sees_answers, until, warned: false };
        self.stage = Stage::Missing { inside, room, peer };
        self.go_on(out);
    }

    /// Asks for what is missing, or lets the client hear what the room says.
    fn go_on(&mut self, out: &mut Vec<Effect>) {
        let Stage::Missing { inside, room, peer } = &self.stage else { return };
        if !room.is_done() {
            return out.push(Effect::Call(Call::Missed(Track::Room, room.next)));
        }
        if !peer.is_done() {
            return out.push(Effect::Call(Call::Missed(Track::Peer, peer.next)));
        }
        let Inside { sees_answers, until, warned } = *inside;
        self.stage = Stage::Live(Inside { sees_answers, until, warned });
        out.push(Effect::Send(message::live()));
        out.push(Effect::Live);
    }

    fn missed(&mut self, track: Track, frames: Result<Vec<Frame>, Refused>, out: &mut Vec<Effect>) {
        let Stage::Missing { inside, room, peer } = &mut self.stage else { return };
        let Ok(mut frames) = frames else { return self.close(CloseReason::Failed, out) };
        let rest = match track {
            Track::Room => room,
            Track::Peer => peer,
        };
        // What is said since is heard, and held back so far.
        frames.retain(|frame| frame.sequence <= rest.last);
        let rising = frames.iter().zip(rest.next..).all(|(frame, next)| frame.sequence == next);
        // Another room of the same name has begun, or this one is gone.
        if frames.is_empty() || !rising {
            return self.close(CloseReason::Resync, out);
        }
        rest.next += frames.len() as u64;
        REPLAYED.add_len(frames.len());
        let mut text = numbered(&frames, inside.sees_answers);
        if track == Track::Peer {
            text["peer"] = true.into();
        }
        out.push(Effect::Send(text.to_string()));
        self.go_on(out);
    }

    fn look_at_the_clock(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if matches!(self.stage, Stage::Over) || self.deadline().is_none_or(|at| at > now) {
            return;
        }
        if matches!(self.stage, Stage::Strange) {
            return self.close(CloseReason::NotInTime, out);
        }
        if let Some(inside) = self.inside() {
            if inside.until <= now {
                return self.close(CloseReason::TokenExpired, out);
            }
            if !inside.warned && warning(inside.until) <= now {
                inside.warned = true;
                let until = inside.until;
                out.push(Effect::Send(message::will_expire(until)));
            }
        }
        match self.asked {
            Some(asked) if now.since(asked) >= limits::CLASS_ANSWER => {
                self.close(CloseReason::Silent, out);
            }
            None if now.since(self.heard) >= self.quiet => {
                self.asked = Some(now);
                out.push(Effect::Ping);
            }
            _ => {}
        }
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<Effect>) {
        self.stage = Stage::Over;
        out.extend(message::ending(reason).map(Effect::Send));
        out.push(Effect::Close(reason));
    }
}

/// When a client is told that its token will end.
fn warning(until: Timestamp) -> Timestamp {
    let before = u64::try_from(limits::CLASS_TOKEN_WARNING.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(until.as_millis().saturating_sub(before))
}
