//! Declarations of metrics, each with its meaning.

use crate::expose::Expose;

/// One metric as the page and the exposition know it.
pub struct Definition {
    /// Its name, without what its kind adds (`_total`, `_bucket`).
    pub name: &'static str,
    /// What one of it is: `seconds`, `bytes`, or empty for a number of things. The name ends with it.
    pub unit: &'static str,
    /// How many of what the static holds make one of the unit.
    pub per_unit: f64,
    /// What exactly it says.
    pub meaning: &'static str,
    /// When to worry.
    pub worry: &'static str,
    pub(crate) value: &'static dyn Expose,
}

/// Metrics that belong together.
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The metrics.
    pub metrics: &'static [Definition],
}

/// All metrics there are.
pub fn groups() -> [Group; 17] {
    use crate::{
        attachments, class, connections, directory, egress, fence, logins, media, messages,
        process, rest, rooms, sessions, store, tls, token_server, vault,
    };
    let group = |title, metrics| Group { title, metrics };
    [
        group("Connections", connections::METRICS),
        group("TLS", tls::METRICS),
        group("Logins and passwords", logins::METRICS),
        group("Sessions", sessions::METRICS),
        group("Chat rooms", rooms::METRICS),
        group("Class rooms", class::METRICS),
        group("Sound and pictures", media::METRICS),
        group("Messages", messages::METRICS),
        group("Files", attachments::METRICS),
        group("REST", rest::METRICS),
        group("Token server", token_server::METRICS),
        group("Geofences", fence::METRICS),
        group("Outbound connections", egress::METRICS),
        group("Directory of apps", directory::METRICS),
        group("Store", store::METRICS),
        group("Vault", vault::METRICS),
        group("Process", process::METRICS),
    ]
}

/// Declares the metrics of a module: `NAME: Type = value, "name_unit", unit, "when to worry";`. A unit
/// is `none`, `seconds` (whole ones), `micros`, `millis` or `ticks` (seconds counted in such parts), `permille` (of a
/// ratio) or `bytes`.
macro_rules! group {
    ($(
        $(#[doc = $meaning:literal])*
        $id:ident: $type:ty = $value:expr, $name:literal, $unit:ident, $worry:literal;
    )*) => {
        $($(#[doc = $meaning])* pub static $id: $type = $value;)*

        pub(crate) static METRICS: &[$crate::Definition] = &[$($crate::Definition {
            name: $name,
            unit: $crate::define::unit!($unit).0,
            per_unit: $crate::define::unit!($unit).1,
            meaning: concat!($($meaning),*),
            worry: $worry,
            value: &$id,
        }),*];
    };
}

macro_rules! unit {
    (none) => {
        ("", 1.0)
    };
    (bytes) => {
        ("bytes", 1.0)
    };
    (seconds) => {
        ("seconds", 1.0)
    };
    (millis) => {
        ("seconds", 1e3)
    };
    (micros) => {
        ("seconds", 1e6)
    };
    (ticks) => {
        ("seconds", 100.0)
    };
    (permille) => {
        ("ratio", 1e3)
    };
}

pub(crate) use {group, unit};
