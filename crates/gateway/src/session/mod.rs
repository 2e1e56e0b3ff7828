//! One MSYNC session: a state machine without IO, and the task that drives it.
//!
//! [`core`] takes frames, events, outcomes of calls and the time; it yields frames to send, calls to
//! make and the next deadline. It never waits and never looks at a clock, so that a script of frames
//! tests all of it. [`driver`] owns the socket, makes the calls and sleeps until the deadline.

mod close;
pub(crate) mod core;
mod counted;
pub(crate) mod driver;
mod flow;
pub(crate) mod incoming;
mod mailbox;
mod outgoing;
pub(crate) mod outlet;
mod queues;
pub(crate) mod rate;
mod reach;
#[cfg(test)]
mod script;
#[cfg(test)]
mod separation;
#[cfg(test)]
mod tests;
pub(crate) mod transport;
