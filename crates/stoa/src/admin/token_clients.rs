//! Operations on the clients of the token server.

use std::sync::Arc;

use stoa_console::{Fingerprint, TokenClient};
use stoa_core::{AddressRange, Secret};

use super::{Answer, SecretText, Text, TokenClientRequest, TokenClientView};
use crate::authority;
use crate::config::Tls;
use crate::failure::Failure;
use crate::node::Node;

/// How long a certificate of a client is good at the most, in days.
const DAYS: u32 = 3650;

pub(super) async fn carry_out(node: &Node, request: TokenClientRequest) -> Result<Answer, Failure> {
    let console = &node.console;
    Ok(match request {
        TokenClientRequest::Issue { app, name, public_key, days, addresses } => {
            let (Text(app), Text(name), Text(public_key)) = (app, name, public_key);
            if !(1..=DAYS).contains(&days) {
                return Err(Failure::Usage(format!("days: {days}; choose 1 to {DAYS}")));
            }
            // What can be refused is refused before the certificate is made.
            node.app(&app)?;
            let (clock, entropy) = (&*node.clock, &*node.entropy);
            let data = &node.config.data;
            let clients = authority::open_for_clients(data, &node.vault, clock, entropy).await?;
            let whose = format!("{app} {}", name.as_str());
            let issued = clients.issue(&whose, &public_key, days, clock.now())?;
            let (print, ranges) = (Fingerprint::of(&issued.der), ranges(addresses));
            let client =
                console.add_certificate_client(&app, name, print, issued.until, ranges).await?;
            let authority = match node.config.tls {
                // The file is there from the first start of a server on.
                Tls::OwnCa => std::fs::read_to_string(authority::certificate(data)).ok(),
                Tls::Files { .. } => None,
            };
            let (client, certificate) = (view(node, &client), Some(issued.pem));
            Answer::TokenClient { client, certificate, authority, key: None }
        }
        TokenClientRequest::CreateKey { app: Text(app), name: Text(name), addresses } => {
            let (client, key) = console.add_key_client(&app, name, ranges(addresses)).await?;
            shown(node, &client, Some(key))
        }
        TokenClientRequest::List { app } => {
            let app = app.map(|Text(app)| node.app(&app)).transpose()?;
            let mut clients = console.token_clients();
            clients.retain(|client| app.as_ref().is_none_or(|app| app.number == client.app));
            Answer::TokenClients { clients: clients.iter().map(|c| view(node, c)).collect() }
        }
        TokenClientRequest::Remove { app: Text(app), name: Text(name) } => {
            console.remove_client(&app, &name).await?;
            Answer::Done
        }
        TokenClientRequest::Allow { app: Text(app), name: Text(name), addresses } => {
            let client = console.set_client_addresses(&app, &name, ranges(addresses)).await?;
            shown(node, &client, None)
        }
    })
}

fn ranges(addresses: Vec<Text<AddressRange>>) -> Vec<AddressRange> {
    let mut ranges: Vec<_> = addresses.into_iter().map(|Text(range)| range).collect();
    ranges.sort();
    ranges.dedup();
    ranges
}

fn shown(node: &Node, client: &Arc<TokenClient>, key: Option<Secret>) -> Answer {
    let (client, key) = (view(node, client), key.map(SecretText));
    Answer::TokenClient { client, certificate: None, authority: None, key }
}

fn view(node: &Node, client: &TokenClient) -> TokenClientView {
    TokenClientView::new(client, node.last_minted.of(client.app))
}
