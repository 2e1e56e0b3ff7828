//! Groups: who is in them, what they are called, and what is allowed to whom.
//!
//! **The one idea: a group is changed in its turn.** Everything that is done to a group waits in the
//! line of its log's appender, like its messages. There its state lies in memory, is checked,
//! changed, and stored together with the entries that tell of it; so a group has one history, and a
//! message is judged by the state in front of it (`docs/decisions/0018-group-acts.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `state` | a group in memory: information, roster; loading and storing |
//! | `roster` | who is a member, invited, applying or blocked |
//! | `actor` | who acts, and what is allowed to whom |
//! | `create`, `info`, `members`, `join`, `invite` | what is done to groups |
//! | `read` | what is asked of groups |

mod actor;
mod admins;
mod announcement;
pub(crate) mod attributes;
mod create;
mod files;
mod info;
mod invite;
mod join;
mod lists;
mod members;
mod mute;
mod read;
pub(crate) mod receipts;
mod roster;
mod shield;
mod sight;
mod state;

use std::sync::Arc;

use stoa_core::{AppScope, Caller, ConversationId, GroupId, MucKind, Resource, UserId};
use stoa_store::{Direction, spaces};

use crate::entry::Log;
use crate::event::{GroupAct, GroupEvent};
use crate::log::{Acting, Appender, Batch};
use crate::records::{self, Membership};
use crate::{Chat, Error, account};

pub(crate) use actor::GroupActor;
pub use create::NewGroup;
pub use files::ListedFile;
pub use info::GroupChange;
pub use lists::{BlockedPage, PerUser};
pub use mute::MutedMember;
pub use read::{GroupBrief, GroupMember, GroupPage, GroupView, MemberPage, Role};
pub use receipts::{GroupReceipt, ReaderPage};
pub(crate) use roster::{Line, Roster, Standing};
pub use state::Info as GroupInfo;
pub(crate) use state::{Group, group_blind, group_bucket, group_named, last_used, name_key};

/// The group as it is by now.
fn whole<'a>(batch: &'a mut Batch<'_>) -> Acting<'a, Group> {
    let group = batch.group().cloned();
    Box::pin(async move { group })
}

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

impl Group {
    /// An event of this group, which `actor` caused.
    pub(crate) fn event(&self, act: GroupAct, actor: &UserId) -> GroupEvent {
        GroupEvent {
            group: self.id().as_str().into(),
            act: act.into(),
            actor: actor.as_str().into(),
            name: Some(self.info.name.clone()),
            is_room: self.id().is_room(),
            ..GroupEvent::default()
        }
    }
}

impl Chat {
    /// The one that appends to a group's log, and does what is done to the group.
    pub(crate) async fn group_appender(
        &self,
        caller: &Caller,
        group: &GroupId,
    ) -> Result<Arc<Appender>, Error> {
        let store = self.store.app(caller).await?;
        let log = Log::Conversation(ConversationId::Group(group.clone()));
        Ok(self.shared.appenders.of(caller.app(), &store, &log))
    }

    /// Does `work` to a group, in its turn. `work` checks everything before it writes anything.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Store`].
    pub(crate) async fn act_on_group<T, F>(
        &self,
        caller: &Caller,
        group: &GroupId,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a, 'b> Fn(&'a mut Batch<'b>) -> Acting<'a, T> + Send + Sync + 'static,
    {
        self.group_appender(caller, group).await?.act(&self.shared, work).await
    }

    /// As [`Self::act_on_group`], for the caller on the device `resource`: `work` gets who acts, and
    /// `what` is wanted.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Store`].
    pub(crate) async fn act_as<T, W, F>(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        group: &GroupId,
        what: W,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Send + Sync + 'static,
        F: for<'a, 'b> Fn(&'a mut Batch<'b>, &'a GroupActor, &'a W) -> Acting<'a, T>
            + Send
            + Sync
            + 'static,
    {
        let shared = Arc::new((GroupActor::new(caller, resource), what, work));
        self.act_on_group(caller, group, move |batch| {
            let shared = shared.clone();
            Box::pin(async move {
                let (who, what, work) = &*shared;
                work(batch, who, what).await
            })
        })
        .await
    }

    /// A group as it is now.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub(crate) async fn group_state(&self, caller: &Caller, id: &GroupId) -> Result<Group, Error> {
        let appender = self.group_appender(caller, id).await?;
        if let Some(group) = appender.known_group() {
            return Ok(group);
        }
        // In its turn, so that it is loaded once for all who ask and stays for the next.
        appender.act(&self.shared, whole).await
    }

    /// Whether the app may have one more group, or room.
    async fn check_group_count(&self, caller: &Caller, kind: MucKind) -> Result<(), Error> {
        let plan = &caller.app().chat.plan;
        let most = match kind {
            MucKind::Group => plan.groups,
            MucKind::Room => plan.rooms,
        };
        if most == u32::MAX {
            return Ok(());
        }
        let store = self.store.app(caller).await?;
        let all = store.key(state::list_space(kind)).all();
        let rows = store.read().await?.scan(&all, Direction::Forward, most as usize).await?;
        if rows.len() >= most as usize {
            let text = "This appKey has created too many groups/chatrooms!";
            return Err(Error::NotPossible(text.into()));
        }
        Ok(())
    }

    /// Passes if `user` may become a member of one more group, or come into one more room.
    ///
    /// # Errors
    /// [`Error::NotPossible`], [`Error::Store`].
    pub(crate) async fn check_joined(
        &self,
        caller: &Caller,
        user: &UserId,
        kind: MucKind,
    ) -> Result<(), Error> {
        let plan = &caller.app().chat.plan;
        let most = match kind {
            MucKind::Group => plan.groups_joined,
            MucKind::Room => plan.rooms_joined,
        };
        if most != u32::MAX && self.joined(caller, user, kind).await?.len() >= most as usize {
            let text = format!(
                "Can not join this group, reason: user: {} has joined too many groups/chatroom!",
                user.as_str()
            );
            return Err(Error::NotPossible(text));
        }
        Ok(())
    }

    /// The groups, or rooms, that `user` is a member of, those that it joined last first.
    pub(crate) async fn joined(
        &self,
        caller: &Caller,
        user: &UserId,
        kind: MucKind,
    ) -> Result<Vec<GroupId>, Error> {
        match kind {
            MucKind::Group => self.joined_groups(caller, user).await,
            MucKind::Room => {
                let rooms = self.rooms_of(caller, user).await?;
                Ok(rooms.into_iter().map(|(room, _)| room).collect())
            }
        }
    }

    /// The groups that `user` is a member of, those that it joined last first.
    pub(crate) async fn joined_groups(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<Vec<GroupId>, Error> {
        let store = self.store.app(caller).await?;
        let mut rest =
            store.key(&spaces::MEMBERSHIPS).blind(account::user_blind(&store, user)).all();
        let read = store.read().await?;
        let mut groups = Vec::new();
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                if row.is_group && row.last().is_none() {
                    groups.extend(row.name.parse::<GroupId>().map(|id| (row.since_ms, id)));
                }
                rest = rest.above(&key);
            }
            if !full {
                groups.sort_unstable_by(|a, b| b.cmp(a));
                return Ok(groups.into_iter().map(|(_, id)| id).collect());
            }
        }
    }
}
