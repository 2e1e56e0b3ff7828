//! Class rooms by REST, each test by its numbers in the conformance list of the specification (section 11).

mod authentication;
mod entry;
mod events;
mod groups;
mod names;
mod off;
mod official;
mod places;
mod product;
mod rooms;
mod scenes;
mod school;
mod users;
