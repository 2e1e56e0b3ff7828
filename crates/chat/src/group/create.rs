//! Making groups and chat rooms.

use std::sync::Arc;

use stoa_core::{AppScope, Caller, GroupId, MucKind, Resource, UserId, limits};

use super::state::{Group, Info, name_key};
use super::{GroupActor, Standing};
use crate::account::account_key;
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::observation::NameOf;
use crate::{Chat, Error};

/// A group to be made.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// To whom it belongs.
    pub owner: UserId,
    /// Its name, at most 128 characters.
    pub name: String,
    /// At most 512 characters.
    pub description: String,
    /// The address of a picture, at most 1,024 characters.
    pub avatar: String,
    /// The app's own data, at most 8 KiB.
    pub custom: String,
    /// Whether it stands in the list of public groups.
    pub public: bool,
    /// Whether whoever applies needs leave; of no effect while the group is not public.
    pub approval: bool,
    /// Whether ordinary members may invite.
    pub member_invites: bool,
    /// Whether whoever is invited is asked.
    pub invite_confirm: bool,
    /// Members at the most, the owner included.
    pub max_members: u32,
    /// Who is in it from the beginning, besides the owner.
    pub members: Vec<UserId>,
}

/// Checks a text of a group.
pub(crate) fn check_text(
    field: &'static str,
    text: &str,
    most_characters: usize,
) -> Result<(), Error> {
    if text.chars().count() > most_characters {
        return Err(Error::argument(field, format!("at most {most_characters} characters")));
    }
    Ok(())
}

/// Checks the app's own data of a group.
pub(crate) fn check_custom(custom: &str) -> Result<(), Error> {
    if custom.len() > limits::GROUP_CUSTOM_BYTES {
        let problem = format!("at most {} bytes", limits::GROUP_CUSTOM_BYTES);
        return Err(Error::argument("custom", problem));
    }
    Ok(())
}

/// What is said where a group has, or is to have, more members than it may. The SDK looks for it.
pub(crate) const TOO_MANY_MEMBERS: &str = "members size is greater than max user size !";

/// What the doors call the name of a group, or of a room.
pub(crate) const fn name_field(kind: MucKind) -> &'static str {
    match kind {
        MucKind::Group => "groupname",
        MucKind::Room => "name",
    }
}

/// Checks how many members a group, or room, is to have at the most (chat-rest U15 and U48).
pub(crate) fn check_max_members(
    caller: &Caller,
    kind: MucKind,
    max_members: u32,
) -> Result<(), Error> {
    if max_members == 0 {
        return Err(Error::argument("maxusers", "at least 1 member"));
    }
    let plan = &caller.app().chat.plan;
    let most = match kind {
        MucKind::Group => plan.group_members,
        MucKind::Room => plan.room_members,
    };
    if max_members > most {
        return Err(Error::LimitReached(format!("maxusers: the app allows at most {most}")));
    }
    Ok(())
}

impl Chat {
    /// Makes a group. Its members are in it at once, without being asked, unless it is set to ask whom
    /// it invites: then they are invited.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for the owner; [`Error::UnknownUser`] for the
    /// owner, [`Error::UnknownMember`] for another; [`Error::Argument`] by field;
    /// [`Error::LimitReached`], [`Error::NotPossible`].
    pub async fn create_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        new: NewGroup,
    ) -> Result<GroupId, Error> {
        if !caller.may_act_for(&new.owner) {
            return Err(Error::NotAllowed);
        }
        self.create(caller, resource, MucKind::Group, new).await
    }

    /// Makes a group or a room, for a caller who may.
    ///
    /// # Errors
    /// As [`Self::create_group`].
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        kind: MucKind,
        new: NewGroup,
    ) -> Result<GroupId, Error> {
        check_text(name_field(kind), &new.name, limits::GROUP_NAME_CHARS)?;
        check_text("description", &new.description, limits::GROUP_DESCRIPTION_CHARS)?;
        check_text("avatar", &new.avatar, limits::GROUP_AVATAR_CHARS)?;
        check_custom(&new.custom)?;
        check_max_members(caller, kind, new.max_members)?;
        let NewGroup { owner, name, description, avatar, custom, .. } = new;
        let mut members = new.members;
        members.sort_unstable();
        members.dedup();
        members.retain(|member| *member != owner);
        if members.len() >= new.max_members as usize {
            return Err(Error::NotPossible(TOO_MANY_MEMBERS.into()));
        }
        self.check_group_count(caller, kind).await?;
        let id = GroupId::random(kind, &*self.entropy);
        let of = if kind == MucKind::Room { NameOf::Room } else { NameOf::Group };
        self.shared.watch.name(caller.app().number, of, id.as_str());
        let now = self.shared.clock.now();
        let info = Info {
            id: id.clone(),
            name,
            description,
            avatar,
            custom,
            announcement: String::new(),
            public: new.public,
            approval: new.approval,
            // Of a public group, whoever wants may apply (chat-rest R068).
            member_invites: !new.public && new.member_invites,
            invite_confirm: new.invite_confirm,
            max_members: new.max_members,
            owner: owner.clone(),
            created: now,
            modified: now,
            all_muted: false,
            disabled: false,
            class: None,
        };
        for user in members.iter().chain([&owner]) {
            self.check_joined(caller, user, kind).await?;
        }
        let actor = GroupActor::new(caller, resource).actor();
        let work = Arc::new((info, members, actor));
        self.act_on_group(caller, &id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (info, members, actor) = &*work;
                if batch.txn.exists(&name_key(batch.store, &info.id)).await? {
                    return Err(Error::Concurrent);
                }
                if !batch.txn.exists(&account_key(batch.store, &info.owner)).await? {
                    return Err(Error::UnknownUser);
                }
                for member in members {
                    if !batch.txn.exists(&account_key(batch.store, member)).await? {
                        return Err(Error::UnknownMember(member.as_str().into()));
                    }
                }
                let mut group = Group::new(info.clone());
                for member in members {
                    let standing = match info.invite_confirm {
                        true => Standing::Invited(info.owner.clone()),
                        false => Standing::Member,
                    };
                    group.set(member, standing, batch.now);
                }
                batch.group = Some(group);
                batch.enter(&info.owner, true).await?;
                let event = batch.group()?.event(GroupAct::Created, &info.owner);
                batch.tell(actor, &event, Audience::only([info.owner.clone()]))?;
                if members.is_empty() {
                    return Ok(());
                }
                if info.invite_confirm {
                    let event = batch.group()?.event(GroupAct::Invited, &info.owner);
                    for member in members {
                        let event =
                            GroupEvent { users: vec![member.as_str().into()], ..event.clone() };
                        batch.post(actor, member, &event);
                    }
                    return Ok(());
                }
                for member in members {
                    batch.enter(member, true).await?;
                }
                let event = batch.group()?.event(GroupAct::DirectJoined, &info.owner);
                batch.tell(actor, &event, Audience::only(members.iter().cloned()))
            })
        })
        .await?;
        Ok(id)
    }
}
