//! `stoa egress`: which hosts outside the server reaches.

use clap::{Args, Subcommand};
use stoa_core::{AppKey, Crossing};
use stoa_egress::Target;

use super::output::{self, Output};
use super::reach::Reach;
use crate::admin::{Answer, PlaceRequest, Request, Text};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::node::Founding;

/// What can be done about outbound hosts.
#[derive(Debug, Subcommand)]
pub enum EgressCommand {
    /// Call a host as the server would for an app (with HEAD, which changes nothing there), and say why it
    /// is refused if it is; exit code 1 when it is not reached
    Check(CheckArgs),
}

/// Arguments of `egress check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Whom to call: a URL that begins with https:// and a host
    #[arg(value_name = "URL")]
    url: Target,
    /// The app for which
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// What for: callbacks, push, storage or translation
    #[arg(long, value_name = "KIND", default_value = "callbacks")]
    kind: Crossing,
}

/// Carries out a command: [`Exit::No`] when the host is not reached.
///
/// # Errors
/// [`Failure`].
pub fn run(command: EgressCommand, config: &Config, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let EgressCommand::Check(CheckArgs { url, app, kind }) = command;
    if !kind.is_outbound() {
        return Err(Failure::Usage(format!(
            "--kind: the server calls nobody for {kind}; choose callbacks, push, storage or translation"
        )));
    }
    let mut reach = Reach::open(config, Founding::Refused)?;
    let (key, kind, url) = (Text(app), Text(kind), Text(url));
    let asked = reach.ask(Request::Place(PlaceRequest::CheckEgress { key, kind, url }));
    let Answer::EgressChecked { check } = reach.close(asked)? else { return Err(super::strange()) };
    out.put(&check, output::egress_check)?;
    Ok(if check.reached { Exit::Done } else { Exit::No })
}
