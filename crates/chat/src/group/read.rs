//! What is asked of groups and chat rooms: details, lists, members.

use std::sync::Arc;

use stoa_core::{
    AppScope, Caller, ConversationId, GroupId, MucKind, Target, Timestamp, UserId, limits,
};
use stoa_store::{AppStore, Blind, Direction, Key, ReadTxn};

use super::state::{Group, Info, list_space};
use super::{GroupActor, Line, STEP, Standing};
use crate::entry::Log;
use crate::records::{self, GroupName};
use crate::{Chat, Error};

/// What a member is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It belongs to this member.
    Owner,
    /// Helps the owner.
    Admin,
    /// An ordinary member.
    Member,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The name.
    pub user: UserId,
    /// What it is.
    pub role: Role,
    /// Since when it is a member.
    pub joined: Timestamp,
}

/// A group in a list.
#[derive(Debug, Clone)]
pub struct GroupBrief {
    /// Name and settings.
    pub info: Info,
    /// How many members it has.
    pub members: u32,
    /// What the user whose list it is is in it, if that was asked for.
    pub role: Option<Role>,
}

/// A group in detail.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// Name and settings.
    pub info: Arc<Info>,
    /// How many members it has.
    pub count: u32,
    /// The members, who came last first; only the owner for a user who is none of them.
    pub members: Vec<GroupMember>,
    /// The calling user takes no messages of it.
    pub shielded: bool,
}

/// A page of a list of groups.
#[derive(Debug)]
pub struct GroupPage {
    /// Those that were made last first.
    pub groups: Vec<GroupBrief>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

/// A page of the list of a group's members.
#[derive(Debug)]
pub struct MemberPage {
    /// Those who came last first.
    pub members: Vec<GroupMember>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

fn member((user, line): (&UserId, &Line)) -> GroupMember {
    let role = match line.standing {
        Standing::Owner => Role::Owner,
        Standing::Admin => Role::Admin,
        _ => Role::Member,
    };
    GroupMember { user: user.clone(), role, joined: line.since }
}

fn no_cursor() -> Error {
    Error::argument("cursor", "is not one that this list has given")
}

/// The text that stands for a position in the list of groups.
fn list_cursor(position: &Key) -> String {
    format!("{:x}-{:032x}", position.number(0), u128::from_be_bytes(position.blind(1).0))
}

fn list_position(store: &AppStore, kind: MucKind, cursor: &str) -> Option<Key> {
    let (created, group) = cursor.split_once('-')?;
    let created = u64::from_str_radix(created, 16).ok()?;
    let group = Blind(u128::from_str_radix(group, 16).ok()?.to_be_bytes());
    Some(store.key(list_space(kind)).number(created).blind(group).done())
}

impl Chat {
    /// Groups in detail, in the order asked for. Those that do not exist are left out, as are those
    /// that the calling user may not see: groups that are not public and that it is no member of.
    ///
    /// # Errors
    /// Where nothing is left: [`Error::UnknownGroup`], or [`Error::NotInGroup`] if one exists.
    pub async fn groups(&self, caller: &Caller, ids: &[GroupId]) -> Result<Vec<GroupView>, Error> {
        let mut views = Vec::with_capacity(ids.len());
        let mut refusal = match ids.first() {
            Some(id) if id.is_room() => Error::UnknownRoom,
            _ => Error::UnknownGroup,
        };
        for id in ids {
            let group = match self.group_state(caller, id).await {
                Ok(group) => group,
                Err(Error::UnknownGroup | Error::UnknownRoom) => continue,
                Err(error) => return Err(error),
            };
            let sees_members = GroupActor::new(caller, None).standing(&group).is_ok();
            if !sees_members && !group.info.public {
                refusal = Error::NotInGroup;
                continue;
            }
            let mut shielded = false;
            if let Some(me) = caller.user() {
                let row = self.membership(caller, me, &Target::Group(id.clone())).await?;
                shielded = sees_members && row.is_some_and(|row| row.shielded);
            }
            let members = group.roster.newest_below(u64::MAX);
            let shown =
                |(_, line): &(&UserId, &Line)| sees_members || line.standing == Standing::Owner;
            views.push(GroupView {
                count: group.roster.members(),
                members: members.filter(shown).map(member).collect(),
                info: group.info,
                shielded,
            });
        }
        if views.is_empty() { Err(refusal) } else { Ok(views) }
    }

