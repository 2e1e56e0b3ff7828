//! Sound and pictures of a room: what its state lets users publish is told to the media server, which forwards that and
//! nothing else.
//!
//! A room is not known to the media server until somebody in it offers a connection, so that rooms without media
//! cost nothing. From then on each batch of acts hands on what it changed of the rights, after it was stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, ClassRole, RoomUuid, UserUuid};
use stoa_media::{
    Counters, Media, Offer, Right, Rights, RoomId, StreamId, StreamStats, Told, Watch, Why,
};

use crate::room::{By, ClassState, Outcome, Participant, Room, StreamKind};
use crate::{Classroom, Error, Refusal};

/// What one room's line has told the media server.
pub(crate) struct Live {
    app: AppNumber,
    media: Arc<OnceLock<Media>>,
    told: Mutex<Option<Table>>,
}

/// The rights that hold in a room.
#[derive(Default)]
struct Table {
    /// None until they are told for the first time, and when the room was read anew.
    room: Option<RoomId>,
    rights: BTreeMap<StreamId, Right>,
    /// The streams of each user who has rights.
    users: HashMap<UserUuid, Vec<StreamId>>,
}

impl Live {
    pub(crate) fn new(app: AppNumber, media: Arc<OnceLock<Media>>) -> Self {
        Self { app, media, told: Mutex::default() }
    }

    /// From the next [`Self::follow`] on, which every batch of acts ends with, the media server knows the room.
    fn begin(&self) {
        self.told.lock().get_or_insert_default();
    }

    /// The room was read anew: what was told may have been changed by acts that are not stored.
    pub(crate) fn doubt(&self) {
        if let Some(table) = &mut *self.told.lock() {
            (table.rights, table.users) = Default::default();
            table.room = None;
        }
    }

    /// Tells what came of acts that are stored.
    pub(crate) fn follow(&self, room: Option<&Room>, out: &Outcome) {
        let Some(media) = self.media.get() else { return };
        let mut told = self.told.lock();
        let Some(table) = &mut *told else { return };
        let Some(room) = room.filter(|room| room.schedule.state != ClassState::Closed) else {
            if let Some(room) = table.room {
                media.end(room);
            }
            *told = None;
            return;
        };
        let id = room_id(self.app, room);
        let changed = if table.room == Some(id) {
            // Not one short of another: all are looked at.
            out.touched.users.iter().filter(|user| table.put(room, user)).count() > 0
        } else {
            table.room = Some(id);
            room.users.keys().for_each(|user| _ = table.put(room, user));
            true
        };
        if changed {
            media.rights(id, Rights(table.rights.clone()));
        }
        for (user, _) in &out.ended {
            media.leave(id, user.as_str(), Why::Left);
        }
        for user in &out.touched.users {
            if room.users.get(user).is_none_or(|user| !user.online) {
                media.leave(id, user.as_str(), Why::Left);
            }
        }
    }

    /// Ends the media of a user.
    pub(crate) fn leave(&self, user: &UserUuid) {
        if let (Some(media), Some(room)) = (self.media.get(), self.room()) {
            media.leave(room, user.as_str(), Why::Left);
        }
    }

    /// The room is no more.
    pub(crate) fn end(&self) {
        let table = self.told.lock().take();
        if let (Some(media), Some(room)) = (self.media.get(), table.and_then(|table| table.room)) {
            media.end(room);
        }
    }

    fn room(&self) -> Option<RoomId> {
        self.told.lock().as_ref()?.room
    }
}

impl Table {
    /// Puts a user's rights as they are by now. Answers whether they were others.
    fn put(&mut self, room: &Room, user: &UserUuid) -> bool {
        let now = room.users.get(user).map(rights_of).unwrap_or_default();
        let before = self.users.remove(user).unwrap_or_default();
        let same = before.len() == now.len()
            && now.iter().all(|(stream, right)| self.rights.get(stream) == Some(right));
        if !same {
            before.iter().for_each(|stream| _ = self.rights.remove(stream));
        }
        if !now.is_empty() {
            self.users.insert(user.clone(), now.iter().map(|(stream, _)| *stream).collect());
            self.rights.extend(now);
        }
        !same
    }
}

/// What a user may publish, by stream; those of which nothing may be are left out.
fn rights_of(user: &Participant) -> Vec<(StreamId, Right)> {
    let allowed =
        user.streams.iter().filter(|stream| user.online && (stream.audio || stream.video));
    let right =
        |screen, audio, video| Right { owner: user.id.as_str().into(), screen, audio, video };
    allowed
        .map(|stream| {
            let screen = stream.kind == StreamKind::Screen;
            (StreamId(stream.id), right(screen, stream.audio, stream.video))
        })
        .collect()
}

