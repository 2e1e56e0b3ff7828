//! The server that is measured: its release binary on a store of its own.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::{Value, json};
use stoa_token::Builder007;
use tempfile::TempDir;

use crate::client::frames::Identity;
use crate::client::{Endpoint, Session};
use crate::operator::Operator;
use crate::proc::{self, Usage};
use crate::process::Process;
use crate::rest::Rest;
use crate::{Error, parallel};

const APP_KEY: &str = "bench#stoa";
/// The device of every user.
const RESOURCE: &str = "webim_web_bench";
/// The longest life of a token, in seconds.
const TOKEN_LIFE_S: u32 = DAY_S;
const DAY_S: u32 = 86_400;
/// Users in one call that registers them or adds them to a group, at the most.
const BATCH: usize = 60;
/// Members whom a group is made with, at the most; further ones are added.
const FIRST_MEMBERS: usize = 1_000;
/// Places in a room.
const ROOM_PLACES: usize = 10_000;
/// How long a server may take to come up or to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sessions that log in at the same time while a case is set up.
pub const AT_ONCE: usize = 64;

/// One server on its own store, running or not.
pub struct Stoa {
    binary: PathBuf,
    dir: TempDir,
    app_id: String,
    certificate: String,
    running: Option<Running>,
    lives: u32,
    /// By how many days the server's clock is set back.
    days_ago: u32,
    /// It has a token server.
    mints: bool,
    /// Where it forwards sound and pictures.
    forwards: Option<IpAddr>,
}

struct Running {
    process: Process,
    endpoint: Endpoint,
    /// Where its token server is.
    tokens: Option<SocketAddr>,
}

