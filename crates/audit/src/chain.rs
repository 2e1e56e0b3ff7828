//! The chain: what an entry's hash covers, and how a break is found.
//!
//! `hash(0) = SHA-256("stoa audit log 1" ‖ app number)` and
//! `hash(n) = SHA-256(hash(n-1) ‖ n ‖ time ‖ body ‖ number of persons ‖ persons)`, where body and
//! persons are ciphertexts with their lengths before them and numbers have eight bytes, big-endian.
//! No key is needed to follow it, and none that dies breaks it.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use stoa_core::Timestamp;

/// The hash of an entry and, through it, of all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An entry as the chain sees it: without any key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its number; the first is 1, and none is left out.
    pub number: u64,
    /// When it was made.
    pub time: Timestamp,
    /// The hash of the entry before it.
    pub previous: Hash,
    /// Its own.
    pub hash: Hash,
    /// What was done, sealed under the app's key of the month.
    pub body: Vec<u8>,
    /// Who is named, each sealed under the own key.
    pub persons: Vec<Person>,
}

/// The sealed name of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As what the person is named.
    pub part: u8,
    /// The name.
    pub sealed: Vec<u8>,
}

/// What stands before the first entry of an app's chain; 0 is the platform's.
pub fn genesis(app: u32) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(b"stoa audit log 1");
    context.update(&app.to_be_bytes());
    finish(context)
}

impl Sealed {
    /// The hash that follows from what the entry is, after the entry with the hash `previous`.
    pub fn hash_after(&self, previous: Hash) -> Hash {
        let mut context = Context::new(&SHA256);
        context.update(&previous.0);
        context.update(&self.number.to_be_bytes());
        context.update(&self.time.as_millis().to_be_bytes());
        sized(&mut context, &self.body);
        context.update(&(self.persons.len() as u64).to_be_bytes());
        for person in &self.persons {
            context.update(&[person.part]);
            sized(&mut context, &person.sealed);
        }
        finish(context)
    }
}

fn sized(context: &mut Context, bytes: &[u8]) {
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

fn finish(context: Context) -> Hash {
    let digest = context.finish();
    Hash(*digest.as_ref().first_chunk().expect("a SHA-256 digest has 32 bytes"))
}

/// Where a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {number} {fault}")]
pub struct Broken {
    /// The first entry that is not as it was written.
    pub number: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there, or is another one.
    #[error("is missing")]
    Missing,
    /// It is not what its hash says.
    #[error("was altered: its hash is another one")]
    Altered,
    /// It does not follow the one before it.
    #[error("does not follow the entry before it")]
    Unlinked,
    /// It was not sealed for its place, or is no entry.
    #[error("was altered: it does not open")]
    Unreadable,
    /// It is there, and the head of the chain does not know it.
    #[error("is not one that the head of the chain knows")]
    Unknown,
    /// The head of the chain has another hash than the last entry.
    #[error("is not the last one that the head of the chain knows")]
    WrongHead,
}

impl Fault {
    /// With this at entry `number`.
    pub const fn at(self, number: u64) -> Broken {
        Broken { number, fault: self }
    }
}

/// A walk along a chain.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    /// The number of the next entry.
    pub next: u64,
    /// The hash of the entry before it.
    pub previous: Hash,
}

impl Walk {
    /// Goes one entry further.
    ///
    /// # Errors
    /// [`Broken`] when `entry` is not the one that comes next.
    pub fn step(&mut self, entry: &Sealed) -> Result<(), Broken> {
        if entry.number != self.next {
            return Err(Fault::Missing.at(self.next));
        }
        if entry.previous != self.previous {
            return Err(Fault::Unlinked.at(self.next));
        }
        if entry.hash_after(self.previous) != entry.hash {
            return Err(Fault::Altered.at(self.next));
        }
        *self = Self { next: self.next + 1, previous: entry.hash };
        Ok(())
    }
}

/// A chain that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// The number of the oldest entry that is kept; one more than `last` if there is none.
    pub first: u64,
    /// The number of the last entry.
    pub last: u64,
    /// Its hash. Whoever knows it knows whether anything before it was changed.
    pub hash: Hash,
}

impl Whole {
    /// How many entries are kept.
    pub const fn entries(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exports are verified for years: what a hash covers stays.
    #[test]
    fn the_hash_of_an_entry_stays() {
        let hash = Hash([7; 32]);
        let persons = vec![Person { part: 2, sealed: vec![5, 6] }];
        let time = Timestamp::from_millis(1_800_000_000_000);
        let entry = Sealed { number: 3, time, previous: hash, hash, body: vec![1, 2, 3], persons };
        assert_eq!(
            [genesis(0), genesis(7), entry.hash_after(genesis(0))].map(|hash| hash.to_string()),
            GOLDEN
        );
    }

    /// Worked out with another implementation of SHA-256.
    const GOLDEN: [&str; 3] = [
        "65b978c12ec292e9ead1e809ee548b144e2fe434913f153534489b4a164b3efb",
        "a6926eb9802bb74c4f70be55fc2cbc39d49e5f80269dfe111ae6d6e2c441cb04",
        "ae9132a8932cd2522580f019ef35fdafb40e066f28a841349e15bb993dddf424",
    ];
}