/// A room as the media server knows it: a later one of the same name is another.
const fn room_id(app: AppNumber, room: &Room) -> RoomId {
    RoomId(app.0 as u64, room.instance)
}

/// Why something about media was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    /// The media server refused it.
    #[error("{0}")]
    Media(#[from] stoa_media::Refusal),
    /// It is not allowed in the room, or the room could not be asked.
    #[error(transparent)]
    Room(#[from] Error),
}

impl From<Refusal> for MediaError {
    fn from(refusal: Refusal) -> Self {
        Self::Room(refusal.into())
    }
}

/// A user who is in a room, by the session of the user's entry.
#[derive(Debug, Clone, Copy)]
pub struct Attendee<'a> {
    /// The room.
    pub room: &'a RoomUuid,
    /// Who.
    pub user: &'a UserUuid,
    /// What the entry gave.
    pub session: u64,
}

impl Classroom {
    /// What is counted of sound and pictures; none where there are none.
    pub fn media_counters(&self) -> Option<&Arc<Counters>> {
        self.media().ok().map(Media::counters)
    }

    /// Whether rooms have sound and pictures.
    ///
    /// # Errors
    /// [`Refusal::FeatureOff`] when they have none.
    pub fn serves_media(&self) -> Result<(), Refusal> {
        self.media().map(|_| ())
    }

    /// Takes the offer of a user who is in a room, and gives the answer; what the user is to know of media later is told
    /// to `told`.
    ///
    /// # Errors
    /// [`Refusal::FeatureOff`] where no media is served; [`Refusal::NotForThis`] for who is not in the room, or
    /// entered elsewhere since; those of [`Media::offer`].
    pub async fn media_offer(
        self: &Arc<Self>,
        scope: &impl AppScope,
        who: Attendee<'_>,
        offer: Offer,
        told: Arc<dyn Told>,
    ) -> Result<String, MediaError> {
        let media = self.media()?;
        let line = self.line(scope, who.room).await?;
        let (user, session, live) = (who.user.clone(), who.session, line.live.clone());
        let room = self.turn(scope, who.room, By::Server, move |turn| {
            let there = turn.room.users.get(&user);
            there
                .filter(|there| there.online && there.session == session)
                .ok_or(Refusal::NotForThis)?;
            if turn.room.schedule.state == ClassState::Closed {
                return Err(Refusal::RoomOver);
            }
            live.begin();
            Ok(turn.room.instance)
        });
        let room = RoomId(scope.app().number.0.into(), room.await?);
        Ok(media.offer(room, who.user.as_str(), offer, told).await?)
    }

    /// Says what a user's slots are to show.
    ///
    /// # Errors
    /// [`Refusal::FeatureOff`]; those of [`Media::watch`].
    pub async fn media_watch(
        self: &Arc<Self>,
        scope: &impl AppScope,
        who: Attendee<'_>,
        slots: BTreeMap<String, Option<Watch>>,
    ) -> Result<(), MediaError> {
        let (media, room) = self.live_room(scope, who).await?;
        Ok(media.watch(room, who.user.as_str(), slots).await?)
    }

    /// How the streams of a room do: all of them for those who teach, one's own for others.
    ///
    /// # Errors
    /// [`Refusal::FeatureOff`], [`Refusal::NotForThis`].
    pub async fn media_stats(
        self: &Arc<Self>,
        scope: &impl AppScope,
        who: Attendee<'_>,
    ) -> Result<BTreeMap<StreamId, StreamStats>, MediaError> {
        let (media, room) = self.live_room(scope, who).await?;
        let user = who.user.clone();
        let role = self.turn(scope, who.room, By::Server, move |turn| {
            Ok(turn.room.users.get(&user).map(|user| user.role))
        });
        let all = role.await?.is_some_and(ClassRole::is_teaching);
        Ok(media.stats(room, (!all).then_some(who.user.as_str())).await)
    }

    /// Ends the media of a user.
    pub async fn media_leave(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
    ) {
        if let Ok(line) = self.line(scope, room).await {
            line.live.leave(user);
        }
    }

    /// The media server, and the room of an attendee as it knows it.
    async fn live_room(
        self: &Arc<Self>,
        scope: &impl AppScope,
        who: Attendee<'_>,
    ) -> Result<(&Media, RoomId), MediaError> {
        let media = self.media()?;
        let line = self.line(scope, who.room).await?;
        let room = line.live.room().ok_or_else(no_connection)?;
        Ok((media, room))
    }
}

fn no_connection() -> stoa_media::Refusal {
    stoa_media::Refusal { code: 404, msg: "there is no media connection: offer one first".into() }
}
