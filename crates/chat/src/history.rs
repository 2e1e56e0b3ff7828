//! The history of a conversation, page by page in both directions (msync section 9.10).

use std::cmp::Ordering;
use std::sync::Arc;

use stoa_core::{AppScope, Caller, MessageId, Seq, Target, Timestamp, UserId, limits};
use stoa_store::{Direction, KeyBuilder, ReadTxn, spaces};

use crate::conversation::View;
use crate::entry::{Entry, Kind, Log};
use crate::log::{log_blind, log_space};
use crate::records::{self, Membership, StoredEntry};
use crate::{Chat, Error};

/// Rows that one call looks at, at the most: a filter that few messages pass must not read a whole
/// conversation.
const ROWS_LOOKED_AT: usize = 1_000;

/// What part of a conversation's history is asked for.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// The other side, or the group.
    pub with: Target,
    /// The id of the message behind which (in reading direction) the page begins.
    pub start: Option<MessageId>,
    /// Messages wanted, 1 to 50.
    pub count: usize,
    /// Oldest first; otherwise newest first.
    pub oldest_first: bool,
    /// Only these kinds; all if empty.
    pub kinds: Vec<Kind>,
    /// Only from this user.
    pub from: Option<UserId>,
    /// Only taken at or after this moment.
    pub since: Option<Timestamp>,
    /// Only taken at or before this moment.
    pub until: Option<Timestamp>,
}

impl HistoryQuery {
    /// The newest messages with `with`, up to `count` of them, the newest first.
    pub const fn newest(with: Target, count: usize) -> Self {
        Self {
            with,
            start: None,
            count,
            oldest_first: false,
            kinds: Vec::new(),
            from: None,
            since: None,
            until: None,
        }
    }
}

/// A page of history.
#[derive(Debug)]
pub struct HistoryPage {
    /// The messages, in reading direction.
    pub entries: Vec<Arc<Entry>>,
    /// The id at which the next page begins; none if nothing was looked at.
    pub next: Option<MessageId>,
    /// Nothing lies behind this page.
    pub is_last: bool,
}

/// Nothing, and nothing behind it.
impl Default for HistoryPage {
    fn default() -> Self {
        Self { entries: Vec::new(), next: None, is_last: true }
    }
}

impl Chat {
    /// Reads the calling user's history with another user, or of a group: of a group what lies between
    /// the user's coming and leaving. Commands and receipts are not part of it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::Argument`] for a start that is not
    /// a message of this conversation; [`Error::UnknownGroup`], and [`Error::NotInGroup`] for a group
    /// that the caller never was in; [`Error::Store`].
    pub async fn history(
        &self,
        caller: &Caller,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let with = &self.as_named(caller, &query.with).await?;
        self.must_reach_in_class(caller, with).await?;
        let Some(membership) = self.membership(caller, me, with).await? else {
            if let Target::Group(group) = with {
                self.group_state(caller, group).await?;
                return Err(Error::NotInGroup);
            }
            return Ok(HistoryPage::default());
        };
        self.history_in(caller, me, with, membership, query).await
    }

    /// Reads the history of a chat room, also of a class's, as `user` sees it who may be in it: for the app's back
    /// end.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token, and for what is no chat room; [`Error::UnknownRoom`],
    /// [`Error::Argument`], [`Error::Store`].
    pub async fn room_history(
        &self,
        caller: &Caller,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let with = &self.as_named(caller, &query.with).await?;
        match with {
            Target::Group(room) if room.is_room() => self.group_state(caller, room).await?,
            _ => return Err(Error::NotAllowed),
        };
        let membership = Membership { is_room: true, ..Membership::default() };
        self.history_in(caller, user, with, membership, query).await
    }

