//! The real binary, killed with SIGKILL after so many steps of what must not be left half done.
//!
//! A step is a call to the kernel that makes something durable, or that changes which files there are; what else a
//! process writes is nothing to rely on. `strace` tells of each one as it comes, so a kill comes after so many of
//! them, however fast the machine is, and each call is held up for a moment, so that the kill comes before the next one.

mod backup;
mod destruction;
mod erasure;
mod restore;
mod rotation;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::process::{Signal, kill_process};

use crate::command_line::json;
use crate::person::count;
use crate::retention::{Past, config_of, with_node};
use crate::server::{Ended, Place};
use crate::system_calls::{traced_by, under_strace};

/// Those calls; with a question mark, where a machine may have another one in its place.
const STEPS: &str =
    "fsync,fdatasync,?rename,?renameat,?renameat2,?unlink,unlinkat,?mkdir,mkdirat,?link,linkat";
/// How long each is held up, in microseconds.
const HELD_UP: u32 = 2_000;

const APP: &str = "acme#support";
const OF_APP: [&str; 2] = ["--app", APP];

/// What is heard of a traced process.
enum Heard {
    Step,
    Said(String),
    /// It has ended, or what was asked of it has.
    Done,
}

/// The binary under `strace`. Killed when it is dropped.
struct Traced {
    tracer: Child,
    heard: Receiver<Heard>,
    tell: Sender<Heard>,
    steps: usize,
    log: String,
}

/// What became of it.
struct Killed {
    /// Whether it was killed before it had come to its end.
    interrupted: bool,
    /// How many steps it had done.
    steps: usize,
}

