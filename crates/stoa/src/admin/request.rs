//! What can be asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stoa_audit::Act;
use stoa_console::{CertificateSlot, ClientName};
use stoa_core::{
    AddressRange, AppKey, AuthPolicy, Country, Crossing, KeepMessages, Plan, Region, ReleaseAnchor,
    Resource, UserId, UserUuid,
};
use stoa_egress::Target;

use super::{SecretText, Text};
use crate::tls::ClientKey;

/// One operation. Its JSON form is what goes through the control socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// About apps.
    App(AppRequest),
    /// About the users of an app.
    User(UserRequest),
    /// About backups.
    Backup(BackupRequest),
    /// About all that is kept of one person.
    Person(PersonRequest),
    /// About the vault.
    Key(KeyRequest),
    /// About the audit log.
    Audit(AuditRequest),
    /// About the clients of the token server.
    TokenClient(TokenClientRequest),
    /// About places: the geofence, permissions, outbound hosts.
    Place(PlaceRequest),
    /// The data centres, and what is known of the apps of each.
    Regions,
    /// By what other data centres know this one.
    RegionIdentity,
    /// About how long things are kept.
    Retention(RetentionRequest),
    /// What only the process that has the data can tell of their health.
    Doctor,
    /// Where data lie, and with which hosts the server spoke, signed.
    Residency {
        /// Of this app; none: of all.
        app: Option<Text<AppKey>>,
    },
    /// Whether the server and its apps are kept as they should be.
    Checklist {
        /// Only of this app, besides the server; none: of all.
        app: Option<Text<AppKey>>,
    },
}

impl Request {
    /// What is asked for, in a word for the log: nothing of whom or what it is about.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::App(AppRequest::Create { .. }) => "app create",
            Self::App(AppRequest::List) => "app list",
            Self::App(AppRequest::Show { reveal: false, .. }) => "app show",
            Self::App(AppRequest::Show { reveal: true, .. }) => "app show with certificate",
            Self::App(AppRequest::SetAuth { .. }) => "app set auth",
            Self::App(AppRequest::SetTokenCap { .. }) => "app set token-cap",
            Self::App(AppRequest::SetPlan { .. }) => "app set plan",
            Self::App(AppRequest::SetFriendsOnly { .. }) => "app set friends-only",
            Self::App(AppRequest::SetErasedMessages { .. }) => "app set erased-messages",
            Self::App(AppRequest::SetRecallWindow { .. }) => "app set recall-window",
            Self::App(AppRequest::SetAttachmentBytes { .. }) => "app set max-attachment-bytes",
            Self::App(AppRequest::SetRoomHistory { .. }) => "app set room-history",
            Self::App(AppRequest::SetRoomRate { .. }) => "app set room-rate",
            Self::App(AppRequest::SetClockSkew { .. }) => "app set clock-skew",
            Self::App(AppRequest::SetAccepts006 { .. }) => "app set accept-006",
            Self::App(AppRequest::SetAcceptsRtmToken { .. }) => "app set accept-rtm-token",
            Self::App(AppRequest::SetReleaseAnchor { .. }) => "app set release-anchor",
            Self::App(AppRequest::SetClassCallback { .. }) => "app set class-callback",
            Self::App(AppRequest::SetRegistrations { .. }) => "app set registrations-per-hour",
            Self::App(AppRequest::RotateCertificate { .. }) => "app certificate rotate",
            Self::App(AppRequest::Revoke { .. }) => "app revoke",
            Self::App(AppRequest::Delete { .. }) => "app delete",
            Self::App(AppRequest::AddCertificate { .. }) => "app certificate add",
            Self::App(AppRequest::SwapCertificates { .. }) => "app certificate swap",
            Self::App(AppRequest::RetireCertificate { .. }) => "app certificate retire",
            Self::App(AppRequest::RotateServerCertificate { .. }) => {
                "app server-certificate rotate"
            }
            Self::User(UserRequest::Create { .. }) => "user create",
            Self::User(UserRequest::List { .. }) => "user list",
            Self::User(UserRequest::Show { .. }) => "user show",
            Self::User(UserRequest::Delete { .. }) => "user delete",
            Self::User(UserRequest::SetPassword { .. }) => "user set-password",
            Self::User(UserRequest::SetActivated { activated: true, .. }) => "user activate",
            Self::User(UserRequest::SetActivated { activated: false, .. }) => "user deactivate",
            Self::User(UserRequest::LogOut { .. }) => "user log-out",
            Self::User(UserRequest::Revoke { device: None, .. }) => "user revoke",
            Self::User(UserRequest::Revoke { device: Some(_), .. }) => "user revoke --device",
            Self::User(UserRequest::RevokeInClasses { .. }) => "user revoke --class-user",
            Self::User(UserRequest::RevokeToken { .. }) => "user revoke-token",
            Self::Backup(BackupRequest::Create) => "backup create",
            Self::Backup(BackupRequest::Verify { .. }) => "backup verify",
            Self::Person(PersonRequest::Export { .. }) => "person export",
            Self::Person(PersonRequest::Erase { .. }) => "person erase",
            Self::Key(KeyRequest::Status) => "key status",
            Self::Key(KeyRequest::RotateRoot { .. }) => "key rotate",
            Self::Key(KeyRequest::RenewData) => "key rotate --data-keys",
            Self::Audit(AuditRequest::List { .. }) => "audit list",
            Self::Audit(AuditRequest::Export { .. }) => "audit export",
            Self::Audit(AuditRequest::Lines { .. }) => "audit export, a part",
            Self::Audit(AuditRequest::Verify { .. }) => "audit verify",
            Self::TokenClient(TokenClientRequest::Issue { .. }) => "token-server client issue",
            Self::TokenClient(TokenClientRequest::CreateKey { .. }) => "token-server key create",
            Self::TokenClient(TokenClientRequest::List { .. }) => "token-server client list",
            Self::TokenClient(TokenClientRequest::Remove { .. }) => "token-server client remove",
            Self::TokenClient(TokenClientRequest::Allow { .. }) => "token-server allow",
            Self::Place(PlaceRequest::SetGeofence { .. }) => "app set geofence",
            Self::Place(PlaceRequest::SetServiceArea { .. }) => "app set service-area",
            Self::Place(PlaceRequest::AddPermit { .. }) => "app permit add",
            Self::Place(PlaceRequest::RemovePermit { .. }) => "app permit remove",
            Self::Place(PlaceRequest::CheckEgress { .. }) => "egress check",
            Self::Regions => "region list",
            Self::RegionIdentity => "region identity",
            Self::Retention(RetentionRequest::Show { .. }) => "retention show",
            Self::Retention(RetentionRequest::Set { .. }) => "retention set",
            Self::Retention(RetentionRequest::Receipts(_)) => "retention receipts",
            Self::Doctor => "doctor",
            Self::Residency { .. } => "residency report",
            Self::Checklist { .. } => "checklist",
        }
    }
}

