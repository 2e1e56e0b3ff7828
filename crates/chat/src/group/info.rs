//! Changing what a group is called and how it is set, to whom it belongs, and whether it is there.

use serde_json::json;
use stoa_core::{Caller, GroupId, Resource, UserId, limits};
use stoa_store::{Direction, spaces};

use super::create::{TOO_MANY_MEMBERS, check_custom, check_max_members, check_text, name_field};
use super::state::{Info, group_blind};
use super::{STEP, Standing};
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::log::{Actor, Batch};
use crate::{Chat, Error};

/// What is to be changed of a group; the rest stays as it is.
#[derive(Debug, Clone, Default)]
pub struct GroupChange {
    /// Its name, at most 128 characters.
    pub name: Option<String>,
    /// At most 512 characters.
    pub description: Option<String>,
    /// The address of a picture, at most 1,024 characters.
    pub avatar: Option<String>,
    /// The app's own data, at most 8 KiB.
    pub custom: Option<String>,
    /// Whether it stands in the list of public groups.
    pub public: Option<bool>,
    /// Whether whoever applies needs leave.
    pub approval: Option<bool>,
    /// Whether ordinary members may invite.
    pub member_invites: Option<bool>,
    /// Whether whoever is invited is asked.
    pub invite_confirm: Option<bool>,
    /// Members at the most, the owner included.
    pub max_members: Option<u32>,
}

impl GroupChange {
    /// Whether it has what a chat room does not have, or cannot change (chat-rest R119).
    const fn is_of_a_group(&self) -> bool {
        self.avatar.is_some()
            || self.custom.is_some()
            || self.public.is_some()
            || self.approval.is_some()
            || self.member_invites.is_some()
            || self.invite_confirm.is_some()
    }

    /// Whether it needs the owner: administrators change only what the group is called.
    const fn is_of_settings(&self) -> bool {
        self.public.is_some()
            || self.approval.is_some()
            || self.member_invites.is_some()
            || self.invite_confirm.is_some()
            || self.max_members.is_some()
    }

    fn check(&self, caller: &Caller, id: &GroupId) -> Result<(), Error> {
        if id.is_room() && self.is_of_a_group() {
            let problem = "name, description and maxusers can change in a chat room";
            return Err(Error::argument("the body", problem));
        }
        let texts = [
            (name_field(id.kind()), &self.name, limits::GROUP_NAME_CHARS),
            ("description", &self.description, limits::GROUP_DESCRIPTION_CHARS),
            ("avatar", &self.avatar, limits::GROUP_AVATAR_CHARS),
        ];
        for (field, text, most) in texts {
            text.as_ref().map_or(Ok(()), |text| check_text(field, text, most))?;
        }
        self.custom.as_ref().map_or(Ok(()), |custom| check_custom(custom))?;
        self.max_members.map_or(Ok(()), |most| check_max_members(caller, id.kind(), most))
    }

    fn apply(&self, info: &mut Info) {
        let texts = [
            (&self.name, &mut info.name),
            (&self.description, &mut info.description),
            (&self.avatar, &mut info.avatar),
            (&self.custom, &mut info.custom),
        ];
        for (new, old) in texts {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
        info.public = self.public.unwrap_or(info.public);
        info.approval = self.approval.unwrap_or(info.approval);
        info.member_invites = self.member_invites.unwrap_or(info.member_invites);
        info.invite_confirm = self.invite_confirm.unwrap_or(info.invite_confirm);
        info.max_members = self.max_members.unwrap_or(info.max_members);
    }
}

/// What members are told of a group that was changed (msync section 6.3, operation 14).
fn detail(info: &Info) -> String {
    json!({
        "name": info.name,
        "title": info.name,
        "description": info.description,
        "public": info.public,
        "members_only": info.approval,
        "allow_user_invites": info.member_invites,
        "max_users": info.max_members,
        "invite_need_confirm": info.invite_confirm,
        "custom": info.custom,
        "last_modified": info.modified.as_millis().to_string(),
        "avatar": info.avatar,
    })
    .to_string()
}

impl Batch<'_> {
    /// Ends the group: all members are told, and then are none any more.
    pub(crate) async fn dismiss(&mut self, actor: &Actor) -> Result<(), Error> {
        let event = self.group()?.event(GroupAct::Dismissed, &actor.user);
        self.tell(actor, &event, Audience::All)?;
        if self.log_is_rooms() {
            self.empty_room().await?;
            self.group_mut()?.dismiss();
            return Ok(());
        }
        let members: Vec<UserId> =
            self.group()?.roster.joined().map(|(user, _)| user.clone()).collect();
        for member in &members {
            self.leave(member).await?;
        }
        let group = group_blind(self.store, self.group()?.id());
        let mut rest = self.store.key(&spaces::GROUP_MEMBER_ATTRIBUTES).blind(group).all();
        loop {
            let rows = self.txn.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, _) in rows {
                self.txn.delete(&key)?;
                rest = rest.above(&key);
            }
            if !full {
                break;
            }
        }
        self.group_mut()?.dismiss();
        Ok(())
    }
}

