//! Who does something to a group, and what that is in it.

use stoa_core::{Caller, Resource, UserId};

use super::{Group, Standing};
use crate::Error;
use crate::log::Actor;

/// The name under which an app's back end acts. No user is asked whether it is theirs: it stands in
/// events only.
const BACK_END: &str = "admin";

/// Who acts.
#[derive(Debug, Clone)]
pub(crate) struct GroupActor {
    /// The user; none for the app's back end, which may do everything.
    pub(crate) user: Option<UserId>,
    resource: Resource,
}

impl GroupActor {
    /// The caller, on the device `resource`.
    pub(crate) fn new(caller: &Caller, resource: Option<&Resource>) -> Self {
        let resource = resource.cloned().unwrap_or_else(Resource::none);
        Self { user: caller.user().cloned(), resource }
    }

    /// `user` itself, on no device.
    pub(crate) fn of(user: &UserId) -> Self {
        Self { user: Some(user.clone()), resource: Resource::none() }
    }

    /// The app's back end, or the server itself.
    pub(crate) fn back_end() -> Self {
        Self { user: None, resource: Resource::none() }
    }

    /// As whom it stands in events.
    pub(crate) fn actor(&self) -> Actor {
        let user = self
            .user
            .clone()
            .unwrap_or_else(|| BACK_END.parse().expect("it is one, by the rules of user names"));
        Actor { user, resource: self.resource.clone() }
    }

    /// Its standing in `group`: the app's back end stands like the owner. Who is not in the room counts
    /// as far as it manages the room also from outside.
    ///
    /// # Errors
    /// [`Error::NotInGroup`] for a user who is no member.
    pub(crate) fn standing<'a>(&self, group: &'a Group) -> Result<&'a Standing, Error> {
        match &self.user {
            None => Ok(&Standing::Owner),
            Some(user) => {
                let line = group.roster.belonging(user);
                let line = line.filter(|line| !line.away || line.standing.manages());
                line.map(|line| &line.standing).ok_or(Error::NotInGroup)
            }
        }
    }

    /// Passes if it owns the group.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::Forbidden`].
    pub(crate) fn must_own(&self, group: &Group) -> Result<(), Error> {
        match self.standing(group)? {
            Standing::Owner => Ok(()),
            _ => Err(Error::Forbidden),
        }
    }

    /// Passes unless the group is switched off: then only the app's back end may do something to it.
    ///
    /// # Errors
    /// [`Error::GroupDisabled`].
    pub(crate) fn must_be_on(&self, group: &Group) -> Result<(), Error> {
        if group.info.disabled && self.user.is_some() {
            return Err(Error::GroupDisabled);
        }
        Ok(())
    }

    /// Passes if it may invite: its managers may, and members where the group is set so.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub(crate) fn must_invite(&self, group: &Group) -> Result<(), Error> {
        if !self.standing(group)?.manages() && !group.info.member_invites {
            return Err(Error::Forbidden);
        }
        self.must_be_on(group)
    }

    /// Passes if it owns or administers the group, and the group is not switched off.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::Forbidden`], [`Error::GroupDisabled`].
    pub(crate) fn must_manage(&self, group: &Group) -> Result<(), Error> {
        if !self.standing(group)?.manages() {
            return Err(Error::Forbidden);
        }
        self.must_be_on(group)
    }

    /// Passes if it may do something to `user`: an administrator may not to the owner or another
    /// administrator.
    ///
    /// # Errors
    /// [`Error::IsOwner`], [`Error::Forbidden`].
    pub(crate) fn must_outrank(&self, group: &Group, user: &UserId) -> Result<(), Error> {
        let theirs = group.roster.get(user).map(|line| &line.standing);
        match (self.standing(group)?, theirs) {
            (_, Some(Standing::Owner)) => Err(Error::IsOwner),
            (Standing::Admin, Some(Standing::Admin)) => Err(Error::Forbidden),
            _ => Ok(()),
        }
    }
}