impl Stoa {
    /// A store with an app; nothing runs yet.
    ///
    /// # Errors
    /// When the binary cannot make it.
    pub fn found(binary: &Path) -> Result<Self, Error> {
        let dir = TempDir::with_prefix("stoa-bench-").map_err(Error::io("make a directory"))?;
        let file = dir.path().join("certificate");
        let output = Command::new(binary)
            .args(["app", "create", "--json", "--key", APP_KEY])
            .args(["--auth", "token_or_password", "--certificate-file"])
            .arg(&file)
            .args(directories(dir.path()))
            .output()
            .map_err(Error::io(format!("start {}", binary.display())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Server(format!("no app could be made: {said}")));
        }
        let app: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| Error::Server(format!("the app's description: {error}")))?;
        let app_id = app["appId"].as_str().unwrap_or_default().to_owned();
        let certificate = fs::read_to_string(&file).map_err(Error::io("read the certificate"))?;
        let certificate = certificate.trim().to_owned();
        Ok(Self {
            binary: binary.into(),
            dir,
            app_id,
            certificate,
            running: None,
            lives: 0,
            days_ago: 0,
            mints: false,
            forwards: None,
        })
    }

    /// A store with an app and a server that runs on it.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn started(binary: &Path) -> Result<Self, Error> {
        let mut stoa = Self::found(binary)?;
        stoa.start().await?;
        Ok(stoa)
    }

    /// The same, with a token server.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn minting(binary: &Path) -> Result<Self, Error> {
        let mut stoa = Self { mints: true, ..Self::found(binary)? };
        stoa.start().await?;
        Ok(stoa)
    }

    /// The same, with sound and pictures of class rooms at that address.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn forwarding(binary: &Path, at: IpAddr) -> Result<Self, Error> {
        let mut stoa = Self { forwards: Some(at), ..Self::found(binary)? };
        stoa.start().await?;
        Ok(stoa)
    }

    /// The token server, for a client that is made for it with that name.
    ///
    /// # Errors
    /// When the binary refuses to make it, or there is no token server.
    pub fn token_client(&self, name: &str) -> Result<Endpoint, Error> {
        let out = self.dir.path().join(name);
        let output = Command::new(&self.binary)
            .args(["token-server", "client", "issue", "--app", APP_KEY, "--name", name, "--out"])
            .arg(&out)
            .args(directories(self.dir.path()))
            .output()
            .map_err(Error::io(format!("start {}", self.binary.display())))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Server(format!("no client could be made: {said}")));
        }
        let missing = || Error::Missing("a token server".into());
        let address = self.running().tokens.ok_or_else(missing)?;
        Endpoint::known_by(Some(&out), address, &address.ip().to_string(), &out.join("ca.pem"))
    }

    /// Changes a setting of the app; the server may run.
    ///
    /// # Errors
    /// When the binary refuses it.
    pub fn set(&self, setting: &str, value: &str) -> Result<(), Error> {
        let output = Command::new(&self.binary)
            .args(["app", "set", setting, "--key", APP_KEY, value])
            .args(directories(self.dir.path()))
            .output()
            .map_err(Error::io(format!("start {}", self.binary.display())))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Server(format!("{setting} could not be set: {said}")))
    }

    /// Starts the server; how long it took until it said that it is ready.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(&mut self) -> Result<Duration, Error> {
        self.lives += 1;
        let log = self.dir.path().join(format!("log-{}", self.lives));
        let mut command = Command::new(&self.binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            // Else only root could read what its memory comes to (`proc`), and profile it.
            .args(["--core-dumps", "true"])
            .args(directories(self.dir.path()));
        if self.mints {
            command.args(["--token-server-listen", "127.0.0.1:0"]);
        }
        if let Some(at) = self.forwards {
            command.args(["--media-listen", &SocketAddr::new(at, 0).to_string()]);
        }
        if self.days_ago > 0 {
            let library = faketime().ok_or_else(|| Error::Missing("libfaketime".into()))?;
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("-{}d", self.days_ago))
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let started = Instant::now();
        let mut process = Process::start(&mut command, &log)?;
        let address = process.until(PATIENCE, || Ok(ready(&log, "address"))).await;
        let took = started.elapsed();
        let address = address.map_err(|error| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            Error::Server(format!("{error}\n{said}"))
        })?;
        let ca = self.dir.path().join("data/tls/ca.pem");
        let endpoint = Endpoint::new(address, &address.ip().to_string(), &ca)?;
        let tokens = ready(&log, "token_server");
        self.running = Some(Running { process, endpoint, tokens });
        Ok(took)
    }

    /// Ends the server in order.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> Result<(), Error> {
        if let Some(running) = self.running.take() {
            running.process.stop(Signal::TERM, PATIENCE).await?;
        }
        Ok(())
    }

    /// Ends the server and starts it again on the same store, so that nothing of what was is in
    /// memory.
    ///
    /// # Errors
    /// When it does not end or come up.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await?;
        self.start().await.map(|_| ())
    }

    /// Ends the server, and starts it again `days` before today, until it is told otherwise. Needs
    /// libfaketime.
    ///
    /// # Errors
    /// When it does not end or come up.
    pub async fn restart_ago(&mut self, days: u32) -> Result<(), Error> {
        self.days_ago = days;
        self.restart().await
    }

    /// A connection to its control socket.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn operator(&self) -> Result<Operator, Error> {
        Operator::connect(&self.dir.path().join("data")).await
    }

    /// Revokes all tokens of its app that were made up to now, at the control socket.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn revoke_app(&self, operator: &mut Operator) -> Result<(), Error> {
        operator.ask(&json!({ "app": { "revoke": { "key": APP_KEY } } })).await.map(drop)
    }

    /// Revokes a token of its app at the control socket.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn revoke_token(operator: &mut Operator, token: &str) -> Result<(), Error> {
        let request = json!({ "user": { "revoke_token": { "app": APP_KEY, "token": token } } });
        operator.ask(&request).await.map(drop)
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When it does not run.
    pub fn endpoint(&self) -> &Endpoint {
        &self.running().endpoint
    }

    /// What it has used so far.
    ///
    /// # Panics
    /// When it does not run.
    pub fn usage(&self) -> Usage {
        proc::usage(&[self.pid()])
    }

    /// Its resident bytes now.
    ///
    /// # Panics
    /// When it does not run.
    pub fn rss(&self) -> u64 {
        proc::rss(self.pid()).unwrap_or_default()
    }

    /// Its process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.running().process.id()
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("cases ask only while it runs")
    }

    /// Bytes of its data on disk.
    pub fn disk(&self) -> u64 {
        size(&self.dir.path().join("data"))
    }

    /// Registers users over REST.
    ///
    /// # Errors
    /// When the server refuses them.
    pub async fn register(&self, users: &[String]) -> Result<(), Error> {
        let mut rest = Rest::connect(self.endpoint(), self.token(None)).await?;
        let path = format!("{}/users", self.app_path());
        for batch in users.chunks(BATCH) {
            let body = batch.iter().map(|name| json!({ "username": name })).collect();
            rest.ask("POST", &path, &body).await?;
        }
        Ok(())
    }

    /// Makes a group over REST and returns its id. The first of these users is its owner, the first
    /// thousand are in it from the beginning, and the others are added in batches.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn group(
        &self,
        rest: &mut Rest,
        name: &str,
        users: &[String],
    ) -> Result<String, Error> {
        let (owner, members) =
            users.split_first().ok_or_else(|| Error::Missing("an owner".into()))?;
        let (first, others) = members.split_at(members.len().min(FIRST_MEMBERS));
        let path = format!("{}/chatgroups", self.app_path());
        let body = json!({
            "owner": owner, "groupname": name, "members": first, "maxusers": users.len(),
            "public": false, "allowinvites": true, "invite_need_confirm": false,
        });
        let answer = rest.ask("POST", &path, &body).await?;
        let id = answer["data"]["groupid"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| Error::protocol(format!("a group without id: {answer}")))?;
        for batch in others.chunks(BATCH) {
            let body = json!({ "usernames": batch });
            rest.ask("POST", &format!("{path}/{id}/users"), &body).await?;
        }
        Ok(id)
    }

    /// Makes a chat room over REST and returns its id. The first of these users is its owner; it has
    /// place for more than all of them.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn room(
        &self,
        rest: &mut Rest,
        name: &str,
        users: &[String],
    ) -> Result<String, Error> {
        let owner = users.first().ok_or_else(|| Error::Missing("an owner".into()))?;
        let body = json!({
            "name": name, "description": name, "owner": owner, "maxusers": ROOM_PLACES,
        });
        let path = format!("{}/chatrooms", self.app_path());
        let answer = rest.ask("POST", &path, &body).await?;
        let id = answer["data"]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Error::protocol(format!("a room without id: {answer}")))
    }

    /// The path of the app over REST.
    pub fn app_path(&self) -> String {
        format!("/{}", APP_KEY.replace('#', "/"))
    }

    /// A token for a user, or for the app.
    pub fn token(&self, user: Option<&str>) -> String {
        self.salted_token(user, 1)
    }

    /// One of several tokens for a user, or for the app: each salt makes another one.
    pub fn salted_token(&self, user: Option<&str>, salt: u32) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = u32::try_from(now).unwrap_or(u32::MAX) - self.days_ago * DAY_S;
        let builder = Builder007::new(&self.app_id, &self.certificate, now, TOKEN_LIFE_S, salt);
        let builder = match user {
            Some(user) => builder.chat_user(user),
            None => builder.chat_app(),
        };
        builder.build().expect("an app's own id and certificate make tokens")
    }

    /// Its app's id.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// A token for a user in a class room, or for the app's back end there.
    pub fn class_token(&self, of: Option<(&str, &str, i16)>) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let builder = Builder007::new(&self.app_id, &self.certificate, now, TOKEN_LIFE_S, 1);
        let builder = match of {
            Some((room, user, role)) => builder.room_user(room, user, role),
            None => builder.education_app(),
        };
        builder.build().expect("an app's own id and certificate make tokens")
    }

    /// What `user` logs in with.
    pub fn identity(&self, user: &str) -> Identity {
        Identity {
            app_key: APP_KEY.into(),
            user: user.into(),
            resource: RESOURCE.into(),
            token: self.token(Some(user)),
        }
    }

    /// Registers users and logs all of them in.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn sessions(&self, users: &[String]) -> Result<Vec<Session>, Error> {
        let identities = users.iter().map(|user| self.identity(user)).collect();
        let endpoint = self.endpoint().clone();
        parallel::each(identities, AT_ONCE, move |identity| {
            let endpoint = endpoint.clone();
            async move { Session::start(&endpoint, identity).await }
        })
        .await
    }
}

/// Names of `count` users that begin with `prefix`.
pub fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:05}")).collect()
}

/// The library that moves a process's clock, where it is installed (Debian: libfaketime).
pub fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let below = |folder: PathBuf| folder.join("faketime/libfaketime.so.1");
    folders.map(|folder| below(folder.path())).find(|library| library.is_file())
}

fn directories(dir: &Path) -> [std::ffi::OsString; 4] {
    ["--data".into(), dir.join("data").into(), "--keys".into(), dir.join("keys").into()]
}

/// The address in that field of the log's line that says that the server is ready.
fn ready(log: &Path, field: &str) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["message"] == "ready")?;
    line[field].as_str()?.parse().ok()
}

/// Bytes of all files below `path`.
fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
