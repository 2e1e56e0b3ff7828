//! What is answered. The JSON form of each view is what `--json` prints, so it is a promise: fields
//! are added, never renamed or given another meaning. Times are milliseconds since 1970 in UTC.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stoa_audit::export::{End, Line};
use stoa_audit::{Recorded, Whole};
use stoa_chat::User;
use stoa_console::{CertificateSlot, Credential, TokenClient};
use stoa_core::{App, Certificate, Timestamp};

use super::{
    BackupView, ConflictView, EgressCheckView, IdentityView, Inventory, ItemView, PermitView,
    ReceiptView, RegionView, RetentionView, SecretText, SignedReport,
};

/// The answer to a [`Request`](super::Request).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done, and there is nothing to tell.
    Done,
    /// An app, with a certificate if that was asked for.
    App {
        /// The app.
        app: AppView,
        /// The certificate.
        certificate: Option<SecretText>,
    },
    /// Apps.
    Apps {
        /// By number.
        apps: Vec<AppView>,
    },
    /// A user.
    User {
        /// The user.
        user: UserView,
    },
    /// A page of users.
    Users {
        /// In the order of their registration.
        users: Vec<UserView>,
        /// Where the next page begins; none on the last.
        cursor: Option<String>,
    },
    /// Whether there was a session to end.
    LoggedOut {
        /// Whether there was.
        ended: bool,
    },
    /// Tokens were revoked.
    Revoked {
        /// How many of those that were known; none where all were meant.
        tokens: Option<usize>,
    },
    /// The state of the vault.
    Keys(Box<KeyStatus>),
    /// A root key was exchanged.
    Rotated(RootRotation),
    /// Data keys were made.
    Renewed {
        /// How many.
        keys: usize,
    },
    /// A page of entries of the audit log.
    AuditEntries {
        /// The newest first.
        entries: Vec<Recorded>,
        /// Before which entry the next page begins; none on the last.
        next: Option<u64>,
    },
    /// Where the chain of the audit log ends.
    AuditEnd {
        /// The last line of an export.
        end: End,
    },
    /// A part of an export of the audit log.
    AuditLines {
        /// By number.
        lines: Vec<Line>,
        /// Behind which entry the next part begins; none on the last.
        next: Option<u64>,
    },
    /// How chains of the audit log are.
    AuditChains {
        /// That of the platform first.
        chains: Vec<ChainView>,
    },
    /// A client of the token server, with what was made for it.
    TokenClient {
        /// The client.
        client: TokenClientView,
        /// Its certificate, PEM.
        certificate: Option<String>,
        /// The certificate of the authority that vouches for the server, PEM; none where that is not the
        /// server's own.
        authority: Option<String>,
        /// Its key.
        key: Option<SecretText>,
    },
    /// Clients of the token server.
    TokenClients {
        /// By app and name.
        clients: Vec<TokenClientView>,
    },
    /// What came of calling a host.
    EgressChecked {
        /// What.
        check: EgressCheckView,
    },
    /// Where data lie.
    Residency {
        /// The report.
        signed: SignedReport,
    },
    /// The data centres.
    Regions {
        /// All that there can be, in the order in which they are offered.
        regions: Vec<RegionView>,
        /// Apps of others that are not believed.
        conflicts: Vec<ConflictView>,
    },
    /// By what other data centres know this one.
    RegionIdentity(IdentityView),
    /// How long things are kept.
    Retention {
        /// By app and class.
        classes: Vec<RetentionView>,
    },
    /// Receipts of what was destroyed.
    Receipts {
        /// In the order that was asked for.
        receipts: Vec<ReceiptView>,
    },
    /// Where the receipts end.
    ReceiptsEnd {
        /// Signed like a receipt.
        end: ReceiptView,
        /// The key to check them by, hexadecimal.
        public_key: String,
    },
    /// The checklist.
    Checklist {
        /// Of the server, and then of each app.
        items: Vec<ItemView>,
    },
    /// What an export of a person held.
    Person {
        /// Whether there is such a user.
        found: bool,
        /// What there was.
        inventory: Inventory,
    },
    /// A backup that was made or verified.
    Backup {
        /// It.
        backup: BackupView,
    },
    /// A person was erased.
    Erased {
        /// Whether there was such a user.
        found: bool,
    },
    /// What was looked at.
    Checks {
        /// In the order in which they were made.
        checks: Vec<Check>,
    },
}

