//! What only an engine with files can get wrong: sharing its directory, knowing its format, sharing
//! syncs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use stoa_store::engine::{Direction, Embedded, EmbeddedOptions, Engine, OpenError, Span};

fn open(directory: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(&EmbeddedOptions::new(directory))
}

async fn put(engine: &dyn Engine, key: &[u8]) {
    let mut txn = engine.begin().await.unwrap();
    txn.put(key.to_vec(), b"value".to_vec());
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("not/yet/there");
    for n in 0..5_u8 {
        let engine = open(&data).unwrap();
        let view = engine.snapshot().await.unwrap();
        let rows = view.scan(&Span::all(), Direction::Forward, 99).await.unwrap();
        assert_eq!(rows.len(), usize::from(n));
        put(&engine, &[b'k', n]).await;
        drop(view);
        // Closed or only dropped: the directory is free again.
        if n % 2 == 0 {
            engine.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn concurrent_commits_share_syncs() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path()).unwrap());
    let writers: Vec<_> = (0..32_u8)
        .map(|writer| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for n in 0..8_u8 {
                    put(&*engine, &[writer, n]).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let stats = engine.stats();
    assert_eq!((stats.commits, stats.rows), (256, 256));
    assert_eq!(stats.batches, stats.syncs);
    assert!(stats.syncs < 128, "{} syncs for 256 commits of 32 writers", stats.syncs);
}

#[test]
fn a_directory_is_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::InUse(_))));
    drop(first);
    open(directory.path()).unwrap();
}

#[test]
fn other_formats_and_other_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter.txt"), "dear").unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::Foreign(_))));
    fs::remove_file(directory.path().join("letter.txt")).unwrap();
    drop(open(directory.path()).unwrap());
    fs::write(directory.path().join("format"), "stoa embedded store, format 999\n").unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(error.to_string().contains("format 999"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_directory_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    drop(open(&data).unwrap());
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

/// A creation that was cut off between its steps is taken up again.
#[test]
fn a_creation_that_was_cut_off_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("lock"), "").unwrap();
    fs::write(directory.path().join("format.new"), "stoa emb").unwrap();
    drop(open(directory.path()).unwrap());
    drop(open(directory.path()).unwrap());
}
