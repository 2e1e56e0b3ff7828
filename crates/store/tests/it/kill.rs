//! A process that is killed in the middle of its work, with store and vault on disk.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use stoa_core::{Day, SystemClock, SystemEntropy};
use stoa_store::engine::{Direction, Embedded, EmbeddedOptions};
use stoa_store::{AppStore, Bucket, KeyBuilder, Store, StoreError, spaces};
use stoa_vault::{RootKey, Vault, VaultOptions};

use crate::world;

const CHILD: &str = "STOA_TEST_KILLED_CHILD";
const WRITERS: u64 = 8;

/// The store under `directory`, with its vault beside it.
fn open(directory: &Path) -> Store {
    let engine = Embedded::open(&EmbeddedOptions::new(directory.join("data"))).unwrap();
    let root = RootKey::parse(&"5a".repeat(32)).unwrap();
    let keys = VaultOptions::new(directory.join("keys"));
    let vault = Vault::open(keys, root, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap();
    Store::open(Arc::new(engine), Arc::new(vault))
}

/// The log of one writer.
fn log(app: &AppStore, writer: u64) -> KeyBuilder {
    app.key(&spaces::MESSAGES).blind(app.blind("writer", &[&writer.to_be_bytes()]))
}

/// Appends the entry `n`, whose key changes often, so that keys are made under load as well.
async fn append(app: &AppStore, writer: u64, n: u64) {
    let key = &log(app, writer).number(n).done();
    let day = Bucket::Day(Day(u32::try_from(n / 7).unwrap()));
    app.transact(|mut txn| async move {
        txn.put(key, day, &n.to_be_bytes()).await?;
        Ok::<_, StoreError>(txn.done(()))
    })
    .await
    .unwrap();
}

/// How many entries a writer has, checking that all of them open and none is missing.
async fn count(app: &AppStore, writer: u64) -> u64 {
    let read = app.read().await.unwrap();
    let all = log(app, writer).all();
    let rows = read.scan(&all, Direction::Forward, usize::MAX).await.unwrap();
    for ((key, plain), n) in rows.iter().zip(1_u64..) {
        assert_eq!((key.number(1), &plain[..]), (n, &n.to_be_bytes()[..]), "writer {writer}");
    }
    rows.len() as u64
}

/// The process that the next test kills: it commits without end and says so after each commit.
/// Without the directory that this test gives it, it has nothing to do.
#[test]
fn killed_child() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = world::app(&open(Path::new(&directory)), 1).await;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let app = app.clone();
            writers.spawn(async move {
                for n in count(&app, writer).await + 1.. {
                    append(&app, writer, n).await;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "\ncommitted {writer} {n}").unwrap();
                    out.flush().unwrap();
                }
            });
        }
        writers.join_all().await;
    });
}

#[tokio::test]
async fn a_commit_that_returned_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::killed_child", "--nocapture"])
            .env(CHILD, directory.path())
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
                let last = told.entry(writer).or_insert(0);
                *last = n.max(*last);
            }
            lines += 1;
            if lines == 100 * round {
                child.kill().unwrap(); // what is still in the pipe is read to its end
            }
        }
        child.wait().unwrap();
        assert!(lines >= 100 * round, "the child ended by itself after {lines} commits");
        let store = open(directory.path());
        let app = world::app(&store, 1).await;
        for (writer, n) in told {
            let found = count(&app, writer).await;
            assert!(found >= n, "writer {writer}: {n} was acknowledged, {found} are there");
        }
        store.close().await.unwrap();
    }
}
