//! A PostgreSQL of our own, from Debian's package, for servers that keep their archive there.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::Error;
use crate::peers::free_port;
use crate::process::Process;

/// Where Debian puts versions.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Whom it runs as when we are root, as which it refuses to run.
const USER: &str = "postgres";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running database server with one empty database.
pub struct Postgres {
    process: Process,
    port: u16,
    programs: Programs,
    _dir: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it: on loopback, commits synced.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn started() -> Result<Self, Error> {
        let programs = Programs::find()?;
        let dir = TempDir::with_prefix("stoa-bench-pg-").map_err(Error::io("make a directory"))?;
        if let Some((uid, gid)) = programs.identity {
            let owned = chown(dir.path(), Some(uid), Some(gid));
            owned.map_err(Error::io("hand over a directory"))?;
        }
        let data = dir.path().join("data");
        let mut initdb = programs.command("initdb");
        initdb.args(["-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync", "-D"]);
        run(initdb.arg(&data))?;
        let port = free_port()?;
        let mut command = programs.command("postgres");
        command.arg("-D").arg(&data);
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", dir.path().display()),
            "shared_buffers=512MB".to_owned(),
            "synchronous_commit=on".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        let log = TempDir::with_prefix("stoa-bench-log-").map_err(Error::io("make a directory"))?;
        let mut process = Process::start(&mut command, &log.path().join("log"))?;
        let accepts = || Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().map(drop));
        process.until(PATIENCE, accepts).await?;
        let postgres = Self { process, port, programs, _dir: dir };
        postgres.created().await?;
        Ok(postgres)
    }

    /// Makes the database; the server refuses it as long as it starts.
    async fn created(&self) -> Result<(), Error> {
        let mut last = Ok(());
        for _ in 0..100 {
            last = self.psql("postgres", &["-c", "create database archive"]);
            if last.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        last
    }

    /// Runs an SQL file in the database.
    ///
    /// # Errors
    /// When it fails.
    pub fn load(&self, file: &Path) -> Result<(), Error> {
        self.psql("archive", &["-f", &file.to_string_lossy()])
    }

    fn psql(&self, database: &str, arguments: &[&str]) -> Result<(), Error> {
        let mut psql = self.programs.command("psql");
        let port = self.port.to_string();
        psql.args(["-q", "-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", database]);
        run(psql.args(["-v", "ON_ERROR_STOP=1"]).args(arguments))
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its name for programs that ask.
    pub const fn user(&self) -> &'static str {
        USER
    }

    /// The process whose children serve the connections.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it, without waiting for clients.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> Result<(), Error> {
        self.process.stop(Signal::INT, PATIENCE).await.map(drop)
    }
}

/// Where the programs are, and as whom they run.
struct Programs {
    dir: PathBuf,
    identity: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> Result<Self, Error> {
        let missing = || Error::Missing("PostgreSQL is not installed (Debian: postgresql)".into());
        let versions = fs::read_dir(VERSIONS).map_err(|_| missing())?.flatten();
        let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
        let newest = versions.map(|entry| entry.path()).max_by_key(|path| number(path));
        let dir = newest.ok_or_else(missing)?.join("bin");
        let root = rustix::process::geteuid().is_root();
        let identity = if root { Some(account(USER).ok_or_else(missing)?) } else { None };
        Ok(Self { dir, identity })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.dir.join(program));
        command.current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.identity {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// User and group of an account.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}

fn run(command: &mut Command) -> Result<(), Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(Error::io(format!("start {name}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Server(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
