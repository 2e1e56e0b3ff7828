//! Parsing and verifying (token specification, section 7): the steps stand in its order, which
//! fixes the class of error that is reported.

use crate::requirement::Scope006;
use crate::signature::{Signer007, sign_006, which_signs};
use crate::{
    CLOCK_SKEW_S, Claims006, Claims007, Error, MAX_LIFETIME_S, MAX_TOKEN_BYTES, Requirement,
    Service, Signature, envelope, format006, format007,
};

/// What a verifier expects of a token.
#[derive(Clone, Copy)]
pub struct Expectation<'a> {
    /// The present, in Unix seconds.
    pub now: u64,
    /// The app that the token must be for.
    pub app_id: &'a str,
    /// The app's enabled certificates. One that is not 32 hexadecimal characters is passed over.
    pub certificates: &'a [&'a str],
    /// What the token must grant. Without it only its genuineness and its time are checked, and
    /// a 006 token, which cannot be checked without channel and user, is refused.
    pub require: Option<Requirement<'a>>,
    /// Whether 006 tokens are accepted. Their weaknesses cannot be repaired by a verifier (token
    /// specification, section 6): leave it off unless an operator asks for it.
    pub accept_006: bool,
    /// How far the issuer's clock may be ahead, in seconds.
    pub skew_s: u64,
}

impl<'a> Expectation<'a> {
    /// Expects a genuine 007 token within its time.
    pub const fn new(now: u64, app_id: &'a str, certificates: &'a [&'a str]) -> Self {
        Self { now, app_id, certificates, require: None, accept_006: false, skew_s: CLOCK_SKEW_S }
    }

    /// Expects that the token grants `requirement`.
    #[must_use]
    pub const fn require(mut self, requirement: Requirement<'a>) -> Self {
        self.require = Some(requirement);
        self
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the formats")]
pub enum Claims {
    V007(Claims007),
    V006(Claims006),
}

/// A token taken apart but **not authenticated**: anybody can have made it. Good for showing it,
/// never for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says, which need not be true.
    pub unauthenticated: Claims,
    /// The bytes behind base64 and compression. Two spellings of one token have the same content.
    pub content: Vec<u8>,
}

/// A token that is genuine, within its time, and grants what was required. Only [`verify`] makes
/// one.
#[derive(Debug, Clone)]
pub struct Verified {
    claims: Claims,
    /// Where among the services of a 007 token the one is that satisfied the requirement.
    granted: Option<usize>,
    until: u64,
    signer: usize,
}

impl Verified {
    /// What the token says, which its issuer vouches for.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The place of the certificate that signed it among those that were expected.
    pub const fn signer(&self) -> usize {
        self.signer
    }

    /// Its signature: the token's identity.
    pub const fn signature(&self) -> &Signature {
        match &self.claims {
            Claims::V007(claims) => &claims.signature,
            Claims::V006(claims) => &claims.signature,
        }
    }

    /// When it was issued, in Unix seconds. A 006 token does not say.
    pub fn issue_ts(&self) -> Option<u64> {
        match &self.claims {
            Claims::V007(claims) => Some(claims.issue_ts.into()),
            Claims::V006(_) => None,
        }
    }

    /// When the token ends, in Unix seconds; the cap on lifetimes is applied.
    pub fn expires_at(&self) -> u64 {
        match &self.claims {
            Claims::V007(claims) => claims.ends_at(),
            Claims::V006(claims) => claims.ts.into(),
        }
    }

    /// When what was required ends, in Unix seconds: with the token, or sooner.
    pub const fn granted_until(&self) -> u64 {
        self.until
    }

    /// The services of a 007 token, in order; of a 006 token none.
    pub fn services(&self) -> &[Service] {
        match &self.claims {
            Claims::V007(claims) => &claims.services,
            Claims::V006(_) => &[],
        }
    }

    /// The service that grants what was required. Take a role from here, not from the client.
    pub fn granted(&self) -> Option<&Service> {
        self.granted.and_then(|index| self.services().get(index))
    }
}

#[derive(Clone, Copy)]
enum Version {
    V007,
    V006,
}

/// Steps 1 and 2: the length, then the version.
fn version(token: &str) -> Result<Version, Error> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Error::TooLarge);
    }
    match token.as_bytes().first_chunk() {
        Some(b"007") => Ok(Version::V007),
        Some(b"006") => Ok(Version::V006),
        _ => Err(Error::UnsupportedVersion),
    }
}

