//! Ending all that is kept of a person, so that it can be begun again at any point.
//!
//! First the erasure is written into the ledger that is kept with the keys. From then on it will be done:
//! here, or by the next start, or, on data that were brought back from before, by the start that finds
//! them. Every step looks for what is left and ends it; when nothing is left, a row says that this erasure
//! is done in these data. The person's key goes after everything that is found by it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use stoa_blob::Shelf;
use stoa_core::{AppScope, Caller, Day, OperatorOf, Timestamp, UserId};
use stoa_store::spaces::{self, Space};
use stoa_store::{AppStore, Blind, Bucket, Erasure, Key, StoreError, classes};

use super::Renaming;
use super::entry::{renamed, without};
use super::erased::{Erased, PSEUDONYM};
use super::walk::Walk;
use crate::account::{Removal, user_blind};
use crate::attachment::{self, Found};
use crate::contact::StoredCount;
use crate::entry::Kind;
use crate::records::{
    self, Account, GroupFile, GroupReads, Pins, RoomAttribute, RoomAttributes, StoredEntry,
    StoredReport, Username,
};
use crate::room::attributes::is_index;
use crate::{Chat, Error};

/// Is told how many rows were looked at.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Rows that one transaction changes.
const STEP: usize = 200;

/// ERASURES: an erasure that is done.
#[derive(Clone, PartialEq, Message)]
struct Done {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
}

/// The spaces whose keys name users, with the places of the names.
static NAMED: &[(&Space, &[usize])] = &[
    (&spaces::USERS, &[0]),
    (&spaces::USERS_BY_TIME, &[1]),
    (&spaces::DEVICES, &[0]),
    (&spaces::MEMBERSHIPS, &[0]),
    (&spaces::USER_LOG_CURSORS, &[0]),
    (&spaces::GROUP_MEMBER_ATTRIBUTES, &[1]),
    (&spaces::BLOCKS, &[0, 1]),
    (&spaces::CONTACT_INVITATIONS, &[0, 1]),
    (&spaces::CONTACTS, &[0, 1]),
    (&spaces::CONTACTS_BY_TIME, &[0, 2]),
    (&spaces::CONTACT_COUNTS, &[0]),
    (&spaces::USER_ATTRIBUTES, &[0]),
    (&spaces::PRESENCES, &[0]),
    (&spaces::PRESENCE_SUBSCRIPTIONS, &[0, 1]),
    (&spaces::PRESENCE_SUBSCRIBERS, &[0, 1]),
    (&spaces::DELETED_MESSAGES, &[0]),
    (&spaces::GROUP_READERS, &[2]),
    (&spaces::SUPER_ADMINS, &[0]),
];

/// What becomes of a row.
enum Fate {
    Stays,
    Goes,
    Becomes(Vec<u8>, Bucket),
}

impl Chat {
    /// Erases a person: the account with all that is the person's own, its messages or only its name in
    /// what others have, and its files. Other people's conversations stay as they are. Answers whether there
    /// was such a user; of one that was deleted before, what is left is erased.
    ///
    /// When this fails after it was begun, the next start goes on with it, and until then nobody can
    /// register the name.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::Store`].
    pub async fn erase_person(
        &self,
        app: &OperatorOf,
        user: &UserId,
        renaming: &Renaming,
        progress: Progress<'_>,
    ) -> Result<bool, Error> {
        let _one = self.shared.erasing.turn().await;
        let caller = self.back_end(app).await?;
        let store = self.store.app(app).await?;
        let person = user_blind(&store, user);
        self.shared.erasing.begin(store.number(), person);
        let found = self.find(app, user).await?.is_some();
        let keeps_messages = self.settings(app).keeps_erased_messages;
        // The first step: whoever dies before it has done nothing, and what comes after it is done by the next start.
        let erasure = store.note_erasure(person, keeps_messages).await?;
        if found {
            // Nothing more is said from here on.
            self.set_activated(&caller, user, false).await?;
        }
        self.erase(&caller, &store, &[erasure], Some(user), renaming, progress).await?;
        self.shared.erasing.end(store.number(), person);
        Ok(found)
    }

