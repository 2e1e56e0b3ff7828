//! Thousands of connections that never get anywhere, from another process.
//!
//! A quarter each: silent from the start; silent in the middle of a handshake; after the first flight
//! of one; after a whole one, in the middle of the request for a session. People who are logged in
//! chat on meanwhile and others log in; strangers are cut when the time for a handshake is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::check::Tally;
use crate::demo::Demo;
use crate::device::Device;
use crate::report::{Report, mib, quantiles};
use crate::server::{Place, Server};
use crate::{Outcome, Run, rest};

const PAIRS: usize = 4;
/// How long people chat undisturbed before.
const QUIET: Duration = Duration::from_secs(3);
/// The server's own bound for a handshake, and what a busy machine may add to it.
const HANDSHAKE: Duration = Duration::from_secs(10);
const SLACK: Duration = Duration::from_secs(10);
/// Handshakes at the same time, so that our own side does not starve.
const AT_ONCE: usize = 64;
/// Bytes that the server may keep for one of them.
const BYTES_EACH: u64 = 64 * 1024;
const LAST: &str = "that is all";

pub(crate) async fn play(run: &Run, report: &mut Report) -> Outcome<()> {
    let wanted = if run.short { 1_000 } else { 10_000 };
    let count = wanted.min(files_allowed().saturating_sub(500));
    let place = Place::new(&run.server)?;
    let server = place.start()?;
    let demo = server.demo()?;
    let users: Vec<_> = (0..2 * PAIRS).map(|number| format!("user{number}")).collect();
    let everybody: Vec<_> = users.iter().cloned().chain(["visitor".into()]).collect();
    rest::register(&demo, &everybody).await?;

    let before = server.rss()?;
    let (quiet, crowded) = (Phase::new(), Phase::new());
    let mut chats = chats(&users, &demo).await?;
    chats = chat_during(&quiet, chats, &demo, tokio::time::sleep(QUIET)).await?;
    let strangers = async { crowd(&demo, count, &server).await };
    let mut crowd = None;
    chats = chat_during(&crowded, chats, &demo, async { crowd = Some(strangers.await) }).await?;
    let crowd = crowd.ok_or("the strangers did not come")?;

    let (opened, peak, most_sockets) = (crowd.ages.len(), crowd.peak, crowd.sockets);
    let after = server.rss()?;
    let slowest = crowd.ages.iter().max().copied().unwrap_or_default();
    report.row("half-open connections / refused at once", format!("{opened} / {}", crowd.failed));
    report.row("sockets the server had open at most", most_sockets);
    report.row("the last one was cut after", format!("{:.1} s", slowest.as_secs_f64()));
    report.row("memory before / at most / after", [before, peak, after].map(mib).join(" / "));
    let kib = peak.saturating_sub(before) / 1024 / count.max(1) as u64;
    report.row("memory for each, at most", format!("{kib} KiB"));
    report.row("acknowledged within (half / 99 of 100), before", quiet.times(&quiet.sends));
    report.row("… meanwhile", crowded.times(&crowded.sends));
    report.row("logins within (half / 99 of 100), before", quiet.times(&quiet.logins));
    report.row("… meanwhile", crowded.times(&crowded.logins));
    let mut tally = Tally::default();
    for pair in chats.chunks_mut(2) {
        let [one, other] = pair else { continue };
        let names = [one.user.clone(), other.user.clone()];
        for (sender, to) in [(&mut *one, &names[1]), (&mut *other, &names[0])] {
            sender.say(to, LAST.into()).map_err(|_| "a message was refused")?;
            sender.settle().await.map_err(|_| "a message was refused")?;
        }
        one.wait_for(&names[1..], LAST).await?;
        other.wait_for(&names[..1], LAST).await?;
        tally.add(&demo, (&one.user, &other.user), &[&*one, &*other]).await?;
    }
    server.end()?;
    tally.verdict(report)?;
    if opened + crowd.failed < count || slowest > HANDSHAKE + SLACK {
        return Err(format!("{opened} of {count} were cut, the last after {slowest:?}"));
    }
    if crowd.failed * 100 > count {
        return Err(format!("{} strangers were not let in at all", crowd.failed));
    }
    if peak.saturating_sub(before) > count as u64 * BYTES_EACH {
        return Err(format!("{} for {count} strangers is too much", mib(peak - before)));
    }
    Ok(())
}

/// Allows ourselves as many files as we may have; how many.
fn files_allowed() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let reached =
        if setrlimit(Resource::Nofile, most).is_ok() { limit.maximum } else { limit.current };
    reached.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// What was measured in one part of the time.
struct Phase {
    sends: std::sync::Mutex<Vec<Duration>>,
    logins: std::sync::Mutex<Vec<Duration>>,
}

impl Phase {
    fn new() -> Self {
        Self { sends: Vec::new().into(), logins: Vec::new().into() }
    }

