//! What an app's owner decided about where the app's data may go and its clients may be.

use std::fmt;
use std::str::FromStr;

use crate::{Country, Region, Timestamp};

/// What may cross from one region to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crossing {
    /// Live sound and pictures. This version carries none.
    Media,
    /// Messages of clients whose network is in another region.
    Messages,
    /// Calls to the app's own back end.
    Callbacks,
    /// Notices to the push services of devices.
    Push,
    /// Files and recordings in the app's own storage.
    Storage,
    /// Texts to a translation service.
    Translation,
}

impl Crossing {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Media,
        Self::Messages,
        Self::Callbacks,
        Self::Push,
        Self::Storage,
        Self::Translation,
    ];

    /// The name in records and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Messages => "messages",
            Self::Callbacks => "callbacks",
            Self::Push => "push",
            Self::Storage => "storage",
            Self::Translation => "translation",
        }
    }

    /// Whether it is the server that goes out, or else clients that come in.
    pub const fn is_outbound(self) -> bool {
        !matches!(self, Self::Media | Self::Messages)
    }
}

impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Crossing {
    type Err = UnknownCrossing;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| UnknownCrossing(text.into()))
    }
}

/// A text that names nothing that crosses regions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is none of media, messages, callbacks, push, storage, translation")]
pub struct UnknownCrossing(String);

/// The permission that something crosses, in one direction and for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permit {
    /// What.
    pub kind: Crossing,
    /// From there.
    pub from: Region,
    /// To there.
    pub to: Region,
    /// Up to this moment, which is not in it.
    pub until: Timestamp,
}

/// What an app's owner decided about place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceSettings {
    /// Only clients in the service area are served.
    pub geofence: bool,
    /// The countries of the service area; none: those of the app's region.
    pub service_area: Option<Vec<Country>>,
    /// What may cross regions.
    pub permits: Vec<Permit>,
}

impl PlaceSettings {
    /// The permission for `kind` to go from one region to another at `now`.
    pub fn permit(
        &self,
        kind: Crossing,
        from: Region,
        to: Region,
        now: Timestamp,
    ) -> Option<&Permit> {
        self.permits.iter().find(|permit| {
            permit.kind == kind && permit.from == from && permit.to == to && now < permit.until
        })
    }

    /// Whether a client whose network is in `country` (none: that is not known) is let in to an app of
    /// `region`: the geofence is off, the country is in the service area, or its region has the permission
    /// for messages.
    pub fn admits(&self, region: Region, country: Option<Country>, now: Timestamp) -> bool {
        if !self.geofence {
            return true;
        }
        let Some(named) = country else { return false };
        self.serves(region, named) || self.permit_behind(region, country, now).is_some()
    }

    /// The permission by which a client in `country` alone is let in to an app of `region`; none where the client is let in
    /// without one, or not at all.
    pub fn permit_behind(
        &self,
        region: Region,
        country: Option<Country>,
        now: Timestamp,
    ) -> Option<&Permit> {
        if !self.crosses(region, country) {
            return None;
        }
        self.permit(Crossing::Messages, country?.region()?, region, now)
    }

    /// Whether a client in `country`, who is let in to an app of `region`, is so by the permission for messages alone.
    pub fn crosses(&self, region: Region, country: Option<Country>) -> bool {
        self.geofence && country.is_some_and(|country| !self.serves(region, country))
    }

    /// Whether the country is in the service area.
    fn serves(&self, region: Region, country: Country) -> bool {
        match &self.service_area {
            Some(countries) => countries.contains(&country),
            None => region.serves(country),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_secs(1_800_000_060);

    fn country(text: &str) -> Option<Country> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_permission_is_for_one_direction_one_kind_and_a_time() {
        let permit =
            Permit { kind: Crossing::Callbacks, from: Region::Eu, to: Region::Na, until: LATER };
        let place = PlaceSettings { permits: vec![permit], ..PlaceSettings::default() };
        let permitted = |kind, from, to, now| place.permit(kind, from, to, now).is_some();
        assert!(permitted(Crossing::Callbacks, Region::Eu, Region::Na, NOW));
        assert!(!permitted(Crossing::Callbacks, Region::Na, Region::Eu, NOW));
        assert!(!permitted(Crossing::Callbacks, Region::Eu, Region::Ap, NOW));
        assert!(!permitted(Crossing::Push, Region::Eu, Region::Na, NOW));
        assert!(!permitted(Crossing::Callbacks, Region::Eu, Region::Na, LATER));
    }

    #[test]
    fn a_geofence_lets_in_its_area_and_who_has_the_permission() {
        let mut place = PlaceSettings::default();
        assert!(
            place.admits(Region::Eu, country("US"), NOW) && place.admits(Region::Eu, None, NOW)
        );
        place.geofence = true;
        assert!(place.admits(Region::Eu, country("DE"), NOW));
        assert!(!place.admits(Region::Eu, country("US"), NOW));
        assert!(!place.admits(Region::Eu, None, NOW), "whose country is not known is outside");
        let (from, to) = (Region::Na, Region::Eu);
        place.permits = vec![Permit { kind: Crossing::Messages, from, to, until: LATER }];
        assert!(place.admits(Region::Eu, country("US"), NOW));
        assert!(!place.admits(Region::Eu, country("US"), LATER));
        assert!(place.crosses(Region::Eu, country("US")));
        assert!(!place.crosses(Region::Eu, country("DE")) && !place.crosses(Region::Eu, None));
        place.service_area = Some(vec!["BR".parse().unwrap()]);
        assert!(place.admits(Region::Eu, country("BR"), NOW));
        assert!(!place.admits(Region::Eu, country("DE"), NOW));
    }

    #[test]
    fn what_crosses_is_known_by_its_name() {
        for kind in Crossing::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("media ".parse::<Crossing>().unwrap_err().to_string().contains("callbacks"));
    }
}
