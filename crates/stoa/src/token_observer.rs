//! What the token server does, told to the log and to the metrics.

use std::net::IpAddr;

use stoa_console::TokenClient;
use stoa_metrics::token_server::{DELETED, MINTED, REFUSED, Refused, Whom};
use stoa_token_server::{ClientChange, Observer, Reason};

/// Writes lines without ids of users, and counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenObserver;

impl Observer for TokenObserver {
    fn minted(&self, client: &TokenClient, created: bool) {
        MINTED.of(if created { Whom::New } else { Whom::Known }).inc();
        tracing::debug!(app = %client.app_key, client = client.name.as_str(), created, "minted a token");
    }

    fn deleted(&self, client: &TokenClient) {
        DELETED.inc();
        tracing::info!(app = %client.app_key, client = client.name.as_str(), "a client of the token server deleted a user");
    }

    fn refused(&self, reason: Reason, client: Option<&TokenClient>, place: Option<IpAddr>) {
        REFUSED.of(counted(reason)).inc();
        let app = client.map(|client| client.app_key.to_string());
        let client = client.map(|client| client.name.as_str());
        let place = place.map(|place| place.to_string());
        tracing::debug!(
            reason = reason.code(),
            app,
            client,
            place,
            "the token server refused a call"
        );
    }

    fn client_changed(&self, client: &TokenClient, change: ClientChange) {
        let change = change.name();
        tracing::info!(app = %client.app_key, client = client.name.as_str(), change, "a client of the token server was changed");
    }
}

/// Under which label a refusal is counted.
const fn counted(reason: Reason) -> Refused {
    match reason {
        Reason::BadRequest | Reason::TooLarge | Reason::UnknownPath | Reason::Method => {
            Refused::Malformed
        }
        Reason::NoCredentials | Reason::UnknownClient | Reason::CertificateOver => {
            Refused::Credential
        }
        Reason::KeyNotTaken | Reason::Address => Refused::Address,
        Reason::ClientRate => Refused::ClientRate,
        Reason::AddressRate => Refused::AddressRate,
        Reason::Deactivated | Reason::UnknownUser => Refused::User,
        Reason::Unavailable | Reason::Internal => Refused::Fault,
    }
}
