//! Contacts and block lists, and how two users stand to each other.
//!
//! **The one idea: a contact is a row at either side, and whatever changes one of them leaves a mark
//! in the conversation of the two**, in the same transaction. Who appends there keeps in memory how the
//! two stand to each other; the mark says that this is old, so that a message after the answer to a block
//! is refused (msync sections 7 and 9.4; chat-rest sections 2.4 and 2.5).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `relation` | what decides about messages |
//! | `ties` | the rows of contacts, and their number |
//! | `invite` | invitations, their acceptance and refusal |
//! | `list` | contacts made and ended by one side, their lists and remarks |
//! | `block` | the block list |

mod block;
mod invite;
mod list;
mod relation;
mod stored;
mod ties;

use stoa_core::{Resource, UserId};
use stoa_store::{AppStore, Txn};

pub use block::BlockPage;
pub(crate) use block::blocked_by;
pub use list::{Contact, ContactPage};
pub(crate) use relation::{Relation, block_key};
pub(crate) use stored::{StoredBlock, StoredContact, StoredCount, StoredInvitation};
pub(crate) use ties::has_contacts;

use crate::Error;
use crate::account::account_key;
use crate::entry::Kind;
use crate::event::{self, ContactAct, ContactEvent};
use crate::log::{NewEntry, Posting};
use crate::records::{self, Account};

/// The device that acts, or what stands for none.
fn acting(resource: Option<&Resource>) -> Resource {
    resource.cloned().unwrap_or_else(Resource::none)
}

/// The account of `user`.
///
/// # Errors
/// [`Error::UnknownUser`].
async fn account(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<Account, Error> {
    let value = txn.get(&account_key(store, user)).await?.ok_or(Error::UnknownUser)?;
    Ok(records::decode(&value, stoa_store::spaces::USERS.name)?)
}

/// Tells `whom` that `from` did something to `to`, as an entry of its own log. The device `on` of `by`
/// is the one that acted, and is not told.
fn tell(
    posting: &mut Posting,
    whom: &UserId,
    act: ContactAct,
    (from, to): (&UserId, &UserId),
    reason: Option<&str>,
    (by, on): (&UserId, &Resource),
) {
    let event = ContactEvent {
        act: act.into(),
        from: from.as_str().into(),
        to: to.as_str().into(),
        reason: reason.map(str::to_owned),
    };
    let target = whom.clone().into();
    posting.post(whom, NewEntry::event(Kind::ContactEvent, (by, on), target, event::body(&event)));
}
