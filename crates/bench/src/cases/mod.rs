//! What is measured, one file for each case.

mod attachments;
mod catchup;
mod class;
mod doors;
mod group;
mod groups;
mod idle;
mod login;
mod media;
mod p2p;
mod revocation;
mod revoke_app;
mod room;
mod room_join;
mod room_silent;
mod start;
mod token_server;

use std::pin::Pin;
use std::time::Duration;

use crate::Error;
use crate::plan::Plan;
use crate::report::{Figure, Sample};

/// All cases, in the order in which they run.
pub const ALL: &[&Case] = &[
    &start::CASE,
    &login::CASE,
    &idle::CASE,
    &catchup::CASE,
    &p2p::CASE,
    &group::CASE,
    &groups::CASE,
    &room::CASE,
    &room_join::CASE,
    &room_silent::CASE,
    &class::entry::CASE,
    &class::stage::CASE,
    &class::memory::CASE,
    &media::FAN_100,
    &media::FAN_200,
    &media::MESH_10X5,
    &media::MESH_5X10,
    &attachments::CASE,
    &token_server::CASE,
    &revocation::CASE,
    &revoke_app::CASE,
    &doors::CASE,
];

/// One thing to measure.
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What it says.
    pub figures: &'static [Figure],
    /// After which it is given up.
    pub deadline: fn(&Plan) -> Duration,
    /// Does it once.
    pub run: for<'a> fn(&'a Plan) -> Run<'a>,
}

/// One run of a case.
pub type Run<'a> = Pin<Box<dyn Future<Output = Result<Vec<Sample>, Error>> + 'a>>;
