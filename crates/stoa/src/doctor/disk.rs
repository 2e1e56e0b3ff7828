//! Room on the disks, and whether they take a write and sync it.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::statvfs;

use crate::admin::Check;
use crate::config::Config;

/// Below this much room writes are about to fail, in bytes.
const SCARCE: u64 = 256 << 20;
/// Below this share of the disk, in percent, or this much room, somebody should look.
const LOW_PERCENT: u64 = 10;
const LOW: u64 = 2 << 30;
/// Below this many free inodes no file can be made soon.
const FEW_INODES: u64 = 1_000;
/// A sync that takes longer makes every message slow.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let mut dirs = vec![config.data.as_path()];
    dirs.extend(config.vaults());
    let there = dirs.into_iter().filter(|dir| dir.is_dir());
    there.flat_map(|dir| [room(dir), inodes(dir), sync(dir)]).collect()
}

fn room(dir: &Path) -> Check {
    let shown = dir.display();
    match statvfs(dir) {
        Err(error) => Check::failure("disk space", format!("{shown}: {error}"), "look at the disk"),
        Ok(stat) => {
            let (free, all) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
            judge_room(&shown.to_string(), free, all)
        }
    }
}

fn judge_room(shown: &str, free: u64, all: u64) -> Check {
    let percent = free.saturating_mul(100) / all.max(1);
    let found = format!("{} MiB ({percent} %) are free for {shown}", free >> 20);
    if free < SCARCE {
        let advice = "make room now: when the disk is full, the server takes no messages";
        return Check::failure("disk space", found, advice);
    }
    if free < LOW || percent < LOW_PERCENT {
        return Check::warning("disk space", found, "make room, or give it a larger disk");
    }
    Check::ok("disk space", found)
}

fn inodes(dir: &Path) -> Check {
    let shown = dir.display();
    match statvfs(dir) {
        // Some file systems have no fixed number.
        Ok(stat) if stat.f_files > 0 && stat.f_favail < FEW_INODES => {
            let found = format!("{} are left for {shown}", stat.f_favail);
            Check::failure("inodes", found, "remove files on that disk")
        }
        Ok(_) => Check::ok("inodes", format!("enough are free for {shown}")),
        Err(error) => Check::failure("inodes", format!("{shown}: {error}"), "look at the disk"),
    }
}

fn sync(dir: &Path) -> Check {
    let shown = dir.display();
    let file = dir.join(".doctor");
    let write = || -> io::Result<Duration> {
        let started = Instant::now();
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&file)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        Ok(started.elapsed())
    };
    let written = write();
    let removed = std::fs::remove_file(&file);
    match written.and_then(|took| removed.map(|()| took)) {
        Ok(took) => {
            let found = format!("a write to {shown} was synced in {} ms", took.as_millis());
            if took <= SLOW {
                return Check::ok("sync", found);
            }
            let advice =
                "every message waits for this: use a faster disk, or see what else keeps it busy";
            Check::warning("sync", found, advice)
        }
        Err(error) => {
            let found = format!("{shown} takes no writes: {error}");
            Check::failure("sync", found, "see that it is mounted for writing and not full")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Level;

    #[test]
    fn room_is_judged_by_bytes_and_by_share() {
        let level = |free: u64, all: u64| judge_room("data", free << 20, all << 20).level;
        assert_eq!(level(100, 1_000_000), Level::Failure);
        assert_eq!(level(1_000, 5_000), Level::Warning, "little, although it is a fifth");
        assert_eq!(level(50_000, 1_000_000), Level::Warning, "much, but a small share");
        assert_eq!(level(500_000, 1_000_000), Level::Ok);
    }

    #[test]
    fn a_directory_that_takes_writes_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(sync(dir.path()).level, Level::Failure);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
        let gone = sync(&dir.path().join("gone"));
        assert_eq!(gone.level, Level::Failure);
        assert!(gone.found.contains("takes no writes"), "{}", gone.found);
    }
}
