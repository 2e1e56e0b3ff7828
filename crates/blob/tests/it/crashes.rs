//! What is left of a file that was not finished: nothing.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stoa_blob::BlobError;

use crate::lab::{Lab, SHELF, files, text};

#[tokio::test]
async fn an_aborted_file_leaves_nothing() {
    let lab = Lab::new();
    let mut writer = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
    writer.push(&text(600_000)).await.unwrap();
    assert_eq!(files(&lab.root()).len(), 1, "it is on its way");
    assert!(lab.blobs.list(SHELF).await.unwrap().is_empty(), "and not there");
    assert_eq!(lab.blobs.pending().len(), 1);
    writer.abort().await;
    assert!(files(&lab.root()).is_empty() && lab.blobs.pending().is_empty());

    let mut writer = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
    writer.push(b"nobody has a record of it").await.unwrap();
    let stored = writer.finish().await.unwrap();
    assert!(lab.blobs.pending().contains(&stored.blob().id), "a sweep leaves it alone");
    stored.discard().await;
    assert!(files(&lab.root()).is_empty() && lab.blobs.pending().is_empty());
}

#[tokio::test]
async fn a_file_whose_writer_is_dropped_leaves_nothing() {
    let lab = Lab::new();
    let mut writer = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
    writer.push(&text(600_000)).await.unwrap();
    let mut complete = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
    complete.push(b"x").await.unwrap();
    drop((writer, complete.finish().await.unwrap()));
    // It is removed in the background; this ends when it is.
    while !files(&lab.root()).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_crash_left_is_removed_at_the_start() {
    let lab = Lab::new();
    let kept = lab.store(b"kept", 4).await;
    let mut writer = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
    writer.push(&text(600_000)).await.unwrap();
    // The process is gone: nobody drops anything.
    std::mem::forget(writer);
    assert_eq!(files(&lab.root()).len(), 2);
    let lab = lab.restarted();
    assert_eq!(files(&lab.root()), [lab.path(kept)]);
    assert_eq!(lab.read(&[kept], 0..9).await.unwrap(), b"kept");
}

#[tokio::test]
async fn directories_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    assert_eq!(fs::metadata(lab.root()).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Says to the test below it that it runs in a process of its own.
const ALONE: &str = "STOA_TEST_FULL_DISK";

/// In a process of its own, so that its limit binds nobody else: begun by the test after it.
#[test]
fn on_a_full_disk() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    // A file larger than that cannot be written; the system says so as it does for a full disk.
    let limit = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(300_000), ..limit }).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let lab = Lab::new();
        let mut writer = lab.blobs.create(SHELF, &lab.entropy).await.unwrap();
        let outcome = writer.push(&text(900_000)).await;
        assert!(matches!(outcome, Err(BlobError::NoSpace(_))), "{outcome:?}");
        writer.abort().await;
        assert!(files(&lab.root()).is_empty());
        let blob = lab.store(&text(200_000), 1_000).await;
        assert_eq!(lab.read(&[blob], 0..u64::MAX).await.unwrap(), text(200_000), "small ones fit");
    });
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    // The signal that comes with the error is ignored by whoever starts this.
    let this = std::env::current_exe().unwrap();
    let run = std::process::Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact crashes::on_a_full_disk"])
        .arg(this)
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
}
