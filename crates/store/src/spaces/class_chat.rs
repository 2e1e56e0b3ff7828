//! Spaces of the chat of class rooms, under the key of the room, and of the names that rooms had.

use super::{Owner, Part, Space};
use crate::classes::{CLASS_ROOM, CONSOLE};

/// Messages of the chat room of a class room.
pub static CLASS_MESSAGES: Space = Space {
    code: 106,
    name: "class_messages",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room"), Part::Number("sequence")],
    value: "1: entry of a conversation log",
    readers: "chat",
};

/// The chat room of a class room.
pub static CLASS_CHAT_ROOMS: Space = Space {
    code: 99,
    name: "class_chat_rooms",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room")],
    value: "1: room: name, settings, announcement, its class room",
    readers: "chat",
};

/// Who is something in the chat room of a class room.
pub static CLASS_CHAT_ROSTERS: Space = Space {
    code: 100,
    name: "class_chat_rosters",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room"), Part::Number("part")],
    value: "1: lines of the roster",
    readers: "chat",
};

/// What those who are in it keep in the chat room of a class room.
pub static CLASS_CHAT_ATTRIBUTES: Space = Space {
    code: 101,
    name: "class_chat_attributes",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room"), Part::Blind("key")],
    value: "1: key, value, who set it; one row for a room says which there are",
    readers: "chat",
};

/// What is pinned in the chat room of a class room.
pub static CLASS_CHAT_PINS: Space = Space {
    code: 102,
    name: "class_chat_pins",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room")],
    value: "1: sequences, by whom and when",
    readers: "chat",
};

/// Which chat room belongs to a class room.
pub static CLASS_CHATS: Space = Space {
    code: 103,
    name: "class_chats",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("class room")],
    value: "1: the class room's number",
    readers: "chat",
};

/// Who has come into a class room and may into its chat. A row that nobody can open is of a class that is over.
pub static CLASS_CHAT_USERS: Space = Space {
    code: 104,
    name: "class_chat_users",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("one class room")],
    value: "1: chat user, role, whether the user may come into the chat room",
    readers: "chat",
};

/// Names that class rooms had which are destroyed: whoever gives one again is warned.
pub static CLASS_NAMES: Space = Space {
    code: 105,
    name: "class_names",
    class: &CONSOLE,
    owner: Owner::App,
    layout: &[Part::Blind("class room")],
    value: "1: when the room was destroyed",
    readers: "classroom",
};
