//! Spaces of class rooms. Each room's records lie under a key of its own, which is destroyed with the room.

use super::{Owner, Part, Space};
use crate::classes::CLASS_ROOM;

/// The rooms that exist.
pub static CLASS_ROOMS: Space = Space {
    code: 83,
    name: "class_rooms",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room")],
    value: "1: room: names, times, settings, properties, who is banned, and what tells it from an earlier one of the same name",
    readers: "classroom",
};

/// Who is or was in a room.
pub static CLASS_USERS: Space = Space {
    code: 84,
    name: "class_users",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Blind("user")],
    value: "1: user in the room: names, role, streams, properties, rewards, times",
    readers: "classroom",
};

/// What everybody in a room was told.
pub static CLASS_FRAMES: Space = Space {
    code: 85,
    name: "class_frames",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Number("sequence")],
    value: "1: message to all",
    readers: "classroom",
};

/// What one user in a room was told.
pub static CLASS_PEER_FRAMES: Space = Space {
    code: 86,
    name: "class_peer_frames",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Blind("user"), Part::Number("sequence")],
    value: "1: message to one user",
    readers: "classroom",
};

/// What the app's back end is told of a room.
pub static CLASS_EVENTS: Space = Space {
    code: 87,
    name: "class_events",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Number("sequence")],
    value: "1: event",
    readers: "classroom",
};

/// Up to where the events of a room were handed out. Lies under a second key of the room, which ends an hour later.
pub static CLASS_MARKS: Space = Space {
    code: 96,
    name: "class_marks",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room")],
    value: "1: the room, the first event that was not handed out, until when there are any",
    readers: "classroom",
};

/// Events that were not handed out when their room was destroyed. Lie under a second key of the room, which ends an
/// hour later.
pub static CLASS_OUTBOX: Space = Space {
    code: 97,
    name: "class_outbox",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Number("sequence")],
    value: "1: event",
    readers: "classroom",
};

/// Chat, conversations, and what happened in polls and quizzes.
pub static CLASS_RECORDS: Space = Space {
    code: 98,
    name: "class_records",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("one room"), Part::Blind("list"), Part::Number("number")],
    value: "1: message of the class's chat or of a conversation, or what happened in a poll or quiz",
    readers: "classroom",
};
