//! What is asked of this crate and what it answers: rooms, streams, rights, offers, watches, and what is told.

use std::collections::BTreeMap;
use std::fmt;

/// A room, by numbers that mean something to the caller only (app and room).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64, pub u64);

/// A stream of a room: the number that the class gave to a participant's camera and microphone, or to its screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a sending m-line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The voice.
    Microphone,
    /// The face; may be sent in layers (simulcast).
    Camera,
    /// The picture of a shared screen.
    Screen,
    /// The sound of a shared screen.
    ScreenAudio,
}

impl Source {
    /// Sound or picture.
    pub fn kind(self) -> Kind {
        match self {
            Source::Microphone | Source::ScreenAudio => Kind::Audio,
            Source::Camera | Source::Screen => Kind::Video,
        }
    }

    /// Whether it belongs to the stream of the screen.
    pub fn is_screen(self) -> bool {
        matches!(self, Source::Screen | Source::ScreenAudio)
    }
}

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// What one stream may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Who sends it: the participant's name in the room.
    pub owner: String,
    /// Whether it is the stream of a screen.
    pub screen: bool,
    /// Whether its sound is forwarded.
    pub audio: bool,
    /// Whether its picture is forwarded.
    pub video: bool,
}

/// What a room's state allows, stream by stream. What is not in it is not forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(pub BTreeMap<StreamId, Right>);

/// A client's offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// A new peer connection; whatever the participant had before is gone.
    pub fresh: bool,
    /// The offer's session description.
    pub sdp: String,
    /// The mid of each sending m-line, and what it carries. A sending m-line that is not named is accepted and
    /// what comes on it is dropped.
    pub tracks: BTreeMap<String, Source>,
}

/// What a slot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whose stream.
    pub stream: StreamId,
    /// Its sound or its picture; must be what the slot's m-line is for.
    pub kind: Kind,
    /// How high it is shown, in device pixels; 0: nobody looks. Means nothing for sound.
    pub height: u32,
}

/// What comes out of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Packets of the stream.
    Live,
    /// Nothing: the sender sends nothing or may not, nobody looks, or no key frame has come yet.
    Waiting,
    /// Nothing, because the network between server and watcher does not carry it.
    Withheld,
}

/// The state of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotState {
    /// What it is to show.
    pub stream: StreamId,
    /// The layer that comes out of it (a rid), empty if the stream has none or nothing comes.
    pub layer: String,
    /// What comes out of it.
    pub flow: Flow,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The participant has made another, from elsewhere.
    Replaced,
    /// Nothing came any more, or it was never completed.
    Timeout,
    /// The participant left or closed it, or the room ended.
    Left,
    /// It broke: wrong certificate, or an error of the protocol.
    Failed,
}

impl Why {
    /// The word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Replaced => "replaced",
            Why::Timeout => "timeout",
            Why::Left => "left",
            Why::Failed => "failed",
        }
    }
}

/// What a participant is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Slots whose state changed, by mid; `None`: the slot is empty now.
    Slots(BTreeMap<String, Option<SlotState>>),
    /// Tracks whose right changed, by mid: whether what is sent is forwarded. Told for all tracks after each offer.
    Sending(BTreeMap<String, bool>),
    /// Who speaks now; `None`: nobody.
    Speaker(Option<StreamId>),
    /// The connection is gone.
    Closed(Why),
}

/// Where a participant is told. Called on the thread that forwards media: it must not block.
pub trait Told: Send + Sync {
    /// Takes what is told.
    fn told(&self, tell: Tell);
}

/// Why an offer or a watch was not accepted. The codes are those of HTTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{msg}")]
pub struct Refusal {
    /// 400: it is wrong; 404: what it names is not there; 409: not now; 413: too large; 503: a limit of the server.
    pub code: u16,
    /// What was wrong and what is allowed.
    pub msg: String,
}

impl Refusal {
    pub(crate) fn new(code: u16, msg: impl Into<String>) -> Refusal {
        Refusal { code, msg: msg.into() }
    }
}

/// How a stream does, as the server sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamStats {
    /// Its sound, if any comes.
    pub audio: Option<TrackStats>,
    /// Its picture, if any comes.
    pub video: Option<TrackStats>,
    /// Round trip between server and sender in milliseconds; known if the sender is shown something, too.
    pub rtt_ms: Option<f32>,
}

/// How a sound or a picture does on its way to the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackStats {
    /// Bits of payload per second, of all layers.
    pub bitrate: u64,
    /// Packets that came since the sender connected.
    pub packets: u64,
    /// Packets that are missing, after repair.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550) in milliseconds, of the layer where it is greatest.
    pub jitter_ms: f32,
    /// Bits per second of each layer, by its rid.
    pub layers: BTreeMap<String, u64>,
    /// Slots that are to show it.
    pub watchers: u32,
}
