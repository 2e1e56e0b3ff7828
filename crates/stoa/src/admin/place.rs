//! Operations on places: geofences, permissions, outbound hosts.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use serde::{Deserialize, Serialize};
use stoa_core::{App, Permit, Timestamp};
use stoa_egress::{Bounds, Errand};

use super::{Answer, AppView, PlaceRequest, Text};
use crate::failure::{Failure, explain};
use crate::node::Node;

/// What may cross regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermitView {
    /// What: `media`, `messages`, `callbacks`, `push`, `storage` or `translation`.
    pub kind: String,
    /// From there.
    pub from: String,
    /// To there.
    pub to: String,
    /// Up to this moment, which is not in it.
    pub until: u64,
}

impl From<&Permit> for PermitView {
    fn from(permit: &Permit) -> Self {
        let Permit { kind, from, to, until } = permit;
        let (kind, from, to) = (kind.name().into(), from.name().into(), to.name().into());
        Self { kind, from, to, until: until.as_millis() }
    }
}

/// What came of calling a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EgressCheckView {
    /// Who was called.
    pub url: String,
    /// What for.
    pub kind: String,
    /// Whether the host was reached and answered.
    pub reached: bool,
    /// The HTTP status of its answer.
    pub status: Option<u16>,
    /// Its address and port.
    pub address: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Why it was not reached, in a word for programs.
    pub class: Option<String>,
    /// Why it was not reached, and what can be done.
    pub reason: Option<String>,
}

pub(super) async fn carry_out(node: &Node, request: PlaceRequest) -> Result<Answer, Failure> {
    let console = &node.console;
    Ok(match request {
        PlaceRequest::SetGeofence { key: Text(key), on } => {
            shown(&console.set_geofence(&key, on).await?)
        }
        PlaceRequest::SetServiceArea { key: Text(key), countries } => {
            let countries: Vec<_> = countries.into_iter().map(|Text(country)| country).collect();
            shown(&console.set_service_area(&key, &countries).await?)
        }
        PlaceRequest::AddPermit {
            key: Text(key),
            kind: Text(kind),
            from: Text(from),
            to: Text(to),
            until,
        } => {
            let permit = Permit { kind, from, to, until: Timestamp::from_millis(until) };
            shown(&console.add_permit(&key, permit).await?)
        }
        PlaceRequest::RemovePermit {
            key: Text(key),
            kind: Text(kind),
            from: Text(from),
            to: Text(to),
        } => shown(&console.remove_permit(&key, (kind, from, to)).await?),
        PlaceRequest::CheckEgress { key: Text(key), kind: Text(kind), url: Text(url) } => {
            // A command that found no server has not read it yet.
            node.whereabouts.load()?;
            let errand = Errand::of_app(node.app(&key)?, kind);
            // What has no body and changes nothing at the host.
            let mut request = Request::new(Bytes::new());
            *request.method_mut() = Method::HEAD;
            let called = node.egress.call(&errand, &url, request, None, Bounds::default()).await;
            let (url, kind) = (url.to_string(), kind.name().to_owned());
            let check = match called {
                Ok(answer) => EgressCheckView {
                    url,
                    kind,
                    reached: true,
                    status: Some(answer.status.as_u16()),
                    address: Some(answer.address.to_string()),
                    region: answer.region.map(|region| region.name().into()),
                    class: None,
                    reason: None,
                },
                Err(error) => EgressCheckView {
                    url,
                    kind,
                    reached: false,
                    status: None,
                    address: None,
                    region: None,
                    class: Some(error.class().into()),
                    reason: Some(explain(&error)),
                },
            };
            Answer::EgressChecked { check }
        }
    })
}

fn shown(app: &Arc<App>) -> Answer {
    Answer::App { app: AppView::from(&**app), certificate: None }
}
