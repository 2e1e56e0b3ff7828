//! A run: clients, network, machine and one life of the server after another, under one clock.
//!
//! Time moves in turns. In each, the clocks go on a little, bytes travel, clients act, and the server
//! takes some steps; in between, what the plan says goes wrong. When the time of trouble is over,
//! everything gets a while in peace, and then the logs and all that devices were shown are judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_chat::NewUser;
use stoa_core::{Clock, Day, ManualClock, SeededEntropy, Timestamp};
use stoa_store::engine::{Faults, SimDisk};
use stoa_testclient::protocol::{Identity, Protocol};
use stoa_vault::SimFs;

use crate::classes::Classes;
use crate::client::{Connection, Device, LOGIN_MS, Phase, Tab};
use crate::dice::Dice;
use crate::model::Model;
use crate::mutant::Mutant;
use crate::net::{Line, put_frame};
use crate::plan::Plan;
use crate::report::Counts;
use crate::rooms::{RoomOutcome, Rooms};
use crate::server::{Apps, Machine, Server, key};
use crate::trace::Trace;

/// Where the clock stands when a run begins: some minutes before a midnight in 2027.
const START: Timestamp = Timestamp::from_secs(1_800_057_000);

/// What a back end's call came to.
pub(crate) enum Outcome {
    /// The thing was sent.
    Sent(usize, Result<u64, Refused>),
    /// Something was done to a room.
    Room(RoomOutcome),
    /// A user of an app was deleted, between the moment given and now; or not.
    Deleted(usize, String, u64, bool),
    /// Something else was done, which is only noted.
    Did(&'static str, bool),
}

/// Why a call of a back end has no id to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was not done.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// Noting an event in the trace of a world.
macro_rules! note {
    ($world:expr, $($what:tt)*) => {
        $world.trace.note($world.now, format_args!($($what)*))
    };
}
pub(crate) use note;

/// Everything there is.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) model: Model,
    pub(crate) counts: Counts,
    pub(crate) rooms: Rooms,
    pub(crate) classes: Classes,
    /// Milliseconds since the start, by a clock that nobody sets.
    pub(crate) now: u64,
    /// How far the server's clock is set off, in milliseconds.
    pub(crate) skew: i64,
    pub(crate) machine: Machine,
    pub(crate) mutant: Option<Mutant>,
    pub(crate) server: Option<Server>,
    /// When a server that is down is started again.
    pub(crate) up_at: u64,
    /// When a server that does not take writes is noticed and restarted.
    pub(crate) mend_at: Option<u64>,
    /// The process dies after so many further steps.
    pub(crate) dies_in: Option<(u64, Death)>,
    /// The process is being ended properly, until then at the latest.
    pub(crate) ending: Option<u64>,
    /// No commit until then.
    pub(crate) stalled_until: u64,
    pub(crate) full_until: Option<u64>,
    /// The vault's disk was told to fail in this life or before the next.
    pub(crate) vault_fails: bool,
    pub(crate) next_fault: u64,
    pub(crate) devices: Vec<Device>,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) connections: BTreeMap<u64, Connection>,
    pub(crate) next_connection: u64,
    pub(crate) outcomes: Arc<Mutex<Vec<Outcome>>>,
    pub(crate) back_end_ids: u64,
    pub(crate) peace: bool,
    entropy: SeededEntropy,
}

/// How a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Its machine lives on, and closes its sockets.
    Killed,
    /// The machine is without power.
    PowerLoss,
}

impl World {
    pub(crate) fn new(seed: u64, mutant: Option<Mutant>, keep: Option<usize>) -> Self {
        let dice = Dice::new(seed);
        let plan = Plan::new(&dice);
        let entropy = SeededEntropy::new(dice.next());
        let clock = Arc::new(ManualClock::new(START));
        let machine = Machine {
            seed,
            apps: Arc::new(Apps::new(plan.apps, &entropy)),
            clock,
            disk: SimDisk::new(),
            vault_disk: SimFs::new(),
            lives: 0,
        };
        Self {
            next_fault: plan.fault_every_ms,
            classes: Classes::new(seed, plan.apps),
            plan,
            dice,
            trace: Trace::new(keep),
            model: Model::default(),
            counts: Counts::default(),
            rooms: Rooms::new(seed),
            now: 0,
            skew: 0,
            machine,
            mutant,
            server: None,
            up_at: 0,
            mend_at: None,
            dies_in: None,
            ending: None,
            stalled_until: 0,
            full_until: None,
            vault_fails: false,
            devices: Vec::new(),
            tabs: Vec::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            outcomes: Arc::default(),
            back_end_ids: 0,
            peace: false,
            entropy,
        }
    }

    /// Makes the users and their devices, and lets everybody log in.
    pub(crate) fn set_up(&mut self) {
        note!(self, "plan {:?}", self.plan);
        self.peace = true;
        self.start_server();
        for app in 0..self.plan.apps {
            let users = (0..self.plan.users).map(user_name).map(|name| NewUser {
                username: name.parse().expect("a name of the usual form"),
                password: None,
                nickname: None,
            });
            self.register(app, users.collect());
        }
        self.settle(20);
        if self.rooms.are_there() {
            self.make_first_rooms();
            self.settle(20);
        }
        self.peace = false;
        // The first life knew no trouble; the next one does.
        self.end_server();
        self.start_server();
        for app in 0..self.plan.apps {
            for user in 0..self.plan.users {
                for n in 0..=self.dice.index(self.plan.devices) {
                    self.add_device(app, &user_name(user), n);
                }
            }
        }
    }

