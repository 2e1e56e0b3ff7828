//! What is to be written down.

use std::borrow::Cow;
use std::net::IpAddr;

use stoa_core::{Caller, Principal, UserId, limits, site};

use crate::Act;

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever holds the machine, at the command line.
    Operator,
    /// The app's own back end, by an app token.
    App,
    /// One of the app's users.
    User(UserId),
    /// A client of the token server, by its name there.
    TokenClient(String),
    /// Somebody of whom nothing is known.
    Stranger,
    /// The server by itself.
    System,
    /// Several, who are told apart no more.
    Several,
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        match caller.principal() {
            Principal::App => Self::App,
            Principal::User(user) => Self::User(user.clone()),
        }
    }
}

/// What came of it. Reasons are words for programs and name nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, for this reason.
    Refused(Cow<'static, str>),
    /// It could not be done; what failed.
    Failed(Cow<'static, str>),
    /// It may have been done or not; what failed.
    Unknown(Cow<'static, str>),
}

/// An entry to be written. Nothing in it is a secret: no password, token, certificate or key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(crate) actor: Actor,
    pub(crate) act: Act,
    pub(crate) outcome: Outcome,
    pub(crate) subject: Option<UserId>,
    pub(crate) site: Option<IpAddr>,
    pub(crate) details: Vec<(String, String)>,
    pub(crate) count: u64,
}

impl Entry {
    /// `actor` did `act`.
    pub const fn new(actor: Actor, act: Act) -> Self {
        Self {
            actor,
            act,
            outcome: Outcome::Done,
            subject: None,
            site: None,
            details: Vec::new(),
            count: 1,
        }
    }

    /// With this outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = match outcome {
            Outcome::Done => Outcome::Done,
            Outcome::Refused(reason) => Outcome::Refused(cut(reason)),
            Outcome::Failed(reason) => Outcome::Failed(cut(reason)),
            Outcome::Unknown(reason) => Outcome::Unknown(cut(reason)),
        };
        self
    }

    /// It was refused, for this reason.
    #[must_use]
    pub fn refused(self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.outcome(Outcome::Refused(reason.into()))
    }

    /// It was done to this user.
    #[must_use]
    pub fn on(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// It came from this address; what is kept of it is its [`site`].
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.site = Some(site(address));
        self
    }

    /// With a detail, such as a setting and its value. Names of people belong elsewhere:
    /// [`Self::on`], [`Actor::User`]. Beyond [`limits::AUDIT_DETAILS`] they are left out.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if self.details.len() < limits::AUDIT_DETAILS {
            let text = |text: String| cut(Cow::Owned(text)).into_owned();
            self.details.push((text(name.into()), text(value.into())));
        }
        self
    }

    /// It stands for so many.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}

/// The text, with at most [`limits::AUDIT_TEXT_CHARS`] characters.
fn cut(text: Cow<'static, str>) -> Cow<'static, str> {
    match text.char_indices().nth(limits::AUDIT_TEXT_CHARS) {
        None => text,
        Some((end, _)) => Cow::Owned(text[..end].to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_bounds() {
        let long = "ä".repeat(limits::AUDIT_TEXT_CHARS + 1);
        let mut entry = Entry::new(Actor::System, Act::AppSet).refused(long.clone());
        for _ in 0..=limits::AUDIT_DETAILS {
            entry = entry.detail(long.clone(), long.clone());
        }
        assert_eq!(entry.details.len(), limits::AUDIT_DETAILS);
        let Outcome::Refused(reason) = &entry.outcome else { panic!("{:?}", entry.outcome) };
        for text in [&**reason, &entry.details[0].0, &entry.details[0].1] {
            assert_eq!(text.chars().count(), limits::AUDIT_TEXT_CHARS);
        }
    }

    #[test]
    fn of_an_address_its_site_is_kept() {
        let entry = Entry::new(Actor::Stranger, Act::PasswordRefused);
        let entry = entry.from("2001:db8:1:2:3:4:5:6".parse().unwrap());
        assert_eq!(entry.site, Some("2001:db8:1:2::".parse().unwrap()));
    }
}
