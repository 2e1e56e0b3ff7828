//! The command line: what is asked for, and how a command ends.
//!
//! A command becomes a request, finds its way to the data ([`reach`]) and prints the answer
//! ([`output`]). Exit codes: [`Exit`].

pub mod app;
pub mod audit;
pub mod backup;
pub mod checklist;
pub mod configuration;
pub mod doctor;
pub mod egress;
pub mod key;
pub mod output;
pub mod permit;
pub mod person;
mod progress;
pub mod reach;
pub mod reference;
pub mod region;
pub mod residency;
pub mod retention;
mod server_certificate;
pub mod token;
pub mod token_server;
pub mod user;

use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde_json::json;

use self::output::{Output, say_failure};
use self::reach::{Common, block_on, take_root_key};
use crate::admin::Answer;
use crate::config::Config;
use crate::failure::{Exit, Failure, Problem};
use crate::node::{Files, Founding};
use crate::{control, memory, serve};

/// A self-hosted chat server for apps that use the Agora Chat SDK or its REST API.
#[derive(Debug, Parser)]
#[command(name = "stoa", version, max_term_width = 100, after_help = exit_codes())]
pub struct Cli {
    /// Answer as JSON: one object, or one a line; also failures, on standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

fn exit_codes() -> String {
    let codes = Exit::ALL.map(|exit| format!("{} {}", exit.code(), exit.meaning()));
    format!("Exit codes: {}", codes.join(", "))
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Make, list and change apps
    App(AppArgs),
    /// Make, list and change the users of an app
    User(UserArgs),
    /// Hand out all that is kept of one person, or erase it
    Person(PersonArgs),
    /// Make, verify and bring back backups
    Backup(BackupArgs),
    /// Show the vault, and exchange keys
    Key(KeyArgs),
    /// Read, export and verify the log of what was done
    Audit(AuditArgs),
    /// Show and set how long things are kept
    Retention(RetentionArgs),
    /// Make, read and verify access tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Run the token server alone, or make, list and remove its clients
    TokenServer(TokenServerArgs),
    /// Show the regions, and what their data centres know each other by
    Region(RegionArgs),
    /// Explain and check the configuration
    Config(ConfigArgs),
    /// Say whether the server and its apps are kept as they should be, and what mends what is not; exit code
    /// 1 when something has to be mended
    Checklist(ChecklistCommand),
    /// Say where data lie and with whom the server spoke, signed
    Residency(ResidencyArgs),
    /// See whether a host outside can be reached
    Egress(EgressArgs),
    /// Look at everything that a server needs, and say what to do about what is wrong
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    Completion(CompletionArgs),
    /// Print the version
    Version,
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

#[derive(Debug, Args)]
struct PersonArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: person::PersonCommand,
}

#[derive(Debug, Args)]
struct BackupArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: backup::BackupCommand,
}

#[derive(Debug, Args)]
struct KeyArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: key::KeyCommand,
}

#[derive(Debug, Args)]
struct AuditArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: audit::AuditCommand,
}

#[derive(Debug, Args)]
struct RetentionArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: retention::RetentionCommand,
}

#[derive(Debug, Args)]
struct TokenServerArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<token_server::TokenServerCommand>,
}

#[derive(Debug, Args)]
struct RegionArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: region::RegionCommand,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: configuration::ConfigCommand,
}

#[derive(Debug, Args)]
struct ChecklistCommand {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    arguments: checklist::ChecklistArgs,
}

#[derive(Debug, Args)]
struct ResidencyArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: residency::ResidencyCommand,
}

