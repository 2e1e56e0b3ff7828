//! The rows of contacts: one at either side and one more in the order of time, and how many there are.

use prost::Message;
use stoa_core::{AppScope, Caller, Timestamp, UserId, limits};
use stoa_store::{AppStore, Bucket, Direction, Key, Txn, spaces};

use super::relation::contact_key;
use super::stored::{StoredContact, StoredCount};
use crate::Error;
use crate::account::user_blind;
use crate::records;

/// Contacts of a user who is deleted that one transaction unties.
const STEP: usize = 200;

/// The key of `contact` in the list by time of `user`.
pub(super) fn time_key(store: &AppStore, user: &UserId, since: Timestamp, contact: &UserId) -> Key {
    let contact = user_blind(store, contact);
    let list = store.key(&spaces::CONTACTS_BY_TIME).blind(user_blind(store, user));
    list.number(since.as_millis()).blind(contact).done()
}

fn count_key(store: &AppStore, user: &UserId) -> Key {
    store.key(&spaces::CONTACT_COUNTS).blind(user_blind(store, user)).done()
}

/// How many contacts `user` has.
async fn count(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<u32, Error> {
    let Some(value) = txn.get(&count_key(store, user)).await? else { return Ok(0) };
    let stored: StoredCount = records::decode(&value, spaces::CONTACT_COUNTS.name)?;
    Ok(stored.count)
}

async fn set_count(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    count: u32,
) -> Result<(), Error> {
    let bucket = Bucket::Object(user_blind(store, user).0);
    let value = StoredCount { count }.encode_to_vec();
    Ok(txn.put(&count_key(store, user), bucket, &value).await?)
}

/// Whether `user` has a contact more to give: `whose` is what the vendor calls that side.
///
/// # Errors
/// [`Error::LimitReached`] in the words that the SDK looks for.
pub(super) async fn must_have_room(
    caller: &Caller,
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    whose: &str,
) -> Result<(), Error> {
    let most = caller.app().chat.plan.contacts.min(limits::CONTACTS);
    if count(store, txn, user).await? >= most {
        return Err(Error::LimitReached(format!("{whose}'s contact max count is {most}")));
    }
    Ok(())
}

/// The contact `contact` of `user`.
pub(super) async fn get(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    contact: &UserId,
) -> Result<Option<StoredContact>, Error> {
    let Some(value) = txn.get(&contact_key(store, user, contact)).await? else { return Ok(None) };
    Ok(Some(records::decode(&value, spaces::CONTACTS.name)?))
}

/// Writes the contact `contact` of `user`.
pub(super) async fn put(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    contact: &UserId,
    row: &StoredContact,
) -> Result<(), Error> {
    let bucket = Bucket::Object(user_blind(store, user).0);
    let value = row.encode_to_vec();
    let since = Timestamp::from_millis(row.since_ms);
    txn.put(&contact_key(store, user, contact), bucket, &value).await?;
    Ok(txn.put(&time_key(store, user, since, contact), bucket, &value).await?)
}

/// Makes `a` and `b` each other's contacts. Whoever has the other already keeps the row.
pub(super) async fn tie(
    store: &AppStore,
    txn: &mut Txn,
    a: &UserId,
    b: &UserId,
    now: Timestamp,
) -> Result<(), Error> {
    for (user, contact) in [(a, b), (b, a)] {
        if get(store, txn, user, contact).await?.is_some() {
            continue;
        }
        let name = contact.as_str().into();
        let row = StoredContact { name, remark: None, since_ms: now.as_millis() };
        put(store, txn, user, contact, &row).await?;
        let before = count(store, txn, user).await?;
        set_count(store, txn, user, before.saturating_add(1)).await?;
    }
    Ok(())
}

/// Takes `contact` from the contacts of `user`; answers whether it was one.
async fn drop_one(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    contact: &UserId,
) -> Result<bool, Error> {
    let Some(row) = get(store, txn, user, contact).await? else { return Ok(false) };
    txn.delete(&contact_key(store, user, contact))?;
    let since = Timestamp::from_millis(row.since_ms);
    txn.delete(&time_key(store, user, since, contact))?;
    let before = count(store, txn, user).await?;
    set_count(store, txn, user, before.saturating_sub(1)).await?;
    Ok(true)
}

/// Ends that `a` and `b` are contacts; answers whether they were.
pub(super) async fn untie(
    store: &AppStore,
    txn: &mut Txn,
    a: &UserId,
    b: &UserId,
) -> Result<bool, Error> {
    let first = drop_one(store, txn, a, b).await?;
    Ok(drop_one(store, txn, b, a).await? || first)
}

/// Ends that `user`, who is to be deleted, is a contact of some dozens of its contacts; answers whose,
/// and whether that is all. A name that is registered again is another person.
pub(super) async fn untie_all(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
) -> Result<(Vec<UserId>, bool), Error> {
    let all = store.key(&spaces::CONTACTS).blind(user_blind(store, user)).all();
    let rows = txn.scan(&all, Direction::Forward, STEP).await?;
    let is_all = rows.len() < STEP;
    let mut untied = Vec::with_capacity(rows.len());
    for (_, value) in rows {
        let row: StoredContact = records::decode(&value, spaces::CONTACTS.name)?;
        let Ok(contact) = row.name.parse::<UserId>() else { continue };
        untie(store, txn, user, &contact).await?;
        untied.push(contact);
    }
    Ok((untied, is_all))
}

/// Whether `user` has a contact.
pub(crate) async fn has_contacts(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
) -> Result<bool, Error> {
    let all = store.key(&spaces::CONTACTS).blind(user_blind(store, user)).all();
    Ok(!txn.scan(&all, Direction::Forward, 1).await?.is_empty())
}
