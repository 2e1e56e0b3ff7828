//! Who is a member of a group, invited to it, applying or kept out.
//!
//! A line of a chat room's roster may be *away*: the user is something there, an administrator or
//! muted, and is not in the room.

use std::num::NonZeroU64;
use std::sync::Arc;

use stoa_core::{MucKind, Timestamp, UserId, limits};
use stoa_store::StoreError;

use crate::records::{StoredMember, StoredStanding};

/// What somebody is to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It belongs to this member.
    Owner,
    /// Helps the owner.
    Admin,
    /// An ordinary member.
    Member,
    /// Was invited by this user and has not answered.
    Invited(UserId),
    /// Asks to be let in.
    Applied,
    /// Is kept out.
    Blocked,
}

impl Standing {
    /// Whether it is that of a member.
    pub(crate) const fn is_member(&self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Member)
    }

    /// Whether it is that of the owner or an administrator.
    pub(crate) const fn manages(&self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// A line of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What the user is.
    pub(crate) standing: Standing,
    /// Rises with each that comes.
    pub(crate) number: u64,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Muted until then, in milliseconds. There are many lines, so it takes no more room than that.
    muted_until_ms: Option<NonZeroU64>,
    /// May speak when all are muted.
    pub(crate) allowed: bool,
    /// Takes no messages of the group.
    pub(crate) shielded: bool,
    /// Is not in the room at present.
    pub(crate) away: bool,
    /// The part of the roster in which it is stored.
    part: u32,
}

impl Line {
    /// The end of a mute that has none.
    pub(crate) const FOR_EVER: Timestamp = Timestamp::from_millis(u64::MAX);

    /// Whether it is that of somebody who is there.
    pub(crate) const fn is_joined(&self) -> bool {
        self.standing.is_member() && !self.away
    }

    /// Whether the user is still something when it leaves a chat room at `now`.
    fn outlasts_leaving(&self, now: Timestamp) -> bool {
        self.standing.manages() || self.allowed || self.is_muted(now)
    }

    /// Whether a chat room keeps the line beyond a visit, or once did.
    pub(crate) fn is_notable(&self) -> bool {
        self.standing.is_member()
            && (self.standing.manages() || self.allowed || self.muted_until_ms.is_some())
    }

    /// Until when the user is muted, if it is or was; [`Self::FOR_EVER`] for ever.
    pub(crate) fn muted_until(&self) -> Option<Timestamp> {
        self.muted_until_ms.map(|until| Timestamp::from_millis(until.get()))
    }

    /// Mutes the user until then, or ends its mute.
    pub(crate) fn mute(&mut self, until: Option<Timestamp>) {
        self.muted_until_ms = until.and_then(|until| NonZeroU64::new(until.as_millis()));
    }

    /// Whether the user is muted at `now`.
    pub(crate) fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until().is_some_and(|until| until > now)
    }
}

/// The roster of a group. Cheap to clone: what stays the same is shared.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    /// How many lines a part has at the most.
    part_size: usize,
    lines: imbl::OrdMap<UserId, Line>,
    /// The members by their numbers: a page of the list costs what it shows, not what there is.
    order: imbl::OrdMap<u64, UserId>,
    /// Whose lines stand in each part.
    parts: imbl::OrdMap<u32, Arc<Vec<UserId>>>,
    /// The parts that have room for one more.
    open_parts: imbl::OrdSet<u32>,
    members: u32,
    pending: usize,
    blocked: usize,
    admins: usize,
}

impl Roster {
    /// An empty roster, of a group or a room.
    pub(crate) fn new(kind: MucKind) -> Self {
        Self {
            part_size: match kind {
                MucKind::Group => limits::ROSTER_PART,
                MucKind::Room => limits::ROOM_ROSTER_PART,
            },
            lines: imbl::OrdMap::new(),
            order: imbl::OrdMap::new(),
            parts: imbl::OrdMap::new(),
            open_parts: imbl::OrdSet::new(),
            members: 0,
            pending: 0,
            blocked: 0,
            admins: 0,
        }
    }

    /// The line of `user`.
    pub(crate) fn get(&self, user: &UserId) -> Option<&Line> {
        self.lines.get(user)
    }

    /// The line of `user`, if it is a member.
    pub(crate) fn member(&self, user: &UserId) -> Option<&Line> {
        self.lines.get(user).filter(|line| line.is_joined())
    }

