//! How fast a backup is made, read and brought back, on the embedded engine, with rows as messages are.
//!
//! `cargo bench -p stoa-backup --bench speed`; `ROWS` in the environment says how many (200,000).

#![expect(clippy::print_stdout, reason = "figures are told to whoever runs it")]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use stoa_backup::{Reader, Restoring, Writer};
use stoa_blob::Blobs;
use stoa_core::{AppNumber, Clock, Day, ManualClock, Operator, SeededEntropy, Timestamp};
use stoa_store::engine::{Embedded, EmbeddedOptions};
use stoa_store::{Bucket, Store, classes};
use stoa_vault::{KeyClass, KeyScope, Vault};

/// Bytes of what is sealed in a row.
const PLAIN: usize = 300;
/// Rows that are written together.
const STEP: usize = 4096;

type Failure = Box<dyn std::error::Error>;

fn embedded(directory: &Path, vault: &Arc<Vault>) -> Result<Store, Failure> {
    let engine = Embedded::open(&EmbeddedOptions::new(directory))?;
    Ok(Store::open(Arc::new(engine), vault.clone()))
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn tell(what: &str, bytes: u64, since: Instant) {
    let (megabytes, seconds) = (bytes as f64 / 1e6, since.elapsed().as_secs_f64());
    println!("{what}: {megabytes:.0} MB in {seconds:.2} s, {:.0} MB/s", megabytes / seconds);
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(200_000_u64);
    let dir = tempfile::tempdir()?;
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
    let class = KeyClass(classes::ATTACHMENT.number);
    let blobs = Blobs::local(&dir.path().join("files"), vault.clone(), class)?;
    let (from, to) =
        (embedded(&dir.path().join("from"), &vault)?, embedded(&dir.path().join("to"), &vault)?);
    let operator = Operator::of_this_process();
    let bucket = Bucket::Day(Day(20_000));
    let scope = KeyScope { app: AppNumber(1), class: KeyClass(classes::MESSAGE.number), bucket };
    let mut filling = Vec::with_capacity(STEP);
    for row in 0..rows {
        let key = [&[30, 0, 0, 0, 1][..], &[7; 16], &row.to_be_bytes()].concat();
        let value = vault.seal(scope, &key, &[b'm'; PLAIN]).await?;
        filling.push((key, value));
        if filling.len() == STEP || row + 1 == rows {
            from.fill(&operator, std::mem::take(&mut filling)).await?;
        }
    }

    let file = dir.path().join("backup");
    let mut out = BufWriter::new(File::create(&file)?);
    let begun = Instant::now();
    let writer = Writer::new(&vault, clock.now(), &*entropy);
    let give = |piece: Bytes, _| {
        let written = out.write_all(&piece);
        async move { Ok(written?) }
    };
    let totals = writer.write(&operator, &from, &blobs, Vec::new(), give).await?;
    out.into_inner()?.sync_all()?;
    tell("created", totals.bytes, begun);

    let open = || Ok::<_, Failure>(BufReader::new(File::open(&file)?));
    let begun = Instant::now();
    let mut reader = Reader::open(open()?, &vault)?;
    while reader.item()?.is_some() {}
    tell("verified", totals.bytes, begun);

    let begun = Instant::now();
    let mut reader = Reader::open(open()?, &vault)?;
    let mut restoring = Restoring::begin(&operator, &to, &blobs, &vault).await?;
    while let Some(item) = reader.item()? {
        restoring.take(item).await?;
    }
    tell("restored", totals.bytes, begun);
    println!("{} of {rows} rows are back", restoring.restored().rows);
    Ok(())
}
