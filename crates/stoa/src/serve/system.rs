//! What the operating system knows of this process: `/proc`, limits, and the disks.

use std::path::Path;

use rustix::process::{Resource, getrlimit};
use stoa_metrics::{process, store};

use crate::config::Config;

/// One look. What cannot be read is none.
#[derive(Debug, Default)]
pub(super) struct System {
    stat: Option<Stat>,
    resident: Option<u64>,
    files: Option<u64>,
    free: [Option<u64>; 2],
}

/// What `/proc/self/stat` says, as far as it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    started_ticks: u64,
    virtual_bytes: u64,
}

impl System {
    /// Reads everything. Blocks.
    pub(super) fn look_up(config: &Config) -> Self {
        let keys = std::iter::once(&config.keys).chain(&config.key_mirrors);
        Self {
            stat: read_stat(),
            resident: read_resident(),
            files: std::fs::read_dir("/proc/self/fd").ok().map(|files| {
                // The one that reads is open too.
                u64::try_from(files.count()).unwrap_or(u64::MAX).saturating_sub(1)
            }),
            free: [free(&config.data), keys.filter_map(|dir| free(dir)).min()],
        }
    }

    /// Tells the metrics.
    pub(super) fn tell(&self) {
        if let Some(stat) = self.stat {
            process::CPU.set(stat.cpu_ticks);
            process::THREADS.set_unsigned(stat.threads);
            process::VIRTUAL.set_unsigned(stat.virtual_bytes);
        }
        if let Some(resident) = self.resident {
            process::RESIDENT.set_unsigned(resident);
        }
        if let Some(files) = self.files {
            process::FILES.set_unsigned(files);
        }
        process::FILES_MAX.set_unsigned(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX));
        for (directory, free) in
            [store::Directory::Data, store::Directory::Keys].into_iter().zip(self.free)
        {
            if let Some(free) = free {
                store::DISK_FREE.of(directory).set_unsigned(free);
            }
        }
    }
}

/// Bytes that this process may still write on the disk of `dir`.
fn free(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn read_stat() -> Option<Stat> {
    parse_stat(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Bytes of memory that are resident.
fn read_resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The fields of `/proc/self/stat` (proc_pid_stat(5)), counted from behind the name of the program,
/// which may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    // Field 3 is the first one here.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        cpu_ticks: field(14)?.checked_add(field(15)?)?,
        threads: field(20)?,
        started_ticks: field(22)?,
        virtual_bytes: field(23)?,
    })
}

/// When the process started, in milliseconds since 1970; 0 where nobody knows.
pub(super) fn started_ms() -> u64 {
    // Ticks are hundredths of a second wherever Linux shows them.
    let boot = std::fs::read_to_string("/proc/stat").ok();
    let boot = boot.as_deref().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
        line.trim().parse::<u64>().ok()
    });
    let started = boot.zip(read_stat()).map(|(boot, stat)| boot * 1000 + stat.started_ticks * 10);
    started.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_kernel_is_read() {
        let line = "4711 (a ) b) S 1 4711 4711 0 -1 4194304 1000 0 0 0 250 50 0 0 20 0 9 0 12345 \
                    104857600 2560 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat.cpu_ticks, 300);
        assert_eq!((stat.threads, stat.started_ticks), (9, 12345));
        assert_eq!(stat.virtual_bytes, 104_857_600);
        assert_eq!(parse_stat("4711 (stoa) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        assert!(read_stat().is_some_and(|stat| stat.virtual_bytes > 0 && stat.threads > 0));
        assert!(read_resident().is_some_and(|bytes| bytes > 100_000));
        assert!(started_ms() > 1_600_000_000_000);
        assert!(free(Path::new("/")).is_some());
    }
}
