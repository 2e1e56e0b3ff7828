//! The announcement of a group or chat room (chat-rest R109, R110, R121 and R122): one text for all
//! members.

use stoa_core::{Caller, GroupId, Resource, limits};

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
    /// [`Error::Forbidden`] for an ordinary member, and in a room for all but its owner; [`Error::Argument`], [`Error::NotInGroup`],
    /// [`Error::GroupDisabled`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn set_group_announcement(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        text: &str,
    ) -> Result<(), Error> {
        check_text("announcement", text, limits::GROUP_ANNOUNCEMENT_CHARS)?;
        self.act_as(caller, resource, id, text.to_owned(), move |batch, who, text| {
            Box::pin(async move {
                let group = batch.group()?;
                // Of a room its owner's (chat-rest U20).
                if group.id().is_room() {
                    who.must_own(group)?;
                }
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
