//! Who is in which group, and who is invited.

use serde_json::json;
use stoa_core::{ClassRole, RoomUuid, UserUuid};

use super::{Group, GroupUsers, MOST_GROUPS, MOST_MEMBERS, members, too_many};
use crate::Refusal;
use crate::room::Turn;
use crate::room::process::{self, Action, Change, Waiting};
use crate::tree::Tree;

impl Turn<'_> {
    /// Row 71: moves users into groups and out of them, or invites them (`in_progress`). A student may invite those
    /// who teach into its own group: it asks for help.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::NoUser`], [`Refusal::BeingInvited`],
    /// [`Refusal::Argument`] also for a group that would become too large.
    pub fn change_group_users(
        &mut self,
        changes: &[GroupUsers],
        in_progress: bool,
    ) -> Result<(), Refusal> {
        self.admit()?;
        if changes.len() > MOST_GROUPS {
            return Err(Refusal::argument(format!("groups: at most {MOST_GROUPS}")));
        }
        let mut coming: Vec<&UserUuid> = Vec::new();
        for change in changes {
            let group = self.room.groups.get(&change.id)?;
            if !self.by.is_teaching() {
                self.check_help(group, change, in_progress)?;
            }
            for user in &change.add {
                let known = self.room.users.get(user).ok_or(Refusal::NoUser)?;
                if !known.role.is_listed() || coming.contains(&user) {
                    let what = "addUsers: each user once, and who takes part in the class";
                    return Err(Refusal::argument(what));
                }
                coming.push(user);
                let is_busy = known.role.is_teaching()
                    && self.room.groups.open.iter().any(|group| group.is_asked(user));
                if in_progress && (is_busy || group.is_asked(user)) {
                    return Err(Refusal::BeingInvited);
                }
            }
            let stay = group.users.iter().filter(|user| !change.remove.contains(user));
            let new = change.add.iter().filter(|user| !group.users.contains(user));
            let asked = if in_progress { group.invited.len() } else { 0 };
            if stay.count() + new.count() + asked > MOST_MEMBERS {
                return Err(too_many());
            }
        }
        if in_progress {
            let leaves = |change: &GroupUsers| GroupUsers { add: Vec::new(), ..change.clone() };
            let leaves: Vec<_> = changes.iter().map(leaves).collect();
            let moved = self.move_members(&leaves);
            self.tell_members(&moved);
            for change in changes {
                self.invite(change);
            }
        } else {
            let moved = self.move_members(changes);
            self.tell_members(&moved);
        }
        Ok(())
    }

    /// Whether a student asks for help.
    fn check_help(
        &self,
        group: &Group,
        change: &GroupUsers,
        in_progress: bool,
    ) -> Result<(), Refusal> {
        let is_member = self.by.user().is_some_and(|user| group.users.contains(user));
        if !self.by.is_student() || !is_member || !in_progress || !change.remove.is_empty() {
            return Err(Refusal::NotAllowed);
        }
        for user in &change.add {
            if !self.present(user)?.role.is_teaching() {
                return Err(Refusal::NotAllowed);
            }
        }
        Ok(())
    }

    /// Row 72: whoever is invited comes into the group, and leaves others.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::NotAccepted`] for who is not invited,
    /// [`Refusal::RoomFull`].
    pub fn accept_group(&mut self, id: &RoomUuid, leave: &[RoomUuid]) -> Result<(), Refusal> {
        let user = self.invited_to(id)?;
        let group = self.room.groups.get(id)?;
        if group.users.len() >= MOST_MEMBERS && !group.users.contains(&user) {
            return Err(Refusal::RoomFull);
        }
        self.drop_invitation(id, &user, Action::Accept);
        let mut changes =
            vec![GroupUsers { id: id.clone(), add: vec![user.clone()], remove: Vec::new() }];
        for other in leave.iter().filter(|other| *other != id) {
            let remove = vec![user.clone()];
            changes.push(GroupUsers { id: other.clone(), add: Vec::new(), remove });
        }
        let moved = self.move_members(&changes);
        self.tell_members(&moved);
        Ok(())
    }

    /// Row 73: whoever is invited declines.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::NotAccepted`] for who is not invited.
    pub fn decline_group(&mut self, id: &RoomUuid) -> Result<(), Refusal> {
        let user = self.invited_to(id)?;
        self.drop_invitation(id, &user, Action::Refuse);
        Ok(())
    }

    fn invited_to(&self, id: &RoomUuid) -> Result<UserUuid, Refusal> {
        self.admit()?;
        let Some(user) = self.by.user().cloned() else { return Err(Refusal::NotAllowed) };
        let group = self.room.groups.get(id)?;
        if !group.is_asked(&user) {
            return Err(Refusal::NotAccepted);
        }
        self.present(&user)?;
        Ok(user)
    }

    /// Invites users into a group.
    pub(super) fn invite(&mut self, change: &GroupUsers) {
        let inviter = self.by.user().and_then(|user| self.room.users.get(user));
        let inviter = inviter.map(|user| user.name.clone());
        let at = self.at;
        let room = &mut *self.room;
        let Some(group) = room.groups.open.iter_mut().find(|group| group.id == change.id) else {
            return;
        };
        let mut added = Vec::new();
        for user in &change.add {
            let Some(known) = room.users.get(user) else { continue };
            if group.users.contains(user) || group.is_asked(user) {
                continue;
            }
            let mut payload = json!({"groupUuid": group.id.as_str(), "groupName": group.name});
            if let Some(inviter) = &inviter {
                payload["inviter"] = json!(inviter);
            }
            let (user, name) = (user.clone(), known.name.clone());
            let waiting = Waiting { user, name, at, until: None, payload, invited: true };
            added.push(waiting.brief());
            group.invited.push(waiting);
        }
        if !added.is_empty() {
            let told = Change { add_progress: added, ..Change::default() };
            self.tell_invited(&change.id, told, Action::Ask);
        }
    }

    /// An invitation is over.
    pub(super) fn drop_invitation(&mut self, id: &RoomUuid, user: &UserUuid, action: Action) {
        let Some(group) = self.room.groups.get_mut(id) else { return };
        let Some(at) = group.invited.iter().position(|one| one.user == *user) else { return };
        let gone = group.invited.remove(at).brief();
        let mut change = Change { remove_progress: vec![gone], ..Change::default() };
        if action == Action::Accept {
            change.add_accepted.push(json!({"userUuid": user.as_str()}));
        }
        self.tell_invited(id, change, action);
    }

    fn tell_invited(&mut self, id: &RoomUuid, change: Change, action: Action) {
        self.touch_room();
        let Ok(group) = self.room.groups.get(id) else { return };
        let process = group.process();
        let progress = process::views(&group.invited);
        let changed: Tree =
            [(format!("processes.{process}.progress"), progress)].into_iter().collect();
        self.room_properties(&changed, &change.cause(&process, action));
    }

    /// Changes who is in which group, and answers what changed. Whoever learns is in one group at a time.
    pub(super) fn move_members(&mut self, changes: &[GroupUsers]) -> Vec<GroupUsers> {
        let mut all: Vec<GroupUsers> = Vec::new();
        let room = &mut *self.room;
        let groups = &mut room.groups.open;
        let mut note = |id: &RoomUuid, user: &UserUuid, comes: bool| {
            let at = all.iter().position(|change| change.id == *id).unwrap_or_else(|| {
                let (add, remove) = (Vec::new(), Vec::new());
                all.push(GroupUsers { id: id.clone(), add, remove });
                all.len() - 1
            });
            let list = if comes { &mut all[at].add } else { &mut all[at].remove };
            list.push(user.clone());
        };
        for change in changes {
            for user in &change.remove {
                let group = groups.iter_mut().find(|group| group.id == change.id);
                if let Some(group) = group.filter(|group| group.users.contains(user)) {
                    group.users.retain(|other| other != user);
                    note(&group.id, user, false);
                }
            }
        }
        for change in changes {
            for user in &change.add {
                let role = room.users.get(user).map(|user| user.role);
                for group in groups.iter_mut() {
                    let is_in = group.users.contains(user);
                    if group.id == change.id && !is_in {
                        group.users.push(user.clone());
                        note(&group.id, user, true);
                    } else if group.id != change.id && is_in && role == Some(ClassRole::Student) {
                        group.users.retain(|other| other != user);
                        note(&group.id, user, false);
                    }
                }
            }
        }
        all
    }

    pub(super) fn tell_members(&mut self, changes: &[GroupUsers]) {
        if changes.is_empty() {
            return;
        }
        self.touch_room();
        let mut changed = Tree::new();
        for change in changes {
            if let Ok(group) = self.room.groups.get(&change.id) {
                let users = process::names(&group.users);
                changed.insert(format!("groups.details.{}.users", change.id.as_str()), users);
            }
        }
        self.room_properties(&changed, &members(changes));
        let ids: Vec<RoomUuid> = changes.iter().map(|change| change.id.clone()).collect();
        self.inform(&ids);
    }

    /// Whoever leaves the class is invited nowhere any more.
    pub(in crate::room) fn drop_invitations(&mut self, user: &UserUuid) {
        let asked = self.room.groups.open.iter().filter(|group| group.is_asked(user));
        let asked: Vec<RoomUuid> = asked.map(|group| group.id.clone()).collect();
        for id in asked {
            self.drop_invitation(&id, user, Action::Cancel);
        }
    }

    /// Whoever is put out of the class is in no group any more.
    pub(in crate::room) fn leave_groups(&mut self, user: &UserUuid) {
        let leaves = |group: &Group| {
            let remove = vec![user.clone()];
            GroupUsers { id: group.id.clone(), add: Vec::new(), remove }
        };
        let leaves: Vec<GroupUsers> = self.room.groups.open.iter().map(leaves).collect();
        let moved = self.move_members(&leaves);
        self.tell_members(&moved);
    }
}
