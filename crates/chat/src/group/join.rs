//! Joining a public group, and asking to be let into one.

use std::sync::Arc;

use stoa_core::{Caller, GroupId, MucKind, Resource, Timestamp, UserId, limits};
use stoa_store::spaces;

use super::create::check_text;
use super::{GroupActor, Standing};
use crate::account::account_key;
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::log::Batch;
use crate::records::{self, Account};
use crate::{Chat, Error};

impl Batch<'_> {
    /// Whether the user that has the name now had it at `then`: a name that was deleted and registered
    /// again is another person, who is not to use what the first was offered.
    pub(crate) async fn had_name(&mut self, user: &UserId, then: Timestamp) -> Result<bool, Error> {
        let Some(value) = self.txn.get(&account_key(self.store, user)).await? else {
            return Ok(false);
        };
        let account: Account = records::decode(&value, spaces::USERS.name)?;
        Ok(account.created_ms <= then.as_millis())
    }

    /// Passes if one more may wait for an answer.
    ///
    /// # Errors
    /// [`Error::LimitReached`].
    pub(crate) fn must_have_room_to_wait(&self, waiting: usize) -> Result<(), Error> {
        if self.group()?.roster.pending() + waiting >= limits::GROUP_PENDING {
            let text = "too many invitations and applications of this group wait for an answer";
            return Err(Error::LimitReached(text.into()));
        }
        Ok(())
    }
}

impl Chat {
    /// `user` joins a public group or, where that needs leave, applies: owner and administrators are
    /// told, with `reason`. Answers whether the user is a member now.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Forbidden`] for a group
    /// that is not public; [`Error::AlreadyInGroup`], [`Error::BlockedByGroup`], [`Error::GroupFull`],
    /// [`Error::GroupDisabled`], [`Error::UnknownGroup`], [`Error::UnknownUser`],
    /// [`Error::LimitReached`], [`Error::NotPossible`] for one who is in too many groups.
    pub async fn apply_to_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<bool, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        reason.as_ref().map_or(Ok(()), |text| check_text("message", text, limits::REASON_CHARS))?;
        self.check_joined(caller, user, MucKind::Group).await?;
        let work = Arc::new((GroupActor::new(caller, resource), user.clone(), reason));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, user, reason) = &*work;
                batch.may_come(user).await?;
                let group = batch.group()?;
                let line = group.roster.get(user).cloned();
                let invited = line.as_ref().filter(|l| matches!(l.standing, Standing::Invited(_)));
                let invited = match invited.map(|line| line.since) {
                    Some(since) => batch.had_name(user, since).await?,
                    None => false,
                };
                let group = batch.group()?;
                if !group.info.public && !invited {
                    return Err(Error::Forbidden);
                }
                who.must_be_on(group)?;
                batch.must_have_room(1)?;
                if invited || !batch.group()?.info.approval {
                    batch.come(&who.actor(), user).await?;
                    return Ok(true);
                }
                if line.is_none() {
                    batch.must_have_room_to_wait(0)?;
                }
                let now = batch.now;
                batch.group_mut()?.set(user, Standing::Applied, now);
                let group = batch.group()?;
                let event = GroupEvent {
                    reason: Some(reason.clone().unwrap_or_default()),
                    ..group.event(GroupAct::Applied, user)
                };
                let told = Audience::only(group.roster.managers().cloned());
                batch.tell(&who.actor(), &event, told)?;
                Ok(false)
            })
        })
        .await
    }

    /// Lets an applicant in, or not; the applicant is told, with `reason`.
    ///
    /// # Errors
    /// [`Error::Argument`] for one who has not applied; [`Error::AlreadyInGroup`],
    /// [`Error::GroupFull`], [`Error::NotPossible`] for one who is in too many groups;
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn answer_application(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        applicant: &UserId,
        accept: bool,
        reason: Option<String>,
    ) -> Result<(), Error> {
        reason.as_ref().map_or(Ok(()), |text| check_text("reason", text, limits::REASON_CHARS))?;
        if accept {
            self.check_joined(caller, applicant, MucKind::Group).await?;
        }
        let work = Arc::new((GroupActor::new(caller, resource), applicant.clone(), reason));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, applicant, reason) = &*work;
                let group = batch.group()?;
                who.must_manage(group)?;
                let none = || Error::argument("applicant", "has not applied to this group");
                let since = match group.roster.get(applicant) {
                    Some(line) if line.standing == Standing::Applied => line.since,
                    Some(line) if line.standing.is_member() => return Err(Error::AlreadyInGroup),
                    _ => return Err(none()),
                };
                if !batch.had_name(applicant, since).await? {
                    return Err(none());
                }
                let actor = who.actor();
                let act = match accept {
                    true => GroupAct::ApplicationAccepted,
                    false => GroupAct::ApplicationDeclined,
                };
                let event = GroupEvent {
                    users: vec![applicant.as_str().into()],
                    reason: reason.clone(),
                    ..batch.group()?.event(act, &actor.user)
                };
                if accept {
                    batch.must_have_room(1)?;
                    batch.post(&actor, applicant, &event);
                    return batch.admit(&actor, applicant).await;
                }
                batch.group_mut()?.remove(applicant);
                batch.post(&actor, applicant, &event);
                Ok(())
            })
        })
        .await
    }
}
