//! From a request to the client that it is from.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts as Head;
use stoa_console::{ClientName, TokenClient};
use stoa_core::{AppNumber, Buckets, Quota, limits, site};

use crate::Server;
use crate::refused::{Reason, Refused};

/// Calls of one client.
const CLIENT: Quota =
    Quota::per_second(limits::TOKEN_CLIENT_CALLS_PER_SECOND, limits::TOKEN_CLIENT_CALLS_PER_SECOND);
/// Calls from one address that are told why they are refused: 20 in a row, then one a second.
const FAILURES: Quota = Quota::per_second(1, 20);
/// Addresses that are remembered.
const ADDRESSES: usize = 20_000;

/// How often who called of late.
pub(crate) struct Rates {
    clients: Buckets<(AppNumber, ClientName)>,
    failures: Buckets<IpAddr>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { clients: Buckets::new(limits::TOKEN_CLIENTS), failures: Buckets::new(ADDRESSES) }
    }
}

impl Server {
    /// The client that a request is from, if it may call now.
    pub(crate) fn identify(&self, head: &Head) -> Result<Arc<TokenClient>, Refused> {
        let place = (self.parts.address)(&head.extensions);
        let client = match self.client(head) {
            Ok(client) => client,
            Err(reason) => return Err(self.refuse_stranger(reason, None, place)),
        };
        let now = self.parts.chat.clock().now();
        if client.is_over(now) {
            return Err(self.refuse_stranger(Reason::CertificateOver, Some(&client), place));
        }
        if !place.is_some_and(|place| client.may_call_from(place)) {
            return Err(self.refuse_stranger(Reason::Address, Some(&client), place));
        }
        let named = (client.app, client.name.clone());
        let taken = self.rates.lock().clients.take(&named, CLIENT, now);
        if let Err(wait) = taken {
            self.parts.observer.refused(Reason::ClientRate, Some(&client), place.map(site));
            return Err(Refused::later(Reason::ClientRate, wait));
        }
        Ok(client)
    }

    /// Whose certificate or key a request shows. A certificate counts before a key.
    fn client(&self, head: &Head) -> Result<Arc<TokenClient>, Reason> {
        let console = &self.parts.console;
        if let Some(fingerprint) = (self.parts.certificate)(&head.extensions) {
            return console.client_by_certificate(&fingerprint).ok_or(Reason::UnknownClient);
        }
        let value = head.headers.get(AUTHORIZATION).ok_or(Reason::NoCredentials)?;
        if !self.takes_keys {
            return Err(Reason::KeyNotTaken);
        }
        let key = value.to_str().ok().and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        key.and_then(|key| console.client_by_key(key)).ok_or(Reason::UnknownClient)
    }

    /// Refuses a call that nobody vouches for, and counts it for where it came from.
    fn refuse_stranger(
        &self,
        reason: Reason,
        client: Option<&TokenClient>,
        place: Option<IpAddr>,
    ) -> Refused {
        let (place, now) = (place.map(site), self.parts.chat.clock().now());
        let counted = place.map(|place| self.rates.lock().failures.take(&place, FAILURES, now));
        let (reason, refused) = match counted {
            Some(Err(wait)) => (Reason::AddressRate, Refused::later(Reason::AddressRate, wait)),
            Some(Ok(())) | None => (reason, reason.into()),
        };
        self.parts.observer.refused(reason, client, place);
        refused
    }
}
