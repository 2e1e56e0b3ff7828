//! What the keys of 180 days of 1,000 apps cost: to find the one of a record, to hold them, to start with them, and to
//! destroy one of them whatever it sealed.
//!
//! `cargo bench -p stoa-vault --bench lifetime`; `APPS` and `DAYS` make it smaller. Memory and the time of a start are printed.

#![expect(clippy::print_stdout, reason = "figures are told to whoever runs it")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use stoa_core::{AppNumber, Clock, Day, Entropy, ManualClock, SeededEntropy, Timestamp};
use stoa_seal::RootKey;
use stoa_vault::{Bucket, KeyClass, KeyScope, Opened, Vault, VaultOptions};
use tokio::runtime::{Builder, Runtime};

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn scope(app: u32, day: u32) -> KeyScope {
    KeyScope { app: AppNumber(app), class: KeyClass(1), bucket: Bucket::Day(Day(day)) }
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("it is told");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn open(dir: &std::path::Path) -> Vault {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
    let root = RootKey::parse(&"2a".repeat(32)).expect("a root key");
    Vault::open(VaultOptions::new(dir), root, clock, entropy).expect("the vault opens")
}

fn keys_of_half_a_year(criterion: &mut Criterion) {
    let (apps, days) = (number("APPS", 1_000), number("DAYS", 180));
    let dir = tempfile::tempdir().expect("a directory");
    let (dir, runtime) = (dir.path().join("keys"), runtime());
    let vault = open(&dir);
    let scopes: Vec<_> =
        (0..apps).flat_map(|app| (0..days).map(move |day| scope(app, day))).collect();
    runtime.block_on(async {
        for scopes in scopes.chunks(4_000) {
            vault.prepare(scopes).await.expect("keys are made");
        }
    });
    drop(vault);

    let (before, began) = (resident(), Instant::now());
    let vault = open(&dir);
    let (took, after) = (began.elapsed(), resident());
    let keys = vault.keys().len();
    assert_eq!(keys, scopes.len());
    let memory = after.saturating_sub(before);
    println!("{keys} keys: opened in {} ms, {} MB of memory", took.as_millis(), memory / 1024);

    let record = runtime.block_on(vault.seal(scope(apps / 2, 3), b"place", &[7; 300]));
    let record = record.expect("there is a key");
    criterion.bench_function("open a record among all keys", |bench| {
        bench.iter(|| {
            let opened = vault.open_record(b"place", black_box(&record)).expect("it opens");
            assert!(matches!(opened, Opened::Plain(_)));
        });
    });

    // A destruction is written at most once a second: the first returns as soon as it is durable.
    let mut slowest = Duration::ZERO;
    for day in 0..5.min(days) {
        let began = Instant::now();
        let destroyed = runtime.block_on(vault.destroy(|of| *of == scope(0, day)));
        assert_eq!(destroyed.expect("it is destroyed").keys.len(), 1);
        slowest = slowest.max(began.elapsed());
        println!("destroyed a day in {} ms", began.elapsed().as_millis());
        std::thread::sleep(Duration::from_millis(1_100));
    }
    println!("the slowest took {} ms", slowest.as_millis());
}

criterion_group!(benches, keys_of_half_a_year);
criterion_main!(benches);
