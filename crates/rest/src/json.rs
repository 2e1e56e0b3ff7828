//! JSON as it comes in: bounded, without doubles, and taken apart by field.
//!
//! Bodies are read into a tree first and then field by field, instead of into types at once, so that
//! every refusal names the field by its path and says what is allowed (issue: "Bad input").

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use stoa_core::Refusal;

use crate::error::Failure;

/// Objects and lists within each other, at the most.
const DEPTH: usize = 16;
/// Characters of a key that an error repeats.
const KEY_SHOWN: usize = 64;

/// A JSON value. May hold a password, so it can be printed by tests only.
#[derive(PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number from 0.
    Whole(u64),
    /// Any other number.
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads the one value that `bytes` hold.
    ///
    /// # Errors
    /// `json_parse` for what is not JSON in UTF-8; `illegal_argument` for a key that appears twice in
    /// one object and for nesting deeper than 16 levels.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let problem = RefCell::new(None);
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let seed = Seed { depth: 0, problem: &problem };
        match seed.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json)) {
            Ok(json) => Ok(json),
            Err(error) => Err(match problem.take() {
                Some(text) => Failure::argument(text),
                None => Failure::of(Refusal::NotJson).saying(format!("not JSON: {error}")),
            }),
        }
    }

    /// What it is, in an error.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The fields, if this is an object. `at` is its place in the body, for errors: empty for the
    /// body itself, otherwise such as `[3]`.
    pub(crate) fn into_object(self, at: &str) -> Result<Object, Failure> {
        match self {
            Self::Object(fields) if at.is_empty() => Ok(Object { at: String::new(), fields }),
            Self::Object(fields) => Ok(Object { at: format!("{at}."), fields }),
            other if at.is_empty() => {
                Err(Failure::argument(format!("the body must be an object, not {}", other.kind())))
            }
            other => {
                Err(Failure::argument(format!("{at}: must be an object, not {}", other.kind())))
            }
        }
    }
}

/// The fields of an object. Each is taken out by the one who reads it; unknown fields are let pass,
/// as clients of other versions send some.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Object {
    at: String,
    fields: BTreeMap<String, Json>,
}

impl Object {
    /// The refusal of a field: its path, and what is allowed.
    pub(crate) fn refuse(&self, name: &str, allowed: impl fmt::Display) -> Failure {
        Failure::argument(format!("{}{name}: {allowed}", self.at))
    }

    fn wrong_kind(&self, name: &str, allowed: &str, got: &Json) -> Failure {
        self.refuse(name, format_args!("must be {allowed}, not {}", got.kind()))
    }

    /// The names of the fields that were not read yet.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// The fields that were not read yet.
    pub(crate) fn into_fields(self) -> impl Iterator<Item = (String, Json)> {
        self.fields.into_iter()
    }

    /// Whether the field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|json| *json != Json::Null)
    }

    /// Any value of the field; none if it is absent or null.
    pub(crate) fn any(&mut self, name: &str) -> Option<Json> {
        self.fields.remove(name).filter(|json| *json != Json::Null)
    }

    /// An object that must be there.
    pub(crate) fn object(&mut self, name: &str) -> Result<Self, Failure> {
        match self.any(name) {
            Some(json) => json.into_object(&format!("{}{name}", self.at)),
            None => Err(self.refuse(name, "is required and must be an object")),
        }
    }

    /// A string that must be there.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Failure> {
        match self.fields.remove(name) {
            Some(Json::Text(text)) => Ok(text),
            Some(other) => Err(self.wrong_kind(name, "a string", &other)),
            None => Err(self.refuse(name, "is required and must be a string")),
        }
    }

    /// A string that may be absent or null.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.any(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_kind(name, "a string", &other)),
        }
    }

    /// A truth value; absent or null is no.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Failure> {
        match self.any(name) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(value),
            Some(other) => Err(self.wrong_kind(name, "true or false", &other)),
        }
    }

    /// A whole number of `unit` within `allowed` that may be absent or null.
    pub(crate) fn optional_whole(
        &mut self,
        name: &str,
        unit: &str,
        allowed: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Failure> {
        match self.any(name) {
            None => Ok(None),
            Some(Json::Whole(number)) if allowed.contains(&number) => Ok(Some(number)),
            Some(_) => {
                let bounds = match (allowed.start(), *allowed.end()) {
                    (start, u64::MAX) => format!("from {start} on"),
                    (start, end) => format!("from {start} to {end}"),
                };
                Err(self.refuse(name, format_args!("must be a whole number of {unit} {bounds}")))
            }
        }
    }

    /// A list of strings that must be there, with `allowed` entries.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        allowed: RangeInclusive<usize>,
    ) -> Result<Vec<String>, Failure> {
        let rule = format!("a list of {} to {} strings", allowed.start(), allowed.end());
        let list = match self.fields.remove(name) {
            Some(Json::List(list)) => list,
            Some(other) => return Err(self.wrong_kind(name, &rule, &other)),
            None => return Err(self.refuse(name, format_args!("is required and must be {rule}"))),
        };
        if !allowed.contains(&list.len()) {
            return Err(self.refuse(name, format_args!("must be {rule}, not {}", list.len())));
        }
        let text = |(index, json)| match json {
            Json::Text(text) => Ok(text),
            other => Err(self.wrong_kind(&format!("{name}[{index}]"), "a string", &other)),
        };
        list.into_iter().enumerate().map(text).collect()
    }
}

