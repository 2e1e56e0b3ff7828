//! Why something is refused in class rooms (classroom specification, section 2.7).

use std::borrow::Cow;

use stoa_core::TokenRefusal;
use stoa_store::StoreError;

/// A refusal, by its number `SSHHHDDD`: service, HTTP status, detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A value that is not allowed; the text names the field and says what is.
    Argument(Cow<'static, str>),
    /// The caller's role may not do this.
    NotAllowed,
    /// What is asked for is not served here.
    FeatureOff(&'static str),
    /// The token is for another room, user or role.
    NotForThis,
    /// All seats of the role are taken.
    RoleFull,
    /// The room is full.
    RoomFull,
    /// Banned from the room.
    Banned,
    /// May not speak in the room's chat.
    Muted,
    /// The region is not allowed.
    Region,
    /// No such room.
    NoRoom,
    /// No such user.
    NoUser,
    /// Nobody asked, or was asked.
    NotAccepted,
    /// Two of the same.
    Conflict,
    /// The class has started already.
    Started,
    /// The class has ended already.
    Ended,
    /// No screen is shared.
    NoScreen,
    /// The hand is up already.
    HandUp,
    /// The user is being invited.
    BeingInvited,
    /// The room exists already.
    RoomExists,
    /// The user is not there.
    PeerOffline,
    /// The class is over.
    RoomOver,
    /// The stage is full.
    StageFull,
    /// Too many calls.
    TooMany,
}

impl Refusal {
    /// A value that is not allowed.
    pub fn argument(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Argument(text.into())
    }

    /// The number in answers.
    pub const fn code(&self) -> u32 {
        match self {
            Self::Argument(_) => 400,
            Self::NotForThis => 401,
            Self::NotAllowed | Self::FeatureOff(_) => 30_403_000,
            Self::RoleFull => 20_403_001,
            Self::RoomFull => 20_403_002,
            Self::Banned => 30_403_100,
            Self::Muted => 30_403_200,
            Self::Region => 30_403_900,
            Self::NoRoom => 20_404_100,
            Self::NoUser => 20_404_200,
            Self::NotAccepted => 30_404_462,
            Self::Conflict => 20_409_000,
            Self::Started => 30_409_100,
            Self::Ended => 30_409_101,
            Self::NoScreen => 30_409_103,
            Self::HandUp => 30_409_460,
            Self::BeingInvited => 30_409_601,
            Self::RoomExists => 20_409_100,
            Self::PeerOffline => 20_410_200,
            Self::RoomOver => 30_410_100,
            Self::StageFull => 30_429_461,
            Self::TooMany => 429,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        let code = self.code();
        // The middle digits of a long number, or the number itself.
        let status = if code < 1000 { code } else { code / 1000 % 1000 };
        u16::try_from(status).unwrap_or(500)
    }

    /// What the caller is told.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Argument(text) => return text.clone(),
            Self::FeatureOff(what) => return format!("{what}: the feature is off").into(),
            Self::NotAllowed => "this role may not do that",
            Self::NotForThis => "the token is not for this room, user or role",
            Self::RoleFull => "all seats of this role are taken",
            Self::RoomFull => "the room is full",
            Self::Banned => "the user is banned from the room",
            Self::Muted => "the user may not write in this chat",
            Self::Region => "this region is not allowed for the app",
            Self::NoRoom => "the room does not exist",
            Self::NoUser => "the user does not exist in this room",
            Self::NotAccepted => "nobody asked for it",
            Self::Conflict => "it is so already, or somebody else has it",
            Self::Started => "the class has started already",
            Self::Ended => "the class has ended already",
            Self::NoScreen => "no screen is shared",
            Self::HandUp => "the hand is up already",
            Self::BeingInvited => "the user is being invited already",
            Self::RoomExists => "the room exists already",
            Self::PeerOffline => "the user is not in the room",
            Self::RoomOver => "the class is over",
            Self::StageFull => "the stage is full",
            Self::TooMany => "too many calls",
        })
    }
}

/// Why something was not done in a class room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It is not allowed.
    #[error("{}", .0.text())]
    Refused(Refusal),
    /// The token admits nobody.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// Records cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules of chat refuse it.
    #[error(transparent)]
    Chat(#[from] stoa_chat::Error),
    /// A stored record cannot be understood.
    #[error("a record of a class room cannot be read")]
    Unreadable,
    /// The server is ending.
    #[error("the server is ending")]
    Ending,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_holds_the_status() {
        for (refusal, code, status) in [
            (Refusal::argument("x"), 400, 400),
            (Refusal::NotForThis, 401, 401),
            (Refusal::NoRoom, 20_404_100, 404),
            (Refusal::StageFull, 30_429_461, 429),
            (Refusal::RoomOver, 30_410_100, 410),
        ] {
            assert_eq!((refusal.code(), refusal.status()), (code, status));
        }
    }
}
