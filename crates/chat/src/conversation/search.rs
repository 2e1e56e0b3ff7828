//! Finding a message of which only the id is known.
//!
//! No index is kept for it: ids rise in every log, so each of a user's conversations is asked by
//! halving. Reports and the back end ask so, seldom.

use stoa_core::{AppScope, Caller, MessageId, Target, UserId};
use stoa_store::{AppStore, Direction, ReadTxn, spaces};

use super::View;
use crate::change::Place;
use crate::entry::{Entry, Log};
use crate::log::{entry_key, log_blind, log_space};
use crate::records::{self, Membership, StoredEntry};
use crate::{Chat, Error, account, history};

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

impl Chat {
    /// The message `id` in whichever conversation of `user` it lies, if the user sees it.
    ///
    /// # Errors
    /// [`Error::UnknownMessage`], [`Error::Store`].
    pub(crate) async fn search(
        &self,
        caller: &Caller,
        user: &UserId,
        id: MessageId,
    ) -> Result<(Place, Entry), Error> {
        let store = &self.store.app(caller).await?;
        let read = &store.read().await?;
        let mut rest =
            store.key(&spaces::MEMBERSHIPS).blind(account::user_blind(store, user)).all();
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                rest = rest.above(&key);
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                let Some(target) = row.target() else { continue };
                let found = self.search_in(caller, (store, read), user, target, row, id).await?;
                if let Some(found) = found {
                    return Ok(found);
                }
            }
            if !full {
                break;
            }
        }
        for (room, _) in self.rooms_of(caller, user).await? {
            let target = Target::Group(room);
            let Some(row) = self.membership(caller, user, &target).await? else { continue };
            let found = self.search_in(caller, (store, read), user, target, row, id).await?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Error::UnknownMessage)
    }

    /// The message `id`, if it lies in the conversation of `user` with `target`.
    ///
    /// # Errors
    /// [`Error::UnknownMessage`] for one that the user does not see; [`Error::Store`].
    async fn search_in(
        &self,
        caller: &Caller,
        (store, read): (&AppStore, &ReadTxn),
        user: &UserId,
        target: Target,
        row: Membership,
        id: MessageId,
    ) -> Result<Option<(Place, Entry)>, Error> {
        let log = Log::Conversation(target.conversation(user));
        let blind = log_blind(store, &log);
        let all = store.key(log_space(&log)).blind(blind);
        let first = row.first().next();
        let Some(seq) = history::find(read, &all, first, id).await? else { return Ok(None) };
        let Some(value) = read.get(&entry_key(store, &log, blind, seq)).await? else {
            return Ok(None);
        };
        let space = spaces::MESSAGES.name;
        let entry = records::decode::<StoredEntry>(&value, space)?.into_entry(space)?;
        let kept = self.shared.kept_in(caller.app(), &log);
        let view = View::new(store, read, user, &target, row, kept).await?;
        // Ids are unique in the app: it lies nowhere else.
        if !view.shows(seq, &entry) {
            return Err(Error::UnknownMessage);
        }
        Ok(Some((Place { target, log, seq }, entry)))
    }
}
