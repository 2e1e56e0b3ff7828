//! Whoever changes what is stored, or what was exported, is found out: at the level of the files, where
//! there are no keys, and at that of the records, where whoever has the keys seals anew.

use proptest::prelude::*;
use prost::Message;
use stoa_audit::export::{self, BadFile};
use stoa_audit::{Act, Actor, Broken, Entry, Fault};
use stoa_core::Clock;
use stoa_store::engine::{Direction, Engine, Span};
use stoa_store::{Bucket, StoreError, spaces};

use crate::world::{World, set};

const ENTRIES: u64 = 9;

async fn world() -> World {
    let world = World::new();
    let alice = world.register("alice").await;
    for n in 1..=ENTRIES {
        let entry = match n % 3 {
            0 => Entry::new(Actor::User(alice.clone()), Act::TokenRevoked).on(alice.clone()),
            _ => set(&n.to_string()),
        };
        world.record(entry).await;
    }
    world
}

/// The stored key of an entry of the app.
fn stored(number: u64) -> Vec<u8> {
    [&[spaces::AUDIT_ENTRIES.code, 0, 0, 0, 1][..], &number.to_be_bytes()].concat()
}

async fn raw(engine: &dyn Engine, key: &[u8]) -> Vec<u8> {
    engine.snapshot().await.unwrap().get(key).await.unwrap().unwrap().to_vec()
}

/// Changes the files: what is none is removed.
async fn write(engine: &dyn Engine, rows: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
    let mut txn = engine.begin().await.unwrap();
    for (key, value) in rows {
        match value {
            Some(value) => txn.put(key, value),
            None => txn.delete(key),
        }
    }
    txn.commit().await.unwrap();
}

#[derive(Debug, Clone)]
enum Damage {
    /// A bit of an entry, anywhere in its record.
    Flip(u64, prop::sample::Index, u8),
    Remove(u64),
    Swap(u64, u64),
    /// The first in the place of the second.
    Copy(u64, u64),
    /// One more behind the last one, or before the first.
    Insert(u64, u64),
    Cut(u64, usize),
    /// All from this one to that one.
    RemoveSome(u64, u64),
    RemoveHead,
    FlipHead(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let number = || 1..=ENTRIES;
    prop_oneof![
        4 => (number(), any::<prop::sample::Index>(), 0..8_u8)
            .prop_map(|(number, at, bit)| Damage::Flip(number, at, bit)),
        2 => number().prop_map(Damage::Remove),
        2 => (number(), number()).prop_map(|(a, b)| Damage::Swap(a, b)),
        2 => (number(), number()).prop_map(|(a, b)| Damage::Copy(a, b)),
        1 => (number(), prop_oneof![Just(0), ENTRIES + 1..ENTRIES + 5])
            .prop_map(|(a, to)| Damage::Insert(a, to)),
        1 => (number(), 1..40_usize).prop_map(|(a, bytes)| Damage::Cut(a, bytes)),
        1 => (number(), number()).prop_map(|(a, b)| Damage::RemoveSome(a.min(b), a.max(b))),
        1 => Just(Damage::RemoveHead),
        1 => (any::<prop::sample::Index>(), 0..8_u8)
            .prop_map(|(at, bit)| Damage::FlipHead(at, bit)),
    ]
}

fn flipped(mut value: Vec<u8>, at: &prop::sample::Index, bit: u8) -> Vec<u8> {
    let at = at.index(value.len());
    value[at] ^= 1 << bit;
    value
}

/// Does it, and answers the number of the first entry that is not right any more; none if all are.
async fn harm(engine: &dyn Engine, damage: &Damage) -> Option<u64> {
    let head = [spaces::AUDIT_HEAD.code, 0, 0, 0, 1].to_vec();
    let value = async |number| raw(engine, &stored(number)).await;
    let (rows, first) = match damage {
        Damage::Flip(number, at, bit) => {
            let flipped = flipped(value(*number).await, at, *bit);
            (vec![(stored(*number), Some(flipped))], Some(*number))
        }
        Damage::Remove(number) => (vec![(stored(*number), None)], Some(*number)),
        Damage::Swap(a, b) => {
            let rows =
                vec![(stored(*a), Some(value(*b).await)), (stored(*b), Some(value(*a).await))];
            (rows, Some(*a.min(b)).filter(|_| a != b))
        }
        Damage::Copy(from, to) => {
            let rows = vec![(stored(*to), Some(value(*from).await))];
            (rows, Some(*to).filter(|_| from != to))
        }
        Damage::Insert(from, to) => (vec![(stored(*to), Some(value(*from).await))], Some(*to)),
        Damage::Cut(number, bytes) => {
            let mut value = value(*number).await;
            value.truncate(value.len() - bytes);
            (vec![(stored(*number), Some(value))], Some(*number))
        }
        Damage::RemoveSome(from, to) => {
            ((*from..=*to).map(|number| (stored(number), None)).collect(), Some(*from))
        }
        Damage::RemoveHead => (vec![(head, None)], Some(1)),
        Damage::FlipHead(at, bit) => {
            let flipped = flipped(raw(engine, &head).await, at, *bit);
            (vec![(head, Some(flipped))], Some(0))
        }
    };
    write(engine, rows).await;
    first
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_changed_in_the_files_is_found(damage in damage()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = world().await;
            world.verify().await.unwrap();
            let copy = world.copied().await;
            let harmed = harm(&*copy.engine, &damage).await;
            let found = copy.verify().await;
            prop_assert_eq!(found.as_ref().err().map(|broken| broken.number).is_some(), harmed.is_some(), "{:?}", found);
            // One that was put where none belongs is found there or, unreadable, as soon as it is met.
            if let (Err(broken), Some(first)) = (found, harmed) {
                prop_assert!(broken.number == first || first > ENTRIES && broken.number == ENTRIES + 1, "{} {}", broken, first);
            }
            // The original is untouched.
            prop_assert!(world.verify().await.is_ok());
            Ok(())
        })?;
    }
}

