//! Read receipts in groups (msync section 5.3, chat-rest section 3.2).
//!
//! **The one idea: a message that asks for receipts has a row that counts them.** The row is written
//! together with the message, so a receipt needs not look for the message in the log; a receipt
//! comes in the group's line like everything else, so the count never skips or repeats. Each reader
//! counts once, and only the sender hears of it.

use std::sync::Arc;

use prost::Message;
use stoa_core::{
    AppScope, Caller, GroupId, MessageId, Resource, Seq, Target, Timestamp, UserId, limits,
};
use stoa_store::{AppStore, Bucket, Direction, Key, KeyBuilder, Txn, spaces};

use super::GroupActor;
use super::state::group_blind;
use crate::entry::{Audience, Kind};
use crate::event::{self, ReadInGroup};
use crate::log::{Appended, Batch, Done, NewEntry, Placed};
use crate::records::{self, GroupReader, GroupReads, Membership};
use crate::{Chat, Error, account, log, member};

/// A receipt for a message of a group as a device hands it in.
#[derive(Debug, Clone)]
pub struct GroupReceipt {
    /// The group.
    pub group: GroupId,
    /// The message that was read.
    pub message: MessageId,
    /// What the reader adds.
    pub content: String,
}

/// A part of the list of those who have read a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderPage {
    /// Who has read it, in an order that stays.
    pub users: Vec<UserId>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
    /// How many have read it.
    pub total: u32,
}

fn reads_key(store: &AppStore, group: &GroupId, message: MessageId) -> Key {
    let group = group_blind(store, group);
    store.key(&spaces::GROUP_READS).blind(group).number(message.0).done()
}

fn readers(store: &AppStore, group: &GroupId, message: MessageId) -> KeyBuilder {
    store.key(&spaces::GROUP_READERS).blind(group_blind(store, group)).number(message.0)
}

fn reader_key(store: &AppStore, group: &GroupId, message: MessageId, user: &UserId) -> Key {
    readers(store, group, message).blind(account::user_blind(store, user)).done()
}

/// Writes the rows of the messages in `placed` that ask for receipts. In a group that is too large
/// for them, a message asks in vain.
pub(crate) async fn ask(
    store: &AppStore,
    txn: &mut Txn,
    placed: &[Placed],
    now: Timestamp,
) -> Result<(), Error> {
    for placed in placed.iter().filter(|placed| placed.receipts) {
        let (Target::Group(group), log::Readers::Members(roster)) =
            (&placed.entry.to, &placed.readers)
        else {
            continue;
        };
        if roster.members() > limits::RECEIPT_GROUP_MEMBERS {
            continue;
        }
        let only = match &placed.entry.audience {
            Audience::Only(users) => users.iter().map(|user| user.as_str().into()).collect(),
            Audience::All | Audience::Except(_) => Vec::new(),
        };
        let row = GroupReads {
            sender: placed.entry.from.as_str().into(),
            at_ms: placed.entry.at.as_millis(),
            seq: placed.seq.0,
            count: 0,
            only,
        };
        let key = reads_key(store, group, placed.entry.id);
        txn.put(&key, Bucket::Day(now.day()), &row.encode_to_vec()).await?;
    }
    Ok(())
}

/// Counts `me` among the readers and tells the sender; nothing happens the second time.
async fn count(
    batch: &mut Batch<'_>,
    who: &GroupActor,
    me: &UserId,
    receipt: &GroupReceipt,
) -> Result<(), Error> {
    let group = batch.group()?;
    group.roster.member(me).ok_or(Error::NotInGroup)?;
    who.must_be_on(group)?;
    let key = reads_key(batch.store, &receipt.group, receipt.message);
    let Some(value) = batch.txn.get(&key).await? else { return Err(Error::UnknownMessage) };
    let mut reads: GroupReads = records::decode(&value, spaces::GROUP_READS.name)?;
    let target = Target::Group(receipt.group.clone());
    let row = batch.txn.get(&member::key_of(batch.store, me, &target)).await?;
    let sees = match row {
        Some(row) => {
            let row: Membership = records::decode(&row, spaces::MEMBERSHIPS.name)?;
            row.sees(Seq(reads.seq))
        }
        None => false,
    };
    let is_own = reads.sender == me.as_str();
    let addressed = reads.only.is_empty() || reads.only.iter().any(|user| user == me.as_str());
    let at = Timestamp::from_millis(reads.at_ms);
    let (age, over) = (batch.now.since(at), at <= batch.kept_since());
    if !sees || !(addressed || is_own) || age >= limits::GROUP_RECEIPTS || over {
        return Err(Error::UnknownMessage);
    }
    let mine = reader_key(batch.store, &receipt.group, receipt.message, me);
    if is_own || batch.txn.exists(&mine).await? {
        return Ok(());
    }
    let sender: UserId = reads.sender.parse().map_err(|_| Error::Internal)?;
    batch.written += 1;
    // It is found by the day on which it is sealed.
    batch.sealed_anew(Seq(reads.seq));
    reads.count += 1;
    let bucket = Bucket::Day(batch.now.day());
    batch.txn.put(&key, bucket, &reads.encode_to_vec()).await?;
    let reader = GroupReader { user: me.as_str().into(), at_ms: batch.now.as_millis() };
    batch.txn.put(&mine, bucket, &reader.encode_to_vec()).await?;
    let read = ReadInGroup {
        group: receipt.group.as_str().into(),
        message: receipt.message.0,
        count: reads.count,
        content: receipt.content.clone(),
    };
    let actor = who.actor();
    let from = (me, &actor.resource);
    let entry = NewEntry::event(Kind::GroupReadReceipt, from, target, event::body(&read));
    batch.posts.push((sender, entry));
    Ok(())
}

