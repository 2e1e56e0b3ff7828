//! An empty network for media: ICE of Janus takes no address of a loopback interface, and nothing else of the machine's
//! network shall be in the way. What is sent within it passes over loopback all the same.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use tokio::sync::oneshot;

use crate::Error;

/// The one address in it.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

/// What makes that network: a pair of interfaces, because not every kernel has the `dummy` one.
const SET_UP: &[&[&str]] = &[
    &["link", "set", "lo", "up"],
    &["link", "add", "media0", "type", "veth", "peer", "name", "media1"],
    &["address", "add", "10.99.0.1/24", "dev", "media0"],
    &["link", "set", "media0", "up"],
    &["link", "set", "media1", "up"],
];

/// Where `ip` may be, which need not be on the search path.
const PROGRAMS: &[&str] = &["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"];

/// Whether there has to be such a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it nothing can be measured.
    Always,
    /// Loopback as it is does where we may not make one.
    IfAllowed,
}

/// Does `work` on a thread of its own in an empty network with the address that it is told. All that it starts, threads
/// and processes, is there, too. Dropping the future ends the work.
///
/// # Errors
/// When there can be no such network, and what `work` answers.
pub async fn inside<T, F, W>(need: Need, work: W) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>>,
    W: FnOnce(IpAddr) -> F + Send + 'static,
{
    let (cancel, cancelled) = oneshot::channel::<()>();
    let (done, outcome) = oneshot::channel();
    let thread = std::thread::Builder::new().name("media-net".into()).spawn(move || {
        let result = on_thread(need, work, cancelled);
        // Nobody waits for it when the future is gone.
        let _ = done.send(result);
    });
    let thread = thread.map_err(Error::io("start a thread"))?;
    let _guard = Guard { cancel: Some(cancel), thread: Some(thread) };
    outcome.await.unwrap_or_else(|_| Err(Error::Server("the thread of media panicked".into())))
}

fn on_thread<T, F, W>(need: Need, work: W, cancelled: oneshot::Receiver<()>) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
    W: FnOnce(IpAddr) -> F,
{
    let address = match (unshare(CloneFlags::CLONE_NEWNET), need) {
        (Ok(()), _) => {
            set_up()?;
            IpAddr::V4(ADDRESS)
        }
        (Err(Errno::EPERM), Need::IfAllowed) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        (Err(Errno::EPERM), Need::Always) => {
            let why = "only root may make the empty network in which Janus can be measured; \
                `--no-peers` does without";
            return Err(Error::Missing(why.into()));
        }
        (Err(error), _) => return Err(Error::io("make an empty network")(error.into())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::io("start a runtime"))?;
    runtime.block_on(async {
        tokio::select! {
            result = work(address) => result,
            _ = cancelled => Err(Error::Server("interrupted".into())),
        }
    })
}

fn set_up() -> Result<(), Error> {
    let program = PROGRAMS.iter().find(|program| std::path::Path::new(program).is_file());
    let program = program.ok_or_else(|| {
        Error::Missing("`ip` is not installed (Debian: iproute2); it sets up a network".into())
    })?;
    for words in SET_UP {
        let output = Command::new(program).args(*words).output();
        let output = output.map_err(Error::io("start ip"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::Server(format!("ip {}: {said}", words.join(" "))));
        }
    }
    Ok(())
}

/// Ends the work when the future is dropped, and waits until it has ended what it had started.
struct Guard {
    cancel: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.cancel.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends_and_takes_along_what_it_has() {
        struct Told(mpsc::Sender<&'static str>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send("ended");
            }
        }
        let (ended, told) = mpsc::channel();
        let (begun, running) = oneshot::channel::<IpAddr>();
        let work = inside(Need::IfAllowed, move |address| async move {
            let _told = Told(ended);
            begun.send(address).expect("the test waits");
            std::future::pending::<()>().await;
            Ok(())
        });
        tokio::select! {
            _ = work => panic!("it never ends by itself"),
            address = running => assert!(address.unwrap().is_ipv4()),
        }
        assert_eq!(told.try_recv(), Ok("ended"));
    }
}
