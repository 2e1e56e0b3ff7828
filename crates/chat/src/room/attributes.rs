//! Attributes of a chat room: keys and values that those who are there keep in it for all
//! (chat-rest R151 to R155; msync sections 6.3 and 9.6).
//!
//! **The one idea: a room has an index.** One row says which attributes there are, who set each and
//! whether it goes with whoever set it. So a call reads that row and those that it changes, and
//! whoever leaves costs one row, however many attributes there are.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use serde_json::{Value, json};
use stoa_core::{Caller, GroupId, Resource, UserId, limits};
use stoa_store::{AppStore, Direction, Key, KeyBuilder, spaces};

use crate::account::account_key;
use crate::attributes::Attributes;
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::group::{GroupActor, group_blind, group_bucket};
use crate::log::{Actor, Batch};
use crate::records::{self, RoomAttribute, RoomAttributes};
use crate::{Chat, Error};

/// What is to become of a room's attributes.
#[derive(Debug, Clone)]
pub enum AttributeChange {
    /// These are set.
    Set {
        /// 1 to 10 of them.
        values: Attributes,
        /// They go when whoever sets them leaves the room.
        auto_delete: bool,
    },
    /// Those of these keys, 1 to 10, are removed.
    Remove(Vec<String>),
}

/// What became of the attributes that a call names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeOutcome {
    /// The keys of those that are as wanted now.
    pub done: Vec<String>,
    /// Why the others are not. The SDK looks for the words.
    pub refused: BTreeMap<String, String>,
}

fn key_of(store: &AppStore, room: &GroupId, key: &str) -> Key {
    let key = store.blind("room attribute", &[key.as_bytes()]);
    all_of(store, room).blind(key).done()
}

/// Where the attributes of a room lie.
pub(crate) fn all_of(store: &AppStore, room: &GroupId) -> KeyBuilder {
    let space = match room.class_number() {
        Some(_) => &spaces::CLASS_CHAT_ATTRIBUTES,
        None => &spaces::ROOM_ATTRIBUTES,
    };
    store.key(space).blind(group_blind(store, room))
}

/// The key of a room's index: no attribute has an empty key.
fn index_key(store: &AppStore, room: &GroupId) -> Key {
    key_of(store, room, "")
}

/// Whether `key` is that of a room's index.
pub(crate) fn is_index(store: &AppStore, key: &Key) -> bool {
    key.blind(1) == store.blind("room attribute", &[b""])
}

/// A refusal of a single key, in words of which the SDK knows a part (msync section 9.6).
fn refuse_key(key: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if key.is_empty() || !key.bytes().all(allowed) {
        return Some(
            "the key is not Legal, it has characters of A-Z, a-z, 0-9, '_', '.', '-'".into(),
        );
    }
    let most = limits::ROOM_ATTRIBUTE_KEY_CHARS;
    (key.len() > most).then(|| format!("the key is exceeding maximum limit of {most} characters"))
}

fn refuse_value(value: &str) -> Option<String> {
    let most = limits::ROOM_ATTRIBUTE_VALUE_CHARS;
    let text = || format!("the value is exceeding maximum limit of {most} characters");
    (value.chars().count() > most).then(text)
}

const NOT_YOURS: &str = "the attribute is not part of you, another member has set it";

fn check(change: &AttributeChange) -> Result<(), Error> {
    let (field, count) = match change {
        AttributeChange::Set { values, .. } => ("metaData", values.len()),
        AttributeChange::Remove(keys) => ("keys", keys.len()),
    };
    let most = limits::ROOM_ATTRIBUTES_BATCH;
    if count == 0 || count > most {
        return Err(Error::argument(field, format!("1 to {most} keys")));
    }
    Ok(())
}

/// The attributes of the batch's room while they are worked on.
struct Shelf {
    room: GroupId,
    index: BTreeMap<String, RoomAttribute>,
}

impl Shelf {
    async fn open(batch: &mut Batch<'_>) -> Result<Self, Error> {
        let room = batch.group()?.id().clone();
        let index = match batch.txn.get(&index_key(batch.store, &room)).await? {
            Some(value) => {
                records::decode::<RoomAttributes>(&value, spaces::ROOM_ATTRIBUTES.name)?.index
            }
            None => Vec::new(),
        };
        let index = index.into_iter().map(|line| (line.key.clone(), line)).collect();
        Ok(Self { room, index })
    }

