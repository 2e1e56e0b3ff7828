//! One life of the server: the real chat service, sessions and store, in one thread and without a
//! clock of their own.
//!
//! A life has a runtime of its own whose time stands still. [`Server::step`] runs one ready task for
//! one poll, so between any two steps the process can die: dropping the life drops every task at the
//! await where it stands. What outlives it are the [`SimDisk`] of the store and the [`SimFs`] of the
//! vault.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use stoa_chat::Chat;
use stoa_chat::entry::Event;
use stoa_classroom::Classroom;
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, ClassRole, Clock, Entropy,
    ManualClock, Operator, OperatorOf, Region, Secret, SeededEntropy, UserId, issue_token,
};
use stoa_store::engine::{Direction, Engine, Faults, SimDisk, Simulated};
use stoa_store::{Store, StoreError, classes, spaces};
use stoa_token::Builder007;
use stoa_vault::{RootKey, SimFs, Vault, VaultError, VaultOptions, VaultWorker};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::dice::Dice;
use crate::mutant::Mutant;
use crate::net::{Shared, SimTransport};

/// The apps of a run.
pub(crate) struct Apps(BTreeMap<AppKey, Arc<App>>);

impl Apps {
    pub(crate) fn new(count: usize, entropy: &dyn Entropy) -> Self {
        let app = |n: usize| {
            let number = AppNumber(u32::try_from(n + 1).unwrap_or(u32::MAX));
            let key = key(n).parse().expect("a key of the usual form");
            let (created, auth) = (stoa_core::Timestamp::default(), AuthPolicy::Token);
            let app = App::new(number, key, Region::Eu, created, auth, entropy);
            (app.key.clone(), Arc::new(app))
        };
        Self((0..count).map(app).collect())
    }

    /// A token for `user` of the app `n`, or for its back end.
    pub(crate) fn token(
        &self,
        n: usize,
        user: Option<&str>,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Secret {
        let app = &self.0[&key(n).parse::<AppKey>().expect("a key of the usual form")];
        let user = user.map(|user| user.parse::<UserId>().expect("a name of the usual form"));
        issue_token(app, user.as_ref(), clock.now(), 86_400, entropy)
    }

    /// The app `n` and a token for its class rooms: of somebody in a room in a role, or of its back end.
    pub(crate) fn class_token(
        &self,
        n: usize,
        who: Option<(&str, &str, ClassRole)>,
        clock: &dyn Clock,
        salt: u32,
    ) -> (Arc<App>, String) {
        let app = self.0[&key(n).parse::<AppKey>().expect("a key of the usual form")].clone();
        let issued = u32::try_from(clock.now().as_secs()).unwrap_or(u32::MAX);
        let certificate = app.certificates[0].expose();
        let builder = Builder007::new(app.id.as_str(), certificate, issued, 86_400, salt);
        let builder = match who {
            Some((room, user, role)) => builder.room_user(room, user, role.number().into()),
            None => builder.education_app(),
        };
        let token = builder.build().expect("names of the usual form");
        (app, token)
    }
}

/// The key of the app `n`.
pub(crate) fn key(n: usize) -> String {
    format!("sim#app{n}")
}

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        self.0.get(key).cloned()
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        self.0.values().find(|app| app.id == *id).cloned()
    }
}

/// What outlives the process.
pub(crate) struct Machine {
    pub(crate) seed: u64,
    pub(crate) apps: Arc<Apps>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) disk: SimDisk,
    pub(crate) vault_disk: SimFs,
    pub(crate) lives: u64,
}

/// One life.
pub(crate) struct Server {
    runtime: Runtime,
    pub(crate) chat: Arc<Chat>,
    pub(crate) classroom: Arc<Classroom>,
    store: Store,
    vault: Arc<Vault>,
    engine: Arc<Simulated>,
    worker: VaultWorker,
    /// One for each session: a shared one wakes its waiters in an order of its own.
    stops: Mutex<Vec<watch::Sender<bool>>>,
    dice: Dice,
    /// The bus loses nothing any more.
    at_peace: Arc<AtomicBool>,
}

