//! Standard tools in a room: an encoder that publishes (WHIP, RFC 9725), a player that watches (WHEP).
//!
//! A tool has no stream of the class. What it has instead is a connection that hears nothing: so it is put out, displaced
//! and revoked as everybody else, and the user is there for as long as its media are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_core::{AppScope, ClassCaller, ClassRole, OperatorOf, RoomUuid, Timestamp, UserUuid};
use stoa_media::{Kind, Line, Offer, Source, StreamId, Tell, Told, Watch};
use tokio::sync::Notify;

use crate::hub::Listener;
use crate::live::Attendee;
use crate::room::{By, CheckIn, Exit, Room, StreamKind};
use crate::{Classroom, Error, MediaError, Refusal};

/// The height that a player is taken to show: the largest layer.
const PLAYER_HEIGHT: u32 = 2160;

/// What a tool is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// It publishes the user's main stream.
    Publisher,
    /// It watches a stream of that user; none: of the teacher.
    Player {
        /// Whose.
        of: Option<UserUuid>,
        /// Camera and microphone, or a screen.
        kind: StreamKind,
    },
}

/// A tool that was let in.
#[derive(Debug, Clone)]
pub struct Connected {
    /// What the entry gave; names the connection.
    pub session: u64,
    /// The answer to its offer.
    pub answer: String,
}

/// The connection of a tool.
struct Connection {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    until: Timestamp,
    over: bool,
}

impl Connection {
    fn end_now(&self) {
        self.state.lock().over = true;
        self.changed.notify_one();
    }

    /// Ends when the connection does.
    async fn ended(&self, classroom: &Weak<Classroom>) {
        loop {
            let Some(now) = classroom.upgrade().map(|classroom| classroom.clock.now()) else {
                return;
            };
            let left = {
                let state = self.state.lock();
                if state.over || state.until <= now {
                    return;
                }
                state.until.since(now)
            };
            // A clock that is set is noticed.
            let left = left.min(Duration::from_secs(60));
            let _ = tokio::time::timeout(left, self.changed.notified()).await;
        }
    }
}

impl Listener for Connection {
    fn hear(&self, _: &Bytes) {}

    fn lives_until(&self, until: Timestamp) {
        self.state.lock().until = until;
        self.changed.notify_one();
    }

    fn end(&self, _: &'static str) {
        self.end_now();
    }
}

impl Told for Connection {
    fn told(&self, tell: Tell) {
        if let Tell::Closed(_) = tell {
            self.end_now();
        }
    }
}

impl Classroom {
    /// Lets a tool in as a user, with its offer.
    ///
    /// # Errors
    /// Those of [`Self::enter`], [`Self::listen`] and [`Self::media_offer`]; [`Refusal::NotAllowed`] for a publisher in a role
    /// that publishes nothing; [`Refusal::PeerOffline`] when there is nothing to watch.
    pub async fn connect_tool(
        self: &Arc<Self>,
        caller: &ClassCaller,
        (room, user): (&RoomUuid, &UserUuid),
        who: CheckIn,
        address: Option<IpAddr>,
        tool: Tool,
        sdp: String,
    ) -> Result<Connected, MediaError> {
        self.media()?;
        if tool == Tool::Publisher && !who.role.is_listed() {
            return Err(Refusal::NotAllowed.into());
        }
        let lines = stoa_media::lines(&sdp)?;
        let watched = match &tool {
            Tool::Publisher => None,
            Tool::Player { of, kind } => {
                Some(self.stream_of(caller, room, of.clone(), *kind).await?)
            }
        };
        let session = self.enter(caller, room, user, who, None).await?.session;
        let until = caller.expires();
        let state = Mutex::new(State { until, over: false });
        let connection = Arc::new(Connection { state, changed: Notify::new() });
        let to: Arc<dyn Listener> = connection.clone();
        self.listen(caller, room, user, session, address, to.clone()).await?;
        let attendee = Attendee { room, user, session };
        let tracks = if tool == Tool::Publisher { published(&lines) } else { BTreeMap::new() };
        let offer = Offer { fresh: true, sdp, tracks };
        let offered = self.media_offer(caller, attendee, offer, connection.clone()).await;
        let watching = match (&offered, watched) {
            (Ok(_), Some(stream)) => {
                self.media_watch(caller, attendee, slots(&lines, stream)).await
            }
            _ => Ok(()),
        };
        let scope = self.operator().in_app(self.app(caller));
        if offered.is_err() || watching.is_err() {
            self.let_out(&scope, room, user, session, &to).await;
        } else {
            let (this, room, user) = (Arc::downgrade(self), room.clone(), user.clone());
            tokio::spawn(async move {
                connection.ended(&this).await;
                if let Some(classroom) = this.upgrade() {
                    classroom.let_out(&scope, &room, &user, session, &to).await;
                }
            });
        }
        watching?;
        Ok(Connected { session, answer: offered? })
    }

