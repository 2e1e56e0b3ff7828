//! Members come without being asked, go, and are removed.

use std::sync::Arc;

use stoa_core::{Caller, GroupId, Resource, Target, UserId};
use stoa_store::{AppStore, Direction, Txn, spaces};

use super::state::group_blind;
use super::{GroupActor, STEP, Standing};
use crate::account::{self, account_key};
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::log::{Actor, Batch};
use crate::records::{self, Membership};
use crate::room::RoomWork;
use crate::{Chat, Error, member};

/// What became of each user that was named.
pub(crate) type Outcomes = Vec<(UserId, Result<(), Error>)>;

impl Batch<'_> {
    /// Passes if `user` may become a member.
    ///
    /// # Errors
    /// [`Error::UnknownUser`], [`Error::AlreadyInGroup`], [`Error::BlockedByGroup`], [`Error::ClassDecides`].
    pub(crate) async fn may_come(&mut self, user: &UserId) -> Result<(), Error> {
        self.must_not_be_of_class()?;
        match self.group()?.roster.get(user) {
            Some(line) if line.is_joined() => return Err(Error::AlreadyInGroup),
            Some(line) if line.standing == Standing::Blocked => return Err(Error::BlockedByGroup),
            _ => {}
        }
        match self.txn.exists(&account_key(self.store, user)).await? {
            true => Ok(()),
            false => Err(Error::UnknownUser),
        }
    }

    /// Passes if the group has room for so many more.
    ///
    /// # Errors
    /// [`Error::GroupFull`].
    pub(crate) fn must_have_room(&self, more: usize) -> Result<(), Error> {
        let group = self.group()?;
        let room = group.info.max_members.saturating_sub(group.roster.members());
        if more > room as usize { Err(Error::GroupFull) } else { Ok(()) }
    }

    /// Tells of members who came or went: whoever is a member by now.
    fn tell_of(
        &mut self,
        actor: &Actor,
        act: GroupAct,
        users: &[UserId],
        members: u32,
    ) -> Result<(), Error> {
        if self.log_is_rooms() {
            for user in users {
                let user = user.clone();
                let work = match act {
                    GroupAct::Joined => RoomWork::Came(user, None, members),
                    _ => RoomWork::Went(user, members),
                };
                self.room_acts.push(work.into());
            }
            return Ok(());
        }
        // Of one, the SDK takes who did it for whom it is about.
        let [about, others @ ..] = users else { return Ok(()) };
        let about = if others.is_empty() { about } else { &actor.user };
        let event = GroupEvent {
            users: users.iter().map(|user| user.as_str().into()).collect(),
            members: Some(members),
            ..self.group()?.event(act, about)
        };
        self.tell(actor, &event, Audience::All)
    }

    async fn let_in(&mut self, users: &[UserId]) -> Result<(), Error> {
        let now = self.now;
        for user in users {
            let group = self.group_mut()?;
            if group.id().is_room() {
                group.arrive(user, now);
            } else {
                group.set(user, Standing::Member, now);
            }
            self.enter(user, false).await?;
        }
        Ok(())
    }

    /// Makes `users` members without asking them: the members are told, and they.
    pub(crate) async fn add(&mut self, actor: &Actor, users: &[UserId]) -> Result<(), Error> {
        // Said to nobody in particular, it would be said to all.
        if users.is_empty() {
            return Ok(());
        }
        self.let_others_know(actor, users)?;
        self.let_in(users).await?;
        let event = self.group()?.event(GroupAct::DirectJoined, &actor.user);
        self.tell(actor, &event, Audience::only(users.iter().cloned()))
    }

    /// Tells the members that `users` come, who are not yet there.
    pub(crate) fn let_others_know(&mut self, actor: &Actor, users: &[UserId]) -> Result<(), Error> {
        let more = u32::try_from(users.len()).unwrap_or(u32::MAX);
        let members = self.group()?.roster.members().saturating_add(more);
        self.tell_of(actor, GroupAct::Joined, users, members)
    }

    /// `user` becomes a member by its own will: all members are told, its other devices among them.
    pub(crate) async fn come(&mut self, actor: &Actor, user: &UserId) -> Result<(), Error> {
        let user = std::slice::from_ref(user);
        self.let_in(user).await?;
        let members = self.group()?.roster.members();
        self.tell_of(actor, GroupAct::Joined, user, members)
    }

    /// `user`, accepted by somebody else, becomes a member: the others are told.
    pub(crate) async fn admit(&mut self, actor: &Actor, user: &UserId) -> Result<(), Error> {
        let user = std::slice::from_ref(user);
        self.let_others_know(actor, user)?;
        self.let_in(user).await
    }

    /// Ends what `user` is to the group, and its membership at the log's present end.
    pub(crate) async fn put_out(&mut self, user: &UserId) -> Result<(), Error> {
        if self.log_is_rooms() {
            return self.put_out_of_room(user).await;
        }
        let was_member = self.group()?.roster.has(user);
        self.group_mut()?.remove(user);
        let group = group_blind(self.store, self.group()?.id());
        let attributes = self.store.key(&spaces::GROUP_MEMBER_ATTRIBUTES).blind(group);
        self.txn.delete(&attributes.blind(account::user_blind(self.store, user)).done())?;
        if was_member { self.leave(user).await } else { Ok(()) }
    }

    /// `user`, a member, goes: all members are told, its own other devices among them.
    pub(crate) async fn go(&mut self, actor: &Actor, user: &UserId) -> Result<(), Error> {
        let members = self.group()?.roster.members().saturating_sub(1);
        self.tell_of(actor, GroupAct::Left, std::slice::from_ref(user), members)?;
        self.put_out(user).await
    }

    /// `users`, members, are removed: they are told, and those who stay.
    pub(crate) async fn expel(&mut self, actor: &Actor, users: &[UserId]) -> Result<(), Error> {
        if users.is_empty() {
            return Ok(());
        }
        let event = GroupEvent {
            users: users.iter().map(|user| user.as_str().into()).collect(),
            ..self.group()?.event(GroupAct::Removed, &actor.user)
        };
        self.tell(actor, &event, Audience::only(users.iter().cloned()))?;
        let now = self.now;
        for user in users {
            // Of a room, who leaves keeps its post, and who is removed does not.
            let group = self.group_mut()?;
            if group.roster.get(user).is_some_and(|line| line.standing == Standing::Admin) {
                group.set(user, Standing::Member, now);
            }
            self.put_out(user).await?;
        }
        let members = self.group()?.roster.members();
        self.tell_of(actor, GroupAct::Left, users, members)
    }
}

