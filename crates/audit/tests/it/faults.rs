//! A store that fails: whatever was said to be written is there, once, and the chain stays whole.

use std::sync::Arc;

use stoa_audit::AuditLog;
use stoa_core::SeededEntropy;
use stoa_store::engine::{Faults, Memory};
use stoa_store::{Store, StoreError};

use crate::world::{World, set};

#[tokio::test]
async fn what_was_said_to_be_written_is_there_whatever_fails() {
    let faults = Faults {
        read: 30,
        before_commit: 60,
        after_commit: 60,
        lost_commit: 60,
        conflict: 100,
        yields: 3,
        unknown: None,
        crash: None,
    };
    for seed in 0..20 {
        let memory = Arc::new(Memory::new());
        let sound = World::over(memory.clone());
        sound.records().await;
        let engine = faults.over(memory, Arc::new(SeededEntropy::new(seed)));
        let store = Store::open(engine, sound.vault.clone());
        let log = AuditLog::new(store, sound.clock.clone());
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        for n in 0..60 {
            let name = n.to_string();
            let [a, b, c] = ["a", "b", "c"].map(|part| format!("{name}{part}"));
            let (first, second, third) = tokio::join!(
                log.record(&sound.app, set(&a)),
                log.record(&sound.app, set(&b)),
                log.record(&sound.app, set(&c)),
            );
            log.note(&sound.app, set("note"));
            for (name, outcome) in [(a, first), (b, second), (c, third)] {
                match outcome {
                    Ok(()) => certain.push(name),
                    Err(StoreError::Unknown(_)) => possible.push(name),
                    Err(StoreError::Engine(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        log.settle().await;
        // What was lost last is told by the next entry.
        while log.record(&sound.app, set("end")).await.is_err() {}
        assert!(certain.len() > 60 && !possible.is_empty(), "{} {}", certain.len(), possible.len());

        let whole = sound.verify().await.unwrap();
        let entries = sound.entries().await;
        assert_eq!(whole.entries(), entries.len() as u64);
        let values: Vec<_> = entries.iter().map(|entry| entry.details[0].value.clone()).collect();
        for name in certain {
            assert_eq!(values.iter().filter(|value| **value == name).count(), 1, "{name}");
        }
        for name in possible {
            assert!(values.iter().filter(|value| **value == name).count() <= 1, "{name}");
        }
        // A note whose outcome is unknown counts as lost, and may be there.
        let notes = values.iter().filter(|value| *value == "note").count() as u64;
        let missed: u64 = entries.iter().map(|entry| entry.missed).sum();
        assert!(notes < 60 && notes + missed >= 60, "{notes} {missed}");
    }
}
