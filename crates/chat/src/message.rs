//! Sending messages and receipts.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_bus::Topic;
use stoa_core::{AppScope, Caller, GroupId, Resource, Seq, Target, UserId, limits};

use stoa_metrics::messages::{ACCEPTED, Taken};
use stoa_store::{AppStore, StoreError};

use crate::contact::Relation;
use crate::entry::{Audience, Delivery, Entry, Event, Kind, Log, Priority, Queue};
use crate::log::{Appended, Done, NewEntry};
use crate::room::RoomWork;
use crate::{Chat, Error, account};

/// A message as a device hands it in.
#[derive(Debug, Clone)]
pub struct Draft {
    /// To whom.
    pub to: Target,
    /// Only to this device of the recipient.
    pub only_resource: Option<Resource>,
    /// Only to these members of the group; to all if empty.
    pub only_users: Vec<UserId>,
    /// What it is.
    pub kind: Kind,
    /// The body, passed on as it is.
    pub body: Bytes,
    /// The encoded `ext` of the meta, passed on as it is.
    pub ext: Bytes,
    /// Bytes of text and `ext` in the body, which the size limit is about.
    pub content_bytes: usize,
    /// The client's number for it.
    pub client_id: u64,
    /// Not stored: only for devices that are online now.
    pub online_only: bool,
    /// Its readers in the group send receipts, where the app's plan has them.
    pub receipts: bool,
    /// In a chat room: how soon it is dropped where there is too much.
    pub priority: Priority,
}

/// A receipt as a device hands it in.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// [`Kind::ReadReceipt`], [`Kind::DeliveryReceipt`] or [`Kind::ConversationReceipt`].
    pub kind: Kind,
    /// The other side of the conversation.
    pub to: UserId,
    /// The body, passed on as it is.
    pub body: Bytes,
    /// The client's number for it.
    pub client_id: u64,
}

impl Chat {
    /// Sends a message from the caller's device `resource`. `done` learns the outcome when it is
    /// durable (or, for an online-only message, handed to who is online). Calls for one conversation
    /// keep their order if each is awaited before the next; the outcome need not be.
    pub async fn send(&self, caller: &Caller, resource: &Resource, draft: Draft, done: Done) {
        let Err((draft, done)) = self.send_now(caller, resource, draft, done) else { return };
        let Some(from) = caller.user() else { return done(Err(Error::NotAllowed)) };
        if let Err(error) = self.must_reach_in_class(caller, &draft.to).await {
            return done(Err(error));
        }
        // Between two who are there for a class it is handed over, and kept nowhere.
        if draft.online_only || Self::passes_only(caller, &draft.to) {
            return done(self.pass_on(caller, from, resource, draft).await);
        }
        match self.store.app(caller).await {
            Ok(store) => self.hand_in(caller, &store, from, resource, draft, done),
            Err(error) => done(Err(error.into())),
        }
    }

    /// As [`Self::send`] where nothing has to be waited for, which is nearly always.
    ///
    /// # Errors
    /// Gives back what it was given where something has.
    #[expect(clippy::result_large_err, reason = "it is what was given, and seldom comes back")]
    pub fn send_now(
        &self,
        caller: &Caller,
        resource: &Resource,
        draft: Draft,
        done: Done,
    ) -> Result<(), (Draft, Done)> {
        let from = match self.check(caller, &draft) {
            Ok(from) => from,
            Err(error) => {
                done(Err(error));
                return Ok(());
            }
        };
        // What a class has to be asked about waits for the answer.
        let of_class = match &draft.to {
            Target::User(user) => user.is_of_classes(),
            Target::Group(group) => group.class_number().is_some(),
        };
        let asks = draft.online_only || of_class || caller.class().is_some();
        match self.store.app_now(caller).filter(|_| !asks) {
            Some(store) => self.hand_in(caller, &store, from, resource, draft, done),
            None => return Err((draft, done)),
        }
        Ok(())
    }

    fn hand_in(
        &self,
        caller: &Caller,
        store: &AppStore,
        from: &UserId,
        resource: &Resource,
        draft: Draft,
        done: Done,
    ) {
        let log = Log::Conversation(draft.to.conversation(from));
        let audience = match draft.only_users.is_empty() {
            true => Audience::All,
            false => Audience::only(draft.only_users),
        };
        let entry = NewEntry {
            kind: draft.kind,
            from: from.clone(),
            from_resource: resource.clone(),
            to: draft.to,
            only_resource: draft.only_resource,
            audience,
            body: draft.body,
            ext: draft.ext,
            client_id: draft.client_id,
            contacts_only: self.settings(caller).friends_only,
            about: Seq::START,
            receipts: draft.receipts && self.settings(caller).plan.receipts_and_reports,
            priority: draft.priority,
            by_back_end: false,
        };
        self.shared.appenders.of(caller.app(), store, &log).submit(&self.shared, entry, done);
    }

