//! Moments in stored records: milliseconds since 1970.

use serde::{Deserialize, Deserializer, Serializer};
use stoa_core::Timestamp;

pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.as_millis())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    u64::deserialize(from).map(Timestamp::from_millis)
}

/// A moment that may be unknown.
pub(crate) mod optional {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => to.serialize_some(&at.as_millis()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let ms = Option::<u64>::deserialize(from)?;
        Ok(ms.map(Timestamp::from_millis))
    }
}

/// Names, roles and types in stored records.
pub(crate) mod name {
    use stoa_core::ClassName;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(name: &ClassName, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ClassName, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Lists of names in stored records.
pub(crate) mod names {
    use serde::ser::SerializeSeq;
    use stoa_core::ClassName;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(names: &[ClassName], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(names.len()))?;
        for name in names {
            list.serialize_element(name.as_str())?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ClassName>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
    }
}

pub(crate) mod role {
    use stoa_core::ClassRole;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(role: &ClassRole, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(role.number())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ClassRole, D::Error> {
        let number = i64::deserialize(from)?;
        ClassRole::of_number(number).ok_or_else(|| serde::de::Error::custom("no role"))
    }
}

pub(crate) mod room_type {
    use stoa_core::RoomType;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(of: &RoomType, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(of.number())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RoomType, D::Error> {
        let number = u64::deserialize(from)?;
        RoomType::of_number(number).ok_or_else(|| serde::de::Error::custom("no type of room"))
    }
}
