//! `stoa region`: the data centres, and by what the others know this one.

use clap::Subcommand;
use serde_json::json;

use super::output::{Output, date};
use super::reach::Reach;
use crate::admin::{Answer, ConflictView, IdentityView, RegionView, Request};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;

/// What can be asked about regions. Nothing moves an app from one to another.
#[derive(Debug, Subcommand)]
pub enum RegionCommand {
    /// List the regions: whom each serves, where it is, how many of its apps are known, how the exchange of the
    /// directory stands, and which apps of others are not believed
    List,
    /// Print what the other data centres need in their configuration to exchange the directory with this one; nothing
    /// of it is secret. Made at first need
    Identity,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: &RegionCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    // Who sets up several data centres asks before there is an app in any.
    let mut reach = Reach::open(config, Founding::Allowed)?;
    let request = match command {
        RegionCommand::List => Request::Regions,
        RegionCommand::Identity => Request::RegionIdentity,
    };
    let asked = reach.ask(request);
    match reach.close(asked)? {
        Answer::Regions { regions, conflicts } => {
            let object = json!({ "regions": regions, "conflicts": conflicts });
            out.put(&object, |_| list(&regions, &conflicts))
        }
        Answer::RegionIdentity(identity) => out.put(&identity, table),
        _ => Err(super::strange()),
    }
}

fn list(regions: &[RegionView], conflicts: &[ConflictView]) -> String {
    let mut lines = Vec::new();
    for region in regions {
        let here = if region.here { "  (here)" } else { "" };
        let RegionView { region: name, area, apps, chat, classes, .. } = region;
        lines.push(format!("{name}{here}\t{area}\tchat {chat}, classes {classes}\t{apps} apps"));
        if let (Some(rest), Some(ws)) = (&region.rest_url, &region.ws_url) {
            lines.push(format!("\tREST {rest}\tsessions {ws}"));
        }
        if let Some(peer) = &region.directory {
            let answered = peer.answered.map_or_else(|| "not yet".into(), date);
            let problem = peer.problem.as_ref().map(|problem| format!("\tPROBLEM: {problem}"));
            let problem = problem.unwrap_or_default();
            lines.push(format!("\tdirectory {}\tanswered {answered}{problem}", peer.address));
        }
    }
    for conflict in conflicts {
        let ConflictView { app_key, app_id, region, kept_by } = conflict;
        lines.push(format!(
            "CONFLICT: {region} has an app {app_key} ({app_id}), which is that of {kept_by}: one of the two has to be deleted, and made anew under another key"
        ));
    }
    lines.join("\n")
}

/// As it stands in the configuration of each data centre.
fn table(identity: &IdentityView) -> String {
    let line = |name: &str, value: &Option<String>, example: &str| match value {
        Some(value) => format!("{name} = \"{value}\""),
        None => format!("{name} = \"{example}\"  # to be named"),
    };
    let IdentityView { region, signing_key, certificate, rest, ws, directory } = identity;
    [
        format!("[regions.{region}]"),
        line("rest", rest, "HOST[:PORT]"),
        line("ws", ws, "HOST[:PORT]"),
        line("directory", directory, "HOST:PORT"),
        format!("signing-key = \"{signing_key}\""),
        format!("certificate = \"{certificate}\""),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Regions;

    #[test]
    fn what_is_printed_can_be_configured() {
        let identity = IdentityView {
            region: "eu".into(),
            signing_key: "ab".repeat(32),
            certificate: "cd".repeat(32),
            rest: Some("chat.example.org".into()),
            ws: Some("im.example.org:8443".into()),
            directory: Some("10.0.0.1:8446".into()),
        };
        let text = table(&identity).replace("[regions.", "[");
        let regions: Regions = text.parse().unwrap();
        let eu = regions.get(stoa_core::Region::Eu).unwrap().peer.as_ref().unwrap();
        assert_eq!(eu.signing_key.to_string(), identity.signing_key);
        let unnamed = table(&IdentityView { directory: None, ..identity });
        assert!(unnamed.contains("directory = \"HOST:PORT\"  # to be named"), "{unnamed}");
    }
}
