//! Files that users send each other: uploaded whole or in parts, read in ranges, gone after seven days
//! (msync section 9.15; chat-rest section 2.8 and U40).
//!
//! **The one idea: a file is a sealed record and sealed bytes, and the record decides.** The bytes lie in
//! [`stoa_blob`] under names that say nothing; the record in the space ATTACHMENTS says whose file it
//! is, where its bytes lie, and who may read them. Both are sealed with the key of the day on which the
//! upload began, so that one destroyed key ends both. No bytes without a record are ever served, and
//! those that a crash left without one are swept.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `record` | what is stored of a file, and finding it |
//! | `upload`, `parts` | uploads, whole and in parts |
//! | `read` | who may read, and reading |
//! | `shared` | files shared in a group |
//! | `sniff`, `thumbnail` | what a file is by its bytes, and small images of large ones |
//! | `sweep` | the end of files |

mod name;
mod parts;
mod read;
mod record;
mod shared;
mod sniff;
mod sweep;
mod thumbnail;
mod upload;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use stoa_blob::{BlobError, Blobs};
use stoa_core::{Caller, GroupId, MucKind, Secret, Timestamp, UserId, Uuid};
use stoa_store::classes::{self, Retention};

pub use parts::{Part, PartUpload};
pub use read::{OpenFile, Proof, Rendition};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use record::{AttachmentRecord, exercise};
pub(crate) use record::{Found, decode};
pub use shared::SharedFile;
pub use sniff::{OTHER, is_shown};
pub use sweep::Swept;
pub use thumbnail::ThumbnailSize;
pub use upload::Upload;

use crate::{Chat, Error};

/// Where a file is sent to.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A user.
    User(UserId),
    /// A group, by its id.
    Group(PlaceId),
    /// A chat room, by its id.
    Room(PlaceId),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(_) => "User(…)",
            Self::Group(_) => "Group(…)",
            Self::Room(_) => "Room(…)",
        })
    }
}

impl Target {
    /// The target that a chat type of the SDK (`CHAT`, `GROUP`, `ROOM`) and a name make up.
    ///
    /// # Errors
    /// [`Error::Upload`].
    pub fn read(chat_type: &str, name: &str) -> Result<Self, Error> {
        let place = || name.parse().map_err(|problem| Error::upload("chat-target", problem));
        match chat_type.to_ascii_uppercase().as_str() {
            "CHAT" => {
                let user = name.parse::<UserId>();
                user.map(Self::User)
                    .map_err(|error| Error::upload("chat-target", error.to_string()))
            }
            "GROUP" => place().map(Self::Group),
            "ROOM" => place().map(Self::Room),
            _ => Err(Error::upload("chat-type", "must be CHAT, GROUP or ROOM")),
        }
    }
}

/// The id of a group or room, as a file's target names it: 1 to 64 letters and digits.
#[derive(Clone, PartialEq, Eq)]
pub struct PlaceId(String);

impl PlaceId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlaceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits {
            Ok(Self(text.into()))
        } else {
            Err("an id has 1 to 64 letters and digits".into())
        }
    }
}

impl fmt::Debug for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlaceId(…)")
    }
}

/// What an uploader says of a file.
#[derive(Debug, Clone, Default)]
pub struct NewFile {
    /// Its name, as it was given. Kept without what could do harm in it.
    pub name: String,
    /// The conversation that it is sent to; none: it is not said.
    pub target: Option<Target>,
    /// Without a conversation: only the uploader and who has the secret may read it, not every user.
    pub restricted: bool,
    /// How large a thumbnail may be.
    pub thumbnail: ThumbnailSize,
}

/// A file that was uploaded, as its uploader is told.
#[derive(Debug, Clone)]
pub struct UploadedFile {
    /// Its id.
    pub id: Uuid,
    /// Opens it for whoever has it.
    pub secret: Secret,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// By its bytes; [`OTHER`] for what is no image, audio or video.
    pub content_type: &'static str,
    /// When the upload began.
    pub created: Timestamp,
}

/// What the service needs for files.
pub(crate) struct Attachments {
    pub(crate) blobs: Blobs,
    pub(crate) thumbnails: thumbnail::Thumbnails,
}

impl Attachments {
    pub(crate) fn new(blobs: Blobs) -> Self {
        Self { blobs, thumbnails: thumbnail::Thumbnails::default() }
    }
}

impl Chat {
    /// This service with a place for files. Without one, uploads and downloads are refused.
    #[must_use]
    pub fn with_files(self, blobs: Blobs) -> Self {
        Self { attachments: Some(Attachments::new(blobs)), ..self }
    }

    pub(crate) fn attachments(&self) -> Result<&Attachments, Error> {
        self.attachments.as_ref().ok_or(Error::NoFiles)
    }

    /// Whether `user`, the caller, takes part in the conversation that a file was sent to. The uploader
    /// is asked for elsewhere.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn takes_part(
        &self,
        caller: &Caller,
        user: &UserId,
        target: &Target,
    ) -> Result<bool, Error> {
        let id = match target {
            Target::User(other) => return Ok(other == user),
            Target::Group(group) => GroupId::parse(MucKind::Group, group.as_str()),
            Target::Room(room) => GroupId::parse(MucKind::Room, room.as_str()),
        };
        let Ok(id) = id else { return Ok(false) };
        match self.group_state(caller, &id).await {
            Ok(group) => Ok(group.roster.has(user)),
            Err(Error::UnknownGroup | Error::UnknownRoom) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// How long a file can be read: exactly so long after its upload began.
pub(crate) const fn retention() -> Duration {
    match classes::ATTACHMENT.retention {
        Retention::For(time)
        | Retention::ByPlan(time)
        | Retention::WhileUsed(time)
        | Retention::AfterClass(time) => time,
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Gone => Self::UnknownFile,
            BlobError::NoSpace(_) => Self::NoSpace(error),
            error => Self::Files(error),
        }
    }
}
