//! `stoa token-server`: its clients. Without a further word the command runs the token server alone.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use serde::Serialize;
use stoa_console::ClientName;
use stoa_core::{AddressRange, AppKey};
use zeroize::Zeroizing;

use super::output::{self, Output, say};
use super::reach::Reach;
use crate::admin::{Answer, Request, SecretText, Text, TokenClientRequest, TokenClientView};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;
use crate::private_file;
use crate::tls::{ClientKey, TlsError};

/// What can be done with the clients of the token server.
#[derive(Debug, Subcommand)]
pub enum TokenServerCommand {
    /// Make, list and remove clients
    #[command(subcommand)]
    Client(ClientCommand),
    /// Make clients that are known by a key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Set from where a client may call
    Allow(AllowArgs),
}

/// What can be done with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client with a certificate: writes client.pem, client-key.pem and, where the server's
    /// certificate is of its own authority, ca.pem
    Issue(IssueArgs),
    /// List the clients, those with a key too
    List {
        /// Those of this app only
        #[arg(long, value_name = "ORG#APP")]
        app: Option<AppKey>,
    },
    /// Remove a client: its next call is refused
    Remove(Which),
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a client with a key. Keys are accepted only where the token server listens on a loopback or
    /// private address; prefer a certificate
    Create(CreateArgs),
}

/// Which client.
#[derive(Debug, Args)]
pub struct Which {
    /// The app that it mints tokens for
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// What it is called
    #[arg(long, value_name = "NAME")]
    name: ClientName,
}

/// Arguments of `token-server client issue`.
#[derive(Debug, Args)]
pub struct IssueArgs {
    #[command(flatten)]
    which: Which,
    /// How long the certificate is good, in days, 1 to 3650
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    days: u32,
    /// From where it may call, ADDRESS or ADDRESS/BITS; may be repeated [default: anywhere]
    #[arg(long = "address", value_name = "CIDR")]
    addresses: Vec<AddressRange>,
    /// The directory to write to; made if it is not there. Nothing in it is overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Arguments of `token-server key create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    which: Which,
    /// From where it may call, ADDRESS or ADDRESS/BITS; may be repeated
    #[arg(long = "address", value_name = "CIDR", required = true)]
    addresses: Vec<AddressRange>,
    /// Write the key to this new file, or to standard output with '-'. It is not shown again
    #[arg(long, value_name = "FILE|-")]
    key_file: PathBuf,
}

/// Arguments of `token-server allow`.
#[derive(Debug, Args)]
pub struct AllowArgs {
    #[command(flatten)]
    which: Which,
    /// From where it may call from now on, ADDRESS or ADDRESS/BITS; may be repeated. Without any, a
    /// client with a certificate may call from anywhere
    #[arg(long = "address", value_name = "CIDR")]
    addresses: Vec<AddressRange>,
}

/// A client with its key, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revealed<'a> {
    #[serde(flatten)]
    client: &'a TokenClientView,
    key: &'a str,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(
    command: TokenServerCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut reach = Reach::open(config, Founding::Refused)?;
    let done = with(command, &mut reach, out);
    reach.close(done)
}

/// Says what to do for a token server whose data somebody else has.
pub(super) fn explain_in_use(failure: Failure, config: &Config) -> Failure {
    match failure {
        Failure::InUse { process, .. } => {
            let process = process.map_or_else(String::new, |id| format!(" (process {id})"));
            Failure::NoAnswer(format!(
                "{} is in use by another process{process}. A token server needs the data, and one process has them: set token-server-listen for the server that has them and restart it, or stop it first",
                config.data.display()
            ))
        }
        failure => failure,
    }
}

