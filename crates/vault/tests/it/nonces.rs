//! No two encryptions under one key ever share a nonce, whatever happens in between.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use stoa_vault::Vault;

use crate::support::{AAD, DIR, MIRROR, Machine, day, object, run};

#[derive(Debug, Clone)]
enum Event {
    /// Seals this many records in this scope, from two threads at once.
    Seal { scope: u8, records: u8 },
    /// Destroys the keys of a scope.
    Destroy { scope: u8 },
    /// Closes the vault and opens it again.
    Reopen,
    /// The process dies: what it wrote is there, synced or not.
    Die,
    /// The power fails after so many more steps, which may be in the middle of opening.
    LosePower { after: u8, seed: u64 },
    /// A whole directory is lost.
    LoseDirectory { main: bool },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..6_u8, 1..12_u8).prop_map(|(scope, records)| Event::Seal { scope, records }),
        2 => (0..6_u8).prop_map(|scope| Event::Destroy { scope }),
        1 => Just(Event::Reopen),
        1 => Just(Event::Die),
        3 => (0..60_u8, any::<u64>()).prop_map(|(after, seed)| Event::LosePower { after, seed }),
        1 => any::<bool>().prop_map(|main| Event::LoseDirectory { main }),
    ];
    prop::collection::vec(event, 1..40)
}

fn scope(number: u8) -> stoa_vault::KeyScope {
    if number < 4 { day(1, u32::from(number)) } else { object(1, number) }
}

/// All nonces so far, by key, and which life had which epoch.
#[derive(Default)]
struct Seen {
    nonces: HashSet<(u64, [u8; 12])>,
    epochs: HashMap<u32, usize>,
    lives: HashSet<u64>,
}

impl Seen {
    fn record(&mut self, life: usize, record: &[u8]) {
        let key = u64::from_be_bytes(record[1..9].try_into().unwrap());
        let nonce: [u8; 12] = record[9..21].try_into().unwrap();
        assert!(self.nonces.insert((key, nonce)), "key {key} used a nonce twice");
        let epoch = u32::from_be_bytes(nonce[..4].try_into().unwrap());
        assert_eq!(*self.epochs.entry(epoch).or_insert(life), life, "epoch {epoch} came twice");
    }

    fn opened(&mut self, vault: &Vault) {
        assert!(self.lives.insert(vault.life()), "life {} came twice", vault.life());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_key_meets_a_nonce_twice_and_no_epoch_comes_again(events in events()) {
        let mut machine = Machine::mirrored(7);
        let tuning = &mut machine.options.tuning;
        (tuning.nonces_per_epoch, tuning.records_per_key, tuning.grant_step) = (7, 20, 3);
        (tuning.keys_per_page, tuning.journal_entries) = (2, 5);
        let mut seen = Seen::default();
        let mut life = 0;
        let mut vault = Some(machine.open());
        seen.opened(vault.as_ref().unwrap());
        for event in events {
            match event {
                Event::Seal { scope: number, records } => {
                    let Some(vault) = &vault else { continue };
                    let seal = || -> Vec<Vec<u8>> {
                        let seal = |_| run(vault.seal(scope(number), AAD, b"x")).ok();
                        (0..records).map_while(seal).collect()
                    };
                    let sealed = std::thread::scope(|s| {
                        let other = s.spawn(seal);
                        [seal(), other.join().unwrap()].concat()
                    });
                    sealed.iter().for_each(|record| seen.record(life, record));
                }
                Event::Destroy { scope: number } => {
                    if let Some(vault) = &vault {
                        let _ = run(vault.destroy(|s| *s == scope(number)));
                    }
                }
                Event::LosePower { after, .. } if vault.is_some() && after % 2 == 0 => {
                    // Soon: the next events run into it.
                    machine.fs.fail_at(machine.fs.steps() + u64::from(after / 2));
                    continue;
                }
                Event::Reopen | Event::Die | Event::LosePower { .. } | Event::LoseDirectory { .. } => {
                    drop(vault.take());
                    match event {
                        Event::LosePower { seed, .. } => machine.fs.lose_power(seed),
                        Event::LoseDirectory { main } => {
                            // Only a directory beside which the other is complete.
                            machine.fs.kill_process();
                            drop(machine.open());
                            machine.fs.take_all(if main { DIR } else { MIRROR }.as_ref());
                        }
                        _ => machine.fs.kill_process(),
                    }
                    life += 1;
                    vault = Some(machine.open());
                    seen.opened(vault.as_ref().unwrap());
                }
            }
        }
    }
}
