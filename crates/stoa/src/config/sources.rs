//! Where settings are read from, and how what is unknown is refused.

use std::collections::BTreeMap;
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
    read(flags, file, environment).into_config()
}

/// What was read of a configuration, and everything that is not accepted in it.
pub struct Read {
    /// The configuration, if nothing is wrong with it.
    pub config: Option<Config>,
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<ConfigError>,
}

impl Read {
    fn into_config(self) -> Result<Config, ConfigError> {
        match (self.problems.into_iter().next(), self.config) {
            (None, Some(config)) => Ok(config),
            (Some(problem), _) => Err(problem),
            (None, None) => Err(ConfigError::Conflict("there is no configuration".into())),
        }
    }
}

/// As [`load`], but goes on after a mistake, to find the others too.
pub fn read(flags: Settings, file: Option<&Path>, environment: &Environment) -> Read {
    let named = file.map(PathBuf::from).or_else(|| environment.get(FILE_VARIABLE).map(Into::into));
    let (path, of_file) = match named {
        Some(path) => {
            let layer = layer_of_file(&path);
            (Some(path), layer)
        }
        None => match std::fs::read_to_string(FILE) {
            Err(error) if error.kind() == ErrorKind::NotFound => (None, Layer::default()),
            _ => (Some(PathBuf::from(FILE)), layer_of_file(Path::new(FILE))),
        },
    };
    let of_environment = layer_of_environment(environment);
    let mut problems = of_environment.problems;
    problems.splice(0..0, of_file.problems);
    let settings = flags.over(of_environment.settings).over(of_file.settings);
    let config = match Config::resolve_all(settings, environment) {
        Ok(config) => Some(config).filter(|_| problems.is_empty()),
        Err(conflicts) => {
            problems.extend(conflicts);
            None
        }
    };
    Read { config, file: path, problems }
}

/// What one source says, and what is wrong with it.
#[derive(Default)]
struct Layer {
    settings: Settings,
    problems: Vec<ConfigError>,
}

impl Layer {
    fn broken(problem: ConfigError) -> Self {
        Self { settings: Settings::default(), problems: vec![problem] }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    fn into_settings(self) -> Result<Settings, ConfigError> {
        self.problems.into_iter().next().map_or(Ok(self.settings), Err)
    }
}

fn layer_of_file(path: &Path) -> Layer {
    match std::fs::read_to_string(path) {
        Ok(text) => layer_of_text(path, &text),
        Err(source) => Layer::broken(ConfigError::Read { path: path.into(), source }),
    }
}

/// What the file says whose text is `text`.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn from_text(path: &Path, text: &str) -> Result<Settings, ConfigError> {
    layer_of_text(path, text).into_settings()
}

/// What the variables say.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn from_environment(environment: &Environment) -> Result<Settings, ConfigError> {
    layer_of_environment(environment).into_settings()
}

fn layer_of_text(path: &Path, text: &str) -> Layer {
    let origin = path.display().to_string();
    let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
    let syntax = |error: &toml::de::Error| {
        let place = error.span().map(|span| format!("line {}: ", line(span.start)));
        let message = format!("{}{}", place.unwrap_or_default(), error.message());
        Layer::broken(ConfigError::Syntax { path: path.into(), message })
    };
    let table: Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => return syntax(&error),
    };
    // The same once more for where each name stands; values are read from the table.
    let places: BTreeMap<String, usize> = match toml::de::DeTable::parse(text) {
        Ok(table) => {
            let names = table.get_ref().keys();
            names.map(|name| (name.get_ref().to_string(), line(name.span().start))).collect()
        }
        Err(error) => return syntax(&error),
    };
    let known = Settings::names();
    let mut entries: Vec<_> = table
        .into_iter()
        .map(|(name, value)| {
            let at = places.get(&name).copied().unwrap_or(0);
            let origin = if at == 0 { origin.clone() } else { format!("{origin}, line {at}") };
            (at, Entry { origin, name: name.clone(), setting: name, value })
        })
        .collect();
    entries.sort_by_key(|(at, _)| *at);
    collect(&known, &[], entries.into_iter().map(|(_, entry)| entry))
}

fn layer_of_environment(environment: &Environment) -> Layer {
    let origin = "environment";
    let known: Vec<_> = Settings::names().iter().map(|name| variable(name)).collect();
    let foreign =
        |name: &str| OTHERS.contains(&name) || KUBERNETES.iter().any(|p| name.starts_with(p));
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in &environment.0 {
        // An empty variable is how one unsets it where it cannot be removed.
        if foreign(name) || value.is_empty() {
            continue;
        }
        let (origin, name) = (origin.to_owned(), name.clone());
        let Some(text) = value.to_str() else {
            let problem = "is not UTF-8".to_owned();
            problems.push(ConfigError::Value { origin, name, problem });
            continue;
        };
        let (setting, value) = (setting(&name), Value::String(text.into()));
        entries.push(Entry { origin, name, setting, value });
    }
    let mut layer = collect(&known, &[FILE_VARIABLE, ROOT_KEY_VARIABLE], entries);
    layer.problems.extend(problems);
    layer
}

/// The variable of a setting.
pub(super) fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_ascii_uppercase().replace('-', "_"))
}

/// The setting of a variable.
fn setting(variable: &str) -> String {
    variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase().replace('_', "-")
}

/// One setting as it is written somewhere.
struct Entry {
    /// Where.
    origin: String,
    /// Its name there.
    name: String,
    /// The setting.
    setting: String,
    value: Value,
}

/// Settings from entries. Each is read by itself, so that an error can say which it was. `more` are
/// further names to suggest.
fn collect(known: &[String], more: &[&str], entries: impl IntoIterator<Item = Entry>) -> Layer {
    let mut layer = Layer::default();
    for Entry { origin, name, setting, value } in entries {
        if !known.contains(&name) {
            let names = known.iter().map(String::as_str).chain(more.iter().copied());
            let names: Vec<_> = names.collect();
            let suggestion = most_similar(&name, &names).to_owned();
            let known = names.join(", ");
            layer.problems.push(ConfigError::Unknown { origin, name, suggestion, known });
            continue;
        }
        let one = Table::from_iter([(setting, value)]);
        match Settings::deserialize(Value::Table(one)) {
            Ok(one) => layer.settings = one.beside(layer.settings),
            Err(error) => {
                let problem = error.message().to_owned();
                layer.problems.push(ConfigError::Value { origin, name, problem });
            }
        }
    }
    layer
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
