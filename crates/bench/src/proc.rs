//! What processes cost, from `/proc`.
//!
//! Processor time is that of whole process trees, so that a server with helpers (a database, say) pays
//! for them. `/proc/PID/stat` counts in ticks of 10 ms and keeps the time of ended threads;
//! `/proc/PID/task/*/schedstat` counts in nanoseconds but forgets them. The first is for loads
//! of seconds, the second for a single request.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

/// Processor time and resident memory of some processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time since their starts, with that of ended children.
    pub cpu: Duration,
    /// Resident bytes now.
    pub rss: u64,
}

/// The usage of these processes and of all that descend from them. Processes that are gone count
/// nothing.
pub fn usage(roots: &[u32]) -> Usage {
    let mut sum = Usage::default();
    for pid in tree(roots) {
        if let Some(times) = stat(pid) {
            // Children that a root has waited for count with it; those that live, by themselves.
            sum.cpu += times.own + times.waited_for;
        }
        sum.rss += rss(pid).unwrap_or_default();
    }
    sum
}

/// As the processor time of [`usage`] for one process, to the nanosecond, without threads that
/// ended.
pub fn exact_cpu(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let nanos = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// The processor time of each thread of a process, to the nanosecond, for loads of a second: what threads did
/// that ended meanwhile is not lost with them, as it is in a difference of [`exact_cpu`].
pub struct Threads(HashMap<u32, u64>);

impl Threads {
    /// As it is now.
    pub fn of(pid: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let times = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanos = text.split(' ').next()?.parse().ok()?;
            Some((thread.file_name().to_str()?.parse().ok()?, nanos))
        });
        Self(times.collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What those threads have used since `earlier` that are there now. Threads end after seconds without work,
    /// so those that are gone have hardly used any.
    pub fn since(&self, earlier: &Self) -> Duration {
        let used = |(thread, now): (&u32, &u64)| {
            now.saturating_sub(earlier.0.get(thread).copied().unwrap_or_default())
        };
        Duration::from_nanos(self.0.iter().map(used).sum())
    }
}

/// Waits until a process has nothing more to do, at most a second: its [`exact_cpu`] stands still.
pub async fn settled(pid: u32) {
    const STEP: Duration = Duration::from_millis(20);
    let mut last = exact_cpu(pid);
    for _ in 0..50 {
        sleep(STEP).await;
        let now = exact_cpu(pid);
        if now.saturating_sub(last) < Duration::from_micros(200) {
            return;
        }
        last = now;
    }
}

/// The processor time of the thread that asks, to the nanosecond.
pub fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// The processor time of this process, the load generator.
pub fn own_cpu() -> Duration {
    stat(std::process::id()).map(|times| times.own).unwrap_or_default()
}

/// The processor time that the machine has spent with anything, on all cores.
pub fn machine_cpu() -> Duration {
    parse_busy(&fs::read_to_string("/proc/stat").unwrap_or_default()).unwrap_or_default()
}

/// Reads the first line of `/proc/stat` (proc(5)): what is neither idle nor waiting for a disk. Time of guests counts
/// with that of users.
fn parse_busy(text: &str) -> Option<Duration> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let &[user, nice, system, _, _, irq, softirq, ..] = &*fields else { return None };
    Some(ticks(user + nice + system + irq + softirq))
}

fn ticks(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / per_second))
}

/// Resident bytes of one process.
pub fn rss(pid: u32) -> Option<u64> {
    // Exact, where the counters of `status` may lag behind by some pages for each thread.
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Bytes that the kernel holds at `local` for `remote`, on a TCP connection over IPv4: sent and not
/// acknowledged, or not sent.
pub fn unsent(local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    parse_unsent(&fs::read_to_string("/proc/net/tcp").ok()?, local, remote)
}

fn parse_unsent(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    let ends = format!(" {} {} ", in_hex(local)?, in_hex(remote)?);
    let (_, rest) = table.lines().find_map(|line| line.split_once(&ends))?;
    let (_state, queues) = rest.split_once(' ')?;
    let (unsent, _) = queues.split_once(':')?;
    u64::from_str_radix(unsent, 16).ok()
}

/// As the kernel writes an address: the bytes of IPv4 as they lie in memory, taken for a number.
fn in_hex(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(address) => {
            let ip = u32::from_ne_bytes(address.ip().octets());
            Some(format!("{ip:08X}:{:04X}", address.port()))
        }
        SocketAddr::V6(_) => None,
    }
}

/// These processes and all that descend from them, each once.
fn tree(roots: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(times) = stat(pid) {
            children.entry(times.parent).or_default().push(pid);
        }
    }
    let mut all: Vec<u32> = roots.to_vec();
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        let below = children.get(&pid).into_iter().flatten().copied();
        let new: Vec<u32> = below.filter(|child| !all.contains(child)).collect();
        all.extend(new);
    }
    all
}

#[derive(Debug, PartialEq, Eq)]
struct Times {
    parent: u32,
    own: Duration,
    waited_for: Duration,
}

fn stat(pid: u32) -> Option<Times> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/PID/stat` (proc(5)).
fn parse_stat(text: &str) -> Option<Times> {
    // The name may hold anything, also blanks and brackets: fields are counted from its end.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Times {
        parent: u32::try_from(number(1)?).ok()?,
        own: ticks(number(11)? + number(12)?),
        waited_for: ticks(number(13)? + number(14)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_with_brackets_in_the_name() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 30 20 20 0 3 0 99 1 1";
        let times = parse_stat(line).unwrap();
        assert_eq!(times.parent, 7);
        assert_eq!(times.own, Duration::from_secs(2));
        assert_eq!(times.waited_for, Duration::from_millis(500));
        assert_eq!(parse_stat("42 (cut"), None);
    }

    #[test]
    fn the_machine_is_busy_with_what_is_not_idle() {
        let text = "cpu  100 20 30 4000 500 6 44 9 9 9\ncpu0 1 2 3 4 5 6 7\n";
        assert_eq!(parse_busy(text), Some(Duration::from_secs(2)));
        assert_eq!(parse_busy("cpu 1 2"), None);
        assert!(machine_cpu() > Duration::ZERO);
    }

    #[test]
    fn what_the_kernel_holds_is_found_by_both_ends() {
        use std::io::Write as _;
        use std::net::{TcpListener, TcpStream};
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, remote) = listener.accept().unwrap();
        let local = server.local_addr().unwrap();
        assert_eq!(unsent(local, remote), Some(0));
        server.set_nonblocking(true).unwrap();
        while server.write(&[0; 65_536]).is_ok() {}
        assert!(unsent(local, remote) > Some(1_000));
        assert_eq!(unsent(remote, remote), None);
        drop(client);
    }

    #[test]
    fn threads_that_end_take_nothing_away() {
        let earlier = Threads([(1, 1_000), (2, 5_000)].into());
        let now = Threads([(2, 5_300), (3, 40)].into());
        assert_eq!(now.since(&earlier), Duration::from_nanos(340));
        let own = Threads::of(std::process::id());
        assert!(own.since(&Threads(HashMap::new())) > Duration::ZERO);
    }

    #[test]
    fn this_process_uses_memory_and_counts_once() {
        let pid = std::process::id();
        let once = usage(&[pid]);
        assert!(once.rss > 100_000, "{once:?}");
        assert!(tree(&[pid, pid]).len() >= 2, "roots are taken as given");
        assert!(exact_cpu(pid) > Duration::ZERO);
    }
}
