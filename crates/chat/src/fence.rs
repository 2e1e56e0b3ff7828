//! Geofences: clients of an app are served where its owner says, by the country of their network.
//!
//! Asked at both doors before anything else, and again for open sessions when what was decided or what is
//! known of addresses has changed. Refusals are counted by country; no address is written down. That a permission to
//! cross regions lets in somebody for the first time stands in the audit log.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_audit::{Act, Actor, Entry, Query, Recorded, Refused};
use stoa_bus::Topic;
use stoa_core::{
    App, AppNumber, AppScope, Countries, Country, Crossing, Permit, Region, Timestamp, Visitor,
    limits,
};
use stoa_metrics::fence::{ENDED, REFUSED, Refused as Counted};

use crate::entry::{KickReason, Which};
use crate::{Chat, Error};

/// What open sessions were last judged by.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    /// Of what is known of addresses.
    generation: u64,
    /// From where clients may come besides the service area.
    permitted: Vec<Region>,
}

/// What is known of places.
pub(crate) struct Fences {
    countries: Arc<dyn Countries>,
    judged: Mutex<HashMap<AppNumber, Judged>>,
    /// Permissions that have let somebody in.
    used: Mutex<HashSet<(AppNumber, Permit)>>,
}

impl Default for Fences {
    /// Nothing is known: whoever has a geofence lets nobody in.
    fn default() -> Self {
        Self { countries: Arc::new(()), judged: Mutex::default(), used: Mutex::default() }
    }
}

impl Fences {
    fn country(&self, address: Option<IpAddr>) -> Option<Country> {
        address.and_then(|address| self.countries.country(address))
    }
}

impl Chat {
    /// With what is known of where addresses are.
    #[must_use]
    pub fn with_countries(self, countries: Arc<dyn Countries>) -> Self {
        Self { fences: Fences { countries, ..Fences::default() }, ..self }
    }

    /// Lets a client at `address` come to `app`, as its owner has decided by now. An address that is not
    /// known, or of which no country is known, is outside of every geofence.
    ///
    /// # Errors
    /// [`Error::Outside`], which is counted.
    pub fn admit_from(&self, app: &Arc<App>, address: Option<IpAddr>) -> Result<(), Error> {
        if !app.place.geofence {
            return Ok(());
        }
        let (country, now) = (self.fences.country(address), self.shared.clock.now());
        if app.place.admits(app.region, country, now) {
            if let Some(permit) = app.place.permit_behind(app.region, country, now) {
                self.note_use(app, permit);
            }
            return Ok(());
        }
        REFUSED.of(if country.is_some() { Counted::Outside } else { Counted::Unknown }).inc();
        if let Some(audit) = &self.audit {
            let name = country.map_or_else(|| "unknown".into(), |country| country.to_string());
            let reason = format!("country {name}");
            let refused = Refused::new(Actor::Stranger, Act::GeofenceRefused, reason);
            audit.refused(&Visitor::of(app.clone()), refused);
        }
        Err(Error::Outside { country })
    }

    /// Writes down that a permission lets in somebody for the first time.
    fn note_use(&self, app: &Arc<App>, permit: &Permit) {
        let is_first = self.fences.used.lock().insert((app.number, *permit));
        let Some(audit) = self.audit.as_ref().filter(|_| is_first) else { return };
        let Permit { kind, from, to, until } = permit;
        let entry = Entry::new(Actor::Stranger, Act::PermitUsed).detail("kind", kind.name());
        let entry = entry.detail("from", from.name()).detail("to", to.name());
        let entry = entry.detail("until", until.as_millis().to_string());
        audit.note(&Visitor::of(app.clone()), entry);
    }

