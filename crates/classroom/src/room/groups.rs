//! Groups: rooms beside the room of the class, for some of those who learn (classroom specification, sections 1.9 and
//! 2.2).
//!
//! The room of the class decides who is in which group; the rooms of the groups, which are rooms like others, are told
//! of it by [`GroupIs`].

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType, RoomUuid, UserUuid};

use super::process::{self, Action, Change, Waiting};
use super::{Room, Turn, shown_name};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// Groups at once, at the most.
pub const MOST_GROUPS: usize = 20;
/// Members of a group, at the most.
pub const MOST_MEMBERS: usize = 17;
/// Rooms that a class makes for groups, at the most.
const MOST_ROOMS: usize = 500;

/// A group as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its name in the app; none: the server gives one.
    pub id: Option<RoomUuid>,
    /// Its name, shown to people.
    pub name: Option<String>,
    /// Who is in it, or is invited.
    pub users: Vec<UserUuid>,
    /// Its place among the others.
    pub sort: Option<i64>,
}

/// Who comes into a group and who goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUsers {
    /// The group.
    pub id: RoomUuid,
    /// Who comes.
    pub add: Vec<UserUuid>,
    /// Who goes.
    pub remove: Vec<UserUuid>,
}

/// Another name or place of a group; what is none stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// The group.
    pub id: RoomUuid,
    /// Its name, shown to people.
    pub name: Option<String>,
    /// Its place among the others.
    pub sort: Option<i64>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name in the app.
    #[serde(with = "millis::name")]
    pub id: RoomUuid,
    /// Its name, shown to people.
    pub name: String,
    /// Its place among the others.
    pub sort: i64,
    /// Who is in it.
    #[serde(with = "millis::names")]
    pub users: Vec<UserUuid>,
    /// Who is invited.
    pub invited: Vec<Waiting>,
}

/// The groups of a room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// Those that are open.
    pub open: Vec<Group>,
    /// Counts what the rooms of groups are told.
    pub version: u64,
    /// All rooms that were made for groups.
    #[serde(with = "millis::names")]
    pub rooms: Vec<RoomUuid>,
}

/// What the room of a group is told by the room of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupIs {
    /// The group.
    pub id: RoomUuid,
    /// The room of the class.
    pub main: RoomUuid,
    /// Which one of that name.
    pub main_instance: u64,
    /// Later ones hold.
    pub version: u64,
    /// Its name and who is in it; none: it is closed.
    pub open: Option<(String, Vec<UserUuid>)>,
    /// What is said in it: from whom, and what.
    pub said: Option<(Value, String)>,
}

impl Group {
    fn process(&self) -> String {
        format!("groups-{}", self.id.as_str())
    }

    fn view(&self) -> Value {
        let users = process::names(&self.users);
        json!({"groupName": self.name, "users": users, "sort": self.sort})
    }

    /// As it stands in `processes.groups-<id>`.
    fn process_view(&self) -> Value {
        json!({"progress": process::views(&self.invited), "accepted": []})
    }

    fn is_asked(&self, user: &UserUuid) -> bool {
        self.invited.iter().any(|one| one.user == *user)
    }
}

impl Groups {
    fn get(&self, id: &RoomUuid) -> Result<&Group, Refusal> {
        self.open.iter().find(|group| group.id == *id).ok_or(Refusal::NoRoom)
    }

    fn get_mut(&mut self, id: &RoomUuid) -> Option<&mut Group> {
        self.open.iter_mut().find(|group| group.id == *id)
    }

    /// As it stands in `groups`.
    pub(super) fn view(&self) -> Value {
        let details: Tree =
            self.open.iter().map(|group| (group.id.as_str().to_owned(), group.view())).collect();
        json!({"state": u8::from(!self.open.is_empty()), "details": details})
    }

    /// Adds the invitations to `processes`.
    pub(super) fn add_processes(&self, processes: &mut Tree) {
        processes.extend(self.open.iter().map(|group| (group.process(), group.process_view())));
    }
}

