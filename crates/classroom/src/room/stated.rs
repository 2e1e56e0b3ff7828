//! Roles that the app's back end gives users who come without a token that says theirs.

use stoa_core::{ClassRole, UserUuid};

use super::{By, Room, Turn};
use crate::Refusal;

/// Users of whom a room knows such a role at the most.
pub const STATED_MOST: usize = 1_000;

impl Room {
    /// The role that the app's back end has given a user, if it did.
    pub fn stated_role(&self, user: &UserUuid) -> Option<ClassRole> {
        let number = self.stated.get(user.as_str())?;
        ClassRole::of_number((*number).into())
    }
}

impl Turn<'_> {
    /// The app's back end says in which role a user may come in without a token that says so.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for everybody else; [`Refusal::Argument`] when there are too many.
    pub fn state_role(&mut self, user: &UserUuid, role: ClassRole) -> Result<(), Refusal> {
        if self.by != By::App {
            return Err(Refusal::NotAllowed);
        }
        let known = self.room.stated.contains_key(user.as_str());
        if !known && self.room.stated.len() >= STATED_MOST {
            let text = format!("role: at most {STATED_MOST} users of a room are given one");
            return Err(Refusal::argument(text));
        }
        if self.room.stated.insert(user.as_str().to_owned(), role.number()) != Some(role.number()) {
            self.touch_room();
        }
        Ok(())
    }
}
