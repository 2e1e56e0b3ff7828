//! The vocabulary of class rooms: their names, roles, settings, and who is asking there.

mod caller;
mod names;
mod role;
mod scope;

pub use caller::{ClassCaller, ClassPrincipal, issue_media_token};
pub use names::{ClassName, ClassNameError, RoomUuid, UserUuid};
pub use role::{ClassRole, RoomType};
pub use scope::ClassScope;

/// What an app's owner decided about class rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassSettings {
    /// Whether a signaling token, which says nothing of rooms and roles, lets its user into rooms.
    pub accepts_rtm_token: bool,
    /// From when on the hour counts after which a room is destroyed.
    pub release_anchor: ReleaseAnchor,
}

/// From when on the hour counts after which a room is destroyed (classroom specification, section 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReleaseAnchor {
    /// From its closing.
    #[default]
    Close,
    /// From its end; not before it is closed.
    End,
}

impl ReleaseAnchor {
    /// The name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::End => "end",
        }
    }
}

impl std::str::FromStr for ReleaseAnchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let both = [Self::Close, Self::End];
        let found = both.into_iter().find(|anchor| anchor.name() == text);
        found.ok_or_else(|| format!("'{text}' is none of close, end"))
    }
}