    /// Ends the connection of a tool; its user leaves the room.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] for another's; [`Refusal::NoUser`] when it has ended.
    pub async fn disconnect_tool(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
        session: u64,
    ) -> Result<(), Error> {
        self.place(caller, room, Some(user))?;
        let name = user.clone();
        self.turn(caller, room, By::Server, move |turn| {
            let there = turn.room.users.get(&name);
            there
                .filter(|there| there.online && there.session == session)
                .ok_or(Refusal::NoUser)?;
            turn.leave(&name, Exit::Left);
            Ok(())
        })
        .await
    }

    /// A tool's connection is over: its media end, and its user leaves, unless it has entered elsewhere.
    async fn let_out(
        self: &Arc<Self>,
        scope: &OperatorOf,
        room: &RoomUuid,
        user: &UserUuid,
        session: u64,
        to: &Arc<dyn Listener>,
    ) {
        let Ok(line) = self.line(scope, room).await else { return };
        // Whoever has entered elsewhere has taken both over.
        if line.hub.leave(user, to).is_some() {
            line.live.leave(user);
        }
        let name = user.clone();
        let left = self.turn(scope, room, By::Server, move |turn| {
            if turn.room.users.get(&name).is_some_and(|there| there.session == session) {
                turn.leave(&name, Exit::Left);
            }
            Ok(())
        });
        // A room that is gone has nobody in it.
        let _ = left.await;
    }

    /// The number of a user's stream of that kind; of the teacher's where nobody is named.
    async fn stream_of(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        of: Option<UserUuid>,
        kind: StreamKind,
    ) -> Result<StreamId, Error> {
        self.turn(scope, room, By::Server, move |turn| {
            found(turn.room, of.as_ref(), kind).ok_or(Refusal::PeerOffline)
        })
        .await
    }
}

fn found(room: &Room, of: Option<&UserUuid>, kind: StreamKind) -> Option<StreamId> {
    let user = match of {
        Some(of) => room.users.get(of).filter(|user| user.online),
        None => room.listed().find(|user| user.role == ClassRole::Teacher),
    };
    Some(StreamId(user?.stream(kind)?.id))
}

/// What is published: the first sound and the first picture.
fn published(lines: &[Line]) -> BTreeMap<String, Source> {
    let first = |kind, source| {
        let line = lines.iter().find(|line| line.sends && line.kind == kind)?;
        Some((line.mid.clone(), source))
    };
    [first(Kind::Audio, Source::Microphone), first(Kind::Video, Source::Camera)]
        .into_iter()
        .flatten()
        .collect()
}

/// The first slots for sound and picture show the stream.
fn slots(lines: &[Line], stream: StreamId) -> BTreeMap<String, Option<Watch>> {
    let first = |kind| {
        let line = lines.iter().find(|line| line.receives && line.kind == kind)?;
        Some((line.mid.clone(), Some(Watch { stream, kind, height: PLAYER_HEIGHT })))
    };
    [first(Kind::Audio), first(Kind::Video)].into_iter().flatten().collect()
}
