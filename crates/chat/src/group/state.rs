//! A group in memory, how it is loaded and stored.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use stoa_core::{ConversationId, Day, GroupId, MucKind, RoomUuid, Timestamp, UserId};
use stoa_store::spaces::{self, Space};
use stoa_store::{
    AppStore, Blind, Bucket, Direction, Key, KeyBuilder, Reader, StoreError, Txn, classes,
};

use super::{Roster, Standing};
use crate::class::class_blind;
use crate::conversation::pins_key;
use crate::records::{self, GroupName, Name, RosterPage, StoredGroup};
use crate::{Error, member};

/// How often the number of a room's members is stored.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// Parts of a roster that one step reads.
const STEP: usize = 128;

/// What a group is called and how it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// The address of a picture.
    pub avatar: String,
    /// The app's own data.
    pub custom: String,
    /// What its managers announce; for members only.
    pub announcement: String,
    /// It stands in the list of public groups, and users can apply.
    pub public: bool,
    /// Whoever applies waits for the owner or an administrator.
    pub approval: bool,
    /// Ordinary members may invite.
    pub member_invites: bool,
    /// Whoever is invited is asked.
    pub invite_confirm: bool,
    /// Members at the most, the owner included.
    pub max_members: u32,
    /// To whom it belongs.
    pub owner: UserId,
    /// When it was made.
    pub created: Timestamp,
    /// When name or settings were last changed.
    pub modified: Timestamp,
    /// All are muted but managers and those on the allow list.
    pub all_muted: bool,
    /// The app's back end switched it off.
    pub disabled: bool,
    /// The class room whose chat it is; of a breakout group, the class room that the group is of.
    pub class: Option<RoomUuid>,
}

/// A group. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) info: Arc<Info>,
    pub(crate) roster: Roster,
    next_number: u64,
    /// The last day on which something was said or done in it.
    used: Day,
    /// What is not stored yet.
    changed: Changed,
    /// When the number of members was last stored.
    counted: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Changed {
    /// What it is called and how it is set.
    info: bool,
    /// How many members it has.
    count: bool,
    /// On which day it was used last.
    used: bool,
    /// It has not been stored before.
    new: bool,
    gone: bool,
    parts: BTreeSet<u32>,
    /// Of a room: who is or was something there besides a member.
    notable: BTreeSet<UserId>,
}

/// The blinded name of a group in keys.
pub(crate) fn group_blind(store: &AppStore, group: &GroupId) -> Blind {
    member::conversation_blind(store, &ConversationId::Group(group.clone()))
}

/// The group, or the room, of that id and that blinded name; none if neither has it.
pub(crate) fn group_named(store: &AppStore, id: &str, blind: Blind) -> Option<GroupId> {
    let kinds = [MucKind::Group, MucKind::Room].into_iter();
    let mut ids = kinds.filter_map(|kind| GroupId::parse(kind, id).ok());
    ids.find(|id| group_blind(store, id) == blind)
}

/// What the records of a group are sealed under: a key of its own, or that of its class room.
pub(crate) fn group_bucket(store: &AppStore, group: &GroupId) -> Bucket {
    Bucket::Object(match group.class_number() {
        Some(number) => class_blind(store, number).0,
        None => group_blind(store, group).0,
    })
}

fn group_key(store: &AppStore, id: &GroupId) -> Key {
    let space = match id.class_number() {
        Some(_) => &spaces::CLASS_CHAT_ROOMS,
        None => &spaces::GROUPS,
    };
    store.key(space).blind(group_blind(store, id)).done()
}

/// Where the roster of a group lies.
fn parts(store: &AppStore, id: &GroupId) -> KeyBuilder {
    let space = match id.class_number() {
        Some(_) => &spaces::CLASS_CHAT_ROSTERS,
        None => &spaces::GROUP_ROSTERS,
    };
    store.key(space).blind(group_blind(store, id))
}

fn part_key(store: &AppStore, id: &GroupId, part: u32) -> Key {
    parts(store, id).number(part.into()).done()
}

