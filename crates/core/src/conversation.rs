//! What a message is sent to.

use crate::{GroupId, UserId};

/// To whom something is addressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One user.
    User(UserId),
    /// The members of a group, or of a chat room.
    Group(GroupId),
}

impl Target {
    /// The name by which clients know it. Users and groups of one app never have the same name.
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => user.as_str(),
            Self::Group(group) => group.as_str(),
        }
    }

    /// The user, if it is one.
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Group(_) => None,
        }
    }

    /// The group or chat room, if it is one.
    pub const fn group(&self) -> Option<&GroupId> {
        match self {
            Self::Group(group) => Some(group),
            Self::User(_) => None,
        }
    }

    /// Whether it is a chat room.
    pub const fn is_room(&self) -> bool {
        matches!(self, Self::Group(group) if group.is_room())
    }

    /// The conversation that `user` has with it.
    pub fn conversation(&self, user: &UserId) -> ConversationId {
        match self {
            Self::User(peer) => ConversationId::one_to_one(user, peer),
            Self::Group(group) => ConversationId::Group(group.clone()),
        }
    }
}

impl From<UserId> for Target {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<GroupId> for Target {
    fn from(group: GroupId) -> Self {
        Self::Group(group)
    }
}

/// A conversation: the place where messages lie in one order for all who take part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConversationId {
    /// Between two users, or of one with itself. Made by [`ConversationId::one_to_one`], which puts
    /// the two into order, so that both sides name the same conversation.
    OneToOne(UserId, UserId),
    /// Of the members of a group, or of a chat room.
    Group(GroupId),
}

impl ConversationId {
    /// The conversation of `a` and `b`, whichever comes first.
    pub fn one_to_one(a: &UserId, b: &UserId) -> Self {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        Self::OneToOne(first.clone(), second.clone())
    }

    /// The one or two users whose names make it up; none of a group's.
    pub fn pair(&self) -> Vec<UserId> {
        match self {
            Self::OneToOne(a, b) if a == b => vec![a.clone()],
            Self::OneToOne(a, b) => vec![a.clone(), b.clone()],
            Self::Group(_) => Vec::new(),
        }
    }

    /// The chat room whose conversation it is; none of a group or of two users.
    pub const fn room(&self) -> Option<&GroupId> {
        match self {
            Self::Group(group) if group.is_room() => Some(group),
            _ => None,
        }
    }

    /// What `user`'s devices call the conversation: the other side's name, or the group's.
    pub fn seen_by(&self, user: &UserId) -> Target {
        match self {
            Self::OneToOne(a, b) => Target::User(if a == user { b.clone() } else { a.clone() }),
            Self::Group(group) => Target::Group(group.clone()),
        }
    }
}
