//! The list of a user's conversations (msync section 9.11).
//!
//! It is made when it is asked for: each conversation's end is looked at, so that no message has to
//! write to two lists. A conversation stands in it while it has a message that the user sees and did
//! not take off the list, or while it is pinned.

use std::sync::Arc;

use stoa_core::{Caller, Target, Timestamp, UserId};
use stoa_store::{Direction, spaces};

use super::View;
use crate::entry::Entry;
use crate::records::{self, Membership};
use crate::{Chat, Error, account};

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

/// Which conversations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// All, the one with the newest message first.
    All,
    /// Those that are pinned, the last pinned first.
    Pinned,
    /// Those that have this mark, as [`Self::All`].
    Marked(u32),
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ConversationQuery {
    /// Which.
    pub listed: Listed,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many to pass over.
    pub skip: usize,
    /// How many.
    pub count: usize,
}

/// A conversation in the list.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// With whom.
    pub target: Target,
    /// Since when it is pinned.
    pub pinned: Option<Timestamp>,
    /// The marks that the user gave it.
    pub marks: Vec<u32>,
    /// Messages that the user has not read.
    pub unread: usize,
    /// The last message that the user sees.
    pub last: Option<Arc<Entry>>,
}

/// A page of conversations.
#[derive(Debug)]
pub struct ConversationPage {
    /// The conversations.
    pub conversations: Vec<Conversation>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

/// The place of a conversation in the list: the larger, the further up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: u64,
    is_group: bool,
    name: String,
}

impl Place {
    fn write(&self) -> String {
        format!("{}.{}.{}", self.at, u8::from(self.is_group), self.name)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, rest) = text.split_once('.')?;
        let (is_group, name) = rest.split_once('.')?;
        let is_group = match is_group {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        Some(Self { at: at.parse().ok()?, is_group, name: name.into() })
    }
}

impl Chat {
    /// The part of `me` in all its conversations.
    pub(super) async fn memberships(
        &self,
        caller: &Caller,
        me: &UserId,
    ) -> Result<Vec<(Target, Membership)>, Error> {
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let mut rest = store.key(&spaces::MEMBERSHIPS).blind(account::user_blind(&store, me)).all();
        let mut all = Vec::new();
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                rest = rest.above(&key);
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                all.extend(row.target().map(|target| (target, row)));
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// A page of the conversations of `me`.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for a cursor
    /// that is not one; [`Error::Store`].
    pub async fn conversations(
        &self,
        caller: &Caller,
        me: &UserId,
        query: &ConversationQuery,
    ) -> Result<ConversationPage, Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let cursor = match &query.cursor {
            None => None,
            Some(text) => {
                let problem = "must be empty, or the cursor of the page before";
                Some(Place::read(text).ok_or_else(|| Error::argument("cursor", problem))?)
            }
        };
        let store = self.store.app(caller).await?;
        let kept = self.kept_since(caller);
        let memberships = self.memberships(caller, me).await?;
        let read = store.read().await?;
        let mut found = Vec::new();
        for (target, row) in memberships {
            let is_wanted = match query.listed {
                Listed::All => true,
                Listed::Pinned => row.pinned_ms.is_some(),
                Listed::Marked(mark) => row.marks.contains(&mark),
            };
            if !is_wanted {
                continue;
            }
            let (is_group, name) = (row.is_group, row.name.clone());
            let pinned_ms = row.pinned_ms;
            let unlisted = row.unlisted_seq;
            let view = View::new(&store, &read, me, &target, row, kept).await?;
            let last = view.last().await?;
            if pinned_ms.is_none() && last.as_ref().is_none_or(|(seq, _)| seq.0 <= unlisted) {
                continue;
            }
            let last = last.map(|(_, entry)| entry);
            let at = match query.listed {
                Listed::Pinned => pinned_ms.unwrap_or_default(),
                Listed::All | Listed::Marked(_) => last.as_ref().map_or(0, |entry| entry.id.0),
            };
            let place = Place { at, is_group, name };
            if cursor.as_ref().is_none_or(|cursor| place < *cursor) {
                found.push((place, target, view, last));
            }
        }
        found.sort_unstable_by(|(a, ..), (b, ..)| b.cmp(a));
        let mut page = ConversationPage { conversations: Vec::new(), next: None };
        let mut reached = None;
        for (place, target, view, last) in found.into_iter().skip(query.skip) {
            if page.conversations.len() == query.count {
                page.next = reached;
                break;
            }
            let unread = view.unread().await?;
            page.conversations.push(Conversation {
                target,
                pinned: view.membership.pinned_ms.map(Timestamp::from_millis),
                marks: view.membership.marks.clone(),
                unread,
                last,
            });
            reached = Some(place.write());
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let place = Place { at: 7, is_group: false, name: "a.b".into() };
        assert_eq!(Place::read(&place.write()), Some(place));
        for text in ["", "7", "7.0", "x.0.a", "7.2.a", "-1.0.a"] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }
}
