//! `stoa key`: how the vault is, another root key, further data keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{self, Output};
use super::reach::Reach;
use crate::admin::{Answer, KeyRequest, Request, SecretText};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;
use crate::private_file;

/// What can be done with the vault.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Show the vault: its directories, its root key's fingerprint, how many keys of which class.
    /// Nothing of it is secret
    Status,
    /// Exchange the root key: from then on the vault opens with the new one only. With --data-keys,
    /// make further data keys instead
    Rotate(RotateArgs),
}

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The file that holds the new root key (64 hexadecimal or 44 base64 characters), or '-' for
    /// standard input [default: a new random one where the root key is in a file, which is replaced;
    /// what root-key-command gives now, where that is its source]
    #[arg(long, value_name = "FILE|-", conflicts_with = "for_data")]
    new_key_file: Option<PathBuf>,
    /// Make a further data key for everything that is being written to, and leave the root key. What
    /// was sealed stays as it is and opens as before
    #[arg(long = "data-keys")]
    for_data: bool,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: KeyCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let mut reach = Reach::open(config, Founding::Refused)?;
    let done = with(command, &mut reach, out);
    reach.close(done)
}

fn with(command: KeyCommand, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let request = match command {
        KeyCommand::Status => KeyRequest::Status,
        KeyCommand::Rotate(RotateArgs { for_data: true, .. }) => KeyRequest::RenewData,
        KeyCommand::Rotate(RotateArgs { new_key_file, .. }) => {
            let new = new_key_file.as_deref().map(private_file::read).transpose()?;
            KeyRequest::RotateRoot { new: new.map(SecretText) }
        }
    };
    match reach.ask(Request::Key(request))? {
        Answer::Keys(keys) => out.put(&*keys, output::keys),
        Answer::Rotated(rotation) => out.put(&rotation, output::rotation),
        Answer::Renewed { keys } => {
            out.put(&json!({ "dataKeysMade": keys }), |_| format!("made {keys} data keys"))
        }
        _ => Err(super::strange()),
    }
}
