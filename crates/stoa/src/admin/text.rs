//! Identifiers and secrets as they travel in a request: as text, checked when it is read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stoa_audit::Act;
use stoa_console::{CertificateSlot, ClientName};
use stoa_core::{
    AddressRange, AppKey, AuthPolicy, Country, Crossing, KeepMessages, Plan, Region, ReleaseAnchor,
    Resource, Secret, UserId, UserUuid,
};
use stoa_egress::Target;

use crate::tls::ClientKey;

/// A value of the domain, which knows no JSON itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<T>(pub T);

/// Values with a text that they can be read from again.
pub trait Named: FromStr<Err: fmt::Display> {
    /// The text.
    fn text(&self) -> Cow<'_, str>;
}

impl Named for AppKey {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Named for UserId {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Named for UserUuid {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Named for Resource {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Named for Region {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for AuthPolicy {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for ReleaseAnchor {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for Plan {
    fn text(&self) -> Cow<'_, str> {
        self.name.into()
    }
}

impl Named for KeepMessages {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Named for Act {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for CertificateSlot {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for ClientName {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Named for AddressRange {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Named for Country {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Named for Crossing {
    fn text(&self) -> Cow<'_, str> {
        self.name().into()
    }
}

impl Named for Target {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Named for ClientKey {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl<T> From<T> for Text<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Text<T> {
    /// Names never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: Named> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<'de, T: Named> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A secret on its way to the process that needs it. Zeroed on drop, and not printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretText(pub Secret);

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is taken over, not copied.
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}
