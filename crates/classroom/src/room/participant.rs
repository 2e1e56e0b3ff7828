//! A user in a room.

use serde::{Deserialize, Serialize};
use stoa_core::{ClassRole, Timestamp, UserUuid};

use super::{Conversation, PollAnswer, QuizAnswer, Stream, StreamKind};
use crate::millis;
use crate::tree::Tree;

/// A user who is or was in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// The user's name in the app.
    #[serde(with = "millis::name")]
    pub id: UserUuid,
    /// The name that is shown to people.
    pub name: String,
    /// The role.
    #[serde(with = "millis::role")]
    pub role: ClassRole,
    /// Whether the user is there.
    pub online: bool,
    /// The main stream, and the one of a shared screen.
    pub streams: Vec<Stream>,
    /// The app's own properties.
    pub flex: Tree,
    /// Records of widgets, by their ids.
    pub widgets: Tree,
    /// Rewards given.
    pub rewards: i64,
    /// The session of the user's last entry.
    pub session: u64,
    /// The number of the last frame to this user alone.
    pub peer_sequence: u64,
    /// How many times the user has entered.
    pub entries: u32,
    /// When the user entered last.
    #[serde(with = "millis")]
    pub entered: Timestamp,
    /// Until when the user, whose connection is gone or not there yet, may come back.
    #[serde(with = "millis::optional")]
    pub awaited_until: Option<Timestamp>,
    /// When something of this was changed last.
    #[serde(with = "millis")]
    pub updated: Timestamp,
    /// Tags, by their keys.
    #[serde(default)]
    pub tags: Tree,
    /// The answer to the last poll.
    #[serde(default)]
    pub poll: Option<PollAnswer>,
    /// The answer to the last quiz.
    #[serde(default)]
    pub quiz: Option<QuizAnswer>,
    /// What is said with those who teach alone.
    #[serde(default)]
    pub conversation: Conversation,
}

impl Participant {
    /// The main stream's number; 0 while there is none.
    pub fn stream_uuid(&self) -> u32 {
        self.stream(StreamKind::Main).map_or(0, |stream| stream.id)
    }

    /// The stream of a kind.
    pub fn stream(&self, kind: StreamKind) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.kind == kind)
    }

    /// The stream of a kind.
    pub(crate) fn stream_mut(&mut self, kind: StreamKind) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.kind == kind)
    }

    /// A main stream of which nothing may be published.
    pub(crate) fn add_main(&mut self, id: u32) {
        let main = Stream {
            id,
            kind: StreamKind::Main,
            video: false,
            audio: false,
            video_source: 0,
            audio_source: 0,
        };
        self.streams.insert(0, main);
    }
}
