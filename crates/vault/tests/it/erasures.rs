//! The erasure ledger.

use stoa_core::AppNumber;
use stoa_vault::{ErasedPerson, RootKey};

use crate::support::{DIR, MIRROR, Machine, ROOT_HEX, day, object, run, seal};

const NEW_HEX: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

fn person(app: u32, id: u8) -> ErasedPerson {
    ErasedPerson { app: AppNumber(app), person: [id; 16], keeps_messages: id.is_multiple_of(2) }
}

#[test]
fn who_was_erased_is_remembered_through_everything_and_a_second_time_is_told_apart() {
    let mut machine = Machine::mirrored(1);
    machine.options.tuning.keys_per_page = 2;
    let vault = machine.open();
    let record = seal(&vault, object(1, 1), b"x");
    let first = run(vault.note_erasure(person(1, 1))).unwrap();
    let other = run(vault.note_erasure(person(1, 2))).unwrap();
    let again = run(vault.note_erasure(person(1, 1))).unwrap();
    let foreign = run(vault.note_erasure(person(2, 1))).unwrap();
    let lines = vec![first, other, again, foreign];
    assert!(lines.is_sorted_by(|a, b| a.number < b.number));
    assert_eq!(vault.erasures(), lines);
    // They are no keys, and go with none.
    assert!(vault.keys().iter().all(|key| key.scope == object(1, 1)));
    run(vault.destroy(|_| true)).unwrap();
    assert_eq!(vault.is_destroyed(&record), Ok(true));
    assert_eq!(vault.erasures(), lines);
    run(vault.rotate_root(RootKey::parse(NEW_HEX).unwrap())).unwrap();
    seal(&vault, day(1, 1), b"x");
    drop(vault);
    let vault = machine.try_open_with(NEW_HEX).unwrap();
    assert_eq!(vault.erasures(), lines);
    // With the app it goes.
    run(vault.destroy_app(AppNumber(1))).unwrap();
    assert_eq!(vault.erasures(), [foreign]);
}

#[test]
fn a_crash_at_any_step_leaves_the_line_in_all_directories_or_in_none() {
    for steps in 0_u64.. {
        let machine = Machine::mirrored(steps);
        let vault = machine.open();
        seal(&vault, day(1, 1), b"x");
        machine.fs.fail_at(machine.fs.steps() + steps);
        let noted = run(vault.note_erasure(person(1, 3)));
        drop(vault);
        machine.fs.lose_power(steps);
        let lines = machine.try_open_with(ROOT_HEX).unwrap().erasures();
        let Ok(noted) = noted else {
            assert!(lines.len() <= 1, "{steps}");
            continue;
        };
        assert_eq!(lines, [noted], "{steps}: what was told stays");
        for dir in [DIR, MIRROR] {
            let mut alone = machine.with_files(machine.fs.copy());
            alone.options.dir = dir.into();
            alone.options.mirrors.clear();
            assert_eq!(alone.open().erasures(), [noted], "{steps} {dir}");
        }
        return;
    }
}
