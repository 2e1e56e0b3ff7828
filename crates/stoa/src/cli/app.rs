//! `stoa app`: make, list and change apps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use stoa_console::{CertificateSlot, OVERLAP_S};
use stoa_core::{AppKey, AuthPolicy, Plan, ReleaseAnchor};
use stoa_egress::Target;

use super::output::{self, Output, say};
use super::permit::{self, PermitCommand, ServiceArea};
use super::reach::Reach;
use super::server_certificate::{self, ServerCertificateCommand};
use crate::admin::{Answer, AppRequest, AppView, PlaceRequest, Request, SecretText, Text};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;
use crate::private_file;

/// Where events of class rooms are posted to, if anywhere.
#[derive(Debug, Clone)]
pub struct CallbackUrl(Option<Target>);

fn callback_url(text: &str) -> Result<CallbackUrl, String> {
    if text == "off" {
        return Ok(CallbackUrl(None));
    }
    let target = text.parse::<Target>();
    target.map(|target| CallbackUrl(Some(target))).map_err(|error| error.to_string())
}

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Make an app in the region of this data centre, in which it stays
    Create(CreateArgs),
    /// List the apps
    List,
    /// Show an app
    Show(ShowArgs),
    /// Change a setting of an app
    #[command(subcommand)]
    Set(SetCommand),
    /// List, rotate, add and retire an app's certificates
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// List and rotate an app's server certificate, with which the server signs the tokens that it issues
    #[command(subcommand)]
    ServerCertificate(ServerCertificateCommand),
    /// Permit what of an app may cross from one region to another, and list it
    #[command(subcommand)]
    Permit(PermitCommand),
    /// Revoke all tokens of an app that were made up to now, and end its sessions; newer ones are good
    Revoke(Which),
    /// Delete an app with its users, messages and files, and destroy its keys: nothing opens them again
    Delete {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// The app key once more: it cannot be undone
        #[arg(long, value_name = "ORG#APP")]
        confirm: AppKey,
    },
}

/// A setting of an app.
#[derive(Debug, Subcommand)]
pub enum SetCommand {
    /// Who may enter
    Auth {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// token (only tokens made with the App Certificate), token_or_password (also the password
        /// grant), open (also registration without a token)
        #[arg(value_name = "POLICY")]
        auth: AuthPolicy,
    },
    /// The longest life of the app's tokens, from their issue: longer ones end sooner than they say
    TokenCap {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// In seconds, 60 to 86400
        #[arg(value_name = "SECONDS")]
        seconds: u32,
    },
    /// How far ahead the clock of whoever makes the app's tokens may be
    ClockSkew {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// In seconds, 0 to 300
        #[arg(value_name = "SECONDS")]
        seconds: u32,
    },
    /// Whether tokens of the older format 006 are taken where a service knows them; chat never does. A holder of such a token for the channel 'room'
    /// and the user 12 can use it for 'room12' and any user, which no server can detect
    #[command(name = "accept-006")]
    Accept006 {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// true or false
        #[arg(value_name = "BOOLEAN", action = clap::ArgAction::Set)]
        accepts: bool,
    },
    /// Whether a signaling (RTM) token, which says nothing of rooms and roles, lets its user into class rooms: as
    /// a student, unless the app's back end has given the user another role there
    AcceptRtmToken {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// true or false
        #[arg(value_name = "BOOLEAN", action = clap::ArgAction::Set)]
        accepts: bool,
    },
    /// From when on the hour counts after which a class room is destroyed with all that was said in it
    ReleaseAnchor {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// close (from its closing) or end (from the end of the class; not before it is closed)
        #[arg(value_name = "MOMENT")]
        anchor: ReleaseAnchor,
    },
    /// Where events of class rooms are posted to, signed with the app's primary App Certificate; each until the
    /// address takes it
    ClassCallback {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// https://… or off
        #[arg(value_name = "URL|off", value_parser = callback_url)]
        url: CallbackUrl,
    },
    /// How many users strangers may register from one address in an hour, where the app is open
    RegistrationsPerHour {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// 1 to 100000
        #[arg(value_name = "USERS")]
        per_hour: u32,
    },
    /// How much the app may have: contacts, groups, chat rooms and their members, receipts in groups; and how long
    /// its messages are kept, where that was not set otherwise (stoa retention set)
    Plan {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// self-hosted (no quotas), free, starter, pro, enterprise
        #[arg(value_name = "PLAN")]
        plan: Plan,
        /// It is meant, also if messages are then destroyed sooner (24 hours later)
        #[arg(long)]
        confirm: bool,
    },
    /// Whether only clients in the service area are served, by the country of their network (settings
    /// geo-database, geofence-ranges); sessions outside end
    Geofence {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// on or off
        #[arg(value_name = "ON|OFF", value_parser = ["on", "off"])]
        geofence: String,
    },
    /// Which countries a geofence lets in
    ServiceArea {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// 'region' for those that the app's region serves, or two letters each, separated by commas: DE,FR
        #[arg(value_name = "COUNTRIES")]
        area: ServiceArea,
    },
    /// Whether only contacts may write to each other
    FriendsOnly {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// true or false
        #[arg(value_name = "BOOLEAN", action = clap::ArgAction::Set)]
        friends_only: bool,
    },
    /// What becomes of what a person said to others when that person is erased
    ErasedMessages {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// delete: nothing is left of it; keep: it stays, under the name erased-user
        #[arg(value_name = "WHAT")]
        what: ErasedMessages,
    },
    /// How long after it was sent a message can be taken back
    RecallWindow {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// In seconds, 1 to 604800
        #[arg(value_name = "SECONDS")]
        seconds: u32,
    },
    /// How large one attachment may be; those that are stored stay
    MaxAttachmentBytes {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// In bytes, 1 to 209715200
        #[arg(value_name = "BYTES")]
        bytes: u64,
    },
    /// How many of a chat room's last messages whoever joins is sent
    RoomHistory {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// 0 to 200
        #[arg(value_name = "MESSAGES")]
        messages: u32,
    },
    /// How many messages a chat room passes on in a second before it drops those of low and normal
    /// priority
    RoomRate {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// Messages per second; 0 for no bound
        #[arg(value_name = "MESSAGES")]
        messages: u32,
    },
}