/// What stands in AUDIT_ENTRIES, as whoever has the keys sees it.
#[derive(Clone, PartialEq, Message)]
struct Stored {
    #[prost(uint64, tag = "1")]
    time: u64,
    #[prost(bytes = "vec", tag = "2")]
    previous: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    body: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    persons: Vec<StoredPerson>,
}

#[derive(Clone, PartialEq, Message)]
struct StoredPerson {
    #[prost(uint32, tag = "1")]
    part: u32,
    #[prost(bytes = "vec", tag = "2")]
    sealed: Vec<u8>,
}

/// A change to an entry, and whether the entry is to stay.
type Change = fn(&mut Stored) -> bool;

/// Changes an entry and seals it anew for its place; `change` answers whether it is to stay.
async fn forge(world: &World, number: u64, change: impl Fn(&mut Stored) -> bool + Send + Sync) {
    let store = world.records().await;
    let (key, change) = (&store.key(&spaces::AUDIT_ENTRIES).number(number).done(), &change);
    let month = Bucket::Month(world.clock.now().month());
    let forged = store.transact(|mut txn| async move {
        let value = txn.get(key).await?.unwrap_or_default();
        let mut entry = Stored::decode(value).unwrap();
        if change(&mut entry) {
            txn.put(key, month, &entry.encode_to_vec()).await?;
        } else {
            txn.delete(key)?;
        }
        Ok::<_, StoreError>(txn.done(()))
    });
    forged.await.unwrap();
}

