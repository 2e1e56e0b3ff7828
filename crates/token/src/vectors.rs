//! Checking a file of test vectors (token specification, section 14).
//!
//! A positive vector must parse to what it says it holds, verify, and be rebuilt from its fields
//! to the same content. A negative one must fail with the class that it names.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    BuildError, Builder006, Builder007, Claims, Claims007, Expectation, Parsed, Requirement,
    Resource, ServiceType, json, parse, verify,
};

const SCHEMA: &str = "agora-token-vectors/1";

/// The outcome of a file of vectors.
#[derive(Debug, Default)]
pub struct Report {
    /// How many vectors came out as they should.
    pub passed: usize,
    /// Those that did not, in the order of the file.
    pub failures: Vec<Failure>,
}

/// A vector that did not come out as it should.
#[derive(Debug)]
pub struct Failure {
    /// The vector's id.
    pub id: String,
    /// What was wrong.
    pub reason: String,
}

/// Why a file of vectors could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not JSON, or not of the form.
    #[error("not a file of token vectors")]
    Form(#[from] serde_json::Error),
    /// It is of another form.
    #[error("the file's schema is '{0}', where '{SCHEMA}' is understood")]
    Schema(String),
}

/// Checks all vectors of the file with this text.
///
/// # Errors
/// When the file cannot be read. A vector that fails is no error but part of the report.
pub fn check(text: &str) -> Result<Report, FileError> {
    let file: File = serde_json::from_str(text)?;
    if file.schema != SCHEMA {
        return Err(FileError::Schema(file.schema));
    }
    let mut report = Report::default();
    for vector in &file.positive {
        report.add(&vector.id, vector.check());
    }
    for vector in &file.negative {
        report.add(&vector.id, vector.check());
    }
    Ok(report)
}

impl Report {
    fn add(&mut self, id: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failures.push(Failure { id: id.to_owned(), reason }),
        }
    }
}

#[derive(Deserialize)]
struct File {
    schema: String,
    positive: Vec<Positive>,
    negative: Vec<Negative>,
}

#[derive(Deserialize)]
struct Positive {
    id: String,
    app_certificate: String,
    token: String,
    decoded: Value,
    check: Check,
}

#[derive(Deserialize)]
struct Negative {
    id: String,
    token: String,
    check: Check,
    parse_error: Option<String>,
    verify_error: String,
}

#[derive(Deserialize)]
struct Check {
    now: u64,
    app_id: String,
    certificates: Vec<String>,
    require: Option<Require>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Require {
    service: String,
    channel: Option<String>,
    room: Option<String>,
    user: Option<String>,
    privilege: Option<u16>,
    resource_type: Option<u16>,
    permission: Option<u16>,
    resource: Option<String>,
}

impl Positive {
    fn check(&self) -> Result<(), String> {
        let parsed = parse(&self.token).map_err(|e| format!("does not parse: {}", e.name()))?;
        let decoded = json::decoded(&parsed);
        if decoded != self.decoded {
            return Err(format!("parses to {decoded}"));
        }
        match self.check.outcome(&self.token)? {
            None => self.rebuild(&parsed),
            Some(class) => Err(format!("does not verify: {class}")),
        }
    }

    fn rebuild(&self, parsed: &Parsed) -> Result<(), String> {
        let failed = |error: BuildError| format!("cannot be rebuilt: {error}");
        match &parsed.unauthenticated {
            // What stands behind an unknown service is not known.
            Claims::V007(Claims007 { unknown_service: Some(_), .. }) => Ok(()),
            Claims::V007(claims) => {
                let certificate = &self.app_certificate;
                let (issue_ts, expire, salt) = (claims.issue_ts, claims.expire, claims.salt);
                let empty = Builder007::new(&claims.app_id, certificate, issue_ts, expire, salt);
                let builder = claims.services.iter().cloned().fold(empty, Builder007::service);
                let content = builder.content().map_err(failed)?;
                let again = builder.build().map_err(failed)?;
                let sealed = parse(&again).map_err(|e| format!("rebuilt: {}", e.name()))?.content;
                if content == parsed.content && sealed == content {
                    Ok(())
                } else {
                    Err("is rebuilt to another content".to_owned())
                }
            }
            Claims::V006(claims) => {
                let (channel, uid) = self.check.scope_006();
                let uid = if claims.crc_uid == 0 { "" } else { uid };
                let (app_id, certificate) = (&claims.app_id, &self.app_certificate);
                let empty =
                    Builder006::rtc(app_id, certificate, channel, uid, claims.salt, claims.ts);
                let builder = claims
                    .privileges
                    .iter()
                    .fold(empty, |builder, (privilege, until)| builder.privilege(privilege, until));
                let again = builder.build().map_err(failed)?;
                if again == self.token { Ok(()) } else { Err(format!("is rebuilt to {again}")) }
            }
        }
    }
}

impl Negative {
    fn check(&self) -> Result<(), String> {
        let class = parse(&self.token).err().map(|error| error.name());
        if class != self.parse_error.as_deref() {
            return Err(format!("parsing gives {class:?} in place of {:?}", self.parse_error));
        }
        match self.check.outcome(&self.token)? {
            Some(class) if class == self.verify_error => Ok(()),
            Some(class) => Err(format!("is refused as {class} in place of {}", self.verify_error)),
            None => Err(format!("verifies in place of {}", self.verify_error)),
        }
    }
}

impl Check {
    /// The class with which `token` is refused, or `None` when it verifies.
    fn outcome(&self, token: &str) -> Result<Option<&'static str>, String> {
        let certificates: Vec<_> = self.certificates.iter().map(String::as_str).collect();
        let mut expect = Expectation::new(self.now, &self.app_id, &certificates);
        expect.accept_006 = true;
        expect.require = match &self.require {
            Some(require) => Some(require.requirement()?),
            None => None,
        };
        Ok(verify(token, &expect).err().map(|error| error.name()))
    }

    /// The channel and the user that a 006 token was made for.
    fn scope_006(&self) -> (&str, &str) {
        let Some(require) = &self.require else { return ("", "") };
        let user = require.user.as_deref().unwrap_or("");
        match &require.channel {
            Some(channel) => (channel, user),
            None => (user, ""),
        }
    }
}

impl Require {
    fn requirement(&self) -> Result<Requirement<'_>, String> {
        let service = ServiceType::from_name(&self.service)
            .ok_or_else(|| format!("requires the unknown service '{}'", self.service))?;
        let resource = match (self.resource_type, self.permission, &self.resource) {
            (Some(resource_type), Some(permission), Some(name)) => {
                Some(Resource { resource_type, permission, name })
            }
            (None, None, None) => None,
            _ => return Err("requires a resource without naming type, permission or name".into()),
        };
        Ok(Requirement {
            channel: self.channel.as_deref(),
            room: self.room.as_deref(),
            user: self.user.as_deref(),
            privilege: self.privilege,
            resource,
            ..Requirement::service(service)
        })
    }
}
