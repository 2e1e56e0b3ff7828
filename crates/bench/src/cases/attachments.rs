//! A file of 100 MB up and down, sealed at rest: processor time by the gigabyte, and how much memory
//! the server takes for it.
//!
//! One file at a time, over TLS, by the same calls as the SDK's. What comes down is compared byte by
//! byte. Memory is looked at all the time while a file is on its way.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Error;
use crate::cases::Case;
use crate::plan::Plan;
use crate::proc;
use crate::report::{Figure, Sample};
use crate::rest::{File, Noise, Rest};
use crate::stoa::{Stoa, names};

const BYTES: u64 = 100_000_000;
/// What the app must allow, in the server's setting.
const ALLOWED: u64 = 200 << 20;
/// A small one before, so that what any transfer leaves behind is there.
const FIRST_BYTES: u64 = 1_000_000;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Until memory that is free has gone back to the system.
const CALM: Duration = Duration::from_secs(3);

/// The case.
pub(super) static CASE: Case = Case {
    name: "attachments",
    about: "a file of 100 MB up and down over TLS, sealed at rest: CPU per GB, growth of memory",
    figures: &[
        Figure::new("up_cpu", "server CPU per GB, upload", "s").goal(1.5, 4.0),
        Figure::new("down_cpu", "server CPU per GB, download", "s").goal(1.5, 4.0),
        Figure::new("growth", "growth of server RSS, at the most", "MB").goal(4.0, 16.0),
        Figure::new("up_growth", "growth of server RSS, uploads", "MB"),
        Figure::new("down_growth", "growth of server RSS, downloads", "MB"),
        Figure::new("rss", "server RSS before", "MB"),
        Figure::new("files", "files of 100 MB each way", ""),
        Figure::new("up_rate", "upload", "MB/s"),
        Figure::new("down_rate", "download", "MB/s"),
        Figure::new("up_generator", "load generator, upload", "cores"),
        Figure::new("down_generator", "load generator, download", "cores"),
        Figure::new("disk", "data on disk per byte", "bytes"),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    stoa.set("max-attachment-bytes", &ALLOWED.to_string())?;
    let users = names("attachments", 2);
    stoa.register(&users).await?;
    let path = format!("{}/chatfiles", stoa.app_path());
    let mut sender = Rest::connect(stoa.endpoint(), stoa.token(Some(&users[0]))).await?;
    let mut reader = Rest::connect(stoa.endpoint(), stoa.token(Some(&users[1]))).await?;
    let noise = Noise::default();
    let small = noise.file(FIRST_BYTES);
    let address = send(&mut sender, &path, small).await?;
    reader.download(&address, small).await?;

    let (count, file) = (plan.pick(3, 10), noise.file(BYTES));
    let disk = stoa.disk();
    let mut addresses = Vec::new();
    let up = watched(&stoa, async {
        for _ in 0..count {
            addresses.push(send(&mut sender, &path, file).await?);
        }
        Ok(())
    })
    .await?;
    let disk = stoa.disk().saturating_sub(disk);
    let down = watched(&stoa, async {
        for address in &addresses {
            reader.download(address, file).await?;
        }
        Ok(())
    })
    .await?;
    stoa.stop().await?;
    let bytes = (BYTES * addresses.len() as u64) as f64;
    let (megabytes, gigabytes) = (bytes / 1e6, bytes / 1e9);
    Ok(vec![Sample::stoa(vec![
        ("up_cpu", up.cpu / gigabytes),
        ("down_cpu", down.cpu / gigabytes),
        ("growth", up.growth.max(down.growth)),
        ("up_growth", up.growth),
        ("down_growth", down.growth),
        ("rss", up.before),
        ("files", addresses.len() as f64),
        ("up_rate", megabytes / up.wall),
        ("down_rate", megabytes / down.wall),
        ("up_generator", up.own_cpu / up.wall),
        ("down_generator", down.own_cpu / down.wall),
        ("disk", disk as f64 / bytes),
    ])])
}

/// Uploads a file and returns where it can be had, with its secret.
async fn send(rest: &mut Rest, path: &str, file: File<'_>) -> Result<String, Error> {
    let answer = rest.upload(path, file).await?;
    let entity = &answer["entities"][0];
    let (Some(id), Some(secret)) = (entity["uuid"].as_str(), entity["share-secret"].as_str())
    else {
        return Err(Error::protocol("an upload without id and secret"));
    };
    Ok(format!("{path}/{id}?em-redirect=true&share-secret={secret}"))
}

/// What some transfers took.
struct Transfers {
    /// Seconds of the server, up to where it was quiet.
    cpu: f64,
    /// Our own seconds.
    own_cpu: f64,
    /// Seconds by the clock.
    wall: f64,
    /// Resident megabytes before.
    before: f64,
    /// How many more they became at the most.
    growth: f64,
}

/// Makes transfers and looks at the server meanwhile.
async fn watched(
    stoa: &Stoa,
    transfers: impl Future<Output = Result<(), Error>>,
) -> Result<Transfers, Error> {
    sleep(CALM).await;
    proc::settled(stoa.pid()).await;
    let (before, own, started) = (stoa.usage(), proc::own_cpu(), Instant::now());
    let mut most = before.rss;
    {
        let mut transfers = std::pin::pin!(transfers);
        loop {
            tokio::select! {
                done = &mut transfers => break done?,
                () = sleep(LOOK_EVERY) => most = most.max(stoa.rss()),
            }
        }
    }
    let (wall, own) = (started.elapsed(), proc::own_cpu() - own);
    most = most.max(stoa.rss());
    proc::settled(stoa.pid()).await;
    #[expect(clippy::cast_precision_loss, reason = "bytes with three digits")]
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    Ok(Transfers {
        cpu: (stoa.usage().cpu - before.cpu).as_secs_f64(),
        own_cpu: own.as_secs_f64(),
        wall: wall.as_secs_f64(),
        before: megabytes(before.rss),
        growth: megabytes(most - before.rss),
    })
}
