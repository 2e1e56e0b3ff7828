//! The end of one user, group or room: its key of a class is destroyed when its time is over.
//!
//! That something ends is written down in the transaction that ends it ([`Txn::end_object`]), under its blinded name and
//! once more by time. So nothing that has ended is forgotten, whoever dies: [`Store::end_objects`] finds what is due,
//! notes that its key is being destroyed (from then on nobody puts the end off), destroys the keys of all of them in
//! one step of the vault, with receipts, removes the rows that open no more, and then what was written down. A class
//! may keep things for a while after the end ([`DataClass::kept_after_end`]); until then reads ask [`AppStore::end_of`].

use prost::Message;
use stoa_core::{ChatSettings, Timestamp, is_over};
use stoa_seal::Blind;
use stoa_vault::{Bucket, KeyClass, KeyScope};

use crate::classes::{CLASSES, DataClass};
use crate::engine::Direction;
use crate::spaces::{ENDS_BY_TIME, OBJECT_ENDS, Part, SPACES, Space};
use crate::{AppStore, Key, Reader, Store, StoreError, Txn};

/// Objects whose keys are destroyed in one step.
const STEP: usize = 256;
/// Rows that one transaction removes.
const ROWS: usize = 500;

/// OBJECT_ENDS: the end of an object.
#[derive(Clone, Copy, PartialEq, Message)]
struct StoredEnd {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(bool, tag = "2")]
    is_taken: bool,
}

/// When a user, group or room ends, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// At that moment.
    pub at: Timestamp,
    is_taken: bool,
}

impl End {
    /// Whether what the object has of `class` is over at `now`, in an app with these settings.
    pub fn is_over(&self, class: &DataClass, settings: &ChatSettings, now: Timestamp) -> bool {
        self.is_taken || is_over(self.at, class.kept_after_end(settings, now), now)
    }
}

/// An object whose key is being destroyed.
#[derive(Debug, Clone, Copy)]
struct Over {
    class: &'static DataClass,
    at: u64,
    object: Blind,
}

impl Over {
    fn end_key(&self, app: &AppStore) -> Key {
        end_key(app, self.class, self.object)
    }

    fn time_key(&self, app: &AppStore) -> Key {
        time_key(app, self.class, self.at, self.object)
    }

    const fn scope(&self, app: &AppStore) -> KeyScope {
        let (class, bucket) = (KeyClass(self.class.number), Bucket::Object(self.object.0));
        KeyScope { app: app.number, class, bucket }
    }
}

fn end_key(app: &AppStore, class: &DataClass, object: Blind) -> Key {
    app.key(&OBJECT_ENDS).number(class.number.into()).blind(object).done()
}

fn time_key(app: &AppStore, class: &DataClass, at: u64, object: Blind) -> Key {
    app.key(&ENDS_BY_TIME).number(class.number.into()).number(at).blind(object).done()
}

fn decode(value: &[u8]) -> Result<StoredEnd, StoreError> {
    StoredEnd::decode(value).map_err(|_| StoreError::Corrupt { space: OBJECT_ENDS.name })
}

/// The spaces whose keys begin with the object that a row belongs to.
fn spaces_of(class: &DataClass) -> impl Iterator<Item = &'static Space> {
    let begins = |space: &Space| matches!(space.layout.first(), Some(Part::Blind(_)));
    let of_apps = SPACES.iter().copied().filter(move |space| space.owner.includes(false));
    of_apps.filter(move |space| space.class.number == class.number && begins(space))
}

impl Txn {
    /// Notes that `object` ends at `at`: what it has of `class` is over when it was kept for so long after that as the
    /// class says, and its key is destroyed by [`Store::end_objects`]. A moment that was noted before is replaced.
    /// Answers whether it was noted; it is not where the key is being destroyed already.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for a class without a key for each object; as [`Self::put`].
    pub async fn end_object(
        &mut self,
        class: &DataClass,
        object: Blind,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let app = self.app().clone();
        app.scope(class, Bucket::Object(object.0))?;
        let key = end_key(&app, class, object);
        if let Some(value) = self.get(&key).await? {
            let before = decode(&value)?;
            if before.is_taken {
                return Ok(false);
            }
            self.delete(&time_key(&app, class, before.at_ms, object))?;
        }
        let end = StoredEnd { at_ms: at.as_millis(), is_taken: false };
        self.put(&key, Bucket::Whole, &end.encode_to_vec()).await?;
        self.put(&time_key(&app, class, end.at_ms, object), Bucket::Whole, &[]).await?;
        Ok(true)
    }
}

