//! `stoa config`: the settings, explained, and checked before a server is started with them.

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::reach::Common;
use crate::config::{self, Config, Environment, RootKey, Tls};
use crate::failure::{Exit, Failure, explain};
use crate::tls::read_files;

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a configuration file with every setting and its default, as comments
    Default,
    /// Say everything that is wrong with the configuration: of the file, the environment and the
    /// command line together
    Check,
    /// Print the reference of all settings, as Markdown
    Doc,
}

/// Carries out a command.
///
/// # Errors
/// When the answer could not be written.
pub fn run(command: &ConfigCommand, common: Common, out: &mut Output<'_>) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Default => text(&config::default_file(), out),
        ConfigCommand::Doc => text(&config::reference(), out),
        ConfigCommand::Check => check(common, out),
    }
}

fn text(text: &str, out: &mut Output<'_>) -> Result<Exit, Failure> {
    if out.json {
        out.put(&json!({ "text": text }), |_| String::new())?;
    } else {
        out.raw(text)?;
    }
    Ok(Exit::Done)
}

fn check(common: Common, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    let read = config::read(common.settings, common.config.as_deref(), &environment);
    let mut problems: Vec<_> = read.problems.iter().map(|problem| explain(problem)).collect();
    if let Some(config) = &read.config {
        problems.extend(of_files(config));
    }
    let file = read.file.as_ref().map(|file| file.display().to_string());
    let object = json!({ "good": problems.is_empty(), "file": file, "problems": problems });
    out.put(&object, |_| {
        let of = file.unwrap_or_else(|| "no file, the defaults".into());
        if problems.is_empty() {
            return format!("the configuration is good ({of})");
        }
        format!("{}\n{} wrong ({of})", problems.join("\n"), problems.len())
    })?;
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Usage })
}

/// What `serve` would refuse of the files that are named. Nothing is made, and no command is run.
fn of_files(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    if let Tls::Files { certificate, key } = &config.tls
        && let Err(error) = read_files(certificate, key)
    {
        problems.push(explain(&error));
    }
    if let RootKey::File(file) = &config.root_key {
        let source = stoa_vault::RootKeySource::File(file.clone());
        problems.extend(source.load().err().map(|error| explain(&error)));
    }
    problems
}
