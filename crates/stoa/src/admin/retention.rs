//! Operations on how long things are kept.

use stoa_console::ConsoleError;

use super::{Answer, AppView, RetentionRequest, Text};
use crate::failure::Failure;
use crate::moment;
use crate::node::Node;

pub(super) async fn carry_out(node: &Node, request: RetentionRequest) -> Result<Answer, Failure> {
    match request {
        RetentionRequest::Set { app: Text(key), messages: Text(keep), confirm } => {
            let app = node.console.keep_messages(&key, keep, confirm).await.map_err(confirmable)?;
            Ok(Answer::App { app: AppView::from(&*app), certificate: None })
        }
        RetentionRequest::Receipts(request) => super::receipts::carry_out(node, request).await,
        RetentionRequest::Show { app } => {
            let apps = match app {
                Some(Text(key)) => vec![node.app(&key)?],
                None => node.console.apps(),
            };
            let mut classes = Vec::new();
            for app in &apps {
                classes.extend(super::lifetime::of_app(node, app).await?);
            }
            Ok(Answer::Retention { classes })
        }
    }
}

/// What would be lost, and when, if that is why it was not done.
pub(super) fn confirmable(error: ConsoleError) -> Failure {
    let ConsoleError::Shortens { shorter, from, .. } = &error else { return error.into() };
    Failure::Refused(format!(
        "{error}; with --confirm, what was sent before {} is destroyed from {} on, and nothing brings it back (until then, a longer time takes it back)",
        moment::utc(from.minus(*shorter).as_millis()),
        moment::utc(from.as_millis()),
    ))
}
