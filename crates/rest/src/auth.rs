//! Who is calling, from the bearer token that every call carries (chat-rest sections 1.2 and 1.3).
//!
//! A handler that takes an [`AppCaller`] or [`AnyCaller`] cannot be reached without a token that was
//! verified for the app in the path. Rates are counted behind that check, so that strangers cannot
//! use up what an app's back end may do; strangers are counted by address first.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use stoa_audit::Act;
use stoa_chat::class::Wanted;
use stoa_core::{App, Caller, Refusal, Secret, UserId, Visitor, site};

use crate::audit::By;
use crate::error::Failure;
use crate::path::AppPath;
use crate::rate::Operation;
use crate::reach;
use crate::{Rest, Shared};

/// Somebody who has not been asked for a token yet.
pub(crate) struct Door {
    app: Arc<App>,
    operation: Operation,
    token: Option<Secret>,
    /// What the call is about.
    wanted: Wanted,
    /// Where limits hold.
    address: Option<IpAddr>,
    /// From where, also if that is a proxy.
    from: Option<IpAddr>,
}

impl Door {
    /// The app.
    pub(crate) const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Whether a token was presented.
    pub(crate) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whoever the token names.
    ///
    /// # Errors
    /// 401 without a token and for one that admits nobody, 403 for a deactivated user, 404 for a user
    /// who is gone, 429.
    pub(crate) async fn caller(&self, rest: &Shared) -> Result<Caller, Failure> {
        let token = self.token.as_ref().ok_or(Failure::of(Refusal::Unauthorized))?;
        let caller = rest.chat.authenticate(&self.app.key, token.expose()).await;
        let caller =
            caller.inspect_err(|error| rest.chat.token_was_refused(&self.app, error, self.from))?;
        rest.rates.lock().operation(&self.operation, rest.chat.clock().now())?;
        let reaches = rest.chat.must_reach(&caller, &self.wanted).await;
        reaches.inspect_err(|error| rest.refused_call(self.by(&caller), error.class()))?;
        Ok(caller)
    }

    /// A visitor, known by no more than the address.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn visitor(&self, rest: &Shared) -> Result<Visitor, Failure> {
        self.admit_stranger(rest)?;
        self.count(rest)?;
        Ok(Visitor::of(self.app.clone()))
    }

    /// Counts a visitor who registers with an open app.
    ///
    /// # Errors
    /// 429 when too many came from there within the hour.
    pub(crate) fn registers(&self, rest: &Shared) -> Result<(), Failure> {
        let per_hour = self.app.tokens.registrations_per_hour;
        let now = rest.chat.clock().now();
        let Some(address) = self.address else { return Ok(()) };
        let counted = rest.rates.lock().registration(self.app.number, address, per_hour, now);
        counted.inspect_err(|_| self.refuse(rest, Act::RegistrationRefused, "too_many", None))
    }

    /// Counts somebody who shows a proof of another kind than a token, before it is looked at.
    ///
    /// # Errors
    /// 429 when too many came from there.
    pub(crate) fn admit_stranger(&self, rest: &Shared) -> Result<(), Failure> {
        let now = rest.chat.clock().now();
        let Some(address) = self.address else { return Ok(()) };
        let counted = rest.rates.lock().stranger(address, now);
        counted.inspect_err(|_| self.refuse(rest, Act::CallRefused, "too_many", None))
    }

    /// Counts a call of the operation, of somebody whose proof was good.
    ///
    /// # Errors
    /// 429 when the app has used up its calls.
    pub(crate) fn count(&self, rest: &Shared) -> Result<(), Failure> {
        rest.rates.lock().operation(&self.operation, rest.chat.clock().now())
    }

    /// Tells the audit log that a stranger was refused.
    pub(crate) fn refuse(
        &self,
        rest: &Shared,
        act: Act,
        reason: impl Into<Cow<'static, str>>,
        user: Option<&UserId>,
    ) {
        rest.refused_stranger(&Visitor::of(self.app.clone()), act, reason, user, self.from);
    }

    /// The caller, for the audit log.
    pub(crate) const fn by<'a>(&self, caller: &'a Caller) -> By<'a> {
        By { caller, address: self.from }
    }

    /// From where the visitor comes.
    pub(crate) const fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// What tells the visitor's network from others, if anything does.
    pub(crate) fn place(&self) -> Option<IpAddr> {
        self.address.map(site)
    }

    /// Remembers that the visitor could not prove to be who it said.
    pub(crate) fn proof_failed(&self, rest: &Shared) {
        if let Some(address) = self.address {
            rest.rates.lock().failed_proof(address, rest.chat.clock().now());
        }
    }
}

impl FromRequestParts<Rest> for Door {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Failure> {
        let AppPath(app) = AppPath::from_request_parts(parts, rest).await?;
        let variables = RawPathParams::from_request_parts(parts, &())
            .await
            .map_err(|_| Failure::argument("the path is not percent-encoded UTF-8"))?;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let wanted = reach::wanted(method(&parts.method), route, &variables);
        let operation = Operation::new(app.number, method(&parts.method), route);
        let from = (rest.client_address)(&parts.extensions);
        rest.chat.admit_from(&app, from)?;
        let address = from.filter(|address| !address.to_canonical().is_loopback());
        Ok(Self { app, operation, token: bearer(&parts.headers), wanted, address, from })
    }
}

/// `HEAD` is served, and counted, as `GET`.
const fn method(method: &Method) -> &Method {
    match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    }
}

/// The token in the `Authorization` header; none if there is none, or another scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    // What is no text is no token either, and is refused as such.
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| Secret::new(String::from_utf8_lossy(token.trim_ascii())))
}

/// A caller with any good token for the app.
pub(crate) struct AnyCaller(Caller);

impl FromRequestParts<Rest> for AnyCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Failure> {
        let door = Door::from_request_parts(parts, rest).await?;
        door.caller(rest).await.map(Self)
    }
}

impl Deref for AnyCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

/// A caller with an app token.
pub(crate) struct AppCaller {
    caller: Caller,
    from: Option<IpAddr>,
}

impl AppCaller {
    /// The caller, for the audit log.
    pub(crate) const fn by(&self) -> By<'_> {
        By { caller: &self.caller, address: self.from }
    }
}

impl FromRequestParts<Rest> for AppCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Failure> {
        let door = Door::from_request_parts(parts, rest).await?;
        let caller = door.caller(rest).await?;
        if !caller.is_app() {
            rest.refused_call(door.by(&caller), "app_token_needed");
            return Err(Failure::of(Refusal::Unauthorized));
        }
        Ok(Self { caller, from: door.from })
    }
}

impl Deref for AppCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_one() {
        let token = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, http::HeaderValue::from_bytes(value).unwrap());
            bearer(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(token(b"Bearer 007abc").as_deref(), Some("007abc"));
        assert_eq!(token(b"bearer  007abc").as_deref(), Some("007abc"));
        assert_eq!(token(b"Bearer ").as_deref(), Some(""));
        assert_eq!(token(b"Bearer \xff").as_deref(), Some("\u{fffd}"));
        assert_eq!(token(b"Basic YWJjOmRlZg=="), None);
        assert_eq!(token(b"Bearer"), None);
        assert_eq!(bearer(&HeaderMap::new()).map(|_| ()), None);
    }
}
