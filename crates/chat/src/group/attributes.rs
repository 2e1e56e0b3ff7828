//! What members are called and have in a group: keys and values of the app's own
//! (chat-rest R086 to R088).

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;
use serde_json::json;
use stoa_core::{Caller, GroupId, Resource, UserId, limits};
use stoa_store::{AppStore, Bucket, Key, Txn, spaces};

use super::GroupActor;
use super::state::group_blind;
use crate::attributes::Attributes;
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::records::{self, MemberAttributes};
use crate::{Chat, Error, account};

fn key_of(store: &AppStore, group: &GroupId, user: &UserId) -> Key {
    let (group, user) = (group_blind(store, group), account::user_blind(store, user));
    store.key(&spaces::GROUP_MEMBER_ATTRIBUTES).blind(group).blind(user).done()
}

/// Removes what a member has in a group that it leaves.
pub(crate) async fn forget(
    store: &AppStore,
    txn: &mut Txn,
    group: &GroupId,
    user: &UserId,
) -> Result<(), Error> {
    let key = key_of(store, group, user);
    if txn.exists(&key).await? {
        txn.delete(&key)?;
    }
    Ok(())
}

/// Checks what a call wants to set.
fn check(changes: &Attributes) -> Result<(), Error> {
    if changes.is_empty() {
        return Err(Error::argument("metaData", "at least one key with its value"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    for (key, value) in changes {
        let most = limits::MEMBER_ATTRIBUTE_KEY_BYTES;
        if key.is_empty() || key.len() > most || !key.bytes().all(allowed) {
            let problem = format!("a key has 1 to {most} characters of A-Z, a-z, 0-9 and '_'");
            return Err(Error::argument("metaData", problem));
        }
        let most = limits::MEMBER_ATTRIBUTE_VALUE_BYTES;
        if value.len() > most {
            let problem = format!(
                "exceeds chatgroup user metadata single value limit, it has at most {most} bytes"
            );
            return Err(Error::argument("metaData", problem));
        }
    }
    Ok(())
}

/// Makes `changes`: an empty value removes its key. Answers whether anything is other than before.
fn apply(values: &mut Attributes, changes: &Attributes) -> Result<bool, Error> {
    let before = values.clone();
    for (key, value) in changes {
        match value.is_empty() {
            true => drop(values.remove(key)),
            false => drop(values.insert(key.clone(), value.clone())),
        }
    }
    let bytes: usize = values.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > limits::MEMBER_ATTRIBUTES_BYTES {
        let most = limits::MEMBER_ATTRIBUTES_BYTES;
        let problem = format!("the attributes of a member have at most {most} bytes");
        return Err(Error::argument("metaData", problem));
    }
    Ok(*values != before)
}

impl Chat {
    /// Sets attributes of a member; an empty value removes its key. A member may do so for itself,
    /// owner and administrators for anybody.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::Forbidden`], [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn set_member_attributes(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
        changes: Attributes,
    ) -> Result<(), Error> {
        check(&changes)?;
        let work = Arc::new((GroupActor::new(caller, resource), user.clone(), changes));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, user, changes) = &*work;
                let group = batch.group()?;
                let standing = who.standing(group)?;
                if who.user.as_ref() != Some(user) && !standing.manages() {
                    return Err(Error::Forbidden);
                }
                who.must_be_on(group)?;
                group.roster.member(user).ok_or(Error::NotInGroup)?;
                let event = group.event(GroupAct::AttributesChanged, &who.actor().user);
                let key = key_of(batch.store, group.id(), user);
                let space = spaces::GROUP_MEMBER_ATTRIBUTES.name;
                let mut row: MemberAttributes = match batch.txn.get(&key).await? {
                    Some(value) => records::decode(&value, space)?,
                    None => MemberAttributes::default(),
                };
                if !apply(&mut row.values, changes)? {
                    return Ok(());
                }
                batch.written += 1;
                if row.values.is_empty() {
                    batch.txn.delete(&key)?;
                } else {
                    let bucket = Bucket::Object(account::user_blind(batch.store, user).0);
                    batch.txn.put(&key, bucket, &row.encode_to_vec()).await?;
                }
                let detail = json!({ "username": user.as_str(), "properties": changes });
                let event = GroupEvent { detail: Some(detail.to_string()), ..event };
                batch.tell(&who.actor(), &event, Audience::All)
            })
        })
        .await
    }

    /// The attributes of members, by member: those that `keys` names, or all if it names none. Who is
    /// no member has none.
    ///
    /// # Errors
    /// [`Error::Argument`] for more than ten users; [`Error::NotInGroup`] for a caller who is no
    /// member; [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn member_attributes(
        &self,
        caller: &Caller,
        id: &GroupId,
        users: &[UserId],
        keys: &[String],
    ) -> Result<BTreeMap<UserId, Attributes>, Error> {
        let most = limits::MEMBER_ATTRIBUTES_BATCH;
        if users.is_empty() || users.len() > most {
            return Err(Error::argument("targets", format!("1 to {most} names")));
        }
        let group = self.group_for_member(caller, id).await?;
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let mut found = BTreeMap::new();
        for user in users.iter().filter(|user| group.roster.has(user)) {
            let value = read.get(&key_of(&store, id, user)).await?;
            let mut values = match value {
                Some(value) => {
                    let space = spaces::GROUP_MEMBER_ATTRIBUTES.name;
                    records::decode::<MemberAttributes>(&value, space)?.values
                }
                None => Attributes::new(),
            };
            values.retain(|key, _| keys.is_empty() || keys.contains(key));
            found.insert(user.clone(), values);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_and_values_have_bounds() {
        let longest = "v".repeat(limits::MEMBER_ATTRIBUTE_VALUE_BYTES);
        assert!(check(&pairs(&[("nick_Name_012345", &longest)])).is_ok());
        for (key, value) in [
            ("", "x"),
            ("nick name", "x"),
            ("näme", "x"),
            ("nick_Name_0123456", "x"),
            ("key", &*format!("{longest}v")),
        ] {
            assert!(check(&pairs(&[(key, value)])).is_err(), "{key}");
        }
        assert!(check(&Attributes::new()).is_err());
    }

    #[test]
    fn an_empty_value_removes_its_key_and_the_sum_has_a_bound() {
        let mut values = pairs(&[("a", "1"), ("b", "2")]);
        assert!(apply(&mut values, &pairs(&[("a", ""), ("c", "3")])).unwrap());
        assert_eq!(values, pairs(&[("b", "2"), ("c", "3")]));
        assert!(!apply(&mut values, &pairs(&[("b", "2"), ("gone", "")])).unwrap());
        let value = "v".repeat(limits::MEMBER_ATTRIBUTE_VALUE_BYTES);
        let many: Attributes = (0..8).map(|n| (format!("k{n}"), value.clone())).collect();
        assert!(apply(&mut values, &many).is_err());
    }
}
