//! Class rooms on a store in memory, under a moved clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod carousel;
mod chat;
mod chat_room;
mod entry;
mod groups;
mod hands;
mod lifetime;
mod outbox;
mod pure;
mod quiz;
mod rewards;
mod roles;
mod stage;
mod streams;
mod widgets;
mod world;
