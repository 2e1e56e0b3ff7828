//! What is written into the audit log of what an operator asks for: whatever changes something or
//! shows a secret, whether it is done or refused.

use stoa_audit::{Act, Actor, Entry, Outcome};
use stoa_console::ClientName;
use stoa_core::{AppKey, Operator, UserId};
use stoa_store::StoreError;

use super::{
    Answer, AppRequest, AppView, AuditRequest, BackupRequest, KeyRequest, PersonRequest,
    PlaceRequest, Request, RetentionRequest, Text, TokenClientRequest, UserRequest,
    erased_messages,
};
use crate::failure::{Exit, Failure, explain};
use crate::node::Node;

/// What was asked for, until it is known what came of it.
pub(super) struct Witness {
    /// Whose log; none: the platform's.
    app: Option<AppKey>,
    entry: Entry,
}

impl Witness {
    /// What is to be written of a request; nothing of one that only reads.
    pub(super) fn of(node: &Node, request: &Request) -> Option<Self> {
        match request {
            Request::App(request) => Self::of_app(node, request),
            Request::User(request) => Self::of_user(request),
            Request::Backup(BackupRequest::Create) => Some(Self::platform(Act::BackupCreated)),
            Request::Person(request) => Some(Self::of_person(request)),
            Request::TokenClient(request) => Self::of_token_client(request),
            Request::Place(request) => Self::of_place(node, request),
            Request::Retention(RetentionRequest::Show { .. } | RetentionRequest::Receipts(_)) => {
                None
            }
            Request::Retention(RetentionRequest::Set { app, messages: Text(keep), .. }) => {
                Self::of_setting(
                    node,
                    app,
                    "messages-kept",
                    |app| app.messages_kept,
                    keep.to_string(),
                )
            }
            Request::Key(KeyRequest::Status) => None,
            Request::Key(KeyRequest::RotateRoot { .. }) => Some(Self::platform(Act::RootRotated)),
            Request::Key(KeyRequest::RenewData) => Some(Self::platform(Act::DataKeysRenewed)),
            Request::Audit(AuditRequest::Export { app }) => {
                let app = app.as_ref().map(|Text(key)| key.clone());
                Some(Self { app, ..Self::platform(Act::AuditExported) })
            }
            Request::Residency { app } => {
                let app = app.as_ref().map(|Text(key)| key.clone());
                Some(Self { app, ..Self::platform(Act::ResidencyReported) })
            }
            // The parts follow the export that was begun.
            Request::Audit(
                AuditRequest::List { .. }
                | AuditRequest::Lines { .. }
                | AuditRequest::Verify { .. },
            )
            | Request::Regions
            | Request::RegionIdentity
            | Request::Backup(BackupRequest::Verify { .. })
            | Request::Doctor
            | Request::Checklist { .. } => None,
        }
    }

