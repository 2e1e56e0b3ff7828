//! The JSON around every answer (chat-rest sections 1.5 and 1.6).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use stoa_core::{PublicHosts, RestRefusal, Timestamp};

use crate::error::Failure;
use crate::reply::{Full, Reply};

/// What the edge knows of a call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a http::Method,
    pub(crate) uri: &'a http::Uri,
    /// The address that clients call, `https://chat.example.org`.
    pub(crate) origin: &'a str,
    /// The query's fields.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) began: Timestamp,
    pub(crate) now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<'a> {
    action: &'a str,
    application: String,
    application_name: &'a str,
    organization: &'a str,
    path: &'a str,
    uri: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<&'a str, Vec<&'a str>>,
    entities: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    timestamp: u64,
    duration: u64,
}

#[derive(Serialize)]
struct Brief<'a> {
    action: &'a str,
    timestamp: u64,
    duration: u64,
}

#[derive(Serialize)]
struct Timed<'a> {
    timestamp: u64,
    data: &'a Value,
    duration: u64,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    exception: &'a str,
    timestamp: u64,
    duration: u64,
    error_description: &'a str,
    #[serde(flatten)]
    place: Option<Place>,
}

/// Where the app is served that is not here.
#[derive(Serialize)]
struct Place {
    region: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ws_url: Option<String>,
}

impl Call<'_> {
    fn times(&self) -> (u64, u64) {
        let duration = self.now.since(self.began).as_millis();
        (self.now.as_millis(), u64::try_from(duration).unwrap_or(u64::MAX))
    }

    /// The body of a success.
    pub(crate) fn success(&self, reply: &Reply) -> Vec<u8> {
        let (timestamp, duration) = self.times();
        match reply {
            Reply::Full(full) => self.full(full),
            Reply::Brief { action } => encode(&Brief { action, timestamp, duration }),
            Reply::Timed(data) => encode(&Timed { timestamp, data, duration }),
            Reply::Bare(object) => encode(object),
            // It has bytes of its own.
            Reply::File(_) => Vec::new(),
        }
    }

    fn full(&self, full: &Full) -> Vec<u8> {
        let (timestamp, duration) = self.times();
        let method = self.method.as_str().to_ascii_lowercase();
        let mut params = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in &self.params {
            params.entry(name.as_str()).or_default().push(value.as_str());
        }
        // The path behind `/org/app`.
        let path = self.uri.path();
        let (base, suffix) = match path.match_indices('/').nth(2) {
            Some((at, _)) => path.split_at(at),
            None => (path, ""),
        };
        let suffix = full.path.unwrap_or(suffix);
        encode(&Success {
            action: full.action.unwrap_or(&method),
            application: full.app.uuid.to_string(),
            application_name: full.app.key.app(),
            organization: full.app.key.org(),
            path: suffix,
            uri: format!("{}{base}{suffix}", self.origin),
            params,
            entities: &full.entities,
            data: full.data.as_ref(),
            count: full.count,
            cursor: full.cursor.as_deref(),
            timestamp,
            duration,
        })
    }

    /// The body of a refusal.
    pub(crate) fn refusal(&self, failure: &Failure) -> Vec<u8> {
        let (timestamp, duration) = self.times();
        let RestRefusal { error, exception, .. } = failure.refusal().rest();
        let text = failure.text();
        let place = failure.place().map(|app| Place {
            region: app.region.name(),
            rest_url: app.hosts.as_ref().map(PublicHosts::rest_url),
            ws_url: app.hosts.as_ref().map(PublicHosts::ws_url),
        });
        encode(&Refused { error, exception, timestamp, duration, error_description: &text, place })
    }
}

/// An object from its fields.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts, numbers and lists of them can be written as JSON")
}
