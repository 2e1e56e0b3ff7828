//! The end of a run: peace, and then the judgement of all logs and of all that devices were shown.

use std::sync::Arc;

use parking_lot::Mutex;
use stoa_chat::entry::{Entry, Queue};
use stoa_chat::{Chat, Error};
use stoa_core::{Seq, limits};
use stoa_store::engine::DiskFault;

use crate::client::{Phase, text_of};
use crate::model::{Logged, What, index};
use crate::server::key;
use crate::world::{World, note, user_name};

/// Long enough for every timer of the client and the server.
const PEACE_MS: u64 = 100_000;
/// When nothing has come for this long, nothing more is on its way.
const QUIET_MS: u64 = 20_000;
/// How often what is slow gets more time.
const MORE_TIMES: u32 = 20;
/// The device as which the audit reads: nobody has it, so everything concerns it.
const AUDITOR: &str = "auditor";

/// A log as one user may read it.
struct Read {
    app: usize,
    user: String,
    queue: String,
    log: Vec<Logged>,
}

impl World {
    /// Ends all trouble and waits until everything that is due has come.
    pub(crate) fn make_peace(&mut self) {
        note!(self, "peace");
        self.peace = true;
        self.dies_in = None;
        self.stalled_until = 0;
        self.full_until = None;
        self.machine.disk.set_full(false);
        self.machine.disk.fail_next(DiskFault::None);
        for connection in self.connections.values_mut() {
            connection.slow = None;
            connection.delay = connection.delay.min(50);
        }
        if self.plan.store_faults > 0 {
            self.begin_end();
        }
        for device in 0..self.devices.len() {
            let page = |tab: &crate::client::Tab| tab.device == device && tab.phase != Phase::Over;
            if !self.devices[device].gone && !self.tabs.iter().any(page) {
                self.open_tab(device);
            }
        }
        self.let_all_come();
    }

    /// Goes on until every timer has run, and longer while a backlog is still coming.
    fn let_all_come(&mut self) {
        self.go_on(PEACE_MS);
        for _ in 0..MORE_TIMES {
            let before = (self.counts.shown, self.counts.acknowledged);
            self.go_on(QUIET_MS);
            if before == (self.counts.shown, self.counts.acknowledged) {
                return;
            }
        }
    }

    /// Judges everything.
    pub(crate) fn judge(&mut self) {
        if self.rooms.are_there() {
            self.judge_rooms();
        }
        let missing = self.judge_once();
        if missing.is_empty() || !self.model.wrong.is_empty() {
            return;
        }
        // What did not come by itself may come to who asks anew: then it is late and not lost.
        note!(self, "something is missing: everybody connects anew");
        for tab in 0..self.tabs.len() {
            self.drop_connection(tab);
        }
        self.let_all_come();
        let lost = self.judge_once();
        for what in missing {
            let fate = if lost.contains(&what) { "lost" } else { "came only after a reconnect" };
            self.model.fail(format!("{what}: {fate}"));
        }
    }

    /// Judges the logs for good, and answers what devices have not been shown.
    fn judge_once(&mut self) -> Vec<String> {
        let Some(reads) = self.read_logs() else { return Vec::new() };
        let window = u64::try_from(limits::DUPLICATE_WINDOW.as_millis()).unwrap_or(u64::MAX);
        for Read { app, user, queue, log } in &reads {
            let name = format!("app {app}, {queue} of {user}");
            self.model.judge_log(&name, log, window);
            if queue == Queue::OWN_LOG {
                let receipt = move |what| what == What::Receipt;
                self.model.judge_kept(
                    &name,
                    log,
                    |sent| receipt(sent.what) && sent.app == *app && sent.to == *user,
                    true,
                );
                self.model.judge_kept(
                    &name,
                    log,
                    |sent| receipt(sent.what) && sent.app == *app && sent.from == *user,
                    false,
                );
            } else {
                let both = [user.as_str(), queue.as_str()];
                self.model.judge_kept(
                    &name,
                    log,
                    |sent| {
                        let (from, to) = (sent.from.as_str(), sent.to.as_str());
                        sent.what == What::Text
                            && sent.app == *app
                            && (both == [from, to] || both == [to, from])
                    },
                    true,
                );
            }
        }
        let mut missing = Vec::new();
        for device in self.devices.iter().filter(|device| !device.gone) {
            let own =
                reads.iter().filter(|read| (read.app, &read.user) == (device.app, &device.user));
            for read in own {
                let of = (device.user.as_str(), device.resource.as_str());
                missing.extend(self.model.judge_view(of, &device.view, &read.queue, &read.log));
            }
        }
        missing
    }

    /// Reads all logs through the server, as the users may.
    fn read_logs(&mut self) -> Option<Vec<Read>> {
        let results = Arc::new(Mutex::new(Vec::<Result<Vec<Read>, String>>::new()));
        let mut readers = Vec::new();
        for app in 0..self.plan.apps {
            for user in (0..self.plan.users).map(user_name) {
                let gone = |d: &crate::client::Device| d.gone && d.app == app && d.user == user;
                if !self.devices.iter().any(gone) {
                    let token = self.token(app, Some(&user));
                    readers.push((app, user, token));
                }
            }
        }
        let users = self.plan.users;
        let Some(server) = &self.server else {
            self.model.fail("the server is down in peace");
            return None;
        };
        let chat = server.chat.clone();
        server.call(&results, async move {
            let mut all = Vec::new();
            for (app, user, token) in readers {
                let queues = (0..users).map(user_name).chain([Queue::OWN_LOG.to_owned()]);
                for queue in queues {
                    let log = read_log(&chat, app, &token, &queue).await;
                    let log =
                        log.map_err(|error| format!("{user} cannot read {queue}: {error}"))?;
                    all.push(Read { app, user: user.clone(), queue, log });
                }
            }
            Ok(all)
        });
        for _ in 0..1000 {
            self.settle(5);
            if let Some(result) = results.lock().pop() {
                return match result {
                    Ok(reads) => Some(reads),
                    Err(why) => {
                        self.model.fail(why);
                        None
                    }
                };
            }
        }
        self.model.fail("the logs cannot be read");
        None
    }
}

async fn read_log(chat: &Chat, app: usize, token: &str, queue: &str) -> Result<Vec<Logged>, Error> {
    let key = key(app).parse().expect("a key of the usual form");
    let caller = chat.authenticate(&key, token).await?;
    let resource = AUDITOR.parse().expect("a name of the usual form");
    let queue = Queue::from_name(queue, false).expect("a name of the usual form");
    let mut log = Vec::new();
    let mut after = Seq::START;
    loop {
        let page = chat.page(&caller, &resource, &queue, Some(after)).await?;
        log.extend(page.entries.iter().map(|(seq, entry)| logged(*seq, entry)));
        after = page.end;
        if !page.more {
            return Ok(log);
        }
    }
}

pub(crate) fn logged(seq: Seq, entry: &Entry) -> Logged {
    Logged {
        seq: seq.0,
        id: entry.id.0,
        at_ms: entry.at.as_millis(),
        from: entry.from.as_str().to_owned(),
        resource: entry.from_resource.as_str().to_owned(),
        sent: text_of(&entry.body).and_then(|text| index(&text)),
    }
}
