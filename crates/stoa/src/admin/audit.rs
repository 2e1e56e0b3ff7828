//! Operations on the audit log: nothing of it can be changed from here.

use stoa_audit::export::End;
use stoa_audit::{Query, Trail};
use stoa_core::{AppKey, Operator};

use super::{Answer, AuditRequest, ChainView, Text};
use crate::failure::Failure;
use crate::node::Node;

pub(super) async fn carry_out(node: &Node, request: AuditRequest) -> Result<Answer, Failure> {
    Ok(match request {
        AuditRequest::List { app, act, before, limit } => {
            let act = act.map(|Text(act)| act);
            let query = Query { act, before, limit, ..Query::default() };
            let page = trail(node, app.as_ref()).await?.page(&query).await?;
            Answer::AuditEntries { entries: page.entries, next: page.next }
        }
        AuditRequest::Export { app } => {
            let trail = trail(node, app.as_ref()).await?;
            Answer::AuditEnd { end: End::new(trail.app(), &trail.head().await?) }
        }
        AuditRequest::Lines { app, after, upto } => {
            let part = trail(node, app.as_ref()).await?.lines(after, upto).await?;
            Answer::AuditLines { lines: part.lines, next: part.next }
        }
        AuditRequest::Verify { app: Some(app) } => {
            Answer::AuditChains { chains: vec![verified(node, Some(&app)).await?] }
        }
        AuditRequest::Verify { app: None } => Answer::AuditChains { chains: chains(node).await? },
    })
}

/// How all chains are, that of the platform first.
pub(super) async fn chains(node: &Node) -> Result<Vec<ChainView>, Failure> {
    let mut chains = vec![verified(node, None).await?];
    for app in node.console.apps() {
        chains.push(verified(node, Some(&Text(app.key.clone()))).await?);
    }
    Ok(chains)
}

/// The log of an app, or of the platform.
async fn trail(node: &Node, app: Option<&Text<AppKey>>) -> Result<Trail, Failure> {
    let operator = Operator::of_this_process();
    Ok(match app {
        None => node.audit.of_platform(&operator).await?,
        Some(Text(key)) => node.audit.of(&operator.in_app(node.app(key)?)).await?,
    })
}

async fn verified(node: &Node, app: Option<&Text<AppKey>>) -> Result<ChainView, Failure> {
    let verified = trail(node, app).await?.verify().await?;
    let app = app.map(|Text(key)| key.to_string());
    Ok(match verified {
        Ok(whole) => ChainView::whole(app, &whole),
        Err(broken) => ChainView::broken(app, Some(broken.number), broken.to_string()),
    })
}
