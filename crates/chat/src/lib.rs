//! The rules of chat: users, conversations, messages, receipts, queues and history.
//!
//! `chat` knows no HTTP and no frames. Both doors, REST and MSYNC, call the same functions of
//! [`Chat`]; each takes a [`Caller`](stoa_core::Caller), so none can be reached without a verified
//! token, and each reaches the records of the caller's app only. The body of a message is opaque
//! here: what a door must know of it (its kind, its size) it says in the [`Draft`].

mod account;
mod at_rest;
pub mod attachment;
mod attributes;
mod change;
pub mod class;
mod contact;
mod conversation;
mod duplicates;
pub mod entry;
mod error;
pub mod event;
mod external;
mod fence;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod grant;
mod group;
mod history;
pub mod lifetime;
mod log;
mod login;
mod member;
mod message;
mod observation;
mod online;
mod password;
pub mod person;
mod places;
mod presence;
mod queue;
mod records;
mod report;
mod revocation;
mod room;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use stoa_audit::AuditLog;
use stoa_bus::Bus;
pub use stoa_bus::Subscriber;
use stoa_core::{
    App, AppDirectory, AppScope, ChatSettings, Clock, Entropy, IdGenerator, Timestamp,
};
use stoa_store::classes::DataClass;
use stoa_store::{Store, classes};

pub use account::{NewUser, Registered, User, UserPage};
pub use at_rest::MessageAtRest;
pub use attributes::Attributes;
pub use change::{Edit, Edited, Recall, Rewrite, Rewritten};
pub use contact::{BlockPage, Contact, ContactPage};
pub use conversation::{
    Conversation, ConversationPage, ConversationQuery, Deletion, Listed, Pin, PinPage,
};
pub use error::Error;
pub use external::{ExternalId, ExternalIdError, Minted};
pub use grant::{ClientCredentials, Grant, IssuedToken};
pub use group::{
    BlockedPage, GroupBrief, GroupChange, GroupInfo, GroupMember, GroupPage, GroupReceipt,
    GroupView, ListedFile, MemberPage, MutedMember, NewGroup, PerUser, ReaderPage, Role,
};
pub use history::{HistoryPage, HistoryQuery};
pub use log::{Appended, Done};
pub use login::{LoggedIn, LoginRequest};
pub use member::Unread;
pub use message::{Draft, Receipt};
pub use observation::Observations;
pub use online::{Attachment, DeviceInfo, OnlineDevice};
pub use presence::{Presence, PresenceSubscription};
pub use queue::Page;
pub use report::{Report, ReportPage};
pub use room::{Asking, AttributeChange, AttributeOutcome, NewRoom, RoomEntered, RoomMessage};

/// The chat service of one node.
pub struct Chat {
    shared: Arc<Shared>,
    store: Store,
    entropy: Arc<dyn Entropy>,
    places: places::Places,
    passwords: password::Passwords,
    attachments: Option<attachment::Attachments>,
    audit: Option<Arc<AuditLog>>,
    fences: fence::Fences,
    index: lifetime::IndexStart,
}

/// What the appenders need too.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGenerator,
    pub(crate) bus: Arc<Bus<entry::Event>>,
    pub(crate) appenders: log::Appenders,
    pub(crate) online: online::Online,
    pub(crate) absences: room::Absences,
    pub(crate) counts: room::Counts,
    pub(crate) directory: Arc<dyn AppDirectory>,
    pub(crate) cuts: revocation::Cuts,
    pub(crate) watch: observation::Watch,
    pub(crate) erasing: person::Erasing,
    pub(crate) floors: lifetime::Floors,
    pub(crate) uses: lifetime::Uses,
    /// Held to write by whoever deletes users of class rooms, and to read by whoever makes them.
    pub(crate) class_users: tokio::sync::RwLock<()>,
}

impl Shared {
    /// What the app's owner has decided by now: whoever holds an [`App`] knows it as it was once.
    pub(crate) fn settings(&self, app: &App) -> ChatSettings {
        self.directory.by_key(&app.key).map_or(app.chat, |app| app.chat)
    }

    /// The rooms that a user is in, by its sessions and as long as it may come back: of those in which it
    /// is something besides a member, some may be missing.
    pub(crate) fn rooms_of(&self, topic: &stoa_bus::Topic) -> Vec<stoa_core::GroupId> {
        let mut rooms = self.online.rooms_of(topic);
        rooms.extend(self.absences.rooms_of(topic));
        rooms.iter().filter_map(|room| room.room().cloned()).collect()
    }

    /// What was stored up to this moment is over: of the app's messages.
    pub(crate) fn kept_since(&self, app: &App) -> Timestamp {
        self.kept_since_of(app, &classes::MESSAGE)
    }

    /// What was stored up to this moment is over: in this log of the app.
    pub(crate) fn kept_in(&self, app: &App, log: &entry::Log) -> Timestamp {
        match log.class_number() {
            // All of it, until the class room is destroyed.
            Some(_) => Timestamp::default(),
            None => self.kept_since_of(app, log::log_space(log).class),
        }
    }

    /// What was stored up to this moment is over: of what is of `class` in the app.
    pub(crate) fn kept_since_of(&self, app: &App, class: &DataClass) -> Timestamp {
        let now = self.clock.now();
        now.minus(class.kept(&self.settings(app), now))
    }
}

impl Chat {
    /// The chat service over `store`. `directory` knows the apps, `life` is a number that no recent
    /// life of the process had (it keeps message ids apart).
    pub fn new(
        store: Store,
        directory: Arc<dyn AppDirectory>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        life: u64,
    ) -> Self {
        let ids = IdGenerator::new(life);
        Self {
            passwords: password::Passwords::new(&*entropy),
            shared: Arc::new(Shared {
                clock,
                ids,
                bus: Arc::default(),
                appenders: log::Appenders::default(),
                online: online::Online::default(),
                absences: room::Absences::default(),
                counts: room::Counts::default(),
                directory,
                cuts: revocation::Cuts::default(),
                watch: observation::Watch::default(),
                erasing: person::Erasing::default(),
                floors: lifetime::Floors::default(),
                uses: lifetime::Uses::default(),
                class_users: tokio::sync::RwLock::default(),
            }),
            store,
            entropy,
            places: places::Places::default(),
            attachments: None,
            audit: None,
            fences: fence::Fences::default(),
            index: lifetime::IndexStart::default(),
        }
    }

    /// With the audit log in which refused tokens are counted.
    #[must_use]
    pub fn with_audit(self, audit: Arc<AuditLog>) -> Self {
        Self { audit: Some(audit), ..self }
    }

    /// The clock that this service goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// The bus between this service and its sessions, for the simulation.
    #[doc(hidden)]
    pub fn bus(&self) -> &Bus<entry::Event> {
        &self.shared.bus
    }

    /// Whether the store takes writes.
    ///
    /// # Errors
    /// [`Error::Store`]: why it does not.
    pub fn health(&self) -> Result<(), Error> {
        Ok(self.store.health()?)
    }

    /// What the app's owner has decided by now: a session's caller knows it as it was at login.
    pub(crate) fn settings(&self, scope: &impl AppScope) -> ChatSettings {
        self.shared.settings(scope.app())
    }

    /// A new id for something that is delivered without being stored (a notice of the server).
    pub fn fresh_id(&self) -> stoa_core::MessageId {
        self.shared.ids.next(self.shared.clock.now(), None)
    }
}