    fn of_app(node: &Node, request: &AppRequest) -> Option<Self> {
        let set = |key: &Text<AppKey>, setting: &str, old: fn(AppView) -> String, new| {
            Self::of_setting(node, key, setting, old, new)
        };
        match request {
            AppRequest::List | AppRequest::Show { reveal: false, .. } => None,
            AppRequest::Create { key: Text(key), region, auth: Text(auth), .. } => {
                let region = region.as_ref().map_or(node.console.region(), |Text(region)| *region);
                let created = Self::platform(Act::AppCreated).with("app", key.to_string());
                Some(created.with("region", region.name()).with("auth", auth.name()))
            }
            AppRequest::Show { key: Text(key), reveal: true } => {
                Some(Self::app(key, Act::CertificateShown).with("slot", "primary"))
            }
            AppRequest::SetAuth { key, auth: Text(auth) } => {
                set(key, "auth", |app| app.auth, auth.name().into())
            }
            AppRequest::SetTokenCap { key, seconds } => {
                set(key, "token-cap", |app| app.token_cap_seconds.to_string(), seconds.to_string())
            }
            AppRequest::SetPlan { key, plan: Text(plan), .. } => {
                set(key, "plan", |app| app.plan, plan.name.into())
            }
            AppRequest::SetFriendsOnly { key, friends_only } => set(
                key,
                "friends-only",
                |app| app.friends_only.to_string(),
                friends_only.to_string(),
            ),
            AppRequest::SetErasedMessages { key, keep } => {
                let new = erased_messages(*keep).into();
                set(key, "erased-messages", |app| app.erased_messages, new)
            }
            AppRequest::SetRecallWindow { key, seconds } => {
                let old = |app: AppView| app.recall_window_seconds.to_string();
                set(key, "recall-window", old, seconds.to_string())
            }
            AppRequest::SetAttachmentBytes { key, bytes } => {
                let old = |app: AppView| app.max_attachment_bytes.to_string();
                set(key, "max-attachment-bytes", old, bytes.to_string())
            }
            AppRequest::SetRoomHistory { key, messages } => {
                set(key, "room-history", |app| app.room_history.to_string(), messages.to_string())
            }
            AppRequest::SetRoomRate { key, messages } => {
                set(key, "room-rate", |app| app.room_rate.to_string(), messages.to_string())
            }
            AppRequest::AddCertificate { key: Text(key) } => {
                Some(Self::app(key, Act::CertificateAdded))
            }
            AppRequest::SwapCertificates { key: Text(key) } => {
                Some(Self::app(key, Act::CertificateRotated))
            }
            AppRequest::RotateCertificate { key: Text(key), overlap_seconds } => {
                let rotated = Self::app(key, Act::CertificateRotated);
                Some(rotated.with("overlap", overlap_seconds.to_string()))
            }
            AppRequest::RetireCertificate { key: Text(key), slot: Text(slot), leaked } => {
                let retired = Self::app(key, Act::CertificateRetired).with("slot", slot.name());
                Some(retired.with("leaked", leaked.to_string()))
            }
            AppRequest::RotateServerCertificate { key: Text(key), overlap_seconds, leaked } => {
                let rotated = Self::app(key, Act::ServerCertificateRotated);
                let overlap = match (overlap_seconds, leaked) {
                    (None, false) => "token-cap".into(),
                    (seconds, _) => seconds.unwrap_or_default().to_string(),
                };
                Some(rotated.with("overlap", overlap).with("leaked", leaked.to_string()))
            }
            AppRequest::SetClockSkew { key, seconds } => {
                let old = |app: AppView| app.clock_skew_seconds.to_string();
                set(key, "clock-skew", old, seconds.to_string())
            }
            AppRequest::SetAccepts006 { key, accepts } => {
                set(key, "accept-006", |app| app.accepts_006.to_string(), accepts.to_string())
            }
            AppRequest::SetAcceptsRtmToken { key, accepts } => {
                let old = |app: AppView| app.accepts_rtm_token.to_string();
                set(key, "accept-rtm-token", old, accepts.to_string())
            }
            AppRequest::SetReleaseAnchor { key, anchor: Text(anchor) } => {
                set(key, "release-anchor", |app| app.release_anchor, anchor.name().to_owned())
            }
            AppRequest::SetClassCallback { key, url } => {
                let off = "off".to_owned();
                let new = url.as_ref().map_or(off, |Text(target)| target.to_string());
                let old = |app: AppView| app.class_callback.unwrap_or_else(|| "off".into());
                set(key, "class-callback", old, new)
            }
            AppRequest::SetRegistrations { key, per_hour } => {
                let old = |app: AppView| app.registrations_per_hour.to_string();
                set(key, "registrations-per-hour", old, per_hour.to_string())
            }
            AppRequest::Revoke { key: Text(key) } => Some(Self::app(key, Act::AppRevoked)),
            // What is its own goes with it.
            AppRequest::Delete { key: Text(key) } => {
                Some(Self::platform(Act::AppDeleted).with("app", key.to_string()))
            }
        }
    }

    /// A setting, with what it was and what it is to be.
    fn of_setting(
        node: &Node,
        Text(key): &Text<AppKey>,
        setting: &str,
        old: fn(AppView) -> String,
        new: String,
    ) -> Option<Self> {
        let mut witness = Self::app(key, Act::AppSet).with("setting", setting);
        if let Ok(before) = node.app(key) {
            witness = witness.with("from", old(AppView::from(&*before)));
        }
        Some(witness.with("to", new))
    }

    fn of_user(request: &UserRequest) -> Option<Self> {
        let on = |Text(app): &Text<AppKey>, Text(user): &Text<UserId>, act| {
            let Self { app, entry } = Self::app(app, act);
            Some(Self { app, entry: entry.on(user.clone()) })
        };
        match request {
            UserRequest::List { .. } | UserRequest::Show { .. } => None,
            UserRequest::Create { app, user, .. } => on(app, user, Act::UserCreated),
            UserRequest::Delete { app, user } => on(app, user, Act::UserDeleted),
            UserRequest::SetPassword { app, user, .. } => on(app, user, Act::PasswordSet),
            UserRequest::SetActivated { app, user, activated: true } => {
                on(app, user, Act::UserActivated)
            }
            UserRequest::SetActivated { app, user, activated: false } => {
                on(app, user, Act::UserDeactivated)
            }
            UserRequest::LogOut { app, user, .. } => on(app, user, Act::UserLoggedOut),
            UserRequest::Revoke { app, user, device: None } => on(app, user, Act::UserRevoked),
            UserRequest::Revoke { app, user, device: Some(_) } => on(app, user, Act::DeviceRevoked),
            // By the name that it has in chat.
            UserRequest::RevokeInClasses { app, user: Text(user) } => {
                on(app, &Text(user.chat_user()), Act::UserRevoked)
            }
            UserRequest::RevokeToken { app: Text(app), .. } => {
                Some(Self::app(app, Act::TokenRevoked))
            }
        }
    }