    fn check<'a>(&self, caller: &'a Caller, draft: &Draft) -> Result<&'a UserId, Error> {
        let from = caller.user().ok_or(Error::NotAllowed)?;
        if !draft.kind.is_message() {
            return Err(Error::argument("contents", "the kind of content is not known"));
        }
        if draft.content_bytes > limits::MESSAGE_CONTENT_BYTES {
            let (got, limit) = (draft.content_bytes, limits::MESSAGE_CONTENT_BYTES);
            return Err(Error::TooLarge { got, limit });
        }
        if draft.only_users.len() > limits::DIRECTED_USERS {
            let problem = format!("a message goes to {} members or to all", limits::DIRECTED_USERS);
            return Err(Error::TooManyReceivers(problem));
        }
        Ok(from)
    }

    /// Sends a receipt from the caller's device `resource`: to all devices of the other side and,
    /// except for a delivery receipt, to the caller's other devices.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        resource: &Resource,
        receipt: Receipt,
        done: Done,
    ) {
        let Some(me) = caller.user() else { return done(Err(Error::NotAllowed)) };
        let entry = NewEntry {
            kind: receipt.kind,
            from: me.clone(),
            from_resource: resource.clone(),
            to: Target::User(receipt.to.clone()),
            only_resource: None,
            audience: Audience::All,
            body: receipt.body,
            ext: Bytes::new(),
            client_id: receipt.client_id,
            contacts_only: false,
            about: Seq::START,
            receipts: false,
            priority: Priority::Normal,
            by_back_end: false,
        };
        let own = receipt.kind != Kind::DeliveryReceipt && receipt.to != *me;
        match self.user_exists(caller, &receipt.to).await {
            Ok(true) => {}
            Ok(false) => return done(Err(Error::UnknownRecipient)),
            Err(error) => return done(Err(error)),
        }
        if receipt.kind == Kind::ConversationReceipt
            && let Err(error) = self.read_conversation(caller, &entry.to).await
        {
            return done(Err(error));
        }
        if !own {
            return self.append(caller, &Log::User(receipt.to), entry, done).await;
        }
        // The same act in two logs: acknowledged when both are durable.
        let both = Both::new(done);
        let copy = entry.clone();
        self.append(caller, &Log::User(receipt.to), entry, both.half(true)).await;
        self.append(caller, &Log::User(me.clone()), copy, both.half(false)).await;
    }

    async fn append(&self, caller: &Caller, log: &Log, entry: NewEntry, done: Done) {
        match self.store.app(caller).await {
            Ok(store) => {
                self.shared.appenders.of(caller.app(), &store, log).submit(
                    &self.shared,
                    entry,
                    done,
                );
            }
            Err(error) => done(Err(error.into())),
        }
    }

    /// Hands an online-only message to the devices that are online.
    async fn pass_on(
        &self,
        caller: &Caller,
        from: &UserId,
        resource: &Resource,
        draft: Draft,
    ) -> Result<Appended, Error> {
        let (audience, readers) = match &draft.to {
            Target::User(to) => {
                if !self.user_exists(caller, to).await? {
                    return Err(Error::UnknownRecipient);
                }
                self.may_write(caller, from, to).await?;
                (Audience::All, draft.to.conversation(from).pair())
            }
            Target::Group(group) if group.is_room() => {
                return self.pass_on_in_room(caller, from, resource, group, &draft).await;
            }
            Target::Group(group) => {
                let members = self.may_write_to_group(caller, from, group).await?;
                match draft.only_users.is_empty() {
                    true => (Audience::All, members),
                    false => (Audience::only(draft.only_users), members),
                }
            }
        };
        let now = self.shared.clock.now();
        let id = self.shared.ids.next(now, None);
        let conversation = draft.to.conversation(from);
        let entry = Arc::new(Entry {
            id,
            at: now,
            kind: draft.kind,
            from: from.clone(),
            from_resource: resource.clone(),
            to: draft.to,
            only_resource: draft.only_resource,
            audience,
            edit: None,
            body: draft.body,
            ext: draft.ext,
        });
        for user in readers {
            let app = caller.app().number;
            let delivery = Delivery {
                app,
                queue: Queue::of_target(&conversation.seen_by(&user)),
                seq: Seq::START,
                entry: entry.clone(),
                countable: 0,
                encoded: OnceLock::new(),
            };
            self.shared.bus.publish(&Topic { app, user }, &Arc::new(Event::Passing(delivery)));
        }
        ACCEPTED.of(Taken::Passing).inc();
        Ok(Appended { id, at: now })
    }

    /// Hands a message that is not stored to who is in a room.
    async fn pass_on_in_room(
        &self,
        caller: &Caller,
        from: &UserId,
        resource: &Resource,
        room: &GroupId,
        draft: &Draft,
    ) -> Result<Appended, Error> {
        let audience = match draft.only_users.is_empty() {
            true => Audience::All,
            false => Audience::only(draft.only_users.iter().cloned()),
        };
        let event =
            NewEntry::event(draft.kind, (from, resource), draft.to.clone(), draft.body.clone());
        let new = NewEntry { ext: draft.ext.clone(), ..event.for_audience(audience) };
        let work = Arc::new((new, draft.priority));
        let said = self.act_on_group(caller, room, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (new, priority) = &*work;
                batch.group()?.may_send(&new.from, batch.now)?;
                let id = batch.shared.ids.next(batch.now, None);
                let said = Arc::new(new.placed(id, batch.now));
                batch.room_acts.push(RoomWork::Pass(said, *priority).into());
                Ok(Appended { id, at: batch.now })
            })
        });
        said.await.inspect(|_| ACCEPTED.of(Taken::Passing).inc())
    }

    /// Whether a message of `from` may go to `to`, as the stored relation of the two has it.
    async fn may_write(&self, caller: &Caller, from: &UserId, to: &UserId) -> Result<(), Error> {
        let store = self.store.app(caller).await?;
        let relation = Relation::load(&store, &mut store.read().await?, from, to).await?;
        relation.may_write(from, to, self.settings(caller).friends_only)
    }

    /// The members of a group that `from` may send a message to now.
    async fn may_write_to_group(
        &self,
        caller: &Caller,
        from: &UserId,
        group: &GroupId,
    ) -> Result<Vec<UserId>, Error> {
        let group = self.group_state(caller, group).await?;
        group.may_send(from, self.shared.clock.now())?;
        let takes = group.roster.joined().filter(|(user, line)| !line.shielded || *user == from);
        Ok(takes.map(|(user, _)| user.clone()).collect())
    }

    pub(crate) async fn user_exists(&self, caller: &Caller, user: &UserId) -> Result<bool, Error> {
        let store = self.store.app(caller).await?;
        Ok(store.read().await?.exists(&account::account_key(&store, user)).await?)
    }
}

