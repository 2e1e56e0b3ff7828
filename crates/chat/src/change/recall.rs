//! Taking a message back (msync section 5.3, chat-rest R056).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use stoa_core::{AppScope, Caller, MessageId, Resource, Seq, Target, UserId, limits};

use super::{CallMark, Place, audience_of_change, message, must_rule};
use crate::conversation::pins_of;
use crate::entry::{Kind, Log};
use crate::log::{Appended, Batch, NewEntry};
use crate::records::{self, Pins};
use crate::{Chat, Error};

/// A message to be taken back.
#[derive(Debug, Clone)]
pub struct Recall {
    /// The conversation in which it lies.
    pub to: Target,
    /// The message.
    pub message: MessageId,
    /// What those who have it are told, passed on as it is.
    pub body: Bytes,
    /// The encoded `ext` of the meta, passed on as it is.
    pub ext: Bytes,
    /// The client's number for it.
    pub client_id: u64,
}

/// How a recall by the app's back end differs.
struct Wanted {
    place: Place,
    mark: CallMark,
    body: Bytes,
    ext: Bytes,
    /// The user whose rights count; none for the app's back end.
    user: Option<UserId>,
    /// How old the message may be; none if that does not matter.
    window: Option<Duration>,
}

impl Chat {
    /// Takes a message back, as the caller on its device `resource`: within the app's time, and only
    /// its sender or whoever owns or administers the group. Everybody who has it is told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::UnknownMessage`],
    /// [`Error::RecallDisabled`], [`Error::RecallTooLate`], [`Error::Forbidden`],
    /// [`Error::NotInGroup`], [`Error::GroupDisabled`], [`Error::TooLarge`], [`Error::Store`].
    pub async fn recall(
        &self,
        caller: &Caller,
        resource: &Resource,
        recall: Recall,
    ) -> Result<Appended, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let Recall { to, message, body, ext, client_id } = recall;
        if ext.len() > limits::RECALL_EXT_BYTES {
            return Err(Error::TooLarge { got: ext.len(), limit: limits::RECALL_EXT_BYTES });
        }
        let window = caller.app().chat.recall_window;
        if window.is_zero() {
            return Err(Error::RecallDisabled);
        }
        let place = self.place_of(caller, me, &to, message).await?;
        let mark = CallMark { by: me.clone(), resource: resource.clone(), client_id };
        let (user, window) = (Some(me.clone()), Some(window));
        self.take_back(caller, Wanted { place, mark, body, ext, user, window }).await
    }

    /// Takes a message back for the app's back end: of the conversation of `from` with `to`, or of the
    /// group `to`. With `force` also one that is too old. Answers as whom it was done.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; otherwise as [`Self::recall`].
    pub async fn recall_for(
        &self,
        caller: &Caller,
        from: Option<&UserId>,
        recall: Recall,
        force: bool,
    ) -> Result<UserId, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let window = caller.app().chat.recall_window;
        if window.is_zero() && !force {
            return Err(Error::RecallDisabled);
        }
        let place = match (&recall.to, from) {
            (Target::Group(_), _) => {
                let target = self.as_named(caller, &recall.to).await?;
                let unused: UserId = "admin".parse().map_err(|_| Error::Internal)?;
                let log = Log::Conversation(target.conversation(&unused));
                let first = Seq::START.next();
                let seq = self.position(caller, &log, first, recall.message).await?;
                let seq = seq.ok_or(Error::UnknownMessage)?;
                Place { target, log, seq }
            }
            (Target::User(user), _) => self.search(caller, user, recall.message).await?.0,
        };
        let by = match from {
            Some(from) => from.clone(),
            None => "admin".parse().map_err(|_| Error::Internal)?,
        };
        let mark = CallMark { by: by.clone(), resource: Resource::none(), client_id: 0 };
        let Recall { body, ext, .. } = recall;
        let window = (!force).then_some(window);
        self.take_back(caller, Wanted { place, mark, body, ext, user: None, window }).await?;
        Ok(by)
    }

    async fn take_back(&self, caller: &Caller, wanted: Wanted) -> Result<Appended, Error> {
        let log = wanted.place.log.clone();
        let wanted = Arc::new(wanted);
        self.act_in(caller, &log, move |batch| {
            let wanted = wanted.clone();
            Box::pin(async move { take_back(batch, &wanted).await })
        })
        .await
    }
}

async fn take_back(batch: &mut Batch<'_>, wanted: &Wanted) -> Result<Appended, Error> {
    let Wanted { place, mark, .. } = wanted;
    let (mut stored, entry) = message(batch, place.seq).await?;
    if entry.kind == Kind::Recalled {
        return mark.answered(&stored).ok_or(Error::UnknownMessage);
    }
    if let Some(user) = &wanted.user {
        must_rule(batch, user, &entry)?;
    }
    if wanted.window.is_some_and(|window| batch.now.since(entry.at) > window) {
        return Err(Error::RecallTooLate);
    }
    let told = NewEntry {
        only_resource: entry.only_resource.clone(),
        ext: wanted.ext.clone(),
        ..NewEntry::event(
            Kind::Recall,
            (&mark.by, &mark.resource),
            entry.to.clone(),
            wanted.body.clone(),
        )
        .for_audience(audience_of_change(&entry, &mark.by))
    };
    let (pins_key, pins_bucket) = pins_of(batch.store, batch.log, batch.blind);
    let pins = batch.txn.get(&pins_key).await?;
    let answer = batch.append(&told)?;
    // What it said last stands there, too.
    batch.silence(Seq(stored.told_seq)).await?;
    stored.kind = Kind::Recalled.into();
    stored.body = Bytes::new();
    stored.ext = Bytes::new();
    stored.edit = None;
    stored.change = Some(mark.stored(answer));
    batch.rewrite(place.seq, &stored).await?;
    if let Some(pins) = pins {
        let mut pins: Pins = records::decode(&pins, stoa_store::spaces::PINNED_MESSAGES.name)?;
        let before = pins.pins.len();
        pins.pins.retain(|pin| pin.seq != place.seq.0);
        if pins.pins.len() < before {
            batch.txn.put(&pins_key, pins_bucket, &pins.encode_to_vec()).await?;
        }
    }
    Ok(answer)
}