/// About apps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppRequest {
    /// Make one.
    Create {
        /// Its key.
        key: Text<AppKey>,
        /// Where it lives; none: here.
        region: Option<Text<Region>>,
        /// Who may enter.
        auth: Text<AuthPolicy>,
        /// Whether to answer its certificate too.
        reveal: bool,
    },
    /// All of them.
    List,
    /// One of them.
    Show {
        /// Its key.
        key: Text<AppKey>,
        /// Whether to answer its primary certificate too.
        reveal: bool,
    },
    /// Set who may enter.
    SetAuth {
        /// The app.
        key: Text<AppKey>,
        /// Who may.
        auth: Text<AuthPolicy>,
    },
    /// Set the longest life of its tokens.
    SetTokenCap {
        /// The app.
        key: Text<AppKey>,
        /// In seconds.
        seconds: u32,
    },
    /// Set how much it may have.
    SetPlan {
        /// The app.
        key: Text<AppKey>,
        /// The plan.
        plan: Text<Plan>,
        /// It is meant, also if messages are then destroyed sooner.
        #[serde(default)]
        confirm: bool,
    },
    /// Set whether only contacts may write to each other.
    SetFriendsOnly {
        /// The app.
        key: Text<AppKey>,
        /// Whether.
        friends_only: bool,
    },
    /// Set whether what a person said to others stays when that person is erased.
    SetErasedMessages {
        /// The app.
        key: Text<AppKey>,
        /// Whether.
        keep: bool,
    },
    /// Set how long after it was sent a message can be taken back.
    SetRecallWindow {
        /// The app.
        key: Text<AppKey>,
        /// In seconds.
        seconds: u32,
    },
    /// Set how large one attachment may be.
    SetAttachmentBytes {
        /// The app.
        key: Text<AppKey>,
        /// In bytes.
        bytes: u64,
    },
    /// Set how many of a chat room's last messages whoever joins is sent.
    SetRoomHistory {
        /// The app.
        key: Text<AppKey>,
        /// How many.
        messages: u32,
    },
    /// Set how many messages a chat room passes on in a second before it drops some.
    SetRoomRate {
        /// The app.
        key: Text<AppKey>,
        /// How many; 0 for no bound.
        messages: u32,
    },
    /// Set how far ahead the clock of whoever makes its tokens may be.
    SetClockSkew {
        /// The app.
        key: Text<AppKey>,
        /// In seconds.
        seconds: u32,
    },
    /// Set whether tokens of format 006 are taken.
    SetAccepts006 {
        /// The app.
        key: Text<AppKey>,
        /// Whether.
        accepts: bool,
    },
    /// Set whether a signaling token lets its user into class rooms.
    SetAcceptsRtmToken {
        /// The app.
        key: Text<AppKey>,
        /// Whether.
        accepts: bool,
    },
    /// Set from when on the hour counts after which a class room is destroyed.
    SetReleaseAnchor {
        /// The app.
        key: Text<AppKey>,
        /// From when on.
        anchor: Text<ReleaseAnchor>,
    },
    /// Set where events of class rooms are posted to.
    SetClassCallback {
        /// The app.
        key: Text<AppKey>,
        /// Where to; none: nowhere.
        url: Option<Text<Target>>,
    },
    /// Set how many users strangers may register from one address in an hour.
    SetRegistrations {
        /// The app.
        key: Text<AppKey>,
        /// How many.
        per_hour: u32,
    },
    /// Give it a new primary certificate, and answer it; the former one ends after a while.
    RotateCertificate {
        /// The app.
        key: Text<AppKey>,
        /// How long both are good, in seconds.
        overlap_seconds: u32,
    },
    /// Revoke all its tokens that were made up to now, and end its sessions.
    Revoke {
        /// The app.
        key: Text<AppKey>,
    },
    /// Delete it with all that it has.
    Delete {
        /// The app.
        key: Text<AppKey>,
    },
    /// Give it a secondary certificate, and answer it.
    AddCertificate {
        /// The app.
        key: Text<AppKey>,
    },
    /// Let primary and secondary certificate change places.
    SwapCertificates {
        /// The app.
        key: Text<AppKey>,
    },
    /// Take a certificate from it.
    RetireCertificate {
        /// The app.
        key: Text<AppKey>,
        /// Which one.
        slot: Text<CertificateSlot>,
        /// Whether somebody else knows it: then all sessions end that it ever let in.
        #[serde(default)]
        leaked: bool,
    },
    /// Give it a new server certificate; the former one ends after a while.
    RotateServerCertificate {
        /// The app.
        key: Text<AppKey>,
        /// How long tokens of the former one are good, in seconds; none: as long as the app's tokens live at
        /// most, or with `leaked` not at all.
        overlap_seconds: Option<u32>,
        /// Whether somebody else knows it: then all sessions end that it ever let in.
        leaked: bool,
    },
}

