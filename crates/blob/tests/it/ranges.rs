//! What was written is read, whole and in any range.

use proptest::prelude::*;
use stoa_blob::CHUNK;
use tokio::runtime::Runtime;

use crate::lab::{Lab, text};

/// Sizes around the edges of chunks and of batches of them.
fn size() -> impl Strategy<Value = usize> {
    let edges: Vec<usize> = [0, 1, 2, 4, 5, 8, 9].map(|n| n * CHUNK).to_vec();
    (proptest::sample::select(edges), 0..3_usize)
        .prop_map(|(edge, off)| (edge + off).saturating_sub(1))
}

#[test]
fn any_range_of_any_file_is_what_it_was() {
    let runtime = Runtime::new().unwrap();
    let lab = Lab::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let ranges = proptest::collection::vec(
        (any::<proptest::sample::Index>(), any::<proptest::sample::Index>()),
        1..6,
    );
    let parts = proptest::collection::vec((size(), 1..200_000_usize), 1..4);
    let outcome = runner.run(&(parts, ranges), |(parts, ranges)| {
        runtime.block_on(async {
            let (mut whole, mut blobs) = (Vec::new(), Vec::new());
            for (size, step) in parts {
                let bytes = text(size);
                blobs.push(lab.store(&bytes, step).await);
                whole.extend(bytes);
            }
            prop_assert!(lab.read(&blobs, 0..u64::MAX).await.unwrap() == whole);
            for (from, to) in ranges {
                let (from, to) = (from.index(whole.len() + 2), to.index(whole.len() + 2));
                let read = lab.read(&blobs, from as u64..to as u64).await.unwrap();
                let cut = |at: usize| at.min(whole.len());
                let expected = if from < to { &whole[cut(from)..cut(to)] } else { &[] };
                prop_assert!(read == expected, "{}..{} of {}", from, to, whole.len());
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn nothing_on_disk_shows_what_it_is() {
    let lab = Lab::new();
    let canary = b"a canary sings in a coal mine";
    let blob = lab.store(&canary.repeat(4_000), 1_000).await;
    let stored = std::fs::read(lab.path(blob)).unwrap();
    assert_eq!(stored.len() as u64, stoa_blob::sealed_size(blob.size));
    assert!(!stored.windows(8).any(|window| canary.windows(8).any(|piece| piece == window)));
}

#[tokio::test]
async fn when_the_key_is_destroyed_the_bytes_are_noise() {
    let lab = Lab::new();
    let blob = lab.store(b"gone tomorrow", 9).await;
    lab.destroy_key().await;
    let read = lab.read(&[blob], 0..9).await;
    assert!(matches!(read, Err(stoa_blob::BlobError::Gone)), "{read:?}");
}

#[tokio::test]
async fn days_are_those_with_files_or_keys() {
    let lab = Lab::new();
    assert_eq!(lab.blobs.days(crate::lab::SHELF.app).await.unwrap(), []);
    let blob = lab.store(b"x", 1).await;
    assert_eq!(lab.blobs.days(crate::lab::SHELF.app).await.unwrap(), [crate::lab::SHELF.day]);
    assert_eq!(lab.blobs.days(stoa_core::AppNumber(8)).await.unwrap(), []);
    assert_eq!(lab.blobs.list(crate::lab::SHELF).await.unwrap(), [blob.id]);
    assert_eq!(lab.blobs.clear(crate::lab::SHELF).await.unwrap(), 1);
    assert!(!lab.root().join("7").exists(), "empty directories go too");
    assert_eq!(
        lab.blobs.days(crate::lab::SHELF.app).await.unwrap(),
        [crate::lab::SHELF.day],
        "the key"
    );
    lab.destroy_key().await;
    assert_eq!(lab.blobs.days(crate::lab::SHELF.app).await.unwrap(), []);
}
