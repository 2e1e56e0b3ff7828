//! Spaces of groups and chat rooms.

use super::{Owner, Part, Space};
use crate::classes::USER_INFORMATION;

/// The groups.
pub static GROUPS: Space = Space {
    code: 18,
    name: "groups",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("group")],
    value: "1: group: name, settings, owner, announcement",
    readers: "chat",
};

/// Who is in a group, was invited to it, asks to be let in or is kept out, in parts of some dozen.
pub static GROUP_ROSTERS: Space = Space {
    code: 19,
    name: "group_rosters",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("group"), Part::Number("part")],
    value: "1: lines of the roster",
    readers: "chat",
};

/// Groups in the order of their creation.
pub static GROUPS_BY_TIME: Space = Space {
    code: 20,
    name: "groups_by_time",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("created, ms"), Part::Blind("group")],
    value: "1: group id, whether it is public",
    readers: "chat",
};

/// What members of a group are called and have in it.
pub static GROUP_MEMBER_ATTRIBUTES: Space = Space {
    code: 21,
    name: "group_member_attributes",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("group"), Part::Blind("user")],
    value: "1: keys and values",
    readers: "chat",
};

/// Files that are shared in a group.
pub static GROUP_FILES: Space = Space {
    code: 62,
    name: "group_files",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("group"), Part::Number("shared, ms"), Part::Blind("file")],
    value: "1: file: id, name, owner, size, when",
    readers: "chat",
};

/// Chat rooms in the order of their creation. What else is kept of a room stands where that of groups
/// does, under names of its own.
pub static ROOMS_BY_TIME: Space = Space {
    code: 63,
    name: "rooms_by_time",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("created, ms"), Part::Blind("room")],
    value: "1: room id",
    readers: "chat",
};

/// What members keep in a chat room for all who are there.
pub static ROOM_ATTRIBUTES: Space = Space {
    code: 64,
    name: "room_attributes",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("room"), Part::Blind("key")],
    value: "1: key, value, who set it, whether it goes with whoever set it; one row for a room says which there are",
    readers: "chat",
};
