//! Inviting users into a group, with their consent where the group is set so.

use std::sync::Arc;

use stoa_core::{Caller, GroupId, MucKind, Resource, UserId};

use super::members::{Outcomes, distinct};
use super::{GroupActor, Standing};
use crate::account::account_key;
use crate::event::{GroupAct, GroupEvent};
use crate::log::Batch;
use crate::{Chat, Error};

impl Batch<'_> {
    /// Invites `users`, who may come: they are asked.
    fn ask(&mut self, who: &GroupActor, users: &[UserId]) -> Result<(), Error> {
        let (now, actor) = (self.now, who.actor());
        // The back end invites for the owner, so that somebody is told of the answer.
        let owner = &self.group()?.info.owner;
        let inviter = who.user.as_ref().unwrap_or(owner).clone();
        let event = self.group()?.event(GroupAct::Invited, &inviter);
        for user in users {
            self.group_mut()?.set(user, Standing::Invited(inviter.clone()), now);
            let event = GroupEvent { users: vec![user.as_str().into()], ..event.clone() };
            self.post(&actor, user, &event);
        }
        Ok(())
    }
}

impl Chat {
    /// Invites users into a group: they become members at once or, where the group asks whom it
    /// invites, are asked. Answers what became of each. Owner and administrators may, and members where
    /// the group is set so.
    ///
    /// # Errors
    /// [`Error::AlreadyInGroup`] if all are members; [`Error::GroupFull`], [`Error::LimitReached`];
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn invite_to_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, Result<(), Error>)>, Error> {
        let users = distinct(users);
        let mut asked: Outcomes = Vec::with_capacity(users.len());
        for user in users {
            let free = match self.check_joined(caller, &user, MucKind::Group).await {
                Err(error) if error.is_fault() => return Err(error),
                free => free,
            };
            asked.push((user, free));
        }
        let work = Arc::new((GroupActor::new(caller, resource), asked));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, asked) = &*work;
                let group = batch.group()?;
                who.must_invite(group)?;
                let confirm = group.info.invite_confirm;
                let (mut outcomes, mut new) = (Outcomes::new(), Vec::new());
                for (user, free) in asked {
                    let outcome = match batch.may_come(user).await {
                        Err(error) if error.is_fault() => return Err(error),
                        outcome => outcome.and_then(|()| free.clone()),
                    };
                    if outcome.is_ok() {
                        new.push(user.clone());
                    }
                    outcomes.push((user.clone(), outcome));
                }
                let members = |(_, outcome): &(_, Result<(), Error>)| {
                    matches!(outcome, Err(Error::AlreadyInGroup))
                };
                if !outcomes.is_empty() && outcomes.iter().all(members) {
                    return Err(Error::AlreadyInGroup);
                }
                batch.must_have_room(if confirm { new.len().min(1) } else { new.len() })?;
                if new.is_empty() {
                    return Ok(outcomes);
                }
                if confirm {
                    batch.must_have_room_to_wait(new.len() - 1)?;
                    batch.ask(who, &new)?;
                } else {
                    batch.add(&who.actor(), &new).await?;
                }
                Ok(outcomes)
            })
        })
        .await
    }

    /// Accepts or declines an invitation of `invited`; whoever invited is told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for one who is
    /// not invited; [`Error::AlreadyInGroup`], [`Error::GroupFull`], [`Error::GroupDisabled`],
    /// [`Error::NotPossible`] for one who is in too many groups; [`Error::UnknownGroup`].
    pub async fn answer_invitation(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        invited: &UserId,
        accept: bool,
    ) -> Result<(), Error> {
        if !caller.may_act_for(invited) {
            return Err(Error::NotAllowed);
        }
        if accept {
            self.check_joined(caller, invited, MucKind::Group).await?;
        }
        let work = Arc::new((GroupActor::new(caller, resource), invited.clone()));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, invited) = &*work;
                let none = || Error::argument("invitee", "is not invited to this group");
                let (inviter, since) = match batch.group()?.roster.get(invited) {
                    Some(line) => match &line.standing {
                        Standing::Invited(inviter) => (inviter.clone(), line.since),
                        standing if standing.is_member() => return Err(Error::AlreadyInGroup),
                        _ => return Err(none()),
                    },
                    None => return Err(none()),
                };
                if !batch.had_name(invited, since).await? {
                    return Err(none());
                }
                let actor = who.actor();
                let act = match accept {
                    true => GroupAct::InvitationAccepted,
                    false => GroupAct::InvitationDeclined,
                };
                let event = GroupEvent {
                    users: vec![invited.as_str().into()],
                    ..batch.group()?.event(act, invited)
                };
                if accept {
                    who.must_be_on(batch.group()?)?;
                    batch.must_have_room(1)?;
                }
                // Whoever invited may have been deleted since.
                if batch.txn.exists(&account_key(batch.store, &inviter)).await? {
                    batch.post(&actor, &inviter, &event);
                }
                if accept {
                    batch.come(&actor, invited).await
                } else {
                    batch.group_mut()?.remove(invited);
                    Ok(())
                }
            })
        })
        .await
    }
}
