//! Chat rooms: many people, and what is said reaches who is there.
//!
//! A room is changed like a group, by the functions of [`group`](crate::group); what differs stands
//! here (`docs/decisions/0020-rooms.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `create`, `super_admins` | making rooms, and who may |
//! | `read` | lists of rooms |
//! | `join` | coming, going, and which sessions are in which room |
//! | `absence` | who has no session any more leaves after a while |
//! | `say` | what an app's back end says in rooms |
//! | `count` | how many are in a room, for lists |
//! | `attributes` | what those who are there keep in a room for all |
//! | `cast` | hands what is said to the sessions that are in a room, in one loop |
//! | `hall` | who is there, what was said last, what gathers |

mod absence;
pub(crate) mod attributes;
mod cast;
mod count;
mod create;
mod hall;
mod join;
mod read;
mod say;
pub(crate) mod super_admins;

pub(crate) use absence::Absences;
pub use attributes::{AttributeChange, AttributeOutcome};
pub use cast::Asking;
pub(crate) use cast::{Cast, RoomAct, RoomWork, Seat};
pub(crate) use count::Counts;
pub use create::NewRoom;
pub use join::RoomEntered;
pub use say::RoomMessage;