/// About places.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceRequest {
    /// Set whether only clients in the service area are served.
    SetGeofence {
        /// The app.
        key: Text<AppKey>,
        /// Whether.
        on: bool,
    },
    /// Set the countries of the service area.
    SetServiceArea {
        /// The app.
        key: Text<AppKey>,
        /// Which; none: those of the region.
        countries: Vec<Text<Country>>,
    },
    /// Let something cross regions.
    AddPermit {
        /// The app.
        key: Text<AppKey>,
        /// What.
        kind: Text<Crossing>,
        /// From there.
        from: Text<Region>,
        /// To there.
        to: Text<Region>,
        /// Up to this moment, in milliseconds since 1970.
        until: u64,
    },
    /// Let it cross no more.
    RemovePermit {
        /// The app.
        key: Text<AppKey>,
        /// What.
        kind: Text<Crossing>,
        /// From there.
        from: Text<Region>,
        /// To there.
        to: Text<Region>,
    },
    /// Call a host as the server would for an app.
    CheckEgress {
        /// The app.
        key: Text<AppKey>,
        /// What for.
        kind: Text<Crossing>,
        /// The URL.
        url: Text<Target>,
    },
}

/// About the users of an app.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRequest {
    /// Make one.
    Create {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
        /// The password; none: tokens only.
        password: Option<SecretText>,
        /// A name for people.
        nickname: Option<String>,
    },
    /// A page of them, in the order of their registration.
    List {
        /// The app.
        app: Text<AppKey>,
        /// Where the page begins, as an earlier one said.
        cursor: Option<String>,
    },
    /// One of them.
    Show {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
    },
    /// Delete one.
    Delete {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
    },
    /// Set a password, which ends the sessions and voids the tokens.
    SetPassword {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
        /// The new password.
        password: SecretText,
    },
    /// Let one in again, or out.
    SetActivated {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
        /// Whether the user may log in.
        activated: bool,
    },
    /// End sessions.
    LogOut {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
        /// Of one device; none: of all.
        device: Option<Text<Resource>>,
    },
    /// Revoke all tokens for class rooms, in a name, that were made up to now, and end what they let in.
    RevokeInClasses {
        /// The app.
        app: Text<AppKey>,
        /// The name in class rooms.
        user: Text<UserUuid>,
    },
    /// Revoke tokens that were made up to now, and end the sessions.
    Revoke {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
        /// Those of one device; none: all of the user's.
        device: Option<Text<Resource>>,
    },
    /// Revoke one token, and end the sessions that it let in or renewed.
    RevokeToken {
        /// The app.
        app: Text<AppKey>,
        /// The token.
        token: SecretText,
    },
}