/// Joins the outcomes of two appends into one answer, when both are known.
struct Both(Arc<Mutex<BothState>>);

struct BothState {
    done: Option<Done>,
    first: Option<Result<Appended, Error>>,
    second: Option<Result<Appended, Error>>,
}

impl Both {
    fn new(done: Done) -> Self {
        Self(Arc::new(Mutex::new(BothState { done: Some(done), first: None, second: None })))
    }

    fn half(&self, first: bool) -> Done {
        let state = self.0.clone();
        Box::new(move |outcome| {
            let answer = {
                let mut state = state.lock();
                *if first { &mut state.first } else { &mut state.second } = Some(outcome);
                if state.first.is_none() || state.second.is_none() {
                    return;
                }
                let (first, second) = (state.first.take(), state.second.take());
                state.done.take().zip(first).zip(second)
            };
            if let Some(((done, first), second)) = answer {
                done(joined(first, second));
            }
        })
    }
}

/// The outcome of an act in two logs: the first's id. If one of them has it and the other not, it is
/// neither done nor refused; sent again under the same client id it is completed.
fn joined(
    first: Result<Appended, Error>,
    second: Result<Appended, Error>,
) -> Result<Appended, Error> {
    match (first, second) {
        (Ok(appended), Ok(_)) => Ok(appended),
        (Err(error), Err(other)) => Err(if other.outcome_is_unknown() { other } else { error }),
        _ => Err(StoreError::Unknown("one of two logs has it".into()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::{MessageId, Timestamp};

    #[test]
    fn half_an_act_is_neither_done_nor_refused() {
        let done = |id| Ok(Appended { id: MessageId(id), at: Timestamp::default() });
        let refused = || Err(Error::UnknownRecipient);
        let unknown = || Err(StoreError::Unknown("power cut".into()).into());
        assert_eq!(joined(done(1), done(2)).map(|appended| appended.id.0).ok(), Some(1));
        assert!(matches!(joined(refused(), refused()), Err(Error::UnknownRecipient)));
        for (first, second) in [
            (done(1), refused()),
            (refused(), done(2)),
            (done(1), unknown()),
            (unknown(), refused()),
            (refused(), unknown()),
        ] {
            assert!(joined(first, second).is_err_and(|error| error.outcome_is_unknown()));
        }
    }
}
