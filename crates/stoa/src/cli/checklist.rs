//! `stoa checklist`: whether the server and its apps are kept as they should be.

use clap::Args;
use serde_json::json;
use stoa_core::AppKey;

use super::output::Output;
use super::reach::Reach;
use crate::admin::{Answer, ItemView, Request, Text};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::node::Founding;

/// Arguments of `stoa checklist`.
#[derive(Debug, Args)]
pub struct ChecklistArgs {
    /// Only this app, besides the server [default: all]
    #[arg(long, value_name = "ORG#APP")]
    app: Option<AppKey>,
}

/// Looks, and prints what was found: [`Exit::No`] when something has to be mended.
///
/// # Errors
/// [`Failure`].
pub fn run(
    arguments: ChecklistArgs,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let mut reach = Reach::open(config, Founding::Refused)?;
    let asked = reach.ask(Request::Checklist { app: arguments.app.map(Text) });
    let Answer::Checklist { items } = reach.close(asked)? else { return Err(super::strange()) };
    let failed = items.iter().any(|item| item.status == "fail");
    out.put(&json!({ "items": items }), |_| text(&items))?;
    Ok(if failed { Exit::No } else { Exit::Done })
}

fn text(items: &[ItemView]) -> String {
    let mut lines = Vec::new();
    let mut of = None;
    for item in items {
        if of != Some(&item.app) {
            lines.push(item.app.clone().unwrap_or_else(|| "server".into()));
            of = Some(&item.app);
        }
        let mark = match item.status.as_str() {
            "pass" => "ok  ",
            "warn" => "warn",
            "fail" => "FAIL",
            "stated" => "you ",
            _ => "-   ",
        };
        lines.push(format!("  {mark}  {}: {}", item.title, item.reason));
        if let Some(mend) = &item.mend {
            lines.push(format!("        mend: {mend}"));
        }
    }
    let count = |status: &str| items.iter().filter(|item| item.status == status).count();
    lines.push(format!(
        "{} in order, {} to mend, {} to look at, {} for the app's owner to see to",
        count("pass"),
        count("fail"),
        count("warn"),
        count("stated")
    ));
    lines.join("\n")
}