fn with(
    command: TokenServerCommand,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut ask = |request| reach.ask(Request::TokenClient(request));
    match command {
        TokenServerCommand::Client(ClientCommand::Issue(arguments)) => {
            let files = Files::of(&arguments.out)?;
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::from)?;
            let public_key = ClientKey::parse(key.der_bytes()).ok_or_else(super::strange)?;
            let IssueArgs { which: Which { app, name }, days, addresses, .. } = arguments;
            let (app, name, addresses) = (Text(app), Text(name), texts(addresses));
            let public_key = Text(public_key);
            // Before anything is asked for, so that no client is registered whose key is lost.
            files.write_key(&key)?;
            let request = TokenClientRequest::Issue { app, name, public_key, days, addresses };
            match ask(request).inspect_err(|_| files.discard()) {
                Ok(Answer::TokenClient {
                    client,
                    certificate: Some(certificate),
                    authority,
                    ..
                }) => {
                    files.write(&certificate, authority.as_deref())?;
                    if authority.is_none() {
                        say(
                            "the server's certificate is not of its own authority, or no server ran yet: there is no ca.pem to write",
                        );
                    }
                    out.put(&client, output::token_client)
                }
                Ok(_) => Err(super::strange()),
                Err(failure) => Err(failure),
            }
        }
        TokenServerCommand::Client(ClientCommand::List { app }) => {
            match ask(TokenClientRequest::List { app: app.map(Text) })? {
                Answer::TokenClients { clients } => {
                    clients.iter().try_for_each(|c| out.put(c, output::token_client_line))
                }
                _ => Err(super::strange()),
            }
        }
        TokenServerCommand::Client(ClientCommand::Remove(Which { app, name })) => {
            match ask(TokenClientRequest::Remove { app: Text(app), name: Text(name) })? {
                Answer::Done => Ok(()),
                _ => Err(super::strange()),
            }
        }
        TokenServerCommand::Key(KeyCommand::Create(arguments)) => {
            let CreateArgs { which: Which { app, name }, addresses, key_file } = arguments;
            if key_file.as_os_str() != "-" && key_file.exists() {
                // Before one is made that could not be shown.
                let file = key_file.display();
                return Err(Failure::Usage(format!("{file} is there already; name a new file")));
            }
            let (app, name, addresses) = (Text(app), Text(name), texts(addresses));
            match ask(TokenClientRequest::CreateKey { app, name, addresses })? {
                Answer::TokenClient { client, key: Some(SecretText(key)), .. } => {
                    if key_file.as_os_str() == "-" {
                        say(
                            "warning: whoever has this key can make tokens for every user of the app",
                        );
                        let revealed = Revealed { client: &client, key: key.expose() };
                        return out.put(&revealed, |revealed| revealed.key.to_owned());
                    }
                    private_file::create(&key_file, key.expose())?;
                    out.put(&client, output::token_client)
                }
                _ => Err(super::strange()),
            }
        }
        TokenServerCommand::Allow(AllowArgs { which: Which { app, name }, addresses }) => {
            let (app, name, addresses) = (Text(app), Text(name), texts(addresses));
            match ask(TokenClientRequest::Allow { app, name, addresses })? {
                Answer::TokenClient { client, .. } => out.put(&client, output::token_client),
                _ => Err(super::strange()),
            }
        }
    }
}

fn texts(addresses: Vec<AddressRange>) -> Vec<Text<AddressRange>> {
    addresses.into_iter().map(Text).collect()
}

/// The files of a client that is to be made.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
}

impl Files {
    /// Those in `dir`, which must not be there yet.
    fn of(dir: &Path) -> Result<Self, Failure> {
        let files = Self {
            certificate: dir.join("client.pem"),
            key: dir.join("client-key.pem"),
            authority: dir.join("ca.pem"),
        };
        for path in [&files.certificate, &files.key, &files.authority] {
            if path.exists() {
                let path = path.display();
                return Err(Failure::Usage(format!(
                    "{path} is there already; name another directory"
                )));
            }
        }
        let made = std::fs::create_dir_all(dir);
        made.map_err(Failure::io(format!("make the directory {}", dir.display())))?;
        Ok(files)
    }

    fn write_key(&self, key: &KeyPair) -> Result<(), Failure> {
        let pem = Zeroizing::new(key.serialize_pem());
        private_file::create(&self.key, pem.trim_end())
    }

    /// Nobody was registered for the key.
    fn discard(&self) {
        // What is left is a key that opens nothing.
        let _ = std::fs::remove_file(&self.key);
    }

    fn write(&self, certificate: &str, authority: Option<&str>) -> Result<(), Failure> {
        private_file::replace(&self.certificate, certificate.as_bytes(), 0o644)?;
        match authority {
            Some(authority) => private_file::replace(&self.authority, authority.as_bytes(), 0o644),
            None => Ok(()),
        }
    }
}
