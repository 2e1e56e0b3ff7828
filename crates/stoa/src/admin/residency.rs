//! The residency report: where each class of data lies, and with which hosts the server spoke.
//!
//! What it says is signed with the data centre's key, over the bytes of its JSON as they stand in the
//! report, so that it can be checked without the server.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stoa_core::{App, AppKey, Operator};
use stoa_egress::{Contact, Standing};
use stoa_seal::Purpose;
use stoa_store::classes::{ATTACHMENT, CLASSES, Classification};
use stoa_store::spaces::SPACES;

use super::{Answer, PermitView, Text};
use crate::failure::Failure;
use crate::node::Node;

/// The form of the report.
const VERSION: u32 = 1;

/// What the report says. Its JSON form is a promise: fields are added, never renamed or given another
/// meaning. Times are milliseconds since 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Residency {
    /// The form: 1.
    pub version: u32,
    /// The region of the data centre.
    pub region: String,
    /// When it was made.
    pub made: u64,
    /// The app that it is about; none: all.
    pub app: Option<String>,
    /// What keeps the records.
    pub engine: String,
    /// Where the records, the files of users and the keys lie.
    pub places: Vec<PlaceView>,
    /// Where each class of data lies.
    pub classes: Vec<ClassView>,
    /// The apps, with the hosts that were contacted for them.
    pub apps: Vec<AppResidency>,
    /// Hosts that were contacted for no app.
    pub hosts: Vec<HostView>,
    /// Since when contacts are known, at the most.
    pub contacts_since: u64,
    /// How many hosts were contacted that are foreign, or of which nobody knows where they lie.
    pub foreign: usize,
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// `records`, `files` or `keys`.
    pub holds: String,
    /// The directory.
    pub directory: String,
    /// The region.
    pub region: String,
}

/// A class of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassView {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// `customer`, `user` or `operational`.
    pub classification: String,
    /// Where it lies: `records`, and for files of users `files` too.
    pub lies_in: Vec<String>,
    /// The region.
    pub region: String,
    /// The kinds of records.
    pub spaces: Vec<String>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppResidency {
    /// Its key.
    pub app_key: String,
    /// Its region.
    pub region: String,
    /// Whether only clients in the service area are served.
    pub geofence: bool,
    /// What may cross regions.
    pub permits: Vec<PermitView>,
    /// The hosts that were contacted for it.
    pub hosts: Vec<HostView>,
}

/// A host that was contacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostView {
    /// The host.
    pub host: String,
    /// What for.
    pub kind: String,
    /// Where it lies; none: nobody knows.
    pub region: Option<String>,
    /// `home`, `permitted`, `data_centre`, `foreign` or `unknown`.
    pub standing: String,
    /// When it was contacted first.
    pub first: u64,
    /// And last.
    pub last: u64,
    /// How often.
    pub count: u64,
}

/// The report with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedReport {
    /// The bytes of its JSON, which are signed.
    pub report: String,
    /// The data centre's key, in hexadecimal digits.
    pub public_key: String,
    /// The signature, in hexadecimal digits.
    pub signature: String,
}

pub(super) async fn carry_out(node: &Node, app: Option<Text<AppKey>>) -> Result<Answer, Failure> {
    let operator = Operator::of_this_process();
    let report = report(node, app).await?;
    let text = serde_json::to_string(&report)
        .map_err(|error| Failure::Io { what: "write the report".into(), source: error.into() })?;
    let key = node.store.signing_key(&operator, &*node.entropy).await?;
    let signature = key.sign(Purpose::Residency, text.as_bytes());
    let signature = signature.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = SignedReport { report: text, public_key: key.public_key().to_string(), signature };
    Ok(Answer::Residency { signed })
}

async fn report(node: &Node, app: Option<Text<AppKey>>) -> Result<Residency, Failure> {
    let now = node.clock.now();
    let region = node.console.region().name().to_owned();
    let (apps, about) = match app {
        Some(Text(key)) => (vec![node.app(&key)?], Some(key.to_string())),
        None => (node.console.apps(), None),
    };
    let mut views = Vec::with_capacity(apps.len());
    for app in &apps {
        views.push(of_app(node, app).await?);
    }
    let hosts = match &about {
        // What is the platform's belongs to no app.
        Some(_) => Vec::new(),
        None => {
            let contacts = node.egress.contacts(None).await?;
            contacts.iter().map(|contact| host(contact, Standing::DataCentre, None)).collect()
        }
    };
    let foreign = views.iter().flat_map(|app| &app.hosts).filter(|host| {
        [Standing::Foreign, Standing::Unknown].iter().any(|bad| bad.name() == host.standing)
    });
    let kept = match stoa_store::classes::MONITORING.retention {
        stoa_store::classes::Retention::For(kept) => kept,
        _ => std::time::Duration::ZERO,
    };
    Ok(Residency {
        version: VERSION,
        made: now.as_millis(),
        app: about,
        engine: "embedded".into(),
        places: places(node, &region),
        classes: classes(&region),
        foreign: foreign.count(),
        apps: views,
        hosts,
        contacts_since: now.minus(kept).day().start().as_millis(),
        region,
    })
}

async fn of_app(node: &Node, app: &Arc<App>) -> Result<AppResidency, Failure> {
    let now = node.clock.now();
    let contacts = node.egress.contacts(Some(app)).await?;
    let hosts = contacts.iter().map(|contact| {
        let named = contact.host.parse().ok().and_then(|host| node.egress.named_region(&host));
        host(contact, contact.standing(app, named, now), named)
    });
    Ok(AppResidency {
        app_key: app.key.to_string(),
        region: app.region.name().into(),
        geofence: app.place.geofence,
        permits: app.place.permits.iter().map(PermitView::from).collect(),
        hosts: hosts.collect(),
    })
}

fn host(contact: &Contact, standing: Standing, named: Option<stoa_core::Region>) -> HostView {
    HostView {
        host: contact.host.clone(),
        kind: contact.purpose.name().into(),
        region: named.or(contact.region).map(|region| region.name().into()),
        standing: standing.name().into(),
        first: contact.first.as_millis(),
        last: contact.last.as_millis(),
        count: contact.count,
    }
}

fn places(node: &Node, region: &str) -> Vec<PlaceView> {
    let config = &node.config;
    let absolute = |path: &Path| {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
        absolute.display().to_string()
    };
    let place = |holds: &str, path: &Path| PlaceView {
        holds: holds.into(),
        directory: absolute(path),
        region: region.into(),
    };
    let mut places = vec![place("records", &config.data), place("files", &config.files)];
    places.extend(config.vaults().into_iter().map(|vault| place("keys", vault)));
    places
}

fn classes(region: &str) -> Vec<ClassView> {
    let view = |class: &&'static stoa_store::classes::DataClass| {
        let spaces = SPACES.iter().filter(|space| std::ptr::eq(space.class, *class));
        let mut lies_in = vec!["records".to_owned()];
        if class.number == ATTACHMENT.number {
            lies_in.push("files".into());
        }
        ClassView {
            number: class.number,
            name: class.name.into(),
            classification: match class.classification {
                Classification::Customer => "customer",
                Classification::User => "user",
                Classification::Operational => "operational",
            }
            .into(),
            lies_in,
            region: region.into(),
            spaces: spaces.map(|space| space.name.into()).collect(),
        }
    };
    CLASSES.iter().map(view).collect()
}
