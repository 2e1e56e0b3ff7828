//! The way to the data: through the control socket of the server that has them, or, when no server
//! runs, by opening them.
//!
//! The socket comes first, since a server needs no key from whoever asks it. A lock that is held while
//! nobody answers is waited for a moment (a server that starts or ends, another command) and then
//! explained.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use stoa_core::Secret;
use tokio::runtime::Runtime;

use crate::admin::{self, Answer, Piece, Request};
use crate::config::{self, Config, Environment, Settings};
use crate::control::{Client, Unreachable};
use crate::failure::{Failure, explain};
use crate::node::{Files, Founding, Node};
use crate::{log, memory, root_key};

/// How long a lock is waited for that nobody explains.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// How often it is looked again for the socket, and after how many times opening is tried again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const OPEN_EVERY: u32 = 10;
/// How long what cannot be stopped halfway may take at the end: a password that is being checked.
const LEFT: Duration = Duration::from_millis(100);

/// What all commands take that have to do with the data.
#[derive(Debug, Args)]
pub struct Common {
    /// The configuration file [default: stoa.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// The settings of the command line.
    #[command(flatten)]
    pub settings: Settings,
}

impl Common {
    /// The configuration; logging is started as it says. From here on nobody can look into the process,
    /// unless that was asked for: whatever comes next may be a secret.
    pub(super) fn load(self) -> Result<Config, Failure> {
        let environment = Environment::of_this_process();
        let config = config::load(self.settings, self.config.as_deref(), &environment)?;
        log::start(config.log_level, config.log_format);
        if !config.core_dumps {
            memory::keep_private().map_err(Failure::io("turn core dumps off"))?;
        }
        Ok(config)
    }
}

/// The root key, if the environment holds it: then this is the second time that the process comes here
/// (see [`root_key`]).
pub(super) fn take_root_key(config: &Config) -> Result<Option<Secret>, Failure> {
    Ok(root_key::take_from_environment(&config.root_key)?)
}

/// A way to the data.
pub struct Reach {
    runtime: Runtime,
    via: Via,
}

enum Via {
    Server(Client),
    Own(Box<Node>),
}

impl Reach {
    /// Finds the server that has the data, or opens them.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`] when somebody has them and does not answer; as [`Files::open`].
    pub fn open(config: &Config, founding: Founding) -> Result<Self, Failure> {
        let started = Instant::now();
        // Given once: it came through a pipe, or a command had to be run for it.
        let mut taken = None;
        let mut tries = 0_u32;
        loop {
            let unreachable = match Self::server(&config.data)? {
                Ok(reach) => return Ok(reach),
                Err(unreachable) => unreachable,
            };
            if let Some(forbidden) = unreachable.forbidden() {
                return Err(forbidden);
            }
            // Opening is more work than looking for the socket, so it is not tried each time.
            if tries.is_multiple_of(OPEN_EVERY) || started.elapsed() >= LOCK_WAIT {
                refuse_anothers(config)?;
                let key = match taken.take() {
                    Some(key) => key,
                    None => take_root_key(config)?,
                };
                match Files::open(config, key.clone(), founding) {
                    Ok(files) => return Self::with(files, config),
                    Err(Failure::InUse { process, .. }) => {
                        let over = started.elapsed() >= LOCK_WAIT;
                        if over || !unreachable.nobody_listens() {
                            return Err(no_answer(&config.data, process, &unreachable));
                        }
                    }
                    Err(failure) => return Err(failure),
                }
                taken = Some(key);
            }
            tries += 1;
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn with(files: Files, config: &Config) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let node = runtime.block_on(Box::pin(Node::start(files, config)))?;
        Ok(Self { runtime, via: Via::Own(Box::new(node)) })
    }

    /// A connection to the server that has the data, or why there is none.
    ///
    /// # Errors
    /// When no runtime can be made.
    pub fn server(data: &Path) -> Result<Result<Self, Unreachable>, Failure> {
        // Without threads: the process may have to start itself again.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::io("start the runtime"))?;
        let client = runtime.block_on(Client::connect(data));
        Ok(client.map(|client| Self { runtime, via: Via::Server(client) }))
    }

    /// Lets it be done, by whoever has the data.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        self.ask_taking(request, &mut |_| Ok(()))
    }

