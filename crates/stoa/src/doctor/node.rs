//! What only the process that has the data can tell: the store, the vault, the clocks, its limits.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Resource, getrlimit};
use stoa_core::Timestamp;
use stoa_vault::Survey;

use super::Running;
use crate::admin::Check;
use crate::config::Config;
use crate::failure::explain;
use crate::memory::{self, Exposure};
use crate::node::Node;

/// What the clock may be off without anybody noticing.
const JITTER: Duration = Duration::from_secs(5);
/// 2026-01-01: no clock that is right shows less.
const EARLIEST_S: u64 = 1_767_225_600;
/// So many clients a server should be able to have.
const FILES: u64 = 4_096;
/// With fewer it cannot work at all.
const FEWEST_FILES: u64 = 256;

/// Everything, in the server.
pub async fn of_server(node: &Node) -> Vec<Check> {
    let up = node.opened.0.elapsed().as_secs();
    let found = format!(
        "version {} answers, process {}, for {} h {} min",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        up / 3_600,
        up / 60 % 60
    );
    let mut checks = vec![Check::ok("server", found)];
    let config = node.config.clone();
    let of_machine = move || super::of_machine(&config, Running::Yes);
    match tokio::task::spawn_blocking(of_machine).await {
        Ok(more) => checks.extend(more),
        Err(_) => checks.push(Check::failure(
            "server",
            "the checks of the machine failed".into(),
            "see the log, and report it",
        )),
    }
    checks.extend(of_node(node).await);
    checks
}

/// What the open data show.
pub async fn of_node(node: &Node) -> Vec<Check> {
    let mut checks = vec![store(node)];
    checks.extend(vault(node).await);
    checks.push(moved(node.opened, Instant::now(), node.clock.now()));
    checks.push(future(node));
    checks.push(files(getrlimit(Resource::Nofile).current));
    checks.push(memory(memory::exposure()));
    checks
}

fn store(node: &Node) -> Check {
    match node.chat.health() {
        Ok(()) => Check::ok("store", "takes writes".into()),
        Err(error) => {
            let advice = "see whether the disk is full or broken, and restart the server";
            Check::failure("store", format!("takes no writes: {}", explain(&error)), advice)
        }
    }
}

async fn vault(node: &Node) -> Vec<Check> {
    const NAME: &str = "vault";
    let status = match node.vault.status().await {
        Ok(status) => status,
        Err(error) => return vec![Check::failure(NAME, explain(&error), "restart the server")],
    };
    let mut checks = vec![match status.stopped {
        Some(why) => Check::failure(NAME, why, "see whether its disk is full, and restart"),
        None => Check::ok(NAME, format!("takes changes, generation {}", status.generation)),
    }];
    let told = node.vault.warnings().iter().map(|warning| {
        let advice = "see docs/operations.md, \"Directories and keys\"";
        Check::warning(NAME, warning.to_string(), advice)
    });
    checks.extend(told);
    if status.directories.len() == 1 {
        let advice = "name a directory on another disk in key-mirrors: whoever loses the vault loses the data for ever";
        checks.push(Check::warning(NAME, "it has no mirror".into(), advice));
    }
    checks
}