    async fn history_in(
        &self,
        caller: &Caller,
        me: &UserId,
        with: &Target,
        membership: Membership,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, Error> {
        let nothing = HistoryPage::default();
        let since = membership.first();
        let store = self.store.app(caller).await?;
        let log = Log::Conversation(with.conversation(me));
        let kept = self.shared.kept_in(caller.app(), &log);
        let read = store.read().await?;
        let all = store.key(log_space(&log)).blind(log_blind(&store, &log));

        let last = membership.last();
        let view = View::new(&store, &read, me, with, membership, kept).await?;

        let made = caller.app().created;
        let was_kept = |id: MessageId| (made..=kept).contains(&id.made_at());
        let start = match query.start {
            None => None,
            Some(id) => match find(&read, &all, since.next(), id).await? {
                Some(seq) => Some(seq.0),
                // It was one, perhaps, that is over by now: nothing that is kept lies before it.
                None if was_kept(id) && query.oldest_first => None,
                None if was_kept(id) => return Ok(nothing),
                None => {
                    let problem = "is not the id of a message of this conversation";
                    return Err(Error::argument("start", problem));
                }
            },
        };

        let first = since.0 + 1;
        // Of a group that the user left, nothing behind that.
        let end = last.map_or(u64::MAX, |last| last.0 + 1);
        let (range, direction) = if query.oldest_first {
            let begin = start.map_or(first, |start| first.max(start + 1));
            (all.numbers(begin..end), Direction::Forward)
        } else {
            (all.numbers(first..end.min(start.unwrap_or(u64::MAX))), Direction::Backward)
        };
        let count = query.count.clamp(1, limits::HISTORY_PAGE);
        let unfiltered = query.kinds.is_empty() && query.from.is_none() && query.since.is_none();
        let look_at = if unfiltered { count * 2 + 1 } else { ROWS_LOOKED_AT };
        let rows = read.scan(&range, direction, look_at).await?;
        let reached_end = rows.len() < look_at;

        let mut page = HistoryPage { is_last: reached_end, ..nothing };
        for (key, value) in rows {
            let seq = Seq(key.number(1));
            let space = spaces::MESSAGES.name;
            let entry = records::decode::<StoredEntry>(&value, space)?.into_entry(space)?;
            if page.entries.len() == count {
                // One more that would be shown: there is a next page.
                if view.shows(seq, &entry) && self.is_wanted(query, &entry) {
                    page.is_last = false;
                    break;
                }
                continue;
            }
            page.next = Some(entry.id);
            let past_the_end = match query.oldest_first {
                true => query.until.is_some_and(|until| entry.at > until),
                false => query.since.is_some_and(|since| entry.at < since),
            };
            if past_the_end {
                page.is_last = true;
                break;
            }
            if view.shows(seq, &entry) && self.is_wanted(query, &entry) {
                page.entries.push(Arc::new(entry));
            }
        }
        Ok(page)
    }

    fn is_wanted(&self, query: &HistoryQuery, entry: &Entry) -> bool {
        entry.kind.is_countable()
            && (query.kinds.is_empty() || query.kinds.contains(&entry.kind))
            && query.from.as_ref().is_none_or(|from| entry.from == *from)
            && query.since.is_none_or(|since| entry.at >= since)
            && query.until.is_none_or(|until| entry.at <= until)
    }
}

/// The position of the entry with that id, not before `first`. Ids rise with the sequence, so halving
/// finds it, and no index need be kept for it.
pub(crate) async fn find(
    read: &ReadTxn,
    log: &KeyBuilder,
    first: Seq,
    id: MessageId,
) -> Result<Option<Seq>, Error> {
    let space = spaces::MESSAGES.name;
    let whole = log.clone().numbers(first.0..);
    let last = read.scan(&whole, Direction::Backward, 1).await?;
    let Some((key, value)) = last.first() else { return Ok(None) };
    let (mut low, mut high) = (first.0, key.number(1));
    // Mostly one of the last is meant, or one of another log.
    match records::decode::<StoredEntry>(value, space)?.id.cmp(&id.0) {
        Ordering::Less => return Ok(None),
        Ordering::Equal => return Ok(Some(Seq(high))),
        Ordering::Greater => {}
    }
    while low <= high {
        let middle = low + (high - low) / 2;
        // Entries may be missing: the next one there is stands for them.
        let range = log.clone().numbers(middle..=high);
        let met = read.scan(&range, Direction::Forward, 1).await?;
        let found = met.first().map(|(key, value)| {
            records::decode::<StoredEntry>(value, space).map(|entry| (key.number(1), entry.id))
        });
        match found.transpose()? {
            Some((seq, found)) if found == id.0 => return Ok(Some(Seq(seq))),
            Some((seq, found)) if found < id.0 => low = seq + 1,
            _ if middle == 0 => break,
            _ => high = middle - 1,
        }
    }
    Ok(None)
}