/// The cause of a change of members.
fn members(changes: &[GroupUsers]) -> Value {
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!({
                "groupUuid": change.id.as_str(),
                "addUsers": process::names(&change.add),
                "removeUsers": process::names(&change.remove),
            })
        })
        .collect();
    json!({"cmd": 11, "data": {"actionType": 4, "changeGroups": changes}})
}

/// The cause of another change of groups: 1 opened, 2 closed, 3 renamed.
fn groups_cause(action: u8, groups: &[RoomUuid]) -> Value {
    let groups: Vec<Value> =
        groups.iter().map(|group| json!({"groupUuid": group.as_str()})).collect();
    json!({"cmd": 11, "data": {"actionType": action, "changeGroups": groups}})
}

impl Room {
    /// Whether groups are open.
    pub const fn has_groups(&self) -> bool {
        !self.groups.open.is_empty()
    }

    /// What the room of a group is to be told; none: there is no such group.
    pub fn group_is(&self, id: &RoomUuid) -> Option<GroupIs> {
        let group = self.groups.get(id).ok()?;
        Some(self.told(id, Some(group)))
    }

    /// What the room of a group that is closed is to be told.
    pub(crate) fn group_is_closed(&self, id: &RoomUuid) -> GroupIs {
        self.told(id, None)
    }

    fn told(&self, id: &RoomUuid, group: Option<&Group>) -> GroupIs {
        GroupIs {
            id: id.clone(),
            main: self.id.clone(),
            main_instance: self.instance,
            version: self.groups.version,
            open: group.map(|group| (group.name.clone(), group.users.clone())),
            said: None,
        }
    }
}