#[tokio::test]
async fn whoever_has_the_keys_is_found_out_by_the_hashes() {
    let original = world().await;
    let change: [(u64, Change, Broken); 9] = [
        (
            4,
            |entry| {
                entry.time += 1;
                true
            },
            Fault::Altered.at(4),
        ),
        (
            4,
            |entry| {
                entry.body[30] ^= 1;
                true
            },
            Fault::Altered.at(4),
        ),
        (
            4,
            |entry| {
                entry.hash[0] ^= 1;
                true
            },
            Fault::Altered.at(4),
        ),
        (
            4,
            |entry| {
                entry.previous[0] ^= 1;
                true
            },
            Fault::Unlinked.at(4),
        ),
        (
            6,
            |entry| {
                entry.persons[0].sealed[30] ^= 1;
                true
            },
            Fault::Altered.at(6),
        ),
        (
            6,
            |entry| {
                entry.persons[0].part ^= 1;
                true
            },
            Fault::Altered.at(6),
        ),
        (
            6,
            |entry| {
                entry.persons.pop();
                true
            },
            Fault::Altered.at(6),
        ),
        (1, |_| false, Fault::Missing.at(1)),
        (ENTRIES, |_| false, Fault::Missing.at(ENTRIES)),
    ];
    for (number, change, expected) in change {
        let world = original.copied().await;
        forge(&world, number, change).await;
        assert_eq!(world.verify().await, Err(expected));
        // The export of it is found out as well.
        let exported = world.export().await;
        let Err(BadFile::Broken(found)) = export::verify(exported.join("\n").as_bytes()) else {
            panic!("not found: {expected}");
        };
        assert_eq!(found.number, expected.number, "{found}");
    }
    // Whoever computes the hash anew has to do so for all that follow, and meets the head.
    let world = original.copied().await;
    forge(&world, ENTRIES, |entry| {
        entry.time += 1;
        let chained = stoa_audit::chain::Sealed {
            number: ENTRIES,
            time: stoa_core::Timestamp::from_millis(entry.time),
            previous: stoa_audit::Hash(entry.previous.clone().try_into().unwrap()),
            hash: stoa_audit::Hash([0; 32]),
            body: entry.body.clone(),
            persons: Vec::new(),
        };
        // The last one, which is one of alice's, loses its persons.
        entry.persons.clear();
        entry.hash = chained.hash_after(chained.previous).0.to_vec();
        true
    })
    .await;
    assert_eq!(world.verify().await, Err(Fault::WrongHead.at(ENTRIES)));
}

/// A body from another entry has its hash right when it is computed anew, and does not open there.
#[tokio::test]
async fn what_is_sealed_for_one_entry_opens_in_no_other() {
    let world = world().await;
    let other = world.records().await;
    let key = other.key(&spaces::AUDIT_ENTRIES).number(1).done();
    let value = other.read().await.unwrap().get(&key).await.unwrap().unwrap();
    let body = Stored::decode(value).unwrap().body;
    forge(&world, ENTRIES, |entry| {
        entry.body.clone_from(&body);
        true
    })
    .await;
    let query = stoa_audit::Query { limit: 1, ..Default::default() };
    let read = world.trail().await.page(&query).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

/// The changes to a file of an export that leave no export.
#[derive(Debug, Clone)]
enum Edit {
    Flip(usize, prop::sample::Index),
    Remove(usize),
    Swap(usize, usize),
    Double(usize),
    CutFrom(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let line = || 0..=usize::try_from(ENTRIES).unwrap();
    prop_oneof![
        4 => (line(), any::<prop::sample::Index>()).prop_map(|(line, at)| Edit::Flip(line, at)),
        1 => line().prop_map(Edit::Remove),
        1 => (line(), line()).prop_filter("others", |(a, b)| a != b).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => (0..usize::try_from(ENTRIES).unwrap()).prop_map(Edit::Double),
        1 => line().prop_map(Edit::CutFrom),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_changed_in_an_export_is_found(edit in edit()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut lines, whole) = runtime.block_on(async {
            let world = world().await;
            (world.export().await, world.verify().await.unwrap())
        });
        prop_assert_eq!(export::verify(lines.join("\n").as_bytes()).unwrap(), (1, whole));
        match edit {
            Edit::Flip(line, at) => {
                // In what the chain covers, which is all but the readable part.
                let end = lines[line].find(",\"entry\":").unwrap_or(lines[line].len());
                let at = at.index(end);
                let old = lines[line].as_bytes()[at];
                let new = if old == b'1' { '2' } else { '1' };
                lines[line].replace_range(at..=at, &new.to_string());
            }
            Edit::Remove(line) => drop(lines.remove(line)),
            Edit::Swap(a, b) => lines.swap(a, b),
            Edit::Double(line) => lines.insert(line, lines[line].clone()),
            Edit::CutFrom(line) => lines.truncate(line),
        }
        let found = export::verify(lines.join("\n").as_bytes());
        prop_assert!(found.is_err(), "{:?}", found);
    }
}

/// Everything else in the store stays as it was: only entries and head are written.
#[tokio::test]
async fn nothing_that_was_written_is_written_again() {
    let world = world().await;
    let rows = async || {
        let read = world.engine.snapshot().await.unwrap();
        read.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap()
    };
    let before = rows().await;
    world.record(set("one more")).await;
    let after = rows().await;
    assert_eq!(after.len(), before.len() + 1);
    let changed = before.iter().filter(|row| !after.contains(row)).count();
    assert_eq!(changed, 1, "the head");
}
