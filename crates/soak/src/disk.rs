//! The disk takes no more: first because files of the process may not grow, then because it is full.
//!
//! The server must refuse what it cannot keep and say so, and lose nothing of what it acknowledged
//! before, neither messages nor keys. When there is room again it takes messages again, at the latest
//! after a restart.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::check::Tally;
use crate::demo::Demo;
use crate::device::{Device, Gone};
use crate::dice::Dice;
use crate::report::Report;
use crate::server::{Place, Server};
use crate::{Outcome, Run, rest};

/// Messages before the fault, and after it.
const MESSAGES: usize = 200;
/// Bytes of a file, once they are limited: about none of those that grow.
const FILE_BYTES: u64 = 4096;
/// Bytes of the disk that fills up.
const DISK_BYTES: u64 = 256 << 20;
/// How long a server may take to notice either change.
const NOTICE: Duration = Duration::from_secs(20);
/// How long it may take to go on by itself.
const BY_ITSELF: Duration = Duration::from_secs(5);
const LAST: &str = "that is all";

/// What makes writing fail.
trait Fault {
    fn begin(&mut self, server: &Server) -> Outcome<()>;
    fn end(&mut self, server: &Server) -> Outcome<()>;
}

pub(crate) async fn play(run: &Run, mut dice: Dice, report: &mut Report) -> Outcome<()> {
    let place = Place::new(&run.server)?;
    report.row("**files may not grow**", "");
    suffer(&place, &mut FileLimit, &mut dice, report).await?;
    if run.short {
        return Ok(());
    }
    let place = Place::new(&run.server)?;
    report.row("**the disk is full**", "");
    match SmallDisk::mount(place.disk()) {
        Ok(mut disk) => suffer(&place, &mut disk, &mut dice, report).await,
        Err(why) => {
            report.row("not run", why);
            Ok(())
        }
    }
}

async fn suffer(
    place: &Place,
    fault: &mut dyn Fault,
    dice: &mut Dice,
    report: &mut Report,
) -> Outcome<()> {
    let mut server = place.start()?;
    let mut demo = server.demo()?;
    rest::register(&demo, &["amy".into(), "bob".into()]).await?;
    let (mut amy, mut bob) = (Device::new("amy", "phone"), Device::new("bob", "phone"));
    log_in(&mut [&mut amy, &mut bob], &demo).await?;
    for _ in 0..MESSAGES {
        amy.send("bob", "").map_err(refused)?;
    }
    amy.settle().await.map_err(refused)?;

    fault.begin(&server)?;
    let asked = Instant::now();
    let more = "x".repeat(usize::try_from(1 + dice.below(2000)).unwrap_or(1));
    while amy.send("bob", &more).is_ok() && amy.hear().await.is_ok() {
        if asked.elapsed() > NOTICE {
            return Err("the server went on taking messages".into());
        }
    }
    report.row("messages taken until the fault was felt", amy.acknowledged.len() - MESSAGES);
    report.row("what a sender is told", or(&amy.refusal, "the connection is closed"));
    report.row("`healthz` while it lasts", health_becomes(&demo, 503, NOTICE).await?);
    let felt = amy.acknowledged.len();
    let mut logins = Vec::new();
    for _ in 0..20 {
        if let Err(error) = amy.connect(&demo).await {
            logins.push(error.to_string());
        } else if amy.send_again().is_ok() && amy.hear().await.is_ok() {
            return Err("a message was acknowledged while nothing could be written".into());
        }
    }
    report.row("what somebody is told who comes back", logins.last().map_or("-", |why| why));
    if amy.acknowledged.len() != felt || (amy.refused == 0 && logins.is_empty()) {
        return Err("nothing was refused".into());
    }
    if let Some(status) = server.ended()? {
        return Err(format!("the server ended with {status}:\n{}", server.log()));
    }

    fault.end(&server)?;
    if health_becomes(&demo, 200, BY_ITSELF).await.is_ok() {
        report.row("when there is room again, it goes on", "by itself");
    } else {
        report.row("when there is room again, it goes on", "after a restart");
        report.row("how it ended for that", server.terminate()?);
        server = place.start()?;
        demo = server.demo()?;
    }
    log_in(&mut [&mut amy, &mut bob], &demo).await?;
    let finish = async {
        amy.send_again()?;
        amy.settle().await?;
        for _ in 0..MESSAGES {
            amy.send("bob", "")?;
        }
        amy.say("bob", LAST.into())?;
        amy.settle().await
    };
    finish.await.map_err(refused)?;
    bob.wait_for(&["amy".into()], LAST).await?;
    // All of it lies on the disk, and its keys in the vault.
    server.kill()?;
    let server = place.start()?;
    let mut tally = Tally::default();
    tally.add(&server.demo()?, ("amy", "bob"), &[&amy, &bob]).await?;
    server.end()?;
    tally.verdict(report)
}

fn refused(_: Gone) -> String {
    "a message was refused that should be taken".into()
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

async fn log_in(devices: &mut [&mut Device], demo: &Demo) -> Outcome<()> {
    for device in devices {
        device.connect(demo).await.map_err(|error| format!("{}: {error}", device.name()))?;
    }
    Ok(())
}

/// Waits until `healthz` answers with `status`.
async fn health_becomes(demo: &Demo, status: u16, patience: Duration) -> Outcome<String> {
    let asked = Instant::now();
    loop {
        let answer = rest::call(demo, "GET", "/healthz", None, None).await;
        match answer {
            Ok(answer) if answer.status == status => {
                return Ok(format!("{status} {}", answer.body["error"].as_str().unwrap_or("")));
            }
            other if asked.elapsed() > patience => return Err(format!("healthz: {other:?}")),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// No file of the process may grow beyond a few bytes.
struct FileLimit;

impl Fault for FileLimit {
    fn begin(&mut self, server: &Server) -> Outcome<()> {
        server.limit_files(Some(FILE_BYTES))
    }

    fn end(&mut self, server: &Server) -> Outcome<()> {
        server.limit_files(None)
    }
}

/// A disk of its own, in memory, that a file of ours fills.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn mount(at: PathBuf) -> Outcome<Self> {
        let size = std::ffi::CString::new(format!("size={DISK_BYTES},mode=0700"));
        let size = size.map_err(|error| error.to_string())?;
        mount("stoa-soak", &at, "tmpfs", MountFlags::empty(), Some(size.as_c_str()))
            .map_err(|error| format!("a disk cannot be mounted here: {error}"))?;
        Ok(Self { at })
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Fault for SmallDisk {
    fn begin(&mut self, _: &Server) -> Outcome<()> {
        fill(&self.ballast()).map_err(|error| format!("cannot fill the disk: {error}"))
    }

    fn end(&mut self, _: &Server) -> Outcome<()> {
        std::fs::remove_file(self.ballast()).map_err(|error| error.to_string())
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut piece = vec![0_u8; 1 << 20];
    loop {
        match file.write(&piece) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                if piece.len() == 1 {
                    return Ok(());
                }
                piece.truncate(piece.len() / 2);
            }
            Err(error) => return Err(error),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The processes on it have ended, or are about to.
        let _ = unmount(&self.at, UnmountFlags::DETACH);
    }
}
