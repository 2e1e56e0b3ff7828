//! Bytes on their way, and what pages do with what comes.

use bytes::Bytes;
use stoa_core::limits;
use stoa_testclient::protocol::{Event, Output};
use stoa_wire::NameSpace;

use crate::client::{Phase, Seen, pull_of, seen, text_of};
use crate::net::{Taken, take_frame};
use crate::world::{World, note};

/// The queue of what is not kept.
const PASSING: &str = "@passing";

impl World {
    /// Moves bytes, and hands clients what is there.
    pub(crate) fn network(&mut self) {
        let numbers: Vec<u64> = self.connections.keys().copied().collect();
        for number in numbers {
            self.carry(number);
            self.read(number);
        }
    }

    fn carry(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let mut socket = connection.socket.lock();
        if connection.swallowed {
            connection.up.all();
            // What the server's machine keeps for sending stays there.
            return;
        }
        if connection.severed {
            socket.written.clear();
            return;
        }
        let up = connection.up.arrived(self.now);
        let mut woken = !up.is_empty();
        socket.arrived.extend(up);
        if connection.closed && connection.up.is_empty() && !socket.ended {
            socket.ended = true;
            woken = true;
        }
        let down: Vec<u8> = socket.written.drain(..).collect();
        let due = self.now + self.dice.between(0, connection.delay);
        connection.down.send(due, down);
        if woken {
            socket.wake();
        }
        connection.there.extend(connection.down.arrived(self.now));
    }

    /// Lets a client read: all that is there, or as much as a slow one does.
    fn read(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        if connection.closed {
            // Nobody reads; the server hears of the end when its own words have room.
            let released = connection.socket.lock().released;
            if released || connection.swallowed || connection.socket.lock().ended {
                self.connections.remove(&number);
            }
            return;
        }
        if connection.slow.is_some_and(|(_, until)| self.now >= until) {
            connection.slow = None;
        }
        let most = connection.slow.map_or(usize::MAX, |(bytes, _)| bytes);
        let bytes = most.min(connection.there.len());
        connection.inbox.extend(connection.there.drain(..bytes));
        if bytes > 0 {
            let mut socket = connection.socket.lock();
            socket.outstanding = socket.outstanding.saturating_sub(bytes);
            socket.wake();
        }
        loop {
            let Some(connection) = self.connections.get_mut(&number) else { return };
            let Some(taken) = take_frame(&mut connection.inbox) else { break };
            let tab = connection.tab;
            match taken {
                Taken::Frame(frame) => self.receive(tab, number, frame),
                Taken::Closing(code) => {
                    note!(self, "tab {tab}: closed with {code}");
                    self.lost(tab, number);
                    return;
                }
            }
            if !self.model.wrong.is_empty() {
                return;
            }
        }
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let over = {
            let socket = connection.socket.lock();
            let silent = socket.released && socket.written.is_empty() && !connection.swallowed;
            silent || connection.severed
        };
        if over && connection.down.is_empty() && connection.there.is_empty() {
            let tab = connection.tab;
            note!(self, "tab {tab}: connection {number} is gone");
            self.lost(tab, number);
        }
    }

    fn receive(&mut self, tab: usize, number: u64, frame: Bytes) {
        self.watch(tab, number, &frame);
        let clock = self.client_clock();
        self.tabs[tab].heard = self.now;
        let outputs = self.tabs[tab].protocol.receive(frame, clock);
        for output in outputs {
            match output {
                Output::Send(frame) => {
                    if let Some(queue) = pull_of(&frame)
                        && let Some(connection) = self.connections.get_mut(&number)
                    {
                        *connection.pulls.entry(queue).or_default() += 1;
                    }
                    self.counts.operations += 1;
                    self.send_up(number, &frame);
                }
                Output::LoggedIn(_) => {
                    note!(self, "tab {tab}: logged in");
                    self.tabs[tab].phase = Phase::Live;
                    let device = &mut self.devices[self.tabs[tab].device];
                    device.view.since_ms.get_or_insert(self.now);
                }
                Output::Refused { code, reason } => {
                    note!(self, "tab {tab}: refused with {code} {reason}");
                    // The app gets itself a new token.
                    let device = self.tabs[tab].device;
                    if self.devices[device].gone {
                        self.tabs[tab].phase = Phase::Over;
                    } else {
                        self.renew(tab);
                        let until = self.now + self.dice.between(1000, 3000);
                        self.tabs[tab].phase = Phase::Offline { until };
                    }
                    self.hang_up(number);
                    return;
                }
                Output::Answered(ack) => match self.tabs[tab].asked.remove(&ack.id) {
                    Some((asked, _)) => {
                        self.entered_or_left(tab, &asked, ack.code, &ack.reason);
                    }
                    None => self.answered(tab, ack.id, ack.code, ack.server_id),
                },
                // What comes in rooms was looked at before.
                Output::Event(Event::Received(received))
                    if received.ns == NameSpace::Muc || self.rooms.is_room(&received.queue) => {}
                Output::Event(Event::Received(received)) => {
                    let text = text_of(&received.payload).unwrap_or_default();
                    self.show(tab, &received.queue, &received.from, received.id, &text);
                }
                Output::Event(Event::Kicked { operation, .. }) => {
                    self.kicked(tab, operation as i32)
                }
                Output::Event(_) => {}
                Output::Violation(what) => self.violation(tab, &what),
            }
        }
    }

