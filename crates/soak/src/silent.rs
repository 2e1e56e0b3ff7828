//! Clients that read nothing any more, though their connections stand.
//!
//! Some are just silent, as a laptop that was closed; some go on asking and never read an answer, as
//! nobody does by mistake. Whoever writes to them must not notice, the server's memory must stay within
//! what it allows a slow reader, both must be cut in the end, and who comes back gets everything.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::SinkExt;
use stoa_testclient::protocol::{Identity, Protocol};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::check::Tally;
use crate::demo::Demo;
use crate::device::Device;
use crate::report::{Report, mib, quantiles};
use crate::server::{Place, Server};
use crate::{Outcome, Run, rest};

/// Bytes that a client's system takes before it makes the server wait.
const RECEIVE_BYTES: u32 = 8 * 1024;
/// What the server may keep for one that does not read: frames for its socket and what the system has
/// taken of them.
const BYTES_EACH: u64 = 2 << 20;
/// What it may take for other reasons meanwhile: caches of the store fill.
const BYTES_BESIDES: u64 = 192 << 20;
/// Silence after which the server ends a session, and what a busy machine may add.
const IDLE: Duration = Duration::from_secs(120);
const SLACK: Duration = Duration::from_secs(30);
const LAST: &str = "that is all";

type Session = WebSocketStream<TlsStream<TcpStream>>;

pub(crate) async fn play(run: &Run, report: &mut Report) -> Outcome<()> {
    let (readers, messages) = if run.short { (4, 600) } else { (40, 2_000) };
    let place = Place::new(&run.server)?;
    let server = place.start()?;
    let demo = server.demo()?;
    let names: Vec<_> = (0..readers).map(|number| format!("silent{number}")).collect();
    let everybody: Vec<_> =
        names.iter().cloned().chain(["asker".into(), "writer".into()]).collect();
    rest::register(&demo, &everybody).await?;

    // The listener's, the runtime's, and one for the writer.
    let without = server.sockets() + 1;
    let (mut sessions, heard) = (Vec::new(), Instant::now());
    for name in &names {
        sessions.push(log_in(&demo, name).await?);
    }
    let before = server.rss()?;
    let mut writer = Device::new("writer", "phone");
    writer.connect(&demo).await.map_err(|error| error.to_string())?;
    let (more, started) = ("x".repeat(900), Instant::now());
    let mut peak = before;
    for number in 0..messages {
        for name in &names {
            writer.send(name, &more).map_err(|_| "the writer was cut")?;
        }
        writer.settle().await.map_err(|_| format!("refused: {}", writer.refusal))?;
        if number % 50 == 0 {
            peak = peak.max(server.rss()?);
        }
    }
    let wrote = started.elapsed().as_secs_f64();
    for name in &names {
        writer.say(name, LAST.into()).map_err(|_| "the writer was cut")?;
    }
    writer.settle().await.map_err(|_| format!("refused: {}", writer.refusal))?;
    peak = peak.max(server.rss()?);
    let sent = messages * names.len();
    report.row("readers that are silent", names.len());
    report.row("messages of 1 kB to them", sent);
    report.row(
        "written per second",
        format!("{:.0}", f64::from(u32::try_from(sent).unwrap_or(0)) / wrote),
    );
    report.row("acknowledged within (half / 99 of 100)", quantiles(&writer.times));
    report.row("memory before / at most", [before, peak].map(mib).join(" / "));
    let asker = ask_without_end(&demo, &server).await?;
    report.row("one that asks and never reads was cut after", asker.told());
    peak = peak.max(asker.peak);
    if !run.short {
        all_cut(&server, without).await?;
        let cut = heard.elapsed().as_secs_f64();
        report.row("the silent ones were cut, at the latest after", format!("{cut:.0} s"));
    }
    drop(sessions);

    let mut tally = Tally::default();
    let started = Instant::now();
    for name in &names {
        let mut device = Device::new(name, "phone");
        device.connect(&demo).await.map_err(|error| error.to_string())?;
        device.wait_for(&["writer".into()], LAST).await?;
        tally.add(&demo, ("writer", name), &[&writer, &device]).await?;
    }
    let caught_up = started.elapsed().as_secs_f64();
    report.row("time until all had caught up and were compared", format!("{caught_up:.1} s"));
    server.end()?;
    tally.verdict(report)?;
    let allowed = names.len() as u64 * BYTES_EACH + BYTES_BESIDES;
    if peak.saturating_sub(before) > allowed {
        return Err(format!("memory rose from {} to {}", mib(before), mib(peak)));
    }
    Ok(())
}

/// A session of which only the login is sent.
async fn log_in(demo: &Demo, user: &str) -> Outcome<Session> {
    let failed = |error: &dyn std::fmt::Display| format!("{user} cannot log in: {error}");
    let socket = TcpSocket::new_v4().map_err(|error| failed(&error))?;
    socket.set_recv_buffer_size(RECEIVE_BYTES).map_err(|error| failed(&error))?;
    let tcp = socket.connect(demo.address).await.map_err(|error| failed(&error))?;
    let tls = demo.secure(tcp).await.map_err(|error| failed(&error))?;
    let opened = client_async("wss://localhost/ws", tls).await;
    let (mut session, _) = opened.map_err(|error| failed(&error))?;
    let options = demo.options(user, "phone")?;
    let identity = Identity {
        app_key: options.app_key,
        user: options.user,
        resource: options.resource,
        token: options.token,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let login = Protocol::new(identity).login(u64::try_from(now).unwrap_or_default());
    session.send(Message::Binary(login)).await.map_err(|error| failed(&error))?;
    session.send(Message::Binary(Protocol::unread())).await.map_err(|error| failed(&error))?;
    Ok(session)
}

/// How one fared that asks and never reads.
struct Asker {
    frames: usize,
    after: Duration,
    peak: u64,
}

impl Asker {
    fn told(&self) -> String {
        format!("{} questions, {:.1} s", self.frames, self.after.as_secs_f64())
    }
}

/// Asks as fast as the server takes it, until it takes no more or ends the connection.
async fn ask_without_end(demo: &Demo, server: &Server) -> Outcome<Asker> {
    let mut session = log_in(demo, "asker").await?;
    let started = Instant::now();
    let mut asker = Asker { frames: 0, after: Duration::ZERO, peak: 0 };
    while started.elapsed() < IDLE + SLACK {
        let question = session.send(Message::Binary(Protocol::unread()));
        match tokio::time::timeout(IDLE + SLACK, question).await {
            Ok(Ok(())) => asker.frames += 1,
            Ok(Err(_)) => {
                asker.after = started.elapsed();
                return Ok(asker);
            }
            Err(_) => break,
        }
        if asker.frames.is_multiple_of(1000) {
            asker.peak = asker.peak.max(server.rss()?);
        }
    }
    Err("who asks and never reads is not cut".into())
}

/// Waits until the server has no more than `left` sockets.
async fn all_cut(server: &Server, left: usize) -> Outcome<()> {
    let started = Instant::now();
    while server.sockets() > left {
        if started.elapsed() > IDLE + SLACK {
            return Err(format!("{} silent readers were not cut", server.sockets() - left));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}