impl Server {
    /// Starts on what the machine's disks hold.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    pub(crate) fn start(
        machine: &mut Machine,
        faults: Faults,
        bus_losses: u64,
        mutant: Option<Mutant>,
    ) -> Result<Self, VaultError> {
        machine.lives += 1;
        let entropy = Arc::new(SeededEntropy::new(machine.seed ^ (machine.lives << 32)));
        let root = RootKey::random(&SeededEntropy::new(machine.seed));
        let mut options = VaultOptions::new("/vault");
        // Small, so that keys, epochs and pages come to their end.
        options.tuning.records_per_key = 400;
        options.tuning.grant_step = 50;
        options.tuning.nonces_per_epoch = 3000;
        options.tuning.keys_per_page = 4;
        options.tuning.journal_entries = 12;
        options.tuning.destroy_interval = Duration::ZERO;
        let fs = Arc::new(machine.vault_disk.clone());
        let clock = machine.clock.clone();
        let (vault, worker) =
            Vault::open_with_worker(fs, options, root, clock.clone(), entropy.clone())?;
        let life = vault.life();
        let engine = Arc::new(Simulated::open(&machine.disk));
        let mut seen: Arc<dyn Engine> = engine.clone();
        if let Some(mutant) = mutant {
            seen = mutant.over(seen);
        }
        let dice = Dice::new(machine.seed ^ machine.lives);
        let seen = faults.over(seen, Arc::new(SeededEntropy::new(dice.next())));
        let vault = Arc::new(vault);
        let store = Store::open(seen, vault.clone());
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .event_interval(1)
            .build()
            .expect("a runtime without IO needs nothing of the system");
        let (apps, operator) = (machine.apps.clone(), Operator::of_this_process());
        let chat = Chat::new(store.clone(), apps.clone(), clock.clone(), entropy.clone(), life);
        let chat = Arc::new(chat);
        let classroom = Classroom::new(store.clone(), chat.clone(), apps, clock, entropy, operator);
        let losing = Dice::new(dice.next());
        let at_peace = Arc::new(AtomicBool::new(false));
        chat.bus().lose({
            let at_peace = at_peace.clone();
            // Only what lies in a log can be found there.
            move |event| {
                matches!(event, Event::Appended(_))
                    && losing.chance(bus_losses)
                    && !at_peace.load(Ordering::Relaxed)
            }
        });
        let stops = Mutex::default();
        let classroom = Arc::new(classroom);
        Ok(Self { runtime, chat, classroom, store, vault, engine, worker, stops, dice, at_peace })
    }

    /// Begins a session on the other end of `socket`.
    pub(crate) fn accept(&self, socket: Shared, mutant: Option<Mutant>) {
        let (stop, stopped) = watch::channel(false);
        self.stops.lock().push(stop);
        let transport = SimTransport::new(socket, mutant);
        let session = stoa_gateway::sim::session(transport, self.chat.clone(), stopped);
        let session = Unhurried { task: Box::pin(session), dice: self.dice.clone() };
        drop(self.runtime.spawn(session));
    }

    /// Begins a call of a back end; what it returns is put into `outcomes`.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        outcomes: &Arc<Mutex<Vec<T>>>,
        call: impl Future<Output = T> + Send + 'static,
    ) {
        let outcomes = outcomes.clone();
        let task = async move {
            let outcome = call.await;
            outcomes.lock().push(outcome);
        };
        drop(self.runtime.spawn(Unhurried { task: Box::pin(task), dice: self.dice.clone() }));
    }

    /// Begins to let those leave chat rooms who are away, as the server does beside its sessions.
    pub(crate) fn keep_rooms(&self, apps: &Apps) {
        let (chat, apps) = (self.chat.clone(), apps.0.values().cloned().collect::<Vec<_>>());
        let task = async move {
            let operator = Operator::of_this_process();
            for app in apps {
                // If they cannot be read, whoever is away stays.
                let _ = chat.expect_absent(&operator.in_app(app)).await;
            }
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                chat.leave_absent().await;
            }
        };
        drop(self.runtime.spawn(Unhurried { task: Box::pin(task), dice: self.dice.clone() }));
    }

    /// Begins what the clock does in class rooms, as the server does beside its sessions.
    pub(crate) fn keep_classes(&self, apps: &Apps) {
        let (classroom, apps) =
            (self.classroom.clone(), apps.0.values().cloned().collect::<Vec<_>>());
        let task = async move {
            for app in apps {
                // If they cannot be read, they go on when somebody enters.
                let _ = classroom.wake_all(&app).await;
            }
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                classroom.tick().await;
            }
        };
        drop(self.runtime.spawn(Unhurried { task: Box::pin(task), dice: self.dice.clone() }));
    }

    /// Counts the records of class rooms on `disk` that the vault's keys open; none if it cannot be read.
    pub(crate) fn count_class_records(
        &self,
        disk: &SimDisk,
        apps: &Apps,
        counts: &Arc<Mutex<Vec<Option<usize>>>>,
    ) {
        let store = Store::open(Arc::new(Simulated::open(disk)), self.vault.clone());
        let apps: Vec<_> = apps.0.values().cloned().collect();
        self.call(counts, async move {
            let mut count = 0;
            for app in apps {
                let scope = Operator::of_this_process().in_app(app);
                count += count_class_records(&store, &scope).await.ok()?;
            }
            Some(count)
        });
    }

    /// Runs one task that is ready for one poll, if there is one.
    pub(crate) fn step(&self) {
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Lets the store write a batch of what waits, of a size that chance gives.
    pub(crate) fn commit_some(&self) {
        let waiting = self.engine.waiting();
        if waiting > 0 {
            self.engine.turn(self.dice.index(waiting) + 1);
        }
    }

    /// Lets the vault serve what waits.
    pub(crate) fn serve_vault(&mut self) {
        self.worker.turn();
    }

    /// Lets sessions hear of what the bus lost, as they do after a while.
    pub(crate) fn tell_losses(&self, at_peace: bool) {
        self.at_peace.store(at_peace, Ordering::Relaxed);
        self.chat.bus().tell_losses();
    }

    /// Moves the monotonic time.
    pub(crate) fn advance(&self, ms: u64) {
        self.runtime.block_on(tokio::time::advance(Duration::from_millis(ms)));
    }

    /// Whether it still takes writes. The vault's trouble shows only to those who need a new key.
    pub(crate) fn is_healthy(&self) -> bool {
        self.store.health().is_ok()
    }

    /// Tells all sessions to end.
    pub(crate) fn shut_down(&self) {
        for stop in self.stops.lock().iter() {
            // Nobody listens if the session is over.
            let _ = stop.send(true);
        }
    }

    /// Lets go of the store, as an orderly end does. Nothing is running any more.
    pub(crate) fn close(self) {
        // A store that failed before cannot be closed orderly; the next life finds what is there.
        let _ = self.runtime.block_on(self.store.close());
    }
}

async fn count_class_records(store: &Store, scope: &OperatorOf) -> Result<usize, StoreError> {
    let store = store.app(scope).await?;
    let mut count = 0;
    for space in
        spaces::SPACES.iter().filter(|space| space.class.number == classes::CLASS_ROOM.number)
    {
        let range = store.key(space).all();
        let rows = store.read().await?.scan_all(&range, Direction::Forward, usize::MAX).await?;
        count += rows.iter().filter(|(_, value)| value.is_some()).count();
    }
    Ok(count)
}

/// A task that is sometimes asked in vain: others get ahead of it, in an order that the seed gives.
struct Unhurried<F: ?Sized> {
    dice: Dice,
    task: Pin<Box<F>>,
}

impl<F: Future + ?Sized> Future for Unhurried<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if self.dice.chance(200) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.task.as_mut().poll(context)
    }
}
