//! Countries, and which region serves them.

use std::fmt;
use std::str::FromStr;

use crate::Region;

/// A country, by its two letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters, in capitals.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country is two letters: its constructor sees to it")
    }

    /// The region that serves it; none where an app's owner has to say so
    /// (`stoa app set service-area`).
    pub fn region(self) -> Option<Region> {
        Region::ALL.into_iter().find(|region| region.serves(self))
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| CountryError)?;
        let country = Self(letters.map(|letter| letter.to_ascii_uppercase()));
        country.0.iter().all(u8::is_ascii_uppercase).then_some(country).ok_or(CountryError)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

/// A text that is no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is named by its two letters of ISO 3166-1, for example DE")]
pub struct CountryError;

impl Region {
    /// The countries that the region serves: its service area.
    ///
    /// Mainland China; Europe as the United Nations have it (M49, 150) with what else belongs to the
    /// European Economic Area; North America with Central America and the Caribbean (003); and Asia but
    /// its west, and Oceania (030 without mainland China, 034, 035, 143, 009). Who lives elsewhere is in
    /// no region's area.
    pub const fn service_area(self) -> &'static str {
        match self {
            Self::Cn => "CN",
            Self::Eu => {
                "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS \
                 IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"
            }
            Self::Na => {
                "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS \
                 MX NI PA PM PR SV SX TC TT US VC VG VI"
            }
            Self::Ap => {
                "AF AS AU BD BN BT CC CK CX FJ FM GU HK HM ID IN IR JP KG KH KI KP KR KZ LA LK MH MM \
                 MN MO MP MV MY NC NF NP NR NU NZ PF PG PH PK PN PW SB SG TH TJ TK TL TM TO TV TW UM \
                 UZ VN VU WF WS"
            }
        }
    }

    /// Whether `country` is in its service area.
    pub fn serves(self, country: Country) -> bool {
        self.service_area().split(' ').any(|served| served == country.as_str())
    }
}

/// Knows where addresses are. Asked for every login and call of an app with a geofence, so it must not
/// block.
pub trait Countries: Send + Sync + 'static {
    /// The country of an address; none if it is not known.
    fn country(&self, address: std::net::IpAddr) -> Option<Country>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(text: &str) -> Country {
        text.parse().unwrap()
    }

    #[test]
    fn a_country_is_served_by_one_region_at_most() {
        let mut all = Vec::new();
        for region in Region::ALL {
            for name in region.service_area().split(' ') {
                assert_eq!(country(name).region(), Some(region), "{name}");
                all.push(name);
            }
        }
        let named = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), named, "each stands once");
        for (name, region) in [("DE", Some(Region::Eu)), ("GB", Some(Region::Eu)), ("BR", None)] {
            assert_eq!(country(name).region(), region);
        }
        assert_eq!(country("HK").region(), Some(Region::Ap), "mainland China alone is cn");
    }

    #[test]
    fn countries_are_two_letters_of_any_case() {
        assert_eq!(country("de").to_string(), "DE");
        for text in ["", "D", "DEU", "D1", "ß", "--"] {
            assert_eq!(text.parse::<Country>(), Err(CountryError), "{text}");
        }
    }
}
