//! Who has no session any more leaves its rooms after a while (chat-rest section 3.3).
//!
//! Whose last session ends is noted with the moment at which it is gone; whoever is back by then was
//! never away. Nothing of it is stored: after a start of the server the time begins anew for all who are
//! in rooms by what is stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_bus::Topic;
use stoa_core::{AppNumber, AppScope, ConversationId, GroupId, MucKind, Timestamp, limits};
use stoa_store::{AppStore, Direction, ReadTxn, spaces};
use tokio::sync::OnceCell;

use crate::entry::Log;
use crate::group::{Group, Standing};
use crate::log::Appender;
use crate::records::{self, GroupName, StoredGroup};
use crate::room::RoomAct;
use crate::{Chat, Error};

/// Rooms that one step of the look at all of them reads.
const STEP: usize = 256;

/// Users who may be gone, by the moment at which they are.
#[derive(Default)]
pub(crate) struct Absences(Mutex<State>, Mutex<HashMap<AppNumber, Looked>>);

/// How many were found to be in rooms of an app.
type Looked = Arc<OnceCell<usize>>;

#[derive(Default)]
struct State {
    due: BTreeMap<Key, Absence>,
    users: HashMap<Topic, Gone>,
    next: u64,
}

type Key = (Timestamp, u64);

/// A user whose last session has ended.
#[derive(Default)]
struct Gone {
    since: Timestamp,
    /// Under which it stands in [`State::due`].
    keys: Vec<Key>,
}

struct Absence {
    topic: Topic,
    rooms: Vec<Arc<Appender>>,
}

impl State {
    fn put(&mut self, at: Timestamp, absence: Absence) {
        self.next += 1;
        let key = (at, self.next);
        if let Some(gone) = self.users.get_mut(&absence.topic) {
            gone.keys.push(key);
        }
        self.due.insert(key, absence);
    }
}

impl Absences {
    fn looked_at(&self, app: AppNumber) -> Looked {
        self.1.lock().entry(app).or_default().clone()
    }

    /// The user of `topic` has no session since `now`; it is in `rooms` and in those that were noted
    /// before.
    pub(crate) fn note(&self, now: Timestamp, topic: Topic, rooms: Vec<Arc<Appender>>) {
        let mut state = self.0.lock();
        if rooms.is_empty() {
            if let Some(gone) = state.users.get_mut(&topic) {
                gone.since = now;
            }
            return;
        }
        state.users.entry(topic.clone()).or_default().since = now;
        state.put(now.plus(limits::ROOM_ABSENCE), Absence { topic, rooms });
    }

    /// The rooms that the user of `topic` may still come back to.
    pub(crate) fn rooms_of(&self, topic: &Topic) -> Vec<Arc<Appender>> {
        let state = self.0.lock();
        let keys = state.users.get(topic).into_iter().flat_map(|gone| &gone.keys);
        let absences = keys.filter_map(|key| state.due.get(key));
        absences.flat_map(|absence| absence.rooms.iter().cloned()).collect()
    }

    /// Takes those who are due. Who was back since waits from then on.
    fn take_due(&self, now: Timestamp) -> Vec<Absence> {
        let mut state = self.0.lock();
        let later = state.due.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.due, later);
        let mut all_gone = Vec::new();
        for (key, absence) in due {
            let Some(gone) = state.users.get_mut(&absence.topic) else { continue };
            gone.keys.retain(|other| *other != key);
            let over = gone.since.plus(limits::ROOM_ABSENCE);
            if over > now {
                state.put(over, absence);
                continue;
            }
            if gone.keys.is_empty() {
                state.users.remove(&absence.topic);
            }
            all_gone.push(absence);
        }
        all_gone
    }
}

