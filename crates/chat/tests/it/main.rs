//! The rules of chat over the memory engine, under a clock that the tests move.

#![expect(clippy::unwrap_used, reason = "what a test helper cannot do fails the test")]

mod accounts;
mod at_rest;
mod blocks;
mod changes;
mod contacts;
mod conversations;
mod crashes;
mod dismissal;
mod doubt;
mod duplicates;
mod external;
mod fence;
mod files;
mod group_model;
mod group_roles;
mod group_told;
mod groups;
mod history;
mod messages;
mod observation;
mod person;
mod presence;
mod queues;
mod retention;
mod revocation;
mod room_state;
mod rooms;
mod world;
