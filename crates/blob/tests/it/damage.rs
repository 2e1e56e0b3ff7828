//! A file that is not as it was sealed does not open.

use std::fs;

use proptest::prelude::*;
use stoa_blob::{Blob, BlobError, CHUNK};
use tokio::runtime::Runtime;

use crate::lab::{Lab, text};

const SEALED: usize = CHUNK + 37;

#[tokio::test]
async fn the_layout_stays() {
    let lab = Lab::new();
    let bytes = text(2 * CHUNK + 5);
    let blob = lab.store(&bytes, 70_000).await;
    let stored = fs::read(lab.path(blob)).unwrap();
    assert_eq!(stored.len(), 2 * SEALED + 5 + 37);
    for at in [0, SEALED, 2 * SEALED] {
        assert_eq!(stored[at], 1, "each chunk is a sealed record of version 1");
        assert_eq!(stored[at + 1..at + 9], stored[1..9], "all under the key of the day");
    }
    assert_ne!(stored[9..21], stored[SEALED + 9..SEALED + 21], "each under its own nonce");
}

#[tokio::test]
async fn chunks_that_were_moved_exchanged_or_left_out_are_refused() {
    let lab = Lab::new();
    let a = lab.store(&text(3 * CHUNK), CHUNK).await;
    let b = lab.store(&text(3 * CHUNK), CHUNK).await;
    let (first, other) = (fs::read(lab.path(a)).unwrap(), fs::read(lab.path(b)).unwrap());
    let chunk = |bytes: &[u8], n: usize| bytes[n * SEALED..(n + 1) * SEALED].to_vec();
    let of = |numbers: [usize; 3]| numbers.map(|n| chunk(&first, n)).concat();
    for (what, stored) in [
        ("exchanged", of([1, 0, 2])),
        ("the last in the middle", of([0, 2, 1])),
        ("twice", of([0, 1, 1])),
        ("of another file", [chunk(&first, 0), chunk(&other, 1), chunk(&first, 2)].concat()),
        ("another file", other.clone()),
    ] {
        fs::write(lab.path(a), stored).unwrap();
        let read = lab.read(&[a], 0..u64::MAX).await;
        assert!(matches!(read, Err(BlobError::Damaged)), "{what}: {read:?}");
    }
    // A whole file that ends where a chunk ended.
    fs::write(lab.path(a), &first[..2 * SEALED]).unwrap();
    for size in [2 * CHUNK, 3 * CHUNK] {
        let read = lab.read(&[Blob { size: size as u64, ..a }], 0..u64::MAX).await;
        assert!(matches!(read, Err(BlobError::Damaged)), "{size}");
    }
    fs::write(lab.path(a), &first).unwrap();
    assert!(lab.read(&[a], 0..u64::MAX).await.is_ok());
    fs::remove_file(lab.path(a)).unwrap();
    assert!(matches!(lab.read(&[a], 0..1).await, Err(BlobError::Gone)));
}

#[tokio::test]
async fn another_app_cannot_open_it() {
    let lab = Lab::new();
    let blob = lab.store(b"ours", 4).await;
    let theirs = stoa_blob::Shelf { app: stoa_core::AppNumber(8), ..crate::lab::SHELF };
    let path = lab.root().join("8").join("20833");
    fs::create_dir_all(&path).unwrap();
    fs::copy(lab.path(blob), path.join(blob.id.to_string())).unwrap();
    let content = lab.blobs.open(theirs, vec![blob]).await.unwrap();
    assert!(matches!(content.read_all().await, Err(BlobError::Damaged)));
}

#[test]
fn any_flipped_bit_and_any_cut_is_refused() {
    let runtime = Runtime::new().unwrap();
    let lab = Lab::new();
    let blob = runtime.block_on(lab.store(&text(CHUNK + 9), 999));
    let good = fs::read(lab.path(blob)).unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let inputs = (any::<proptest::sample::Index>(), 0..8_u8, any::<bool>());
    let outcome = runner.run(&inputs, |(at, bit, cut)| {
        let mut stored = good.clone();
        let at = at.index(stored.len());
        if cut {
            stored.truncate(at);
        } else {
            stored[at] ^= 1 << bit;
        }
        fs::write(lab.path(blob), stored).unwrap();
        let read = runtime.block_on(lab.read(&[blob], 0..u64::MAX));
        prop_assert!(matches!(read, Err(BlobError::Damaged)), "{:?}", read);
        Ok(())
    });
    outcome.unwrap();
}