impl Traced {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let pipe = place.path("steps");
        if !pipe.exists() {
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
        }
        let (trace, held) =
            (format!("trace={STEPS}"), format!("inject={STEPS}:delay_enter={HELD_UP}"));
        let options = ["--seccomp-bpf", "-e", &trace, "-e", &held, "-o", "steps"];
        let mut command = under_strace(&place.command(arguments), &options);
        let mut tracer = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, heard) = channel();
        let said = BufReader::new(tracer.stderr.take().unwrap());
        let of_log = tell.clone();
        // Nobody listens any more when the process was killed.
        std::thread::spawn(move || {
            said.lines().map_while(Result::ok).try_for_each(|line| of_log.send(Heard::Said(line)))
        });
        let of_steps = tell.clone();
        std::thread::spawn(move || {
            let lines = BufReader::new(File::open(pipe).unwrap()).lines().map_while(Result::ok);
            // A call that another thread's came into stands on two lines.
            let mut steps = lines.filter(|line| line.contains('(') && !line.contains(" resumed>"));
            let _ = steps.try_for_each(|_| of_steps.send(Heard::Step));
            of_steps.send(Heard::Done)
        });
        Self { tracer, heard, tell, steps: 0, log: String::new() }
    }

    /// Hears the next thing; whether that was not the end.
    fn hear(&mut self) -> bool {
        match self.heard.recv().unwrap() {
            Heard::Step => self.steps += 1,
            Heard::Said(line) => {
                self.log.push_str(&line);
                self.log.push('\n');
            }
            Heard::Done => return false,
        }
        true
    }

    /// Lets it go on until it says that. Answers how many steps it has done.
    #[track_caller]
    fn until(&mut self, said: &str) -> usize {
        while !self.log.contains(said) {
            assert!(self.hear(), "it ended before it said {said:?}:\n{}", self.log);
        }
        self.steps
    }

    /// The end of this command is the end of what is asked of it.
    fn asked_by(&self, mut command: Command) -> std::thread::JoinHandle<Ended> {
        let tell = self.tell.clone();
        std::thread::spawn(move || {
            let ended = command.output().unwrap().into();
            let _ = tell.send(Heard::Done);
            ended
        })
    }

    /// Kills it after `steps` steps in all, if it has not come to its end by then: has ended, or says `end`.
    fn kill_after(mut self, steps: usize, end: Option<&str>) -> Killed {
        let is_over = |log: &str| end.is_some_and(|end| log.contains(end));
        let mut interrupted = true;
        while self.steps < steps && interrupted {
            interrupted = self.hear() && !is_over(&self.log);
        }
        self.kill();
        let status = self.tracer.wait().unwrap();
        let was_killed = status.signal() == Some(Signal::KILL.as_raw());
        Killed { interrupted: interrupted && was_killed, steps: self.steps }
    }

    fn kill(&self) {
        if let Some(process) = traced_by(self.tracer.id()) {
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill();
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// Runs a command and kills it after so many steps.
fn killed(place: &Place, arguments: &[&str], steps: usize) -> Killed {
    Traced::start(place, arguments).kill_after(steps, None)
}

/// How many steps a command takes that nobody kills.
#[track_caller]
fn whole(place: &Place, arguments: &[&str]) -> usize {
    let undisturbed = killed(place, arguments, usize::MAX);
    assert!(undisturbed.steps > 0, "{arguments:?}");
    undisturbed.steps
}

/// So many numbers of steps, from `first` to `last`, as far from each other as can be.
fn spread(first: usize, last: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |n| first + (last - first) * n / (count - 1))
}

/// That most of the kills came before the end; with `--nocapture` it is seen how many.
#[track_caller]
#[expect(clippy::print_stdout, reason = "how many there were is told to whoever runs it")]
fn most_came_before_the_end(kills: usize, interrupted: usize) {
    println!("{interrupted} of {kills} kills came before the end");
    assert!(3 * interrupted >= 2 * kills, "{interrupted} of {kills} were still running");
}

/// A place with an app in which each of `names` has said something to `reader`, today.
fn place_with(names: &[&str]) -> Place {
    let place = Place::new();
    place.run(&["app", "create", "--key", APP]).answer();
    with_node(&config_of(&place, "data"), async |node| {
        let now = Past::of(node, 0);
        now.register(&[names, &["reader"]].concat()).await;
        for name in names {
            now.say(name, "reader", 1).await;
        }
    });
    place
}

/// The data in `data`, with the vault of the first.
fn at(data: &str) -> [&str; 4] {
    ["--data", data, "--keys", "data.keys"]
}

/// How many messages `reader` finds in the data in `data`; or why they do not open.
fn try_read(place: &Place, data: &str) -> Result<u64, Ended> {
    let file = place.path("export.zip");
    let what = ["person", "export", "--user", "reader", "--output", "export.zip", "--json"];
    let exported = place.run(&[&what[..], &OF_APP, &at(data)].concat());
    let _ = std::fs::remove_file(file);
    match exported.code {
        Some(0) => Ok(count(&json(&exported.stdout), "messages")),
        _ => Err(exported),
    }
}

#[track_caller]
fn read(place: &Place, data: &str) -> u64 {
    try_read(place, data).unwrap_or_else(|ended| panic!("{data}: {}", ended.stderr))
}

/// How many receipts of destructions there are that cover that; all of them are verified, and no key has two.
#[track_caller]
fn receipts(place: &Place, covered: &str) -> usize {
    place.run(&["retention", "verify"]).answer();
    let export = ["retention", "receipts", "export", "--output", "receipts"];
    place.run(&export).answer();
    let lines = std::fs::read_to_string(place.path("receipts")).unwrap();
    std::fs::remove_file(place.path("receipts")).unwrap();
    let destroyed: Vec<_> =
        lines.lines().map(json).filter(|receipt| receipt["act"] == "destroyed").collect();
    let keys = destroyed.iter().flat_map(|receipt| receipt["keys"].as_array().unwrap());
    let keys: Vec<_> = keys.map(|key| key.as_u64().unwrap()).collect();
    let once: BTreeSet<_> = keys.iter().collect();
    assert_eq!(once.len(), keys.len(), "{lines}");
    destroyed.iter().filter(|receipt| receipt["covered"] == covered).count()
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(status.success(), "{}", from.display());
}
