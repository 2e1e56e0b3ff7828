//! Properties of several users at once, and tags.

use serde_json::{Value, json};
use stoa_core::UserUuid;

use super::Turn;
use crate::Refusal;
use crate::tree::{Edit, Tree, below};

/// Users of one act, at the most.
pub const MOST_USERS: usize = 100;
/// The longest key of a tag, in bytes.
const KEY_BYTES: usize = 63;

impl Turn<'_> {
    /// Rows 39 and 55: changes the app's own properties of several users, told in one frame: by those who teach, or
    /// by a user its own.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn edit_users_properties(
        &mut self,
        edits: Vec<(UserUuid, Edit, Value)>,
    ) -> Result<(), Refusal> {
        self.admit()?;
        if edits.is_empty() || edits.len() > MOST_USERS {
            return Err(Refusal::argument(format!("users: has 1 to {MOST_USERS} entries")));
        }
        let mut done: Vec<(UserUuid, Tree, Tree, Value)> = Vec::new();
        for (user, edit, cause) in edits {
            if !self.by.is_teaching() && !self.by.is(&user) {
                return Err(Refusal::NotAllowed);
            }
            let known = self.room.users.get(&user).ok_or(Refusal::NoUser)?;
            // A user who is named twice is changed twice.
            let before = done.iter().rev().find(|(other, ..)| *other == user);
            let (after, changed) = edit.apply(before.map_or(&known.flex, |(_, flex, ..)| flex))?;
            done.push((user, after, below("flexProps", changed), cause));
        }
        let mut lists = [Vec::new(), Vec::new()];
        for (user, after, changed, cause) in done {
            if let Some(found) = self.room.users.get_mut(&user) {
                (found.flex, found.updated) = (after, self.at);
            }
            self.touch(&user);
            let (cmd, data) = self.user_change(&user, &changed, &cause);
            lists[usize::from(cmd == 23)].push(data);
        }
        let [set, removed] = lists;
        self.frame_of_many(22, set);
        self.frame_of_many(23, removed);
        Ok(())
    }

    /// Row 40: sets a tag of a user.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn set_tag(&mut self, user: &UserUuid, key: &str, value: Value) -> Result<(), Refusal> {
        self.admit_teaching()?;
        if key.is_empty() || key.len() > KEY_BYTES || key.contains('.') {
            let what = format!("key: has 1 to {KEY_BYTES} bytes and no dot");
            return Err(Refusal::argument(what));
        }
        let found = self.room.users.get_mut(user).ok_or(Refusal::NoUser)?;
        let set: Tree = [(key.to_owned(), value)].into_iter().collect();
        let (after, changed) = Edit::set(set).apply(&found.tags)?;
        (found.tags, found.updated) = (after, self.at);
        self.user_properties(user, &below("tags", changed), &json!({}));
        Ok(())
    }
}