    /// The line of `user`, if it is a member, or was and is still something in a chat room.
    pub(crate) fn belonging(&self, user: &UserId) -> Option<&Line> {
        self.lines.get(user).filter(|line| line.standing.is_member())
    }

    /// The lines of all who [belong](Self::belonging), by name.
    pub(crate) fn all_belonging(&self) -> impl Iterator<Item = (&UserId, &Line)> {
        self.lines.iter().filter(|(_, line)| line.standing.is_member())
    }

    /// Whether `user` is a member.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.member(user).is_some()
    }

    /// All members, by name.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&UserId, &Line)> {
        self.lines.iter().filter(|(_, line)| line.is_joined())
    }

    /// Members whose number is below `number`, the last that came first.
    pub(crate) fn newest_below(&self, number: u64) -> impl Iterator<Item = (&UserId, &Line)> {
        let members = self.order.range(..number).rev().map(|(_, user)| user);
        members.filter_map(|user| self.lines.get(user).map(|line| (user, line)))
    }

    /// All lines, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&UserId, &Line)> {
        self.lines.iter()
    }

    /// How many members there are.
    pub(crate) const fn members(&self) -> u32 {
        self.members
    }

    /// The highest number that a line has.
    pub(crate) fn last_number(&self) -> u64 {
        self.lines.values().map(|line| line.number).max().unwrap_or_default()
    }

    /// How many invitations and applications wait for an answer.
    pub(crate) const fn pending(&self) -> usize {
        self.pending
    }

    /// How many are kept out.
    pub(crate) const fn blocked(&self) -> usize {
        self.blocked
    }

    /// How many administrators there are, the owner not counted.
    pub(crate) const fn admins(&self) -> usize {
        self.admins
    }

    /// The owner and the administrators.
    pub(crate) fn managers(&self) -> impl Iterator<Item = &UserId> {
        self.lines.iter().filter(|(_, line)| line.standing.manages()).map(|(user, _)| user)
    }

    fn count(&mut self, line: &Line, by: isize) {
        let counter = match &line.standing {
            Standing::Owner | Standing::Member => None,
            Standing::Admin => Some(&mut self.admins),
            Standing::Invited(_) | Standing::Applied => Some(&mut self.pending),
            Standing::Blocked => Some(&mut self.blocked),
        };
        if let Some(counter) = counter {
            *counter = counter.saturating_add_signed(by);
        }
        if line.is_joined() {
            let by = if by > 0 { 1 } else { -1 };
            self.members = self.members.saturating_add_signed(by);
        }
    }

    /// Gives `user` a standing. Who was a member and stays one keeps its place in the list; who is new
    /// is neither muted nor on the allow list. Answers the part that is to be stored.
    pub(crate) fn set(
        &mut self,
        user: &UserId,
        standing: Standing,
        next_number: &mut u64,
        now: Timestamp,
    ) -> u32 {
        let before = self.lines.get(user).cloned();
        if let Some(before) = &before {
            self.order.remove(&before.number);
            self.count(before, -1);
        }
        let stays = before.as_ref().is_some_and(|before| {
            before.standing.is_member() == standing.is_member() && standing.is_member()
        });
        let line = match before {
            Some(before) if stays => Line { standing, ..before },
            before => {
                let part = before.map_or_else(|| self.part_with_room(), |before| before.part);
                *next_number += 1;
                Line {
                    standing,
                    number: *next_number,
                    since: now,
                    muted_until_ms: None,
                    allowed: false,
                    shielded: false,
                    away: false,
                    part,
                }
            }
        };
        self.enter(user, line)
    }

    /// Puts a line into its place. Answers the part that is to be stored.
    fn enter(&mut self, user: &UserId, line: Line) -> u32 {
        let part = line.part;
        self.count(&line, 1);
        if line.is_joined() {
            self.order.insert(line.number, user.clone());
        }
        if self.lines.insert(user.clone(), line).is_none() {
            let users = Arc::make_mut(self.parts.entry(part).or_default());
            users.push(user.clone());
            let is_full = users.len() >= self.part_size;
            self.note_part(part, is_full);
        }
        part
    }

    fn note_part(&mut self, part: u32, is_full: bool) {
        if is_full {
            self.open_parts.remove(&part);
        } else {
            self.open_parts.insert(part);
        }
    }

    /// `user` comes into a chat room: as what it was when it left, or as an ordinary member. Answers
    /// the part that is to be stored.
    pub(crate) fn arrive(&mut self, user: &UserId, next_number: &mut u64, now: Timestamp) -> u32 {
        match self.belonging(user).cloned() {
            Some(before) if before.away => {
                self.count(&before, -1);
                *next_number += 1;
                self.enter(user, Line { away: false, number: *next_number, since: now, ..before })
            }
            Some(before) => before.part,
            None => self.set(user, Standing::Member, next_number, now),
        }
    }

    /// `user`, a member of a chat room, leaves it; what it is there besides it stays. Answers the part
    /// that is to be stored.
    pub(crate) fn depart(&mut self, user: &UserId, now: Timestamp) -> Option<u32> {
        let line = self.member(user)?.clone();
        if !line.outlasts_leaving(now) {
            return self.remove(user);
        }
        self.count(&line, -1);
        self.order.remove(&line.number);
        Some(self.enter(user, Line { away: true, ..line }))
    }

    /// Changes a line that is there, but not its standing. Answers the part that is to be stored.
    pub(crate) fn change(&mut self, user: &UserId, change: impl FnOnce(&mut Line)) -> Option<u32> {
        let line = self.lines.get_mut(user)?;
        change(line);
        Some(line.part)
    }

    /// Takes `user` off the roster. Answers the part that is to be stored.
    pub(crate) fn remove(&mut self, user: &UserId) -> Option<u32> {
        let line = self.lines.remove(user)?;
        self.order.remove(&line.number);
        self.count(&line, -1);
        if let Some(users) = self.parts.get_mut(&line.part) {
            Arc::make_mut(users).retain(|other| other != user);
            self.note_part(line.part, false);
        }
        Some(line.part)
    }

    fn part_with_room(&self) -> u32 {
        let next = || self.parts.get_max().map_or(0, |(part, _)| part + 1);
        self.open_parts.get_min().copied().unwrap_or_else(next)
    }

    /// The parts that there are.
    pub(crate) fn parts(&self) -> impl Iterator<Item = u32> {
        self.parts.keys().copied()
    }

    /// The lines of a part as they are stored.
    pub(crate) fn stored(&self, part: u32) -> Vec<StoredMember> {
        let users = self.parts.get(&part).into_iter().flat_map(|users| users.iter());
        let lines = users.filter_map(|user| self.lines.get_key_value(user));
        lines.map(|(user, line)| stored(user, line)).collect()
    }

    /// Takes in a part as it was stored.
    pub(crate) fn load(&mut self, part: u32, lines: Vec<StoredMember>) -> Result<(), StoreError> {
        let corrupt = || StoreError::Corrupt { space: stoa_store::spaces::GROUP_ROSTERS.name };
        for stored in lines {
            let user: UserId = stored.user.parse().map_err(|_| corrupt())?;
            let standing = match StoredStanding::try_from(stored.standing) {
                Ok(StoredStanding::Owner) => Standing::Owner,
                Ok(StoredStanding::Admin) => Standing::Admin,
                Ok(StoredStanding::Member) => Standing::Member,
                Ok(StoredStanding::Invited) => {
                    Standing::Invited(stored.by.parse().map_err(|_| corrupt())?)
                }
                Ok(StoredStanding::Applied) => Standing::Applied,
                Ok(StoredStanding::Blocked) => Standing::Blocked,
                Ok(StoredStanding::Unknown) | Err(_) => return Err(corrupt()),
            };
            let line = Line {
                standing,
                number: stored.number,
                since: Timestamp::from_millis(stored.since_ms),
                muted_until_ms: NonZeroU64::new(stored.muted_until_ms),
                allowed: stored.allowed,
                shielded: stored.shielded,
                away: stored.away,
                part,
            };
            self.enter(&user, line);
        }
        Ok(())
    }
}

fn stored(user: &UserId, line: &Line) -> StoredMember {
    let (standing, by) = match &line.standing {
        Standing::Owner => (StoredStanding::Owner, ""),
        Standing::Admin => (StoredStanding::Admin, ""),
        Standing::Member => (StoredStanding::Member, ""),
        Standing::Invited(by) => (StoredStanding::Invited, by.as_str()),
        Standing::Applied => (StoredStanding::Applied, ""),
        Standing::Blocked => (StoredStanding::Blocked, ""),
    };
    StoredMember {
        user: user.as_str().into(),
        standing: standing.into(),
        number: line.number,
        since_ms: line.since.as_millis(),
        muted_until_ms: line.muted_until_ms.map_or(0, NonZeroU64::get),
        allowed: line.allowed,
        shielded: line.shielded,
        away: line.away,
        by: by.into(),
    }
}