/// An app, as anybody may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// `org#app`.
    pub app_key: String,
    /// The App ID.
    pub app_id: String,
    /// The app's uuid.
    pub uuid: String,
    /// Where it lives.
    pub region: String,
    /// Who may enter.
    pub auth: String,
    /// The longest life of its tokens, in seconds.
    pub token_cap_seconds: u32,
    /// How far ahead the clock of whoever makes its tokens may be, in seconds.
    pub clock_skew_seconds: u32,
    /// Whether tokens of format 006 are taken.
    pub accepts_006: bool,
    /// Whether a signaling token lets its user into class rooms.
    #[serde(default)]
    pub accepts_rtm_token: bool,
    /// From when on the hour counts after which a class room is destroyed: `close` or `end`.
    #[serde(default)]
    pub release_anchor: String,
    /// Where events of class rooms are posted to; none: nowhere.
    #[serde(default)]
    pub class_callback: Option<String>,
    /// How many users strangers may register from one address in an hour, where the app is open.
    pub registrations_per_hour: u32,
    /// Tokens that were made up to then are revoked; none: no such moment.
    pub revoked_until: Option<u64>,
    /// How much it may have.
    pub plan: String,
    /// How long messages are kept: `plan`, `older-plan`, or a number of days.
    pub messages_kept: String,
    /// Whether only contacts may write to each other.
    pub friends_only: bool,
    /// What becomes of what a person said to others when that person is erased: `delete` or `keep`.
    pub erased_messages: String,
    /// How long after it was sent a message can be taken back, in seconds.
    pub recall_window_seconds: u64,
    /// Bytes of one attachment at the most.
    pub max_attachment_bytes: u64,
    /// How many of a chat room's last messages whoever joins is sent.
    pub room_history: u32,
    /// Messages that a chat room passes on in a second before it drops some; 0 for no bound.
    pub room_rate: u32,
    /// Whether only clients in the service area are served.
    pub geofence: bool,
    /// The countries of the service area; none: those of the region.
    pub service_area: Option<Vec<String>>,
    /// What may cross regions.
    pub permits: Vec<PermitView>,
    /// Its certificates, without what is secret.
    pub certificates: Vec<CertificateView>,
    /// Those with which the server signs the tokens that it issues for the app, the present one first.
    #[serde(default)]
    pub server_certificates: Vec<CertificateView>,
    /// When it was made.
    pub created: u64,
}

/// What the setting `erased-messages` is called.
pub const fn erased_messages(keep: bool) -> &'static str {
    if keep { "keep" } else { "delete" }
}

/// A certificate of an app, or of the server for it, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateView {
    /// `primary` or `secondary`; of the server's `present` or `former`.
    pub slot: String,
    /// The first 8 bytes of its SHA-256 digest, in hexadecimal.
    pub fingerprint: String,
    /// When it was made.
    pub created: u64,
    /// When it ends by itself; none: it does not.
    pub retires: Option<u64>,
}

impl CertificateView {
    fn new(slot: &str, certificate: &Certificate) -> Self {
        Self {
            slot: slot.into(),
            fingerprint: certificate.fingerprint().to_string(),
            created: certificate.created.as_millis(),
            retires: certificate.retires.map(Timestamp::as_millis),
        }
    }
}

impl From<&App> for AppView {
    fn from(app: &App) -> Self {
        let own = app.certificates.iter().enumerate().map(|(place, certificate)| {
            CertificateView::new(CertificateSlot::at(place).name(), certificate)
        });
        let servers = ["present", "former"].into_iter().zip(app.server_certificates());
        let servers =
            servers.map(|(slot, server)| CertificateView::new(slot, server.certificate()));
        let revoked = Some(app.revoked.as_millis()).filter(|ms| *ms > 0);
        Self {
            app_key: app.key.to_string(),
            app_id: app.id.as_str().into(),
            uuid: app.uuid.to_string(),
            region: app.region.name().into(),
            auth: app.auth.name().into(),
            token_cap_seconds: app.tokens.cap_s,
            clock_skew_seconds: app.tokens.skew_s,
            accepts_006: app.tokens.accepts_006,
            accepts_rtm_token: app.class.accepts_rtm_token,
            release_anchor: app.class.release_anchor.name().into(),
            class_callback: app.class_callback.clone(),
            registrations_per_hour: app.tokens.registrations_per_hour,
            revoked_until: revoked,
            plan: app.chat.plan.name.into(),
            messages_kept: app.chat.keep_messages.to_string(),
            friends_only: app.chat.friends_only,
            erased_messages: erased_messages(app.chat.keeps_erased_messages).into(),
            recall_window_seconds: app.chat.recall_window.as_secs(),
            max_attachment_bytes: app.chat.attachment_bytes,
            room_history: app.chat.room_history,
            room_rate: app.chat.room_rate,
            geofence: app.place.geofence,
            service_area: app
                .place
                .service_area
                .as_ref()
                .map(|area| area.iter().map(ToString::to_string).collect()),
            permits: app.place.permits.iter().map(PermitView::from).collect(),
            certificates: own.collect(),
            server_certificates: servers.collect(),
            created: app.created.as_millis(),
        }
    }
}