    /// The public groups, `limit` (1 to 1,000) from `cursor` on, those made last first. A page may have
    /// fewer although others follow.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cursor that is none.
    pub async fn public_groups(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, Error> {
        self.list_groups(caller, MucKind::Group, 0, limit, cursor, |row| row.public).await
    }

    /// All groups of the app, as [`Self::public_groups`].
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Argument`] for a cursor that is none.
    pub async fn all_groups(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        self.list_groups(caller, MucKind::Group, 0, limit, cursor, |_| true).await
    }

    /// The groups, or rooms, that are `wanted`: `limit` behind the first `skip` from `cursor` on, those
    /// made last first.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cursor that is none.
    pub(crate) async fn list_groups(
        &self,
        caller: &Caller,
        kind: MucKind,
        mut skip: usize,
        limit: usize,
        cursor: Option<&str>,
        wanted: fn(&GroupName) -> bool,
    ) -> Result<GroupPage, Error> {
        let store = self.store.app(caller).await?;
        let space = list_space(kind);
        let mut rest = store.key(space).all();
        if let Some(cursor) = cursor {
            rest = rest.below(&list_position(&store, kind, cursor).ok_or_else(no_cursor)?);
        }
        let mut read = store.read().await?;
        let step = limit.saturating_add(skip).saturating_add(1).min(STEP);
        let (mut groups, mut looked_at, mut last) = (Vec::new(), 0, None);
        loop {
            let rows = read.scan(&rest, Direction::Backward, step).await?;
            let full = rows.len() == step;
            for (key, value) in rows {
                if groups.len() == limit || looked_at == limits::GROUP_ROWS_LOOKED_AT {
                    return Ok(GroupPage { groups, cursor: last.as_ref().map(list_cursor) });
                }
                looked_at += 1;
                let row: GroupName = records::decode(&value, space.name)?;
                if let Ok(id) = GroupId::parse(kind, &row.id)
                    && wanted(&row)
                {
                    if skip > 0 {
                        skip -= 1;
                    } else if let Some((info, members)) =
                        self.brief(caller, &store, &mut read, &id).await?
                    {
                        groups.push(GroupBrief { info, members, role: None });
                    }
                }
                rest = rest.below(&key);
                last = Some(key);
            }
            if !full {
                return Ok(GroupPage { groups, cursor: None });
            }
        }
    }

    /// What is kept of a group or room besides its roster. How many are in a room may be stored later
    /// than it is known.
    async fn brief(
        &self,
        caller: &Caller,
        store: &AppStore,
        read: &mut ReadTxn,
        id: &GroupId,
    ) -> Result<Option<(Info, u32)>, Error> {
        let stored = Group::info(store, read, id).await?;
        let log = Log::Conversation(ConversationId::Group(id.clone()));
        let known = match id.is_room() {
            true => self.shared.appenders.known(caller.app().number, &log),
            false => None,
        };
        let known = known.and_then(|appender| appender.known_group());
        Ok(stored.map(|(info, members)| {
            let members = known.map_or(members, |group| group.roster.members());
            (info, members)
        }))
    }

    /// The groups that `user` is a member of, `count` behind the first `skip`, those joined last first;
    /// with the user's role in each if `with_role`.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`].
    pub async fn groups_joined(
        &self,
        caller: &Caller,
        user: &UserId,
        skip: usize,
        count: usize,
        with_role: bool,
    ) -> Result<Vec<GroupBrief>, Error> {
        self.joined_briefs(caller, user, MucKind::Group, (skip, count), with_role).await
    }

    /// The groups, or rooms, that `user` is a member of, of which the page skips and counts so many.
    ///
    /// # Errors
    /// As [`Self::groups_joined`].
    pub(crate) async fn joined_briefs(
        &self,
        caller: &Caller,
        user: &UserId,
        kind: MucKind,
        (skip, count): (usize, usize),
        with_role: bool,
    ) -> Result<Vec<GroupBrief>, Error> {
        self.user(caller, user).await?;
        let ids = self.joined(caller, user, kind).await?;
        let store = self.store.app(caller).await?;
        let mut read = store.read().await?;
        let mut groups = Vec::new();
        for id in ids.iter().skip(skip).take(count) {
            let brief = self.brief(caller, &store, &mut read, id).await?;
            let Some((info, members)) = brief else { continue };
            let mut role = None;
            if with_role {
                let group = self.group_state(caller, id).await?;
                role = group.roster.member(user).map(|line| member((user, line)).role);
            }
            groups.push(GroupBrief { info, members, role });
        }
        Ok(groups)
    }

    /// How many groups `user` is a member of.
    ///
    /// # Errors
    /// As [`Self::groups_joined`].
    pub async fn count_groups_joined(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<usize, Error> {
        self.user(caller, user).await?;
        Ok(self.joined_groups(caller, user).await?.len())
    }

    /// Whether `user` is a member of a group. A user may ask it of itself, and of the others of a group
    /// that it is a member of.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`].
    pub async fn is_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
        user: &UserId,
    ) -> Result<bool, Error> {
        let group = self.group_state(caller, id).await?;
        if !caller.may_act_for(user) {
            GroupActor::new(caller, None).standing(&group)?;
        }
        Ok(group.roster.has(user))
    }

    /// Members of a group, `count` behind the first `skip`, who came last first.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`].
    pub async fn group_members(
        &self,
        caller: &Caller,
        id: &GroupId,
        skip: usize,
        count: usize,
    ) -> Result<Vec<GroupMember>, Error> {
        let group = self.group_for_member(caller, id).await?;
        Ok(group.roster.newest_below(u64::MAX).skip(skip).take(count).map(member).collect())
    }

    /// As [`Self::group_members`], `count` behind the place that `cursor` stands for.
    ///
    /// # Errors
    /// As there; [`Error::Argument`] for a cursor that is none.
    pub async fn group_members_from(
        &self,
        caller: &Caller,
        id: &GroupId,
        cursor: Option<&str>,
        count: usize,
    ) -> Result<MemberPage, Error> {
        let below = match cursor {
            None => u64::MAX,
            Some(cursor) => u64::from_str_radix(cursor, 16).map_err(|_| no_cursor())?,
        };
        let group = self.group_for_member(caller, id).await?;
        let mut lines = group.roster.newest_below(below).peekable();
        let (mut members, mut number) = (Vec::with_capacity(count), below);
        while members.len() < count
            && let Some(found) = lines.next()
        {
            number = found.1.number;
            members.push(member(found));
        }
        let cursor = lines.peek().map(|_| format!("{number:x}"));
        Ok(MemberPage { members, cursor })
    }

    /// The owner and the administrators of a group.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`].
    pub async fn group_managers(
        &self,
        caller: &Caller,
        id: &GroupId,
    ) -> Result<Vec<GroupMember>, Error> {
        let group = self.group_for_member(caller, id).await?;
        let lines = group
            .roster
            .managers()
            .filter_map(|user| group.roster.belonging(user).map(|line| member((user, line))));
        let mut members: Vec<_> = lines.collect();
        members.sort_by_key(|member| member.role != Role::Owner);
        Ok(members)
    }
}
