//! Handing out everything that concerns a person: record by record, so that memory is bounded.
//!
//! Each part is read from one snapshot. What is found by the person's blinded name in a key costs what
//! there is of it; what only names the person inside is found by reading the whole space.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use stoa_audit::{Name as AuditName, Query, Recorded};
use stoa_blob::{BlobError, Shelf};
use stoa_core::{AppScope, Caller, Day, Seq, Target, UserId, Uuid};
use stoa_store::spaces::{self, Space};
use stoa_store::{AppStore, Blind, Key, ReadTxn};

use super::told;
use super::walk::Walk;
use crate::account::{account_key, user_blind};
use crate::attachment;
use crate::attributes::StoredAttributes;
use crate::contact::{StoredBlock, StoredContact, StoredCount, StoredInvitation};
use crate::conversation::View;
use crate::entry::{Entry, Log};
use crate::log::log_blind;
use crate::presence::{StoredPresence, StoredSubscription};
use crate::records::{
    self, Account, Cursors, Deleted, Device, GroupFile, GroupReader, GroupReads, MemberAttributes,
    Membership, Pins, Revocation, RoomAttribute, RosterPage, StoredEntry, StoredGroup,
    StoredReport, SuperAdmin, Username,
};
use crate::revocation::Subject;
use crate::room::attributes::is_index;
use crate::{Chat, Error};

/// A piece of what is handed out.
#[derive(Debug)]
pub enum Told {
    /// A record of `space`.
    Record {
        /// Where it lies.
        space: &'static Space,
        /// What it says.
        value: Value,
        /// Of a message or a receipt: the entry, whose body only a door can read.
        entry: Option<Arc<Entry>>,
    },
    /// The bytes of a file follow, in [`Told::Bytes`].
    File {
        /// Its id.
        id: String,
    },
    /// Bytes of the file that was named last.
    Bytes(Bytes),
    /// So many more rows were looked at, whoever they concern.
    Looked(u64),
}

/// Takes what is handed out.
pub trait PersonSink: Send {
    /// Takes a piece.
    ///
    /// # Errors
    /// [`Error::Internal`] when nobody takes any more: the export ends with it.
    fn tell(&mut self, told: Told) -> impl Future<Output = Result<(), Error>> + Send;
}

/// An export that is under way.
struct Export<'a, S> {
    store: AppStore,
    me: &'a UserId,
    user: Blind,
    sink: &'a mut S,
}

