//! A day of many messages is destroyed and removed, on the embedded engine, while others send: how long the call that
//! destroys takes, how long the rows take, and what that costs whoever sends meanwhile.
//!
//! `cargo bench -p stoa-chat --bench sweep`; `MESSAGES` (10,000,000) and `LOGS` (10,000) make it smaller. Figures are
//! printed, since one run takes minutes. Sends come at a fixed rate of `RATE` (2,000) a second, which is to be half of
//! what the machine can do.

#![expect(clippy::print_stdout, reason = "figures are told to whoever runs it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::lifetime::Pace;
use stoa_chat::{Chat, Draft, NewUser};
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AppScope, AuthPolicy, Caller, Clock, Day,
    ManualClock, Operator, OperatorOf, Region, Resource, SeededEntropy, Target, Timestamp,
    issue_token,
};
use stoa_store::engine::{Embedded, EmbeddedOptions};
use stoa_store::{Store, classes};
use stoa_vault::{RootKey, Vault, VaultOptions};
use tokio::sync::oneshot;

struct Apps(Arc<App>);

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        (self.0.key == *key).then(|| self.0.clone())
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        (self.0.id == *id).then(|| self.0.clone())
    }
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct World {
    chat: Arc<Chat>,
    store: Store,
    clock: Arc<ManualClock>,
    scope: OperatorOf,
    app: Arc<App>,
    entropy: Arc<SeededEntropy>,
}

impl World {
    fn new(dir: &std::path::Path) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let key = "demo#stoa".parse().expect("a key");
        let app = App::new(AppNumber(1), key, Region::Eu, clock.now(), AuthPolicy::Open, &*entropy);
        let app = Arc::new(app);
        let root = RootKey::parse(&"2a".repeat(32)).expect("a root key");
        let options = VaultOptions::new(dir.join("keys"));
        let vault = Vault::open(options, root, clock.clone(), entropy.clone());
        let vault = Arc::new(vault.expect("the vault opens"));
        let engine =
            Embedded::open(&EmbeddedOptions::new(dir.join("store"))).expect("the engine opens");
        let store = Store::open(Arc::new(engine), vault);
        let directory = Arc::new(Apps(app.clone()));
        let chat = Chat::new(store.clone(), directory, clock.clone(), entropy.clone(), 1);
        let scope = Operator::of_this_process().in_app(app.clone());
        Self { chat: Arc::new(chat), store, clock, scope, app, entropy }
    }

    async fn caller(&self, user: Option<&str>) -> Caller {
        let user = user.map(|user| user.parse().expect("a name"));
        let token = issue_token(&self.app, user.as_ref(), self.clock.now(), 3600, &*self.entropy);
        self.chat.authenticate(&self.app.key, token.expose()).await.expect("a good token")
    }
}

/// What is sent to a user. Without a number of its own, since it is not sent in the order of numbers.
fn draft(to: usize) -> Draft {
    Draft {
        to: Target::User(format!("user-{to}").parse().expect("a name")),
        only_resource: None,
        only_users: Vec::new(),
        kind: Kind::Text,
        body: Bytes::from_static(&[7; 200]),
        ext: Bytes::new(),
        content_bytes: 200,
        client_id: 0,
        online_only: false,
        receipts: false,
        priority: Priority::Normal,
    }
}

/// Sends `count` messages to `logs` users by turns, `at_once` of them under way at a time.
async fn fill(world: &World, count: usize, logs: usize, at_once: usize) {
    let sender = Arc::new(world.caller(Some("sender")).await);
    let permits = Arc::new(tokio::sync::Semaphore::new(at_once));
    for n in 0..count {
        let permit = permits.clone().acquire_owned().await.expect("never closed");
        let (chat, sender) = (world.chat.clone(), sender.clone());
        tokio::spawn(async move {
            let done = Box::new(move |sent: Result<_, _>| {
                sent.expect("it is sent");
                drop(permit);
            });
            chat.send(&sender, &Resource::none(), draft(n % logs), done).await;
        });
    }
    let _ = permits.acquire_many(u32::try_from(at_once).expect("few")).await.expect("never closed");
}