    fn times(&self, of: &std::sync::Mutex<Vec<Duration>>) -> String {
        let times = of.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        format!("{} ({})", quantiles(&times), times.len())
    }

    fn note(of: &std::sync::Mutex<Vec<Duration>>, times: impl IntoIterator<Item = Duration>) {
        of.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(times);
    }
}

/// Everybody's device, logged in.
async fn chats(users: &[String], demo: &Demo) -> Outcome<Vec<Device>> {
    let mut devices = Vec::new();
    for user in users {
        let mut device = Device::new(user, "phone");
        device.connect(demo).await.map_err(|error| error.to_string())?;
        devices.push(device);
    }
    Ok(devices)
}

/// Lets people chat and log in until `meanwhile` is over.
async fn chat_during(
    phase: &Phase,
    devices: Vec<Device>,
    demo: &Demo,
    meanwhile: impl Future<Output = ()>,
) -> Outcome<Vec<Device>> {
    let over = Arc::new(AtomicBool::new(false));
    let peers: Vec<_> = devices.iter().map(|device| device.user.clone()).collect();
    let mut working = JoinSet::new();
    for (number, device) in devices.into_iter().enumerate() {
        let (peer, over) = (peers[number ^ 1].clone(), Arc::clone(&over));
        working.spawn(async move { (number, chat(device, &peer, &over).await) });
    }
    let logins = tokio::spawn(log_in_again_and_again(demo.clone(), Arc::clone(&over)));
    meanwhile.await;
    over.store(true, Ordering::Relaxed);
    Phase::note(&phase.logins, logins.await.map_err(|error| error.to_string())??);
    let mut back = Vec::new();
    while let Some(done) = working.join_next().await {
        let (number, device) = done.map_err(|error| error.to_string())?;
        let mut device = device?;
        Phase::note(&phase.sends, std::mem::take(&mut device.times));
        back.push((number, device));
    }
    back.sort_by_key(|(number, _)| *number);
    Ok(back.into_iter().map(|(_, device)| device).collect())
}

async fn chat(mut device: Device, peer: &str, over: &AtomicBool) -> Outcome<Device> {
    while !over.load(Ordering::Relaxed) {
        let said = device.send(peer, "");
        if said.is_err() || device.settle().await.is_err() {
            return Err(format!("{} was cut or refused: {}", device.name(), device.refusal));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(device)
}

async fn log_in_again_and_again(demo: Demo, over: Arc<AtomicBool>) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let started = Instant::now();
        let mut visitor = Device::new("visitor", "phone");
        visitor.connect(&demo).await.map_err(|error| format!("a login failed: {error}"))?;
        times.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(times)
}

/// What became of the strangers.
struct Crowd {
    /// How long each was tolerated.
    ages: Vec<Duration>,
    /// Those that were not let in.
    failed: usize,
    /// The server's memory and sockets, at most.
    peak: u64,
    sockets: usize,
}

async fn crowd(demo: &Demo, count: usize, server: &Server) -> Crowd {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut strangers = JoinSet::new();
    let hello = demo.client_hello().unwrap_or_default();
    for number in 0..count {
        let (demo, room, hello) = (demo.clone(), Arc::clone(&room), hello.clone());
        strangers.spawn(async move { stranger(&demo, number, &hello, &room).await.ok() });
    }
    let mut crowd = Crowd { ages: Vec::new(), failed: 0, peak: 0, sockets: 0 };
    let mut look = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            gone = strangers.join_next() => match gone {
                Some(Ok(Some(age))) => crowd.ages.push(age),
                Some(_) => crowd.failed += 1,
                None => return crowd,
            },
            _ = look.tick() => {
                crowd.peak = crowd.peak.max(server.rss().unwrap_or_default());
                crowd.sockets = crowd.sockets.max(server.sockets());
            }
        }
    }
}

/// One of four kinds, until the server has enough of it; how long that took.
async fn stranger(
    demo: &Demo,
    number: usize,
    hello: &[u8],
    room: &Semaphore,
) -> std::io::Result<Duration> {
    let permit = room.acquire().await;
    let started = Instant::now();
    let mut tcp = TcpStream::connect(demo.address).await?;
    match number % 4 {
        0 => {}
        1 => tcp.write_all(&hello[..hello.len() / 2]).await?,
        2 => tcp.write_all(hello).await?,
        _ => {
            let mut tls = demo.secure(tcp).await?;
            tls.write_all(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: web").await?;
            drop(permit);
            until_cut(tls).await;
            return Ok(started.elapsed());
        }
    }
    drop(permit);
    until_cut(tcp).await;
    Ok(started.elapsed())
}

/// Reads until the other side ends the connection, in whatever way.
async fn until_cut(mut stream: impl AsyncRead + Unpin) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}