/// A client of the token server, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenClientView {
    /// The app that it mints tokens for.
    pub app_key: String,
    /// What it is called.
    pub name: String,
    /// `certificate` or `key`.
    pub credential: String,
    /// The SHA-256 of its certificate, bytes in hexadecimal separated by colons.
    pub fingerprint: Option<String>,
    /// Until when its certificate is good.
    pub until: Option<u64>,
    /// From where it may call. None: with a certificate from anywhere, with a key from nowhere.
    pub addresses: Vec<String>,
    /// When it was registered.
    pub created: u64,
    /// When a token was last minted for its app, by any client, since the server started.
    pub app_last_minted: Option<u64>,
}

impl TokenClientView {
    /// A client for whose app a token was last minted then.
    pub fn new(client: &TokenClient, app_last_minted: Option<Timestamp>) -> Self {
        let (credential, fingerprint, until) = match &client.credential {
            Credential::Certificate { fingerprint, until } => {
                ("certificate", Some(fingerprint.to_string()), Some(until.as_millis()))
            }
            Credential::Key { .. } => ("key", None, None),
        };
        Self {
            app_key: client.app_key.to_string(),
            name: client.name.as_str().into(),
            credential: credential.into(),
            fingerprint,
            until,
            addresses: client.addresses.iter().map(ToString::to_string).collect(),
            created: client.created.as_millis(),
            app_last_minted: app_last_minted.map(Timestamp::as_millis),
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// The name.
    pub username: String,
    /// The uuid.
    pub uuid: String,
    /// Whether the user may log in.
    pub activated: bool,
    /// A name for people.
    pub nickname: Option<String>,
    /// On how many devices the user is online.
    pub devices_online: usize,
    /// When the user was registered.
    pub created: u64,
    /// When the account was last changed.
    pub modified: u64,
}

impl UserView {
    /// A user who is online on so many devices.
    pub fn new(user: &User, devices_online: usize) -> Self {
        Self {
            username: user.username.as_str().into(),
            uuid: user.uuid.to_string(),
            activated: user.activated,
            nickname: user.nickname.clone(),
            devices_online,
            created: user.created.as_millis(),
            modified: user.modified.as_millis(),
        }
    }
}

/// The state of the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The vault's id.
    pub vault: String,
    /// The fingerprint of the root key that opens it.
    pub root_key: String,
    /// Where the configuration says that the root key is.
    pub root_key_source: String,
    /// How many times the vault was opened.
    pub life: u64,
    /// How many times it was written anew as a whole.
    pub generation: u64,
    /// Its directory and its mirrors.
    pub directories: Vec<PathBuf>,
    /// How many pages of keys it has.
    pub pages: usize,
    /// How many entries its journal has.
    pub journal_entries: usize,
    /// How many data keys there are of each class of data.
    pub classes: Vec<ClassKeys>,
    /// How many data keys there are.
    pub data_keys: usize,
    /// How many apps have a blinding key.
    pub blinding_keys: usize,
    /// When the newest data key was made.
    pub newest_key: Option<u64>,
    /// When keys were last destroyed, since the process started.
    pub last_destruction: Option<u64>,
    /// Why no key can be made or destroyed before a restart.
    pub stopped: Option<String>,
}

/// The data keys of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassKeys {
    /// The number of the class.
    pub class: u8,
    /// Its name.
    pub name: String,
    /// How many keys.
    pub keys: usize,
}

/// A root key was exchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootRotation {
    /// The fingerprint of the key that opens nothing any more.
    pub before: String,
    /// The fingerprint of the key that opens the vault from now on.
    pub root_key: String,
    /// The file that holds the new key, if we wrote one.
    pub written_to: Option<PathBuf>,
    /// What is left to do for whoever asked.
    pub next: String,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Should be looked at.
    Warning,
    /// Does not work, or endangers the data.
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What, for programs: does not change.
    pub check: String,
    /// How it came out.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// A chain of the audit log that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainView {
    /// Whose: the app's key, or its number where only that is known; none: the platform's.
    pub app: Option<String>,
    /// Whether it is whole.
    pub whole: bool,
    /// How many entries are kept.
    pub entries: Option<u64>,
    /// The number of the oldest.
    pub first: Option<u64>,
    /// The number of the last.
    pub last: Option<u64>,
    /// The hash of the last, in hexadecimal digits.
    pub hash: Option<String>,
    /// The first entry that is not as it was written, where that is known.
    pub broken_at: Option<u64>,
    /// What is wrong.
    pub problem: Option<String>,
}

impl ChainView {
    /// A chain that is whole.
    pub fn whole(app: Option<String>, chain: &Whole) -> Self {
        Self {
            app,
            whole: true,
            entries: Some(chain.entries()),
            first: Some(chain.first),
            last: Some(chain.last),
            hash: Some(chain.hash.to_string()),
            broken_at: None,
            problem: None,
        }
    }

    /// One that is not.
    pub const fn broken(app: Option<String>, at: Option<u64>, problem: String) -> Self {
        Self {
            app,
            whole: false,
            entries: None,
            first: None,
            last: None,
            hash: None,
            broken_at: at,
            problem: Some(problem),
        }
    }
}
