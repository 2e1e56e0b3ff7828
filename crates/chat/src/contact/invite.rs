//! Invitations to become contacts.

use prost::Message;
use stoa_core::{AppScope, Caller, Resource, Timestamp, UserId, limits};
use stoa_store::{AppStore, Bucket, Direction, Key, Txn, spaces};

use super::relation::{block_key, mark};
use super::stored::StoredInvitation;
use super::{account, acting, tell, ties};
use crate::account::user_blind;
use crate::entry::Kind;
use crate::event::{self, ContactAct, ContactEvent};
use crate::log::NewEntry;
use crate::records;
use crate::{Chat, Error};

fn invitation_key(store: &AppStore, invited: &UserId, inviter: &UserId) -> Key {
    let (invited, inviter) = (user_blind(store, invited), user_blind(store, inviter));
    store.key(&spaces::CONTACT_INVITATIONS).blind(invited).blind(inviter).done()
}

/// Whether an invitation can no longer be answered.
fn is_over(invitation: &StoredInvitation, now: Timestamp) -> bool {
    now.since(Timestamp::from_millis(invitation.at_ms)) >= limits::INVITATION_LIFE
}

/// Makes room for one invitation more to `invited`: those that are over go.
async fn make_room(
    store: &AppStore,
    txn: &mut Txn,
    invited: &UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let all = store.key(&spaces::CONTACT_INVITATIONS).blind(user_blind(store, invited)).all();
    let rows = txn.scan(&all, Direction::Forward, limits::INVITATIONS_OPEN).await?;
    if rows.len() < limits::INVITATIONS_OPEN {
        return Ok(());
    }
    let mut freed = false;
    for (key, value) in rows {
        let space = spaces::CONTACT_INVITATIONS.name;
        if is_over(&records::decode::<StoredInvitation>(&value, space)?, now) {
            txn.delete(&key)?;
            freed = true;
        }
    }
    if freed {
        return Ok(());
    }
    let most = limits::INVITATIONS_OPEN;
    Err(Error::LimitReached(format!(
        "the user has {most} invitations to answer, which is the most"
    )))
}

/// Takes the open invitation of `inviter` to `invited`.
///
/// # Errors
/// [`Error::NoInvitation`] when there is none, its time is over, or it is from somebody who had the
/// inviter's name before.
async fn take(
    store: &AppStore,
    txn: &mut Txn,
    invited: &UserId,
    inviter: &UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let key = invitation_key(store, invited, inviter);
    let value = txn.get(&key).await?.ok_or(Error::NoInvitation)?;
    let invitation: StoredInvitation = records::decode(&value, spaces::CONTACT_INVITATIONS.name)?;
    let inviter = match account(store, txn, inviter).await {
        Err(Error::UnknownUser) => return Err(Error::NoInvitation),
        other => other?,
    };
    if is_over(&invitation, now) || inviter.created_ms > invitation.at_ms {
        return Err(Error::NoInvitation);
    }
    Ok(txn.delete(&key)?)
}