#[derive(Debug, Args)]
struct EgressArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: egress::EgressCommand,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Carries out what the command line asks for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error),
    };
    let (json, mut stdout) = (cli.json, io::stdout());
    match run(cli.command, &mut Output::new(json, &mut stdout)) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            say_failure(&failure.to_problem(), json);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command, out: &mut Output<'_>) -> Result<Exit, Failure> {
    match command {
        Command::Serve(ServeArgs { demo, common }) => {
            run_server(&common.load()?, serve::Role::Server { demo })?;
        }
        Command::App(AppArgs { common, command }) => app::run(command, &common.load()?, out)?,
        Command::User(UserArgs { common, command }) => user::run(command, &common.load()?, out)?,
        Command::Backup(BackupArgs { common, command }) => {
            backup::run(command, &common.load()?, out)?;
        }
        Command::Person(PersonArgs { common, command }) => {
            return person::run(command, &common.load()?, out);
        }
        Command::Key(KeyArgs { common, command }) => key::run(command, &common.load()?, out)?,
        Command::Token(command) => {
            memory::keep_private().map_err(Failure::io("turn core dumps off"))?;
            return token::run(command, out);
        }
        Command::Audit(AuditArgs { common, command }) => return audit::run(command, common, out),
        Command::Retention(RetentionArgs { common, command }) => {
            return retention::run(command, common, out);
        }
        Command::TokenServer(TokenServerArgs { common, command: Some(command) }) => {
            token_server::run(command, &common.load()?, out)?;
        }
        Command::TokenServer(TokenServerArgs { common, command: None }) => {
            let config = common.load()?;
            run_server(&config, serve::Role::TokenServer)
                .map_err(|failure| token_server::explain_in_use(failure, &config))?;
        }
        Command::Region(RegionArgs { common, command }) => {
            region::run(&command, &common.load()?, out)?;
        }
        Command::Config(ConfigArgs { common, command }) => {
            return configuration::run(&command, common, out);
        }
        Command::Checklist(ChecklistCommand { common, arguments }) => {
            return checklist::run(arguments, &common.load()?, out);
        }
        Command::Residency(ResidencyArgs { common, command }) => {
            return residency::run(command, common, out);
        }
        Command::Egress(EgressArgs { common, command }) => {
            return egress::run(command, &common.load()?, out);
        }
        Command::Doctor(DoctorArgs { common }) => return doctor::run(&common.load()?, out),
        Command::Completion(CompletionArgs { shell }) => out.raw(&completion(shell))?,
        Command::Version => {
            let (version, protocol) = (control::protocol::VERSION, control::protocol::PROTOCOL);
            let object = json!({ "version": version, "controlProtocol": protocol });
            out.put(&object, |_| format!("stoa {version}"))?;
        }
    }
    Ok(Exit::Done)
}

fn run_server(config: &Config, role: serve::Role) -> Result<(), Failure> {
    let taken = take_root_key(config)?;
    serve::check(config, role)?;
    let files = Files::open(config, taken, Founding::Allowed)?;
    block_on(serve::run(config.clone(), role, files))
}

fn completion(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stoa", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Help that was asked for, or a command line that makes no sense.
fn misunderstood(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>();
        let message = message.join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
        let problem = Problem { exit: Exit::Usage, kind: "usage".into(), message };
        say_failure(&problem, true);
        return ExitCode::from(Exit::Usage.code());
    }
    // Nothing is left to tell it with, when this fails.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { Exit::Done.code() })
}

/// It was done: silence is the answer for people.
fn done(answer: &Answer, out: &mut Output<'_>) -> Result<(), Failure> {
    match answer {
        Answer::Done if out.json => out.put(&json!({ "done": true }), |_| String::new()),
        Answer::Done => Ok(()),
        _ => Err(strange()),
    }
}

/// An answer that is none to what was asked, which the protocol's number should exclude.
fn strange() -> Failure {
    Failure::Unknown("the server gave an answer that does not belong to the question".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Arguments stand in the list of processes and in the shell's history.
    #[test]
    fn no_argument_takes_a_secret() {
        /// What such an argument names instead of the secret itself.
        const NAMES: &[&str] = &[
            "FILE", "FILE|-", "DIR", "NAME", "COMMAND", "ORG#APP", "SECONDS", "IP:PORT", "WHETHER",
        ];
        /// A token to look at, which may be '-' for standard input.
        const EXCEPTIONS: &[&str] = &["token"];
        fn walk(command: &clap::Command, findings: &mut Vec<String>) {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let id = arg.get_id().as_str();
                let secret = ["password", "secret", "certificate", "token", "key", "credential"];
                let value = arg.get_value_names().and_then(<[_]>::first).map_or("", |v| v.as_str());
                if secret.iter().any(|word| id.contains(word))
                    && !NAMES.contains(&value)
                    && !(EXCEPTIONS.contains(&id) && value == "TOKEN|-")
                {
                    findings.push(format!("{} {id} <{value}>", command.get_name()));
                }
            }
            command.get_subcommands().for_each(|below| walk(below, findings));
        }
        let mut findings = Vec::new();
        let mut root = Cli::command();
        root.build();
        walk(&root, &mut findings);
        assert_eq!(findings, Vec::<String>::new());
    }

    #[test]
    fn completions_know_every_command() {
        for shell in
            [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish]
        {
            let script = completion(shell);
            for command in ["doctor", "rotate", "set-password", "token-cap"] {
                assert!(script.contains(command), "{shell}: {command}");
            }
        }
    }
}