/// The space in which groups, or rooms, stand in the order of their creation.
pub(crate) const fn list_space(kind: MucKind) -> &'static Space {
    match kind {
        MucKind::Group => &spaces::GROUPS_BY_TIME,
        MucKind::Room => &spaces::ROOMS_BY_TIME,
    }
}

fn time_key(store: &AppStore, info: &Info, group: Blind) -> Key {
    let space = list_space(info.id.kind());
    store.key(space).number(info.created.as_millis()).blind(group).done()
}

/// The key under which an app's users, groups and rooms have their names.
pub(crate) fn name_key(store: &AppStore, group: &GroupId) -> Key {
    store.key(&spaces::NAMES).blind(store.blind("name", &[group.as_str().as_bytes()])).done()
}

impl Group {
    /// A new group with its owner as the only member, not stored yet.
    pub(crate) fn new(info: Info) -> Self {
        let (owner, created) = (info.owner.clone(), info.created);
        let mut group = Self {
            roster: Roster::new(info.id.kind()),
            info: Arc::new(info),
            next_number: 0,
            used: created.day(),
            changed: Changed { info: true, new: true, ..Changed::default() },
            counted: created,
        };
        group.set(&owner, Standing::Owner, created);
        group
    }

    /// The new chat room of a class room, which belongs to nobody who could be in it.
    pub(crate) fn of_class(info: Info) -> Self {
        let created = info.created;
        Self {
            roster: Roster::new(info.id.kind()),
            info: Arc::new(info),
            next_number: 0,
            used: created.day(),
            changed: Changed { info: true, new: true, ..Changed::default() },
            counted: created,
        }
    }

