//! Property trees and lists in bodies.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde_json::{Number, Value};
use stoa_classroom::Refusal;
use stoa_classroom::tree::{Edit, Tree};

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
