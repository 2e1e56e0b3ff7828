//! What the holder of a class room's token may reach in chat.

use stoa_token::RoomClaim;

use super::{ClassRole, RoomUuid, UserUuid};
use crate::TokenRefusal;

/// The class room that a token is for. Its holder reaches that room's chat, and nothing else of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassScope {
    /// The room.
    pub room: RoomUuid,
    /// The user's name in class rooms.
    pub user: UserUuid,
    /// The role there, which the token signs.
    pub role: ClassRole,
}

impl ClassScope {
    /// What `claim` says, in a token that names the chat user `chat_user`.
    ///
    /// # Errors
    /// [`TokenRefusal::Invalid`] for names and roles that are none, and for a token that names somebody else in chat.
    pub(crate) fn of(claim: &RoomClaim, chat_user: &str) -> Result<Self, TokenRefusal> {
        let name = |text: &str| text.parse().map_err(|_| TokenRefusal::Invalid("invalid_field"));
        let (room, user): (RoomUuid, UserUuid) = (name(&claim.room_uuid)?, name(&claim.user_uuid)?);
        let role = match claim.role {
            -1 => Some(ClassRole::Invisible),
            role => ClassRole::of_number(role.into()),
        };
        let role = role.ok_or(TokenRefusal::Invalid("unknown_role"))?;
        if user.chat_user().as_str() != chat_user {
            return Err(TokenRefusal::Invalid("user_mismatch"));
        }
        Ok(Self { room, user, role })
    }
}