    /// Loads a group; none if there is none.
    pub(crate) async fn load(
        store: &AppStore,
        reader: &mut impl Reader,
        id: &GroupId,
    ) -> Result<Option<Self>, Error> {
        let Some(value) = reader.get(&group_key(store, id)).await? else { return Ok(None) };
        let stored: StoredGroup = records::decode(&value, spaces::GROUPS.name)?;
        let mut group = Self {
            next_number: stored.next_number,
            used: Day(stored.used_day),
            info: Arc::new(Info::read(stored, id.kind())?),
            roster: Roster::new(id.kind()),
            changed: Changed::default(),
            counted: Timestamp::default(),
        };
        let mut rest = parts(store, id).all();
        loop {
            let rows = reader.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let page: RosterPage = records::decode(&value, spaces::GROUP_ROSTERS.name)?;
                let corrupt = StoreError::Corrupt { space: spaces::GROUP_ROSTERS.name };
                let part = u32::try_from(key.number(1)).map_err(|_| corrupt)?;
                group.roster.load(part, page.lines)?;
                rest = rest.above(&key);
            }
            if !full {
                // It may be of a moment before the last who came.
                group.next_number = group.next_number.max(group.roster.last_number());
                return Ok(Some(group));
            }
        }
    }

    /// What is kept of a group besides its roster; none if there is no group of that id.
    pub(crate) async fn info(
        store: &AppStore,
        reader: &mut impl Reader,
        id: &GroupId,
    ) -> Result<Option<(Info, u32)>, Error> {
        let key = group_key(store, id);
        let Some(value) = reader.get(&key).await? else { return Ok(None) };
        let stored: StoredGroup = records::decode(&value, spaces::GROUPS.name)?;
        let members = stored.members;
        Ok(Some((Info::read(stored, id.kind())?, members)))
    }

    /// Its id.
    pub(crate) fn id(&self) -> &GroupId {
        &self.info.id
    }

    /// Whether it was dismissed.
    pub(crate) const fn is_gone(&self) -> bool {
        self.changed.gone
    }

    /// Changes name or settings.
    pub(crate) fn info_mut(&mut self) -> &mut Info {
        self.changed.info = true;
        Arc::make_mut(&mut self.info)
    }

    /// Works on the line of `user` by `work`, which answers the part that is to be stored.
    fn work_on(&mut self, user: &UserId, work: impl FnOnce(&mut Roster, &mut u64) -> Option<u32>) {
        let is_notable = |roster: &Roster| roster.get(user).is_some_and(super::Line::is_notable);
        let was_notable = is_notable(&self.roster);
        let part = work(&mut self.roster, &mut self.next_number);
        self.changed.parts.extend(part);
        if self.id().is_room() && (was_notable || is_notable(&self.roster)) {
            self.changed.notable.insert(user.clone());
        }
    }

    /// `user` comes into a chat room: as what it was when it left, or as an ordinary member.
    pub(crate) fn arrive(&mut self, user: &UserId, now: Timestamp) {
        self.work_on(user, |roster, next| Some(roster.arrive(user, next, now)));
        self.changed.count = true;
    }

    /// `user` leaves a chat room; what it is there besides a member stays.
    pub(crate) fn depart(&mut self, user: &UserId, now: Timestamp) {
        self.work_on(user, |roster, _| roster.depart(user, now));
        self.changed.count = true;
    }

    /// Gives `user` a standing.
    pub(crate) fn set(&mut self, user: &UserId, standing: Standing, now: Timestamp) {
        self.work_on(user, |roster, next| Some(roster.set(user, standing, next, now)));
        self.changed.count = true;
    }

    /// Changes what else is known of somebody on the roster.
    pub(crate) fn change(&mut self, user: &UserId, change: impl FnOnce(&mut super::Line)) {
        self.work_on(user, |roster, _| roster.change(user, change));
    }

    /// Takes `user` off the roster.
    pub(crate) fn remove(&mut self, user: &UserId) {
        self.work_on(user, |roster, _| roster.remove(user));
        self.changed.count = true;
    }

    /// Something was said or done in it at `now`, if `is_used`, or it was changed: noted once a day.
    pub(crate) fn use_it(&mut self, is_used: bool, now: Timestamp) {
        if (is_used || self.changed != Changed::default()) && self.used < now.day() {
            self.used = now.day();
            self.changed.used = true;
        }
    }

    /// The last day on which it was used, as far as that is known: uses have been written down since `since`.
    pub(crate) fn last_used(&self, since: Option<Timestamp>) -> Day {
        last_used(self.used, self.info.created, since)
    }

    /// It is dismissed: nothing of it is kept but its log, which goes with its days.
    pub(crate) const fn dismiss(&mut self) {
        self.changed.gone = true;
    }

    /// The number of members is stored with what is stored next.
    pub(crate) const fn count_is_due(&mut self) {
        self.counted = Timestamp::from_millis(0);
    }

    /// Whether the number of members is to be stored later.
    pub(crate) const fn owes_count(&self) -> bool {
        self.changed.count
    }

    /// Writes what changed. Of a room, the number of members at most once a second.
    pub(crate) async fn save(
        &mut self,
        store: &AppStore,
        txn: &mut Txn,
        now: Timestamp,
    ) -> Result<(), Error> {
        let changed = std::mem::take(&mut self.changed);
        let waits = self.id().is_room() && now.since(self.counted) < COUNT_INTERVAL;
        let (blind, id) = (group_blind(store, self.id()), self.id().clone());
        let bucket = group_bucket(store, &id);
        // Rooms of classes stand in no list, and nothing of them under the keys of users.
        let is_listed = id.class_number().is_none();
        if changed.gone {
            txn.delete(&group_key(store, &id))?;
            if is_listed {
                txn.delete(&pins_key(store, blind))?;
                // The id stays taken, which names nobody, when the group's key is gone.
                let name = self.name().encode_to_vec();
                txn.put(&name_key(store, &id), Bucket::Whole, &name).await?;
                txn.end_object(&classes::USER_INFORMATION, blind, now).await?;
            }
            for part in self.roster.parts() {
                txn.delete(&part_key(store, &id, part))?;
            }
            if is_listed {
                txn.delete(&time_key(store, &self.info, blind))?;
            }
            if is_listed && id.is_room() {
                let notable = self.roster.all().filter(|(_, line)| line.is_notable());
                let notable = notable.map(|(user, _)| user).chain(&changed.notable);
                for user in notable {
                    member::write_room(store, txn, user, self.id(), None).await?;
                }
            }
            self.changed.gone = true;
            return Ok(());
        }
        for part in changed.parts {
            let lines = self.roster.stored(part);
            let key = part_key(store, &id, part);
            if lines.is_empty() {
                txn.delete(&key)?;
            } else {
                txn.put(&key, bucket, &RosterPage { lines }.encode_to_vec()).await?;
            }
        }
        for user in changed.notable.into_iter().filter(|_| is_listed) {
            let line = self.roster.get(&user).filter(|line| line.is_notable());
            let part = line.map(|line| (line.since, line.away));
            member::write_room(store, txn, &user, self.id(), part).await?;
        }
        if changed.info || changed.used || changed.count && !waits {
            self.counted = now;
            let value = self.stored().encode_to_vec();
            txn.put(&group_key(store, &id), bucket, &value).await?;
        } else {
            self.changed.count = changed.count;
        }
        if changed.new && is_listed {
            let name = self.name().encode_to_vec();
            txn.put(&name_key(store, self.id()), bucket, &name).await?;
        }
        if is_listed && (changed.info || changed.new) {
            let id = self.id().as_str().into();
            let row = GroupName { id, public: self.info.public };
            let key = time_key(store, &self.info, blind);
            txn.put(&key, bucket, &row.encode_to_vec()).await?;
        }
        Ok(())
    }

    /// What its id is the name of.
    fn name(&self) -> Name {
        Name { kind: if self.id().is_room() { Name::ROOM } else { Name::GROUP } }
    }

    fn stored(&self) -> StoredGroup {
        let info = &*self.info;
        StoredGroup {
            id: info.id.as_str().into(),
            name: info.name.clone(),
            description: info.description.clone(),
            avatar: info.avatar.clone(),
            custom: info.custom.clone(),
            announcement: info.announcement.clone(),
            public: info.public,
            approval: info.approval,
            member_invites: info.member_invites,
            invite_confirm: info.invite_confirm,
            max_members: info.max_members,
            owner: info.owner.as_str().into(),
            created_ms: info.created.as_millis(),
            modified_ms: info.modified.as_millis(),
            all_muted: info.all_muted,
            disabled: info.disabled,
            next_number: self.next_number,
            members: self.roster.members(),
            used_day: self.used.0,
            class: info.class.as_ref().map_or_else(String::new, |class| class.as_str().into()),
        }
    }

    /// Whether `user` may send a message now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_send(&self, user: &UserId, now: Timestamp) -> Result<(), Error> {
        let line = self.roster.member(user).ok_or(Error::NotInGroup)?;
        if self.info.disabled {
            return Err(Error::GroupDisabled);
        }
        if line.standing == Standing::Owner {
            return Ok(());
        }
        if line.is_muted(now) {
            return Err(Error::Muted);
        }
        if self.info.all_muted && !line.standing.manages() && !line.allowed {
            return Err(Error::NotAllowListed);
        }
        Ok(())
    }
}

/// The last day on which what was made at `created`, and is known to have been used on `used`, was used: uses have been
/// written down since `since`.
pub(crate) fn last_used(used: Day, created: Timestamp, since: Option<Timestamp>) -> Day {
    used.max(created.day()).max(since.map_or(Day(0), Timestamp::day))
}

impl Info {
    /// What is stored of a group or room.
    fn read(stored: StoredGroup, kind: MucKind) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { space: spaces::GROUPS.name };
        Ok(Self {
            id: GroupId::parse(kind, &stored.id).map_err(|_| corrupt())?,
            name: stored.name,
            description: stored.description,
            avatar: stored.avatar,
            custom: stored.custom,
            announcement: stored.announcement,
            public: stored.public,
            approval: stored.approval,
            member_invites: stored.member_invites,
            invite_confirm: stored.invite_confirm,
            max_members: stored.max_members,
            owner: stored.owner.parse().map_err(|_| corrupt())?,
            created: Timestamp::from_millis(stored.created_ms),
            modified: Timestamp::from_millis(stored.modified_ms),
            all_muted: stored.all_muted,
            disabled: stored.disabled,
            class: match &*stored.class {
                "" => None,
                class => Some(class.parse().map_err(|_| corrupt())?),
            },
        })
    }
}
