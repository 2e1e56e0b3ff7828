//! `stoa app`: make and list apps.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stoa_console::NewApp;
use stoa_core::{App, AppKey, AuthPolicy};

use super::{date, say, unwritten};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::{Founding, Node};
use crate::private_file;

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Make an app in the region of this data centre, in which it stays
    Create(CreateArgs),
    /// List the apps
    List(ListArgs),
    /// Show an app
    Show(ShowArgs),
}

impl AppCommand {
    /// The first app may be made before the server ran for the first time.
    pub(super) const fn founding(&self) -> Founding {
        match self {
            Self::Create(_) => Founding::Allowed,
            _ => Founding::Refused,
        }
    }
}

/// Arguments of `app create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The app key, which clients name the app by: organisation and app
    #[arg(long, value_name = "ORG#APP")]
    key: AppKey,
    /// Who may enter: token (only tokens made with the App Certificate), token_or_password (also the
    /// password grant), open (also registration without a token)
    #[arg(long, default_value = "token")]
    auth: AuthPolicy,
    #[command(flatten)]
    output: Output,
}

/// Arguments of `app list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `app show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The app key
    #[arg(long, value_name = "ORG#APP")]
    key: AppKey,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Output {
    /// Write the App Certificate to this new file, or to standard output with '-'. Whoever has it
    /// can make tokens for every user of the app
    #[arg(long, value_name = "FILE|-")]
    certificate_file: Option<PathBuf>,
    /// A JSON object
    #[arg(long)]
    json: bool,
}

/// Carries out a command and writes its answer to `out`.
///
/// # Errors
/// [`Failure`].
pub async fn run(
    command: AppCommand,
    node: &Node,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    match command {
        AppCommand::Create(CreateArgs { key, auth, output }) => {
            // In the order that loses nothing: an app whose certificate cannot be written stays.
            let region = config.region.unwrap_or_else(|| node.console.region());
            let app = node.console.create_app(NewApp { key, region, auth }).await?;
            output.write(&app, out)
        }
        AppCommand::List(ListArgs { json }) => {
            for app in node.console.apps() {
                if json {
                    writeln!(out, "{}", public(&app)).map_err(unwritten)?;
                } else {
                    let App { key, region, auth, id, .. } = &*app;
                    writeln!(out, "{key}\t{id}\t{region}\t{}", auth.name()).map_err(unwritten)?;
                }
            }
            Ok(())
        }
        AppCommand::Show(ShowArgs { key, output }) => {
            let app = node.app(&key)?;
            output.write(&app, out)
        }
    }
}

impl Output {
    fn write(&self, app: &Arc<App>, out: &mut dyn Write) -> Result<(), Failure> {
        if let Some(path) = &self.certificate_file {
            let certificate = app.certificates.first().ok_or_else(|| {
                Failure::Refused(format!("the app {} has no certificate", app.key))
            })?;
            if path.as_os_str() == "-" {
                say(
                    "warning: whoever has this certificate can make tokens for every user of the app",
                );
                return writeln!(out, "{}", certificate.expose()).map_err(unwritten);
            }
            private_file::create(path, certificate.expose())?;
        }
        let text = if self.json { public(app).to_string() } else { describe(app) };
        writeln!(out, "{text}").map_err(unwritten)
    }
}

/// What anybody may know of an app.
fn public(app: &App) -> Value {
    json!({
        "appKey": app.key.to_string(),
        "appId": app.id.as_str(),
        "uuid": app.uuid.to_string(),
        "region": app.region.name(),
        "auth": app.auth.name(),
        "created": app.created.as_millis(),
    })
}

fn describe(app: &App) -> String {
    format!(
        "app key  {}\nApp ID   {}\nregion   {}\nauth     {}\ncreated  {}",
        app.key,
        app.id,
        app.region,
        app.auth.name(),
        date(app.created)
    )
}
