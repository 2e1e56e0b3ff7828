//! How the two of a conversation stand to each other, as far as it decides about messages.

use bytes::Bytes;
use stoa_core::{Resource, Target, UserId};
use stoa_store::{AppStore, Key, Reader, spaces};

use crate::entry::{Kind, Log};
use crate::log::{NewEntry, Posting};
use crate::{Error, account, member};

/// How two users stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Who of the two has blocked the other.
    blocking: Vec<UserId>,
    /// Who of the two has the other among its contacts.
    befriended: Vec<UserId>,
}

/// The key of `peer` on the block list of `user`.
pub(crate) fn block_key(store: &AppStore, user: &UserId, peer: &UserId) -> Key {
    let (user, peer) = (account::user_blind(store, user), account::user_blind(store, peer));
    store.key(&spaces::BLOCKS).blind(user).blind(peer).done()
}

/// The key of `peer` among the contacts of `user`.
pub(crate) fn contact_key(store: &AppStore, user: &UserId, peer: &UserId) -> Key {
    let (user, peer) = (account::user_blind(store, user), account::user_blind(store, peer));
    store.key(&spaces::CONTACTS).blind(user).blind(peer).done()
}

/// Says in the conversation of the two that how they stand to each other has changed, for whoever keeps
/// it in memory. That is so only where a message was sent or tried, which enters both as members.
pub(crate) async fn mark(
    store: &AppStore,
    posting: &mut Posting,
    by: (&UserId, &Resource),
    peer: &UserId,
) -> Result<(), Error> {
    let (ours, theirs) = (Target::User(peer.clone()), Target::User(by.0.clone()));
    let begun = posting.txn.exists(&member::key_of(store, by.0, &ours)).await?
        || posting.txn.exists(&member::key_of(store, peer, &theirs)).await?;
    if begun {
        let log = Log::Conversation(ours.conversation(by.0));
        posting.append(log, NewEntry::event(Kind::Mark, by, ours, Bytes::new()));
    }
    Ok(())
}

impl Relation {
    /// Loads how `a` and `b` stand to each other.
    pub(crate) async fn load(
        store: &AppStore,
        reader: &mut impl Reader,
        a: &UserId,
        b: &UserId,
    ) -> Result<Self, Error> {
        let mut relation = Self { blocking: Vec::new(), befriended: Vec::new() };
        if a == b {
            return Ok(relation);
        }
        for (user, peer) in [(a, b), (b, a)] {
            if reader.exists(&block_key(store, user, peer)).await? {
                relation.blocking.push(user.clone());
            }
            if reader.exists(&contact_key(store, user, peer)).await? {
                relation.befriended.push(user.clone());
            }
        }
        Ok(relation)
    }

    /// Whether a message of `from` may go to `to`, where `contacts_only` says that strangers may not
    /// write.
    ///
    /// # Errors
    /// [`Error::Blocked`], [`Error::NotContacts`].
    pub(crate) fn may_write(
        &self,
        from: &UserId,
        to: &UserId,
        contacts_only: bool,
    ) -> Result<(), Error> {
        if from == to {
            return Ok(());
        }
        if self.blocking.contains(to) {
            return Err(Error::Blocked);
        }
        if contacts_only && !self.befriended.contains(to) {
            return Err(Error::NotContacts);
        }
        Ok(())
    }

    /// Whether an entry may go to the one that it is for.
    ///
    /// # Errors
    /// As [`Self::may_write`].
    pub(crate) fn may_send(&self, new: &NewEntry) -> Result<(), Error> {
        match new.to.user() {
            Some(to) if new.kind.is_message() => self.may_write(&new.from, to, new.contacts_only),
            _ => Ok(()),
        }
    }
}
