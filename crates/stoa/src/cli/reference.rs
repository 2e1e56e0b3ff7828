//! The page about the commands, written from their definition.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use crate::config::Settings;
use crate::failure::Exit;

/// `docs/commands.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Commands\n\n\
         Written from the definition of the command line; a test fails when it has drifted\n\
         (`UPDATE=1 cargo test -p stoa --test it documents` rewrites it).\n\n\
         Every command takes `--json`: the answer is then one JSON object on standard output (lists: one a\n\
         line), and a failure one on standard error, `{\"error\": {\"exitCode\", \"exit\", \"kind\",\n\
         \"message\"}}`. Fields are added to these objects, never renamed. Times are milliseconds since 1970\n\
         in UTC. Answers go to standard output, everything else to standard error.\n\n\
         Commands that have to do with data reach the server that has them through its control socket,\n\
         `run/control.sock` in the data directory, and open the data themselves when no server runs. They\n\
         take the settings that name the data ([configuration](configuration.md)); `--data` is enough to\n\
         reach a server.\n\n\
         Secrets are never arguments: they come from a file or from standard input (`-`).\n\n\
         ## Exit codes\n\n\
         | code | name | meaning |\n\
         | --- | --- | --- |\n",
    );
    for exit in Exit::ALL {
        let name = serde_json::to_value(exit).unwrap_or_default();
        let name = name.as_str().unwrap_or_default().to_owned();
        let _ = writeln!(page, "| {} | `{name}` | {} |", exit.code(), exit.explanation());
    }
    let mut root = Cli::command();
    root.build();
    page.push_str("\n## All commands\n");
    describe(&root, "", &mut page);
    page
}

/// A command that does something, or those below it.
fn describe(command: &Command, above: &str, page: &mut String) {
    let path = format!("{above}{}", command.get_name());
    for below in command.get_subcommands().filter(|below| !is_own(below)) {
        describe(below, &format!("{path} "), page);
    }
    if command.has_subcommands() {
        return;
    }
    let settings = Settings::names();
    let shared = |arg: &&Arg| {
        let long = arg.get_long().unwrap_or_default();
        !["json", "help", "version", "config"].contains(&long)
            && !settings.iter().any(|setting| setting == long)
            && !arg.is_hide_set()
    };
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n### `{path}`\n\n{}.\n", sentence(&about));
    let arguments: Vec<_> = command.get_arguments().filter(shared).collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| argument | what |\n| --- | --- |\n");
    for arg in arguments {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let required = if arg.is_required_set() { " (required)" } else { "" };
        let (name, help) = (spelling(arg).replace('|', "\\|"), help.replace('|', "\\|"));
        let default = arg.get_default_values().first().and_then(|value| value.to_str());
        let default = default.filter(|value| !value.is_empty() && !arg.is_hide_default_value_set());
        let default = default.filter(|_| arg.get_action().takes_values());
        let default = default.map_or_else(String::new, |value| format!(" [default: {value}]"));
        let _ = writeln!(page, "| `{name}` | {}{default}{required} |", help.replace('<', "&lt;"));
    }
}

/// Help that clap makes itself.
fn is_own(command: &Command) -> bool {
    command.get_name() == "help"
}

fn spelling(arg: &Arg) -> String {
    let value = match arg.get_value_names() {
        Some([name, ..]) if arg.get_action().takes_values() => name.to_string(),
        _ => String::new(),
    };
    match arg.get_long() {
        Some(long) if value.is_empty() => format!("--{long}"),
        Some(long) => format!("--{long} {value}"),
        None => value,
    }
}

fn sentence(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
