//! Where settings are read from, and how what is unknown is refused.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, ConfigError, ROOT_KEY_HANDOVER, ROOT_KEY_VARIABLE, Settings};

/// The configuration file that is read when it is there and no other is named.
const FILE: &str = "stoa.toml";
/// With what the names of our variables begin.
const PREFIX: &str = "STOA_";
/// The variable that names the configuration file.
const FILE_VARIABLE: &str = "STOA_CONFIG";
/// Variables that are no settings but may be there: that name this program to scripts, or hand over
/// a key.
const OTHERS: &[&str] = &["STOA_BIN", FILE_VARIABLE, ROOT_KEY_VARIABLE, ROOT_KEY_HANDOVER];
/// What Kubernetes gives every process when a service is named `stoa`.
const KUBERNETES: &[&str] = &["STOA_SERVICE_", "STOA_PORT"];

/// The environment variables that concern us.
#[derive(Debug, Default, Clone)]
pub struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        Self::of(std::env::vars_os())
    }

    /// Those among `variables` that concern us.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(PREFIX).then_some((name, value))
        });
        let mut ours: Vec<_> = ours.collect();
        ours.sort();
        Self(ours)
    }

    fn get(&self, name: &str) -> Option<&OsStr> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str())
    }

    /// Whether the variable is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// The configuration: `flags` over `environment` over the file. `file` is the one that the command
/// line names; without it the variable `STOA_CONFIG` does, or `stoa.toml` is read if it is there.
///
/// # Errors
/// [`ConfigError`], for the first thing that is not accepted.
pub fn load(
    flags: Settings,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    let named = file.map(PathBuf::from).or_else(|| environment.get(FILE_VARIABLE).map(Into::into));
    let file = match named {
        Some(path) => from_file(&path)?,
        None => match from_file(Path::new(FILE)) {
            Err(ConfigError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Settings::default()
            }
            other => other?,
        },
    };
    let settings = flags.over(from_environment(environment)?).over(file);
    Config::resolve(settings, environment)
}

fn from_file(path: &Path) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.into(), source })?;
    from_text(path, &text)
}

/// What the file says whose text is `text`.
pub(super) fn from_text(path: &Path, text: &str) -> Result<Settings, ConfigError> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start].lines().count().max(1));
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        ConfigError::Syntax { path: path.into(), message: format!("{place}{}", error.message()) }
    })?;
    let origin = path.display().to_string();
    let known = Settings::names();
    let entries = table.into_iter().map(|(name, value)| (name.clone(), name, value));
    collect(&origin, &known, &[], entries)
}

pub(super) fn from_environment(environment: &Environment) -> Result<Settings, ConfigError> {
    let origin = "environment";
    let known: Vec<_> = Settings::names().iter().map(|name| variable(name)).collect();
    let foreign =
        |name: &str| OTHERS.contains(&name) || KUBERNETES.iter().any(|p| name.starts_with(p));
    let mut entries = Vec::new();
    for (name, value) in &environment.0 {
        // An empty variable is how one unsets it where it cannot be removed.
        if foreign(name) || value.is_empty() {
            continue;
        }
        let Some(text) = value.to_str() else {
            let problem = "is not UTF-8".to_owned();
            return Err(ConfigError::Value { origin: origin.into(), name: name.clone(), problem });
        };
        entries.push((name.clone(), setting(name), Value::String(text.into())));
    }
    collect(origin, &known, &[FILE_VARIABLE, ROOT_KEY_VARIABLE], entries)
}

/// The variable of a setting.
fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_ascii_uppercase().replace('-', "_"))
}

/// The setting of a variable.
fn setting(variable: &str) -> String {
    variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase().replace('_', "-")
}

/// Settings from entries (name as written, setting, value). Each is read by itself, so that an error
/// can say which it was. `more` are further names to suggest.
fn collect(
    origin: &str,
    known: &[String],
    more: &[&str],
    entries: impl IntoIterator<Item = (String, String, Value)>,
) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    for (name, setting, value) in entries {
        let origin = origin.to_owned();
        if !known.contains(&name) {
            let names = known.iter().map(String::as_str).chain(more.iter().copied());
            let names: Vec<_> = names.collect();
            let suggestion = most_similar(&name, &names).to_owned();
            return Err(ConfigError::Unknown { origin, name, suggestion, known: names.join(", ") });
        }
        let one = Table::from_iter([(setting, value)]);
        let one = Settings::deserialize(Value::Table(one)).map_err(|error: toml::de::Error| {
            ConfigError::Value { origin, name, problem: error.message().to_owned() }
        })?;
        settings = one.beside(settings);
    }
    Ok(settings)
}

/// The most similar of `names`.
fn most_similar<'a>(name: &str, names: &[&'a str]) -> &'a str {
    let similarity =
        |known: &str| strsim::jaro_winkler(&name.to_ascii_lowercase(), &known.to_ascii_lowercase());
    names
        .iter()
        .copied()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
        .expect("there are settings")
}
