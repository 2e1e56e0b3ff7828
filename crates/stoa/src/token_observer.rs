//! What the token server does, told to the log, to the audit log and to the metrics.

use std::net::IpAddr;
use std::sync::Arc;

use stoa_audit::{Act, Actor, AuditLog, Entry};
use stoa_console::{Console, TokenClient};
use stoa_core::{AppDirectory, Operator, OperatorOf};
use stoa_metrics::token_server::{DELETED, MINTED, REFUSED, Refused, Whom};
use stoa_token_server::{Observer, Reason};

/// Writes lines and entries of the audit log without ids of users, and counts. What operators do to
/// clients stands in the audit log as their commands.
pub struct TokenObserver {
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// Knows the apps.
    pub console: Arc<Console>,
}

impl TokenObserver {
    /// The client's app, unless it is gone by now.
    fn app(&self, client: &TokenClient) -> Option<OperatorOf> {
        let app = self.console.by_key(&client.app_key)?;
        Some(Operator::of_this_process().in_app(app))
    }
}

fn actor(client: &TokenClient) -> Actor {
    Actor::TokenClient(client.name.as_str().to_owned())
}

impl Observer for TokenObserver {
    fn minted(&self, client: &TokenClient, created: bool) {
        MINTED.of(if created { Whom::New } else { Whom::Known }).inc();
        if let Some(app) = self.app(client) {
            let new = [("new users", u64::from(created))];
            self.audit.count(&app, actor(client), Act::TokenMinted, &new);
        }
        tracing::debug!(app = %client.app_key, client = client.name.as_str(), created, "minted a token");
    }

    fn deleted(&self, client: &TokenClient) {
        DELETED.inc();
        if let Some(app) = self.app(client) {
            self.audit.note(&app, Entry::new(actor(client), Act::UserDeleted));
        }
        tracing::info!(app = %client.app_key, client = client.name.as_str(), "a client of the token server deleted a user");
    }

    fn refused(&self, reason: Reason, client: Option<&TokenClient>, place: Option<IpAddr>) {
        REFUSED.of(counted(reason)).inc();
        let who = client.map_or(Actor::Stranger, actor);
        let refused = stoa_audit::Refused::new(who, Act::MintingRefused, reason.code());
        let refused = match place {
            Some(place) => refused.from(place),
            None => refused,
        };
        match client.and_then(|client| self.app(client)) {
            Some(app) => self.audit.refused(&app, refused),
            None => self.audit.refused_platform(Operator::of_this_process(), refused),
        }
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
