//! Properties that the app and the teacher set (classroom specification, section 2.0).

use serde_json::Value;
use stoa_core::UserUuid;

use super::Turn;
use crate::Refusal;
use crate::tree::{Edit, below};

impl Turn<'_> {
    /// Changes the app's own properties of the room.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn edit_room_properties(&mut self, edit: Edit, cause: &Value) -> Result<(), Refusal> {
        self.admit_teaching()?;
        let (after, changed) = edit.apply(&self.room.flex)?;
        self.room.flex = after;
        self.touch_room();
        self.room_properties(&below("flexProps", changed), cause);
        if self.room.is_stage_hidden() {
            self.end_carousel();
            self.empty_stage();
        }
        Ok(())
    }

    /// Changes the app's own properties of a user: by the teacher's side, or by that user.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn edit_user_properties(
        &mut self,
        user: &UserUuid,
        edit: Edit,
        cause: &Value,
    ) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teaching() && !self.by.is(user) {
            return Err(Refusal::NotAllowed);
        }
        let found = self.room.users.get_mut(user).ok_or(Refusal::NoUser)?;
        let (after, changed) = edit.apply(&found.flex)?;
        found.flex = after;
        found.updated = self.at;
        self.user_properties(user, &below("flexProps", changed), cause);
        Ok(())
    }
}