/// About backups. One is brought back by no server: there is none then.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupRequest {
    /// Make one, and hand it out piece by piece.
    Create,
    /// Read one to its end.
    Verify {
        /// Where it lies, from the root.
        path: PathBuf,
    },
}

/// About all that is kept of one person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonRequest {
    /// Hand it out, piece by piece.
    Export {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
    },
    /// End it.
    Erase {
        /// The app.
        app: Text<AppKey>,
        /// The name.
        user: Text<UserId>,
    },
}

/// About the vault.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRequest {
    /// How it is.
    Status,
    /// Put it under another root key.
    RotateRoot {
        /// The new one; none: as the configuration says.
        new: Option<SecretText>,
    },
    /// Make further data keys for what is being written to.
    RenewData,
}

/// About the audit log. Without an app, the log of the platform is meant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditRequest {
    /// A page of entries, the newest first.
    List {
        /// The app.
        app: Option<Text<AppKey>>,
        /// Only this act.
        act: Option<Text<Act>>,
        /// Only entries before this one.
        before: Option<u64>,
        /// How many at the most.
        limit: usize,
    },
    /// Begin an export: where the chain ends. It is an act of its own.
    Export {
        /// The app.
        app: Option<Text<AppKey>>,
    },
    /// A part of an export.
    Lines {
        /// The app.
        app: Option<Text<AppKey>>,
        /// From behind this entry.
        after: u64,
        /// Up to this one.
        upto: u64,
    },
    /// Verify the chain of an app, or else all of them.
    Verify {
        /// The app.
        app: Option<Text<AppKey>>,
    },
}

/// About the clients of the token server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenClientRequest {
    /// Register one that is known by a certificate, and issue the certificate.
    Issue {
        /// The app that it mints tokens for.
        app: Text<AppKey>,
        /// What it is called.
        name: Text<ClientName>,
        /// The public half of its key pair.
        public_key: Text<ClientKey>,
        /// How long the certificate is good.
        days: u32,
        /// From where it may call; none: from anywhere.
        addresses: Vec<Text<AddressRange>>,
    },
    /// Register one that is known by a key, and answer the key.
    CreateKey {
        /// The app.
        app: Text<AppKey>,
        /// What it is called.
        name: Text<ClientName>,
        /// From where it may call.
        addresses: Vec<Text<AddressRange>>,
    },
    /// All of them, or those of one app.
    List {
        /// The app.
        app: Option<Text<AppKey>>,
    },
    /// Remove one.
    Remove {
        /// The app.
        app: Text<AppKey>,
        /// What it is called.
        name: Text<ClientName>,
    },
    /// Set from where one may call.
    Allow {
        /// The app.
        app: Text<AppKey>,
        /// What it is called.
        name: Text<ClientName>,
        /// From where.
        addresses: Vec<Text<AddressRange>>,
    },
}

/// About how long things are kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionRequest {
    /// How long each class of data is kept, of one app or of all.
    Show {
        /// The app.
        app: Option<Text<AppKey>>,
    },
    /// Set how long messages are kept.
    Set {
        /// The app.
        app: Text<AppKey>,
        /// How long.
        messages: Text<KeepMessages>,
        /// It is meant, also if messages are then destroyed sooner.
        confirm: bool,
    },
    /// About the receipts of what was destroyed.
    Receipts(ReceiptsRequest),
}

/// About the receipts of what was destroyed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptsRequest {
    /// A page of them, in order.
    Page {
        /// From behind this number.
        after: u64,
    },
    /// Where they end, signed, and the key to check them by.
    End,
    /// The last ones, the newest first.
    Last {
        /// Of this app; none: of all.
        app: Option<Text<AppKey>>,
        /// How many at the most.
        most: usize,
    },
}
