//! What a message is sent to.

use crate::UserId;

/// A conversation: the place where messages lie in one order for all who take part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConversationId {
    /// Between two users, or of one with itself. Made by [`ConversationId::one_to_one`], which puts
    /// the two into order, so that both sides name the same conversation.
    OneToOne(UserId, UserId),
}

impl ConversationId {
    /// The conversation of `a` and `b`, whichever comes first.
    pub fn one_to_one(a: &UserId, b: &UserId) -> Self {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        Self::OneToOne(first.clone(), second.clone())
    }

    /// Those who take part.
    pub fn members(&self) -> Vec<UserId> {
        match self {
            Self::OneToOne(a, b) if a == b => vec![a.clone()],
            Self::OneToOne(a, b) => vec![a.clone(), b.clone()],
        }
    }

    /// What `user`'s devices call the conversation: the other side's name.
    pub fn name_for<'a>(&'a self, user: &UserId) -> &'a UserId {
        match self {
            Self::OneToOne(a, b) => {
                if a == user {
                    b
                } else {
                    a
                }
            }
        }
    }
}