impl Chat {
    /// Hands out everything that is kept of a user; answers whether there is such a user. Of one that was
    /// deleted, what is left is handed out.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Files`], [`Error::Store`], and what `sink` says.
    pub async fn export_person<S: PersonSink>(
        &self,
        caller: &Caller,
        user: &UserId,
        sink: &mut S,
    ) -> Result<bool, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        // What sessions have in memory only, such as cursors, is no record yet.
        let store = self.store.app(caller).await?;
        let blind = user_blind(&store, user);
        let mut export = Export { store, me: user, user: blind, sink };
        let found = export.account().await?;
        export.own_rows().await?;
        export.contacts().await?;
        export.groups().await?;
        self.export_messages(caller, &mut export).await?;
        export.about_messages().await?;
        export.revocations().await?;
        self.export_files(caller, &mut export).await?;
        self.export_audit(caller, &mut export).await?;
        Ok(found)
    }

    /// Messages that the user can read, and those that it sent, wherever they lie.
    async fn export_messages<S: PersonSink>(
        &self,
        caller: &Caller,
        export: &mut Export<'_, S>,
    ) -> Result<(), Error> {
        let me = export.me;
        let read = &export.store.read().await?;
        let kept = self.kept_since(caller);
        let mut views: HashMap<Blind, (String, View<'_>)> = HashMap::new();
        let mut mine: Vec<(Target, Membership)> = Vec::new();
        let rows = export.store.key(&spaces::MEMBERSHIPS).blind(export.user).all();
        let mut walk = Walk::new(rows);
        while let Some(rows) = walk.next(read).await? {
            for (_, value) in rows {
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                mine.extend(row.target().map(|target| (target, row)));
            }
        }
        for (room, _) in self.rooms_of(caller, me).await? {
            let target = Target::Group(room);
            if let Some(row) = self.membership(caller, me, &target).await? {
                mine.push((target, row));
            }
        }
        for (target, row) in mine {
            let blind = log_blind(&export.store, &Log::Conversation(target.conversation(me)));
            let view = View::new(&export.store, read, me, &target, row, kept).await?;
            views.insert(blind, (target.name().to_owned(), view));
        }
        let mut walk = Walk::new(export.store.key(&spaces::MESSAGES).all());
        let space = &spaces::MESSAGES;
        while let Some(rows) = walk.next(read).await? {
            export.looked(rows.len()).await?;
            for (key, value) in rows {
                let stored: StoredEntry = records::decode(&value, space.name)?;
                let entry = stored.into_entry(space.name)?;
                let (seq, at) = (Seq(key.number(1)), views.get(&key.blind(0)));
                let shown = at.is_some_and(|(_, view)| view.shows(seq, &entry));
                let own = entry.from == *me && entry.at > kept;
                if shown || own {
                    let name = at.map_or_else(|| entry.to.name(), |(name, _)| name).to_owned();
                    export.entry(space, &name, seq, entry).await?;
                }
            }
        }
        let space = &spaces::USER_LOG;
        let log = log_blind(&export.store, &Log::User(me.clone()));
        let mut walk = Walk::new(export.store.key(space).all());
        while let Some(rows) = walk.next(read).await? {
            export.looked(rows.len()).await?;
            for (key, value) in rows {
                let stored: StoredEntry = records::decode(&value, space.name)?;
                let entry = stored.into_entry(space.name)?;
                if key.blind(0) == log || entry.from == *me {
                    export.entry(space, "", Seq(key.number(1)), entry).await?;
                }
            }
        }
        Ok(())
    }

    /// What is known of the files that the user uploaded, and their bytes.
    async fn export_files<S: PersonSink>(
        &self,
        caller: &Caller,
        export: &mut Export<'_, S>,
    ) -> Result<(), Error> {
        let read = export.store.read().await?;
        let now = self.shared.clock.now();
        // A user has few at a time: they are over after some days.
        let mut files = Vec::new();
        let mut walk = Walk::new(export.store.key(&spaces::ATTACHMENTS).all());
        while let Some(rows) = walk.next(&read).await? {
            export.looked(rows.len()).await?;
            for (key, value) in rows {
                let file = attachment::decode(&value)?;
                if file.owner.as_ref() != Some(export.me) || now >= file.expires() {
                    continue;
                }
                let id = told::hex(&key.blind(1).0);
                let record = json!({
                    "file": id,
                    "name": file.name,
                    "contentType": file.content_type,
                    "size": file.size(),
                    "createdMs": file.created.as_millis(),
                    "complete": file.complete,
                    "sharedInGroup": file.shared,
                });
                export.record(&spaces::ATTACHMENTS, record).await?;
                let day = u32::try_from(key.number(0)).ok().filter(|_| file.complete);
                files.extend(day.map(|day| (id, Day(day), file.blobs())));
            }
        }
        for (id, day, blobs) in files {
            let shelf = Shelf { app: caller.app().number, day };
            let content = match self.attachments()?.blobs.open(shelf, blobs).await {
                // It was removed meanwhile.
                Err(BlobError::Gone) => continue,
                content => content?,
            };
            export.sink.tell(Told::File { id }).await?;
            let mut bytes = Box::pin(content.read(0..u64::MAX));
            while let Some(bytes) = bytes.try_next().await? {
                export.sink.tell(Told::Bytes(bytes)).await?;
            }
        }
        Ok(())
    }

    /// Entries of the audit log that name the user.
    async fn export_audit<S: PersonSink>(
        &self,
        caller: &Caller,
        export: &mut Export<'_, S>,
    ) -> Result<(), Error> {
        let Some(audit) = &self.audit else { return Ok(()) };
        let trail = audit.of(caller).await?;
        let limit = stoa_core::limits::AUDIT_PAGE;
        let mut query = Query { oldest_first: true, limit, ..Query::default() };
        let me = AuditName::Name(export.me.as_str().to_owned());
        loop {
            let page = trail.page(&query).await?;
            export.looked(page.entries.len()).await?;
            for entry in page.entries {
                if entry.subject.as_ref() == Some(&me) || is_by(&entry, &me) {
                    let value = serde_json::to_value(&entry).map_err(|_| Error::Internal)?;
                    export.record(&spaces::AUDIT_ENTRIES, value).await?;
                }
            }
            let Some(next) = page.next else { return Ok(()) };
            query.after = Some(next);
        }
    }
}

