//! How answers are printed: as text for people, or with `--json` for programs.
//!
//! Everything that a command has to say goes through here, so that no command has a shape of its own.
//! One answer is one JSON object on one line; lists are one object a line.

use std::io::{self, Write};

use serde::Serialize;
use stoa_audit::{Name, Recorded};

use crate::admin::{
    AppView, BackupView, CertificateView, ChainView, Check, ClassInventory, EgressCheckView,
    Inventory, KeyStatus, Level, PermitView, ReceiptView, RetentionView, RootRotation,
    TokenClientView, UserView,
};
use crate::failure::{Failure, Problem};
use crate::moment;
pub(super) use crate::moment::utc as date;

/// Where answers go, and in which form.
pub struct Output<'a> {
    /// Whether programs read it.
    pub json: bool,
    out: &'a mut dyn Write,
}

impl<'a> Output<'a> {
    /// Answers to `out`.
    pub fn new(json: bool, out: &'a mut dyn Write) -> Self {
        Self { json, out }
    }

    /// Prints `value` as JSON, or what `text` says of it.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn put<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let line = if self.json {
            serde_json::to_string(value).map_err(|error| unwritten(error.into()))?
        } else {
            text(value)
        };
        self.line(&line)
    }

    /// Prints a text that is the same for people and programs.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(unwritten)
    }

    /// Prints a text as it is.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(unwritten)
    }
}

/// Writes to standard output fail when the reader has gone away.
pub(super) fn unwritten(source: io::Error) -> Failure {
    Failure::Io { what: "write the answer".into(), source }
}

/// Tells whoever typed the command something that is not its answer.
pub(super) fn say(text: &str) {
    // Nothing is left to tell it with, when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells why a command failed, as text or for programs.
pub(super) fn say_failure(problem: &Problem, json: bool) {
    if !json {
        return say(&format!("error: {}", problem.message));
    }
    let object = serde_json::json!({ "error": {
        "exitCode": problem.exit.code(),
        "exit": problem.exit,
        "kind": problem.kind,
        "message": problem.message,
    }});
    say(&object.to_string());
}

fn moment(at: Option<u64>) -> String {
    at.map_or_else(|| "none".into(), date)
}

/// Names and values under each other.
fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let rows = rows.iter().map(|(name, value)| format!("{name:width$}  {value}"));
    rows.collect::<Vec<_>>().join("\n")
}

pub(super) fn app(app: &AppView) -> String {
    let slots: Vec<_> = app.certificates.iter().map(|c| c.slot.as_str()).collect();
    let servers = app.server_certificates.iter().map(|c| match c.retires {
        Some(at) => format!("{} until {}", c.slot, date(at)),
        None => format!("{}, made {}", c.slot, date(c.created)),
    });
    let servers: Vec<_> = servers.collect();
    table(&[
        ("app key", app.app_key.clone()),
        ("App ID", app.app_id.clone()),
        ("region", app.region.clone()),
        ("auth", app.auth.clone()),
        ("token cap", format!("{} s", app.token_cap_seconds)),
        ("clock skew", format!("{} s", app.clock_skew_seconds)),
        ("tokens 006", if app.accepts_006 { "taken" } else { "refused" }.into()),
        ("rtm tokens in class", if app.accepts_rtm_token { "taken" } else { "refused" }.into()),
        ("class destroyed", format!("an hour after its {}", app.release_anchor)),
        ("class callback", app.class_callback.clone().unwrap_or_else(|| "off".into())),
        ("registrations", format!("{} an hour from one address", app.registrations_per_hour)),
        ("revoked until", moment(app.revoked_until)),
        ("plan", app.plan.clone()),
        ("messages kept", kept(&app.messages_kept)),
        ("friends only", if app.friends_only { "yes" } else { "no" }.into()),
        ("erased messages", app.erased_messages.clone()),
        ("recall window", format!("{} s", app.recall_window_seconds)),
        ("max attachment", format!("{} bytes", app.max_attachment_bytes)),
        ("room history", format!("{} messages", app.room_history)),
        (
            "room rate",
            match app.room_rate {
                0 => "no bound".into(),
                rate => format!("{rate} messages/s"),
            },
        ),
        ("geofence", if app.geofence { "on" } else { "off" }.into()),
        (
            "service area",
            app.service_area.as_ref().map_or("that of the region".into(), |area| area.join(", ")),
        ),
        ("permits", app.permits.len().to_string()),
        ("certificates", slots.join(", ")),
        ("server certificate", servers.join(", ")),
        ("created", date(app.created)),
    ])
}

fn kept(setting: &str) -> String {
    match setting {
        "plan" => "as long as the plan says".into(),
        "older-plan" => "as long as the older table of plans says".into(),
        days => format!("{days} days"),
    }
}

fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds % 86_400) {
        (days, 0) if days > 0 => format!("{days} d"),
        _ => format!("{} h", seconds / 3600),
    }
}

