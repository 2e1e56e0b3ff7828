//! Janus from Debian's package, with its VideoRoom plugin over WebSockets and nothing else.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::client::socket::Socket;
use crate::peers::{free_port, write};
use crate::process::Process;

/// Where Debian puts it, which need not be on the search path.
const PROGRAM: &str = "/usr/bin/janus";
const PLUGIN: &str = "libjanus_videoroom.so";
const TRANSPORT: &str = "libjanus_websockets.so";
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(15);

/// A running Janus.
pub struct Janus {
    process: Process,
    address: SocketAddr,
    dir: TempDir,
}

impl Janus {
    /// Starts one that forwards at this address. With `loops` it shares so many event loops, without it has a thread for
    /// each connection, which is its default.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn started(at: IpAddr, loops: Option<u32>) -> Result<Self, Error> {
        let missing = || Error::Missing("Janus is not installed (Debian: janus)".into());
        let program = Path::new(PROGRAM);
        let modules = modules().filter(|_| program.is_file()).ok_or_else(missing)?;
        let dir = TempDir::with_prefix("stoa-bench-janus-");
        let dir = dir.map_err(Error::io("make a directory"))?;
        let port = free_port()?;
        configure(dir.path(), &modules, at, port, loops)?;
        let mut command = Command::new(program);
        // Else only root could read what its memory comes to; and its own directory is not there for others.
        command.arg("--configs-folder").arg(dir.path()).current_dir(dir.path());
        let process = Process::start(&mut command, &dir.path().join("log"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut janus = Self { process, address, dir };
        let started = Instant::now();
        while let Err(error) = janus.session().await {
            if janus.process.ended()?.is_some() || started.elapsed() > PATIENCE {
                return Err(Error::Server(format!("janus: {error}\n{}", janus.log())));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(janus)
    }

    /// A session of a new client.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn session(&self) -> Result<Session, Error> {
        Session::open(self.address).await
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has written.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> Result<(), Error> {
        self.process.stop(Signal::TERM, PATIENCE).await.map(drop)
    }
}

/// The directory of its plugins and transports, which is named after the machine's kind.
fn modules() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("janus"))
        .find(|folder| folder.join("plugins").join(PLUGIN).is_file())
}

fn configure(
    dir: &Path,
    modules: &Path,
    at: IpAddr,
    port: u16,
    loops: Option<u32>,
) -> Result<(), Error> {
    // What is not in its directories is not loaded.
    for (folder, module) in [("plugins", Some(PLUGIN)), ("transports", Some(TRANSPORT))]
        .into_iter()
        .chain([("events", None), ("loggers", None)])
    {
        let own = dir.join(folder);
        fs::create_dir(&own).map_err(Error::io("make a directory"))?;
        if let Some(module) = module {
            let from = modules.join(folder).join(module);
            symlink(from, own.join(module)).map_err(Error::io("link a module of Janus"))?;
        }
    }
    let (here, loops) =
        (dir.display(), loops.map_or_else(String::new, |loops| format!("event_loops = {loops}")));
    let config = format!(
        "general: {{\n\
         configs_folder = \"{here}\"\nplugins_folder = \"{here}/plugins\"\n\
         transports_folder = \"{here}/transports\"\nevents_folder = \"{here}/events\"\n\
         loggers_folder = \"{here}/loggers\"\n\
         debug_level = 3\ndebug_colors = false\nsession_timeout = 0\n{loops}\n}}\n\
         media: {{ }}\n\
         nat: {{ nice_debug = false\nice_enforce_list = \"{at}\"\n}}\n\
         events: {{ broadcast = false }}\n"
    );
    write(&dir.join("janus.jcfg"), &config)?;
    write(&dir.join("janus.plugin.videoroom.jcfg"), "general: { }\n")?;
    let config = format!(
        "general: {{ json = \"plain\"\nws = true\nws_port = {port}\nws_ip = \"127.0.0.1\"\n\
         ws_logging = \"err\"\nwss = false\n}}\nadmin: {{ admin_ws = false\nadmin_wss = false\n}}\n"
    );
    write(&dir.join("janus.transport.websockets.jcfg"), &config)
}

/// One client's connection.
pub struct Session {
    socket: Socket<TcpStream>,
    id: u64,
    asked: u64,
}

impl Session {
    async fn open(address: SocketAddr) -> Result<Self, Error> {
        let socket = Socket::open_plain(address, "janus-protocol").await?;
        let mut session = Self { socket, id: 0, asked: 0 };
        let answer = session.ask(json!({"janus": "create"})).await?;
        session.id = number(&answer["data"]["id"])?;
        Ok(session)
    }

    /// A handle of the VideoRoom plugin, for one peer connection.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn attach(&mut self) -> Result<u64, Error> {
        let request = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        number(&self.ask(request).await?["data"]["id"])
    }

    /// Says something to the plugin, and waits for what it says to that: its data, and the SDP that comes with it.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn message(
        &mut self,
        handle: u64,
        body: Value,
        sdp: Option<(&str, &str)>,
    ) -> Result<(Value, String), Error> {
        let mut request = json!({"janus": "message", "handle_id": handle, "body": body});
        if let Some((kind, sdp)) = sdp {
            request["jsep"] = json!({"type": kind, "sdp": sdp});
        }
        let mut answer = self.ask(request).await?;
        let data = answer["plugindata"]["data"].take();
        if !data["error"].is_null() {
            return Err(Error::protocol(data.to_string()));
        }
        let sdp = answer["jsep"]["sdp"].as_str().unwrap_or_default().to_owned();
        Ok((data, sdp))
    }

    async fn ask(&mut self, mut request: Value) -> Result<Value, Error> {
        self.asked += 1;
        let transaction = format!("t{}", self.asked);
        request["transaction"] = transaction.as_str().into();
        if self.id != 0 {
            request["session_id"] = self.id.into();
        }
        self.socket.send_text(&request.to_string()).await?;
        let answer = async {
            loop {
                let said = self.said().await?;
                match said["janus"].as_str() {
                    _ if said["transaction"] != transaction => {}
                    // The plugin has it; what it says to it comes later.
                    Some("ack") => {}
                    Some("success" | "event") => return Ok(said),
                    _ => return Err(Error::protocol(said.to_string())),
                }
            }
        };
        timeout(ANSWER, answer).await.unwrap_or(Err(Error::Deadline(ANSWER.as_secs())))
    }

    async fn said(&mut self) -> Result<Value, Error> {
        let message = self.socket.receive().await?;
        let message = message.ok_or_else(|| Error::Closed(" of a session".into()))?;
        serde_json::from_slice(&message)
            .map_err(|error| Error::protocol(format!("no JSON: {error}")))
    }

    /// Listens until a connection is lost.
    pub async fn kept(mut self) -> Error {
        loop {
            match self.said().await {
                Ok(said) if said["janus"] == "hangup" => return Error::protocol(said.to_string()),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }
}

fn number(value: &Value) -> Result<u64, Error> {
    value.as_u64().ok_or_else(|| Error::protocol("an answer of Janus without a number"))
}
