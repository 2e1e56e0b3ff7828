//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as a stored file, and
//! a stored file that was changed.

use std::sync::{Arc, OnceLock};

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use stoa_core::{AppNumber, Day, Entropy, ManualClock, SeededEntropy, Timestamp};
use stoa_vault::{KeyClass, Vault};
use tokio::runtime::{Builder, Runtime};

use crate::{Blob, BlobError, BlobId, Blobs, Shelf, sealed_size};

const SHELF: Shelf = Shelf { app: AppNumber(7), day: Day(20_000) };

/// A place in memory with one file in it.
struct Bench {
    runtime: Runtime,
    place: Arc<InMemory>,
    blobs: Blobs,
    file: Blob,
    stored: Vec<u8>,
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_728_000_000)));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let vault = Arc::new(Vault::in_memory(clock, entropy.clone()));
        let place = Arc::new(InMemory::new());
        let blobs = Blobs::over(place.clone(), vault, KeyClass(3));
        let (file, stored) = runtime.block_on(async {
            let mut writer = blobs.create(SHELF, &*entropy).await.expect("memory takes it");
            writer.push(b"what a user has sent").await.expect("memory takes it");
            let stored = writer.finish().await.expect("memory takes it");
            let file = stored.blob();
            stored.keep();
            let bytes = place.get(&SHELF.file(file.id)).await.expect("it is there");
            (file, bytes.bytes().await.expect("memory gives it").to_vec())
        });
        Bench { runtime, place, blobs, file, stored }
    })
}

impl Bench {
    /// What a reader gets of a file with these stored bytes, said to hold `size` bytes.
    fn read(&self, stored: &[u8], size: u64) -> Result<Vec<u8>, BlobError> {
        let id = BlobId([1; 16]);
        // The place that the good file was sealed for, so that only the bytes decide.
        let id = if size == self.file.size { self.file.id } else { id };
        self.runtime.block_on(async {
            let path = SHELF.file(id);
            self.place.put(&path, stored.to_vec().into()).await.expect("memory takes it");
            let content = self.blobs.open(SHELF, vec![Blob { id, size }]).await?;
            let bytes: Vec<bytes::Bytes> = content.read(0..u64::MAX).try_collect().await?;
            Ok(bytes.concat())
        })
    }
}

/// Takes `data` for a stored file, and for changes of a good one: pairs of a place and what is added
/// there.
///
/// # Panics
/// When anything opens that was not sealed for its place.
pub fn exercise(data: &[u8]) {
    let bench = bench();
    let size = (data.len() as u64).saturating_sub(sealed_size(0));
    assert!(bench.read(data, size).is_err() || data == bench.stored || size == 0);
    let mut changed = bench.stored.clone();
    for pair in data.chunks_exact(2) {
        let at = usize::from(pair[0]) % changed.len();
        changed[at] = changed[at].wrapping_add(pair[1]);
    }
    let read = bench.read(&changed, bench.file.size);
    if changed == bench.stored {
        assert_eq!(read.expect("unchanged"), b"what a user has sent");
    } else {
        assert!(read.is_err(), "a changed file was opened");
    }
    let cut = data.len() % bench.stored.len();
    assert!(bench.read(&bench.stored[..cut], bench.file.size).is_err(), "a cut file was opened");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_kept() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/blob");
        let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
        assert!(!inputs.is_empty());
        inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
    }
}