    fn register(&mut self, app: usize, users: Vec<NewUser>) {
        let token = self.token(app, None);
        let Some(server) = &self.server else { return };
        let chat = server.chat.clone();
        server.call(&self.outcomes, async move {
            let key = key(app).parse().expect("a key of the usual form");
            let registered = async {
                let caller = chat.authenticate(&key, &token).await?;
                chat.register(&caller, users).await
            };
            Outcome::Did("register", registered.await.is_ok())
        });
    }

    fn add_device(&mut self, app: usize, user: &str, n: usize) {
        self.devices.push(Device {
            app,
            user: user.into(),
            resource: format!("web-{n}"),
            view: crate::model::View::default(),
            outbox: std::collections::VecDeque::new(),
            last_client_id: 0,
            doubled: std::collections::BTreeSet::new(),
            last_shown: None,
            gone: false,
            away_until: 0,
        });
        self.open_tab(self.devices.len() - 1);
    }

    /// Opens a page on a device.
    pub(crate) fn open_tab(&mut self, device: usize) {
        let identity = self.identity(device);
        self.tabs.push(Tab::new(device, identity, self.now));
    }

    /// Who the device logs in as, with a fresh token.
    pub(crate) fn identity(&self, device: usize) -> Identity {
        let Device { app, user, resource, .. } = &self.devices[device];
        Identity {
            app_key: key(*app),
            user: user.clone(),
            resource: resource.clone(),
            token: self.token(*app, Some(user)),
        }
    }

    pub(crate) fn token(&self, app: usize, user: Option<&str>) -> String {
        let token = self.machine.apps.token(app, user, &*self.machine.clock, &self.entropy);
        token.expose().to_owned()
    }

    /// Milliseconds since 1970 by a clock that nobody sets: the clients'.
    pub(crate) fn client_clock(&self) -> u64 {
        START.as_millis() + self.now
    }

    pub(crate) fn set_clock(&self) {
        let at = self.client_clock().saturating_add_signed(self.skew);
        self.machine.clock.set(Timestamp::from_millis(at));
    }

    /// Lets the run go on for about `ms` milliseconds, unless something is wrong.
    pub(crate) fn go_on(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.now < until && self.model.wrong.is_empty() {
            self.turn();
        }
    }

    /// As [`Self::go_on`], without anybody doing anything new.
    pub(crate) fn settle(&mut self, turns: u32) {
        for _ in 0..turns {
            self.advance(1);
            self.steps(60);
            self.take_outcomes();
        }
    }

    fn turn(&mut self) {
        let ms = if self.peace {
            self.dice.between(5, 120)
        } else {
            self.dice.weighted(&[(3, 0), (6, 1), (6, 5), (3, 20), (1, 90)])
        };
        self.advance(ms);
        self.trouble();
        self.look_after_server();
        if let Some(server) = &self.server
            && (self.peace || self.dice.chance(10))
        {
            server.tell_losses(self.peace);
        }
        self.clients_act();
        self.classes_act();
        self.network();
        let steps = self.dice.between(0, 40);
        self.steps(steps);
        self.network();
        self.take_outcomes();
    }

    fn advance(&mut self, ms: u64) {
        self.now += ms;
        self.set_clock();
        if let Some(server) = &self.server {
            server.advance(ms);
        }
    }

    /// Lets the server take some steps, the disks among them, unless it dies.
    pub(crate) fn steps(&mut self, steps: u64) {
        for _ in 0..steps {
            if let Some((left, death)) = self.dies_in {
                if left == 0 {
                    return self.die(death);
                }
                self.dies_in = Some((left - 1, death));
            }
            let Some(server) = &mut self.server else { return };
            server.step();
            if self.now >= self.stalled_until && self.dice.chance(350) {
                server.commit_some();
            }
            if self.dice.chance(300) {
                server.serve_vault();
            }
        }
    }

    pub(crate) fn start_server(&mut self) {
        let store_faults = if self.peace { 0 } else { self.plan.store_faults };
        let faults = Faults {
            read: store_faults / 4,
            before_commit: store_faults,
            conflict: store_faults.saturating_mul(4),
            yields: self.plan.yields,
            // An unknown outcome comes from the disk, and stops the engine.
            ..Faults::default()
        };
        match Server::start(&mut self.machine, faults, self.plan.bus_losses, self.mutant) {
            Ok(server) => {
                note!(self, "server: life {}", self.machine.lives);
                if self.rooms.are_there() && self.mutant != Some(Mutant::ForgottenAbsence) {
                    server.keep_rooms(&self.machine.apps);
                }
                if self.classes.are_there() && self.mutant != Some(Mutant::SleepingClasses) {
                    server.keep_classes(&self.machine.apps);
                }
                self.server = Some(server);
                self.mend_at = None;
                self.vault_fails = false;
            }
            Err(error) => {
                // What a crash left has to open; only a disk that still fails may not.
                note!(self, "server: no start: {error}");
                if !std::mem::take(&mut self.vault_fails) {
                    self.model.fail(format!("the vault does not open: {error}"));
                }
                self.machine.vault_disk.kill_process();
                self.up_at = self.now + 1000;
            }
        }
    }

