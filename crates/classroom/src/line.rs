//! The line of one room: acts wait in it, and are done in batches.
//!
//! Whoever comes puts its act into the line and waits. One of them takes all that wait, does them on the room in
//! memory, stores what changed in one transaction, and only then tells anybody. If storing fails, the room in memory
//! is forgotten, and is read anew for the next.

use std::sync::Arc;

use parking_lot::Mutex;
use stoa_core::{AppId, ClassSettings, Entropy, RoomUuid, Timestamp};
use stoa_store::AppStore;
use tokio::sync::oneshot;

use crate::chat_room::ChatLink;
use crate::grouping::Words;
use crate::hub::{Hub, Joining};
use crate::live::Live;
use crate::outbox::Waiting;
use crate::room::{By, Outcome, Room, Turn};
use crate::stored::{self, RoomKeys};
use crate::{Error, Refusal};

/// How long a room rests whose records could not be stored.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);
/// Acts that are done at once.
const BATCH: usize = 256;

/// What an act finds: the room, if there is one.
pub struct Desk<'a> {
    /// The room.
    pub slot: &'a mut Option<Room>,
    /// When.
    pub at: Timestamp,
    /// What the app's owner decided.
    pub settings: ClassSettings,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// What comes of it.
    pub out: &'a mut Outcome,
    /// Who listens from the end of the batch on.
    pub(crate) joining: &'a mut Vec<Joining>,
}

impl Desk<'_> {
    /// An act on the room by somebody who is not banned from it.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`], [`Refusal::Banned`].
    pub fn turn(&mut self, by: By) -> Result<Turn<'_>, Refusal> {
        let room = self.slot.as_mut().ok_or(Refusal::NoRoom)?;
        if by.user().is_some_and(|user| room.is_banned(user, self.at)) {
            return Err(Refusal::Banned);
        }
        Ok(Turn { room, by, at: self.at, entropy: self.entropy, out: self.out })
    }
}

