//! What the machine is, without saying which.

use std::fs;

use serde_json::{Value, json};

/// Cores, processor, memory and kernel.
pub fn describe() -> Value {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
        .map(|kilobytes: u64| kilobytes / (1024 * 1024));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": model.map_or("", |(_, model)| model),
        "memory_gib": memory,
        "kernel": kernel.trim().split('-').next().unwrap_or_default(),
    })
}
