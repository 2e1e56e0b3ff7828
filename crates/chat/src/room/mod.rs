//! Chat rooms: many people, and what is said reaches who is there.
//!
//! A room is changed like a group, by the functions of [`group`](crate::group); what differs stands
//! here (`docs/decisions/0020-rooms.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `cast` | hands what is said to the sessions that are in a room, in one loop |
//! | `hall` | who is there, what was said last, what gathers |
//! | `join` | coming, going, and which sessions are in which room |
//! | `absence` | who has no session any more leaves after a while |

mod absence;
mod cast;
mod hall;
mod join;

pub(crate) use absence::Absences;
pub(crate) use cast::{Cast, RoomWork, Seat};
pub use join::RoomEntered;
