//! What an app's back end says in rooms (chat-rest R050 and R051).

use bytes::Bytes;
use stoa_core::{
    AppScope, Caller, ConversationId, GroupId, MessageId, MucKind, Resource, Target, UserId,
};
use stoa_store::{AppStore, Direction, spaces};
use tokio::sync::oneshot;

use crate::entry::{Kind, Log, Priority};
use crate::group::Group;
use crate::log::{Appended, NewEntry};
use crate::records::{self, GroupName};
use crate::{Chat, Error};

/// Rooms that are read, and told, in one step of a broadcast.
const STEP: usize = 256;

/// A message of the app's back end.
#[derive(Debug, Clone)]
pub struct RoomMessage {
    /// In whose name.
    pub from: UserId,
    /// What it is.
    pub kind: Kind,
    /// The body, passed on as it is.
    pub body: Bytes,
    /// The encoded `ext` of the meta, passed on as it is.
    pub ext: Bytes,
    /// How soon it is dropped where there is too much.
    pub priority: Priority,
}

type Outcome = oneshot::Receiver<Result<Appended, Error>>;

impl Chat {
    /// Says something in a room.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownRoom`], [`Error::Store`].
    pub async fn say_in_room(
        &self,
        caller: &Caller,
        room: &GroupId,
        message: RoomMessage,
    ) -> Result<Appended, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        self.hand_in_to_room(caller, &store, room, message).await.map_err(|_| Error::Internal)?
    }

    /// Says what `message` makes of each room in all rooms in which somebody is. Answers an id for the
    /// whole, and how many rooms they are. A room that ends meanwhile is passed over.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::NotInPlan`], [`Error::Store`].
    pub async fn say_in_all_rooms(
        &self,
        caller: &Caller,
        message: impl Fn(&GroupId) -> RoomMessage,
    ) -> Result<(MessageId, usize), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        if !self.settings(caller).plan.room_broadcast {
            return Err(Error::NotInPlan);
        }
        let store = self.store.app(caller).await?;
        let mut rest = store.key(&spaces::ROOMS_BY_TIME).all();
        let mut said = 0;
        loop {
            let mut read = store.read().await?;
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            let mut outcomes = Vec::with_capacity(rows.len());
            for (key, value) in rows {
                rest = rest.above(&key);
                let row: GroupName = records::decode(&value, spaces::ROOMS_BY_TIME.name)?;
                let Ok(room) = GroupId::parse(MucKind::Room, &row.id) else { continue };
                let members =
                    Group::info(&store, &mut read, &room).await?.map(|(_, members)| members);
                if members.is_some_and(|members| members > 0) {
                    outcomes.push(self.hand_in_to_room(caller, &store, &room, message(&room)));
                }
            }
            for outcome in outcomes {
                match outcome.await.map_err(|_| Error::Internal)? {
                    Ok(_) => said += 1,
                    Err(Error::UnknownRoom) => {}
                    Err(error) => return Err(error),
                }
            }
            if !full {
                return Ok((self.fresh_id(), said));
            }
        }
    }

    fn hand_in_to_room(
        &self,
        caller: &Caller,
        store: &AppStore,
        room: &GroupId,
        message: RoomMessage,
    ) -> Outcome {
        let RoomMessage { from, kind, body, ext, priority } = message;
        self.shared.uses.note(caller.app().number, &from);
        let to = Target::Group(room.clone());
        let event = NewEntry::event(kind, (&from, &Resource::none()), to, body);
        let entry = NewEntry { ext, priority, by_back_end: true, ..event };
        let log = Log::Conversation(ConversationId::Group(room.clone()));
        let (done, outcome) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.shared.appenders.of(caller.app(), store, &log).submit(&self.shared, entry, done);
        outcome
    }
}
