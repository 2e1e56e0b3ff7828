//! Making chat rooms (chat-rest R115).

use stoa_core::{Caller, GroupId, MucKind, Resource, UserId};

use crate::{Chat, Error, NewGroup};

/// A chat room to be made.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// To whom it belongs.
    pub owner: UserId,
    /// Its name, at most 128 characters.
    pub name: String,
    /// At most 512 characters.
    pub description: String,
    /// Members at the most, the owner included.
    pub max_members: u32,
    /// Who is in it from the beginning, besides the owner.
    pub members: Vec<UserId>,
}

impl Chat {
    /// Makes a chat room. The app's back end makes one for anybody, a super administrator for itself.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for another user as the owner, [`Error::NotPossible`] for a user who is no
    /// super administrator; otherwise as [`Self::create_group`].
    pub async fn create_room(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        new: NewRoom,
    ) -> Result<GroupId, Error> {
        if !caller.may_act_for(&new.owner) {
            return Err(Error::NotAllowed);
        }
        if !caller.is_app() && !self.is_super_admin(caller, &new.owner).await? {
            let text = "only super administrators of the app may make chat rooms";
            return Err(Error::NotPossible(text.into()));
        }
        let NewRoom { owner, name, description, max_members, members } = new;
        let new = NewGroup {
            owner,
            name,
            description,
            avatar: String::new(),
            custom: String::new(),
            // Whoever wants may come in.
            public: true,
            approval: false,
            member_invites: false,
            invite_confirm: false,
            max_members,
            members,
        };
        self.create(caller, resource, MucKind::Room, new).await
    }
}
