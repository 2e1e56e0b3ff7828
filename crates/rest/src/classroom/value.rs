//! Property trees and lists in bodies.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde_json::{Number, Value};
use stoa_classroom::Refusal;
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::ClassName;

use super::answer::ClassFailure;
use crate::Rest;
use crate::body;
use crate::json::{Json, Object};

/// A body that is a JSON object, or empty: then it has no fields.
pub(crate) struct ClassBody(pub(crate) Object);

impl FromRequest<Rest> for ClassBody {
    type Rejection = ClassFailure;

    async fn from_request(request: Request, _: &Rest) -> Result<Self, ClassFailure> {
        let bytes = body::read(request.into_body()).await?;
        let json = if bytes.trim_ascii().is_empty() {
            Json::Object(BTreeMap::new())
        } else {
            Json::parse(&bytes)?
        };
        Ok(Self(json.into_object("")?))
    }
}

/// The same as a value that is kept.
pub(crate) fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Whole(number) => number.into(),
        Json::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            // A whole number below zero.
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            Value::from(number as i64)
        }
        Json::Number(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Json::Text(text) => Value::String(text),
        Json::List(list) => list.into_iter().map(value).collect(),
        Json::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, json)| (name, value(json))).collect())
        }
    }
}

/// An object that may be absent.
pub(crate) fn tree(body: &mut Object, name: &str) -> Result<Tree, ClassFailure> {
    match body.any(name).map(value) {
        None => Ok(Tree::new()),
        Some(Value::Object(tree)) => Ok(tree),
        Some(_) => Err(body.refuse(name, "must be an object").into()),
    }
}

/// A whole number that may stand as text, and may be below zero.
pub(crate) fn signed(body: &mut Object, name: &str) -> Result<Option<i64>, ClassFailure> {
    let number = match body.any(name) {
        None => return Ok(None),
        Some(Json::Text(text)) => text.parse().ok(),
        Some(json) => value(json).as_i64(),
    };
    let what = "must be a whole number";
    number.map(Some).ok_or_else(|| body.refuse(name, what).into())
}

/// A whole number that may stand as text; `usual` without it.
pub(crate) fn whole_or(body: &mut Object, name: &str, usual: u64) -> Result<u64, ClassFailure> {
    Ok(super::rooms::whole(body, name)?.unwrap_or(usual))
}

/// Yes or no as 1 or 0.
pub(crate) fn one_or_zero(body: &mut Object, name: &str) -> Result<Option<bool>, ClassFailure> {
    match body.any(name) {
        None => Ok(None),
        Some(Json::Bool(yes)) => Ok(Some(yes)),
        Some(Json::Whole(number @ (0 | 1))) => Ok(Some(number == 1)),
        Some(_) => Err(body.refuse(name, "must be 0 or 1").into()),
    }
}

/// The state of a device.
pub(crate) fn device(body: &mut Object, name: &str) -> Result<Option<i8>, ClassFailure> {
    let what = "must be 0, 1, 2 or -1";
    let number = signed(body, name)?.map(i8::try_from).transpose();
    number.map_err(|_| body.refuse(name, what).into())
}

/// A name that may be absent.
pub(crate) fn name(body: &mut Object, field: &str) -> Result<Option<ClassName>, ClassFailure> {
    let text = body.optional_text(field)?.filter(|text| !text.is_empty());
    let parsed = text.map(|text| text.parse::<ClassName>()).transpose();
    parsed.map_err(|error| body.refuse(field, error).into())
}

/// A name that must be there.
pub(crate) fn required_name(body: &mut Object, field: &str) -> Result<ClassName, ClassFailure> {
    let what = "is required and must be a string";
    name(body, field)?.ok_or_else(|| body.refuse(field, what).into())
}

/// Entries of a list, at the most.
const LISTED: usize = 1000;

/// Names in a list that may be absent.
pub(crate) fn names(body: &mut Object, field: &str) -> Result<Vec<ClassName>, ClassFailure> {
    if !body.has(field) {
        return Ok(Vec::new());
    }
    let texts = body.texts(field, 0..=LISTED)?;
    let parsed: Result<Vec<_>, _> = texts.iter().map(|text| text.parse()).collect();
    parsed.map_err(|error| body.refuse(field, error).into())
}

/// Texts in a list that may be absent.
pub(crate) fn texts(body: &mut Object, field: &str) -> Result<Vec<String>, ClassFailure> {
    if !body.has(field) {
        return Ok(Vec::new());
    }
    Ok(body.texts(field, 0..=LISTED)?)
}

/// All that is left of a body.
pub(crate) fn tree_of(body: Object) -> Tree {
    body.into_fields().map(|(name, json)| (name, value(json))).collect()
}

/// Objects in a list that may be absent.
pub(crate) fn objects(body: &mut Object, field: &str) -> Result<Vec<Object>, ClassFailure> {
    let list = match body.any(field) {
        None => return Ok(Vec::new()),
        Some(Json::List(list)) if list.len() <= LISTED => list,
        Some(_) => {
            let what = format!("must be a list of {LISTED} objects at most");
            return Err(body.refuse(field, what).into());
        }
    };
    let object = |(index, json): (usize, Json)| json.into_object(&format!("{field}[{index}]"));
    Ok(list.into_iter().enumerate().map(object).collect::<Result<_, _>>()?)
}

/// Whether students are on the stage at entry.
pub(crate) fn audience(body: &mut Object) -> Result<bool, ClassFailure> {
    match body.optional_text("defaultAcceptRole")?.as_deref() {
        None | Some("") => Ok(false),
        Some("audience") => Ok(true),
        Some(_) => {
            let what = "must be \"audience\" or \"\"";
            Err(body.refuse("defaultAcceptRole", what).into())
        }
    }
}

/// Any value; null if it is absent.
pub(crate) fn any(body: &mut Object, name: &str) -> Value {
    body.any(name).map_or(Value::Null, value)
}

/// What is to be set and added, and why.
pub(crate) fn edit(body: &mut Object) -> Result<(Edit, Value), ClassFailure> {
    let (set, increments) = (tree(body, "properties")?, tree(body, "increments")?);
    if set.is_empty() && increments.is_empty() {
        return Err(Refusal::argument("properties: must be an object with at least one key").into());
    }
    Ok((Edit { set, increments, remove: Vec::new() }, any(body, "cause")))
}

/// What is to be removed, and why.
pub(crate) fn removal(body: &mut Object) -> Result<(Edit, Value), ClassFailure> {
    let paths = body.texts("properties", 1..=100)?;
    Ok((Edit::remove(paths), any(body, "cause")))
}