/// Sends at a fixed rate until `over`, and answers how long each took.
async fn send_at(
    world: &World,
    rate: usize,
    logs: usize,
    over: oneshot::Receiver<()>,
) -> Vec<Duration> {
    let sender = Arc::new(world.caller(Some("sender")).await);
    let (report, mut took) = tokio::sync::mpsc::unbounded_channel();
    let mut ticks =
        tokio::time::interval(Duration::from_secs(1) / u32::try_from(rate).expect("few"));
    tokio::pin!(over);
    let mut next = 0;
    loop {
        tokio::select! {
            _ = &mut over => break,
            _ = ticks.tick() => {
                next = (next + 1) % logs;
                let to = next;
                let (chat, sender, report) = (world.chat.clone(), sender.clone(), report.clone());
                tokio::spawn(async move {
                    let began = Instant::now();
                    let done = Box::new(move |sent: Result<_, _>| {
                        sent.expect("it is sent");
                        let _ = report.send(began.elapsed());
                    });
                    chat.send(&sender, &Resource::none(), draft(to), done).await;
                });
            }
        }
    }
    drop(report);
    let mut all = Vec::new();
    while let Some(time) = took.recv().await {
        all.push(time);
    }
    all.sort_unstable();
    all
}

fn p99(times: &[Duration]) -> f64 {
    times.get(times.len() * 99 / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

#[tokio::main]
async fn main() {
    let (messages, logs) = (number("MESSAGES", 10_000_000), number("LOGS", 10_000));
    let rate = number("RATE", 2_000);
    let dir = tempfile::tempdir().expect("a directory");
    let world = World::new(dir.path());
    let back_end = world.caller(None).await;
    let names = (0..logs).map(|n| format!("user-{n}")).chain(["sender".to_owned()]);
    let new = |name: String| NewUser {
        username: name.parse().expect("a name"),
        password: None,
        nickname: None,
    };
    let registered = world.chat.register(&back_end, names.map(new).collect()).await;
    registered.expect("names that are free");

    let began = Instant::now();
    fill(&world, messages, logs, 4_096).await;
    println!("{messages} messages in {logs} logs, sent in {:.1} s", began.elapsed().as_secs_f64());
    let day = world.clock.now().day();
    world.clock.advance(Duration::from_secs(181 * 86_400));

    let (end, over) = oneshot::channel();
    let alone = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let _ = end.send(());
    };
    let (alone, ()) = tokio::join!(send_at(&world, rate, logs, over), alone);
    println!("p99 of sends, alone: {:.2} ms of {}", p99(&alone), alone.len());

    let (end, over) = oneshot::channel();
    let (meanwhile, ()) = tokio::join!(send_at(&world, rate, logs, over), async {
        let began = Instant::now();
        let class = &classes::MESSAGE;
        let settled = world.chat.settle_logs(&world.scope, class, &[day], Pace::SERVING).await;
        settled.expect("the ends are written down");
        println!("ends written down in {:.1} s", began.elapsed().as_secs_f64());
        let due: [(AppNumber, _, Day); 1] = [(world.scope.app().number, class, day)];
        let began = Instant::now();
        let destroyed = world.store.destroy_days(&Operator::of_this_process(), &due).await;
        assert_eq!(destroyed.expect("the key is destroyed"), 1);
        println!("destroyed in {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        let removed = world.chat.remove_over(&world.scope, class, Pace::SERVING).await;
        let rows = removed.expect("rows are removed").rows;
        let seconds = began.elapsed().as_secs_f64();
        println!("{rows} rows removed in {seconds:.1} s, {:.0} a second", rows as f64 / seconds);
        assert_eq!(rows, messages);
        let _ = end.send(());
    });
    let (before, with) = (p99(&alone), p99(&meanwhile));
    println!(
        "p99 of sends, meanwhile: {with:.2} ms of {}, {:+.0} %",
        meanwhile.len(),
        (with / before - 1.0) * 100.0
    );
}
