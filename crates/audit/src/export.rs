//! An export: a file of JSON, one entry a line, that can be verified where no server and no key is.
//!
//! Each line has the hashes and ciphertexts that the chain covers, and beside them the entry as it
//! was read when it was exported (`entry`, which the chain does not cover). The last line says where
//! the chain ended, so that a file that was cut is noticed.

use std::io::{self, BufRead};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use stoa_core::Timestamp;

use crate::Recorded;
use crate::chain::{Broken, Fault, Hash, Person, Sealed, Walk, Whole, genesis};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The number of the app; 0 for the platform.
    pub app: u32,
    /// The number of the entry.
    pub number: u64,
    /// When, in milliseconds since 1970 in UTC.
    pub time: u64,
    /// The hash of the entry before it, in hexadecimal digits.
    pub previous: String,
    /// Its own.
    pub hash: String,
    /// What was done, sealed, in base64.
    pub body: String,
    /// Who is named.
    pub persons: Vec<PersonLine>,
    /// The entry as it was read; none if it does not open, because it was altered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Recorded>,
}

/// The sealed name of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLine {
    /// As what: 2 to whom it was done, 3 who did it.
    pub part: u8,
    /// The name, sealed, in base64.
    pub sealed: String,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndLine {
    /// Where the chain ended.
    pub end: End,
}

/// Where the chain ended when it was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The number of the app; 0 for the platform.
    pub app: u32,
    /// The number of the first entry; one more than `last` if there is none.
    pub first: u64,
    /// The number of the last entry.
    pub last: u64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

impl End {
    /// The end of the chain of `app`.
    pub fn new(app: u32, whole: &Whole) -> Self {
        Self { app, first: whole.first, last: whole.last, hash: whole.hash.to_string() }
    }
}

impl Line {
    pub(crate) fn new(app: u32, sealed: &Sealed, entry: Option<Recorded>) -> Self {
        let persons = sealed
            .persons
            .iter()
            .map(|person| PersonLine { part: person.part, sealed: BASE64.encode(&person.sealed) });
        Self {
            app,
            number: sealed.number,
            time: sealed.time.as_millis(),
            previous: sealed.previous.to_string(),
            hash: sealed.hash.to_string(),
            body: BASE64.encode(&sealed.body),
            persons: persons.collect(),
            entry,
        }
    }

    /// The entry as the chain sees it; none where the line is not one of an export.
    fn sealed(&self) -> Option<Sealed> {
        let persons = self.persons.iter().map(|person| {
            Some(Person { part: person.part, sealed: BASE64.decode(&person.sealed).ok()? })
        });
        Some(Sealed {
            number: self.number,
            time: Timestamp::from_millis(self.time),
            previous: hash(&self.previous)?,
            hash: hash(&self.hash)?,
            body: BASE64.decode(&self.body).ok()?,
            persons: persons.collect::<Option<_>>()?,
        })
    }
}

/// A hash from hexadecimal digits.
fn hash(text: &str) -> Option<Hash> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    // One spelling for one hash.
    let hash = Hash(bytes);
    (hash.to_string() == text).then_some(hash)
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// It cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// The chain in it is broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It is no export, or was altered so that it is none any more.
    #[error("line {line} is not one of an export")]
    NoExport {
        /// The number of the line, from 1.
        line: usize,
    },
    /// It was cut.
    #[error("the file has no last line: it was cut after entry {last}")]
    Cut {
        /// The last entry in it.
        last: u64,
    },
}

/// Verifies an export. Answers whose chain it is, and the chain.
///
/// # Errors
/// [`BadFile`].
pub fn verify(file: impl BufRead) -> Result<(u32, Whole), BadFile> {
    let mut reading: Option<Reading> = None;
    for (text, line) in file.lines().zip(1..) {
        let (text, no_export) = (text?, || BadFile::NoExport { line });
        if let Ok(EndLine { end }) = serde_json::from_str(&text) {
            // The chain of an app without entries has only this line.
            let reading = reading.take().unwrap_or_else(|| Reading::before(&end));
            let whole = reading.end(&end, no_export)?;
            return Ok((end.app, whole));
        }
        let line: Line = serde_json::from_str(&text).map_err(|_| no_export())?;
        let sealed = line.sealed().ok_or_else(no_export)?;
        let reading = reading.get_or_insert_with(|| Reading::from(&line, &sealed));
        let other = line.entry.as_ref().is_some_and(|entry| entry.number != line.number);
        if line.app != reading.app || other {
            return Err(no_export());
        }
        reading.walk.step(&sealed)?;
    }
    Err(BadFile::Cut { last: reading.map_or(0, |reading| reading.walk.next - 1) })
}

/// What is known of a file while it is read.
struct Reading {
    app: u32,
    first: u64,
    walk: Walk,
}

impl Reading {
    /// Before the first line, which is `line`. What was before it, only a chain's first entry shows.
    fn from(line: &Line, sealed: &Sealed) -> Self {
        let previous = if line.number == 1 { genesis(line.app) } else { sealed.previous };
        Self { app: line.app, first: line.number, walk: Walk { next: line.number, previous } }
    }

    /// Of a file without entries.
    fn before(end: &End) -> Self {
        let next = end.last.saturating_add(1);
        let previous = match hash(&end.hash) {
            Some(hash) if end.last > 0 => hash,
            _ => genesis(end.app),
        };
        Self { app: end.app, first: next, walk: Walk { next, previous } }
    }

    fn end(&self, end: &End, no_export: impl Fn() -> BadFile) -> Result<Whole, BadFile> {
        let hash = hash(&end.hash).ok_or_else(&no_export)?;
        if end.app != self.app {
            return Err(no_export());
        }
        if end.first != self.first {
            return Err(Fault::Missing.at(end.first).into());
        }
        if end.last.checked_add(1) != Some(self.walk.next) {
            return Err(Fault::Missing.at(self.walk.next).into());
        }
        if hash != self.walk.previous {
            return Err(Fault::WrongHead.at(end.last).into());
        }
        Ok(Whole { first: end.first, last: end.last, hash })
    }
}
