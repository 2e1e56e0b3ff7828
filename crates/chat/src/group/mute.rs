//! Muting members of a group or chat room, and all of them (chat-rest sections 2.13 and 2.18). A mute in
//! a room outlasts the visit.
//!
//! A mute ends by the clock: nothing happens at its end, it just holds no longer. That all are muted
//! is a switch of its own, and has no end.

use std::time::Duration;

use stoa_core::{Caller, GroupId, Resource, Timestamp, UserId};

use super::Line;
use super::sight::{named, tell_managers};
use crate::entry::Audience;
use crate::event::GroupAct;
use crate::{Chat, Error};

/// Somebody who is muted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutedMember {
    /// Who.
    pub user: UserId,
    /// Until when; none for ever.
    pub until: Option<Timestamp>,
}

impl MutedMember {
    fn of(user: &UserId, until: Timestamp) -> Self {
        Self { user: user.clone(), until: Some(until).filter(|until| *until < Line::FOR_EVER) }
    }

    /// The end in milliseconds since 1970; -1 for none.
    pub fn until_ms(&self) -> i64 {
        self.until.map_or(-1, |until| i64::try_from(until.as_millis()).unwrap_or(-1))
    }
}

/// The end of a mute that begins now; none if it is beyond what clients can express.
fn end(now: Timestamp, lasts: Option<Duration>) -> Option<Timestamp> {
    let Some(lasts) = lasts else { return Some(Line::FOR_EVER) };
    let end = now.as_millis().checked_add(u64::try_from(lasts.as_millis()).ok()?)?;
    i64::try_from(end).ok().map(|_| Timestamp::from_millis(end))
}

impl Chat {
    /// Mutes up to 60 members for a time, or for ever without one. Who is muted already is muted anew.
    /// All of them or none.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member, and for an administrator where one of them is an
    /// administrator; [`Error::IsOwner`], [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::Argument`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn mute_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
        lasts: Option<Duration>,
    ) -> Result<Vec<MutedMember>, Error> {
        if lasts.is_some_and(|lasts| lasts.is_zero()) {
            return Err(Error::argument("mute_duration", "from 1 ms on, or -1 for ever"));
        }
        self.act_as(caller, resource, id, named(users)?, move |batch, who, users| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_manage(group)?;
                for user in users {
                    group.roster.belonging(user).ok_or(Error::NotInGroup)?;
                    who.must_outrank(group, user)?;
                }
                let problem = || Error::argument("mute_duration", "is too long, use -1 for ever");
                let until = end(batch.now, lasts).ok_or_else(problem)?;
                let mut muted = Vec::new();
                for user in users {
                    batch.group_mut()?.change(user, |line| line.mute(Some(until)));
                    let member = MutedMember::of(user, until);
                    let until_ms = Some(member.until_ms());
                    tell_managers(batch, who, GroupAct::Muted, user, until_ms)?;
                    muted.push(member);
                }
                Ok(muted)
            })
        })
        .await
    }

    /// Lets up to 60 members speak again. Nothing happens to those who are not muted.
    ///
    /// # Errors
    /// As [`Self::mute_in_group`].
    pub async fn unmute_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<UserId>, Error> {
        self.act_as(caller, resource, id, named(users)?, move |batch, who, users| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_manage(group)?;
                let mut muted = Vec::new();
                for user in users {
                    let line = group.roster.belonging(user).ok_or(Error::NotInGroup)?;
                    who.must_outrank(group, user)?;
                    muted.extend(line.is_muted(batch.now).then_some(user));
                }
                for user in muted {
                    batch.group_mut()?.change(user, |line| line.mute(None));
                    tell_managers(batch, who, GroupAct::Unmuted, user, None)?;
                    batch.settle(user).await?;
                }
                Ok(users.clone())
            })
        })
        .await
    }

    /// Who is muted at present, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::NotInGroup`], [`Error::UnknownGroup`],
    /// [`Error::Store`].
    pub async fn muted_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
    ) -> Result<Vec<MutedMember>, Error> {
        let group = self.group_for_manager(caller, id).await?;
        let now = self.shared.clock.now();
        let muted = group.roster.all_belonging().filter(|(_, line)| line.is_muted(now));
        Ok(muted
            .filter_map(|(user, line)| Some(MutedMember::of(user, line.muted_until()?)))
            .collect())
    }

    /// Whether `user` is on the list of the muted at present. A member may ask that of itself.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for another user; [`Error::NotInGroup`], [`Error::UnknownGroup`],
    /// [`Error::Store`].
    pub async fn is_muted_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
        user: &UserId,
    ) -> Result<bool, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        let group = self.group_for_member(caller, id).await?;
        let line = group.roster.belonging(user).ok_or(Error::NotInGroup)?;
        Ok(line.is_muted(self.shared.clock.now()))
    }

    /// Mutes all members but the owner, the administrators and those on the allow list, or lets all
    /// speak again.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn mute_all_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        on: bool,
    ) -> Result<(), Error> {
        self.act_as(caller, resource, id, (), move |batch, who, ()| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_manage(group)?;
                if group.info.all_muted == on {
                    return Ok(());
                }
                let (act, actor) = match on {
                    true => (GroupAct::AllMuted, who.actor()),
                    false => (GroupAct::AllUnmuted, who.actor()),
                };
                let event = group.event(act, &actor.user);
                batch.group_mut()?.info_mut().all_muted = on;
                batch.tell(&actor, &event, Audience::All)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_ends_to_the_millisecond_or_never() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(end(now, Some(Duration::from_millis(7))), Some(Timestamp::from_millis(1_007)));
        assert_eq!(end(now, None), Some(Line::FOR_EVER));
        for far in [u64::MAX, u64::MAX - 1_000, i64::MAX as u64] {
            assert_eq!(end(now, Some(Duration::from_millis(far))), None);
        }
        let user: UserId = "alice".parse().expect("a name");
        assert_eq!(MutedMember::of(&user, Line::FOR_EVER).until_ms(), -1);
        assert_eq!(MutedMember::of(&user, now).until_ms(), 1_000);
    }
}