pub(super) fn retention_line(view: &RetentionView) -> String {
    let mut words = vec![
        view.app.clone(),
        view.class.clone(),
        format!(
            "{} after it was {}",
            span(view.seconds),
            match &*view.since {
                "unused" => "used last",
                "ended" => "ended",
                _ => "stored",
            }
        ),
        format!("{} keys", view.keys),
    ];
    words.extend(view.setting.as_deref().map(|setting| format!("set: {}", kept(setting))));
    if let (Some(seconds), Some(from)) = (view.pending_seconds, view.pending_from) {
        words.push(format!("SHORTER: {} from {} on", span(seconds), date(from)));
    }
    if let (Some(oldest), Some(next)) = (view.oldest_day, view.next_destruction) {
        words.push(format!("oldest day {}, destroyed {}", moment::day(oldest), date(next)));
    }
    words.join("\t")
}

pub(super) fn receipt_line(receipt: &ReceiptView) -> String {
    let covered = match (&*receipt.covered, u32::try_from(receipt.bucket)) {
        ("day", Ok(day)) => format!("day {}", moment::day(day)),
        ("month", Ok(month)) => format!("month {}-{:02}", 1970 + month / 12, month % 12 + 1),
        ("object", _) => format!("object {}", receipt.object),
        (covered, _) => covered.to_owned(),
    };
    let ReceiptView { number, act, app, class_name, records, key_count, .. } = receipt;
    format!(
        "receipt {number}\t{}\t{act}\tapp {app}\t{class_name}\t{covered}\t{key_count} keys\t{records} records",
        date(receipt.time)
    )
}

pub(super) fn certificate_line(certificate: &CertificateView) -> String {
    let CertificateView { slot, fingerprint, created, retires } = certificate;
    let until = retires.map_or_else(String::new, |at| format!("\tends {}", date(at)));
    format!("{slot}\t{fingerprint}\tmade {}{until}", date(*created))
}

pub(super) fn permit_line(permit: &PermitView) -> String {
    let PermitView { kind, from, to, until } = permit;
    format!("{kind}\t{from} to {to}\tuntil {}", date(*until))
}

pub(super) fn egress_check(check: &EgressCheckView) -> String {
    let EgressCheckView { url, status, address, region, reason, .. } = check;
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    match reason {
        Some(reason) => format!("refused\t{url}\n{reason}"),
        None => format!(
            "reached\t{url}\tstatus {}\t{}\tregion {}",
            status.unwrap_or_default(),
            said(address),
            said(region)
        ),
    }
}

pub(super) fn app_line(app: &AppView) -> String {
    format!("{}\t{}\t{}\t{}", app.app_key, app.app_id, app.region, app.auth)
}

const fn state(user: &UserView) -> &'static str {
    if user.activated { "active" } else { "deactivated" }
}

pub(super) fn user(user: &UserView) -> String {
    table(&[
        ("user", user.username.clone()),
        ("uuid", user.uuid.clone()),
        ("state", state(user).into()),
        ("nickname", user.nickname.clone().unwrap_or_else(|| "-".into())),
        ("devices online", user.devices_online.to_string()),
        ("created", date(user.created)),
        ("modified", date(user.modified)),
    ])
}

pub(super) fn user_line(user: &UserView) -> String {
    format!("{}\t{}\t{}", user.username, user.uuid, state(user))
}

fn places(client: &TokenClientView) -> String {
    match (&*client.addresses, &*client.credential) {
        ([], "certificate") => "anywhere".into(),
        ([], _) => "nowhere".into(),
        (ranges, _) => ranges.join(", "),
    }
}

pub(super) fn token_client(client: &TokenClientView) -> String {
    let mut rows = vec![
        ("client", client.name.clone()),
        ("app key", client.app_key.clone()),
        ("known by", client.credential.clone()),
    ];
    if let Some(fingerprint) = &client.fingerprint {
        rows.push(("SHA-256", fingerprint.clone()));
    }
    if let Some(until) = client.until {
        rows.push(("until", date(until)));
    }
    rows.push(("may call from", places(client)));
    rows.push(("created", date(client.created)));
    table(&rows)
}

pub(super) fn token_client_line(client: &TokenClientView) -> String {
    let until = client.until.map_or_else(|| "-".into(), date);
    let TokenClientView { app_key, name, credential, .. } = client;
    format!("{app_key}\t{name}\t{credential}\t{until}\t{}", places(client))
}

