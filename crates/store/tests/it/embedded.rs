//! What only an engine with files can get wrong: surviving a kill, sharing its directory, and
//! knowing its format.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
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

const CHILD: &str = "STOA_TEST_KILLED_CHILD";
const WRITERS: u64 = 8;

/// Not a test of its own: the process that the next test kills. It commits without end and says so
/// after each commit.
#[test]
#[ignore = "run by a_commit_that_returned_survives_a_kill"]
fn killed_child() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let engine = Arc::new(open(Path::new(&directory)).unwrap());
    runtime.block_on(async {
        let found = counts(&*engine).await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let engine = engine.clone();
                let from = found.get(&writer).copied().unwrap_or(0);
                tokio::spawn(async move {
                    for n in from + 1.. {
                        put(&*engine, &[writer.to_be_bytes(), u64::to_be_bytes(n)].concat()).await;
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "\ncommitted {writer} {n}").unwrap();
                        out.flush().unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

/// How many entries each writer has, checking that none is missing.
async fn counts(engine: &dyn Engine) -> BTreeMap<u64, u64> {
    let view = engine.snapshot().await.unwrap();
    let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
    let mut counts = BTreeMap::new();
    for (key, _) in rows {
        let number = |at: usize| u64::from_be_bytes(key[at..at + 8].try_into().unwrap());
        let count = counts.entry(number(0)).or_insert(0);
        *count += 1;
        assert_eq!(number(8), *count, "a writer's entries have no gap");
    }
    counts
}

#[tokio::test]
async fn a_commit_that_returned_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::killed_child", "--ignored", "--nocapture"])
            .env(CHILD, &data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = BTreeMap::new();
        let mut lines = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(commit) = line.strip_prefix("committed ") else { continue };
            let Some((writer, n)) = commit.split_once(' ') else { continue };
            // The last line may be cut: then it is a smaller number, or none.
            if let (Ok(writer), Ok(n)) = (writer.parse::<u64>(), n.parse::<u64>()) {
                told.insert(writer, n);
            }
            lines += 1;
            if lines == 100 * round {
                child.kill().unwrap(); // what is still in the pipe is read to its end
            }
        }
        child.wait().unwrap();
        assert!(lines >= 100 * round, "the child ended by itself after {lines} commits");
        let engine = open(&data).unwrap();
        let found = counts(&engine).await;
        for (writer, n) in told {
            assert!(found.get(&writer) >= Some(&n), "writer {writer}: {n} was acknowledged");
        }
        engine.close().await.unwrap();
    }
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