impl Chat {
    /// Lets those leave their rooms who have had no session for [`limits::ROOM_ABSENCE`], except owners
    /// and who is on the allow list. To be called every second or so; answers how many left a room.
    pub async fn leave_absent(&self) -> usize {
        let mut gone = 0;
        for Absence { topic, rooms } in self.shared.absences.take_due(self.shared.clock.now()) {
            for room in rooms {
                match self.leave_if_absent(&topic, &room).await {
                    Ok(left) => gone += usize::from(left),
                    Err(Error::UnknownRoom) => {}
                    Err(error) => {
                        if error.is_fault() {
                            stoa_metrics::store::FAULTS
                                .of(stoa_metrics::store::Place::Append)
                                .inc();
                            let error: &dyn std::error::Error = &error;
                            tracing::error!(error, "a member who is away could not leave a room");
                        }
                        // Tried again when as much time has passed.
                        let now = self.shared.clock.now();
                        self.shared.absences.note(now, topic.clone(), vec![room]);
                    }
                }
            }
        }
        gone
    }

    async fn leave_if_absent(&self, topic: &Topic, room: &Arc<Appender>) -> Result<bool, Error> {
        let topic = topic.clone();
        room.act(&self.shared, move |batch| {
            let topic = topic.clone();
            Box::pin(async move {
                // Whoever came back since is noted anew when it goes: with this room, though it may not
                // have got so far as to enter it.
                if batch.shared.online.has(&topic) {
                    if batch.group()?.roster.has(&topic.user) {
                        batch.room_acts.push(RoomAct::Sit(topic.user, None));
                    }
                    return Ok(false);
                }
                match batch.group()?.roster.member(&topic.user) {
                    Some(line) if line.standing != Standing::Owner && !line.allowed => {}
                    _ => return Ok(false),
                }
                batch.go_out_of_room(&topic.user).await.map(|()| true)
            })
        })
        .await
    }

    /// Begins the time after which those leave who are in rooms of an app by what is stored and do not come
    /// back. Done once for each app: when the server starts, or before that when somebody asks for the
    /// rooms of a user. Answers how many they were.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn expect_absent(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let looked = self.shared.absences.looked_at(scope.app().number);
        looked.get_or_try_init(|| self.look_at_rooms(scope)).await.copied()
    }

    /// Finds who is in rooms of an app by what is stored.
    async fn look_at_rooms(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let store = self.store.app(scope).await?;
        let mut expected = 0;
        // Those of classes stand in no list.
        for space in [&spaces::ROOMS_BY_TIME, &spaces::CLASS_CHAT_ROOMS] {
            let mut rest = store.key(space).all();
            loop {
                let mut read = store.read().await?;
                let rows = read.scan(&rest, Direction::Forward, STEP).await?;
                let full = rows.len() == STEP;
                for (key, value) in rows {
                    rest = rest.above(&key);
                    let id = match space.code == spaces::ROOMS_BY_TIME.code {
                        true => records::decode::<GroupName>(&value, space.name)?.id,
                        false => records::decode::<StoredGroup>(&value, space.name)?.id,
                    };
                    let Ok(id) = GroupId::parse(MucKind::Room, &id) else { continue };
                    expected += self.look_at_room(scope, &store, &mut read, id).await?;
                }
                if !full {
                    break;
                }
            }
        }
        Ok(expected)
    }

    async fn look_at_room(
        &self,
        scope: &impl AppScope,
        store: &AppStore,
        read: &mut ReadTxn,
        id: GroupId,
    ) -> Result<usize, Error> {
        let Some(group) = Group::load(store, read, &id).await? else { return Ok(0) };
        let app = scope.app();
        let room =
            self.shared.appenders.of(app, store, &Log::Conversation(ConversationId::Group(id)));
        let now = self.shared.clock.now();
        let mut expected = 0;
        for (user, line) in group.roster.joined() {
            if line.standing != Standing::Owner && !line.allowed {
                let topic = Topic { app: app.number, user: user.clone() };
                let is_back = self.shared.online.has(&topic);
                self.shared.absences.note(now, topic.clone(), vec![room.clone()]);
                // Who was quicker than this does not know of the room.
                if is_back {
                    self.leave_if_absent(&topic, &room).await?;
                }
                expected += 1;
            }
        }
        Ok(expected)
    }
}