/// Whether the vault's directories hold the same. Looks again when they do not: a server may be
/// writing.
pub(super) fn mirrors(config: &Config) -> Option<Check> {
    const NAME: &str = "vault mirrors";
    const LOOKS: u32 = 5;
    let [first, mirrors @ ..] = &config.vaults()[..] else { return None };
    if mirrors.is_empty()
        || crate::root_key::is_empty(first) && mirrors.iter().all(|m| crate::root_key::is_empty(m))
    {
        return None;
    }
    let mut found = None;
    for _ in 0..LOOKS {
        found = mirrors.iter().find_map(|mirror| different(first, mirror));
        if found.is_none() {
            let found = format!("{} directories hold the same", mirrors.len() + 1);
            return Some(Check::ok(NAME, found));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let advice =
        "restart the server, which brings them to the same state, and see whether a disk is broken";
    found.map(|found| Check::failure(NAME, found, advice))
}

fn different(first: &Path, mirror: &Path) -> Option<String> {
    match (Survey::of(first), Survey::of(mirror)) {
        (Ok(one), Ok(two)) => {
            let what = one.difference(&two)?;
            Some(format!("{} and {}: {what}", first.display(), mirror.display()))
        }
        (Err(error), _) => Some(format!("{} cannot be read: {error}", first.display())),
        (_, Err(error)) => Some(format!("{} cannot be read: {error}", mirror.display())),
    }
}

/// Whether the wall clock went as the other one did since the data were opened.
fn moved((opened, then): (Instant, Timestamp), instant: Instant, now: Timestamp) -> Check {
    const NAME: &str = "clock";
    if now.as_secs() < EARLIEST_S {
        let found = "it shows a time before this program was made".into();
        return Check::failure(NAME, found, "set it, and keep it right with NTP");
    }
    let elapsed = instant.saturating_duration_since(opened).as_millis();
    let elapsed = i128::try_from(elapsed).unwrap_or(i128::MAX);
    let wall = i128::from(now.as_millis()) - i128::from(then.as_millis());
    let jump = wall - elapsed;
    if jump.unsigned_abs() > JITTER.as_millis() {
        let found = format!("it was moved by {} s since the start", jump / 1_000);
        return Check::warning(NAME, found, "keep it right with NTP, which moves it slowly");
    }
    Check::ok(NAME, "it went evenly since the start".into())
}

/// Whether something was written at a time that is still to come.
fn future(node: &Node) -> Check {
    const NAME: &str = "last written";
    let now = node.clock.now();
    let newest_key = node.vault.keys().iter().map(|key| key.created).max();
    let files = newest_file(&node.config.data.join("store"));
    let Some(last) = newest_key.into_iter().chain(files).max() else {
        return Check::ok(NAME, "nothing yet".into());
    };
    let ahead = last.since(now);
    if ahead > JITTER {
        let found = format!("{} s in the future", ahead.as_secs());
        let advice = "the clock was set back: messages get times of their own, but tokens and retention go by it; set it right";
        return Check::warning(NAME, found, advice);
    }
    Check::ok(NAME, format!("{} s ago", now.since(last).as_secs()))
}

/// When a file of the directory was last written.
fn newest_file(dir: &Path) -> Option<Timestamp> {
    let times = std::fs::read_dir(dir).ok()?.filter_map(|entry| {
        let modified = entry.ok()?.metadata().ok()?.modified().ok()?;
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_millis(u64::try_from(since.as_millis()).ok()?))
    });
    times.max()
}

/// Whether the process may have as many connections as a server should.
fn files(limit: Option<u64>) -> Check {
    const NAME: &str = "open files";
    let Some(limit) = limit else { return Check::ok(NAME, "no limit".into()) };
    let found = format!("{limit} may be open at a time, each client needs one");
    let advice = "raise the limit: with systemd, LimitNOFILE=1048576";
    match limit {
        0..FEWEST_FILES => Check::failure(NAME, found, advice),
        FEWEST_FILES..FILES => Check::warning(NAME, found, advice),
        _ => Check::ok(NAME, found),
    }
}

/// Whether others can see what the process has in its memory.
fn memory(exposure: std::io::Result<Exposure>) -> Check {
    const NAME: &str = "core dumps";
    let advice = "set core-dumps = false as soon as nobody has to look into the process any more";
    match exposure {
        Ok(Exposure { core_dumps: false, dumpable: false }) => {
            Check::ok(NAME, "none are written, and other processes cannot read the memory".into())
        }
        Ok(Exposure { core_dumps: true, .. }) => {
            let found = "a crash may write keys and messages to a file".into();
            Check::warning(NAME, found, advice)
        }
        Ok(Exposure { core_dumps: false, dumpable: true }) => {
            let found =
                "none are written, but programs of the same user can read the memory".into();
            Check::warning(NAME, found, advice)
        }
        Err(error) => {
            let found = format!("the system does not tell: {error}");
            Check::warning(NAME, found, "see that none are written")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Level;

    #[test]
    fn a_clock_that_was_moved_is_noticed_either_way() {
        let (opened, then) = (Instant::now(), Timestamp::from_secs(1_800_000_000));
        let later = opened + Duration::from_secs(60);
        let level = |seconds| moved((opened, then), later, Timestamp::from_secs(seconds)).level;
        assert_eq!(level(1_800_000_060), Level::Ok);
        assert_eq!(level(1_800_000_063), Level::Ok);
        assert_eq!(level(1_800_003_660), Level::Warning, "an hour ahead");
        assert_eq!(level(1_799_996_460), Level::Warning, "an hour back");
        assert_eq!(level(1_000_000_000), Level::Failure);
    }

    #[test]
    fn a_memory_that_others_see_is_told() {
        let level = |core_dumps, dumpable| memory(Ok(Exposure { core_dumps, dumpable })).level;
        assert_eq!(level(false, false), Level::Ok);
        for (core_dumps, dumpable) in [(true, false), (false, true), (true, true)] {
            assert_eq!(level(core_dumps, dumpable), Level::Warning);
        }
        let untold = memory(Err(std::io::Error::other("no such call")));
        assert_eq!(untold.level, Level::Warning);
    }

    #[test]
    fn few_files_are_few_clients() {
        let level = |limit| files(limit).level;
        assert_eq!([level(Some(64)), level(Some(1024))], [Level::Failure, Level::Warning]);
        assert_eq!([level(Some(20_000)), level(None)], [Level::Ok, Level::Ok]);
    }
}
