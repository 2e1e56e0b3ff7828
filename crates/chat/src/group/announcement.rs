//! The announcement of a group (chat-rest R109 and R110): one text for all members.

use std::sync::Arc;

use stoa_core::{Caller, GroupId, Resource, limits};

use super::GroupActor;
use super::create::check_text;
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::{Chat, Error};

impl Chat {
    /// The announcement; empty if there is none.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn group_announcement(&self, caller: &Caller, id: &GroupId) -> Result<String, Error> {
        Ok(self.group_for_member(caller, id).await?.info.announcement.clone())
    }

    /// Sets the announcement, up to 512 characters; an empty one takes it away.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::Argument`], [`Error::NotInGroup`],
    /// [`Error::GroupDisabled`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn set_group_announcement(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        text: &str,
    ) -> Result<(), Error> {
        check_text("announcement", text, limits::GROUP_ANNOUNCEMENT_CHARS)?;
        let work = Arc::new((GroupActor::new(caller, resource), text.to_owned()));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, text) = &*work;
                let group = batch.group()?;
                who.must_manage(group)?;
                if text.is_empty() && group.info.announcement.is_empty() {
                    return Ok(());
                }
                let actor = who.actor();
                let event = if text.is_empty() {
                    group.event(GroupAct::AnnouncementDeleted, &actor.user)
                } else {
                    let event = group.event(GroupAct::AnnouncementChanged, &actor.user);
                    GroupEvent { reason: Some(text.clone()), ..event }
                };
                batch.group_mut()?.info_mut().announcement.clone_from(text);
                batch.tell(&actor, &event, Audience::All)
            })
        })
        .await
    }
}
