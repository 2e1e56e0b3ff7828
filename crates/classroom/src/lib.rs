//! The rules of class rooms: who may enter, what state the class is in, who is on the stage.
//!
//! **The one idea: one ordered truth about a room.** A [`Room`](room::Room) is a state machine without IO; every act on
//! it, by whatever door, waits in the room's line, is stored, and is then told to everybody in one order, numbered.
//! Whoever missed something asks for what came after the number it knows.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`room`] | the state machine: states, entry, streams, stage, hands, widgets, groups, chat |
//! | [`tree`] | property trees and their changes |
//! | [`frame`] | what a room says |
//! | `entering` | the way in: rooms are made, check-in and entry |
//! | `line` | acts in batches: memory, store, told |
//! | `live` | sound and pictures: what the media server is told |
//! | `stored` | the records |
//! | `grouping` | what the room of a class tells the rooms of its groups |
//! | [`chat_room`] | the chat room that belongs to it |
//! | `release` | the end of it |
//! | `hub` | who listens |
//! | `outbox` | events for the app's back end, handed out once |
//! | `stream` | connections: listening, what was missed, renewed and revoked tokens |
//! | `tools` | standard tools that publish or watch: WHIP and WHEP |
//! | `reading` | what it has said and who is in it, by the page |
//! | `service` | [`Classroom`]: rooms by their lines and alarms |

pub mod chat_room;
mod entering;
pub mod frame;
mod grouping;
mod hub;
mod line;
mod live;
mod millis;
mod outbox;
mod reading;
mod refusal;
mod release;
pub mod room;
mod service;
mod stored;
mod stream;
mod tools;
pub mod tree;

pub use entering::{Entry, Place};
pub use hub::{Heard, Listener};
pub use line::Desk;
pub use live::{Attendee, MediaError};
pub use outbox::{EventFilter, EventPage, HandedOut, Handout};
pub use reading::{PAGE, RoomUserPage};
pub use refusal::{Error, Refusal};
pub use service::Classroom;
pub use stream::{HangUp, Joined, Track};
pub use tools::{Connected, Tool};
