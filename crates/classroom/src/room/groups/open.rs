//! Groups are opened, renamed and closed.

use serde_json::{Value, json};
use stoa_core::{RoomType, RoomUuid, UserUuid};

use super::{
    Group, GroupInfo, GroupPlan, GroupUsers, MOST_GROUPS, MOST_MEMBERS, MOST_ROOMS, groups_cause,
    members, too_many,
};
use crate::Refusal;
use crate::room::{Turn, shown_name};
use crate::tree::Tree;

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
        let cause = if in_progress { groups_cause(1, &ids) } else { members(&moved) };
        self.tell_groups(&cause);
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
    pub(in crate::room) fn end_groups(&mut self) {
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

    /// Tells everybody of all groups.
    pub(super) fn tell_groups(&mut self, cause: &Value) {
        self.touch_room();
        let mut processes = Tree::new();
        self.room.groups.add_processes(&mut processes);
        let mut changed = crate::tree::below("processes", processes);
        changed.insert("groups".into(), self.room.groups.view());
        self.room_properties(&changed, cause);
    }
}