impl Chat {
    /// Invites `invited` to become contacts of `me`, all of them or none. An invitation that is open is
    /// renewed. Each is told, also later if it is offline.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::Argument`] for oneself, for
    /// a contact and for a reason of more than 512 characters; [`Error::UnknownUser`];
    /// [`Error::Blocked`] by one of them; [`Error::LimitReached`].
    pub async fn invite_contacts(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        invited: &[UserId],
        reason: &str,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        if reason.chars().count() > limits::REASON_CHARS {
            let problem = format!("at most {} characters", limits::REASON_CHARS);
            return Err(Error::argument("reason", problem));
        }
        if invited.is_empty() || invited.len() > limits::CONTACT_BATCH {
            let problem = format!("1 to {} users", limits::CONTACT_BATCH);
            return Err(Error::argument("usernames", problem));
        }
        if invited.contains(me) {
            return Err(Error::argument("usernames", "nobody can invite itself"));
        }
        let mut invited = invited.to_vec();
        invited.sort_unstable();
        invited.dedup();
        let store = &self.store.app(caller).await?;
        let (invited, on) = (&invited, &acting(resource));
        let now = self.shared.clock.now();
        self.posting(caller.app(), store, |mut posting| async move {
            account(store, &mut posting.txn, me).await?;
            ties::must_have_room(caller, store, &mut posting.txn, me, "Inviter").await?;
            for user in invited {
                let txn = &mut posting.txn;
                account(store, txn, user).await?;
                if txn.exists(&block_key(store, user, me)).await? {
                    return Err(Error::Blocked);
                }
                if ties::get(store, txn, me, user).await?.is_some() {
                    return Err(Error::argument("usernames", "one of them is a contact already"));
                }
                ties::must_have_room(caller, store, txn, user, "Invitee").await?;
                let key = invitation_key(store, user, me);
                if !txn.exists(&key).await? {
                    make_room(store, txn, user, now).await?;
                }
                let invitation = StoredInvitation {
                    inviter: me.as_str().into(),
                    reason: reason.into(),
                    at_ms: now.as_millis(),
                };
                let bucket = Bucket::Object(user_blind(store, user).0);
                txn.put(&key, bucket, &invitation.encode_to_vec()).await?;
                let act = ContactAct::Invited;
                tell(&mut posting, user, act, (me, user), Some(reason), (me, on));
            }
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// Accepts the invitation of `inviter`: the two are contacts from now on. Both are told; the device
    /// that accepts, too, that it has a contact.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::NoInvitation`];
    /// [`Error::Blocked`] by the inviter; [`Error::LimitReached`].
    pub async fn accept_contact(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        inviter: &UserId,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let store = &self.store.app(caller).await?;
        let on = &acting(resource);
        let now = self.shared.clock.now();
        self.posting(caller.app(), store, |mut posting| async move {
            let txn = &mut posting.txn;
            account(store, txn, me).await?;
            take(store, txn, me, inviter, now).await?;
            if txn.exists(&block_key(store, inviter, me)).await? {
                return Err(Error::Blocked);
            }
            ties::must_have_room(caller, store, txn, inviter, "Inviter").await?;
            ties::must_have_room(caller, store, txn, me, "Invitee").await?;
            ties::tie(store, txn, me, inviter, now).await?;
            // Who invited each other have one answer.
            txn.delete(&invitation_key(store, inviter, me))?;
            mark(store, &mut posting, (me, on), inviter).await?;
            let (by, made) = ((me, on), (me, inviter));
            tell(&mut posting, inviter, ContactAct::AcceptedByOther, made, None, by);
            tell(&mut posting, inviter, ContactAct::Added, made, None, by);
            tell(&mut posting, me, ContactAct::Added, made, None, by);
            if let Some(resource) = resource {
                let event = ContactEvent {
                    act: ContactAct::Added.into(),
                    from: inviter.as_str().into(),
                    to: me.as_str().into(),
                    reason: None,
                };
                let (kind, body) = (Kind::ContactEvent, event::body(&event));
                let mut entry = NewEntry::event(kind, (inviter, on), me.clone().into(), body);
                entry.only_resource = Some(resource.clone());
                posting.post(me, entry);
            }
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// Declines the invitation of `inviter`, who is told, as are the user's other devices.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::NoInvitation`].
    pub async fn decline_contact(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        inviter: &UserId,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let store = &self.store.app(caller).await?;
        let on = &acting(resource);
        let now = self.shared.clock.now();
        self.posting(caller.app(), store, |mut posting| async move {
            account(store, &mut posting.txn, me).await?;
            take(store, &mut posting.txn, me, inviter, now).await?;
            let (by, done) = ((me, on), (me, inviter));
            tell(&mut posting, inviter, ContactAct::DeclinedByOther, done, None, by);
            tell(&mut posting, me, ContactAct::Declined, done, None, by);
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }
}