    /// As [`Self::ask`]; what is given out besides the answer goes to `take`.
    ///
    /// # Errors
    /// [`Failure`], and what `take` returns.
    pub fn ask_taking(
        &mut self,
        request: Request,
        take: &mut dyn FnMut(Piece) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let Self { runtime, via } = self;
        match via {
            Via::Server(client) => runtime.block_on(Box::pin(client.ask(&request, take))),
            Via::Own(node) => runtime.block_on(Box::pin(carry_out(node, request, take))),
        }
    }

    /// Lets go of the data, after `done` came of what was asked.
    ///
    /// # Errors
    /// That of `done`, or when what was done could not be made durable.
    pub fn close<T>(self, done: Result<T, Failure>) -> Result<T, Failure> {
        let Self { runtime, via } = self;
        let closed = match via {
            Via::Server(_) => Ok(()),
            Via::Own(node) => runtime.block_on(Box::pin(node.close())),
        };
        runtime.shutdown_timeout(LEFT);
        let done = done?;
        closed.map(|()| done)
    }
}

/// Does it here.
async fn carry_out(
    node: &Node,
    request: Request,
    take: &mut dyn FnMut(Piece) -> Result<(), Failure>,
) -> Result<Answer, Failure> {
    let (pieces, mut coming) = admin::pieces();
    let work = async move { admin::carry_out(node, request, &pieces).await };
    let taking = async {
        let mut taken = Ok(());
        while let Some(piece) = coming.recv().await {
            taken = take(piece);
            if taken.is_err() {
                coming.close();
                break;
            }
        }
        taken
    };
    let (outcome, taken) = tokio::join!(work, taking);
    taken.and(outcome)
}

/// A runtime for everything, with its threads.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(Failure::io("start the threads of the runtime"))
}

/// Runs `work` on a runtime of its own, and lets what is left of other work end with it.
pub(super) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(Box::pin(work));
    runtime.shutdown_timeout(LEFT);
    done
}

/// Refuses to open what belongs to another user, as root could: the files that would be made could not
/// be read by the server any more.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn refuse_anothers(config: &Config) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    let store = config.data.join("store");
    for dir in config.vaults().into_iter().chain([store.as_path()]) {
        if let Some(owner) = dir.metadata().ok().map(|found| found.uid()).filter(|o| *o != own) {
            return Err(Failure::Usage(format!(
                "{} belongs to user {owner}, and this is user {own}: while no server runs, run commands as the server's user (sudo -u '#{owner}' stoa …), or it could not read what they write",
                dir.display()
            )));
        }
    }
    Ok(())
}

/// Who has the data, what was tried, and what to do.
fn no_answer(data: &Path, process: Option<u32>, unreachable: &Unreachable) -> Failure {
    let holder = process.map_or_else(
        || "another process".to_owned(),
        |id| format!("process {id}{}", name_of(id).map_or_else(String::new, |n| format!(" ({n})"))),
    );
    let advice = match unreachable {
        Unreachable::None(_) | Unreachable::Dead(_) => {
            let stop = process.map_or_else(String::new, |id| format!(" (kill {id})"));
            format!(
                "if it is a server that is starting or ending, or another command, try again; otherwise stop it{stop} and run the command again"
            )
        }
        Unreachable::Unsafe { .. } => "give the directory to the server's user and set its mode to 0700, or restart the server, which does that".into(),
        Unreachable::Foreign { .. } | Unreachable::Io { .. } => {
            "run the command as the user that runs the server, or as root".into()
        }
    };
    Failure::NoAnswer(format!(
        "{} is in use by {holder}, and no server answers: {}; {advice}",
        data.display(),
        explain(unreachable)
    ))
}

/// The name of a process, as far as the system tells.
fn name_of(process: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    (!name.is_empty()).then_some(name)
}
