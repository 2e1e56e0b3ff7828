//! One life, or several, of the binary on one directory.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

use crate::Outcome;
use crate::demo::Demo;

/// How long a start may take, with thousands of messages to read again.
const START: Duration = Duration::from_secs(60);
/// How long an orderly end may take.
const END: Duration = Duration::from_secs(10);
/// Lines of the log that are kept.
const LINES: usize = 20;

/// A directory with data and keys, and a port.
pub(crate) struct Place {
    binary: PathBuf,
    directory: TempDir,
    port: u16,
    pub(crate) environment: Vec<(String, String)>,
}

impl Place {
    /// A place for `binary`, in a new temporary directory.
    pub(crate) fn new(binary: &Path) -> Outcome<Self> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Clients come back to the same address, as they do in life.
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        std::fs::create_dir(directory.path().join("disk")).map_err(|error| error.to_string())?;
        let binary = std::path::absolute(binary).map_err(|error| error.to_string())?;
        Ok(Self { binary, directory, port, environment: Vec::new() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where data and keys lie.
    pub(crate) fn disk(&self) -> PathBuf {
        self.path().join("disk")
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(&self) -> Outcome<Server> {
        let mut server = self.spawn()?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts a server, for somebody who will not wait.
    pub(crate) fn spawn(&self) -> Outcome<Server> {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("STOA_")) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(["serve", "--demo", "--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--data", "disk/data", "--keys", "disk/keys"])
            // Else only root could count its open files.
            .args(["--core-dumps", "true"])
            .envs(self.environment.iter().cloned())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        let (tell, ready) = channel();
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take().ok_or("no standard error")?;
        std::thread::spawn({
            let log = Arc::clone(&log);
            move || follow(stderr, &tell, &log)
        });
        Ok(Server { child, ready, log, demo: self.disk().join("data/demo.json") })
    }
}

/// Reads the log, so that the server never waits for a reader, and tells when it is ready.
fn follow(stderr: ChildStderr, tell: &Sender<()>, log: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.contains(" ready address=") {
            let _ = tell.send(());
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LINES {
            log.pop_front();
        }
        log.push_back(line);
    }
}

/// A server that runs. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    ready: Receiver<()>,
    log: Arc<Mutex<VecDeque<String>>>,
    demo: PathBuf,
}

impl Server {
    /// Waits until it serves.
    pub(crate) fn wait_until_ready(&mut self) -> Outcome<()> {
        self.ready.recv_timeout(START).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("not ready after {START:?}:\n{}", self.log()),
            RecvTimeoutError::Disconnected => {
                format!("ended before it was ready ({:?}):\n{}", self.child.wait(), self.log())
            }
        })
    }

    /// What the server says of its demo app.
    pub(crate) fn demo(&self) -> Outcome<Demo> {
        Demo::read(&self.demo)
    }

    /// The last lines of the log.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|line| format!("{line}\n")).collect()
    }

    fn pid(&self) -> Outcome<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no pid".into())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Outcome<()> {
        self.child.kill().map_err(|error| error.to_string())?;
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }

    /// Ends it in order, which must succeed.
    pub(crate) fn end(mut self) -> Outcome<()> {
        match self.terminate()? {
            status if status.success() => Ok(()),
            status => Err(format!("ended with {status}:\n{}", self.log())),
        }
    }

    /// Ends it in order; with what status it does.
    pub(crate) fn terminate(&mut self) -> Outcome<ExitStatus> {
        kill_process(self.pid()?, Signal::TERM).map_err(|error| error.to_string())?;
        let told = Instant::now();
        while told.elapsed() < END {
            match self.ended()? {
                Some(status) => return Ok(status),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        Err(format!("did not end within {END:?}:\n{}", self.log()))
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        self.child.try_wait().map_err(|error| error.to_string())
    }

    /// From now on no file of the process may grow beyond `bytes`; `None` lifts that.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) -> Outcome<()> {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(self.pid()?), Resource::Fsize, limit)
            .map(drop)
            .map_err(|error| format!("cannot limit the size of files: {error}"))
    }

    /// Memory of the process that is resident, in bytes.
    pub(crate) fn rss(&self) -> Outcome<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| "no VmRSS".into())
    }

    /// Sockets that the process has open.
    pub(crate) fn sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let is_socket = |file: &std::fs::DirEntry| {
            let to = std::fs::read_link(file.path()).unwrap_or_default();
            to.to_string_lossy().starts_with("socket:")
        };
        files.map_or(0, |files| files.filter_map(Result::ok).filter(is_socket).count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Harmless when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
