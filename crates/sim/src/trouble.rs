//! What goes wrong.

use stoa_core::Clock;
use stoa_store::engine::DiskFault;

use crate::client::Phase;
use crate::plan::Fault;
use crate::server::key;
use crate::world::{Death, Outcome, World, note, user_name};

const HOUR_MS: i64 = 3_600_000;

impl World {
    /// Lets something go wrong if it is time.
    pub(crate) fn trouble(&mut self) {
        if self.peace || self.now < self.next_fault {
            return;
        }
        self.next_fault = self.now + self.dice.between(1, self.plan.fault_every_ms * 2);
        let fault = self.dice.weighted(&self.plan.faults);
        note!(self, "trouble: {fault:?}");
        self.counts.faults += 1;
        match fault {
            Fault::Kill => self.dies_in = Some((self.dice.below(120), Death::Killed)),
            Fault::PowerLoss => self.dies_in = Some((self.dice.below(120), Death::PowerLoss)),
            Fault::Restart => self.begin_end(),
            Fault::WriteLost => self.machine.disk.fail_next(DiskFault::Lost),
            Fault::WriteKept => self.machine.disk.fail_next(DiskFault::Kept),
            Fault::DiskFull => {
                self.machine.disk.set_full(true);
                self.full_until = Some(self.now + self.dice.between(500, 8000));
            }
            Fault::VaultDisk => {
                let disk = &self.machine.vault_disk;
                disk.fail_at(disk.steps() + self.dice.below(6));
                self.vault_fails = true;
                self.mend_at = Some(self.now + self.dice.between(500, 5000));
            }
            Fault::SlowCommits => self.stalled_until = self.now + self.dice.between(100, 13_000),
            Fault::Cut => self.cut(),
            Fault::HalfOpen => {
                for connection in self.connections.values_mut() {
                    connection.swallowed |= self.dice.chance(300);
                }
            }
            Fault::SlowReaders => {
                for connection in self.connections.values_mut() {
                    if self.dice.chance(400) {
                        let until = self.now + self.dice.between(500, 20_000);
                        connection.slow = Some((self.dice.index(200) + 1, until));
                    }
                }
            }
            Fault::ClockJump => {
                let by = *self.dice.pick(&[HOUR_MS, -HOUR_MS, 1500, -1500, 61_000, -61_000]);
                self.jump(by);
            }
            Fault::Midnight => {
                let until = self.server_day().next().start().as_millis();
                let jump = until - self.machine.clock.now().as_millis();
                self.jump(i64::try_from(jump).unwrap_or(0) - 500);
            }
            Fault::DeleteUser => self.delete_user(),
            Fault::Takeover => self.takeover(),
            Fault::Reload => self.reload(),
            Fault::LogOut => self.log_out(),
        }
    }

    /// Somebody sets the server's clock.
    fn jump(&mut self, by: i64) {
        self.model.clock.push((self.now, self.machine.clock.now().as_millis()));
        self.skew += by;
        self.rooms.clock_set(by, self.now);
        let before = self.machine.clock.now().as_millis();
        self.set_clock();
        self.classes.clock_set(before, self.machine.clock.now().as_millis());
        self.model.clock.push((self.now, self.machine.clock.now().as_millis()));
    }

    /// Cuts some connections behind any byte, in both directions.
    fn cut(&mut self) {
        let all = self.dice.chance(200);
        for (number, connection) in &mut self.connections {
            if connection.closed || !(all || self.dice.chance(350)) {
                continue;
            }
            let mut up = connection.up.all();
            up.truncate(self.dice.index(up.len() + 1));
            let mut down = connection.down.all();
            let mut socket = connection.socket.lock();
            down.extend(socket.written.drain(..));
            down.truncate(self.dice.index(down.len() + 1));
            socket.arrived.extend(up);
            if self.dice.chance(500) {
                socket.broken = true;
            } else {
                socket.ended = true;
            }
            connection.severed = true;
            socket.wake();
            connection.there.extend(down);
            self.trace.note(self.now, format_args!("connection {number}: cut"));
        }
    }

    fn some_live_device(&self) -> Option<usize> {
        let devices: Vec<usize> =
            (0..self.devices.len()).filter(|device| !self.devices[*device].gone).collect();
        (!devices.is_empty()).then(|| *self.dice.pick(&devices))
    }

    /// The same page once more: its login replaces the older one.
    fn takeover(&mut self) {
        if let Some(device) = self.some_live_device() {
            note!(self, "device {device}: opened once more");
            self.open_tab(device);
        }
    }

    /// The page is loaded anew: the old one is gone, without a word to the server.
    fn reload(&mut self) {
        let Some(device) = self.some_live_device() else { return };
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].device == device && self.tabs[tab].phase != Phase::Over {
                self.drop_connection(tab);
                self.tabs[tab].phase = Phase::Over;
            }
        }
        note!(self, "device {device}: loaded anew");
        self.open_tab(device);
    }

    /// A back end deletes a user. One per run is enough.
    fn delete_user(&mut self) {
        if self.devices.iter().any(|device| device.gone) || self.plan.users < 3 {
            return;
        }
        let Some(server) = &self.server else { return };
        let (app, user) = (0, user_name(self.plan.users - 1));
        for device in &mut self.devices {
            if device.app == app && device.user == user {
                device.gone = true;
            }
        }
        let token = self.token(app, None);
        let chat = server.chat.clone();
        note!(self, "back end: deletes {user}");
        self.rooms.user_deleted(app, &user, None, self.now);
        let since = self.now;
        server.call(&self.outcomes, async move {
            let deleted = async {
                let key = key(app).parse().expect("a key of the usual form");
                let caller = chat.authenticate(&key, &token).await?;
                let user = user.parse().expect("a name of the usual form");
                chat.delete_user(&caller, &user).await
            };
            let well = deleted.await.is_ok();
            Outcome::Deleted(app, user, since, well)
        });
    }

    /// A back end ends all sessions of a user.
    fn log_out(&mut self) {
        let (Some(device), Some(server)) = (self.some_live_device(), &self.server) else { return };
        let (app, user) = (self.devices[device].app, self.devices[device].user.clone());
        let token = self.token(app, None);
        let chat = server.chat.clone();
        note!(self, "back end: logs {user} out");
        server.call(&self.outcomes, async move {
            let ended = async {
                let key = key(app).parse().expect("a key of the usual form");
                let caller = chat.authenticate(&key, &token).await?;
                let user = user.parse().expect("a name of the usual form");
                chat.disconnect(&caller, &user, None).await
            };
            Outcome::Did("log out", ended.await.is_ok())
        });
    }
}