    /// Whether `user` may change the attribute `key`, which there may not be.
    fn is_of(&self, user: &UserId, key: &str) -> bool {
        self.index.get(key).is_none_or(|line| line.by == user.as_str())
    }

    /// Writes an attribute. Answers whether its value is another than before.
    async fn put(&mut self, batch: &mut Batch<'_>, new: RoomAttribute) -> Result<bool, Error> {
        let key = key_of(batch.store, &self.room, &new.key);
        let before = match batch.txn.get(&key).await? {
            Some(value) => {
                let name = spaces::ROOM_ATTRIBUTES.name;
                Some(records::decode::<RoomAttribute>(&value, name)?)
            }
            None => None,
        };
        if before.as_ref() == Some(&new) {
            return Ok(false);
        }
        batch.written += 1;
        let bucket = group_bucket(batch.store, &self.room);
        batch.txn.put(&key, bucket, &new.encode_to_vec()).await?;
        let is_other = before.is_none_or(|before| before.value != new.value);
        self.index.insert(new.key.clone(), RoomAttribute { value: String::new(), ..new });
        Ok(is_other)
    }

    /// Removes an attribute. Answers whether it was there.
    fn remove(&mut self, batch: &mut Batch<'_>, key: &str) -> Result<bool, Error> {
        if self.index.remove(key).is_none() {
            return Ok(false);
        }
        batch.written += 1;
        batch.txn.delete(&key_of(batch.store, &self.room, key))?;
        Ok(true)
    }

    /// Writes the index.
    async fn close(self, batch: &mut Batch<'_>) -> Result<(), Error> {
        let key = index_key(batch.store, &self.room);
        if self.index.is_empty() {
            return Ok(batch.txn.delete(&key)?);
        }
        let bucket = group_bucket(batch.store, &self.room);
        let value = RoomAttributes { index: self.index.into_values().collect() };
        Ok(batch.txn.put(&key, bucket, &value.encode_to_vec()).await?)
    }
}

/// Removes the attributes of the batch's room that go with `user`, who leaves it. Answers their keys.
///
/// # Errors
/// [`Error::UnknownGroup`], [`Error::Store`].
pub(crate) async fn forget_of(batch: &mut Batch<'_>, user: &UserId) -> Result<Vec<String>, Error> {
    let mut shelf = Shelf::open(batch).await?;
    let go = shelf.index.values().filter(|line| line.auto_delete && line.by == user.as_str());
    let keys: Vec<String> = go.map(|line| line.key.clone()).collect();
    if keys.is_empty() {
        return Ok(keys);
    }
    for key in &keys {
        shelf.remove(batch, key)?;
    }
    shelf.close(batch).await?;
    Ok(keys)
}

/// Removes all attributes of the batch's room, which is dismissed.
///
/// # Errors
/// As [`forget_of`].
pub(crate) async fn forget_all(batch: &mut Batch<'_>) -> Result<(), Error> {
    let mut shelf = Shelf::open(batch).await?;
    let keys: Vec<String> = shelf.index.keys().cloned().collect();
    if keys.is_empty() {
        return Ok(());
    }
    for key in &keys {
        shelf.remove(batch, key)?;
    }
    shelf.close(batch).await
}

impl Batch<'_> {
    /// Tells the members that attributes of the room were set to these values, or removed.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`].
    pub(crate) fn tell_attributes(
        &mut self,
        actor: &Actor,
        act: GroupAct,
        properties: &BTreeMap<String, String>,
        forced: bool,
    ) -> Result<(), Error> {
        let keys: Vec<&String> = properties.keys().collect();
        let mut detail = json!({
            "result": { "successKeys": keys, "errorKeys": {} },
            "operator": actor.user.as_str(),
            "is_forced": forced,
        });
        if act == GroupAct::RoomAttributesSet {
            detail["properties"] =
                properties.iter().map(|(k, v)| (k.clone(), Value::from(&**v))).collect();
        }
        let event = self.group()?.event(act, &actor.user);
        let event = GroupEvent { detail: Some(detail.to_string()), ..event };
        self.tell(actor, &event, Audience::All)
    }
}

