//! The manual of the settings, written from their definition: the commented file of `config default`
//! and the page of `config doc`.
//!
//! The help text of a setting is its manual. It ends with `[default: …]`; where that is a value that
//! the setting can have, the file shows it, so that what the manual says can be tested.

use std::fmt::Write as _;

use clap::Arg;
use serde::Deserialize as _;
use toml::{Table, Value};

use super::Settings;
use super::sources::variable;

/// The widest line of the file, in characters.
const WIDTH: usize = 96;

/// A setting as the manual tells it.
struct Entry {
    name: String,
    placeholder: String,
    help: String,
    default: Option<String>,
}

impl Entry {
    fn of(arg: &Arg) -> Option<Self> {
        let help = arg.get_help()?.to_string();
        let (help, default) = match help.split_once(" [default: ") {
            Some((help, default)) => {
                (help.to_owned(), Some(default.trim_end_matches(']').to_owned()))
            }
            None => (help, None),
        };
        let placeholder = match arg.get_value_names() {
            Some([name, ..]) => name.to_string(),
            _ => arg.get_id().as_str().to_uppercase(),
        };
        Some(Self { name: arg.get_long()?.to_owned(), placeholder, help, default })
    }

    /// The default, if it is a value that the setting can have.
    fn literal(&self) -> Option<&str> {
        let text = self.default.as_deref()?;
        let table = Table::from_iter([(self.name.clone(), Value::String(text.into()))]);
        let is_value = !text.contains(' ') && text != "none";
        (is_value && Settings::deserialize(Value::Table(table)).is_ok()).then_some(text)
    }
}

fn entries() -> Vec<Entry> {
    let command = <Settings as clap::Args>::augment_args(clap::Command::new("stoa"));
    command.get_arguments().filter_map(Entry::of).collect()
}

/// A configuration file that changes nothing: every setting as a comment, with its default.
pub fn default_file() -> String {
    let mut file = String::from(
        "# The configuration of Stoa. Every setting is here, as a comment, with its default. The command\n\
         # line wins over the environment (STOA_NAME), and that over this file.\n",
    );
    for entry in entries() {
        file.push('\n');
        for line in wrapped(&entry.help, WIDTH - 2) {
            let _ = writeln!(file, "# {line}");
        }
        match (entry.literal(), &entry.default) {
            (Some(literal), _) => {
                let _ = writeln!(file, "#{} = \"{literal}\"", entry.name);
            }
            (None, default) => {
                if let Some(default) = default {
                    for line in wrapped(&format!("Default: {default}"), WIDTH - 2) {
                        let _ = writeln!(file, "# {line}");
                    }
                }
                let _ = writeln!(file, "#{} = \"<{}>\"", entry.name, entry.placeholder);
            }
        }
    }
    file
}

/// The page about the settings, as Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Every setting of the server. Written by `stoa config doc` from the code; a test fails when it has\n\
         drifted (`UPDATE=1 cargo test -p stoa --test it documents` rewrites it).\n\n\
         Each setting has one name in three spellings: `--log-level` on the command line, `STOA_LOG_LEVEL` in\n\
         the environment, `log-level` in the file: `stoa.toml` in the working directory, or the one that\n\
         `--config` or `STOA_CONFIG` names. The command line wins over the environment, the environment over\n\
         the file. A name that does not exist is refused, with the name that was probably meant. No setting\n\
         holds a secret: secrets come from files, or from a variable or a command that a setting names.\n\n\
         `stoa config default` prints a file with all of this as comments, `stoa config check` says\n\
         everything that is wrong with what you have written.\n\n\
         | setting | variable | value | default | what |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for entry in entries() {
        let default = match (entry.literal(), &entry.default) {
            (Some(literal), _) => format!("`{literal}`"),
            (None, Some(default)) => default.clone(),
            (None, None) => "none".into(),
        };
        let _ = writeln!(
            page,
            "| `{}` | `{}` | `{}` | {} | {} |",
            entry.name,
            variable(&entry.name),
            entry.placeholder.replace('|', "\\|"),
            default.replace('|', "\\|"),
            entry.help.replace('|', "\\|").replace('<', "&lt;"),
        );
    }
    page
}

/// Lines of at most `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("a bb ccc dddd", 4), ["a bb", "ccc", "dddd"]);
    }
}
