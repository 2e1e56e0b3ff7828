//! Reading a queue page by page, as one device sees it.

use std::sync::Arc;

use stoa_core::{AppScope, Caller, Resource, Seq, Target, Timestamp, limits};
use stoa_store::Direction;

use crate::conversation::DeletedMessages;
use crate::entry::{Entry, Queue};
use crate::log::{log_blind, log_space};
use crate::records::{self, Membership, StoredEntry};
use crate::{Chat, Error, account};

/// A part of a queue.
#[derive(Debug, Clone)]
pub struct Page {
    /// It begins behind this position.
    pub start: Seq,
    /// The entries that concern the device, in order.
    pub entries: Vec<(Seq, Arc<Entry>)>,
    /// It reaches to here; entries that do not concern the device were passed over.
    pub end: Seq,
    /// Whether the log went on when it was read.
    pub more: bool,
}

impl Chat {
    /// Reads what follows `after` in `queue` for the device `resource` of the calling user; without
    /// `after`, what follows the device's stored place.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user; [`Error::Store`].
    pub async fn page(
        &self,
        caller: &Caller,
        resource: &Resource,
        queue: &Queue,
        after: Option<Seq>,
    ) -> Result<Page, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        if caller.class().is_some() {
            // Of a class nothing waits in a queue.
            let start = after.unwrap_or(Seq::START);
            return Ok(Page { start, entries: Vec::new(), end: start, more: false });
        }
        let start = match after {
            Some(after) => after,
            None => self.cursor(caller, resource, queue).await?,
        };
        let store = self.store.app(caller).await?;
        let target = match queue {
            Queue::Group(group) => Some(Target::Group(group.clone())),
            Queue::With(peer) => Some(Target::User(peer.clone())),
            Queue::OwnLog => None,
        };
        let membership = match &target {
            Some(target) => self.membership(caller, me, target).await?,
            None => None,
        };
        if membership.is_none() && matches!(queue, Queue::Group(_)) {
            return Ok(Page { start, entries: Vec::new(), end: start, more: false });
        }
        let last = membership.as_ref().and_then(Membership::last).unwrap_or(Seq::MAX);
        let log = queue.log(me);
        let space = log_space(&log);
        let kept = self.shared.kept_in(caller.app(), &log);
        let blind = log_blind(&store, &log);
        let range = store.key(space).blind(blind).numbers(start.0 + 1..=last.0);
        let limit = limits::QUEUE_PAGE + 1;
        let read = store.read().await?;
        let rows = read.scan(&range, Direction::Forward, limit).await?;
        let deleted = match &membership {
            Some(membership) => {
                let user = account::user_blind(&store, me);
                DeletedMessages::load(&store, &read, user, blind, membership).await?
            }
            None => DeletedMessages::default(),
        };
        let mut page = Page { start, entries: Vec::new(), end: start, more: false };
        let mut bytes = 0;
        for (index, (key, value)) in rows.into_iter().enumerate() {
            bytes += value.len();
            if index == limits::QUEUE_PAGE || (index > 0 && bytes > limits::QUEUE_PAGE_BYTES) {
                page.more = true;
                break;
            }
            page.end = Seq(key.number(1));
            let stored: StoredEntry = records::decode(&value, space.name)?;
            // A message that comes in this page comes as it is by now.
            let about = Seq(stored.about_seq);
            let is_told = page.entries.iter().any(|(seq, _)| *seq == about);
            let entry = stored.into_entry(space.name)?;
            let seen = membership.as_ref().is_none_or(|membership| membership.sees(page.end));
            let gone = is_told || entry.kind.is_message() && deleted.has(page.end);
            let shielded = membership.as_ref().is_some_and(|membership| {
                membership.is_shielded_from(page.end) && entry.is_shielded_from(me)
            });
            let hidden = gone || shielded || entry.stored_at() <= kept;
            if seen && !hidden && entry.concerns(me, resource) {
                page.entries.push((page.end, Arc::new(entry)));
            }
        }
        Ok(page)
    }

    /// What was stored up to this moment is over: of the app's messages.
    pub(crate) fn kept_since(&self, scope: &impl AppScope) -> Timestamp {
        self.shared.kept_since(scope.app())
    }
}
