//! The stream of a class room over WebSocket: a state machine without IO, and the task that drives it.
//!
//! A client that has entered a room over REST says who it is and what it knows; it is told what it missed and from
//! then on hears what the room says, each message as JSON text (`docs/classroom-stream.md`). It acts over REST
//! only: nothing that it sends here changes the room.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`message`] | what clients send, and what they are told besides frames |
//! | [`core`] | the session as a state machine |
//! | `outlet` | the socket, which the room writes to by itself |
//! | [`driver`] | the task around a session |

mod close;
mod core;
pub(crate) mod driver;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod media;
mod message;
mod outlet;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
