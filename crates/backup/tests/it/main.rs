//! Backups from outside: made, read, damaged, brought back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod crashes;
mod place;

use std::sync::Arc;

use bytes::Bytes;
use stoa_backup::{
    BackupError, BesideFile, HEADER, Item, Reader, Restored, Restoring, Totals, Writer,
};
use stoa_blob::{Blobs, Shelf};
use stoa_core::{
    App, AppNumber, AuthPolicy, Clock, Day, ManualClock, Operator, Region, SeededEntropy, Timestamp,
};
use stoa_store::engine::{Direction, Engine, Memory, Span};
use stoa_store::{Bucket, Store, classes, spaces};
use stoa_vault::{KeyClass, KeyScope, Vault};
use tempfile::TempDir;

struct Lab {
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    vault: Arc<Vault>,
    engine: Arc<Memory>,
    store: Store,
    blobs: Blobs,
    _dir: TempDir,
}

const DAY: Day = Day(20_000);

impl Lab {
    fn over(clock: Arc<ManualClock>, entropy: Arc<SeededEntropy>, vault: Arc<Vault>) -> Self {
        let (engine, dir) = (Arc::new(Memory::new()), tempfile::tempdir().unwrap());
        let store = Store::open(engine.clone(), vault.clone());
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(dir.path(), vault.clone(), class).unwrap();
        Self { clock, entropy, vault, engine, store, blobs, _dir: dir }
    }

    fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
        Self::over(clock, entropy, vault)
    }

    /// An empty place with the same vault.
    fn empty(&self) -> Self {
        Self::over(self.clock.clone(), self.entropy.clone(), self.vault.clone())
    }

    /// With records of two kinds and a file.
    async fn filled() -> Self {
        let lab = Self::new(1);
        let platform = lab.store.platform(&Operator::of_this_process()).await.unwrap();
        for n in 0..3_000_u64 {
            let key = &platform.key(&spaces::APPS).number(n).done();
            let text = &format!("a record of some length, number {n}");
            let bucket = if n < 2_000 { Bucket::Whole } else { Bucket::Object([7; 16]) };
            platform
                .transact(|mut txn| async move {
                    txn.put(key, bucket, text.as_bytes()).await?;
                    Ok::<_, stoa_store::StoreError>(txn.done(()))
                })
                .await
                .unwrap();
        }
        let shelf = Shelf { app: AppNumber(5), day: DAY };
        for size in [0, 10, 200_000] {
            let mut file = lab.blobs.create(shelf, &*lab.entropy).await.unwrap();
            file.push(&vec![b'x'; size]).await.unwrap();
            file.finish().await.unwrap().keep();
        }
        lab
    }

    async fn backup(&self) -> (Vec<u8>, Totals) {
        let mut bytes = Vec::new();
        let writer = Writer::new(&self.vault, self.clock.now(), &*self.entropy);
        let beside = vec![BesideFile { name: "tls/ca".into(), bytes: Bytes::from_static(b"ca") }];
        let give = |piece: Bytes, _| {
            bytes.extend_from_slice(&piece);
            async { Ok(()) }
        };
        let operator = Operator::of_this_process();
        let totals = writer.write(&operator, &self.store, &self.blobs, beside, give).await.unwrap();
        (bytes, totals)
    }

    async fn rows(&self) -> Vec<(Bytes, Bytes)> {
        let view = self.engine.snapshot().await.unwrap();
        view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap()
    }

    async fn restore(&self, backup: &[u8]) -> Result<(Restored, Vec<BesideFile>), BackupError> {
        let mut reader = Reader::open(backup, &self.vault)?;
        let operator = Operator::of_this_process();
        let mut restoring =
            Restoring::begin(&operator, &self.store, &self.blobs, &self.vault).await?;
        let mut beside = Vec::new();
        while let Some(item) = reader.item()? {
            beside.extend(restoring.take(item).await?);
        }
        Ok((restoring.restored(), beside))
    }
}

fn read(backup: &[u8], vault: &Vault) -> Result<Totals, BackupError> {
    let mut reader = Reader::open(backup, vault)?;
    while reader.item()?.is_some() {}
    Ok(reader.seen())
}

#[tokio::test]
async fn what_was_stored_is_brought_back_as_it_was() {
    let lab = Lab::filled().await;
    let (backup, totals) = lab.backup().await;
    assert_eq!((totals.rows, totals.files), (3_000, 4));
    assert_eq!(read(&backup, &lab.vault).unwrap(), totals);
    let other = lab.empty();
    let (restored, beside) = other.restore(&backup).await.unwrap();
    assert_eq!(restored, Restored { rows: 3_000, files: 4, dropped: 0 });
    assert_eq!(other.rows().await, lab.rows().await);
    assert_eq!(other.blobs.all().await.unwrap(), lab.blobs.all().await.unwrap());
    assert_eq!(beside[0].name, "tls/ca");
    // A place that holds something takes none.
    assert!(matches!(other.restore(&backup).await, Err(BackupError::NotEmpty)));
    // Nothing of it stands in clear, the spaces and numbers of apps neither.
    let key = &lab.rows().await[0].0;
    for clear in [&b"a record"[..], &key[..], b"tls/ca", b"5/20000"] {
        assert!(!backup.windows(clear.len()).any(|part| part == clear));
    }
}