/// Who changes the attributes: `user`, for whom the caller acts.
async fn acting(batch: &mut Batch<'_>, who: &GroupActor, user: &UserId) -> Result<Actor, Error> {
    let group = batch.group()?;
    who.standing(group)?;
    who.must_be_on(group)?;
    let is_back_end = who.user.is_none();
    if is_back_end && !batch.txn.exists(&account_key(batch.store, user)).await? {
        return Err(Error::UnknownUser);
    }
    Ok(Actor { user: user.clone(), ..who.actor() })
}

/// Makes `change` for `user`; `forced` reaches what others have set.
async fn apply(
    batch: &mut Batch<'_>,
    who: &GroupActor,
    user: &UserId,
    change: &AttributeChange,
    forced: bool,
) -> Result<AttributeOutcome, Error> {
    let actor = acting(batch, who, user).await?;
    let mut shelf = Shelf::open(batch).await?;
    let (mut outcome, mut changed) = (AttributeOutcome::default(), BTreeMap::new());
    let (act, wanted): (_, Vec<(&str, Option<&str>)>) = match change {
        AttributeChange::Set { values, .. } => {
            let values = values.iter().map(|(key, value)| (&**key, Some(&**value)));
            (GroupAct::RoomAttributesSet, values.collect())
        }
        AttributeChange::Remove(keys) => {
            let keys: BTreeSet<&str> = keys.iter().map(|key| &**key).collect();
            (GroupAct::RoomAttributesDeleted, keys.into_iter().map(|key| (key, None)).collect())
        }
    };
    for (key, value) in wanted {
        let is_new = value.is_some() && !shelf.index.contains_key(key);
        let problem = if let Some(problem) = refuse_key(key) {
            Some(problem)
        } else if let Some(problem) = value.and_then(refuse_value) {
            Some(problem)
        } else if !forced && !shelf.is_of(user, key) {
            Some(NOT_YOURS.into())
        } else if is_new && shelf.index.len() >= limits::ROOM_ATTRIBUTES {
            Some(
                "the size of metadata for this single chatroom exceeds the user defined limit"
                    .into(),
            )
        } else {
            None
        };
        if let Some(problem) = problem {
            outcome.refused.insert(key.into(), problem);
            continue;
        }
        let is_other = match (value, change) {
            (Some(value), AttributeChange::Set { auto_delete, .. }) => {
                let new = RoomAttribute {
                    key: key.into(),
                    value: value.into(),
                    by: user.as_str().into(),
                    auto_delete: *auto_delete,
                };
                shelf.put(batch, new).await?
            }
            _ => shelf.remove(batch, key)?,
        };
        if is_other {
            changed.insert(key.to_owned(), value.unwrap_or_default().to_owned());
        }
        outcome.done.push(key.into());
    }
    if !outcome.done.is_empty() {
        shelf.close(batch).await?;
    }
    if !changed.is_empty() {
        batch.tell_attributes(&actor, act, &changed, forced)?;
    }
    Ok(outcome)
}

impl Chat {
    /// Sets or removes attributes of a room for `user`, who is in it: new ones and those that the user
    /// has set, with `forced` also those of others. The app's back end may for every user. Each key has
    /// an outcome of its own; what is not there is removed. All who are in the room are told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for no key or
    /// more than 10; [`Error::NotInGroup`], [`Error::GroupDisabled`], [`Error::UnknownUser`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn change_room_attributes(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
        change: AttributeChange,
        forced: bool,
    ) -> Result<AttributeOutcome, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        check(&change)?;
        let what = (user.clone(), change);
        self.act_as(caller, resource, id, what, move |batch, who, (user, change)| {
            Box::pin(apply(batch, who, user, change, forced))
        })
        .await
    }

    /// The attributes of a room: those that `keys` names, or all if it names none. For who is in it.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn room_attributes(
        &self,
        caller: &Caller,
        id: &GroupId,
        keys: &[String],
    ) -> Result<Attributes, Error> {
        self.group_for_member(caller, id).await?;
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let all = all_of(&store, id).all();
        let index = index_key(&store, id);
        // With the index.
        let rows = read.scan(&all, Direction::Forward, limits::ROOM_ATTRIBUTES + 1).await?;
        let mut found = Attributes::new();
        for (key, value) in rows {
            if key == index {
                continue;
            }
            let row: RoomAttribute = records::decode(&value, spaces::ROOM_ATTRIBUTES.name)?;
            if keys.is_empty() || keys.contains(&row.key) {
                found.insert(row.key, row.value);
            }
        }
        Ok(found)
    }
}