/// Answers whoever asked, when it is known whether the batch was stored.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// An act.
type Act = Box<dyn FnOnce(&mut Desk<'_>) -> Answer + Send>;

/// The room in memory, if it was read.
enum Held {
    /// Not read yet, or forgotten.
    Unknown,
    /// As it is stored; none: there is no such room.
    Known(Option<Box<Room>>),
}

/// One room name's line.
pub(crate) struct Line {
    pub(crate) id: RoomUuid,
    pub(crate) app: AppId,
    pub(crate) store: AppStore,
    /// For when the clock is set that looks at the room.
    pub(crate) alarm: Mutex<Option<Timestamp>>,
    waiting: Mutex<Vec<Act>>,
    held: tokio::sync::Mutex<Held>,
    /// Held while the room is destroyed.
    pub(crate) releasing: tokio::sync::Mutex<()>,
    pub(crate) hub: Hub,
    pub(crate) words: Words,
    waiting_events: Arc<Waiting>,
    chat: ChatLink,
    pub(crate) live: Arc<Live>,
}

/// What is to be done after acts.
pub(crate) enum After {
    /// The clock has something to do then; none: not as long as nobody acts.
    Due(Option<Timestamp>),
    /// The room of this instance is to be destroyed, before what waits can be done.
    Released(u64),
}

impl Line {
    pub(crate) fn new(
        store: AppStore,
        app: AppId,
        id: RoomUuid,
        words: Words,
        waiting_events: Arc<Waiting>,
        chat: ChatLink,
        live: Live,
    ) -> Self {
        let (waiting, alarm, hub) = (Mutex::default(), Mutex::default(), Hub::default());
        let held = tokio::sync::Mutex::new(Held::Unknown);
        let releasing = tokio::sync::Mutex::default();
        let live = Arc::new(live);
        Self {
            id,
            app,
            store,
            alarm,
            waiting,
            held,
            releasing,
            hub,
            words,
            waiting_events,
            chat,
            live,
        }
    }

    /// Puts an act into the line. The answer comes when [`Self::work`] was done.
    pub(crate) fn put<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Desk<'_>) -> Result<T, Error> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, Error>> {
        let (tell, told) = oneshot::channel();
        let act: Act = Box::new(move |desk| {
            let done = act(desk);
            Box::new(move |stored| {
                // Whoever is gone does not want to know.
                let _ = tell.send(stored.and(done));
            })
        });
        self.waiting.lock().push(act);
        told
    }

    /// Does what waits, and what the clock has to do by `now`.
    pub(crate) async fn work(
        &self,
        now: impl Fn() -> Timestamp,
        settings: ClassSettings,
        entropy: &Arc<dyn Entropy>,
    ) -> After {
        let mut held = self.held.lock().await;
        loop {
            // What comes while the room is read and catches up was not there yet at that moment.
            let many = self.waiting.lock().len();
            let at = now();
            let done = match self.caught_up(&mut held, at, settings, &**entropy).await {
                Ok(None) => self.batch(&mut held, many, at, settings, &**entropy).await,
                Ok(Some(released)) => return After::Released(released),
                Err(error) => {
                    self.fail(&error, at, settings, &**entropy);
                    Err(error)
                }
            };
            if let Err(error) = done {
                tracing::error!(%error, "acts in a class room were not stored");
                *held = Held::Unknown;
                return After::Due(Some(at.plus(RETRY)));
            }
            if self.waiting.lock().is_empty() {
                break;
            }
        }
        match &*held {
            Held::Known(Some(room)) => After::Due(room.next_due(settings.release_anchor)),
            _ => After::Due(None),
        }
    }

    /// Reads the room if need be and does what the clock has to do. Answers the instance of a room whose time is over.
    async fn caught_up(
        &self,
        held: &mut Held,
        at: Timestamp,
        settings: ClassSettings,
        entropy: &dyn Entropy,
    ) -> Result<Option<u64>, Error> {
        let mut out = Outcome::default();
        if matches!(held, Held::Unknown) {
            let room = stored::load(&self.store, &self.id).await?;
            *held = Held::Known(room.map(Box::new));
            self.live.doubt();
            if let Held::Known(Some(room)) = held {
                room.await_absent(at, |user| self.hub.hears(user), &mut out);
                self.chat.catch_up(room).await;
            }
        }
        let Held::Known(Some(room)) = held else { return Ok(None) };
        room.catch_up(at, entropy, &mut out);
        if room.is_released(settings.release_anchor, at) {
            return Ok(Some(room.instance));
        }
        self.store_batch(Some(room), &out).await?;
        self.hub.publish(&out);
        self.live.follow(Some(room), &out);
        self.chat.follow(Some(room), &out).await;
        Ok(None)
    }

    /// Does the first `many` acts that wait, on a room that has caught up.
    async fn batch(
        &self,
        held: &mut Held,
        many: usize,
        at: Timestamp,
        settings: ClassSettings,
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        let acts: Vec<Act> = {
            let mut waiting = self.waiting.lock();
            let many = many.min(waiting.len()).min(BATCH);
            waiting.drain(..many).collect()
        };
        if acts.is_empty() {
            return Ok(());
        }
        let mut slot = match held {
            Held::Known(room) => room.take().map(|room| *room),
            Held::Unknown => None,
        };
        let (mut out, mut joining) = (Outcome::default(), Vec::new());
        let mut answers = Vec::with_capacity(acts.len());
        for act in acts {
            let (slot, out, joining) = (&mut slot, &mut out, &mut joining);
            answers.push(act(&mut Desk { slot, at, settings, entropy, out, joining }));
        }
        if let Some(room) = &mut slot {
            // What was changed behind the touch.
            out.touched.users.iter().for_each(|user| room.count(user));
            debug_assert!(room.is_counted(), "whatever changes a user touches it");
        }
        let stored = self.store_batch(slot.as_ref(), &out).await;
        if stored.is_ok() {
            self.hub.publish(&out);
            self.hub.join(slot.as_ref(), joining);
            self.live.follow(slot.as_ref(), &out);
            self.chat.follow(slot.as_ref(), &out).await;
        }
        *held = Held::Known(slot.map(Box::new));
        for answer in answers {
            answer(stored.clone());
        }
        stored
    }

    /// Refuses what waits.
    pub(crate) fn fail(
        &self,
        why: &Error,
        at: Timestamp,
        settings: ClassSettings,
        entropy: &dyn Entropy,
    ) {
        let acts = std::mem::take(&mut *self.waiting.lock());
        for act in acts {
            let (slot, out, joining) = (&mut None, &mut Outcome::default(), &mut Vec::new());
            act(&mut Desk { slot, at, settings, entropy, out, joining })(Err(why.clone()));
        }
    }

    async fn store_batch(&self, room: Option<&Room>, out: &Outcome) -> Result<(), Error> {
        let nothing = out.touched == crate::room::Touched::default()
            && out.frames.is_empty()
            && out.peers.is_empty()
            && out.events.is_empty()
            && out.groups.is_empty();
        let Some(room) = room.filter(|_| !nothing) else { return Ok(()) };
        let keys = &RoomKeys::new(&self.store, &room.id, room.instance);
        let stored = self.store.transact(|mut txn| async move {
            keys.put(&mut txn, room, out).await?;
            Ok::<_, Error>(txn.done(()))
        });
        stored.await?;
        self.words.keep(&out.groups);
        if !out.events.is_empty() {
            self.waiting_events.more(&(room.id.clone(), room.instance));
        }
        Ok(())
    }

    /// The clock that was set for `at` looks at the room.
    pub(crate) fn alarm_rang(&self, at: Timestamp) {
        let mut alarm = self.alarm.lock();
        if alarm.is_some_and(|set| set >= at) {
            *alarm = None;
        }
    }

    /// Forgets the room, which is gone from the store.
    pub(crate) async fn forget(&self) {
        *self.held.lock().await = Held::Unknown;
        self.live.end();
    }
}