pub(super) fn keys(keys: &KeyStatus) -> String {
    let directories: Vec<_> =
        keys.directories.iter().map(|dir| dir.display().to_string()).collect();
    let mut rows = vec![
        ("vault", keys.vault.clone()),
        ("directories", directories.join(", ")),
        ("root key", format!("{} (fingerprint), from {}", keys.root_key, keys.root_key_source)),
        ("life", keys.life.to_string()),
        ("generation", keys.generation.to_string()),
        ("pages", keys.pages.to_string()),
        ("journal entries", keys.journal_entries.to_string()),
        ("data keys", keys.data_keys.to_string()),
    ];
    let names: Vec<_> = keys.classes.iter().map(|class| format!("  {}", class.name)).collect();
    let of_classes = names.iter().zip(&keys.classes);
    rows.extend(of_classes.map(|(name, class)| (name.as_str(), class.keys.to_string())));
    rows.extend([
        ("blinding keys", keys.blinding_keys.to_string()),
        ("newest data key", moment(keys.newest_key)),
        ("last destruction", format!("{} (since the start)", moment(keys.last_destruction))),
    ]);
    if let Some(stopped) = &keys.stopped {
        rows.push(("STOPPED", stopped.clone()));
    }
    table(&rows)
}

pub(super) fn rotation(rotation: &RootRotation) -> String {
    let mut rows = vec![
        ("opens nothing any more", rotation.before.clone()),
        ("opens the vault", rotation.root_key.clone()),
    ];
    if let Some(file) = &rotation.written_to {
        rows.push(("written to", file.display().to_string()));
    }
    rows.push(("next", rotation.next.clone()));
    table(&rows)
}

pub(super) fn audit_entry(entry: &Recorded) -> String {
    let name = |name: &Name| match name {
        Name::Name(name) => name.clone(),
        Name::Erased => "(erased)".into(),
        Name::NotKept => "(unknown)".into(),
    };
    let mut words = vec![
        entry.number.to_string(),
        moment(Some(entry.time)),
        entry.act.clone(),
        entry.actor.clone(),
    ];
    words.extend(entry.actor_name.as_ref().map(name));
    words.extend(entry.subject.as_ref().map(|subject| format!("on {}", name(subject))));
    words.extend(entry.site.as_ref().map(|site| format!("from {site}")));
    words.push(entry.outcome.clone());
    let reason = Some(&entry.reason).filter(|reason| !reason.is_empty());
    words.extend(reason.map(|reason| format!("({reason})")));
    let details = entry.details.iter();
    words.extend(details.map(|detail| format!("{}={}", detail.name, detail.value)));
    if entry.count > 1 {
        words.push(format!("{} times", entry.count));
    }
    if entry.missed > 0 {
        words.push(format!("[{} entries before it could not be written]", entry.missed));
    }
    let line = words.join("  ");
    // Some of it came from strangers, and this may be a terminal.
    line.chars().filter(|character| !character.is_control()).collect()
}

/// A backup, and what is in it.
pub(super) fn backup(backup: &BackupView) -> String {
    table(&[
        ("backup", backup.backup.clone()),
        ("of", date(backup.created)),
        ("vault", backup.vault.clone()),
        ("rows", backup.rows.to_string()),
        ("files", backup.files.to_string()),
        ("bytes", backup.bytes.to_string()),
        ("destroyed since", backup.destroyed.to_string()),
    ])
}

/// What there is of a person, class by class.
pub(super) fn inventory(inventory: &Inventory) -> String {
    let line = |class: &ClassInventory| {
        let records: u64 = class.spaces.iter().map(|space| space.records).sum();
        let spaces = class.spaces.iter().filter(|space| space.records > 0);
        let spaces: Vec<_> = spaces.map(|s| format!("{} {}", s.records, s.space)).collect();
        let spaces =
            if spaces.is_empty() { String::new() } else { format!(": {}", spaces.join(", ")) };
        format!("{}\t{records} records{spaces}", class.name)
    };
    let mut lines: Vec<_> = inventory.classes.iter().map(line).collect();
    lines.push(format!("all\t{} records, {} files", inventory.records, inventory.files));
    lines.join("\n")
}

pub(super) fn audit_chain(chain: &ChainView) -> String {
    let whose = chain.app.as_deref().unwrap_or("platform");
    match (&chain.problem, &chain.hash) {
        (Some(problem), _) => format!("{whose}: BROKEN: {problem}"),
        (None, hash) => {
            let number = |number: Option<u64>| number.unwrap_or_default();
            let (entries, hash) = (number(chain.entries), hash.as_deref().unwrap_or_default());
            let (first, last) = (number(chain.first), number(chain.last));
            if entries == 0 {
                return format!("{whose}: whole, no entries (the last was {last}), head {hash}");
            }
            format!("{whose}: whole, {entries} entries ({first} to {last}), head {hash}")
        }
    }
}

pub(super) fn check(check: &Check) -> String {
    let level = match check.level {
        Level::Ok => "ok     ",
        Level::Warning => "warning",
        Level::Failure => "FAILURE",
    };
    let advice = check.advice.as_ref().map(|advice| format!("\n         -> {advice}"));
    format!("{level}  {}: {}{}", check.check, check.found, advice.unwrap_or_default())
}
