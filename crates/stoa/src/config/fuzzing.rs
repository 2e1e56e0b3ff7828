//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as the file, the
//! environment and the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use clap::Parser;

use super::{Config, ConfigError, Environment, Settings, sources};

/// The settings as the only words of a command.
#[derive(Parser)]
#[command(name = "stoa", no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

/// Takes `data` for a configuration file, for variables (`NAME=VALUE` in lines) and for the words of
/// a command line (in lines).
///
/// # Panics
/// When a configuration is accepted that breaks its own rules, or a refusal does not say where.
pub fn exercise(data: &[u8]) {
    let none = Environment::default();
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(settings) = told("stoa.toml", sources::from_text(Path::new("stoa.toml"), text))
    {
        check(settings, &none);
    }
    let words = || data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    let variables = words().filter_map(|mut name| {
        let value = name.split_off(name.iter().position(|byte| *byte == b'=')?);
        Some((OsString::from_vec(name), OsString::from_vec(value[1..].to_vec())))
    });
    let environment = Environment::of(variables);
    if let Some(settings) = told("environment", sources::from_environment(&environment)) {
        check(settings, &environment);
    }
    if let Ok(flags) = Flags::try_parse_from(words().map(OsString::from_vec)) {
        check(flags.settings, &none);
    }
}

/// The settings; of a refusal, that it says where the mistake stands.
fn told(origin: &str, outcome: Result<Settings, ConfigError>) -> Option<Settings> {
    outcome.inspect_err(|refusal| assert!(refusal.to_string().starts_with(origin))).ok()
}

/// What is accepted keeps the rules.
fn check(settings: Settings, environment: &Environment) {
    assert_eq!(settings.clone().over(settings.clone()), settings);
    let Ok(config) = Config::resolve(settings, environment) else { return };
    assert!(config.plain_http.is_none_or(|address| address.ip().is_loopback()));
    for vault in std::iter::once(&config.keys).chain(&config.key_mirrors) {
        assert!(!vault.starts_with(&config.data), "a backup of the data would hold its keys");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_fuzzer_kept() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/config");
        let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
        assert!(!inputs.is_empty());
        inputs.iter().for_each(|input| super::exercise(&std::fs::read(input.path()).unwrap()));
    }
}