/// Takes a token apart, without a check of who made it or of its time.
///
/// # Errors
/// Those of form: `too_large` to `invalid_field`.
pub fn parse(token: &str) -> Result<Parsed, Error> {
    match version(token)? {
        Version::V007 => envelope::inflated(&token.as_bytes()[3..], |content| {
            let claims = format007::Header::read(content)?.claims()?;
            Ok(Parsed { unauthenticated: Claims::V007(claims), content: content.to_owned() })
        }),
        Version::V006 => {
            let (app_id, base64) = format006::split(token.as_bytes())?;
            envelope::decoded(base64, |content| {
                let (claims, _) = format006::read(app_id, content)?;
                Ok(Parsed { unauthenticated: Claims::V006(claims), content: content.to_owned() })
            })
        }
    }
}

/// Whether `token` is genuine, within its time, and grants what is expected.
///
/// # Errors
/// Exactly one class, the first in the order of the specification's steps.
pub fn verify(token: &str, expect: &Expectation<'_>) -> Result<Verified, Error> {
    match version(token)? {
        Version::V007 => {
            let (claims, signer) = inner_007(token, expect)?;
            let (granted, until) = match &expect.require {
                Some(require) => {
                    let (index, until) = require.authorise(&claims, expect.now)?;
                    (Some(index), until)
                }
                None => (None, claims.ends_at()),
            };
            Ok(Verified { claims: Claims::V007(claims), granted, until, signer })
        }
        Version::V006 if expect.accept_006 => {
            let (claims, until, signer) = verify_006(token, expect)?;
            Ok(Verified { claims: Claims::V006(claims), granted: None, until, signer })
        }
        Version::V006 => Err(Error::UnsupportedVersion),
    }
}

/// Steps 1 to 9 for a token that must be a 007 one; also the place of the certificate that signed it.
pub(crate) fn verify_007(
    token: &str,
    expect: &Expectation<'_>,
) -> Result<(Claims007, usize), Error> {
    match version(token)? {
        Version::V007 => inner_007(token, expect),
        Version::V006 => Err(Error::UnsupportedVersion),
    }
}

/// Steps 3 to 9.
fn inner_007(token: &str, expect: &Expectation<'_>) -> Result<(Claims007, usize), Error> {
    let (claims, signer) = envelope::inflated(&token.as_bytes()[3..], |content| {
        let header = format007::Header::read(content)?;
        if header.app_id != expect.app_id {
            return Err(Error::AppIdMismatch);
        }
        let signer = Signer007::new(header.issue_ts, header.salt);
        let genuine = which_signs(expect.certificates, &header.signature, |certificate| {
            signer.sign(certificate, header.signed)
        });
        let place = genuine.ok_or(Error::BadSignature)?;
        Ok((header.claims()?, place))
    })?;
    if u64::from(claims.issue_ts) > expect.now.saturating_add(expect.skew_s) {
        return Err(Error::NotYetValid);
    }
    if expect.now >= claims.ends_at() {
        return Err(Error::Expired);
    }
    Ok((claims, signer))
}

/// All steps for format 006, in their order.
fn verify_006(token: &str, expect: &Expectation<'_>) -> Result<(Claims006, u64, usize), Error> {
    let (app_id, base64) = format006::split(token.as_bytes())?;
    envelope::decoded(base64, |content| {
        let (claims, message) = format006::read(app_id, content)?;
        if app_id != expect.app_id {
            return Err(Error::AppIdMismatch);
        }
        let scope = Scope006::of(expect.require.as_ref().ok_or(Error::ServiceMissing)?)?;
        let (channel, uid) = scope.check(&claims)?;
        let signed = [app_id.as_bytes(), channel.as_bytes(), uid.as_bytes(), message];
        let genuine = which_signs(expect.certificates, &claims.signature, |certificate| {
            sign_006(certificate, signed)
        });
        let place = genuine.ok_or(Error::BadSignature)?;
        let end = u64::from(claims.ts);
        if end > expect.now.saturating_add(MAX_LIFETIME_S + expect.skew_s) {
            return Err(Error::NotYetValid);
        }
        if expect.now >= end {
            return Err(Error::Expired);
        }
        let until = scope.privilege_end(&claims, expect.now)?;
        Ok((claims, until, place))
    })
}