/// Without doubles, in the order given.
pub(crate) fn distinct(users: Vec<UserId>) -> Vec<UserId> {
    let mut seen = std::collections::HashSet::new();
    users.into_iter().filter(|user| seen.insert(user.clone())).collect()
}

impl Chat {
    /// Makes users members of a group without asking them; answers those who were not yet. With a
    /// user's token as far as that user may invite, and not where the group asks whom it invites.
    ///
    /// # Errors
    /// [`Error::UnknownMember`]; [`Error::AlreadyInGroup`] or [`Error::BlockedByGroup`] if nobody could be
    /// added; [`Error::GroupFull`], [`Error::NotPossible`] for one who is in too many groups;
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn add_members(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<UserId>, Error> {
        let users = distinct(users);
        for user in &users {
            self.check_joined(caller, user, id.kind()).await?;
        }
        let work = Arc::new((GroupActor::new(caller, resource), users));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, users) = &*work;
                let group = batch.group()?;
                who.must_invite(group)?;
                if group.info.invite_confirm && who.user.is_some() {
                    return Err(Error::Forbidden);
                }
                let (mut new, mut refusal) = (Vec::new(), None);
                for user in users {
                    match batch.may_come(user).await {
                        Ok(()) => new.push(user.clone()),
                        Err(Error::UnknownUser) => {
                            return Err(Error::UnknownMember(user.as_str().into()));
                        }
                        Err(error @ (Error::AlreadyInGroup | Error::BlockedByGroup)) => {
                            refusal.get_or_insert(error);
                        }
                        Err(error) => return Err(error),
                    }
                }
                if let (true, Some(refusal)) = (new.is_empty(), refusal) {
                    return Err(refusal);
                }
                batch.must_have_room(new.len())?;
                batch.add(&who.actor(), &new).await?;
                Ok(new)
            })
        })
        .await
    }

    /// Removes members from a group; answers what became of each. Owner and administrators may, these
    /// not each other.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`] for a caller who is no member,
    /// [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn remove_members(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, Result<(), Error>)>, Error> {
        let work = Arc::new((GroupActor::new(caller, resource), distinct(users)));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, users) = &*work;
                let group = batch.group()?;
                who.must_manage(group)?;
                batch.must_not_be_of_class()?;
                let outcome = |user: &UserId| match group.roster.has(user) {
                    true => who.must_outrank(group, user),
                    false => Err(Error::NotInGroup),
                };
                let outcomes: Outcomes =
                    users.iter().map(|user| (user.clone(), outcome(user))).collect();
                let removed = outcomes.iter().filter(|(_, outcome)| outcome.is_ok());
                let removed: Vec<UserId> = removed.map(|(user, _)| user.clone()).collect();
                batch.expel(&who.actor(), &removed).await?;
                Ok(outcomes)
            })
        })
        .await
    }

    /// The calling user leaves a group, also one that is switched off. Its owner cannot.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] with an app token; [`Error::IsOwner`], [`Error::NotInGroup`],
    /// [`Error::UnknownGroup`].
    pub async fn leave_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
    ) -> Result<(), Error> {
        let user = caller.user().cloned().ok_or(Error::NotAllowed)?;
        let work = Arc::new((GroupActor::new(caller, resource), user));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, user) = &*work;
                if *who.standing(batch.group()?)? == Standing::Owner {
                    return Err(Error::IsOwner);
                }
                batch.go(&who.actor(), user).await
            })
        })
        .await
    }

    /// Takes a user who is to be deleted out of all groups, and dismisses those that it owns
    /// (chat-rest U30). Each group by itself: whoever is interrupted does it again.
    pub(crate) async fn leave_all_groups(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<(), Error> {
        for id in self.joined_groups(caller, user).await? {
            let leaving = user.clone();
            let left = self.act_on_group(caller, &id, move |batch| {
                let user = leaving.clone();
                Box::pin(async move {
                    let actor = GroupActor::of(&user).actor();
                    match batch.group()?.roster.member(&user).map(|line| &line.standing) {
                        Some(Standing::Owner) => batch.dismiss(&actor).await,
                        Some(_) => batch.go(&actor, &user).await,
                        // It went meanwhile.
                        None => Ok(()),
                    }
                })
            });
            match left.await {
                Ok(()) => {}
                // Dismissed meanwhile, which ended the membership, too.
                Err(Error::UnknownGroup) => {
                    let store = &self.store.app(caller).await?;
                    let key = &member::key_of(store, user, &Target::Group(id));
                    let forget = store.transact(|mut txn| async move {
                        txn.delete(key)?;
                        Ok::<_, Error>(txn.done(()))
                    });
                    forget.await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether `user` is a member of any group, or something in any room, for the transaction that deletes it.
    pub(crate) async fn is_in_any_group(
        store: &AppStore,
        txn: &mut Txn,
        user: &UserId,
    ) -> Result<bool, Error> {
        let mut rest =
            store.key(&spaces::MEMBERSHIPS).blind(account::user_blind(store, user)).all();
        loop {
            let rows = txn.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                if row.is_room || row.is_group && row.last().is_none() {
                    return Ok(true);
                }
                rest = rest.above(&key);
            }
            if !full {
                return Ok(false);
            }
        }
    }
}