impl Chat {
    /// Changes a group's name or settings. The owner changes all, an administrator what the group is
    /// called: name, description, avatar and custom data. Of a room name, description and the number
    /// of members can change, and its owner changes them (chat-rest U20).
    ///
    /// # Errors
    /// [`Error::Argument`] by field, [`Error::LimitReached`], [`Error::NotPossible`] for fewer members
    /// than there are; [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Forbidden`],
    /// [`Error::GroupDisabled`].
    pub async fn change_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        change: GroupChange,
    ) -> Result<(), Error> {
        change.check(caller, id)?;
        self.act_as(caller, resource, id, change, move |batch, who, change| {
            Box::pin(async move {
                let group = batch.group()?;
                if change.is_of_settings() || group.id().is_room() {
                    who.must_own(group)?;
                }
                who.must_manage(group)?;
                if change.max_members.is_some_and(|most| most < group.roster.members()) {
                    return Err(Error::NotPossible(TOO_MANY_MEMBERS.into()));
                }
                let now = batch.now;
                let info = batch.group_mut()?.info_mut();
                change.apply(info);
                info.modified = now;
                let detail = Some(detail(info));
                let actor = who.actor();
                let event = batch.group()?.event(GroupAct::Updated, &actor.user);
                batch.tell(&actor, &GroupEvent { detail, ..event }, Audience::All)
            })
        })
        .await
    }

    /// Makes `new_owner`, a member, the group's owner; the old one stays as an ordinary member. The two
    /// are told, in a room all.
    ///
    /// # Errors
    /// [`Error::NotPossible`] for one who is no member or owns it already; [`Error::UnknownGroup`],
    /// [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn transfer_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        new_owner: &UserId,
    ) -> Result<(), Error> {
        self.act_as(caller, resource, id, new_owner.clone(), move |batch, who, new_owner| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_own(group)?;
                who.must_be_on(group)?;
                batch.must_not_be_of_class()?;
                let old_owner = group.info.owner.clone();
                if old_owner == *new_owner {
                    let text = "New owner and old owner are the same.";
                    return Err(Error::NotPossible(text.into()));
                }
                if !group.roster.has(new_owner) {
                    let (user, group) = (new_owner.as_str(), group.id().as_str());
                    let text = format!("User: {user} doesn't exist in group: {group}.");
                    return Err(Error::NotPossible(text));
                }
                let now = batch.now;
                let group = batch.group_mut()?;
                group.set(&old_owner, Standing::Member, now);
                group.set(new_owner, Standing::Owner, now);
                // An owner is neither muted nor in need of leave to speak.
                group.change(new_owner, |line| {
                    line.mute(None);
                    line.allowed = false;
                });
                let info = group.info_mut();
                info.owner = new_owner.clone();
                info.modified = now;
                let mut event = group.event(GroupAct::OwnerChanged, &old_owner);
                event.users.push(new_owner.as_str().into());
                let told = match group.id().is_room() {
                    true => Audience::All,
                    false => Audience::only([old_owner.clone(), new_owner.clone()]),
                };
                batch.tell(&who.actor(), &event, told)?;
                batch.settle(&old_owner).await
            })
        })
        .await
    }

    /// Ends a group. Its members, also those who are away, are told of that as the last thing in it; its key is
    /// destroyed. The id stays taken.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub async fn dismiss_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
    ) -> Result<(), Error> {
        self.act_as(caller, resource, id, (), |batch, who, ()| {
            Box::pin(async move {
                who.must_own(batch.group()?)?;
                who.must_be_on(batch.group()?)?;
                batch.must_not_be_of_class()?;
                batch.dismiss(&who.actor()).await
            })
        })
        .await?;
        self.end_dismissed(caller).await;
        Ok(())
    }

    /// Switches a group off or on again: while it is off, nobody sends to it and only the app's back
    /// end changes it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownGroup`].
    pub async fn set_group_disabled(
        &self,
        caller: &Caller,
        id: &GroupId,
        disabled: bool,
    ) -> Result<(), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        self.act_as(caller, None, id, (), move |batch, who, ()| {
            Box::pin(async move {
                let actor = who.actor();
                batch.must_not_be_of_class()?;
                if batch.group()?.info.disabled == disabled {
                    return Ok(());
                }
                batch.group_mut()?.info_mut().disabled = disabled;
                let act = if disabled { GroupAct::Disabled } else { GroupAct::Enabled };
                let event = batch.group()?.event(act, &actor.user);
                batch.tell(&actor, &event, Audience::All)
            })
        })
        .await
    }
}
