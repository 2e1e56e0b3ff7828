//! `stoa user`: make, list and change the users of an app.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use stoa_core::{AppKey, Resource, UserId, UserUuid};

use super::output::{self, Output};
use super::reach::Reach;
use crate::admin::{Answer, Request, SecretText, Text, UserRequest};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;
use crate::private_file;

/// What can be done with the users of an app.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user
    Create(CreateArgs),
    /// List the users in the order of their registration
    List(ListArgs),
    /// Show a user
    Show(Which),
    /// Delete a user, and destroy the key of what belonged to the user
    Delete(Which),
    /// Set a user's password: ends the user's sessions and revokes the user's tokens
    #[command(alias = "password")]
    SetPassword(PasswordArgs),
    /// Let a user in again
    Activate(Which),
    /// Let a user in no more, and end the user's sessions
    Deactivate(Which),
    /// End a user's sessions; the user can log in again
    LogOut(LogOutArgs),
    /// Revoke a user's tokens, or one device, and end the sessions, also in class rooms; tokens made a minute later are good
    Revoke(RevokeArgs),
    /// Revoke one token, and end the sessions that it let in or renewed
    RevokeToken(RevokeTokenArgs),
}

/// Which user.
#[derive(Debug, Args)]
pub struct Which {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// The user's name
    #[arg(long, value_name = "NAME")]
    user: UserId,
}

/// Arguments of `user create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    which: Which,
    /// The file that holds the password, or '-' for standard input [default: none, the user can enter
    /// with a token only]
    #[arg(long, value_name = "FILE|-")]
    password_file: Option<PathBuf>,
    /// A name for people
    #[arg(long)]
    nickname: Option<String>,
}

/// Arguments of `user list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
}

/// Arguments of `user set-password`.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    #[command(flatten)]
    which: Which,
    /// The file that holds the new password, or '-' for standard input
    #[arg(long, value_name = "FILE|-")]
    password_file: PathBuf,
}

/// Arguments of `user revoke-token`.
#[derive(Debug, Args)]
pub struct RevokeTokenArgs {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// The file that holds the token, or '-' for standard input
    #[arg(long, value_name = "FILE|-")]
    token_file: PathBuf,
}

/// Arguments of `user revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// The user's name in chat; tokens for class rooms in the same name are revoked too
    #[arg(long, value_name = "NAME", required_unless_present = "class_user")]
    user: Option<UserId>,
    /// A name in class rooms, whether or not anybody of that name has come into one
    #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "device"])]
    class_user: Option<UserUuid>,
    /// Of this device (its resource) only [default: of all]
    #[arg(long, value_name = "RESOURCE")]
    device: Option<Resource>,
}

/// Arguments of `user log-out`.
#[derive(Debug, Args)]
pub struct LogOutArgs {
    #[command(flatten)]
    which: Which,
    /// Of this device (its resource) only [default: of all]
    #[arg(long, value_name = "RESOURCE")]
    device: Option<Resource>,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: UserCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let mut reach = Reach::open(config, Founding::Refused)?;
    let done = with(command, &mut reach, out);
    reach.close(done)
}

fn with(command: UserCommand, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let mut ask = |request| reach.ask(Request::User(request));
    match command {
        UserCommand::Create(CreateArgs { which, password_file, nickname }) => {
            let (app, user) = which.texts();
            let password = password_file.as_deref().map(secret).transpose()?;
            show(ask(UserRequest::Create { app, user, password, nickname })?, out)
        }
        UserCommand::List(ListArgs { app }) => {
            let mut cursor = None;
            loop {
                let app = Text(app.clone());
                let Answer::Users { users, cursor: next } = ask(UserRequest::List { app, cursor })?
                else {
                    return Err(super::strange());
                };
                users.iter().try_for_each(|user| out.put(user, output::user_line))?;
                cursor = next;
                if cursor.is_none() {
                    return Ok(());
                }
            }
        }
        UserCommand::Show(which) => {
            let (app, user) = which.texts();
            show(ask(UserRequest::Show { app, user })?, out)
        }
        UserCommand::Delete(which) => {
            let (app, user) = which.texts();
            super::done(&ask(UserRequest::Delete { app, user })?, out)
        }
        UserCommand::SetPassword(PasswordArgs { which, password_file }) => {
            let (app, user) = which.texts();
            let password = secret(&password_file)?;
            super::done(&ask(UserRequest::SetPassword { app, user, password })?, out)
        }
        UserCommand::Activate(which) => {
            let (app, user) = which.texts();
            show(ask(UserRequest::SetActivated { app, user, activated: true })?, out)
        }
        UserCommand::Deactivate(which) => {
            let (app, user) = which.texts();
            show(ask(UserRequest::SetActivated { app, user, activated: false })?, out)
        }
        UserCommand::LogOut(LogOutArgs { which, device }) => {
            let (app, user) = which.texts();
            let device = device.map(Text);
            match ask(UserRequest::LogOut { app, user, device })? {
                Answer::LoggedOut { ended } => out.put(&json!({ "ended": ended }), |_| {
                    let text = if ended { "sessions were told to end" } else { "was not online" };
                    text.to_owned()
                }),
                _ => Err(super::strange()),
            }
        }
        UserCommand::Revoke(RevokeArgs { app, user, class_user, device }) => {
            let (app, device) = (Text(app), device.map(Text));
            let request = match (user, class_user) {
                (Some(user), _) => UserRequest::Revoke { app, user: Text(user), device },
                (None, Some(user)) => UserRequest::RevokeInClasses { app, user: Text(user) },
                (None, None) => {
                    return Err(Failure::Refused("--user or --class-user says who it is".into()));
                }
            };
            revoked(&ask(request)?, out)
        }
        UserCommand::RevokeToken(RevokeTokenArgs { app, token_file }) => {
            let (app, token) = (Text(app), secret(&token_file)?);
            revoked(&ask(UserRequest::RevokeToken { app, token })?, out)
        }
    }
}

impl Which {
    fn texts(self) -> (Text<AppKey>, Text<UserId>) {
        (Text(self.app), Text(self.user))
    }
}

fn secret(path: &Path) -> Result<SecretText, Failure> {
    private_file::read(path).map(SecretText)
}

fn show(answer: Answer, out: &mut Output<'_>) -> Result<(), Failure> {
    match answer {
        Answer::User { user } => out.put(&user, output::user),
        _ => Err(super::strange()),
    }
}

fn revoked(answer: &Answer, out: &mut Output<'_>) -> Result<(), Failure> {
    match answer {
        Answer::Revoked { tokens } => {
            out.put(&json!({ "revoked": true, "tokens": tokens }), |_| match tokens {
                None => "all tokens that were made up to now are revoked".into(),
                Some(0) => {
                    "the device is revoked; it was not online, so its tokens are not known: \
                    revoke the user's to be sure"
                        .into()
                }
                Some(1) => "1 token is revoked".into(),
                Some(tokens) => format!("{tokens} tokens are revoked"),
            })
        }
        _ => Err(super::strange()),
    }
}
