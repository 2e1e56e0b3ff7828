//! `stoa app server-certificate`: the secret with which the server itself signs the tokens of an app.

use clap::{Args, Subcommand};
use stoa_core::AppKey;

use super::output::{self, Output};
use super::reach::Reach;
use crate::admin::{Answer, AppRequest, Request, Text};
use crate::failure::Failure;

/// What can be done with an app's server certificate.
#[derive(Debug, Subcommand)]
pub enum ServerCertificateCommand {
    /// Show the present one and, during an overlap, the former one, without what is secret
    List {
        /// The app key
        #[arg(long, value_name = "ORG#APP")]
        key: AppKey,
    },
    /// Make a new one, with which the server signs from then on. What the former one signed (tokens for passwords,
    /// for an app's back end and of the token server) is good for an overlap, and then ends by itself
    Rotate(RotateArgs),
}

/// Arguments of `app server-certificate rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The app key
    #[arg(long, value_name = "ORG#APP")]
    key: AppKey,
    /// How long tokens of the former one are good, in seconds, 0 to 86400. With 0 they end at once, those of a
    /// former one as well, and sessions end that no other token has renewed [default: the app's token-cap]
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u32>,
    /// Somebody else knows it: no overlap, and all sessions end that a token of it ever let in or renewed
    #[arg(long, conflicts_with = "overlap")]
    leaked: bool,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(
    command: ServerCertificateCommand,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let (request, rotates) = match command {
        ServerCertificateCommand::List { key } => {
            (AppRequest::Show { key: Text(key), reveal: false }, false)
        }
        ServerCertificateCommand::Rotate(RotateArgs { key, overlap, leaked }) => {
            let (key, overlap_seconds) = (Text(key), overlap);
            (AppRequest::RotateServerCertificate { key, overlap_seconds, leaked }, true)
        }
    };
    let Answer::App { app, .. } = reach.ask(Request::App(request))? else {
        return Err(super::strange());
    };
    if rotates {
        return out.put(&app, output::app);
    }
    app.server_certificates.iter().try_for_each(|c| out.put(c, output::certificate_line))
}