    /// Goes on with erasures of an app that were begun and are not done in these data, whoever
    /// interrupted them and however old the data are. To be called before anything is served. Answers how
    /// many there were.
    ///
    /// # Errors
    /// As [`Self::erase_person`].
    pub async fn finish_erasures(
        &self,
        app: &OperatorOf,
        renaming: &Renaming,
        progress: Progress<'_>,
    ) -> Result<usize, Error> {
        let _one = self.shared.erasing.turn().await;
        let store = self.store.app(app).await?;
        let read = store.read().await?;
        let mut open = Vec::new();
        for erasure in store.erasures() {
            if !read.exists(&done_key(&store, erasure)).await? {
                open.push(erasure);
            }
        }
        drop(read);
        if !open.is_empty() {
            let caller = self.back_end(app).await?;
            self.erase(&caller, &store, &open, None, renaming, progress).await?;
        }
        Ok(open.len())
    }

    /// Does what these erasures ask for, as far as it is not done.
    async fn erase(
        &self,
        caller: &Caller,
        store: &AppStore,
        erasures: &[Erasure],
        name: Option<&UserId>,
        renaming: &Renaming,
        progress: Progress<'_>,
    ) -> Result<(), Error> {
        let persons = erasures.iter().map(|erasure| (erasure.person, erasure.keeps_messages));
        let erased = Erased::new(store.clone(), persons.collect::<HashMap<Blind, bool>>());
        name.into_iter().for_each(|name| erased.meet(name.as_str()));
        for erasure in erasures {
            let key = store.key(&spaces::USERS).blind(erasure.person).done();
            let Some(value) = store.read().await?.get(&key).await? else { continue };
            let account: Account = records::decode(&value, spaces::USERS.name)?;
            erased.meet(&account.username);
            if let Ok(user) = account.username.parse() {
                self.remove_account(caller, &user, Removal::Erased).await?;
            }
        }
        let erased = Arc::new(erased);
        self.erase_from_groups(caller, store, &erased).await?;
        let eraser = Eraser { store, erased: &erased, renaming, progress };
        eraser.rows_by_key().await?;
        eraser.rows_by_value().await?;
        self.erase_files(caller, &eraser).await?;
        eraser.logs(self.kept_since(caller)).await?;
        eraser.pins().await?;
        // What is in memory of logs and rooms is old now.
        self.shared.appenders.forget_contents(store.number());
        for erasure in erasures {
            let bucket = Bucket::Object(erasure.person.0);
            store.destroy(&classes::USER_INFORMATION, bucket).await?;
        }
        // Of the groups and rooms that were theirs.
        self.end_objects(caller).await?;
        let at_ms = self.shared.clock.now().as_millis();
        let (done, owner) = (&Done { at_ms }.encode_to_vec(), store.blind("erasures", &[]));
        store
            .transact(|mut txn| async move {
                for erasure in erasures {
                    let key = done_key(store, *erasure);
                    txn.put(&key, Bucket::Object(owner.0), done).await?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }

    /// Removes the files that they uploaded, with their bytes.
    async fn erase_files(&self, caller: &Caller, eraser: &Eraser<'_>) -> Result<(), Error> {
        if self.attachments().is_err() {
            return Ok(());
        }
        let Eraser { store, erased, .. } = eraser;
        let read = store.read().await?;
        let mut walk = Walk::new(store.key(&spaces::ATTACHMENTS).all());
        while let Some(rows) = walk.next(&read).await? {
            for (key, value) in rows {
                let file = attachment::decode(&value)?;
                let Some(day) = u32::try_from(key.number(0)).ok().map(Day) else { continue };
                if !file.owner.as_ref().is_some_and(|owner| erased.has_user(owner)) {
                    continue;
                }
                let owner = file.owner.clone();
                let found = Found { file, key, shelf: Shelf { app: caller.app().number, day } };
                match self.remove_file(store, &found, |file| file.owner == owner).await {
                    // It is gone, for another reason.
                    Ok(()) | Err(Error::UnknownFile) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn done_key(store: &AppStore, erasure: Erasure) -> Key {
    store.key(&spaces::ERASURES).number(erasure.number).done()
}

/// Walks through spaces and ends what is left of persons.
struct Eraser<'a> {
    store: &'a AppStore,
    erased: &'a Erased,
    renaming: &'a Renaming,
    progress: Progress<'a>,
}

impl Eraser<'_> {
    /// Gives each row of `space` the fate that `decide` finds for it.
    async fn each(
        &self,
        space: &'static Space,
        decide: impl Fn(&Key, &[u8]) -> Result<Fate, StoreError> + Send + Sync,
    ) -> Result<(), Error> {
        let (store, decide) = (self.store, &decide);
        let read = store.read().await?;
        let mut walk = Walk::new(store.key(space).all());
        while let Some(rows) = walk.next(&read).await? {
            (self.progress)(rows.len() as u64);
            let mut concerned = Vec::new();
            for (key, value) in rows {
                if !matches!(decide(&key, &value)?, Fate::Stays) {
                    concerned.push(key);
                }
            }
            for keys in concerned.chunks(STEP) {
                // Decided once more: it may have changed.
                store
                    .transact(|mut txn| async move {
                        for key in keys {
                            let Some(value) = txn.get(key).await? else { continue };
                            match decide(key, &value)? {
                                Fate::Stays => {}
                                Fate::Goes => txn.delete(key)?,
                                // Whoever or whatever was ended a moment ago gets no new key.
                                Fate::Becomes(value, bucket @ Bucket::Object(_)) => {
                                    txn.put_if_keyed(key, bucket, &value).await?;
                                }
                                Fate::Becomes(value, bucket) => {
                                    txn.put(key, bucket, &value).await?;
                                }
                            }
                        }
                        Ok::<_, Error>(txn.done(()))
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Rows whose key names them.
    async fn rows_by_key(&self) -> Result<(), Error> {
        self.contact_counts().await?;
        for (space, places) in NAMED {
            self.each(space, |key, _| {
                let named = places.iter().any(|place| self.erased.has_blind(key.blind(*place)));
                Ok(if named { Fate::Goes } else { Fate::Stays })
            })
            .await?;
        }
        Ok(())
    }

    /// Takes them out of the numbers of others' contacts, together with the contact.
    async fn contact_counts(&self) -> Result<(), Error> {
        let store = self.store;
        let read = store.read().await?;
        let mut walk = Walk::new(store.key(&spaces::CONTACTS).all());
        while let Some(rows) = walk.next(&read).await? {
            let of_others = rows.into_iter().map(|(key, _)| key).filter(|key| {
                self.erased.has_blind(key.blind(1)) && !self.erased.has_blind(key.blind(0))
            });
            for contact in of_others {
                let contact = &contact;
                let count_key = &store.key(&spaces::CONTACT_COUNTS).blind(contact.blind(0)).done();
                store
                    .transact(|mut txn| async move {
                        let space = spaces::CONTACT_COUNTS.name;
                        if txn.exists(contact).await?
                            && let Some(value) = txn.get(count_key).await?
                        {
                            let mut count: StoredCount = records::decode(&value, space)?;
                            count.count = count.count.saturating_sub(1);
                            let bucket = Bucket::Object(contact.blind(0).0);
                            txn.put(count_key, bucket, &count.encode_to_vec()).await?;
                        }
                        txn.delete(contact)?;
                        Ok::<_, Error>(txn.done(()))
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Rows that name them in what they say.
    async fn rows_by_value(&self) -> Result<(), Error> {
        let erased = self.erased;
        for space in [&spaces::USER_UUIDS, &spaces::EXTERNAL_USERS] {
            self.each(space, |_, value| {
                let row: Username = records::decode(value, space.name)?;
                Ok(if erased.has(&row.username) { Fate::Goes } else { Fate::Stays })
            })
            .await?;
        }
        self.each(&spaces::REPORTS, |_, value| {
            let mut row: StoredReport = records::decode(value, spaces::REPORTS.name)?;
            if erased.has(&row.reporter) {
                return Ok(Fate::Goes);
            }
            if row.is_group || row.is_room || !erased.has(&row.peer) {
                return Ok(Fate::Stays);
            }
            row.peer = PSEUDONYM.into();
            let reporter = self.store.blind("user", &[row.reporter.as_bytes()]);
            Ok(Fate::Becomes(row.encode_to_vec(), Bucket::Object(reporter.0)))
        })
        .await?;
        self.each(&spaces::GROUP_READS, |_, value| {
            let row: GroupReads = records::decode(value, spaces::GROUP_READS.name)?;
            let mut new = GroupReads { only: renamed(&row.only, erased), ..row.clone() };
            if erased.has(&row.sender) {
                new.sender = PSEUDONYM.into();
            }
            if new == row {
                return Ok(Fate::Stays);
            }
            let day = Timestamp::from_millis(row.at_ms).day();
            Ok(Fate::Becomes(new.encode_to_vec(), Bucket::Day(day)))
        })
        .await?;
        self.each(&spaces::GROUP_FILES, |_, value| {
            let row: GroupFile = records::decode(value, spaces::GROUP_FILES.name)?;
            Ok(if erased.has(&row.owner) { Fate::Goes } else { Fate::Stays })
        })
        .await?;
        self.each(&spaces::ROOM_ATTRIBUTES, |key, value| {
            let space = spaces::ROOM_ATTRIBUTES.name;
            let bucket = Bucket::Object(key.blind(0).0);
            let rename = |row: &mut RoomAttribute| {
                let named = erased.has(&row.by);
                if named {
                    row.by = PSEUDONYM.into();
                }
                named
            };
            if is_index(self.store, key) {
                let mut row: RoomAttributes = records::decode(value, space)?;
                let mut named = false;
                row.index.iter_mut().for_each(|line| named |= rename(line));
                return Ok(becomes(named, &row, bucket));
            }
            let mut row: RoomAttribute = records::decode(value, space)?;
            let named = rename(&mut row);
            Ok(becomes(named, &row, bucket))
        })
        .await
    }

    /// The entries of all logs; their own user logs go.
    async fn logs(&self, kept_since: Timestamp) -> Result<(), Error> {
        for space in [&spaces::MESSAGES, &spaces::USER_LOG] {
            // The names that were met by then lead to the logs.
            let own = self.erased.logs();
            self.each(space, |key, value| {
                let stored: StoredEntry = records::decode(value, space.name)?;
                let is_log = space.code == spaces::USER_LOG.code;
                let to_user = !stored.to_group && !stored.to_room;
                if is_log && (own.contains(&key.blind(0)) || to_user && self.erased.has(&stored.to))
                {
                    return Ok(Fate::Goes);
                }
                let Some(mut new) = without(&stored, self.erased, self.renaming, space)? else {
                    return Ok(Fate::Stays);
                };
                let at = Timestamp::from_millis(stored.at_ms);
                if at <= kept_since {
                    // What is over is not sealed once more.
                    (new.body, new.ext) = (Bytes::new(), Bytes::new());
                }
                Ok(Fate::Becomes(new.encode_to_vec(), Bucket::Day(at.day())))
            })
            .await?;
        }
        Ok(())
    }

    /// The name of whoever pinned, and pins of messages that are gone.
    async fn pins(&self) -> Result<(), Error> {
        let space = &spaces::PINNED_MESSAGES;
        let read = self.store.read().await?;
        let mut walk = Walk::new(self.store.key(space).all());
        while let Some(rows) = walk.next(&read).await? {
            for (key, _) in rows {
                self.pins_of(&key).await?;
            }
        }
        Ok(())
    }

    async fn pins_of(&self, key: &Key) -> Result<(), Error> {
        let (store, erased) = (self.store, self.erased);
        store
            .transact(|mut txn| async move {
                let Some(value) = txn.get(key).await? else { return Ok(txn.done(())) };
                let mut pins: Pins = records::decode(&value, spaces::PINNED_MESSAGES.name)?;
                let before = pins.clone();
                let mut gone = Vec::new();
                for pin in &mut pins.pins {
                    if erased.has(&pin.by) {
                        pin.by = PSEUDONYM.into();
                    }
                    let entry = store.key(&spaces::MESSAGES).blind(key.blind(0)).number(pin.seq);
                    if let Some(value) = txn.get(&entry.done()).await? {
                        let entry: StoredEntry = records::decode(&value, spaces::MESSAGES.name)?;
                        if entry.kind == i32::from(Kind::Recalled) {
                            gone.push(pin.seq);
                        }
                    }
                }
                pins.pins.retain(|pin| !gone.contains(&pin.seq));
                if pins != before {
                    let bucket = Bucket::Object(key.blind(0).0);
                    txn.put_if_keyed(key, bucket, &pins.encode_to_vec()).await?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }
}

fn becomes(changed: bool, row: &impl Message, bucket: Bucket) -> Fate {
    if changed { Fate::Becomes(row.encode_to_vec(), bucket) } else { Fate::Stays }
}
