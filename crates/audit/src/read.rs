//! An entry as it is read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use stoa_store::{Apart, AppStore, StoreError, spaces};

use crate::chain::Sealed;
use crate::record::{self, ACTOR, BODY, Body, PersonName, SUBJECT};
use crate::{Act, Actor, Outcome};

/// An entry, opened as far as its keys are there. Its JSON form is what `--json` prints and what
/// stands in exports, so it is a promise: fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// Its number in the chain.
    pub number: u64,
    /// When, in milliseconds since 1970 in UTC.
    pub time: u64,
    /// The name of the act.
    pub act: String,
    /// Who acted: `operator`, `app`, `user`, `token_client`, `stranger`, `system`, `several`, or the number of
    /// what a later version knows.
    pub actor: String,
    /// The name of the actor, if it is a user or a client of the token server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<Name>,
    /// `done`, `refused`, `failed`, `unknown`, or the number of what a later version knows.
    pub outcome: String,
    /// Why, unless it was done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The user to whom it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Name>,
    /// From where: an IPv4 address, or the first half of an IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// How many it stands for.
    pub count: u64,
    /// How many entries before it could not be written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A name in an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// The name.
    Name(String),
    /// The user was deleted, and with the user's key the name.
    Erased,
    /// There was no such user when the entry was written, so the name was not kept.
    NotKept,
}

/// A detail of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The kinds of actors with their stored numbers, which never change or return.
const ACTORS: [&str; 8] =
    ["", "operator", "app", "user", "token_client", "stranger", "system", "several"];
const USER: u32 = 3;
const TOKEN_CLIENT: u32 = 4;

pub(crate) const fn actor_code(actor: &Actor) -> u32 {
    match actor {
        Actor::Operator => 1,
        Actor::App => 2,
        Actor::User(_) => USER,
        Actor::TokenClient(_) => TOKEN_CLIENT,
        Actor::Stranger => 5,
        Actor::System => 6,
        Actor::Several => 7,
    }
}

/// The outcomes with their stored numbers, which never change or return.
const OUTCOMES: [&str; 5] = ["", "done", "refused", "failed", "unknown"];

pub(crate) fn outcome_code(outcome: &Outcome) -> (u32, &str) {
    match outcome {
        Outcome::Done => (1, ""),
        Outcome::Refused(reason) => (2, reason),
        Outcome::Failed(reason) => (3, reason),
        Outcome::Unknown(reason) => (4, reason),
    }
}

/// The name of `code` in a table, or the number if it is of a later version.
fn name_in(table: &[&'static str], code: u32) -> String {
    let known = usize::try_from(code).ok().and_then(|code| table.get(code)).filter(|_| code > 0);
    known.map_or_else(|| code.to_string(), |name| (*name).to_owned())
}

/// Opens an entry.
///
/// # Errors
/// [`StoreError::Corrupt`] when a part of it was not sealed for its place.
pub(crate) fn open(store: &AppStore, sealed: &Sealed) -> Result<Recorded, StoreError> {
    let space = spaces::AUDIT_ENTRIES.name;
    let key = record::entry_key(store, sealed.number);
    let body: Body = match store.open_apart(&key, BODY, &sealed.body)? {
        Apart::Plain(body) => record::decode(&body, space)?,
        // Its key is the record's, which was opened.
        Apart::Destroyed => return Err(StoreError::Corrupt { space }),
    };
    let mut site = Some(body.site).filter(|site| !site.is_empty());
    let mut named = |part: u8| {
        let Some(person) = sealed.persons.iter().find(|person| person.part == part) else {
            return Ok(Name::NotKept);
        };
        match store.open_apart(&key, part, &person.sealed)? {
            Apart::Destroyed => Ok(Name::Erased),
            Apart::Plain(person) => {
                let person: PersonName = record::decode(&person, space)?;
                if !person.site.is_empty() {
                    site = Some(person.site);
                }
                Ok::<_, StoreError>(Name::Name(person.name))
            }
        }
    };
    let actor_name = match body.actor {
        USER => Some(named(ACTOR)?),
        TOKEN_CLIENT => Some(Name::Name(body.client)),
        _ => None,
    };
    let subject = if body.has_subject { Some(named(SUBJECT)?) } else { None };
    let act = Act::of_code(body.act).map_or(Cow::Owned(body.act_name), |act| act.name().into());
    let details = body.details.into_iter();
    Ok(Recorded {
        number: sealed.number,
        time: sealed.time.as_millis(),
        act: act.into_owned(),
        actor: name_in(&ACTORS, body.actor),
        actor_name,
        outcome: name_in(&OUTCOMES, body.outcome),
        reason: body.reason,
        subject,
        site,
        details: details.map(|detail| Detail { name: detail.name, value: detail.value }).collect(),
        count: body.count,
        missed: body.missed,
    })
}
