//! One life, or several, of the binary on one directory.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stoa_core::{Entropy, SystemEntropy};
use tempfile::TempDir;

use crate::https::Answer;

/// A directory for data, keys and files of a test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn demo(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data().join("demo.json")).unwrap()).unwrap()
    }

    /// The binary in this directory, with nothing of our own environment that concerns it.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_stoa")), arguments)
    }

    /// As [`Self::command`], run by somebody who is not root, also when root runs the tests: then by
    /// nobody, to whom the directory is given.
    pub(crate) fn command_without_root(&self, arguments: &[&str]) -> Command {
        /// The user and group that own nothing else.
        const NOBODY: u32 = 65_534;
        if !rustix::process::geteuid().is_root() {
            return self.command(arguments);
        }
        // The build directory may be closed to others.
        let binary = self.path("stoa");
        std::fs::copy(env!("CARGO_BIN_EXE_stoa"), &binary).unwrap();
        for path in [self.0.path(), &binary] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut command = self.command_of(&binary, arguments);
        command.uid(NOBODY).gid(NOBODY);
        command
    }

    fn command_of<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("STOA_")) {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// As [`Self::run`], with a text on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Starts the demo server and waits until it is ready.
    pub(crate) fn serve_demo(&self, more: &[&str]) -> Server {
        let arguments = [&["serve", "--demo", "--listen", "127.0.0.1:0"], more].concat();
        Server::start(self.command(&arguments))
    }
}

/// What a command came to.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// The answer of a command that did what it was asked.
    #[track_caller]
    pub(crate) fn answer(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        &self.stdout
    }

    /// The reason of one that did not.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stdout.is_empty(), "{}", self.stdout);
        &self.stderr
    }
}

/// A server that runs. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// The line that said that it was ready.
    ready: String,
    log: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts it and waits for the line that says it is ready.
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let ready = loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).unwrap();
            log.push_str(&line);
            assert!(read > 0, "the server ended before it was ready ({:?}):\n{log}", child.wait());
            if line.contains(" ready address=") || line.contains("\"message\":\"ready\"") {
                break line;
            }
        };
        // Somebody must go on reading, or the server would wait for it.
        let log = std::thread::spawn(move || {
            lines.read_to_string(&mut log).unwrap();
            log
        });
        Self { child, ready, log: Some(log) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A field of the line that said it was ready; for logs in JSON.
    pub(crate) fn field(&self, name: &str) -> String {
        let line: Value = serde_json::from_str(&self.ready).unwrap();
        text(&line, name).to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Ends it with SIGTERM, within five seconds, and returns its log.
    #[track_caller]
    pub(crate) fn end(mut self) -> String {
        let started = Instant::now();
        self.signal(Signal::TERM);
        let (status, log) = self.wait();
        let took = started.elapsed();
        assert!(status.success(), "{status}: {log}");
        assert!(took < Duration::from_secs(5), "ended after {took:?}");
        log
    }

    /// Kills it and returns its log.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.wait().1
    }

    /// Waits until it has ended by itself or by a signal, and returns its log.
    #[track_caller]
    pub(crate) fn ended(mut self) -> String {
        let (status, log) = self.wait();
        assert!(status.success(), "{status}: {log}");
        log
    }

    fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Harmless when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the demo server says of its users.
pub(crate) fn user(demo: &Value, index: usize) -> (&str, &str) {
    let user = &demo["users"][index];
    (user["username"].as_str().unwrap(), user["password"].as_str().unwrap())
}

/// A token by password, at the demo server.
pub(crate) fn grant(demo: &Value, username: &str, password: &str) -> Answer {
    let body = serde_json::json!({
        "grant_type": "password", "username": username, "password": password,
    });
    let path = format!("/{}/{}/token", text(demo, "orgName"), text(demo, "appName"));
    crate::https::call(demo, "POST", &path, &[], Some(&body))
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// A root key of this run's own, 64 hexadecimal characters.
pub(crate) fn root_key() -> String {
    let entropy: &dyn Entropy = &SystemEntropy;
    entropy.bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