impl AppStore {
    /// When `object` ends, as far as that was noted: reads of what it has of `class` ask [`End::is_over`]. None for what
    /// has no end yet, and for what is gone with its key.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn end_of(
        &self,
        reader: &mut impl Reader,
        class: &DataClass,
        object: Blind,
    ) -> Result<Option<End>, StoreError> {
        let value = reader.get(&end_key(self, class, object)).await?;
        let stored = value.map(|value| decode(&value)).transpose()?;
        Ok(stored.map(|StoredEnd { at_ms, is_taken }| {
            let at = Timestamp::from_millis(at_ms);
            End { at, is_taken }
        }))
    }

    /// What is over at `now`, `most` at the most; from now on nobody puts its end off.
    async fn take_over(
        &self,
        settings: &ChatSettings,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Over>, StoreError> {
        let (read, mut due) = (self.read().await?, Vec::new());
        for class in CLASSES.iter().copied().filter(|class| class.has_objects()) {
            let last = now.minus(class.kept_after_end(settings, now)).as_millis();
            let range = self.key(&ENDS_BY_TIME).number(class.number.into()).numbers(..=last);
            let rows = read.scan(&range, Direction::Forward, most - due.len()).await?;
            let over =
                rows.iter().map(|(key, _)| Over { class, at: key.number(1), object: key.blind(2) });
            due.extend(over);
        }
        drop(read);
        if due.is_empty() {
            return Ok(due);
        }
        let due = &due;
        let taken = self.transact(|mut txn| async move {
            let mut taken = Vec::with_capacity(due.len());
            for over in due {
                let key = over.end_key(self);
                let Some(value) = txn.get(&key).await? else { continue };
                let end = decode(&value)?;
                // It was put off a moment ago.
                if end.at_ms != over.at {
                    continue;
                }
                if !end.is_taken {
                    let end = StoredEnd { is_taken: true, ..end };
                    txn.put(&key, Bucket::Whole, &end.encode_to_vec()).await?;
                }
                taken.push(*over);
            }
            Ok::<_, StoreError>(txn.done(taken))
        });
        taken.await
    }

    /// Removes the rows of what is over that open no more, and then what was written down of its end.
    async fn remove_over(&self, over: &[Over]) -> Result<(), StoreError> {
        for over in over {
            for space in spaces_of(over.class) {
                self.remove_dead(space, over.object).await?;
            }
        }
        let forgotten = self.transact(|mut txn| async move {
            for over in over {
                txn.delete(&over.end_key(self))?;
                txn.delete(&over.time_key(self))?;
            }
            Ok::<_, StoreError>(txn.done(()))
        });
        forgotten.await
    }

    /// Removes what opens no more of `object` in `space`, some rows at a time.
    async fn remove_dead(&self, space: &'static Space, object: Blind) -> Result<(), StoreError> {
        let mut rest = self.key(space).blind(object).all();
        loop {
            let rows = self.read().await?.scan_all(&rest, Direction::Forward, ROWS).await?;
            let last = rows.get(ROWS - 1).map(|(key, _)| key.clone());
            let dead = rows.into_iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
            let dead = &dead.collect::<Vec<_>>();
            if !dead.is_empty() {
                let removed = self.transact(|mut txn| async move {
                    for key in dead {
                        // Something else may lie there by now.
                        if !txn.exists(key).await? {
                            txn.delete(key)?;
                        }
                    }
                    Ok::<_, StoreError>(txn.done(()))
                });
                removed.await?;
            }
            let Some(last) = last else { return Ok(()) };
            rest = rest.above(&last);
        }
    }
}

impl Store {
    /// Destroys the keys of whatever is over in these apps at `now`, 256 of them in one step of the vault, with a
    /// receipt for each, and removes what they sealed and was found by the object's name. Answers how many objects
    /// those were. When it returns, all that was over when it was called is gone, whoever did it.
    ///
    /// # Errors
    /// [`StoreError`] of one app, when the others are done, or of the vault; what is left is done by the next call.
    pub async fn end_objects(
        &self,
        apps: &[(AppStore, ChatSettings)],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let _alone = self.0.ending.lock().await;
        let (mut ended, mut outcome) = (0, Ok(()));
        let mut rest = apps.iter().collect::<Vec<_>>();
        while !rest.is_empty() {
            let (mut due, mut room) = (Vec::new(), STEP);
            // Those of which nothing was found have nothing more.
            let mut left = Vec::new();
            for (at, of) in rest.iter().copied().enumerate() {
                if room == 0 {
                    left.extend_from_slice(&rest[at..]);
                    break;
                }
                match of.0.take_over(&of.1, now, room).await {
                    Ok(over) if over.is_empty() => {}
                    Ok(over) => {
                        room -= over.len();
                        due.push((&of.0, over));
                        left.push(of);
                    }
                    Err(error) => outcome = Err(error),
                }
            }
            let scopes = due.iter().flat_map(|(app, over)| over.iter().map(|one| one.scope(app)));
            let scopes = scopes.collect::<Vec<_>>();
            if !scopes.is_empty() {
                self.destroy_scopes(&scopes).await?;
            }
            for (app, over) in &due {
                app.remove_over(over).await?;
                ended += over.len();
            }
            rest = left;
        }
        outcome.map(|()| ended)
    }
}
