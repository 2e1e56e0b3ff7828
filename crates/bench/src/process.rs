//! Processes of servers: none of them outlives us, however we end.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// How often a process is looked at that should come up or end.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A running process. Dropping it kills it and waits for its end, which covers errors, panics and
/// Ctrl-C: all of them drop what holds it.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command` with its output in files beside `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self, Error> {
        let name = Path::new(command.get_program())
            .file_name()
            .unwrap_or_else(|| OsStr::new("process"))
            .to_string_lossy()
            .into_owned();
        let file = File::create(log).map_err(Error::io("create a log"))?;
        let copy = file.try_clone().map_err(Error::io("create a log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .map_err(Error::io(format!("start {name}")))?;
        Ok(Self { child, name })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its end, if it has come.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(Error::io(format!("wait for {}", self.name)))
    }

    /// Waits until `ready` answers something, at most `limit` long.
    ///
    /// # Errors
    /// When the process ends before, the time is over, or `ready` fails.
    pub async fn until<T>(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        loop {
            if let Some(answer) = ready()? {
                return Ok(answer);
            }
            if let Some(status) = self.ended()? {
                let name = &self.name;
                return Err(Error::Server(format!(
                    "{name} ended with {status} before it was ready"
                )));
            }
            if started.elapsed() > limit {
                return Err(Error::Deadline(limit.as_secs()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Sends `signal` and waits for the end, at most `limit` long; then kills.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(mut self, signal: Signal, limit: Duration) -> Result<ExitStatus, Error> {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It is our child and was not waited for, so the id cannot be another's by now.
            let _ = kill_process(pid, signal);
        }
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(Error::Server(format!("{} did not end in {} s", self.name, limit.as_secs())))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
