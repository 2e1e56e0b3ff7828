//! What users tell about themselves: keys and values that every user of the app may read
//! (chat-rest section 2.6; msync section 9.3).
//!
//! A user's attributes are one record. How many bytes all of them have is kept beside, in parts, so that
//! users who change theirs at the same time seldom wait for each other.

use std::collections::BTreeMap;

use prost::Message;
use stoa_core::{Caller, UserId, limits};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, Txn, spaces};

use crate::account::{account_key, user_blind};
use crate::records;
use crate::{Chat, Error};

/// A user's attributes, by key.
pub type Attributes = BTreeMap<String, String>;

/// Keys that the SDK knows, each with the characters that its value may have (chat-rest R035).
const KNOWN: &[(&str, usize)] = &[
    ("nickname", 64),
    ("avatarurl", 256),
    ("phone", 32),
    ("mail", 64),
    ("gender", 16),
    ("sign", 256),
    ("birth", 64),
];

/// Parts of the sum of bytes.
const PARTS: u64 = 64;

/// USER_ATTRIBUTES: a user's attributes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredAttributes {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(crate) values: BTreeMap<String, String>,
}

/// ATTRIBUTE_TOTALS: a part of the sum.
#[derive(Clone, PartialEq, Message)]
struct StoredTotal {
    #[prost(uint64, tag = "1")]
    bytes: u64,
}

fn attributes_key(store: &AppStore, user: &UserId) -> Key {
    store.key(&spaces::USER_ATTRIBUTES).blind(user_blind(store, user)).done()
}

/// The bytes that count.
fn size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(key, value)| key.len() + value.len()).sum()
}

async fn load(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<Attributes, Error> {
    let Some(value) = txn.get(&attributes_key(store, user)).await? else {
        return Ok(Attributes::new());
    };
    let stored: StoredAttributes = records::decode(&value, spaces::USER_ATTRIBUTES.name)?;
    Ok(stored.values)
}

/// Notes that the attributes of a user had `before` bytes and have `after`.
async fn count(
    store: &AppStore,
    txn: &mut Txn,
    user: Blind,
    before: usize,
    after: usize,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let part = u64::from(user.0[0]) % PARTS;
    let key = store.key(&spaces::ATTRIBUTE_TOTALS).number(part).done();
    let mut total = match txn.get(&key).await? {
        Some(value) => records::decode::<StoredTotal>(&value, spaces::ATTRIBUTE_TOTALS.name)?,
        None => StoredTotal::default(),
    };
    total.bytes = total.bytes.saturating_add(after as u64).saturating_sub(before as u64);
    let owner = store.blind("attribute totals", &[]);
    Ok(txn.put(&key, Bucket::Object(owner.0), &total.encode_to_vec()).await?)
}

/// Removes the attributes of `user`.
pub(crate) async fn remove(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<(), Error> {
    let before = load(store, txn, user).await?;
    txn.delete(&attributes_key(store, user))?;
    count(store, txn, user_blind(store, user), size(&before), 0).await
}

/// Checks attributes before they are set.
fn check(attributes: &Attributes) -> Result<(), Error> {
    if attributes.is_empty() {
        return Err(Error::argument("attributes", "at least one is needed, as key=value"));
    }
    if attributes.keys().any(String::is_empty) {
        return Err(Error::argument("attributes", "a key has at least one character"));
    }
    for (key, most) in KNOWN {
        if attributes.get(*key).is_some_and(|value| value.chars().count() > *most) {
            return Err(Error::argument(key, format!("at most {most} characters")));
        }
    }
    Ok(())
}

impl Chat {
    /// Sets attributes of `user`; those that are not named stay.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`];
    /// [`Error::Argument`] by key, and when all together have more than 2 KiB.
    pub async fn set_attributes(
        &self,
        caller: &Caller,
        user: &UserId,
        new: &Attributes,
    ) -> Result<(), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        check(new)?;
        let store = &self.store.app(caller).await?;
        store
            .transact(|mut txn| async move {
                if !txn.exists(&account_key(store, user)).await? {
                    return Err(Error::UnknownUser);
                }
                let mut values = load(store, &mut txn, user).await?;
                let before = size(&values);
                values.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
                let (after, most) = (size(&values), limits::ATTRIBUTES_BYTES);
                if after > most {
                    let problem = format!("all together have at most {most} bytes, not {after}");
                    return Err(Error::argument("attributes", problem));
                }
                let blind = user_blind(store, user);
                let value = StoredAttributes { values }.encode_to_vec();
                txn.put(&attributes_key(store, user), Bucket::Object(blind.0), &value).await?;
                count(store, &mut txn, blind, before, after).await?;
                Ok(txn.done(()))
            })
            .await
    }

    /// The attributes of `user`; none where the user has none, or does not exist. Every user of the app
    /// may read them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn attributes(&self, caller: &Caller, user: &UserId) -> Result<Attributes, Error> {
        let store = self.store.app(caller).await?;
        let Some(value) = store.read().await?.get(&attributes_key(&store, user)).await? else {
            return Ok(Attributes::new());
        };
        let stored: StoredAttributes = records::decode(&value, spaces::USER_ATTRIBUTES.name)?;
        Ok(stored.values)
    }

    /// Deletes the attributes of `user`, if there are any.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Store`].
    pub async fn delete_attributes(&self, caller: &Caller, user: &UserId) -> Result<(), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        let store = &self.store.app(caller).await?;
        store
            .transact(|mut txn| async move {
                remove(store, &mut txn, user).await?;
                Ok(txn.done(()))
            })
            .await
    }

    /// Bytes of the attributes of all users of the app, keys and values together.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Store`].
    pub async fn attribute_bytes(&self, caller: &Caller) -> Result<u64, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let all = store.key(&spaces::ATTRIBUTE_TOTALS).all();
        let most = usize::try_from(PARTS).unwrap_or(usize::MAX);
        let parts = store.read().await?.scan(&all, Direction::Forward, most).await?;
        let mut bytes = 0_u64;
        for (_, value) in parts {
            let part: StoredTotal = records::decode(&value, spaces::ATTRIBUTE_TOTALS.name)?;
            bytes = bytes.saturating_add(part.bytes);
        }
        Ok(bytes)
    }
}