    /// Reads in the audit log of the app of `scope` which of its permissions have let somebody in already. To be called
    /// for each app before anybody is let in. Answers how many have.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn load_permit_uses(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let (app, Some(audit)) = (scope.app(), &self.audit) else { return Ok(0) };
        let (mut open, mut used) = (app.place.permits.clone(), 0);
        open.retain(|permit| permit.kind == Crossing::Messages);
        let mut query = Query { limit: limits::AUDIT_PAGE, ..Query::default() };
        while !open.is_empty() {
            // The newest first: what was written of an earlier permission of that kind is not about this one.
            let page = audit.of(scope).await?.page(&query).await?;
            for entry in &page.entries {
                let was_used = entry.act == Act::PermitUsed.name();
                if !was_used && entry.act != Act::PermitAdded.name() {
                    continue;
                }
                for permit in open.extract_if(.., |permit| is_about(entry, permit)) {
                    if was_used {
                        used += 1;
                        self.fences.used.lock().insert((app.number, permit));
                    }
                }
            }
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        Ok(used)
    }

    /// What the app's owner permits no more has let in nobody, if it is permitted again.
    pub(crate) fn forget_permits(&self, app: &App) {
        let stands = |permit: &Permit| app.place.permits.contains(permit);
        self.fences.used.lock().retain(|(number, permit)| *number != app.number || stands(permit));
    }

    /// As [`Self::admit_from`]. Answers whether the client is let in by a permission to cross regions alone.
    ///
    /// # Errors
    /// As [`Self::admit_from`].
    pub fn crosses_from(&self, app: &Arc<App>, address: Option<IpAddr>) -> Result<bool, Error> {
        self.admit_from(app, address)?;
        Ok(app.place.crosses(app.region, self.fences.country(address)))
    }

    /// Whether whoever is at `address` would be let in; nothing is counted.
    pub fn is_admitted_from(&self, app: &App, address: Option<IpAddr>) -> bool {
        !app.place.geofence || {
            let country = self.fences.country(address);
            app.place.admits(app.region, country, self.shared.clock.now())
        }
    }

    /// Ends the sessions of a user that would not be let in any more from where they are.
    pub(crate) fn judge_places(&self, app: &App, topic: &Topic) {
        if !app.place.geofence {
            return;
        }
        let now = self.shared.clock.now();
        for (session, address) in self.shared.online.addresses_of(topic) {
            if app.place.admits(app.region, self.fences.country(address), now) {
                continue;
            }
            ENDED.inc();
            let which = Which::Session(session);
            self.shared.kick(topic.app, &topic.user, which, KickReason::Outside, "");
        }
    }

    /// Ends sessions of `apps` (all there are) that are outside a geofence by now, because a permission has
    /// ended or more is known of addresses. To be called at least every second; what an owner changes holds
    /// at once ([`Self::app_changed`]).
    pub fn keep_fences(&self, apps: &[Arc<App>]) {
        let (now, generation) = (self.shared.clock.now(), self.fences.countries.generation());
        for app in apps.iter().filter(|app| app.place.geofence) {
            let judged = Judged { generation, permitted: permitted(app, now) };
            if self.fences.judged.lock().get(&app.number) == Some(&judged) {
                continue;
            }
            // Whoever is just coming in is asked again.
            self.shared.cuts.next_epoch();
            for topic in self.shared.online.topics_of(app.number) {
                self.judge_places(app, &topic);
            }
            self.fences.judged.lock().insert(app.number, judged);
        }
        let fenced =
            |number: &AppNumber| apps.iter().any(|app| app.number == *number && app.place.geofence);
        self.fences.judged.lock().retain(|number, _| fenced(number));
    }
}

/// From where clients may come besides the service area.
fn permitted(app: &App, now: Timestamp) -> Vec<Region> {
    let permits =
        |from: &Region| app.place.permit(Crossing::Messages, *from, app.region, now).is_some();
    Region::ALL.into_iter().filter(permits).collect()
}

/// Whether an entry of the log is about that permission, or an earlier one of the same kind and way.
fn is_about(entry: &Recorded, permit: &Permit) -> bool {
    let says = |name: &str, value: &str| {
        entry.details.iter().any(|detail| detail.name == name && detail.value == value)
    };
    says("kind", permit.kind.name())
        && says("from", permit.from.name())
        && says("to", permit.to.name())
}