/// What can be done with an app's certificates.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// List them, without what is secret
    List(Which),
    /// Make a new primary certificate; the former one becomes the secondary, and ends by itself
    Rotate {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// How long both are good, in seconds, 0 to 2592000: give the app's back ends the new one within
        #[arg(long, value_name = "SECONDS", default_value_t = OVERLAP_S)]
        overlap: u32,
        /// Write the new one to this new file, or to standard output with '-'
        #[arg(long, value_name = "FILE|-")]
        certificate_file: PathBuf,
    },
    /// Add a secondary certificate; both are good from then on
    Add {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// Write it to this new file, or to standard output with '-'. It is not shown again
        #[arg(long, value_name = "FILE|-")]
        certificate_file: PathBuf,
    },
    /// Let the primary and the secondary certificate change places; both stay good
    Swap(Which),
    /// Take a certificate from the app: from then on nobody is let in by a token made with it, and sessions
    /// end that no other token has renewed
    Retire {
        /// Which app.
        #[command(flatten)]
        which: Which,
        /// primary or secondary
        #[arg(long, value_name = "SLOT")]
        slot: CertificateSlot,
        /// Somebody else knows it: end all sessions that a token of it ever let in or renewed
        #[arg(long)]
        leaked: bool,
    },
}

/// Which app.
#[derive(Debug, Args)]
pub struct Which {
    /// The app key
    #[arg(long, value_name = "ORG#APP")]
    key: AppKey,
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
    certificate: Certificate,
}

/// Arguments of `app show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    certificate: Certificate,
}

#[derive(Debug, Args)]
struct Certificate {
    /// Write the primary App Certificate to this new file, or to standard output with '-'. Whoever has
    /// it can make tokens for every user of the app
    #[arg(long, value_name = "FILE|-")]
    certificate_file: Option<PathBuf>,
}

/// An app with a certificate, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revealed<'a> {
    #[serde(flatten)]
    app: &'a AppView,
    certificate: &'a str,
}

/// What becomes of an erased person's messages.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ErasedMessages {
    /// Nothing is left of them.
    Delete,
    /// They stay, under another name.
    Keep,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: AppCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    // The first app may be made before the server ran for the first time.
    let founding = match &command {
        AppCommand::Create(_) => Founding::Allowed,
        _ => Founding::Refused,
    };
    let mut reach = Reach::open(config, founding)?;
    let done = with(command, config, &mut reach, out);
    reach.close(done)
}

