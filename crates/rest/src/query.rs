//! The query of a call.

use std::convert::Infallible;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use stoa_core::{Resource, limits};

use crate::Rest;
use crate::error::Failure;

/// What the SDK appends against caches; not a parameter of any operation.
const CACHE_BUSTER: &str = "_v";

/// The fields of the query `uri` has, decoded, in their order.
pub(crate) fn fields(uri: &Uri) -> Vec<(String, String)> {
    let fields = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let mut fields = fields.map(|query| query.0).unwrap_or_default();
    fields.retain(|(name, _)| name != CACHE_BUSTER);
    fields
}

/// The query's fields.
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<Rest> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Infallible> {
        Ok(Self(fields(&parts.uri)))
    }
}

/// The caller's own device, as [`Query::acting`] finds it.
pub(crate) struct Acting(pub(crate) Option<Resource>);

impl FromRequestParts<Rest> for Acting {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        Query(fields(&parts.uri)).acting().map(Self)
    }
}

impl Query {
    /// The query of `uri`.
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(fields(uri))
    }

    /// A field's value. Empty is absent, and so is what the SDK writes for a value that it does not
    /// have (msync section 9.0).
    ///
    /// # Errors
    /// 400 for a field that is given twice.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Failure> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| &**value);
        let value = values.next();
        if values.next().is_some() {
            return Err(Failure::argument(format!("{name}: is given twice in the query")));
        }
        Ok(value.filter(|value| !matches!(*value, "" | "undefined" | "null")))
    }

    /// Whether a field is given, with a value or without.
    pub(crate) fn is_said(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The caller's own device, which is not told of what it does itself (msync section 8).
    ///
    /// # Errors
    /// 400 for a text that names no device.
    pub(crate) fn acting(&self) -> Result<Option<Resource>, Failure> {
        let Some(text) = self.get("resource")? else { return Ok(None) };
        let resource = text.parse::<Resource>();
        resource.map(Some).map_err(|error| Failure::argument(format!("resource: {error}")))
    }

    /// A whole number in `allowed`; `default` without the field.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn whole(
        &self,
        name: &str,
        allowed: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, Failure> {
        Ok(self.optional_whole(name, allowed)?.unwrap_or(default))
    }

    /// A whole number in `allowed`; none without the field.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn optional_whole(
        &self,
        name: &str,
        allowed: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Failure> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            Failure::argument(format!("{name}: must be a whole number from {least} to {most}"))
        })
    }

    /// A page by `pagenum`, from 1 (0 is 1, chat-rest U22), and `pagesize`, of which more than `most`
    /// is `most`: how many entries to skip and how many to take.
    ///
    /// # Errors
    /// 400 for what is no number.
    pub(crate) fn page(&self, default: usize, most: usize) -> Result<(usize, usize), Failure> {
        let number = self.whole("pagenum", 0..=usize::MAX, 1)?.max(1);
        let size = self.whole("pagesize", 1..=usize::MAX, default)?.min(most);
        Ok(((number - 1).saturating_mul(size), size))
    }

    /// The same where a list has a page only if one is asked for.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub(crate) fn optional_page(
        &self,
        default: usize,
        most: usize,
    ) -> Result<Option<(usize, usize)>, Failure> {
        let asked = self.get("pagenum")?.is_some() || self.get("pagesize")?.is_some();
        if asked { self.page(default, most).map(Some) } else { Ok(None) }
    }

    /// A truth value; no without the field.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Failure::argument(format!("{name}: must be true or false"))),
        }
    }

    /// How many entries a page of a list is to have.
    ///
    /// # Errors
    /// 400 for a number out of range.
    pub(crate) fn limit(&self) -> Result<usize, Failure> {
        self.whole("limit", 1..=limits::LIST_PAGE, limits::LIST_PAGE_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&format!("/users?{text}").parse().unwrap())
    }

    #[test]
    fn what_the_sdk_writes_for_nothing_is_nothing() {
        for text in ["", "cursor=", "cursor=undefined", "cursor=null", "_v=1700000000000"] {
            assert_eq!(query(text).get("cursor").unwrap(), None, "{text}");
        }
        assert_eq!(query("cursor=a%2Cb").get("cursor").unwrap(), Some("a,b"));
        assert!(query("_v=1").0.is_empty());
    }

    #[test]
    fn a_limit_has_a_range_and_a_default() {
        assert_eq!(query("").limit().unwrap(), limits::LIST_PAGE_DEFAULT);
        assert_eq!(query("limit=100").limit().unwrap(), 100);
        for text in ["limit=0", "limit=101", "limit=-1", "limit=many", "limit=1.5", "limit=%00"] {
            let text = query(text).limit().unwrap_err().text();
            assert_eq!(text, "limit: must be a whole number from 1 to 100");
        }
        let twice = query("limit=1&limit=2").limit().unwrap_err().text();
        assert_eq!(twice, "limit: is given twice in the query");
    }
}
