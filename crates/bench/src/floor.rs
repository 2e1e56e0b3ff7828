//! What sends cost that nobody can save: as many plain sockets as a room has listeners, each sent as many bytes, one after the
//! other, by one thread that does nothing else.
//!
//! What a server needs beyond it, and how much that is in proportion, can be compared between machines; the
//! time itself cannot.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

use rustix::time::{ClockId, clock_gettime};

use crate::Error;

/// Between one round and the next, as between changes of a room.
const PAUSE: Duration = Duration::from_millis(250);
/// Room for what one read takes.
const READ_BYTES: usize = 64 * 1024;

/// Processor time in microseconds of one such send: `bytes` to each of `sockets`, `rounds` times after one that does not
/// count. Whoever reads is awake all the time.
///
/// # Errors
/// When the machine has no loopback, or allows too few sockets.
pub(crate) fn send_floor(sockets: usize, bytes: usize, rounds: u32) -> Result<f64, Error> {
    measured(sockets, bytes, rounds).map_err(Error::io("measure what sends cost"))
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn measured(sockets: usize, bytes: usize, rounds: u32) -> io::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for _ in 0..sockets {
        receivers.push(TcpStream::connect(listener.local_addr()?)?);
        let (sender, _) = listener.accept()?;
        sender.set_nodelay(true)?;
        senders.push(sender);
    }
    let reader = thread::spawn(move || read_all(&receivers));
    let message = vec![7; bytes];
    let mut round = || senders.iter_mut().try_for_each(|to| to.write_all(&message));
    round()?;
    let mut used = Duration::ZERO;
    for _ in 0..rounds {
        sleep(PAUSE);
        let before = cpu();
        round()?;
        used += cpu() - before;
    }
    drop(senders);
    reader.join().map_err(|_| io::Error::other("the reader panicked"))??;
    Ok(used.as_secs_f64() * 1e6 / (f64::from(rounds) * sockets as f64))
}

/// The processor time of this thread, exactly: the kernel's statistics are as of its last tick.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Reads until all have ended.
fn read_all(receivers: &[TcpStream]) -> io::Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (number, receiver) in receivers.iter().enumerate() {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, receiver, data, epoll::EventFlags::IN)?;
    }
    let mut buffer = vec![0; READ_BYTES];
    let mut events = Vec::with_capacity(1024);
    let mut open = receivers.len();
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    while open > 0 {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&at_once))?;
        for event in &events {
            let number = usize::try_from(event.data.u64()).map_err(io::Error::other)?;
            if rustix::io::read(&receivers[number], &mut buffer)? == 0 {
                epoll::delete(&epoll, &receivers[number])?;
                open -= 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_takes_some_time() {
        let micros = send_floor(3, 300, 1).unwrap();
        assert!(micros > 0.1 && micros < 10_000.0, "{micros}");
    }
}
