//! Class rooms by REST, each test by its numbers in the conformance list of the specification (section 11).

mod authentication;
mod entry;
mod events;
mod names;
mod off;
mod official;
mod rooms;
mod scenes;
mod school;
mod users;