/// Reads a value, and remembers what is wrong beyond JSON's own grammar.
#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: usize,
    problem: &'a RefCell<Option<String>>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(self, text: String) -> E {
        self.problem.borrow_mut().get_or_insert(text);
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH {
            return Err(self.refuse(format!("the body is nested deeper than {DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Whole(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "it stands for a number that is refused anyway")]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(seed)? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut fields = BTreeMap::new();
        while let Some(key) = object.next_key::<String>()? {
            if fields.contains_key(&key) {
                let key: String = key.chars().take(KEY_SHOWN).collect();
                return Err(self.refuse(format!("{key}: appears twice in one object")));
            }
            let value = object.next_value_seed(seed)?;
            fields.insert(key, value);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem<T: fmt::Debug>(outcome: Result<T, Failure>) -> String {
        outcome.unwrap_err().text().into_owned()
    }

    fn object(text: &str) -> Object {
        Json::parse(text.as_bytes()).unwrap().into_object("").unwrap()
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{", "{'a':1}", "{\"a\":}", "1 2", "nul", "\u{0}", "{\"a\":1,}", "1e400"] {
            let failure = Json::parse(text.as_bytes()).unwrap_err();
            assert_eq!(failure.refusal(), Refusal::NotJson, "{text}");
        }
        assert_eq!(Json::parse(b"\"\xff\"").unwrap_err().refusal(), Refusal::NotJson);
    }

    #[test]
    fn doubles_and_deep_nesting_are_refused_by_name() {
        let doubles = br#"{"a":{"user":1,"x":2,"user":3}}"#;
        assert_eq!(problem(Json::parse(doubles)), "user: appears twice in one object");
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(deep(DEPTH).as_bytes()).is_ok());
        for levels in [DEPTH + 1, 5_000, 100_000] {
            let refusal = problem(Json::parse(deep(levels).as_bytes()));
            assert_eq!(refusal, "the body is nested deeper than 16 levels");
        }
    }

    #[test]
    fn a_field_is_refused_with_what_is_allowed() {
        let mut body = object(r#"{"a":7,"b":"x","n":1.5,"m":-1,"l":["x",7],"z":null}"#);
        assert_eq!(problem(body.text("a")), "a: must be a string, not a number");
        assert_eq!(problem(body.text("z")), "z: must be a string, not null");
        assert_eq!(problem(body.text("none")), "none: is required and must be a string");
        assert_eq!(problem(body.flag("b")), "b: must be true or false, not a string");
        let wrong = problem(body.optional_whole("n", "seconds", 0..=u64::MAX));
        assert_eq!(wrong, "n: must be a whole number of seconds from 0 on");
        let wrong = problem(body.optional_whole("m", "messages", 1..=50));
        assert_eq!(wrong, "m: must be a whole number of messages from 1 to 50");
        assert_eq!(problem(body.texts("l", 1..=9)), "l[1]: must be a string, not a number");
        assert_eq!(
            problem(body.texts("l", 1..=9)),
            "l: is required and must be a list of 1 to 9 strings"
        );
        assert_eq!(
            problem(Json::List(vec![]).into_object("[3]")),
            "[3]: must be an object, not a list"
        );
    }

    #[test]
    fn what_is_absent_or_null_is_none() {
        let mut body = object(r#"{"z":null}"#);
        for name in ["z", "none"] {
            assert!(!body.has(name));
            assert_eq!(body.optional_text(name).unwrap(), None);
            assert_eq!(body.optional_whole(name, "seconds", 0..=9).unwrap(), None);
            assert!(!body.flag(name).unwrap());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_a_refusal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let ours = Json::parse(&bytes);
            let others = serde_json::from_slice::<serde_json::Value>(&bytes);
            prop_assert!(ours.is_err() || others.is_ok());
        }
    }
}
