//! What the vault is for: seal, open, destroy, reopen.

use std::sync::Arc;

use stoa_core::{AppNumber, ManualClock, SeededEntropy};
use stoa_vault::{OpenError, Opened, Vault};

use crate::support::{AAD, Machine, day, object, run, seal};

fn plain(text: &[u8]) -> Result<Opened, OpenError> {
    Ok(Opened::Plain(text.to_vec()))
}

#[test]
fn what_was_sealed_opens_until_its_key_is_destroyed() {
    let vault = Vault::in_memory(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
    assert!(vault.created());
    let (monday, tuesday) = (seal(&vault, day(1, 1), b"monday"), seal(&vault, day(1, 2), b"tue"));
    assert_eq!(vault.open_record(AAD, &monday), plain(b"monday"));

    let destroyed = run(vault.destroy(|scope| *scope == day(1, 1))).unwrap();
    assert_eq!(destroyed.keys.len(), 1);
    assert_eq!(vault.open_record(AAD, &monday), Ok(Opened::Destroyed));
    assert_eq!(vault.open_record(AAD, &tuesday), plain(b"tue"));
    assert!(run(vault.destroy(|scope| *scope == day(1, 1))).unwrap().keys.is_empty());

    let again = seal(&vault, day(1, 1), b"again");
    assert_eq!(vault.open_record(AAD, &again), plain(b"again"));
    assert_eq!(vault.open_record(AAD, &monday), Ok(Opened::Destroyed));
}

#[test]
fn reopening_gives_the_same_keys() {
    let machine = Machine::new(1);
    let vault = machine.open();
    let records: Vec<_> =
        (0..600_u32).map(|n| seal(&vault, day(n % 7, n), &n.to_be_bytes())).collect();
    let user = seal(&vault, object(1, 9), b"profile");
    let blind = run(vault.blind_key(AppNumber(1))).unwrap().blind("user", &[b"alice"]);
    let (keys, life, id) = (vault.keys(), vault.life(), vault.id());
    assert_eq!(keys.len(), 601);
    drop(vault);

    for lives in 1..4 {
        let vault = machine.open();
        assert!(!vault.created());
        assert_eq!(vault.id(), id);
        assert_eq!(vault.life(), life + lives);
        let now: Vec<_> = vault.keys().iter().map(|key| (key.id, key.scope, key.created)).collect();
        assert!(keys.iter().map(|key| (key.id, key.scope, key.created)).eq(now));
        for (n, record) in (0_u32..).zip(&records) {
            assert_eq!(vault.open_record(AAD, record), plain(&n.to_be_bytes()));
        }
        assert_eq!(vault.open_record(AAD, &user), plain(b"profile"));
        assert_eq!(run(vault.blind_key(AppNumber(1))).unwrap().blind("user", &[b"alice"]), blind);
    }
}

#[test]
fn a_record_opens_only_whole_and_in_its_place() {
    let vault = Machine::new(1).open();
    let record = seal(&vault, day(1, 1), b"text");
    assert_eq!(vault.open_record(b"elsewhere", &record), Err(OpenError::Tampered));
    for at in 0..record.len() {
        let mut altered = record.clone();
        altered[at] ^= 1;
        assert!(vault.open_record(AAD, &altered).is_err(), "byte {at}");
        assert!(vault.open_record(AAD, &record[..at]).is_err(), "cut at {at}");
    }
    let mut newer = record;
    newer[0] = 2;
    assert_eq!(vault.open_record(AAD, &newer), Err(OpenError::Format));
}

#[test]
fn a_key_that_was_never_given_is_not_taken_for_a_destroyed_one() {
    let (ours, theirs) = (Machine::new(1).open(), Machine::new(2).open());
    assert_ne!(ours.id(), theirs.id());
    seal(&theirs, day(1, 1), b"x");
    let record = seal(&theirs, day(1, 2), b"x");
    assert!(matches!(ours.open_record(AAD, &record), Err(OpenError::UnknownKey(_))));
}

#[test]
fn an_existing_key_seals_without_waiting() {
    let vault = Machine::new(1).open();
    assert!(vault.seal_now(day(1, 1), AAD, b"x").is_none(), "there is no key yet");
    run(vault.prepare(&[day(1, 1), day(1, 2), day(1, 1)])).unwrap();
    assert_eq!(vault.keys().len(), 2);
    let record = vault.seal_now(day(1, 2), AAD, b"x").unwrap();
    assert_eq!(vault.open_record(AAD, &record), plain(b"x"));
}

#[test]
fn destroying_an_app_takes_its_blinding_key_too() {
    let machine = Machine::new(1);
    let vault = machine.open();
    let blind = |vault: &Vault, app| {
        run(vault.blind_key(AppNumber(app))).unwrap().blind("user", &[b"alice"])
    };
    let (ours, others) = (blind(&vault, 1), blind(&vault, 2));
    assert_ne!(ours, others);
    let record = seal(&vault, object(1, 1), b"x");
    let other = seal(&vault, object(2, 1), b"x");
    run(vault.destroy(|scope| scope.app == AppNumber(1))).unwrap();
    assert_eq!(blind(&vault, 1), ours, "destroying data keys leaves it");
    run(vault.destroy_app(AppNumber(1))).unwrap();
    drop(vault);
    let vault = machine.open();
    assert_eq!(vault.open_record(AAD, &record), Ok(Opened::Destroyed));
    assert_eq!(vault.open_record(AAD, &other), plain(b"x"));
    assert_ne!(blind(&vault, 1), ours);
    assert_eq!(blind(&vault, 2), others);
}
