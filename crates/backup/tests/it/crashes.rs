//! A crash at each piece of a backup that is being written, and at each write of one that is being brought back.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::memory::InMemory;
use stoa_backup::{BackupError, Restored, Writer};
use stoa_blob::{Blobs, RawFile, Shelf};
use stoa_core::{AppNumber, Clock, Operator};
use stoa_store::engine::{Faults, Memory};
use stoa_store::{Bucket, Store, StoreError, classes, spaces};
use stoa_vault::KeyClass;

use crate::place::Failing;
use crate::{DAY, Lab, read};

/// Rows, of which a restore writes 4,096 at once, and files, the last of which is written in parts.
const ROWS: u64 = 9_000;
const FILES: [usize; 3] = [0, 10, 2_500_000];

async fn filled() -> Lab {
    let lab = Lab::new(1);
    let platform = &lab.store.platform(&Operator::of_this_process()).await.unwrap();
    for first in (0..ROWS).step_by(1_000) {
        platform
            .transact(|mut txn| async move {
                for n in first..first + 1_000 {
                    let key = platform.key(&spaces::APPS).number(n).done();
                    txn.put(&key, Bucket::Whole, format!("number {n}").as_bytes()).await?;
                }
                Ok::<_, StoreError>(txn.done(()))
            })
            .await
            .unwrap();
    }
    for size in FILES {
        let shelf = Shelf { app: AppNumber(5), day: DAY };
        let mut file = lab.blobs.create(shelf, &*lab.entropy).await.unwrap();
        file.push(&vec![b'x'; size]).await.unwrap();
        file.finish().await.unwrap().keep();
    }
    lab
}

#[tokio::test]
async fn a_backup_that_stops_after_any_piece_says_that_it_is_cut_off() {
    let lab = filled().await;
    for pieces in 0.. {
        let (mut bytes, mut refused, mut given) = (Vec::new(), Vec::new(), 0);
        let writer = Writer::new(&lab.vault, lab.clock.now(), &*lab.entropy);
        let give = |piece: Bytes, _| {
            let taken = given < pieces;
            given += 1;
            if taken { &mut bytes } else { &mut refused }.extend_from_slice(&piece);
            async move { if taken { Ok(()) } else { Err(BackupError::Gone) } }
        };
        let operator = Operator::of_this_process();
        let made = writer.write(&operator, &lab.store, &lab.blobs, Vec::new(), give).await;
        match made {
            Ok(totals) => {
                assert!(pieces > 5, "{pieces}");
                assert_eq!(read(&bytes, &lab.vault).unwrap(), totals);
                break;
            }
            Err(error) => assert!(matches!(error, BackupError::Gone), "{error}"),
        }
        // What came last may be there in part.
        for torn in [0, 1, refused.len() / 2, refused.len() - 1] {
            let torn = [&bytes[..], &refused[..torn]].concat();
            let told = read(&torn, &lab.vault).unwrap_err();
            assert!(
                matches!(told, BackupError::Cut(_) | BackupError::Foreign),
                "after {pieces} pieces: {told}"
            );
        }
    }
}

/// What a restore writes to.
struct Target {
    engine: Arc<Memory>,
    files: Arc<InMemory>,
}

impl Target {
    fn new() -> Self {
        Self { engine: Arc::new(Memory::new()), files: Arc::new(InMemory::new()) }
    }

    /// Opens it with the vault of `lab`; writes fail as `faults` say, and files after so many steps.
    fn open(&self, lab: &Lab, faults: Faults, steps: u64) -> Lab {
        let mut opened = lab.empty();
        let engine = faults.over(self.engine.clone(), lab.entropy.clone());
        opened.engine = self.engine.clone();
        opened.store = Store::open(engine, lab.vault.clone());
        let place = Arc::new(Failing::after(steps, self.files.clone()));
        let class = KeyClass(classes::ATTACHMENT.number);
        opened.blobs = Blobs::over(place, lab.vault.clone(), class);
        opened
    }
}

async fn bytes(lab: &Lab, file: RawFile) -> Vec<u8> {
    let pieces: Vec<Bytes> = lab.blobs.raw(file).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// Brings `backup` back with a crash: it is whole, or can be begun anew, or is refused; and what is there is as it was.
async fn crash(lab: &Lab, backup: &[u8], faults: Faults, steps: u64, what: &str) -> bool {
    let target = Target::new();
    let outcome = target.open(lab, faults, steps).restore(backup).await;
    let left = target.open(lab, Faults::default(), u64::MAX);
    let (rows, of_lab) = (left.rows().await, lab.rows().await);
    assert!(rows.iter().all(|row| of_lab.binary_search(row).is_ok()), "{what}");
    let files = left.blobs.all().await.unwrap();
    for file in &files {
        assert_eq!(bytes(&left, *file).await, bytes(lab, *file).await, "{what}: {file:?}");
    }
    let all = Restored { rows: ROWS, files: FILES.len() as u64 + 1, dropped: 0 };
    if let Ok((restored, beside)) = &outcome {
        assert_eq!((*restored, beside.len()), (all, 1), "{what}");
        assert_eq!((rows.len() as u64, files.len()), (ROWS, FILES.len()), "{what}");
        return true;
    }
    match left.restore(backup).await {
        Ok((restored, _)) => {
            assert!(rows.is_empty() && files.is_empty(), "{what}");
            assert_eq!(restored, all, "{what}");
        }
        Err(refused) => {
            assert!(matches!(refused, BackupError::NotEmpty), "{what}: {refused}");
            assert!(!rows.is_empty() || !files.is_empty(), "{what}");
        }
    }
    false
}

#[tokio::test]
async fn a_restore_that_crashes_at_any_write_is_whole_or_refused() {
    let lab = filled().await;
    let (backup, _) = lab.backup().await;
    for written in [false, true] {
        let mut commit = 0;
        while !crash(
            &lab,
            &backup,
            Faults::crash(commit, written),
            u64::MAX,
            &format!("commit {commit}"),
        )
        .await
        {
            commit += 1;
        }
        assert_eq!(commit, 3, "so many commits");
    }
    let mut steps = 0;
    while !crash(&lab, &backup, Faults::default(), steps, &format!("step {steps}")).await {
        steps += 1;
    }
    assert!(steps >= 3 * FILES.len() as u64, "{steps}");
}
