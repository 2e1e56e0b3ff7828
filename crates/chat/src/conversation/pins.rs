//! Messages that are pinned in a conversation, for all who take part (msync section 9.12).
//!
//! A pin is a place in the log, never a text: what is shown is the message as it is then. Pins lie in
//! one record, which is worked on in the line of the log's appender; so a message that is taken back
//! while somebody pins it is not pinned afterwards.

use std::sync::Arc;

use prost::Message;
use stoa_core::{AppScope, Caller, MessageId, Resource, Seq, Target, Timestamp, UserId, limits};
use stoa_store::{AppStore, Blind, Bucket, Key, spaces};

use super::{View, conversation_notice};
use crate::change::{Place, audience_of_change};
use crate::class::class_blind;
use crate::entry::{Entry, Kind, Log};
use crate::event;
use crate::log::{Batch, NewEntry, entry_key, log_blind};
use crate::records::{self, Pins, StoredEntry, StoredPin};
use crate::{Chat, Error};

/// A pinned message.
#[derive(Debug, Clone)]
pub struct Pin {
    /// The message.
    pub entry: Arc<Entry>,
    /// Who pinned it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A page of pinned messages, the last pinned first.
#[derive(Debug)]
pub struct PinPage {
    /// The pins.
    pub pins: Vec<Pin>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

/// The key of the pins of the conversation called `conversation`.
pub(crate) fn pins_key(store: &AppStore, conversation: Blind) -> Key {
    store.key(&spaces::PINNED_MESSAGES).blind(conversation).done()
}

/// The key of the pins of the conversation whose log that is, and what they are sealed under.
pub(crate) fn pins_of(store: &AppStore, log: &Log, blind: Blind) -> (Key, Bucket) {
    match log.class_number() {
        Some(number) => {
            let bucket = Bucket::Object(class_blind(store, number).0);
            (store.key(&spaces::CLASS_CHAT_PINS).blind(blind).done(), bucket)
        }
        None => (pins_key(store, blind), Bucket::Object(blind.0)),
    }
}

fn decode(value: Option<bytes::Bytes>) -> Result<Pins, Error> {
    match value {
        Some(value) => Ok(records::decode(&value, spaces::PINNED_MESSAGES.name)?),
        None => Ok(Pins::default()),
    }
}

/// Somebody who pins a message, or takes it down.
struct Wanted {
    place: Place,
    message: MessageId,
    by: UserId,
    resource: Resource,
    pinned: bool,
}

impl Chat {
    /// Pins a message of the conversation with `target`, or takes it down; whoever takes part may.
    /// Pinned again, it moves to the head of the list. All who take part are told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::UnknownMessage`];
    /// [`Error::NotInGroup`]; [`Error::LimitReached`]; [`Error::Store`].
    pub async fn pin_message(
        &self,
        caller: &Caller,
        resource: &Resource,
        target: &Target,
        message: MessageId,
        pinned: bool,
    ) -> Result<(), Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let place = self.place_of(caller, me, target, message).await?;
        let log = place.log.clone();
        let (by, resource) = (me.clone(), resource.clone());
        let wanted = Arc::new(Wanted { place, message, by, resource, pinned });
        self.act_in(caller, &log, move |batch| {
            let wanted = wanted.clone();
            Box::pin(async move { pin(batch, &wanted).await })
        })
        .await
    }

