//! What the machine is, without saying which, and how busy others keep it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::{Error, proc};

/// Rounds of the yardstick.
const ROUNDS: u32 = 20_000;

/// Cores, processor, memory and kernel; the day; and the commit, if `BENCH_COMMIT` names it.
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
        "date": jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        "commit": std::env::var("BENCH_COMMIT").unwrap_or_default(),
    })
}

/// Processor time in microseconds for one thread to send 200 bytes to itself over loopback and
/// receive them.
///
/// Whoever shares cores, caches and memory with us makes the same work cost more processor time,
/// ours and that of servers alike. This says by how much, in any run.
///
/// # Errors
/// When there is no loopback.
pub fn yardstick() -> Result<f64, Error> {
    let connect = || -> io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sender = TcpStream::connect(listener.local_addr()?)?;
        sender.set_nodelay(true)?;
        Ok((sender, listener.accept()?.0))
    };
    let (mut sender, mut receiver) = connect().map_err(Error::io("measure the machine"))?;
    let mut work = |rounds: u32| -> io::Result<()> {
        let mut bytes = [0; 200];
        for _ in 0..rounds {
            sender.write_all(&bytes)?;
            receiver.read_exact(&mut bytes)?;
        }
        Ok(())
    };
    work(ROUNDS / 10).map_err(Error::io("measure the machine"))?;
    let before = proc::thread_cpu();
    work(ROUNDS).map_err(Error::io("measure the machine"))?;
    Ok((proc::thread_cpu() - before).as_secs_f64() * 1e6 / f64::from(ROUNDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yardstick_takes_some_time() {
        let micros = yardstick().unwrap();
        assert!(micros > 0.1 && micros < 10_000.0, "{micros}");
    }
}
