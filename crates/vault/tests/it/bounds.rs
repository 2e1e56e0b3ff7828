//! How many records a key seals, and how many nonces an epoch has.

use stoa_vault::{KeyId, Opened, Vault};

use crate::support::{AAD, Machine, day, object, seal};

fn key_of(record: &[u8]) -> KeyId {
    KeyId(u64::from_be_bytes(record[1..9].try_into().unwrap()))
}

fn epoch_of(record: &[u8]) -> u32 {
    u32::from_be_bytes(record[9..13].try_into().unwrap())
}

fn limited(records_per_key: u64, grant_step: u64) -> Machine {
    let mut machine = Machine::new(1);
    machine.options.tuning.records_per_key = records_per_key;
    machine.options.tuning.grant_step = grant_step;
    machine
}

fn count(records: &[Vec<u8>], key: KeyId) -> usize {
    records.iter().filter(|record| key_of(record) == key).count()
}

#[test]
fn a_key_that_sealed_its_bound_is_followed_by_another_and_still_opens() {
    let machine = limited(10, 4);
    let vault = machine.open();
    let records: Vec<_> = (0..25).map(|_| seal(&vault, day(1, 1), b"x")).collect();
    let keys: Vec<_> = vault.keys().iter().map(|key| key.id).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys.iter().map(|key| count(&records, *key)).collect::<Vec<_>>(), [10, 10, 5]);
    for record in &records {
        assert_eq!(vault.open_record(AAD, record), Ok(Opened::Plain(b"x".to_vec())));
    }
}

#[test]
fn no_number_of_lives_lets_a_key_seal_more_than_its_bound() {
    let machine = limited(40, 4);
    let mut records = Vec::new();
    for life in 0..30 {
        let vault = machine.open();
        for _ in 0..(life % 7) {
            records.push(seal(&vault, day(1, 1), b"x"));
            records.push(seal(&vault, object(1, 1), b"x"));
        }
        for key in vault.keys() {
            let sealed = count(&records, key.id) as u64;
            assert!(sealed <= key.sealed_upto, "{sealed} of at most {}", key.sealed_upto);
            assert!(key.sealed_upto <= 40);
        }
    }
    let vault = machine.open();
    assert!(vault.keys().len() > 4, "lives without a word count as a whole step");
    for record in &records {
        assert_eq!(vault.open_record(AAD, record), Ok(Opened::Plain(b"x".to_vec())));
    }
}

#[test]
fn an_existing_key_needs_no_write_after_a_restart() {
    let machine = limited(1 << 31, 1 << 20);
    seal(&machine.open(), object(1, 1), b"x");
    let vault = machine.open();
    let syncs = machine.fs.syncs();
    seal(&vault, object(1, 1), b"x");
    assert_eq!(machine.fs.syncs(), syncs);
}

#[test]
fn a_used_up_epoch_is_followed_by_the_next() {
    let mut machine = Machine::new(2);
    machine.options.tuning.nonces_per_epoch = 5;
    let vault = machine.open();
    let life = vault.life();
    let records: Vec<_> = (0..17).map(|_| seal(&vault, day(1, 1), b"x")).collect();
    let epochs: Vec<_> = records.iter().map(|r| u64::from(epoch_of(r)) - life).collect();
    assert_eq!(epochs, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]);
    assert_eq!(vault.life(), life, "the life is that of the process");
    drop(vault);
    assert_eq!(machine.open().life(), life + 4);
}

#[test]
fn the_bounds_cannot_be_raised_above_what_is_safe() {
    let machine = limited(u64::MAX, u64::MAX);
    let vault: Vault = machine.open();
    seal(&vault, day(1, 1), b"x");
    assert_eq!(vault.keys()[0].sealed_upto, 1 << 31);
}
