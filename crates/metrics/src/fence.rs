//! Geofences.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters};

label! {
    /// Why a client was not let in.
    Refused("reason") {
        /// Its network is in a country outside the service area.
        Outside = "outside",
        /// No country of its network is known.
        Unknown = "unknown",
    }
}

group! {
    /// Logins and calls that an app's geofence refused.
    REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(), "stoa_geofence_refused", none,
        "`unknown` rises: the geo-database is missing or old, or a proxy is not in `trusted-proxies`.";
    /// Open sessions that a geofence ended.
    ENDED: Counter = Counter::new(), "stoa_geofence_ended", none,
        "It rises and nobody has changed a geofence: the geo-database was replaced by one that knows other things.";
}
