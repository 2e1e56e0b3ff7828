//! Contacts that one side makes or ends by itself, what it notes about them, and their lists.

use stoa_core::{AppScope, Caller, Resource, Timestamp, UserId, limits};
use stoa_store::{AppStore, Blind, Direction, Key, spaces};

use super::relation::mark;
use super::stored::StoredContact;
use super::{account, acting, tell, ties};
use crate::account::user_blind;
use crate::event::ContactAct;
use crate::records;
use crate::{Chat, Error};

/// Rows that one step of a long list reads.
const STEP: usize = 500;

/// A contact, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who it is.
    pub user: UserId,
    /// What the owner noted; none if it never did.
    pub remark: Option<String>,
    /// Since when the two are contacts.
    pub since: Timestamp,
}

/// A page of a list of contacts.
#[derive(Debug)]
pub struct ContactPage {
    /// The newest first.
    pub contacts: Vec<Contact>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

impl TryFrom<StoredContact> for Contact {
    type Error = Error;

    fn try_from(row: StoredContact) -> Result<Self, Error> {
        let corrupt = stoa_store::StoreError::Corrupt { space: spaces::CONTACTS.name };
        Ok(Self {
            user: row.name.parse().map_err(|_| corrupt)?,
            remark: row.remark,
            since: Timestamp::from_millis(row.since_ms),
        })
    }
}

/// The text that stands for a position in a list of contacts.
fn list_cursor(position: &Key) -> String {
    let contact = u128::from_be_bytes(position.blind(2).0);
    format!("{:x}-{contact:032x}", position.number(1))
}

fn list_position(store: &AppStore, user: &UserId, cursor: &str) -> Option<Key> {
    let (since, contact) = cursor.split_once('-')?;
    let since = u64::from_str_radix(since, 16).ok()?;
    let contact = Blind(u128::from_str_radix(contact, 16).ok()?.to_be_bytes());
    let list = store.key(&spaces::CONTACTS_BY_TIME).blind(user_blind(store, user));
    Some(list.number(since).blind(contact).done())
}

impl Chat {
    /// Makes two users each other's contacts without asking them; both are told. Nothing changes if
    /// they are.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Argument`] for
    /// one and the same; [`Error::LimitReached`].
    pub async fn add_contact(
        &self,
        caller: &Caller,
        owner: &UserId,
        friend: &UserId,
    ) -> Result<(), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        if owner == friend {
            return Err(Error::argument("friend", "nobody is its own contact"));
        }
        let store = &self.store.app(caller).await?;
        let on = &Resource::none();
        let now = self.shared.clock.now();
        self.posting(caller.app(), store, |mut posting| async move {
            let txn = &mut posting.txn;
            account(store, txn, owner).await?;
            account(store, txn, friend).await?;
            let known = ties::get(store, txn, owner, friend).await?.is_some();
            if known && ties::get(store, txn, friend, owner).await?.is_some() {
                return Ok(posting.done(()));
            }
            ties::must_have_room(caller, store, txn, owner, "Inviter").await?;
            ties::must_have_room(caller, store, txn, friend, "Invitee").await?;
            ties::tie(store, txn, owner, friend, now).await?;
            mark(store, &mut posting, (owner, on), friend).await?;
            let act = ContactAct::Added;
            tell(&mut posting, friend, act, (owner, friend), None, (owner, on));
            tell(&mut posting, owner, act, (friend, owner), None, (friend, on));
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// Ends that `me` and `friend` are contacts, at both sides. The other is told, as are the user's
    /// other devices. Nothing changes, and nobody is told, if they are none.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::UnknownUser`].
    pub async fn remove_contact(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        friend: &UserId,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let store = &self.store.app(caller).await?;
        let on = &acting(resource);
        self.posting(caller.app(), store, |mut posting| async move {
            let txn = &mut posting.txn;
            account(store, txn, me).await?;
            if !ties::untie(store, txn, me, friend).await? {
                account(store, txn, friend).await?;
                return Ok(posting.done(()));
            }
            mark(store, &mut posting, (me, on), friend).await?;
            let (act, by) = (ContactAct::Removed, (me, on));
            tell(&mut posting, friend, act, (me, friend), None, by);
            tell(&mut posting, me, act, (me, friend), None, by);
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// Ends that `user`, who is about to be deleted, is anybody's contact, and tells those that it was one
    /// of. In steps, as it may be one of many.
    pub(crate) async fn leave_contacts(
        &self,
        caller: &Caller,
        store: &AppStore,
        user: &UserId,
    ) -> Result<(), Error> {
        let on = &Resource::none();
        loop {
            let step = self.posting(caller.app(), store, |mut posting| async move {
                account(store, &mut posting.txn, user).await?;
                let (untied, is_all) = ties::untie_all(store, &mut posting.txn, user).await?;
                for contact in &untied {
                    let (act, made) = (ContactAct::Removed, (user, contact));
                    tell(&mut posting, contact, act, made, None, (user, on));
                }
                Ok(posting.done(is_all))
            });
            if step.await?.0 {
                return Ok(());
            }
        }
    }

    /// Notes something about a contact, at most 100 characters; an empty text removes it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::Argument`] when it is too
    /// long; [`Error::NotFriends`].
    pub async fn set_remark(
        &self,
        caller: &Caller,
        me: &UserId,
        friend: &UserId,
        remark: &str,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let most = limits::REMARK_CHARS;
        if remark.chars().count() > most {
            // The SDK looks for the first words.
            let problem = format!("remark length must less than or equal to {most} characters");
            return Err(Error::argument("remark", problem));
        }
        let store = &self.store.app(caller).await?;
        store
            .transact(|mut txn| async move {
                account(store, &mut txn, me).await?;
                let row = ties::get(store, &mut txn, me, friend).await?;
                let mut row = row.ok_or(Error::NotFriends)?;
                row.remark = Some(remark.to_owned()).filter(|remark| !remark.is_empty());
                ties::put(store, &mut txn, me, friend, &row).await?;
                Ok(txn.done(()))
            })
            .await
    }

    /// All contacts of `user`, the newest first.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Store`].
    pub async fn contacts(&self, caller: &Caller, user: &UserId) -> Result<Vec<Contact>, Error> {
        let mut contacts = Vec::new();
        let mut from = None;
        loop {
            let (page, last) = self.contacts_below(caller, user, from.as_ref(), STEP).await?;
            let full = page.len() == STEP;
            contacts.extend(page);
            if !full {
                return Ok(contacts);
            }
            from = last;
        }
    }

    /// A page of the contacts of `user`, the newest first: `limit` (1 to 50) from `cursor` on.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for a cursor
    /// that is none; [`Error::Store`].
    pub async fn contact_page(
        &self,
        caller: &Caller,
        user: &UserId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ContactPage, Error> {
        let store = self.store.app(caller).await?;
        let from =
            match cursor {
                None => None,
                Some(cursor) => Some(list_position(&store, user, cursor).ok_or_else(|| {
                    Error::argument("cursor", "is not one that this list has given")
                })?),
            };
        let (mut contacts, _) = self.contacts_below(caller, user, from.as_ref(), limit + 1).await?;
        let more = contacts.len() > limit;
        contacts.truncate(limit);
        let last = contacts.last().filter(|_| more);
        let cursor = last.map(|contact| {
            list_cursor(&ties::time_key(&store, user, contact.since, &contact.user))
        });
        Ok(ContactPage { contacts, cursor })
    }

    /// Up to `limit` contacts of `user` from behind the position `from` on, and the last one's position.
    async fn contacts_below(
        &self,
        caller: &Caller,
        user: &UserId,
        from: Option<&Key>,
        limit: usize,
    ) -> Result<(Vec<Contact>, Option<Key>), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let all = store.key(&spaces::CONTACTS_BY_TIME).blind(user_blind(&store, user)).all();
        let range = from.map_or(all.clone(), |key| all.below(key));
        let rows = store.read().await?.scan(&range, Direction::Backward, limit).await?;
        let last = rows.last().map(|(key, _)| key.clone());
        let contact = |(_, value): (Key, bytes::Bytes)| {
            let space = spaces::CONTACTS_BY_TIME.name;
            Contact::try_from(records::decode::<StoredContact>(&value, space)?)
        };
        Ok((rows.into_iter().map(contact).collect::<Result<_, _>>()?, last))
    }
}
