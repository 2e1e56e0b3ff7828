//! ejabberd from Debian's package, as an instance of its own: own directories, loopback, direct TLS.
//!
//! It is tuned as its makers and common sense say: no shaper, no busy waiting of the virtual machine
//! (it would count as work), plain passwords as its own default store has them, and no stream
//! management. The Erlang machine is started directly and without distribution, so that no name
//! server is needed and the process that we started is the one that we end.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::client::Endpoint;
use crate::peers::postgres::Postgres;
use crate::peers::xmpp::Xmpp;
use crate::peers::{certify, free_port, write};
use crate::proc::{self, Usage};
use crate::process::Process;
use crate::stoa::AT_ONCE;
use crate::{Error, parallel};

/// Where Debian puts Erlang's libraries on this kind of machine, by the C library's naming.
const LIBRARIES: &str = "/usr/lib";
/// The schema of the archive.
const SCHEMA: &str = "/usr/share/ejabberd/sql/pg.sql";
const PATIENCE: Duration = Duration::from_secs(60);
/// Streams that register users at the same time.
const REGISTRARS: usize = 8;

/// Where messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// Nowhere.
    None,
    /// In a PostgreSQL of its own, both sides' copies; the fastest store that it has.
    Postgres,
}

impl Archive {
    /// The name of such a server in the table.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::None => "ejabberd, nothing stored",
            Self::Postgres => "ejabberd, PostgreSQL",
        }
    }
}

/// A running ejabberd.
pub struct Ejabberd {
    process: Option<Process>,
    postgres: Option<Postgres>,
    endpoint: Endpoint,
    dir: TempDir,
}

impl Ejabberd {
    /// Makes an instance and starts it, with its database if it has one.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn started(archive: Archive) -> Result<Self, Error> {
        let dir = TempDir::with_prefix("stoa-bench-ej-").map_err(Error::io("make a directory"))?;
        let postgres = match archive {
            Archive::None => None,
            Archive::Postgres => Some(Postgres::started().await?),
        };
        if let Some(postgres) = &postgres {
            postgres.load(Path::new(SCHEMA))?;
        }
        let port = free_port()?;
        let certificate = certify(dir.path())?;
        write(&dir.path().join("ejabberd.yml"), &config(dir.path(), port, postgres.as_ref()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let endpoint = Endpoint::new(address, "localhost", &certificate)?;
        let mut ejabberd = Self { process: None, postgres, endpoint, dir };
        ejabberd.start().await?;
        Ok(ejabberd)
    }

    /// Starts it; how long it took until a stream could be opened.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&mut self) -> Result<Duration, Error> {
        let started = Instant::now();
        let log = self.dir.path().join("log");
        let mut process = Process::start(&mut machine(self.dir.path())?, &log)?;
        // It listens before it can shake hands.
        while let Err(error) = Xmpp::open(&self.endpoint).await {
            if process.ended()?.is_some() || started.elapsed() > PATIENCE {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let said: String = said.chars().take(2_000).collect();
                return Err(Error::Server(format!("ejabberd: {error}\n{said}")));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.process = Some(process);
        Ok(started.elapsed())
    }

    /// Ends it in order and starts it again.
    ///
    /// # Errors
    /// When it does not end or come up.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.end().await?;
        self.start().await.map(drop)
    }

    /// Ends it in order; its database stays.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(&mut self) -> Result<(), Error> {
        match self.process.take() {
            Some(process) => process.stop(Signal::TERM, PATIENCE).await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends it, and its database.
    ///
    /// # Errors
    /// When one of them does not end.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.end().await?;
        match self.postgres.take() {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }

    /// What it has used so far, its database included.
    pub fn usage(&self) -> Usage {
        let process = self.process.as_ref().map(Process::id);
        let roots: Vec<u32> =
            process.into_iter().chain(self.postgres.as_ref().map(Postgres::pid)).collect();
        proc::usage(&roots)
    }

    /// Where it listens.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The address of a room.
    pub fn room(name: &str) -> String {
        format!("{name}@conference.localhost")
    }

    /// Registers users in band.
    ///
    /// # Errors
    /// When it refuses them.
    pub async fn register(&self, users: &[String]) -> Result<(), Error> {
        let batches = users.chunks(users.len().div_ceil(REGISTRARS).max(1)).map(<[String]>::to_vec);
        let endpoint = self.endpoint.clone();
        parallel::each(batches.collect(), REGISTRARS, move |batch: Vec<String>| {
            let endpoint = endpoint.clone();
            async move { Xmpp::open(&endpoint).await?.register(&batch).await }
        })
        .await
        .map(drop)
    }

    /// Logs all of these users in, with presence if messages should reach them.
    ///
    /// # Errors
    /// When a login fails.
    pub async fn sessions(&self, users: &[String], present: bool) -> Result<Vec<Xmpp>, Error> {
        let endpoint = self.endpoint.clone();
        parallel::each(users.to_vec(), AT_ONCE, move |user: String| {
            let endpoint = endpoint.clone();
            async move {
                let mut session = Xmpp::login(&endpoint, &user).await?;
                if present {
                    session.be_present().await?;
                }
                Ok(session)
            }
        })
        .await
    }
}

/// The command that starts the Erlang machine with ejabberd in it.
fn machine(dir: &Path) -> Result<Command, Error> {
    let missing = || Error::Missing("ejabberd is not installed (Debian: ejabberd)".into());
    let libraries = libraries().ok_or_else(missing)?;
    let mut command = Command::new("erl");
    command
        .current_dir(dir)
        .env("HOME", dir)
        .env("ERL_LIBS", libraries)
        .env("ERL_MAX_PORTS", "65536")
        .env("ERL_CRASH_DUMP", dir.join("crash"))
        .env("EJABBERD_CONFIG_PATH", dir.join("ejabberd.yml"))
        .env("EJABBERD_LOG_PATH", dir.join("ejabberd.log"))
        .args(["-noinput", "+K", "true", "+P", "250000"])
        .args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"])
        .args(["-mnesia", "dir"])
        .arg(format!("\"{}\"", dir.join("spool").display()))
        .args(["-s", "ejabberd"]);
    Ok(command)
}

/// The directory that holds ejabberd's own library.
fn libraries() -> Option<PathBuf> {
    let has = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| {
            entry.file_name().to_string_lossy().starts_with("ejabberd-")
                && entry.path().join("ebin").is_dir()
        })
    };
    let dirs = fs::read_dir(LIBRARIES).ok()?.flatten().map(|entry| entry.path());
    dirs.into_iter().find(|dir| has(dir))
}

