//! Replacing what a message says (msync sections 4.6 and 5.3).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use stoa_core::{Caller, MessageId, Resource, Seq, Target, limits};

use super::{CallMark, Place, audience_of_change, message, must_rule};
use crate::entry::{EditMark, Entry, Kind};
use crate::log::{Batch, NewEntry};
use crate::records::StoredEdit;
use crate::{Chat, Error};

/// A message whose content is to be replaced.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The conversation in which it lies.
    pub to: Target,
    /// The message.
    pub message: MessageId,
    /// What the new content is.
    pub kind: Kind,
    /// Bytes of text and `ext` of the new content.
    pub content_bytes: usize,
    /// Makes the new body.
    pub rewrite: Rewrite,
    /// The client's number for it.
    pub client_id: u64,
}

/// What an edit makes of a message: bodies are opaque to chat.
#[derive(Debug, Clone)]
pub struct Rewritten {
    /// The message's body from now on.
    pub body: Bytes,
    /// What those who have the message are told.
    pub told: Bytes,
}

type RewriteFn = dyn Fn(&Entry, &EditMark) -> Option<Rewritten> + Send + Sync;

/// Makes new bodies from a message and what is said about the edit; none if the parts do not fit.
#[derive(Clone)]
pub struct Rewrite(Arc<RewriteFn>);

impl Rewrite {
    /// By a function, which may be called again.
    pub fn new(
        rewrite: impl Fn(&Entry, &EditMark) -> Option<Rewritten> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(rewrite))
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrite")
    }
}

/// A message that was changed.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The message as it is now.
    pub entry: Arc<Entry>,
    /// What was said about it: by whom, when, for which time.
    pub mark: EditMark,
    /// The id of what tells others.
    pub told: MessageId,
}

impl Chat {
    /// Replaces a text or a custom message, as the caller on its device `resource`: only its sender or
    /// whoever owns or administers the group, at most [`limits::MESSAGE_EDITS`] times, and only who
    /// could send it. Everybody who has it is told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::UnknownMessage`],
    /// [`Error::EditFormat`], [`Error::EditLimit`], [`Error::Forbidden`], [`Error::TooLarge`], what
    /// keeps the caller from sending, [`Error::Store`].
    pub async fn edit(
        &self,
        caller: &Caller,
        resource: &Resource,
        edit: Edit,
    ) -> Result<Edited, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        if edit.content_bytes > limits::MESSAGE_CONTENT_BYTES {
            let (got, limit) = (edit.content_bytes, limits::MESSAGE_CONTENT_BYTES);
            return Err(Error::TooLarge { got, limit });
        }
        if !matches!(edit.kind, Kind::Text | Kind::Custom) {
            return Err(Error::EditFormat);
        }
        let place = self.place_of(caller, me, &edit.to, edit.message).await?;
        let mark =
            CallMark { by: me.clone(), resource: resource.clone(), client_id: edit.client_id };
        let friends_only = stoa_core::AppScope::app(caller).chat.friends_only;
        let log = place.log.clone();
        let work = Arc::new((place, mark, edit, friends_only));
        self.act_in(caller, &log, move |batch| {
            let work = work.clone();
            Box::pin(async move { replace(batch, &work.0, &work.1, &work.2, work.3).await })
        })
        .await
    }
}

async fn replace(
    batch: &mut Batch<'_>,
    place: &Place,
    mark: &CallMark,
    edit: &Edit,
    friends_only: bool,
) -> Result<Edited, Error> {
    let (mut stored, mut entry) = message(batch, place.seq).await?;
    if entry.kind == Kind::Recalled {
        return Err(Error::UnknownMessage);
    }
    must_rule(batch, &mark.by, &entry)?;
    match &place.target {
        Target::Group(_) => batch.group()?.may_send(&mark.by, batch.now)?,
        Target::User(peer) => {
            let relation = batch.relation.ok_or(Error::Internal)?;
            relation.may_write(&mark.by, peer, friends_only)?;
        }
    }
    if let Some(answered) = mark.answered(&stored)
        && let Some(mark) = entry.edit.clone()
    {
        return Ok(Edited { entry: Arc::new(entry), mark, told: answered.id });
    }
    if entry.kind != edit.kind {
        return Err(Error::EditFormat);
    }
    let count = entry.edit.as_ref().map_or(0, |edit| edit.count);
    if count >= limits::MESSAGE_EDITS {
        return Err(Error::EditLimit);
    }
    let edited = EditMark { count: count + 1, by: mark.by.clone(), at: batch.now };
    let Rewritten { body, told } = (edit.rewrite.0)(&entry, &edited).ok_or(Error::EditFormat)?;
    let told = NewEntry {
        only_resource: entry.only_resource.clone(),
        about: place.seq,
        ..NewEntry::event(Kind::Edit, (&mark.by, &mark.resource), entry.to.clone(), told)
            .for_audience(audience_of_change(&entry, &mark.by))
    };
    let answer = batch.append(&told)?;
    // Nobody needs to be told of what is not the last word.
    batch.silence(Seq(stored.told_seq)).await?;
    stored.told_seq = batch.tail.end.seq.0;
    stored.body = body.clone();
    stored.edit = Some(StoredEdit {
        count: edited.count,
        by: edited.by.as_str().into(),
        at_ms: edited.at.as_millis(),
    });
    stored.change = Some(mark.stored(answer));
    batch.rewrite(place.seq, &stored).await?;
    entry.body = body;
    entry.edit = Some(edited.clone());
    Ok(Edited { entry: Arc::new(entry), mark: edited, told: answer.id })
}
