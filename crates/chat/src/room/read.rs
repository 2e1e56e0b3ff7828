//! What is asked of all chat rooms, and of those that a user is in.

use stoa_core::{Caller, MucKind, UserId};

use crate::{Chat, Error, GroupBrief, GroupPage};

impl Chat {
    /// The app's chat rooms, those made last first: `limit` behind the first `skip` from `cursor` on.
    /// Everybody may ask.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cursor that is none; [`Error::Store`].
    pub async fn rooms(
        &self,
        caller: &Caller,
        skip: usize,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<GroupPage, Error> {
        self.list_groups(caller, MucKind::Room, skip, limit, cursor, |_| true).await
    }

    /// The chat rooms that `user` is in, `count` behind the first `skip`, those it came into last first.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`].
    pub async fn rooms_joined(
        &self,
        caller: &Caller,
        user: &UserId,
        skip: usize,
        count: usize,
    ) -> Result<Vec<GroupBrief>, Error> {
        self.joined_briefs(caller, user, MucKind::Room, (skip, count), false).await
    }
}