impl Turn<'_> {
    fn admit_grouping(&self) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teacher() {
            return Err(Refusal::NotAllowed);
        }
        if self.room.kind == RoomType::Group {
            return Err(Refusal::FeatureOff("groups within groups"));
        }
        Ok(())
    }

    /// Rows 6 and 67: opens groups. Their users are members at once, or invited (`in_progress`). Answers their ids.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] but for the teacher and the app, [`Refusal::NoUser`], [`Refusal::Argument`],
    /// [`Refusal::Conflict`] while groups are open.
    pub fn open_groups(
        &mut self,
        plans: Vec<GroupPlan>,
        in_progress: bool,
    ) -> Result<Vec<RoomUuid>, Refusal> {
        self.admit_grouping()?;
        if self.room.has_groups() {
            return Err(Refusal::Conflict);
        }
        self.make_groups(plans, in_progress)
    }

    /// Row 69: opens further groups.
    ///
    /// # Errors
    /// As [`Self::open_groups`], without the conflict.
    pub fn add_groups(
        &mut self,
        plans: Vec<GroupPlan>,
        in_progress: bool,
    ) -> Result<Vec<RoomUuid>, Refusal> {
        self.admit_grouping()?;
        self.make_groups(plans, in_progress)
    }

    fn make_groups(
        &mut self,
        plans: Vec<GroupPlan>,
        in_progress: bool,
    ) -> Result<Vec<RoomUuid>, Refusal> {
        let open = self.room.groups.open.len();
        if plans.is_empty() || open + plans.len() > MOST_GROUPS {
            let what = format!("groups: at least one, and {MOST_GROUPS} at once at the most");
            return Err(Refusal::argument(what));
        }
        let mut made: Vec<(Group, Vec<UserUuid>)> = Vec::new();
        for (at, plan) in plans.into_iter().enumerate() {
            let id = match plan.id {
                Some(id) => id,
                // Letters and digits are a name always.
                None => self.new_id().parse().map_err(|_| Refusal::Conflict)?,
            };
            let is_known = self.room.groups.get(&id).is_ok()
                || made.iter().any(|(group, _)| group.id == id)
                || id == self.room.id;
            if is_known || id.as_str().contains('.') {
                let what = "groupUuid: must be of no other group or room, and without dots";
                return Err(Refusal::argument(what));
            }
            let number = i64::try_from(open + at + 1).unwrap_or(i64::MAX);
            let name = plan.name.unwrap_or_else(|| format!("Group {number}"));
            let name = shown_name("groupName", &name)?;
            if plan.users.len() > MOST_MEMBERS {
                return Err(too_many());
            }
            for user in &plan.users {
                let known = self.room.users.get(user).ok_or(Refusal::NoUser)?;
                let twice = made.iter().any(|(_, users)| users.contains(user))
                    || plan.users.iter().filter(|other| *other == user).count() > 1;
                if twice || !known.role.is_listed() {
                    let what = "users: each user is in one group, and takes part in the class";
                    return Err(Refusal::argument(what));
                }
            }
            let sort = plan.sort.unwrap_or(number);
            let (users, invited) = (Vec::new(), Vec::new());
            made.push((Group { id, name, sort, users, invited }, plan.users));
        }
        if self.room.groups.rooms.len() + made.len() > MOST_ROOMS {
            return Err(Refusal::TooMany);
        }
        self.end_carousel();
        let ids: Vec<RoomUuid> = made.iter().map(|(group, _)| group.id.clone()).collect();
        let mut joins = Vec::new();
        for (group, users) in made {
            joins.push(GroupUsers { id: group.id.clone(), add: users, remove: Vec::new() });
            if !self.room.groups.rooms.contains(&group.id) {
                self.room.groups.rooms.push(group.id.clone());
            }
            self.room.groups.open.push(group);
        }
        let moved = if in_progress { Vec::new() } else { self.move_members(&joins) };
        self.tell_groups(if in_progress { groups_cause(1, &ids) } else { members(&moved) });
        if in_progress {
            for join in &joins {
                self.invite(join);
            }
        }
        self.inform(&ids);
        Ok(ids)
    }

    /// Rows 6 and 68: closes all groups; everybody is back in the room of the class.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] but for the teacher and the app.
    pub fn close_groups(&mut self) -> Result<(), Refusal> {
        self.admit_grouping()?;
        self.end_groups();
        Ok(())
    }

    /// All groups are closed.
    pub(super) fn end_groups(&mut self) {
        let ids: Vec<RoomUuid> =
            self.room.groups.open.iter().map(|group| group.id.clone()).collect();
        self.end_those(&ids);
    }

    /// Row 69: closes groups.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] but for the teacher and the app, [`Refusal::NoRoom`].
    pub fn remove_groups(&mut self, ids: &[RoomUuid]) -> Result<(), Refusal> {
        self.admit_grouping()?;
        for id in ids {
            self.room.groups.get(id)?;
        }
        self.end_those(ids);
        Ok(())
    }

    fn end_those(&mut self, ids: &[RoomUuid]) {
        if ids.is_empty() {
            return;
        }
        self.room.groups.open.retain(|group| !ids.contains(&group.id));
        self.touch_room();
        let mut changed = Tree::new();
        changed.insert("groups".into(), self.room.groups.view());
        for id in ids {
            changed.insert(format!("processes.groups-{}", id.as_str()), json!("deleted"));
        }
        self.room_properties(&changed, &groups_cause(2, ids));
        self.inform(ids);
    }

    /// Row 70: gives groups other names or places.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::Argument`].
    pub fn change_group_info(&mut self, changes: &[GroupInfo]) -> Result<(), Refusal> {
        self.admit_teaching()?;
        for change in changes {
            self.room.groups.get(&change.id)?;
            change.name.as_ref().map_or(Ok(String::new()), |name| shown_name("groupName", name))?;
        }
        let mut changed = Tree::new();
        for change in changes {
            let Some(group) = self.room.groups.get_mut(&change.id) else { continue };
            let path = format!("groups.details.{}", change.id.as_str());
            if let Some(name) = &change.name {
                group.name.clone_from(name);
                changed.insert(format!("{path}.groupName"), json!(name));
            }
            if let Some(sort) = change.sort {
                group.sort = sort;
                changed.insert(format!("{path}.sort"), json!(sort));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.touch_room();
        let ids: Vec<RoomUuid> = changes.iter().map(|change| change.id.clone()).collect();
        self.room_properties(&changed, &groups_cause(3, &ids));
        self.inform(&ids);
        Ok(())
    }

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

    /// Rows 65 and 66: says something to everybody of the class: `range` 1 in this room, 2 in groups, 3 in both; in
    /// these groups only, if they are named.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::Argument`].
    pub fn broadcast(
        &mut self,
        range: u64,
        groups: Option<&[RoomUuid]>,
        message: &str,
    ) -> Result<(), Refusal> {
        self.admit_teaching()?;
        let from = self.check_words(message)?;
        let range = match range {
            1 => 1_u8,
            2 => 2,
            3 => 3,
            _ => return Err(Refusal::argument("range: must be 1, 2 or 3")),
        };
        for id in groups.unwrap_or_default() {
            self.room.groups.get(id)?;
        }
        if range != 2 {
            self.put_chat(&from, message, range);
        }
        if range != 1 {
            let open = self.room.groups.open.iter();
            let to = open.filter(|group| groups.is_none_or(|ids| ids.contains(&group.id)));
            let told: Vec<GroupIs> = to
                .map(|group| GroupIs {
                    said: Some((from.clone(), message.to_owned())),
                    ..self.room.told(&group.id, Some(group))
                })
                .collect();
            self.out.groups.extend(told);
        }
        Ok(())
    }

    /// Invites users into a group.
    fn invite(&mut self, change: &GroupUsers) {
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
    fn drop_invitation(&mut self, id: &RoomUuid, user: &UserUuid, action: Action) {
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
    fn move_members(&mut self, changes: &[GroupUsers]) -> Vec<GroupUsers> {
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

    fn tell_members(&mut self, changes: &[GroupUsers]) {
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

    /// Tells everybody of all groups.
    fn tell_groups(&mut self, cause: Value) {
        self.touch_room();
        let mut processes = Tree::new();
        self.room.groups.add_processes(&mut processes);
        let mut changed = crate::tree::below("processes", processes);
        changed.insert("groups".into(), self.room.groups.view());
        self.room_properties(&changed, &cause);
    }

    /// Tells the rooms of groups how they are.
    fn inform(&mut self, ids: &[RoomUuid]) {
        self.room.groups.version += 1;
        self.touch_room();
        let room = &self.room;
        let told: Vec<GroupIs> =
            ids.iter().map(|id| room.told(id, room.groups.get(id).ok())).collect();
        self.out.groups.extend(told);
    }

    /// Whoever leaves the class is invited nowhere any more.
    pub(super) fn drop_invitations(&mut self, user: &UserUuid) {
        let asked = self.room.groups.open.iter().filter(|group| group.is_asked(user));
        let asked: Vec<RoomUuid> = asked.map(|group| group.id.clone()).collect();
        for id in asked {
            self.drop_invitation(&id, user, Action::Cancel);
        }
    }

    /// Whoever is put out of the class is in no group any more.
    pub(super) fn leave_groups(&mut self, user: &UserUuid) {
        let leaves = |group: &Group| {
            let remove = vec![user.clone()];
            GroupUsers { id: group.id.clone(), add: Vec::new(), remove }
        };
        let leaves: Vec<GroupUsers> = self.room.groups.open.iter().map(leaves).collect();
        let moved = self.move_members(&leaves);
        self.tell_members(&moved);
    }
}

fn too_many() -> Refusal {
    Refusal::argument(format!("users: a group has at most {MOST_MEMBERS}"))
}
