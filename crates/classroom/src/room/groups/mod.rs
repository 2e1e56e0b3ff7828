//! Groups: rooms beside the room of the class, for some of those who learn (classroom specification, sections 1.9 and
//! 2.2).
//!
//! The room of the class decides who is in which group; the rooms of the groups, which are rooms like others, are told
//! of it by [`GroupIs`].

mod members;
mod open;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{RoomUuid, UserUuid};

use super::process::{self, Waiting};
use super::{ClassState, Room, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// Groups at once, at the most.
pub const MOST_GROUPS: usize = 20;
/// Members of a group, at the most.
pub const MOST_MEMBERS: usize = 17;
/// Rooms that a class makes for groups, at the most.
const MOST_ROOMS: usize = 500;
/// To whom those who teach speak.
const IN_ROOM: u8 = 1;
const IN_GROUPS: u8 = 2;
const IN_ALL: u8 = 3;

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
    pub(in crate::room) fn view(&self) -> Value {
        let details: Tree =
            self.open.iter().map(|group| (group.id.as_str().to_owned(), group.view())).collect();
        json!({"state": u8::from(!self.open.is_empty()), "details": details})
    }

    /// Adds the invitations to `processes`.
    pub(in crate::room) fn add_processes(&self, processes: &mut Tree) {
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
        let (range, to) = self.audience(range, groups)?;
        let from = self.check_words(message)?;
        if range != IN_GROUPS {
            self.put_chat(&from, message, range);
        }
        let told: Vec<GroupIs> = to
            .iter()
            .map(|id| GroupIs {
                said: Some((from.clone(), message.to_owned())),
                ..self.room.told(id, self.room.groups.get(id).ok())
            })
            .collect();
        self.out.groups.extend(told);
        Ok(())
    }

    /// Row 66: where a message of those who teach is to be said in chat rooms. Answers the room's own
    /// number if it is said there, and in which groups.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoRoom`], [`Refusal::RoomOver`], [`Refusal::FeatureOff`] where the room has
    /// no chat, [`Refusal::Argument`].
    pub fn broadcast_over_chat(
        &self,
        range: u64,
        groups: Option<&[RoomUuid]>,
    ) -> Result<(Option<u64>, Vec<RoomUuid>), Refusal> {
        let (range, to) = self.audience(range, groups)?;
        if self.room.schedule.state == ClassState::Closed {
            return Err(Refusal::RoomOver);
        }
        if !self.room.has_chat() {
            return Err(Refusal::FeatureOff("chat"));
        }
        Ok(((range != IN_GROUPS).then_some(self.room.instance), to))
    }

    /// To whom those who teach speak: the range, and the groups that are in it.
    fn audience(
        &self,
        range: u64,
        groups: Option<&[RoomUuid]>,
    ) -> Result<(u8, Vec<RoomUuid>), Refusal> {
        self.admit_teaching()?;
        let range = match range {
            1 => IN_ROOM,
            2 => IN_GROUPS,
            3 => IN_ALL,
            _ => return Err(Refusal::argument("range: must be 1, 2 or 3")),
        };
        for id in groups.unwrap_or_default() {
            self.room.groups.get(id)?;
        }
        let open = self.room.groups.open.iter().map(|group| &group.id);
        let to = open.filter(|id| range != IN_ROOM && groups.is_none_or(|ids| ids.contains(id)));
        Ok((range, to.cloned().collect()))
    }

    /// Tells the rooms of groups how they are.
    pub(super) fn inform(&mut self, ids: &[RoomUuid]) {
        self.room.groups.version += 1;
        self.touch_room();
        let room = &self.room;
        let told: Vec<GroupIs> =
            ids.iter().map(|id| room.told(id, room.groups.get(id).ok())).collect();
        self.out.groups.extend(told);
    }
}

fn too_many() -> Refusal {
    Refusal::argument(format!("users: a group has at most {MOST_MEMBERS}"))
}
