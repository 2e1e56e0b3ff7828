//! The end of a room: its key is destroyed, and then all that was sealed under it is removed.
//!
//! Whatever is interrupted goes on at the next start: as long as the key is there the room is, and its end is due; what
//! the key no longer opens is found by that.

use std::sync::Arc;
use std::time::Duration;

use stoa_core::{App, AppScope, RoomUuid, Timestamp, UserUuid};
use stoa_store::{AppStore, Bucket, Direction, Key, classes, spaces};

use crate::line::Line;
use crate::stored::{self, RoomKeys};
use crate::{Classroom, Error};

/// How long it is remembered that a room had a name.
pub(crate) const NAMES_REMEMBERED: Duration = Duration::from_secs(30 * 86_400);
/// Rows that are looked at at once.
const STEP: usize = 500;

impl Classroom {
    /// Destroys a room's key, and removes its records and those whom only it had in chat.
    pub(crate) async fn release(
        &self,
        app: &Arc<App>,
        line: &Arc<Line>,
        instance: u64,
    ) -> Result<(), Error> {
        // One at a time: a second one would find what the first has half done.
        let _alone = line.releasing.lock().await;
        let scope = self.operator().in_app(app.clone());
        let keys = RoomKeys::new(&line.store, &line.id, instance);
        let room = stored::load(&line.store, &line.id).await?;
        let Some(room) = room.filter(|room| room.instance == instance) else {
            line.forget().await;
            return Ok(());
        };
        let people: Vec<UserUuid> = room.users.keys().cloned().collect();
        line.words.gone(&line.id, instance, room.groups.rooms);
        let (one, has_callback) = ((line.id.clone(), instance), app.class_callback.is_some());
        let is_kept = self.keep_unread(&line.store, &one, has_callback).await?;
        // First nobody writes any more, so that no key of this room is made anew.
        self.chat().end_class_chat(&scope, instance).await?;
        line.store.destroy(&classes::CLASS_ROOM, keys.bucket()).await?;
        line.forget().await;
        if !is_kept {
            self.drop_outbox(&line.store, &one).await?;
        }
        self.remember_name(&line.store, &line.id).await?;
        self.chat().forget_class_chat(&scope, instance, &line.id).await?;
        self.chat().leave_class(&scope, instance, &people).await?;
        keys.remove(&line.id).await
    }

    /// Removes what rooms have left behind whose key was destroyed by a process that was interrupted.
    pub(crate) async fn finish_releases(&self, scope: &impl AppScope) -> Result<(), Error> {
        let store = self.store().app(scope).await?;
        let mut rows = 0;
        for space in spaces::SPACES.iter().filter(|space| {
            // Who was there says who is to be deleted.
            space.class.number == classes::CLASS_ROOM.number
                && space.code != spaces::CLASS_CHAT_USERS.code
        }) {
            rows += remove_unreadable(&store, store.key(space).all()).await?;
        }
        let users = self.chat().leave_destroyed_classes(scope).await?;
        let names = self.forget_names(&store).await?;
        if rows + users + names > 0 {
            tracing::info!(
                rows,
                users,
                names,
                "removed what class rooms that are over left behind"
            );
        }
        Ok(())
    }

    async fn remember_name(&self, store: &AppStore, room: &RoomUuid) -> Result<(), Error> {
        let (key, now) = (&name_key(store, room), self.clock().now());
        let value = &now.as_millis().to_be_bytes();
        let remembered = store.transact(|mut txn| async move {
            txn.put(key, Bucket::Whole, value).await?;
            Ok::<_, Error>(txn.done(()))
        });
        remembered.await
    }

    /// When a room of that name was destroyed, if that was in the last thirty days.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn was_used(
        &self,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<Option<Timestamp>, Error> {
        let store = self.store().app(scope).await?;
        let value = store.read().await?.get(&name_key(&store, room)).await?;
        let at = value.map(|value| moment(&value)).transpose()?;
        Ok(at.filter(|at| self.clock().now().since(*at) < NAMES_REMEMBERED))
    }

    /// Warns in the log where a room gets a name that another had.
    pub(crate) async fn notice_reuse(
        &self,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<(), Error> {
        self.chat().note_class_name(scope, room);
        if self.was_used(scope, room).await?.is_some() {
            self.chat().note_class_name_again(scope);
            tracing::warn!(
                app = %scope.app().key,
                "a class room has the name of one that was destroyed; names are to be random and used once"
            );
        }
        Ok(())
    }

    /// Forgets names that are remembered no more. Answers how many they were.
    async fn forget_names(&self, store: &AppStore) -> Result<usize, Error> {
        let (mut rest, now) = (store.key(&spaces::CLASS_NAMES).all(), self.clock().now());
        let mut over = Vec::new();
        loop {
            let rows = store.read().await?.scan(&rest, Direction::Forward, STEP).await?;
            let Some((last, _)) = rows.last() else { break };
            rest = rest.above(last);
            for (key, value) in &rows {
                if now.since(moment(value)?) >= NAMES_REMEMBERED {
                    over.push(key.clone());
                }
            }
        }
        remove(store, &over).await?;
        Ok(over.len())
    }
}

fn name_key(store: &AppStore, room: &RoomUuid) -> Key {
    let blind = store.blind("class room", &[room.as_str().as_bytes()]);
    store.key(&spaces::CLASS_NAMES).blind(blind).done()
}

fn moment(value: &[u8]) -> Result<Timestamp, Error> {
    let bytes = value.try_into().map_err(|_| Error::Unreadable)?;
    Ok(Timestamp::from_millis(u64::from_be_bytes(bytes)))
}

async fn remove(store: &AppStore, keys: &[Key]) -> Result<(), Error> {
    for keys in keys.chunks(STEP) {
        let removed = store.transact(|mut txn| async move {
            for key in keys {
                txn.delete(key)?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        removed.await?;
    }
    Ok(())
}

/// Removes the rows of a range that no key opens. Answers how many they were.
async fn remove_unreadable(store: &AppStore, range: stoa_store::KeyRange) -> Result<usize, Error> {
    let (mut rest, mut removed) = (range, 0);
    loop {
        let rows = store.read().await?.scan_all(&rest, Direction::Forward, STEP).await?;
        let Some((last, _)) = rows.last() else { return Ok(removed) };
        rest = rest.above(last);
        let gone = rows.iter().filter(|(_, value)| value.is_none());
        let gone: Vec<Key> = gone.map(|(key, _)| key.clone()).collect();
        remove(store, &gone).await?;
        removed += gone.len();
    }
}