fn with(
    command: AppCommand,
    config: &Config,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut ask = |request| reach.ask(Request::App(request));
    match command {
        AppCommand::Create(CreateArgs { key, auth, certificate }) => {
            warn_of(auth);
            let region = config.region.map(Text);
            let reveal = certificate.is_wanted();
            let (key, auth) = (Text(key), Text(auth));
            // In the order that loses nothing: an app whose certificate cannot be written stays.
            certificate.write(ask(AppRequest::Create { key, region, auth, reveal })?, out)
        }
        AppCommand::List => match ask(AppRequest::List)? {
            Answer::Apps { apps } => apps.iter().try_for_each(|app| out.put(app, output::app_line)),
            _ => Err(super::strange()),
        },
        AppCommand::Show(ShowArgs { which, certificate }) => {
            let reveal = certificate.is_wanted();
            certificate.write(ask(AppRequest::Show { key: Text(which.key), reveal })?, out)
        }
        AppCommand::Set(SetCommand::Auth { which, auth }) => {
            warn_of(auth);
            show(ask(AppRequest::SetAuth { key: Text(which.key), auth: Text(auth) })?, out)
        }
        AppCommand::Set(SetCommand::TokenCap { which, seconds }) => {
            show(ask(AppRequest::SetTokenCap { key: Text(which.key), seconds })?, out)
        }
        AppCommand::Set(SetCommand::ClockSkew { which, seconds }) => {
            show(ask(AppRequest::SetClockSkew { key: Text(which.key), seconds })?, out)
        }
        AppCommand::Set(SetCommand::Accept006 { which, accepts }) => {
            if accepts {
                say(
                    "warning: tokens of format 006 can be turned into tokens for other users and rooms",
                );
            }
            show(ask(AppRequest::SetAccepts006 { key: Text(which.key), accepts })?, out)
        }
        AppCommand::Set(SetCommand::AcceptRtmToken { which, accepts }) => {
            if accepts {
                say(
                    "warning: whoever has a signaling token of the app can enter every class room as a student",
                );
            }
            show(ask(AppRequest::SetAcceptsRtmToken { key: Text(which.key), accepts })?, out)
        }
        AppCommand::Set(SetCommand::ReleaseAnchor { which, anchor }) => {
            let (key, anchor) = (Text(which.key), Text(anchor));
            show(ask(AppRequest::SetReleaseAnchor { key, anchor })?, out)
        }
        AppCommand::Set(SetCommand::ClassCallback { which, url }) => {
            let url = url.0.map(Text);
            show(ask(AppRequest::SetClassCallback { key: Text(which.key), url })?, out)
        }
        AppCommand::Set(SetCommand::RegistrationsPerHour { which, per_hour }) => {
            show(ask(AppRequest::SetRegistrations { key: Text(which.key), per_hour })?, out)
        }
        AppCommand::Permit(command) => permit::run(command, reach, out),
        AppCommand::ServerCertificate(command) => server_certificate::run(command, reach, out),
        AppCommand::Set(SetCommand::Geofence { which, geofence }) => {
            let (key, on) = (Text(which.key), geofence == "on");
            if on && config.geo_database.is_none() && config.geofence_ranges.is_empty() {
                say(
                    "warning: without geo-database and geofence-ranges no country is known, and nobody is let in",
                );
            }
            show(reach.ask(Request::Place(PlaceRequest::SetGeofence { key, on }))?, out)
        }
        AppCommand::Set(SetCommand::ServiceArea { which, area: ServiceArea(countries) }) => {
            let (key, countries) = (Text(which.key), countries.into_iter().map(Text).collect());
            let request = PlaceRequest::SetServiceArea { key, countries };
            show(reach.ask(Request::Place(request))?, out)
        }
        AppCommand::Revoke(which) => show(ask(AppRequest::Revoke { key: Text(which.key) })?, out),
        AppCommand::Delete { which, confirm } => {
            if which.key != confirm {
                return Err(Failure::Usage(format!(
                    "--confirm says {confirm}, and --key {}: nothing was deleted",
                    which.key
                )));
            }
            super::done(&ask(AppRequest::Delete { key: Text(which.key) })?, out)
        }
        AppCommand::Set(SetCommand::Plan { which, plan, confirm }) => {
            let (key, plan) = (Text(which.key), Text(plan));
            show(ask(AppRequest::SetPlan { key, plan, confirm })?, out)
        }
        AppCommand::Set(SetCommand::FriendsOnly { which, friends_only }) => {
            show(ask(AppRequest::SetFriendsOnly { key: Text(which.key), friends_only })?, out)
        }
        AppCommand::Set(SetCommand::ErasedMessages { which, what }) => {
            let keep = matches!(what, ErasedMessages::Keep);
            show(ask(AppRequest::SetErasedMessages { key: Text(which.key), keep })?, out)
        }
        AppCommand::Set(SetCommand::RecallWindow { which, seconds }) => {
            show(ask(AppRequest::SetRecallWindow { key: Text(which.key), seconds })?, out)
        }
        AppCommand::Set(SetCommand::MaxAttachmentBytes { which, bytes }) => {
            show(ask(AppRequest::SetAttachmentBytes { key: Text(which.key), bytes })?, out)
        }
        AppCommand::Set(SetCommand::RoomHistory { which, messages }) => {
            show(ask(AppRequest::SetRoomHistory { key: Text(which.key), messages })?, out)
        }
        AppCommand::Set(SetCommand::RoomRate { which, messages }) => {
            show(ask(AppRequest::SetRoomRate { key: Text(which.key), messages })?, out)
        }
        AppCommand::Certificate(CertificateCommand::List(which)) => {
            match ask(AppRequest::Show { key: Text(which.key), reveal: false })? {
                Answer::App { app, .. } => {
                    app.certificates.iter().try_for_each(|c| out.put(c, output::certificate_line))
                }
                _ => Err(super::strange()),
            }
        }
        AppCommand::Certificate(CertificateCommand::Rotate {
            which,
            overlap,
            certificate_file,
        }) => {
            let certificate = Certificate::to_new(certificate_file)?;
            let (key, overlap_seconds) = (Text(which.key), overlap);
            certificate.write(ask(AppRequest::RotateCertificate { key, overlap_seconds })?, out)
        }
        AppCommand::Certificate(CertificateCommand::Add { which, certificate_file }) => {
            let certificate = Certificate::to_new(certificate_file)?;
            certificate.write(ask(AppRequest::AddCertificate { key: Text(which.key) })?, out)
        }
        AppCommand::Certificate(CertificateCommand::Swap(which)) => {
            show(ask(AppRequest::SwapCertificates { key: Text(which.key) })?, out)
        }
        AppCommand::Certificate(CertificateCommand::Retire { which, slot, leaked }) => {
            let (key, slot) = (Text(which.key), Text(slot));
            show(ask(AppRequest::RetireCertificate { key, slot, leaked })?, out)
        }
    }
}