    /// A page of the messages that are pinned in the conversation with `target`, as far as the calling
    /// user sees them. `cursor` is where the page before ended.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::Argument`] for the cursor;
    /// [`Error::NotInGroup`]; [`Error::Store`].
    pub async fn pinned_messages(
        &self,
        caller: &Caller,
        target: &Target,
        cursor: Option<&str>,
        count: usize,
    ) -> Result<PinPage, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let skip = match cursor {
            None => None,
            Some(text) => {
                let problem = "must be empty, or the cursor of the page before";
                Some(text.parse::<u64>().map_err(|_| Error::argument("cursor", problem))?)
            }
        };
        let mut page = PinPage { pins: Vec::new(), next: None };
        let target = &self.as_named(caller, target).await?;
        let Some(membership) = self.membership(caller, me, target).await? else {
            return match target {
                Target::Group(_) => Err(Error::NotInGroup),
                Target::User(_) => Ok(page),
            };
        };
        if membership.last().is_some() {
            return Err(Error::NotInGroup);
        }
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let log = Log::Conversation(target.conversation(me));
        let kept = self.shared.kept_in(caller.app(), &log);
        let blind = log_blind(&store, &log);
        let pins = decode(read.get(&pins_of(&store, &log, blind).0).await?)?.pins;
        // A page goes on behind the pin at that place, wherever it stands by now.
        let reached = skip.map(|seq| pins.iter().position(|pin| pin.seq == seq).unwrap_or(0));
        // The user's own deletions do not take pins down.
        let membership = records::Membership { cleared_seq: 0, has_deleted: false, ..membership };
        let view = View::new(&store, &read, me, target, membership, kept).await?;
        let mut last = None;
        for pin in pins[..reached.unwrap_or(pins.len())].iter().rev() {
            let seq = Seq(pin.seq);
            let Some(value) = read.get(&entry_key(&store, &log, blind, seq)).await? else {
                continue;
            };
            let space = spaces::MESSAGES.name;
            let entry = records::decode::<StoredEntry>(&value, space)?.into_entry(space)?;
            if !view.shows(seq, &entry) {
                continue;
            }
            if page.pins.len() == count {
                page.next = last;
                break;
            }
            let by = pin.by.parse().map_err(|_| Error::Internal)?;
            let at = Timestamp::from_millis(pin.at_ms);
            page.pins.push(Pin { entry: Arc::new(entry), by, at });
            last = Some(pin.seq.to_string());
        }
        Ok(page)
    }
}

async fn pin(batch: &mut Batch<'_>, wanted: &Wanted) -> Result<(), Error> {
    let Wanted { place, message, by, resource, pinned } = wanted;
    if place.target.group().is_some() {
        let group = batch.group()?;
        group.roster.member(by).ok_or(Error::NotInGroup)?;
        if group.info.disabled {
            return Err(Error::GroupDisabled);
        }
    }
    let stored = batch.stored(place.seq).await?.ok_or(Error::UnknownMessage)?;
    let entry = stored.into_entry(spaces::MESSAGES.name)?;
    let over = entry.stored_at() <= batch.kept_since();
    if !entry.is_history_of(by) || over {
        return Err(Error::UnknownMessage);
    }
    let (key, bucket) = pins_of(batch.store, batch.log, batch.blind);
    let mut pins = decode(batch.txn.get(&key).await?)?;
    let had = pins.pins.len();
    pins.pins.retain(|pin| pin.seq != place.seq.0);
    if *pinned {
        // What is over or was taken back meanwhile makes room.
        if pins.pins.len() >= limits::PINNED_MESSAGES {
            let mut kept = Vec::new();
            for pin in pins.pins {
                let Some(stored) = batch.stored(Seq(pin.seq)).await? else { continue };
                let entry = stored.into_entry(spaces::MESSAGES.name)?;
                if entry.stored_at() > batch.kept_since() {
                    kept.push(pin);
                }
            }
            pins.pins = kept;
        }
        if pins.pins.len() >= limits::PINNED_MESSAGES {
            let most = limits::PINNED_MESSAGES;
            return Err(Error::LimitReached(format!("{most} messages can be pinned")));
        }
        let at_ms = batch.now.as_millis();
        pins.pins.push(StoredPin { seq: place.seq.0, by: by.as_str().into(), at_ms });
    } else if pins.pins.len() == had {
        return Err(Error::UnknownMessage);
    }
    let op = if *pinned { "pin" } else { "pin_delete" };
    let id = message.to_string();
    let notice = conversation_notice(op, (by, resource), &place.target, batch.now, &id);
    let audience = audience_of_change(&entry, by);
    let told =
        NewEntry::event(Kind::Notice, (by, resource), entry.to.clone(), event::body(&notice));
    batch.append(&told.for_audience(audience))?;
    batch.written += 1;
    Ok(batch.txn.put(&key, bucket, &pins.encode_to_vec()).await?)
}
