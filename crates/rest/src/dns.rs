//! The DNS document: where the SDK finds its hosts (msync section 1.2).

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use stoa_core::{Address, App, AppId, AppKey, Elsewhere, PublicHosts, Refusal};

use crate::Rest;
use crate::envelope::object;
use crate::error::Failure;
use crate::query::Query;
use crate::reply::{Outcome, Reply};

/// How a host is spoken to. The SDK takes those that fit its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `https` and `wss`.
    Https,
    /// `http` and `ws`: for a listener without TLS, on loopback.
    Http,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

/// A public address of this data centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// A name or address as it stands in a URL: `chat.example.org`, `192.0.2.1`, `[2001:db8::1]`.
    pub domain: String,
    /// The port.
    pub port: u16,
}

impl Host {
    /// `https://chat.example.org`, with the port unless it is the usual one.
    pub(crate) fn origin(&self) -> String {
        let Self { protocol, domain, port } = self;
        let scheme = protocol.name();
        if *port == protocol.usual_port() {
            format!("{scheme}://{domain}")
        } else {
            format!("{scheme}://{domain}:{port}")
        }
    }

    fn entry(&self) -> Value {
        let is_address = self.domain.parse::<std::net::IpAddr>().is_ok();
        // On a page without TLS the SDK takes the address instead of the name, if there is one.
        let address = if is_address { self.domain.as_str() } else { "" };
        json!({
            "protocol": self.protocol.name(),
            "domain": self.domain,
            "ip": address,
            "port": self.port.to_string(),
        })
    }
}

/// Under which addresses clients reach this data centre, in the order in which they try them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// For REST; the first one also stands in the `uri` of answers.
    pub rest: Vec<Host>,
    /// For WebSocket sessions, under the path `/websocket`.
    pub ws: Vec<Host>,
}

impl From<&Address> for Host {
    /// An address that is reached by TLS.
    fn from(address: &Address) -> Self {
        Self { protocol: Protocol::Https, domain: address.url_host(), port: address.port }
    }
}

impl From<&PublicHosts> for Hosts {
    fn from(hosts: &PublicHosts) -> Self {
        Self { rest: vec![Host::from(&hosts.rest)], ws: vec![Host::from(&hosts.ws)] }
    }
}

/// The key of an app of another data centre, and the hosts there.
fn there(app: Elsewhere) -> Result<(AppKey, Hosts), Failure> {
    match &app.hosts {
        Some(hosts) => Ok((app.key.clone(), Hosts::from(hosts))),
        None => Err(Failure::elsewhere(Arc::new(app))),
    }
}

/// `GET /easemob/server.json?app_key=org%23app` or `?app_id=…`: the document for one app, with the hosts of the
/// data centre in which it lives, whichever that is. No token.
///
/// Errors: 400 without either parameter, 404 `organization_application_not_found`; 421 `region_mismatch` for an app
/// of another data centre whose hosts the operator has not named.
pub(crate) async fn document(State(rest): State<Rest>, query: Query) -> Outcome {
    let (app_id, app_key) = (query.get("app_id")?, query.get("app_key")?);
    let directory = &rest.directory;
    let here = |app: Arc<App>| (app.key.clone(), rest.hosts.clone());
    let found = match (app_id, app_key) {
        (Some(id), _) => id.parse::<AppId>().ok().and_then(|id| {
            let own = directory.by_id(&id).map(here).map(Ok);
            own.or_else(|| directory.elsewhere_by_id(&id).map(there))
        }),
        (None, Some(key)) => key.parse::<AppKey>().ok().and_then(|key| {
            let own = directory.by_key(&key).map(here).map(Ok);
            own.or_else(|| directory.elsewhere_by_key(&key).map(there))
        }),
        (None, None) => {
            let allowed = "app_key: is required (org%23app), or else app_id";
            return Err(Failure::argument(allowed));
        }
    };
    let (app_key, known) = found.ok_or(Failure::of(Refusal::UnknownApp))??;
    let hosts =
        |hosts: &[Host]| json!({ "hosts": hosts.iter().map(Host::entry).collect::<Vec<_>>() });
    Ok(Reply::Bare(object([
        ("app_key", app_key.to_string().into()),
        ("rest", hosts(&known.rest)),
        ("msync-wx", hosts(&known.ws)),
        // Nothing is collected from clients.
        ("enableReportLogs", "false".into()),
        ("enableDataReport", "false".into()),
        ("reportInterval", "300000".into()),
        ("uploadinparts_enable", "true".into()),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_leaves_out_the_usual_port() {
        let origin = |protocol, port| Host { protocol, domain: "a.b".into(), port }.origin();
        assert_eq!(origin(Protocol::Https, 443), "https://a.b");
        assert_eq!(origin(Protocol::Https, 80), "https://a.b:80");
        assert_eq!(origin(Protocol::Http, 8080), "http://a.b:8080");
    }

    #[test]
    fn an_address_is_given_as_such_too() {
        let entry = |domain: &str| {
            Host { protocol: Protocol::Https, domain: domain.into(), port: 8443 }.entry()
        };
        assert_eq!(entry("127.0.0.1")["ip"], "127.0.0.1");
        assert_eq!(entry("chat.example.org")["ip"], "");
        assert_eq!(entry("chat.example.org")["port"], "8443");
    }
}