    fn of_place(node: &Node, request: &PlaceRequest) -> Option<Self> {
        let crossing = |Text(key): &Text<AppKey>, act, kind: &str, from: &str, to: &str| {
            let crossing = Self::app(key, act).with("kind", kind);
            crossing.with("from", from).with("to", to)
        };
        let set = |Text(key): &Text<AppKey>, setting: &str, old: fn(AppView) -> String, new| {
            let mut witness = Self::app(key, Act::AppSet).with("setting", setting);
            if let Ok(before) = node.app(key) {
                witness = witness.with("from", old(AppView::from(&*before)));
            }
            witness.with("to", new)
        };
        Some(match request {
            PlaceRequest::SetGeofence { key, on } => {
                set(key, "geofence", |app| app.geofence.to_string(), on.to_string())
            }
            PlaceRequest::SetServiceArea { key, countries } => {
                let old = |app: AppView| area(&app.service_area.unwrap_or_default());
                let new: Vec<_> =
                    countries.iter().map(|Text(country)| country.to_string()).collect();
                set(key, "service-area", old, area(&new))
            }
            PlaceRequest::AddPermit {
                key,
                kind: Text(kind),
                from: Text(from),
                to: Text(to),
                until,
            } => {
                let added = crossing(key, Act::PermitAdded, kind.name(), from.name(), to.name());
                added.with("until", until.to_string())
            }
            PlaceRequest::RemovePermit {
                key,
                kind: Text(kind),
                from: Text(from),
                to: Text(to),
            } => crossing(key, Act::PermitRemoved, kind.name(), from.name(), to.name()),
            PlaceRequest::CheckEgress { key: Text(key), kind: Text(kind), url: Text(url) } => {
                let checked = Self::app(key, Act::EgressChecked).with("kind", kind.name());
                // The path may hold a secret of the app's.
                checked.with("host", url.host.to_string())
            }
        })
    }

    fn of_person(request: &PersonRequest) -> Self {
        let (Text(app), Text(user), act) = match request {
            PersonRequest::Export { app, user } => (app, user, Act::PersonExported),
            PersonRequest::Erase { app, user } => (app, user, Act::PersonErased),
        };
        let Self { app, entry } = Self::app(app, act);
        Self { app, entry: entry.on(user.clone()) }
    }

    fn of_token_client(request: &TokenClientRequest) -> Option<Self> {
        let on = |Text(app): &Text<AppKey>, Text(name): &Text<ClientName>, act| {
            Some(Self::app(app, act).with("client", name.as_str()))
        };
        match request {
            TokenClientRequest::List { .. } => None,
            TokenClientRequest::Issue { app, name, days, .. } => {
                let added = on(app, name, Act::ClientAdded)?;
                Some(added.with("proof", "certificate").with("days", days.to_string()))
            }
            TokenClientRequest::CreateKey { app, name, .. } => {
                on(app, name, Act::ClientAdded).map(|added| added.with("proof", "key"))
            }
            TokenClientRequest::Remove { app, name } => on(app, name, Act::ClientRemoved),
            TokenClientRequest::Allow { app, name, addresses } => {
                let changed = on(app, name, Act::ClientChanged)?;
                Some(changed.with("ranges", addresses.len().to_string()))
            }
        }
    }

    fn platform(act: Act) -> Self {
        Self { app: None, entry: Entry::new(Actor::Operator, act) }
    }

    fn app(key: &AppKey, act: Act) -> Self {
        Self { app: Some(key.clone()), ..Self::platform(act) }
    }

    fn with(self, name: &str, value: impl Into<String>) -> Self {
        Self { entry: self.entry.detail(name, value), ..self }
    }

    /// Writes it down with what came of it, which is the answer.
    pub(super) async fn record(
        self,
        node: &Node,
        outcome: Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let Self { app, entry } = self;
        let entry = entry.outcome(outcome.as_ref().map_or_else(refusal, |_| Outcome::Done));
        match (write(node, app, entry).await, outcome) {
            (Ok(()), outcome) => outcome,
            (Err(error), Ok(_)) => Err(Failure::Unknown(format!(
                "it was done, but could not be written into the audit log: {}",
                explain(&error)
            ))),
            (Err(error), Err(failure)) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a refusal could not be written into the audit log");
                Err(failure)
            }
        }
    }
}

/// Countries, as the log tells of them.
fn area(countries: &[String]) -> String {
    if countries.is_empty() { "region".into() } else { countries.join(",") }
}

async fn write(node: &Node, app: Option<AppKey>, entry: Entry) -> Result<(), StoreError> {
    let operator = Operator::of_this_process();
    let Some(key) = app else { return node.audit.record_platform(&operator, entry).await };
    match node.app(&key) {
        Ok(app) => node.audit.record(&operator.in_app(app), entry).await,
        // It has no log, as it is none.
        Err(_) => node.audit.record_platform(&operator, entry.detail("app", key.to_string())).await,
    }
}

/// How the log tells why something was not done: what is said here names no user.
fn refusal(failure: &Failure) -> Outcome {
    let reason = match failure {
        Failure::Refused(_) | Failure::Console(_) => failure.to_string(),
        Failure::Chat(error) if matches!(error, stoa_chat::Error::UnknownUser) => error.to_string(),
        _ => failure.kind().to_owned(),
    };
    match failure.exit() {
        Exit::Unknown => Outcome::Unknown(reason.into()),
        Exit::No | Exit::Usage => Outcome::Refused(reason.into()),
        Exit::Done | Exit::InUse | Exit::Failed => Outcome::Failed(reason.into()),
    }
}
