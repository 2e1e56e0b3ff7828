//! What a room has said, and who is in it: by the page.

use std::sync::Arc;

use serde_json::Value;
use stoa_core::{AppScope, ClassRole, RoomUuid, UserUuid};

use crate::frame::{Event, Frame};
use crate::room::{By, RecordList};
use crate::stored::RoomKeys;
use crate::{Classroom, Error};

/// Frames and events of one page.
pub const PAGE: usize = 100;

/// A page of the users of a room.
#[derive(Debug, Clone)]
pub struct RoomUserPage {
    /// How many there are in all.
    pub total: usize,
    /// Those of this page.
    pub list: Vec<Value>,
    /// The name behind which the next page begins; none: this was the last.
    pub next: Option<UserUuid>,
}

impl Classroom {
    /// Records of a list of a room behind number `after`, or before it where the last ones come first; each with its
    /// number, and the number to ask for the next page with.
    ///
    /// # Errors
    /// [`crate::Refusal::NoRoom`].
    pub async fn records(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        list: &RecordList,
        after: Option<u64>,
        last_first: bool,
        most: usize,
    ) -> Result<(Vec<(u64, Value)>, Option<u64>), Error> {
        let instance = self.instance(scope, room).await?;
        let store = self.store().app(scope).await?;
        let most = most.clamp(1, PAGE);
        let keys = RoomKeys::new(&store, room, instance);
        let mut page = keys.records(list, after, last_first, most + 1).await?;
        let more = page.len() > most;
        page.truncate(most);
        let next = page.last().filter(|_| more).map(|(number, _)| *number);
        Ok((page, next))
    }

    /// Frames of a room from number `from` on, for whoever sees right answers or does not.
    ///
    /// # Errors
    /// [`crate::Refusal::NoRoom`].
    pub async fn frames(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        from: u64,
        most: usize,
    ) -> Result<Vec<Frame>, Error> {
        let instance = self.instance(scope, room).await?;
        let store = self.store().app(scope).await?;
        RoomKeys::new(&store, room, instance).frames(from, most.min(PAGE)).await
    }

    /// Frames to one user from number `from` on.
    ///
    /// # Errors
    /// [`crate::Refusal::NoRoom`].
    pub async fn peer_frames(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
        from: u64,
        most: usize,
    ) -> Result<Vec<Frame>, Error> {
        let instance = self.instance(scope, room).await?;
        let store = self.store().app(scope).await?;
        RoomKeys::new(&store, room, instance).peer_frames(user, from, most.min(PAGE)).await
    }

    /// Events of a room from number `from` on.
    ///
    /// # Errors
    /// [`crate::Refusal::NoRoom`].
    pub async fn events(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        from: u64,
        most: usize,
    ) -> Result<Vec<Event>, Error> {
        let instance = self.instance(scope, room).await?;
        let store = self.store().app(scope).await?;
        RoomKeys::new(&store, room, instance).events(from, most.min(PAGE)).await
    }

    async fn instance(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<u64, Error> {
        self.turn(scope, room, By::Server, |turn| Ok(turn.room.instance)).await
    }

    /// Who is in a room, in the order of names, behind `after`.
    ///
    /// # Errors
    /// [`crate::Refusal::NoRoom`].
    pub async fn users(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        role: Option<ClassRole>,
        name: Option<String>,
        after: Option<UserUuid>,
        most: usize,
    ) -> Result<RoomUserPage, Error> {
        let most = most.clamp(1, PAGE);
        self.turn(scope, room, By::Server, move |turn| {
            let room = &turn.room;
            let wanted = |user: &&crate::room::Participant| {
                role.is_none_or(|role| user.role == role)
                    && name.as_ref().is_none_or(|name| user.name.contains(name.as_str()))
            };
            let all: Vec<_> = room.listed().filter(wanted).collect();
            let total = all.len();
            let behind =
                all.into_iter().filter(|user| after.as_ref().is_none_or(|at| user.id > *at));
            let page: Vec<_> = behind.take(most + 1).collect();
            let next = (page.len() > most).then(|| page[most - 1].id.clone());
            let list = page.iter().take(most).map(|user| room.user_view(user)).collect();
            Ok(RoomUserPage { total, list, next })
        })
        .await
    }
}