/// Whether the user of that name did it; clients of the token server have names, too.
fn is_by(entry: &Recorded, name: &AuditName) -> bool {
    entry.actor == "user" && entry.actor_name.as_ref() == Some(name)
}

impl<S: PersonSink> Export<'_, S> {
    async fn record(&mut self, space: &'static Space, value: Value) -> Result<(), Error> {
        self.sink.tell(Told::Record { space, value, entry: None }).await
    }

    async fn looked(&mut self, rows: usize) -> Result<(), Error> {
        self.sink.tell(Told::Looked(rows as u64)).await
    }

    async fn entry(
        &mut self,
        space: &'static Space,
        conversation: &str,
        seq: Seq,
        entry: Entry,
    ) -> Result<(), Error> {
        let value = told::entry(conversation, seq, &entry);
        let entry = told::is_of_a_door(entry.kind).then(|| Arc::new(entry));
        self.sink.tell(Told::Record { space, value, entry }).await
    }

    fn is_me(&self, name: &str) -> bool {
        name == self.me.as_str()
    }

    /// The account, and what leads to it. Answers whether there is one.
    async fn account(&mut self) -> Result<bool, Error> {
        let read = self.store.read().await?;
        let name = self.store.blind("name", &[self.me.as_str().as_bytes()]);
        let name = self.store.key(&spaces::NAMES).blind(name).done();
        if read.exists(&name).await? {
            let value = json!({ "name": self.me.as_str() });
            self.record(&spaces::NAMES, value).await?;
        }
        let Some(value) = read.get(&account_key(&self.store, self.me)).await? else {
            return Ok(false);
        };
        let account: Account = records::decode(&value, spaces::USERS.name)?;
        self.record(&spaces::USERS, told::account(&account)).await?;
        let username = || json!({ "username": account.username });
        let uuid = account.uuid.clone().try_into().map(Uuid::from_bytes);
        if let Ok(uuid) = uuid {
            let key = self.store.blind("user uuid", &[uuid.as_bytes()]);
            let key = self.store.key(&spaces::USER_UUIDS).blind(key).done();
            if read.exists(&key).await? {
                self.record(&spaces::USER_UUIDS, username()).await?;
            }
        }
        let by_time = self.store.key(&spaces::USERS_BY_TIME).number(account.created_ms);
        if read.exists(&by_time.blind(self.user).done()).await? {
            self.record(&spaces::USERS_BY_TIME, username()).await?;
        }
        Ok(true)
    }

    /// What stands under the user's own name.
    async fn own_rows(&mut self) -> Result<(), Error> {
        let read = self.store.read().await?;
        self.own(&read, &spaces::DEVICES, |row: Device, _| told::device(&row)).await?;
        self.own(&read, &spaces::MEMBERSHIPS, |row: Membership, _| told::membership(&row)).await?;
        self.own(&read, &spaces::USER_LOG_CURSORS, |row: Cursors, _| told::cursors(&row)).await?;
        self.own(&read, &spaces::USER_ATTRIBUTES, |row: StoredAttributes, _| json!(row.values))
            .await?;
        self.own(&read, &spaces::PRESENCES, |row: StoredPresence, _| {
            let devices = row.devices.iter();
            let devices = devices.map(|d| json!({ "resource": d.resource, "status": d.status }));
            json!({
                "text": row.ext,
                "changedMs": row.changed_ms,
                "devices": devices.collect::<Vec<_>>(),
                "subscribers": row.subscribers,
            })
        })
        .await?;
        self.own(
            &read,
            &spaces::CONTACT_COUNTS,
            |row: StoredCount, _| json!({ "contacts": row.count }),
        )
        .await?;
        self.own(&read, &spaces::DELETED_MESSAGES, |row: Deleted, key| {
            let ranges = row.ranges.iter();
            let ranges = ranges.map(|range| json!({ "first": range.first, "last": range.last }));
            json!({
                "conversation": told::hex(&key.blind(1).0),
                "ranges": ranges.collect::<Vec<_>>(),
            })
        })
        .await?;
        self.own(
            &read,
            &spaces::SUPER_ADMINS,
            |row: SuperAdmin, _| json!({ "username": row.username, "sinceMs": row.since_ms }),
        )
        .await?;
        let me = self.me.as_str();
        self.all(&read, &spaces::EXTERNAL_USERS, |row: Username, _| {
            (row.username == me).then(|| json!({ "username": row.username }))
        })
        .await
    }

    /// Contacts, block lists and presence, at either side.
    async fn contacts(&mut self) -> Result<(), Error> {
        let read = self.store.read().await?;
        let contact = |row: StoredContact, _: &Key| json!({ "contact": row.name, "remark": row.remark, "sinceMs": row.since_ms });
        self.own(&read, &spaces::CONTACTS, contact).await?;
        let user = self.user;
        // Of the other side's rows only those that name the user.
        self.all(&read, &spaces::CONTACTS, |row: StoredContact, key| {
            (key.blind(1) == user).then(|| json!({ "isContactSinceMs": row.since_ms }))
        })
        .await?;
        self.own(&read, &spaces::CONTACTS_BY_TIME, contact).await?;
        self.all(&read, &spaces::BLOCKS, |row: StoredBlock, key| {
            let sides = (key.blind(0) == user, key.blind(1) == user);
            match sides {
                (true, _) => Some(json!({ "blocked": row.name, "sinceMs": row.since_ms })),
                (_, true) => Some(json!({ "blockedBySomebodySinceMs": row.since_ms })),
                _ => None,
            }
        })
        .await?;
        self.all(&read, &spaces::CONTACT_INVITATIONS, |row: StoredInvitation, key| {
            let ours = key.blind(0) == user || key.blind(1) == user;
            let invited = key.blind(0) == user;
            ours.then(|| {
                json!({
                    "invitedMe": invited,
                    "inviter": row.inviter,
                    "reason": row.reason,
                    "atMs": row.at_ms,
                })
            })
        })
        .await?;
        let about = |what: &'static str| {
            move |row: StoredSubscription, key: &Key| {
                // The row of the other side says the user's own name.
                let (ours, theirs) = (key.blind(0) == user, key.blind(1) == user);
                let other = ours.then_some(row.name);
                (ours || theirs).then(|| json!({ what: other, "untilMs": row.until_ms }))
            }
        };
        self.all(&read, &spaces::PRESENCE_SUBSCRIPTIONS, about("subscribedTo")).await?;
        self.all(&read, &spaces::PRESENCE_SUBSCRIBERS, about("subscriber")).await
    }

    /// Groups and rooms in which the user is something, and what it has there.
    async fn groups(&mut self) -> Result<(), Error> {
        let read = self.store.read().await?;
        let me = self.me.as_str();
        let store = self.store.clone();
        self.all(&read, &spaces::GROUPS, |row: StoredGroup, key| {
            let is_room = is_room(&store, &row.id, key.blind(0));
            (row.owner == me).then(|| told::group(&row, is_room))
        })
        .await?;
        let mut walk = Walk::new(store.key(&spaces::GROUP_ROSTERS).all());
        while let Some(rows) = walk.next(&read).await? {
            self.looked(rows.len()).await?;
            for (key, value) in rows {
                let page: RosterPage = records::decode(&value, spaces::GROUP_ROSTERS.name)?;
                let lines = page.lines.iter();
                let lines: Vec<_> = lines.filter(|line| line.user == me || line.by == me).collect();
                if lines.is_empty() {
                    continue;
                }
                let (group, is_room) = group_of(&store, &read, key.blind(0)).await?;
                for line in lines {
                    let value = told::line(line, &group, is_room);
                    self.record(&spaces::GROUP_ROSTERS, value).await?;
                }
            }
        }
        let user = self.user;
        self.all(&read, &spaces::GROUP_MEMBER_ATTRIBUTES, |row: MemberAttributes, key| {
            let value = || json!({ "group": told::hex(&key.blind(0).0), "values": row.values });
            (key.blind(1) == user).then(value)
        })
        .await?;
        self.all(&read, &spaces::GROUP_FILES, |row: GroupFile, _| {
            (row.owner == me).then(|| told::group_file(&row))
        })
        .await?;
        let mut walk = Walk::new(store.key(&spaces::ROOM_ATTRIBUTES).all());
        while let Some(rows) = walk.next(&read).await? {
            self.looked(rows.len()).await?;
            for (key, value) in rows.iter().filter(|(key, _)| !is_index(&store, key)) {
                let row: RoomAttribute = records::decode(value, spaces::ROOM_ATTRIBUTES.name)?;
                if !self.is_me(&row.by) {
                    continue;
                }
                let (room, _) = group_of(&store, &read, key.blind(0)).await?;
                let value = json!({ "room": room, "key": row.key, "value": row.value });
                self.record(&spaces::ROOM_ATTRIBUTES, value).await?;
            }
        }
        Ok(())
    }

    /// Pins, reports and receipts.
    async fn about_messages(&mut self) -> Result<(), Error> {
        let read = self.store.read().await?;
        let me = self.me.as_str();
        self.all(&read, &spaces::PINNED_MESSAGES, |row: Pins, key| {
            let pins = row.pins.iter().filter(|pin| pin.by == me);
            let pins: Vec<_> =
                pins.map(|pin| json!({ "seq": pin.seq, "atMs": pin.at_ms })).collect();
            let conversation = told::hex(&key.blind(0).0);
            (!pins.is_empty()).then(|| json!({ "conversation": conversation, "pins": pins }))
        })
        .await?;
        self.all(&read, &spaces::REPORTS, |row: StoredReport, _| {
            (row.reporter == me).then(|| told::report(&row))
        })
        .await?;
        self.all(&read, &spaces::GROUP_READS, |row: GroupReads, key| {
            let addressed = row.only.iter().any(|name| name == me);
            (row.sender == me || addressed).then(|| {
                json!({
                    "message": key.number(1).to_string(),
                    "sent": row.sender == me,
                    "atMs": row.at_ms,
                    "read": row.count,
                })
            })
        })
        .await?;
        let user = self.user;
        self.all(&read, &spaces::GROUP_READERS, |row: GroupReader, key| {
            let value = || json!({ "message": key.number(1).to_string(), "atMs": row.at_ms });
            (key.blind(2) == user).then(value)
        })
        .await
    }

    /// Revocations of the name, and of the devices that are known.
    async fn revocations(&mut self) -> Result<(), Error> {
        let read = self.store.read().await?;
        let mut subjects = vec![Subject::name(&self.store, self.me)];
        let devices = self.store.key(&spaces::DEVICES).blind(self.user).all();
        let mut walk = Walk::new(devices);
        while let Some(rows) = walk.next(&read).await? {
            for (_, value) in rows {
                let device: Device = records::decode(&value, spaces::DEVICES.name)?;
                if let Ok(resource) = device.resource.parse() {
                    subjects.push(Subject::device(&self.store, self.me, &resource));
                }
            }
        }
        self.all(&read, &spaces::REVOCATIONS, |row: Revocation, _| {
            let subject = Subject::read(row.kind, &row.subject);
            let kind = if row.kind == 2 { "device" } else { "user" };
            subject
                .filter(|subject| subjects.contains(subject))
                .map(|_| json!({ "of": kind, "tokensMadeUpToMs": row.at_ms }))
        })
        .await
    }

    /// Hands out the rows of `space` that begin with the user's blinded name.
    async fn own<R: prost::Message + Default>(
        &mut self,
        read: &ReadTxn,
        space: &'static Space,
        tell: impl Fn(R, &Key) -> Value + Send,
    ) -> Result<(), Error> {
        let mut walk = Walk::new(self.store.key(space).blind(self.user).all());
        while let Some(rows) = walk.next(read).await? {
            for (key, value) in rows {
                let value = tell(records::decode(&value, space.name)?, &key);
                self.record(space, value).await?;
            }
        }
        Ok(())
    }

    /// Hands out what `tell` makes of the rows of `space`.
    async fn all<R: prost::Message + Default>(
        &mut self,
        read: &ReadTxn,
        space: &'static Space,
        tell: impl Fn(R, &Key) -> Option<Value> + Send,
    ) -> Result<(), Error> {
        let mut walk = Walk::new(self.store.key(space).all());
        while let Some(rows) = walk.next(read).await? {
            self.looked(rows.len()).await?;
            for (key, value) in rows {
                if let Some(value) = tell(records::decode(&value, space.name)?, &key) {
                    self.record(space, value).await?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the group `id` that has that blinded name is a chat room.
pub(super) fn is_room(store: &AppStore, id: &str, blind: Blind) -> bool {
    crate::group::group_named(store, id, blind).is_some_and(|id| id.is_room())
}

/// The id of the group of that blinded name, and whether it is a chat room; empty if there is none.
pub(super) async fn group_of(
    store: &AppStore,
    read: &ReadTxn,
    blind: Blind,
) -> Result<(String, bool), Error> {
    let key = store.key(&spaces::GROUPS).blind(blind).done();
    let Some(value) = read.get(&key).await? else { return Ok((String::new(), false)) };
    let row: StoredGroup = records::decode(&value, spaces::GROUPS.name)?;
    let is_room = is_room(store, &row.id, blind);
    Ok((row.id, is_room))
}