fn check(caller: &Caller, who: &GroupActor, receipt: &GroupReceipt) -> Result<(), Error> {
    who.must_be_user()?;
    if !caller.app().chat.plan.receipts_and_reports {
        return Err(Error::NotInPlan);
    }
    let (got, limit) = (receipt.content.len(), limits::MESSAGE_CONTENT_BYTES);
    if got > limit {
        return Err(Error::TooLarge { got, limit });
    }
    Ok(())
}

impl Chat {
    /// Sends a receipt for a message of a group from the caller's device `resource`: to the devices of
    /// the message's sender, with the number of readers so far. Each reader counts once. `done` learns
    /// the outcome when it is durable:
    /// [`Error::NotAllowed`] when the caller is no user; [`Error::NotInPlan`];
    /// [`Error::UnknownMessage`] for a message that asked for no receipts, is not for the caller or is
    /// older than three days; [`Error::TooLarge`], [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn acknowledge_in_group(
        &self,
        caller: &Caller,
        resource: &Resource,
        receipt: GroupReceipt,
        done: Done,
    ) {
        let who = GroupActor::new(caller, Some(resource));
        let checked = check(caller, &who, &receipt);
        let appender = match checked {
            Ok(()) => self.group_appender(caller, &receipt.group).await,
            Err(error) => Err(error),
        };
        let appender = match appender {
            Ok(appender) => appender,
            Err(error) => return done(Err(error)),
        };
        let shared = self.shared.clone();
        let work = Arc::new((who, receipt));
        // Whoever sends receipts does not wait for each.
        tokio::spawn(async move {
            let outcome = appender.act(&shared, move |batch| {
                let work = work.clone();
                Box::pin(async move {
                    let (who, receipt) = &*work;
                    count(batch, who, who.must_be_user()?, receipt).await
                })
            });
            let outcome = outcome.await.map(|()| {
                let now = shared.clock.now();
                Appended { id: shared.ids.next(now, None), at: now }
            });
            done(outcome);
        });
    }

    /// Who has read a message of a group, up to 500 in a page: for its sender.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for another member; [`Error::NotInPlan`], [`Error::UnknownMessage`],
    /// [`Error::Argument`], [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn group_readers(
        &self,
        caller: &Caller,
        id: &GroupId,
        message: MessageId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ReaderPage, Error> {
        let most = limits::GROUP_READERS_PAGE;
        if limit == 0 || limit > most {
            return Err(Error::argument("limit", format!("a whole number from 1 to {most}")));
        }
        let after = match cursor.map(str::parse::<UserId>) {
            None => None,
            Some(Ok(after)) => Some(after),
            Some(Err(_)) => return Err(Error::argument("key", "must be one of an answer")),
        };
        self.group_for_member(caller, id).await?;
        if !caller.app().chat.plan.receipts_and_reports {
            return Err(Error::NotInPlan);
        }
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let value = read.get(&reads_key(&store, id, message)).await?;
        let reads: GroupReads =
            records::decode(&value.ok_or(Error::UnknownMessage)?, spaces::GROUP_READS.name)?;
        if Timestamp::from_millis(reads.at_ms) <= self.kept_since(caller) {
            return Err(Error::UnknownMessage);
        }
        if caller.user().is_some_and(|me| me.as_str() != reads.sender) {
            return Err(Error::Forbidden);
        }
        let all = readers(&store, id, message).all();
        let rest = match &after {
            Some(after) => all.above(&reader_key(&store, id, message, after)),
            None => all,
        };
        let rows = read.scan(&rest, Direction::Forward, limit + 1).await?;
        let more = rows.len() > limit;
        let mut users = Vec::new();
        for (_, value) in rows.into_iter().take(limit) {
            let reader: GroupReader = records::decode(&value, spaces::GROUP_READERS.name)?;
            users.push(reader.user.parse().map_err(|_| Error::Internal)?);
        }
        let next = users.last().filter(|_| more).map(|user: &UserId| user.as_str().to_owned());
        Ok(ReaderPage { users, next, total: reads.count })
    }
}
