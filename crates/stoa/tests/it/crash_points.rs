//! The end of days, with a crash at every commit of the store and at every step of the vault's disk, from the start of
//! the node on: the next start and the next sweep leave what an undisturbed one leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use stoa::config::Config;
use stoa::failure::Failure;
use stoa::node::{Files, Node};
use stoa_blob::Blobs;
use stoa_chat::lifetime::Pace;
use stoa_console::NewApp;
use stoa_core::{AuthPolicy, ManualClock, Operator, Region, SeededEntropy, Timestamp};
use stoa_store::engine::{Direction, Engine, Faults, Memory, Span};
use stoa_store::receipts::{Act, Checker};
use stoa_store::{Store, classes, spaces};
use stoa_vault::{KeyClass, RootKey, SimFs, Vault, VaultOptions};

use crate::retention::{Past, config_of, opened};
use crate::server::Place;

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// Days that are over, with a message to each of two.
const DAYS: u64 = 3;
/// What is said today.
const TODAY: u64 = 1;
/// The spaces of receipts: how many there are of rows that were removed depends on how often that was interrupted.
const RECEIPTS: [u8; 2] = [spaces::RECEIPTS.code, spaces::RECEIPT_HEAD.code];

/// A machine: what lies in its store and on the disk of its vault.
struct Machine {
    engine: Arc<Memory>,
    disk: SimFs,
    config: Arc<Config>,
    place: Arc<Place>,
}

impl Machine {
    /// With days that are over.
    async fn new() -> Self {
        let place = Place::new();
        let config = config_of(&place, "data");
        let (engine, disk) = (Arc::new(Memory::new()), SimFs::new());
        let machine = Self { engine, disk, config: Arc::new(config), place: Arc::new(place) };
        let node = machine.start(Faults::default()).await.unwrap();
        let (key, auth) = ("acme#support".parse().unwrap(), AuthPolicy::Token);
        node.console.create_app(NewApp { key, region: Region::Eu, auth }).await.unwrap();
        let today = Past::of(&node, 0);
        today.register(&NAMES).await;
        today.say("alice", "bob", 1).await;
        for day in 0..DAYS {
            let past = Past::of(&node, 200 + day);
            past.say("alice", "bob", 10 + day).await;
            past.say("alice", "carol", 20 + day).await;
        }
        machine
    }

    /// The same at this moment, once more.
    async fn copy(&self) -> Self {
        let view = self.engine.snapshot().await.unwrap();
        let engine = Arc::new(Memory::restored(&*view).await.unwrap());
        let (config, place) = (self.config.clone(), self.place.clone());
        Self { engine, disk: self.disk.copy(), config, place }
    }

    /// Starts a node whose commits fail as `faults` say.
    async fn start(&self, faults: Faults) -> Result<Node, Failure> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(self.disk.steps()));
        let mut options = VaultOptions::new("/keys");
        options.tuning.destroy_interval = std::time::Duration::ZERO;
        let root = RootKey::parse(&"5a".repeat(32)).unwrap();
        let disk = Arc::new(self.disk.clone());
        let vault = Vault::open_on(disk, options, root, clock.clone(), entropy.clone())?;
        let vault = Arc::new(vault);
        let engine = faults.over(self.engine.clone(), entropy.clone());
        let store = Store::open(engine, vault.clone());
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(&self.place.path("files"), vault.clone(), class)?;
        Node::start(Files::of(vault, store, blobs, clock, entropy), &self.config).await
    }

    /// What a node does that starts and ends days.
    async fn sweep(&self, faults: Faults) -> Result<(), Failure> {
        self.start(faults).await?.end_days(Pace::ALONE).await.map(drop)
    }

    /// The keys of all rows but receipts.
    async fn rows(&self) -> Vec<Bytes> {
        let view = self.engine.snapshot().await.unwrap();
        let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
        rows.into_iter().map(|(key, _)| key).filter(|key| !RECEIPTS.contains(&key[0])).collect()
    }

    /// Starts it again, ends what is over, and looks whether all is as after an undisturbed sweep.
    async fn check(&self, rows: &[Bytes], what: &str) {
        let node = self.start(Faults::default()).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        let intended = |key: &&Bytes| key[0] == spaces::DESTRUCTIONS.code;
        assert_eq!(self.rows().await.iter().filter(intended).count(), 0, "{what}");
        node.end_days(Pace::ALONE).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(opened(&node).await, TODAY, "{what}");
        let operator = Operator::of_this_process();
        let mut checker = Checker::new(node.store.receipts_key().unwrap());
        let (mut days, mut keys) = (BTreeSet::new(), Vec::new());
        for signed in node.store.receipts(&operator, 0).await.unwrap() {
            checker.take(&signed).unwrap_or_else(|broken| panic!("{what}: {broken}"));
            if signed.receipt.act() == Act::Destroyed {
                days.insert(signed.receipt.bucket);
                keys.extend(signed.receipt.keys);
            }
        }
        checker.take(&node.store.receipts_end(&operator).await.unwrap()).unwrap();
        assert_eq!((days.len() as u64, keys.len() as u64), (DAYS, DAYS), "one each, {what}");
        assert_eq!(self.rows().await, rows, "{what}");
    }
}

/// Crashes at one point after the other, until a sweep comes to its end; answers how many there were.
async fn crash_everywhere(
    beginning: &Machine,
    rows: &[Bytes],
    what: &str,
    crash: impl Fn(&Machine, u64) -> Faults,
    afterwards: impl Fn(&Machine),
) -> u64 {
    for point in 0.. {
        let machine = beginning.copy().await;
        let faults = crash(&machine, point);
        let done = machine.sweep(faults).await.is_ok();
        // The process is gone, with all that it held.
        let machine = machine.copy().await;
        afterwards(&machine);
        machine.check(rows, &format!("{what} {point}")).await;
        if done {
            return point;
        }
    }
    unreachable!("it comes to its end")
}

#[tokio::test]
async fn days_end_as_undisturbed_whatever_crashes_at_whichever_point() {
    let beginning = Machine::new().await;
    let undisturbed = beginning.copy().await;
    undisturbed.sweep(Faults::default()).await.unwrap();
    let rows = undisturbed.rows().await;
    assert!(rows.len() < beginning.rows().await.len());
    undisturbed.copy().await.check(&rows, "undisturbed").await;

    for written in [false, true] {
        let commits = crash_everywhere(
            &beginning,
            &rows,
            if written { "written commit" } else { "lost commit" },
            |_, commit| Faults::crash(commit, written),
            |_| {},
        );
        let commits = commits.await;
        assert!(commits >= 5, "{commits}: ends, intent, receipt, rows, receipt");
    }
    for seed in 0..3 {
        let what = format!("seed {seed}, step");
        let steps = crash_everywhere(
            &beginning,
            &rows,
            &what,
            |machine, step| {
                machine.disk.fail_at(machine.disk.steps() + step);
                Faults::default()
            },
            // Seed 0 stands for a process that dies on a machine that goes on.
            |machine| match seed {
                0 => machine.disk.kill_process(),
                _ => machine.disk.lose_power(seed),
            },
        );
        let steps = steps.await;
        assert!(steps >= 10, "{steps}");
    }
}
