//! What is done to messages that were sent: they are taken back and replaced.
//!
//! **The one idea: a message keeps its place.** It is rewritten where it lies, in the line of its
//! log's appender, and an entry at the end tells those who have it already. So numbers stay dense,
//! whoever reads later finds the last state only, and what was taken back is gone from the disk as
//! soon as its old record is; so are the entries that told of earlier edits. A call that comes again is known by what it left in the message.

mod edit;
mod recall;

use stoa_core::{Caller, MessageId, Resource, Seq, Target, Timestamp, UserId};
use stoa_store::spaces;

use crate::entry::{Audience, Entry, Kind, Log};
use crate::log::{Acting, Appended, Batch, log_blind, log_space};
use crate::records::{StoredChange, StoredEntry};
use crate::{Chat, Error, history};

pub use edit::{Edit, Edited, Rewrite, Rewritten};
pub use recall::Recall;

/// A message, and on whose behalf it is to be changed.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) log: Log,
    pub(crate) seq: Seq,
}

impl Chat {
    /// Where the message `id` lies that `me` has in the conversation with `target`.
    ///
    /// # Errors
    /// [`Error::UnknownMessage`], also for one that `me` may not see; [`Error::Store`].
    pub(crate) async fn place_of(
        &self,
        caller: &Caller,
        me: &UserId,
        target: &Target,
        id: MessageId,
    ) -> Result<Place, Error> {
        let target = &self.as_named(caller, target).await?;
        let membership = self.membership(caller, me, target).await?.ok_or(Error::UnknownMessage)?;
        let log = Log::Conversation(target.conversation(me));
        let seq = self.position(caller, &log, membership.first().next(), id).await?;
        let seq = seq.filter(|seq| membership.sees(*seq)).ok_or(Error::UnknownMessage)?;
        Ok(Place { target: target.clone(), log, seq })
    }

    /// The place of the entry `id` in `log`, not before `first`.
    pub(crate) async fn position(
        &self,
        caller: &Caller,
        log: &Log,
        first: Seq,
        id: MessageId,
    ) -> Result<Option<Seq>, Error> {
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let all = store.key(log_space(log)).blind(log_blind(&store, log));
        history::find(&read, &all, first, id).await
    }

    /// Does `work` in a conversation, in its turn. `work` checks everything before it writes anything.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Store`].
    pub(crate) async fn act_in<T, F>(&self, caller: &Caller, log: &Log, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a, 'b> Fn(&'a mut Batch<'b>) -> Acting<'a, T> + Send + Sync + 'static,
    {
        let store = self.store.app(caller).await?;
        let app = stoa_core::AppScope::app(caller);
        self.shared.appenders.of(app, &store, log).act(&self.shared, work).await
    }
}

/// The call that changes something: known again when it is made again.
#[derive(Debug, Clone)]
pub(crate) struct CallMark {
    pub(crate) by: UserId,
    pub(crate) resource: Resource,
    pub(crate) client_id: u64,
}

impl CallMark {
    /// What this call was answered with, if it was the last that changed `stored`.
    fn answered(&self, stored: &StoredEntry) -> Option<Appended> {
        let change = stored.change.as_ref()?;
        let same = self.client_id != 0
            && change.client_id == self.client_id
            && change.by == self.by.as_str()
            && change.resource == self.resource.as_str();
        let at = Timestamp::from_millis(change.at_ms);
        same.then_some(Appended { id: MessageId(change.id), at })
    }

    /// What is kept of it in the message.
    fn stored(&self, answer: Appended) -> StoredChange {
        StoredChange {
            by: self.by.as_str().into(),
            resource: self.resource.as_str().into(),
            client_id: self.client_id,
            id: answer.id.0,
            at_ms: answer.at.as_millis(),
        }
    }
}

/// The message at `seq` that can be changed now.
///
/// # Errors
/// [`Error::UnknownMessage`] for what is no message, is over or was taken back.
async fn message(batch: &mut Batch<'_>, seq: Seq) -> Result<(StoredEntry, Entry), Error> {
    let stored = batch.stored(seq).await?.ok_or(Error::UnknownMessage)?;
    let entry = stored.clone().into_entry(spaces::MESSAGES.name)?;
    let over = entry.stored_at() <= batch.kept_since();
    let changeable = entry.kind.is_countable() || entry.kind == Kind::Recalled;
    if over || !changeable { Err(Error::UnknownMessage) } else { Ok((stored, entry)) }
}

/// Passes if `user` sent `entry`, or owns or administers the group that it lies in.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotInGroup`], [`Error::GroupDisabled`].
fn must_rule(batch: &Batch<'_>, user: &UserId, entry: &Entry) -> Result<(), Error> {
    if entry.to.group().is_some() {
        let group = batch.group()?;
        let line = group.roster.member(user).ok_or(Error::NotInGroup)?;
        if group.info.disabled {
            return Err(Error::GroupDisabled);
        }
        if line.standing.manages() {
            return Ok(());
        }
    }
    if entry.from == *user { Ok(()) } else { Err(Error::Forbidden) }
}

/// For whom a change is: those who have the message, whoever sent it, and whoever changed it.
pub(crate) fn audience_of_change(entry: &Entry, by: &UserId) -> Audience {
    match &entry.audience {
        Audience::Only(users) => {
            let mut all: Vec<UserId> = users.to_vec();
            for user in [&entry.from, by] {
                if !all.contains(user) {
                    all.push(user.clone());
                }
            }
            Audience::only(all)
        }
        audience => audience.clone(),
    }
}
