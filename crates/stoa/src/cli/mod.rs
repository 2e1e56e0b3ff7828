//! The command line: what is asked for, and the way there that all commands share.
//!
//! Answers go to standard output, everything else to standard error. Exit codes: 0 done, 1 the answer
//! is no, 2 the command line or the configuration is wrong, 3 another process has the data, 4 it could
//! not be done.

pub mod app;
pub mod token;
pub mod user;

use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use stoa_core::{Secret, Timestamp};

use crate::config::{self, Config, Environment, Settings};
use crate::failure::Failure;
use crate::node::{Files, Founding, Node};
use crate::{log, root_key, serve};

/// A self-hosted chat server for apps that use the Agora Chat SDK or its REST API.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the answer is no, 2 the command line or the \
    configuration is wrong, 3 another process has the data, 4 it could not be done";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Make and list apps
    App(AppArgs),
    /// Make, list and change the users of an app
    User(UserArgs),
    /// Make, read and verify access tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Have an app 'demo#stoa' with two users, and write what is needed to try it to demo.json in
    /// the data directory; on loopback only
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct AppArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: app::AppCommand,
}

#[derive(Debug, Args)]
struct UserArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: user::UserCommand,
}

/// What all commands take that open the data.
#[derive(Debug, Args)]
struct Common {
    /// The configuration file [default: stoa.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Common {
    /// The configuration, and the root key if the environment held it: then this is the second time
    /// that the process comes here (see [`root_key`]).
    fn load(self) -> Result<(Config, Option<Secret>), Failure> {
        let environment = Environment::of_this_process();
        let config = config::load(self.settings, self.config.as_deref(), &environment)?;
        let taken = root_key::take_from_environment(&config.root_key)?;
        log::start(config.log_level, config.log_format);
        Ok((config, taken))
    }
}

/// Carries out what the command line asks for.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(ServeArgs { demo, common }) => run_server(common, demo),
        Command::App(AppArgs { common, command }) => {
            let founding = command.founding();
            with_node(common, founding, |node, config| {
                Box::pin(async move { app::run(command, node, config, &mut io::stdout()).await })
            })
        }
        Command::User(UserArgs { common, command }) => {
            with_node(common, Founding::Refused, |node, _| {
                Box::pin(async move { user::run(command, node, &mut io::stdout()).await })
            })
        }
        Command::Token(command) => {
            let code = token::run(command, &mut io::stdout());
            return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {}", failure.explain()));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run_server(common: Common, demo: bool) -> Result<(), Failure> {
    let (config, taken) = common.load()?;
    serve::check(&config, demo)?;
    let files = Files::open(&config, taken, Founding::Allowed)?;
    block_on(serve::run(config, demo, files))
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// Opens the data, does `work` with them, and closes them whatever came of it.
fn with_node(
    common: Common,
    founding: Founding,
    work: impl for<'a> FnOnce(&'a Node, &'a Config) -> Work<'a>,
) -> Result<(), Failure> {
    let (config, taken) = common.load()?;
    let files = Files::open(&config, taken, founding)?;
    block_on(async {
        let node = Node::start(files, &config).await?;
        let done = work(&node, &config).await;
        let closed = node.close().await;
        done.and(closed)
    })
}

/// Runs `work` on a runtime of its own, and lets what is left of other work end with it.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    /// For work that cannot be stopped halfway: a password that is being checked.
    const LEFT: Duration = Duration::from_millis(100);
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(Failure::io("start the threads of the runtime"))?;
    let done = runtime.block_on(Box::pin(work));
    runtime.shutdown_timeout(LEFT);
    done
}

/// Tells whoever typed the command something that is not its answer.
fn say(text: &str) {
    // Nothing is left to tell it with, when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A moment for people: RFC 3339, in UTC.
fn date(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| "?".into(), |at| at.to_string())
}

/// Writes to standard output fail when the reader has gone away.
fn unwritten(source: io::Error) -> Failure {
    Failure::Io { what: "write the answer".into(), source }
}
