//! `stoa user`: make, list and change the users of an app.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stoa_chat::{NewUser, User};
use stoa_core::{AppKey, Caller, UserId, limits};

use super::{date, unwritten};
use crate::failure::Failure;
use crate::node::Node;
use crate::private_file;

/// What can be done with the users of an app.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user
    Create(CreateArgs),
    /// List the users in the order of their registration
    List(ListArgs),
    /// Show a user
    Show(ShowArgs),
    /// Delete a user, and destroy the key of what belonged to the user
    Delete(DeleteArgs),
    /// Set a user's password
    Password(PasswordArgs),
}

/// Which user.
#[derive(Debug, Args)]
struct Which {
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
    /// A JSON object
    #[arg(long)]
    json: bool,
}

/// Arguments of `user list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `user show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    which: Which,
    /// A JSON object
    #[arg(long)]
    json: bool,
}

/// Arguments of `user delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    which: Which,
}

/// Arguments of `user password`.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    #[command(flatten)]
    which: Which,
    /// The file that holds the new password, or '-' for standard input
    #[arg(long, value_name = "FILE|-")]
    password_file: PathBuf,
}

/// Carries out a command and writes its answer to `out`.
///
/// # Errors
/// [`Failure`].
pub async fn run(
    command: UserCommand,
    node: &Node,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    match command {
        UserCommand::Create(CreateArgs { which, password_file, nickname, json }) => {
            let caller = node.administer(&which.app).await?;
            let password = password_file.as_deref().map(private_file::read).transpose()?;
            let new = NewUser { username: which.user, password, nickname };
            match node.chat.register(&caller, vec![new]).await?.created.first() {
                Some(user) => write(user, json, out),
                None => Err(Failure::Refused("there is a user with that name already".into())),
            }
        }
        UserCommand::List(ListArgs { app, json }) => {
            list(&node.administer(&app).await?, node, json, out).await
        }
        UserCommand::Show(ShowArgs { which, json }) => {
            let caller = node.administer(&which.app).await?;
            write(&node.chat.user(&caller, &which.user).await?, json, out)
        }
        UserCommand::Delete(DeleteArgs { which }) => {
            let caller = node.administer(&which.app).await?;
            node.chat.delete_user(&caller, &which.user).await?;
            Ok(())
        }
        UserCommand::Password(PasswordArgs { which, password_file }) => {
            let caller = node.administer(&which.app).await?;
            let password = private_file::read(&password_file)?;
            Ok(node.chat.set_password(&caller, &which.user, &password).await?)
        }
    }
}

async fn list(
    caller: &Caller,
    node: &Node,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let mut cursor: Option<String> = None;
    loop {
        let page = node.chat.users(caller, limits::LIST_PAGE, cursor.as_deref()).await?;
        for user in &page.users {
            if json {
                writeln!(out, "{}", object(user)).map_err(unwritten)?;
            } else {
                let User { username, uuid, activated, .. } = user;
                let state = if *activated { "active" } else { "deactivated" };
                writeln!(out, "{}\t{uuid}\t{state}", username.as_str()).map_err(unwritten)?;
            }
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn write(user: &User, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let text = if json {
        object(user).to_string()
    } else {
        format!(
            "user      {}\nuuid      {}\nstate     {}\nnickname  {}\ncreated   {}\nmodified  {}",
            user.username.as_str(),
            user.uuid,
            if user.activated { "active" } else { "deactivated" },
            user.nickname.as_deref().unwrap_or("-"),
            date(user.created),
            date(user.modified)
        )
    };
    writeln!(out, "{text}").map_err(unwritten)
}

fn object(user: &User) -> Value {
    json!({
        "username": user.username.as_str(),
        "uuid": user.uuid.to_string(),
        "activated": user.activated,
        "nickname": user.nickname,
        "created": user.created.as_millis(),
        "modified": user.modified.as_millis(),
    })
}