    /// Looks at a page of entries beside the SDK: within one session nothing comes twice, unless the
    /// client itself began again at the start.
    fn watch(&mut self, tab: usize, number: u64, frame: &Bytes) {
        let (queue, is_room, metas) = match seen(frame) {
            Seen::Page { queue, is_room, metas } => (queue, is_room, metas),
            Seen::Unread => return self.rooms.is_in(number, self.now),
            Seen::Other => return,
        };
        if is_room {
            self.hear(tab, number, &queue, &metas);
        }
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let pulls = connection.pulls.get(&queue).copied().unwrap_or_default();
        for id in metas.iter().map(stoa_wire::Meta::id) {
            let came = connection.came.entry(id).or_default();
            *came += 1;
            if *came > 1 + pulls {
                let came = *came;
                self.model
                    .fail(format!("tab {tab}: {id} of {queue} came {came} times in one session"));
                return;
            }
            let before =
                self.tabs[tab].shown.get(&id).copied().filter(|_| queue != PASSING && !is_room);
            if let Some(before) = before.filter(|before| *before != number && *came == 1) {
                self.counts.recognised += 1;
                let again = connection.again.entry(before).or_default();
                *again += 1;
                let again = *again;
                note!(self, "tab {tab}: {id} of {queue} again, {again} of connection {before}");
                if again > limits::REDELIVERED {
                    return self.model.fail(format!(
                        "tab {tab}: more of connection {before} came again than a page knows \
                         again, {id} of {queue}"
                    ));
                }
            }
        }
    }

    fn show(&mut self, tab: usize, queue: &str, from: &str, id: u64, text: &str) {
        let device = self.tabs[tab].device;
        let (app, user) = (self.devices[device].app, self.devices[device].user.clone());
        let Some(index) = self.model.shown(app, &user, queue, text, id) else { return };
        note!(self, "tab {tab}: shows #{index} ({id}) of {queue}");
        self.counts.shown += 1;
        let page = &mut self.tabs[tab];
        if page.shown.contains_key(&id) {
            self.counts.shown_again += 1;
            return;
        }
        page.shown.insert(id, page.connection.unwrap_or_default());
        if queue == PASSING {
            return;
        }
        let last = page.last.insert(queue.to_owned(), id);
        if last.is_some_and(|last| last >= id) {
            let last = last.unwrap_or_default();
            return self.model.fail(format!("tab {tab}: #{index} ({id}) of {queue} after {last}"));
        }
        let device = &mut self.devices[device];
        if device.view.show(queue, id) {
            self.counts.shown_again += 1;
        }
        if queue != "@log" {
            device.last_shown = Some((from.to_owned(), id));
        }
    }

    fn answered(&mut self, tab: usize, client_id: u64, code: i32, id: u64) {
        let Some((index, _)) = self.tabs[tab].unanswered.remove(&client_id) else { return };
        if code == 0 {
            note!(self, "tab {tab}: #{index} acknowledged as {id}");
            self.counts.acknowledged += 1;
            self.model.acknowledged(index, id);
            self.said_in_room(index);
        } else {
            note!(self, "tab {tab}: #{index} refused with {code}");
            self.counts.refused += 1;
            self.model.sent[index].refused += 1;
        }
    }

    fn kicked(&mut self, tab: usize, operation: i32) {
        note!(self, "tab {tab}: told to end ({operation})");
        let until = self.now + self.dice.between(1500, 8000);
        let over = self.devices[self.tabs[tab].device].gone || operation == 2;
        // Another page took the device over; for the rest the user logs in again by hand.
        self.tabs[tab].phase = if over { Phase::Over } else { Phase::Offline { until } };
        self.abandon(tab);
    }

    fn violation(&mut self, tab: usize, what: &str) {
        // Only what the SDK does not do itself: the same frame twice, answered twice.
        let doubled = &self.devices[self.tabs[tab].device].doubled;
        let of_double = what.strip_prefix("an error for ").is_some_and(|rest| {
            rest.split(',')
                .next()
                .and_then(|id| id.parse().ok())
                .is_some_and(|id: u64| doubled.contains(&id))
        });
        if !of_double {
            self.model.fail(format!("tab {tab}: {what}"));
        }
    }

    /// The page's next login is with a fresh token. What the SDK remembers stays.
    fn renew(&mut self, tab: usize) {
        let identity = self.identity(self.tabs[tab].device);
        self.tabs[tab].protocol.renew(identity.token);
    }

    /// The page drops its connection and comes back after a while.
    pub(crate) fn drop_connection(&mut self, tab: usize) {
        if let Some(number) = self.tabs[tab].connection {
            self.hang_up(number);
            self.lost(tab, number);
        }
    }

    /// The client closes; the server will hear of it if the network lets it.
    fn hang_up(&mut self, number: u64) {
        self.rooms.over(number, self.now);
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.closed = true;
            connection.there.clear();
            connection.inbox.clear();
        }
    }

    /// The page has no connection any more.
    fn lost(&mut self, tab: usize, number: u64) {
        if let Some(connection) = self.connections.get_mut(&number)
            && !connection.closed
        {
            connection.closed = true;
            connection.socket.lock().ended = true;
            connection.socket.lock().wake();
        }
        self.rooms.over(number, self.now);
        let page = &mut self.tabs[tab];
        if page.connection != Some(number) {
            return;
        }
        page.connection = None;
        if let Phase::Live | Phase::LoggingIn { .. } = page.phase {
            page.phase = Phase::Offline { until: self.now + self.dice.between(1000, 2000) };
        }
        self.abandon(tab);
    }

    /// What was not answered has failed for the app: it sends some of it again, later, under the
    /// same ids.
    fn abandon(&mut self, tab: usize) {
        self.tabs[tab].asked.clear();
        let unanswered = std::mem::take(&mut self.tabs[tab].unanswered);
        for (_, (index, _)) in unanswered {
            let again = self.dice.chance(600);
            note!(
                self,
                "tab {tab}: #{index} unknown{}",
                if again { ", to be sent again" } else { "" }
            );
            if again {
                self.devices[self.tabs[tab].device].outbox.push_back(index);
            }
        }
    }
}