    /// The process is gone, and all its tasks where they stood.
    pub(crate) fn die(&mut self, death: Death) {
        self.dies_in = None;
        self.ending = None;
        if self.server.take().is_none() {
            return;
        }
        note!(self, "server: {death:?}");
        self.rooms.life_over(self.now);
        self.class_life_over();
        self.counts.crashes += 1;
        match death {
            Death::Killed => self.machine.vault_disk.kill_process(),
            Death::PowerLoss => {
                self.machine.vault_disk.lose_power(self.dice.next());
                for connection in self.connections.values_mut() {
                    connection.swallowed = true;
                }
            }
        }
        self.up_at = self.now + self.dice.between(0, 4000);
    }

    fn look_after_server(&mut self) {
        if self.full_until.is_some_and(|until| self.now >= until) {
            self.full_until = None;
            self.machine.disk.set_full(false);
            note!(self, "disk: room again");
        }
        let Some(server) = &self.server else {
            if self.now >= self.up_at {
                self.start_server();
            }
            return;
        };
        if let Some(until) = self.ending {
            if self.now >= until {
                self.end_server();
            }
        } else if !server.is_healthy() && self.mend_at.is_none() {
            note!(self, "server: takes no writes");
            self.mend_at = Some(self.now + self.dice.between(500, 6000));
        }
        if self.mend_at.is_some_and(|at| self.now >= at) {
            self.mend_at = None;
            self.begin_end();
        }
    }

    /// Begins a proper end of the server.
    pub(crate) fn begin_end(&mut self) {
        if let Some(server) = &self.server
            && self.ending.is_none()
        {
            note!(self, "server: is told to end");
            server.shut_down();
            self.ending = Some(self.now + 3500);
        }
    }

    pub(crate) fn end_server(&mut self) {
        self.ending = None;
        self.dies_in = None;
        if let Some(server) = self.server.take() {
            note!(self, "server: ended");
            self.counts.restarts += 1;
            server.close();
            self.rooms.life_over(self.now);
            self.class_life_over();
            self.machine.vault_disk.kill_process();
            self.up_at = self.now + self.dice.between(0, 1500);
        }
    }

    /// A page connects and logs in.
    pub(crate) fn connect(&mut self, tab: usize) {
        let Some(server) = self.server.as_ref().filter(|_| self.ending.is_none()) else {
            let wait = self.dice.between(1000, 2000);
            self.tabs[tab].phase = Phase::Offline { until: self.now + wait };
            return;
        };
        let socket: crate::net::Shared = Arc::default();
        socket.lock().capacity = *self.dice.pick(&[2_000, 20_000, 200_000, 2_000_000]);
        server.accept(socket.clone(), self.mutant);
        let number = self.next_connection;
        self.next_connection += 1;
        self.rooms.connected(number, self.tabs[tab].device, socket.clone());
        let delay = self.dice.between(0, if self.peace { 10 } else { self.plan.delay_ms });
        let mut connection = Connection {
            tab,
            socket,
            up: Line::default(),
            down: Line::default(),
            there: std::collections::VecDeque::new(),
            inbox: std::collections::VecDeque::new(),
            delay,
            slow: None,
            swallowed: false,
            severed: false,
            closed: false,
            came: BTreeMap::new(),
            pulls: BTreeMap::new(),
            again: BTreeMap::new(),
        };
        let client_clock = self.client_clock();
        let page = &mut self.tabs[tab];
        let mut bytes = Vec::new();
        put_frame(&page.protocol.login(client_clock), &mut bytes);
        connection.up.send(self.now + delay, bytes);
        page.connection = Some(number);
        page.phase = Phase::LoggingIn { until: self.now + LOGIN_MS };
        page.heard = self.now;
        self.connections.insert(number, connection);
        self.counts.logins += 1;
        let Device { app, user, resource, .. } = &self.devices[self.tabs[tab].device];
        note!(self, "tab {tab}: connects as {number}, {user}/{resource} of app {app}");
    }

    /// Sends a frame of a page.
    pub(crate) fn send_up(&mut self, number: u64, frame: &[u8]) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let mut bytes = Vec::with_capacity(frame.len() + 4);
        put_frame(frame, &mut bytes);
        let due = self.now + self.dice.between(0, connection.delay);
        connection.up.send(due, bytes);
    }

    pub(crate) fn heartbeat(&mut self, number: u64) {
        let frame = Protocol::unread();
        self.send_up(number, &frame);
    }

    /// The server's clock stands in this day.
    pub(crate) fn server_day(&self) -> Day {
        self.machine.clock.now().day()
    }
}

/// The name of the user `n`.
pub(crate) fn user_name(n: usize) -> String {
    format!("user{n}")
}