#[tokio::test]
async fn what_is_cut_changed_or_added_is_found() {
    let lab = Lab::filled().await;
    let (backup, _) = lab.backup().await;
    for length in
        (0..backup.len()).step_by(9_973).chain([0, 1, HEADER - 1, HEADER, backup.len() - 1])
    {
        let cut = read(&backup[..length], &lab.vault).unwrap_err();
        let told = matches!(cut, BackupError::Cut(_) | BackupError::Foreign);
        assert!(told, "{length}: {cut}");
    }
    for at in (0..backup.len()).step_by(9_973).chain([7, 8, 30, 45, HEADER, HEADER + 4]) {
        let mut changed = backup.clone();
        changed[at] ^= 1;
        assert!(read(&changed, &lab.vault).is_err(), "{at}");
    }
    let longer = [&backup[..], b"x"].concat();
    assert!(matches!(read(&longer, &lab.vault), Err(BackupError::Damaged(_))));
    // A chunk left out, or put twice.
    let length = u32::from_be_bytes(*backup[HEADER..].first_chunk().unwrap());
    let second = HEADER + 4 + usize::try_from(length).unwrap();
    let without = [&backup[..HEADER], &backup[second..]].concat();
    assert!(read(&without, &lab.vault).is_err());
    let twice = [&backup[..second], &backup[HEADER..]].concat();
    assert!(read(&twice, &lab.vault).is_err());
}

#[tokio::test]
async fn it_opens_with_the_vault_it_was_made_with_and_nothing_else() {
    let lab = Lab::filled().await;
    let (backup, _) = lab.backup().await;
    let refused = read(&backup, &Lab::new(2).vault).unwrap_err();
    assert!(refused.to_string().contains(&format!("{:?}", lab.vault.id())), "{refused}");
    // Another vault that says it is this one.
    let other = Lab::new(3);
    let mut forged = backup;
    forged[8..24].copy_from_slice(&other.vault.id().0);
    assert!(read(&forged, &other.vault).is_err());
}

#[tokio::test]
async fn what_was_destroyed_since_is_left_out() {
    let lab = Lab::filled().await;
    let (backup, totals) = lab.backup().await;
    let gone = |scope: &KeyScope| matches!(scope.bucket, Bucket::Object(_) | Bucket::Day(DAY));
    lab.vault.destroy(gone).await.unwrap();
    assert_eq!(read(&backup, &lab.vault).unwrap(), totals, "it is whole as before");
    let other = lab.empty();
    let (restored, _) = other.restore(&backup).await.unwrap();
    assert_eq!(restored, Restored { rows: 2_000, files: 1, dropped: 1_003 });
    assert!(other.blobs.all().await.unwrap().is_empty());
}

/// A log that began anew would stand below the places up to which its readers have read, and tell them nothing.
#[tokio::test]
async fn entries_of_logs_keep_their_numbers_when_nobody_can_read_them() {
    let lab = Lab::new(4);
    let key = "demo#stoa".parse().unwrap();
    let (number, now) = (AppNumber(1), lab.clock.now());
    let app = App::new(number, key, Region::Eu, now, AuthPolicy::Token, &*lab.entropy);
    let scope = Operator::of_this_process().in_app(Arc::new(app));
    let app = lab.store.app(&scope).await.unwrap();
    let log = app.blind("log", &[b"a log"]);
    let entry = |n| app.key(&spaces::MESSAGES).blind(log).number(n).done();
    for n in 1..=3 {
        let key = &entry(n);
        let put = app.transact(|mut txn| async move {
            txn.put(key, Bucket::Day(DAY), b"said").await?;
            Ok::<_, stoa_store::StoreError>(txn.done(()))
        });
        put.await.unwrap();
    }
    let (backup, _) = lab.backup().await;
    lab.vault.destroy(|scope| scope.bucket == Bucket::Day(DAY)).await.unwrap();
    let other = lab.empty();
    let (restored, _) = other.restore(&backup).await.unwrap();
    assert_eq!((restored.rows, restored.dropped), (3, 0));
    let brought = other.store.app(&scope).await.unwrap();
    let all = brought.key(&spaces::MESSAGES).blind(log).all();
    let read = brought.read().await.unwrap();
    let rows = read.scan_all(&all, Direction::Forward, 10).await.unwrap();
    let numbers: Vec<_> = rows.iter().map(|(key, value)| (key.number(1), value.clone())).collect();
    assert_eq!(numbers, [(1, None), (2, None), (3, None)]);
}

#[tokio::test]
async fn it_is_of_one_moment_while_others_write() {
    let lab = Lab::filled().await;
    let platform = lab.store.platform(&Operator::of_this_process()).await.unwrap();
    let before = lab.rows().await;
    let mut bytes = Vec::new();
    let writer = Writer::new(&lab.vault, lab.clock.now(), &*lab.entropy);
    let written = &std::sync::atomic::AtomicU64::new(10_000);
    let (platform, bytes_to) = (&platform, &mut bytes);
    let give = |piece: Bytes, _| {
        bytes_to.extend_from_slice(&piece);
        let n = written.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            let keys = [n, n % 3_000].map(|n| platform.key(&spaces::APPS).number(n).done());
            let keys = &keys;
            let done = platform.transact(|mut txn| async move {
                txn.put(&keys[0], Bucket::Whole, b"new").await?;
                txn.delete(&keys[1])?;
                Ok::<_, stoa_store::StoreError>(txn.done(()))
            });
            Ok(done.await?)
        }
    };
    let operator = Operator::of_this_process();
    writer.write(&operator, &lab.store, &lab.blobs, Vec::new(), give).await.unwrap();
    assert_ne!(lab.rows().await, before);
    let mut reader = Reader::open(&bytes[..], &lab.vault).unwrap();
    let mut rows = Vec::new();
    while let Some(item) = reader.item().unwrap() {
        if let Item::Row(key, value) = item {
            rows.push((key, value));
        }
    }
    assert_eq!(rows, before);
}
