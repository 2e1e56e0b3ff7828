//! `cargo xtask up`: build the server, start it with a demo app, say what to do next.
//!
//! The server runs in a process group of its own, so that Ctrl-C reaches it exactly once: through
//! us, as the same signal. We wait for it to end and answer with its outcome.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::UpOptions;
use crate::metadata::text;
use crate::process::{cargo, command, root, run as execute};
use crate::{setup, web};

/// How often we look whether the server has become ready or has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Builds and runs the demo server until it ends or a signal comes.
pub(crate) fn run(options: &UpOptions) -> Result<(), String> {
    setup::compiler()?;
    let mut build = command(cargo(), &["build", "--locked", "--package", "stoa"]);
    if options.release {
        build.arg("--release");
    }
    web::build_if_possible();
    println!("building stoa (the first time takes a few minutes)");
    execute(&mut build)?;

    let data = root().join(&options.data);
    let mut demo = DemoFile::before_start(data.join("demo.json"));
    let signals = signals()?;
    let mut server = start(options, &data)?;
    let mut told = false;
    loop {
        match signals.recv_timeout(LOOK_EVERY) {
            Ok(signal) => pass_on(&server, signal)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the signal thread ended".into()),
        }
        if let Some(status) = server.try_wait().map_err(|error| error.to_string())? {
            return if status.success() {
                Ok(())
            } else {
                Err(format!("stoa ended with {status}"))
            };
        }
        if let Some(demo) = demo.written()? {
            // Written again whenever the page was opened: each link opens it once.
            let said = if told { another_link(&demo)? } else { next_steps(&demo)? };
            print!("{said}");
            told = true;
        }
    }
}

fn start(options: &UpOptions, data: &Path) -> Result<Child, String> {
    let profile = if options.release { "release" } else { "debug" };
    command(root().join("target").join(profile).join("stoa"), &["serve", "--demo"])
        .arg("--listen")
        .arg(&options.listen)
        .arg("--data")
        .arg(data)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start the server: {error}"))
}

/// SIGINT and SIGTERM, as they come.
fn signals() -> Result<Receiver<i32>, String> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|error| format!("cannot catch Ctrl-C: {error}"))?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn pass_on(server: &Child, signal: i32) -> Result<(), String> {
    let signal = if signal == SIGTERM { Signal::TERM } else { Signal::INT };
    let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    // It cannot be another process: a child that ended keeps its id until we have waited for it.
    kill_process(pid, signal).map_err(|error| format!("cannot signal the server: {error}"))
}

/// The file that the demo server writes when it is ready; an earlier run's may lie there still.
struct DemoFile {
    path: PathBuf,
    before: Option<SystemTime>,
}

impl DemoFile {
    fn before_start(path: PathBuf) -> DemoFile {
        let before = modified(&path);
        DemoFile { path, before }
    }

    /// What the server wrote since the last call, if it did and it is complete.
    fn written(&mut self) -> Result<Option<Value>, String> {
        let now = modified(&self.path);
        if now == self.before {
            return Ok(None);
        }
        match std::fs::read_to_string(&self.path) {
            Ok(text) => {
                let demo = serde_json::from_str(&text).ok();
                if demo.is_some() {
                    self.before = now;
                }
                Ok(demo)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", self.path.display())),
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// The link that counts now that the one before was used.
fn another_link(demo: &Value) -> Result<String, String> {
    let url = |name| text(demo, name).map_err(|error| format!("demo.json: {error}"));
    let (chat, class) = (url("demoUrl")?, url("classDemoUrl")?);
    Ok(format!("The page was opened. For another browser: {chat} or, for a class, {class}\n"))
}

/// What a person can do with the running server, ready to be copied.
fn next_steps(demo: &Value) -> Result<String, String> {
    let field = |name| text(demo, name).map_err(|error| format!("demo.json: {error}"));
    let user = |index: usize, name| {
        text(&demo["users"][index], name).map_err(|error| format!("demo.json, users: {error}"))
    };
    let (url, class) = (field("demoUrl")?, field("classDemoUrl")?);
    let (rest, ws, ca, key) = (field("restUrl")?, field("wsUrl")?, field("ca")?, field("appKey")?);
    let (org, app) = (field("orgName")?, field("appName")?);
    let (first, first_password) = (user(0, "username")?, user(0, "password")?);
    let (second, second_password) = (user(1, "username")?, user(1, "password")?);
    Ok(format!(
        r#"
Stoa is up. Open this, once (two people chat there, and you see what lies on disk):

  {url}

or this, for a class with video, chat and a whole set of tools (a link for the teacher, one for a student):

  {class}

One link lets the browser in; after that both pages open without. Ctrl-C ends it; the data stays. For programs:

  REST       {rest}
  WebSocket  {ws}
  app key    {key}
  users      {first}  password {first_password}
             {second}  password {second_password}
  CA         {ca}

Get a token:

  curl --cacert '{ca}' -H 'Content-Type: application/json' \
    -d '{{"grant_type":"password","username":"{first}","password":"{first_password}"}}' \
    '{rest}/{org}/{app}/token'

Chat from a web page (npm install agora-chat; the browser must trust the CA above):

  import AC from "agora-chat";
  const chat = new AC.connection({{ appKey: "{key}", isHttpDNS: false, url: "{ws}", apiUrl: "{rest}" }});
  chat.addEventHandler("log", {{ onTextMessage: (message) => console.log(message.from, message.msg) }});
  await chat.open({{ user: "{first}", pwd: "{first_password}" }});
  await chat.send(AC.message.create({{ type: "txt", chatType: "singleChat", to: "{second}", msg: "hello" }}));

"#
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_next_steps_name_what_is_needed() {
        let demo = json!({
            "appId": "0".repeat(32), "certificate": "1".repeat(32), "appKey": "demo#stoa",
            "orgName": "demo", "appName": "stoa", "restUrl": "https://127.0.0.1:8443",
            "demoUrl": "http://localhost:8480/#code=c1",
            "classDemoUrl": "http://localhost:8480/classroom/demo#code=c1",
            "wsUrl": "wss://127.0.0.1:8443/ws", "ca": "data/tls/ca.pem",
            "users": [{"username": "alice", "password": "p1"}, {"username": "bob", "password": "p2"}],
        });
        let said = next_steps(&demo).expect("complete");
        let first = said.lines().find(|line| line.contains("://")).map(str::trim);
        assert_eq!(first, Some("http://localhost:8480/#code=c1"), "the page comes first");
        assert!(another_link(&demo).expect("complete").contains("#code=c1"));
        for needed in [
            "http://localhost:8480/classroom/demo#code=c1",
            "'https://127.0.0.1:8443/demo/stoa/token'",
            "--cacert 'data/tls/ca.pem'",
            r#""username":"alice","password":"p1""#,
            r#"url: "wss://127.0.0.1:8443/ws""#,
            r#"to: "bob""#,
        ] {
            assert!(said.contains(needed), "{needed} is missing in {said}");
        }
        assert!(!said.contains(&"1".repeat(32)), "the certificate is not for the screen");
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        assert_eq!(next_steps(&json!({})), Err("demo.json: there is no text `demoUrl`".into()));
    }
}
