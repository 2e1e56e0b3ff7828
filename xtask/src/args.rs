//! What was asked for on the command line, as values.
//!
//! Three commands with two or three flags each do not need a library; an unknown word is refused
//! with the word in the message.

use std::path::PathBuf;

/// One command with its options.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print the usage.
    Help,
    /// Build and run a demo server.
    Up(UpOptions),
    /// Run the checks and tests.
    Test(TestOptions),
    /// Feed the parsers made-up inputs.
    Fuzz(FuzzOptions),
    /// Set faults upon the real server.
    Soak(SoakOptions),
    /// Measure what the server costs, with these words for the load generator.
    Bench(Vec<String>),
    /// Run the simulation, with these words for its program.
    Sim(Vec<String>),
    /// Check or write down the licences of dependencies.
    Licences(LicenceOptions),
}

/// Options of `cargo xtask up`.
#[derive(Debug, PartialEq)]
pub(crate) struct UpOptions {
    /// Build optimised (takes minutes) instead of the quick debug build.
    pub(crate) release: bool,
    /// Where the server listens, `IP:PORT`.
    pub(crate) listen: String,
    /// The data directory, created when absent.
    pub(crate) data: PathBuf,
}

/// Options of `cargo xtask test`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TestOptions {
    /// Only say which steps there are.
    pub(crate) list: bool,
    /// The steps to run; empty means all.
    pub(crate) only: Vec<String>,
}

/// Options of `cargo xtask fuzz`.
#[derive(Debug, PartialEq)]
pub(crate) struct FuzzOptions {
    /// Only say which targets there are.
    pub(crate) list: bool,
    /// The targets; empty means all.
    pub(crate) targets: Vec<String>,
    /// How long each runs.
    pub(crate) seconds: u64,
    /// Take over what was found into the inputs of the repository.
    pub(crate) keep: bool,
    /// Run this input alone.
    pub(crate) input: Option<PathBuf>,
}

/// Options of `cargo xtask soak`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct SoakOptions {
    /// Build optimised instead of the quick debug build.
    pub(crate) release: bool,
    /// What the program that does it is told.
    pub(crate) more: Vec<String>,
}

/// Options of `cargo xtask licences`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct LicenceOptions {
    /// Rewrite the page instead of failing when it has drifted.
    pub(crate) update: bool,
    /// Write the full texts of all licences that the binary's dependencies ship to this file.
    pub(crate) texts: Option<PathBuf>,
}

/// Reads the words after `cargo xtask`.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut words = words;
    match words.next().as_deref() {
        None | Some("help" | "--help" | "-h") => Ok(Command::Help),
        Some("up") => up(words),
        Some("test") => test(words),
        Some("fuzz") => fuzz(words),
        Some("soak") => soak(words),
        Some("bench") => Ok(Command::Bench(words.collect())),
        Some("sim") => Ok(Command::Sim(words.collect())),
        Some("licences") => licences(words),
        Some(other) => Err(format!("there is no command `{other}`")),
    }
}

fn up(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options =
        UpOptions { release: false, listen: "127.0.0.1:8443".into(), data: "data".into() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--release" => options.release = true,
            "--listen" => options.listen = value(&word, &mut words)?,
            "--data" => options.data = value(&word, &mut words)?.into(),
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("`up` does not know `{word}`")),
        }
    }
    Ok(Command::Up(options))
}

fn test(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = TestOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => options.list = true,
            "--only" => {
                let steps = value(&word, &mut words)?;
                options.only.extend(steps.split([',', '|']).map(|step| step.trim().to_owned()));
            }
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("`test` does not know `{word}`")),
        }
    }
    Ok(Command::Test(options))
}

fn fuzz(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options =
        FuzzOptions { list: false, targets: Vec::new(), seconds: 60, keep: false, input: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => options.list = true,
            "--keep" => options.keep = true,
            "--seconds" => options.seconds = number(&word, &mut words)?,
            "--input" => options.input = Some(value(&word, &mut words)?.into()),
            "--help" | "-h" => return Ok(Command::Help),
            flag if flag.starts_with('-') => return Err(format!("`fuzz` does not know `{flag}`")),
            _ => options.targets.push(word),
        }
    }
    Ok(Command::Fuzz(options))
}

fn soak(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = SoakOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--release" => options.release = true,
            "--short" => options.more.push(word),
            "--" => options.more.extend(words.by_ref()),
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("`soak` does not know `{word}`")),
        }
    }
    Ok(Command::Soak(options))
}

fn licences(mut words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = LicenceOptions::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--update" => options.update = true,
            "--texts" => options.texts = Some(value(&word, &mut words)?.into()),
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("`licences` does not know `{word}`")),
        }
    }
    Ok(Command::Licences(options))
}

fn value(flag: &str, words: &mut impl Iterator<Item = String>) -> Result<String, String> {
    words.next().ok_or_else(|| format!("`{flag}` needs a value after it"))
}

fn number(flag: &str, words: &mut impl Iterator<Item = String>) -> Result<u64, String> {
    let text = value(flag, words)?;
    text.parse().map_err(|_| format!("`{flag}` needs a whole number, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn commands_and_their_flags() {
        assert_eq!(check(""), Ok(Command::Help));
        assert_eq!(
            check("test --only fmt,clippy --only unit"),
            Ok(Command::Test(TestOptions {
                list: false,
                only: vec!["fmt".into(), "clippy".into(), "unit".into()],
            }))
        );
        assert_eq!(
            check("up --listen 127.0.0.1:0 --data elsewhere"),
            Ok(Command::Up(UpOptions {
                release: false,
                listen: "127.0.0.1:0".into(),
                data: "elsewhere".into(),
            }))
        );
    }

    #[test]
    fn a_wrong_word_is_named() {
        assert_eq!(check("tset"), Err("there is no command `tset`".into()));
        assert_eq!(check("up --fast"), Err("`up` does not know `--fast`".into()));
        assert_eq!(check("test --only"), Err("`--only` needs a value after it".into()));
    }
}
