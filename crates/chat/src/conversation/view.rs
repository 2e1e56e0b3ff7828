//! What a user sees of one conversation.

use std::sync::Arc;

use stoa_core::{Seq, Target, Timestamp, UserId, limits};
use stoa_store::{AppStore, Blind, Direction, KeyBuilder, ReadTxn, spaces};

use super::DeletedMessages;
use crate::entry::{Entry, Kind, Log};
use crate::log::{log_blind, log_space};
use crate::records::{self, Membership, StoredEntry};
use crate::{Error, account};

/// Rows that the first step of a look at the log's end reads; each further one reads more.
const FIRST_STEP: usize = 8;

/// A conversation through the eyes of one user.
pub(crate) struct View<'a> {
    read: &'a ReadTxn,
    me: &'a UserId,
    kept_since: Timestamp,
    log: KeyBuilder,
    pub(crate) membership: Membership,
    deleted: DeletedMessages,
}

/// The end of a conversation as a user may see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: Seq,
    /// Countable messages up to there.
    pub(crate) countable: u64,
}

impl<'a> View<'a> {
    /// The view of `me` on the conversation with `target`, without what was taken up to `kept_since`.
    pub(crate) async fn new(
        store: &AppStore,
        read: &'a ReadTxn,
        me: &'a UserId,
        target: &Target,
        membership: Membership,
        kept_since: Timestamp,
    ) -> Result<Self, Error> {
        let log = Log::Conversation(target.conversation(me));
        let conversation: Blind = log_blind(store, &log);
        let user = account::user_blind(store, me);
        let deleted = DeletedMessages::load(store, read, user, conversation, &membership).await?;
        let log = store.key(log_space(&log)).blind(conversation);
        Ok(Self { read, me, kept_since, log, membership, deleted })
    }

    /// Whether the user sees `entry`, which lies at `seq`, in the history.
    pub(crate) fn shows(&self, seq: Seq, entry: &Entry) -> bool {
        self.membership.sees(seq)
            && !self.deleted.has(seq)
            && entry.is_history_of(self.me)
            && entry.stored_at() > self.kept_since
    }

    /// Whether the user has `entry`, which lies at `seq`, in its list: while it takes no messages of a
    /// group, those of others do not count there.
    fn lists(&self, seq: Seq, entry: &Entry) -> bool {
        let shielded = self.membership.is_shielded_from(seq) && entry.is_shielded_from(self.me);
        self.shows(seq, entry) && !shielded
    }

    /// Looks at entries from the end of what the user may see backwards, down to behind `floor`, as
    /// long as `look` wants more, and no more than [`limits::CONVERSATION_LOOKED_AT`].
    async fn look_back(
        &self,
        floor: u64,
        mut look: impl FnMut(Seq, u64, Entry) -> bool,
    ) -> Result<(), Error> {
        let end = self.membership.last().map_or(u64::MAX, |last| last.0.saturating_add(1));
        let (mut end, mut step, mut looked_at) = (end, FIRST_STEP, 0);
        let first = floor.saturating_add(1);
        while first < end && looked_at < limits::CONVERSATION_LOOKED_AT {
            let range = self.log.clone().numbers(first..end);
            let rows = self.read.scan(&range, Direction::Backward, step).await?;
            let full = rows.len() == step;
            looked_at += rows.len();
            for (key, value) in rows {
                let space = spaces::MESSAGES.name;
                let stored: StoredEntry = records::decode(&value, space)?;
                let countable = stored.countable;
                end = key.number(1);
                if !look(Seq(end), countable, stored.into_entry(space)?) {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
            step = (step * 8).min(limits::CONVERSATION_LOOKED_AT);
        }
        Ok(())
    }

    /// Below this the user sees nothing.
    fn floor(&self) -> u64 {
        self.membership.first().0.max(self.membership.cleared_seq)
    }

    /// The last message that the user sees.
    pub(crate) async fn last(&self) -> Result<Option<(Seq, Arc<Entry>)>, Error> {
        let mut last = None;
        self.look_back(self.floor(), |seq, _, entry| {
            if self.lists(seq, &entry) {
                last = Some((seq, Arc::new(entry)));
            }
            last.is_none()
        })
        .await?;
        Ok(last)
    }

    /// How many messages the user has not read: those of others behind what it marked as read and
    /// behind its own last message, for whoever answers has read.
    pub(crate) async fn unread(&self) -> Result<usize, Error> {
        let read = self.membership.read.as_ref().map_or(0, |read| read.seq);
        let mut unread = 0;
        self.look_back(self.floor().max(read), |seq, _, entry| {
            let said = entry.kind.is_countable() || entry.kind == Kind::Recalled;
            if said && entry.from == *self.me && self.membership.sees(seq) {
                return false;
            }
            unread += usize::from(self.lists(seq, &entry));
            true
        })
        .await?;
        Ok(unread)
    }

    /// The end of what the user may see.
    pub(crate) async fn head(&self) -> Result<Head, Error> {
        let mut head = Head { seq: self.membership.first(), countable: 0 };
        self.look_back(self.membership.first().0, |seq, countable, _| {
            head = Head { seq, countable };
            false
        })
        .await?;
        Ok(head)
    }
}
