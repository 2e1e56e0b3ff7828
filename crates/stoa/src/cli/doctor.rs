//! `stoa doctor`: looks at everything that a server needs, and says what to do about what is wrong.

use serde_json::json;

use super::output::{self, Output};
use super::reach::{Reach, refuse_anothers, runtime, take_root_key};
use crate::admin::{Answer, Check, Level, Request};
use crate::config::Config;
use crate::doctor::{self, Running};
use crate::failure::{Exit, Failure, explain};
use crate::node::{Files, Founding, Node};

/// Looks, and prints what was found: [`Exit::No`] when something has failed.
///
/// # Errors
/// When the answer could not be written.
pub fn run(config: &Config, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let checks = look(config)?;
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
    let object = json!({ "level": worst, "checks": checks });
    out.put(&object, |_| {
        let lines: Vec<_> = checks.iter().map(output::check).collect();
        lines.join("\n")
    })?;
    Ok(if worst == Level::Failure { Exit::No } else { Exit::Done })
}

/// What the server that has the data says, or what is seen without one.
fn look(config: &Config) -> Result<Vec<Check>, Failure> {
    let unreachable = match Reach::server(&config.data)? {
        Ok(mut reach) => {
            let asked = reach.ask(Request::Doctor);
            return match reach.close(asked) {
                Ok(Answer::Checks { checks }) => Ok(checks),
                Ok(_) => Err(super::strange()),
                Err(failure) => Ok(vec![Check::failure("server", failure.explain(), SERVER)]),
            };
        }
        Err(unreachable) => unreachable,
    };
    if let Some(forbidden) = unreachable.forbidden() {
        return Err(forbidden);
    }
    // First without opening, which would mend what should be seen.
    let mut checks = doctor::of_machine(config, Running::No);
    if !doctor::has_data(config) {
        let found = format!("there are none in {} yet", config.data.display());
        checks.push(Check::ok("data", found));
        return Ok(checks);
    }
    let opened = refuse_anothers(config)
        .and_then(|()| take_root_key(config))
        .and_then(|key| Files::open(config, key, Founding::Refused));
    match opened {
        Ok(files) => {
            let looked = runtime()?.block_on(Box::pin(async {
                let node = Node::start(files, config).await?;
                let mut checks = vec![Check::ok("data", "they open".into())];
                checks.extend(doctor::of_node(&node).await);
                node.close().await?;
                Ok::<_, Failure>(checks)
            }));
            match looked {
                Ok(of_data) => checks.extend(of_data),
                Err(failure) => checks.push(Check::failure("data", failure.explain(), DATA)),
            }
        }
        Err(failure @ Failure::InUse { .. }) => {
            let found = format!("{}; {}", failure.explain(), explain(&unreachable));
            checks.push(Check::failure("server", found, SERVER));
        }
        Err(failure) => checks.push(Check::failure("data", failure.explain(), DATA)),
    }
    Ok(checks)
}

const SERVER: &str = "try again in a moment; a server that does not answer has to be restarted";
const DATA: &str = "the server would not start with these data";
