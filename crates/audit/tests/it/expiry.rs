//! What is over goes, with its key; the chain goes on.

use std::time::Duration;

use stoa_audit::Fault;
use stoa_audit::export;
use stoa_core::Timestamp;
use stoa_store::Bucket;
use stoa_store::classes::AUDIT;

use crate::world::{World, set};

const DAY: u64 = 86_400;

async fn expire(world: &World) -> u64 {
    use stoa_core::Clock;
    world.trail().await.expire(world.clock.now()).await.unwrap()
}

/// The months for which there is a key.
fn months(world: &World) -> Vec<u32> {
    let keys = world.vault.keys().into_iter().filter(|key| key.scope.class.0 == AUDIT.number);
    let mut months: Vec<_> = keys
        .filter_map(|key| match key.scope.bucket {
            Bucket::Month(month) => Some(month),
            _ => None,
        })
        .collect();
    months.sort_unstable();
    months
}

#[tokio::test]
async fn a_month_goes_a_year_after_its_end() {
    let world = World::new();
    let start = Timestamp::from_secs(1_800_000_000);
    // Two entries on each day of three years.
    for day in 0..1095_u64 {
        world.clock.set(start.plus(Duration::from_secs(day * DAY)));
        world.record(set("a")).await;
        world.record(set("b")).await;
        expire(&world).await;
        if day % 100 == 0 || day == 1094 {
            let whole = world.verify().await.unwrap();
            assert_eq!(whole.last, 2 * day + 2);
            let days = whole.entries() / 2;
            assert!(days >= day.min(365), "{days} of {day}");
            assert!(days <= 365 + 31, "{days}");
            assert_eq!(world.entries().await.len(), usize::try_from(whole.entries()).unwrap());
            assert!(months(&world).len() <= 14, "{:?}", months(&world));
        }
    }
    let world = world.restarted().await;
    let whole = world.verify().await.unwrap();
    assert!(whole.first > 1);
    let exported = world.export().await;
    assert_eq!(export::verify(exported.join("\n").as_bytes()).unwrap(), (1, whole));

    // All over, the chain still knows where it was.
    world.advance(500 * DAY);
    assert_eq!(expire(&world).await, whole.entries());
    assert!(months(&world).is_empty());
    let empty = world.verify().await.unwrap();
    assert_eq!((empty.entries(), empty.last, empty.hash), (0, whole.last, whole.hash));
    let exported = world.export().await;
    assert_eq!(export::verify(exported.join("\n").as_bytes()).unwrap(), (1, empty));
    world.record(set("again")).await;
    assert_eq!(world.verify().await.unwrap().first, whole.last + 1);
}

/// An entry of an earlier month behind one of a later is sealed with the later month's key, so that no
/// key dies before all that it sealed is over.
#[tokio::test]
async fn a_clock_that_is_set_back_breaks_nothing() {
    let world = World::new();
    let start = Timestamp::from_secs(1_800_000_000);
    for day in [0, 40, 20, 41, 3, 400, 30, 401] {
        world.clock.set(start.plus(Duration::from_secs(day * DAY)));
        world.record(set("x")).await;
        expire(&world).await;
        world.verify().await.unwrap();
    }
    let times: Vec<_> = world.entries().await.iter().map(|entry| entry.time).collect();
    assert!(!times.is_sorted(), "the clock's own times are kept: {times:?}");
    for day in (400..1200).step_by(10) {
        world.clock.set(start.plus(Duration::from_secs(day * DAY)));
        expire(&world).await;
        world.verify().await.unwrap();
    }
    assert_eq!(world.verify().await.unwrap().entries(), 0);
    assert!(months(&world).is_empty());
}

/// That something is over is no cover for taking more away.
#[tokio::test]
async fn entries_at_the_beginning_are_missed_when_they_are_not_over() {
    let world = World::new();
    for _ in 0..3 {
        world.record(set("x")).await;
    }
    let month = months(&world)[0];
    world.records().await.destroy(&AUDIT, Bucket::Month(month)).await.unwrap();
    assert_eq!(world.verify().await, Err(Fault::Missing.at(1)));
}