fn config(dir: &Path, port: u16, postgres: Option<&Postgres>) -> String {
    let mut text = format!(
        "hosts: [localhost]\n\
         loglevel: error\n\
         certfiles: [\"{key}\"]\n\
         registration_timeout: infinity\n\
         max_fsm_queue: 100000\n\
         auth_method: internal\n\
         auth_password_format: plain\n\
         listen:\n\
         \x20 - port: {port}\n\
         \x20   ip: \"127.0.0.1\"\n\
         \x20   module: ejabberd_c2s\n\
         \x20   access: all\n\
         \x20   shaper: none\n\
         \x20   tls: true\n\
         \x20   backlog: 4096\n",
        key = dir.join("key.pem").display(),
    );
    // Rooms keep nothing, and do not tell everybody who is there.
    let mut modules = "modules:\n\
        \x20 mod_register: {ip_access: all, access: all, password_strength: 0}\n\
        \x20 mod_muc:\n\
        \x20   access: all\n\
        \x20   access_create: all\n\
        \x20   max_users: 10000\n\
        \x20   history_size: 0\n\
        \x20   min_message_interval: 0\n\
        \x20   default_room_options:\n\
        \x20     {max_users: 10000, mam: false, persistent: false, logging: false, presence_broadcast: []}\n"
        .to_owned();
    if let Some(postgres) = postgres {
        text += &format!(
            "sql_type: pgsql\nsql_server: \"127.0.0.1\"\nsql_port: {}\nsql_database: archive\n\
             sql_username: {}\nsql_password: \"\"\n",
            postgres.port(),
            postgres.user(),
        );
        modules += "  mod_mam: {db_type: sql, default: always, assume_mam_usage: true}\n";
    }
    text + &modules
}