fn show(answer: Answer, out: &mut Output<'_>) -> Result<(), Failure> {
    match answer {
        Answer::App { app, .. } => out.put(&app, output::app),
        _ => Err(super::strange()),
    }
}

/// What whoever opens an app should know.
fn warn_of(auth: AuthPolicy) {
    match auth {
        AuthPolicy::Token => {}
        AuthPolicy::TokenOrPassword => {
            say("warning: whoever knows a user's password gets in, so the passwords must be good");
        }
        AuthPolicy::Open => say("warning: anybody who reaches the server can register and get in"),
    }
}

impl Certificate {
    /// Where one that is yet to be made will be written.
    fn to_new(file: PathBuf) -> Result<Self, Failure> {
        if file.as_os_str() != "-" && file.exists() {
            // Before one is made that could not be shown.
            let file = file.display();
            return Err(Failure::Usage(format!("{file} is there already; name a new file")));
        }
        Ok(Self { certificate_file: Some(file) })
    }

    const fn is_wanted(&self) -> bool {
        self.certificate_file.is_some()
    }

    /// Prints the app, and the certificate to where it was asked for.
    fn write(&self, answer: Answer, out: &mut Output<'_>) -> Result<(), Failure> {
        let Answer::App { app, certificate } = answer else { return Err(super::strange()) };
        let Some(path) = &self.certificate_file else { return out.put(&app, output::app) };
        let Some(SecretText(certificate)) = certificate else {
            return Err(Failure::Refused(format!("the app {} has no certificate", app.app_key)));
        };
        if path.as_os_str() == "-" {
            say("warning: whoever has this certificate can make tokens for every user of the app");
            let revealed = Revealed { app: &app, certificate: certificate.expose() };
            return out.put(&revealed, |revealed| revealed.certificate.to_owned());
        }
        private_file::create(path, certificate.expose())?;
        out.put(&app, output::app)
    }
}
