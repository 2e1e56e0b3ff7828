//! What clients and back ends do.

use bytes::Bytes;
use stoa_chat::Draft;
use stoa_chat::entry::Kind;
use stoa_core::{AppKey, Target};
use stoa_wire::Message;
use tokio::sync::oneshot;

use crate::client::{ANSWER_MS, BEAT_MS, Phase, SILENCE_MS, body, envelope};
use crate::model::{Sent, What, text};
use crate::server::key;
use crate::world::{Outcome, Refused, World, note};

/// A text larger than a message may be.
const TOO_LARGE: usize = 6 * 1024;
/// A name that nobody has.
const NOBODY: &str = "nobody";

/// One act of a client.
#[derive(Clone, Copy)]
enum Act {
    Text,
    Burst,
    Receipt,
    Passing,
    ToNobody,
    TooLarge,
    BackEnd,
    Leave,
    Beat,
}

impl World {
    /// Lets pages do what is due, and now and then something new.
    pub(crate) fn clients_act(&mut self) {
        for tab in 0..self.tabs.len() {
            self.keep_up(tab);
            let mean = self.plan.act_every_ms.max(1);
            // About one act in the mean time, whatever the length of a turn: some 8 ms.
            if !self.peace && self.dice.below(mean) < 8 {
                self.act(tab);
            }
            if self.rooms.are_there() && !self.peace {
                let mean = self.rooms.act_every_ms;
                if self.rooms.dice.below(mean) < 8 {
                    self.act_in_room(tab);
                }
            }
        }
    }

    /// What the SDK and the browser do by themselves.
    fn keep_up(&mut self, tab: usize) {
        let now = self.now;
        let page = &self.tabs[tab];
        match (page.phase, page.connection) {
            (Phase::Over, _) => {}
            (Phase::Offline { until }, _) => {
                let away = self.devices[page.device].away_until > now;
                if !away && (now >= until || (self.peace && until > now + 2000)) {
                    self.connect(tab);
                }
            }
            (Phase::LoggingIn { until }, _) => {
                if now >= until {
                    note!(self, "tab {tab}: login not answered");
                    self.drop_connection(tab);
                }
            }
            (Phase::Live, Some(number)) => {
                let late = page.unanswered.values().any(|(_, until)| now >= *until)
                    || page.asked.values().any(|(_, until)| now >= *until);
                if late {
                    note!(self, "tab {tab}: no answer, reconnects");
                    return self.drop_connection(tab);
                }
                if now >= page.heard + SILENCE_MS {
                    note!(self, "tab {tab}: silence, reconnects");
                    return self.drop_connection(tab);
                }
                if now >= page.heard + BEAT_MS && now >= page.beaten + BEAT_MS {
                    self.tabs[tab].beaten = now;
                    self.heartbeat(number);
                }
                self.empty_outbox(tab);
            }
            (Phase::Live, None) => {
                self.tabs[tab].phase = Phase::Offline { until: now };
            }
        }
    }

    /// Sends what was composed offline or had no answer.
    fn empty_outbox(&mut self, tab: usize) {
        let device = self.tabs[tab].device;
        while let Some(index) = self.devices[device].outbox.pop_front() {
            let again = self.model.sent[index].attempts > 0;
            self.counts.resent += u64::from(again);
            note!(self, "tab {tab}: sends #{index}{}", if again { " again" } else { "" });
            self.transmit(tab, index);
        }
    }

    fn act(&mut self, tab: usize) {
        let device = self.tabs[tab].device;
        if self.tabs[tab].phase == Phase::Over || self.devices[device].gone {
            return;
        }
        let bursts = self.plan.bursts;
        let act = self.dice.weighted(&[
            (800, Act::Text),
            (bursts, Act::Burst),
            (80, Act::Receipt),
            (20, Act::Passing),
            (10, Act::ToNobody),
            (5, Act::TooLarge),
            (60, Act::BackEnd),
            (10, Act::Leave),
            (10, Act::Beat),
        ]);
        self.counts.operations += 1;
        let peer = crate::world::user_name(self.dice.index(self.plan.users));
        match act {
            Act::Text => self.compose(device, What::Text, &peer),
            Act::Burst => {
                let many = self.dice.between(5, 120);
                self.counts.operations += many - 1;
                for _ in 0..many {
                    self.compose(device, What::Text, &peer);
                }
            }
            Act::Receipt => {
                let about = self.devices[device].last_shown.clone();
                if let Some((from, _)) =
                    about.filter(|(from, _)| *from != self.devices[device].user)
                {
                    self.compose(device, What::Receipt, &from);
                }
            }
            Act::Passing => self.compose(device, What::Passing, &peer),
            Act::ToNobody => self.compose(device, What::Wrong, NOBODY),
            Act::TooLarge => self.compose(device, What::Wrong, &peer),
            Act::BackEnd => self.send_by_back_end(device, &peer),
            Act::Leave => {
                note!(self, "tab {tab}: leaves for a while");
                self.drop_connection(tab);
                let away = self.dice.between(500, 20_000);
                self.tabs[tab].phase = Phase::Offline { until: self.now + away };
            }
            Act::Beat => {
                if let (Phase::Live, Some(number)) =
                    (self.tabs[tab].phase, self.tabs[tab].connection)
                {
                    self.heartbeat(number);
                }
            }
        }
    }

    /// Composes something; it is sent when the device has a session.
    pub(crate) fn compose(&mut self, device: usize, what: What, to: &str) {
        let clock = self.client_clock();
        let from = &mut self.devices[device];
        // As the SDK makes them: the time, counted on.
        let client_id = (from.last_client_id + 1).max(clock);
        from.last_client_id = client_id;
        from.outbox.push_back(self.model.sent.len());
        self.model.sent.push(Sent {
            what,
            app: from.app,
            from: from.user.clone(),
            to: to.to_owned(),
            client_id,
            first_ms: self.now,
            attempts: 0,
            refused: 0,
            acknowledged: std::collections::BTreeSet::new(),
        });
    }

    /// The frame's parts for the thing `index`.
    fn body_of(&self, index: usize, about: u64) -> stoa_wire::MessageBody {
        let sent = &self.model.sent[index];
        let mut text = text(index);
        if sent.what == What::Wrong && sent.to != NOBODY {
            text.push(' ');
            text.push_str(&"x".repeat(TOO_LARGE));
        }
        body(sent.what, &sent.from, &sent.to, text, about)
    }

    fn transmit(&mut self, tab: usize, index: usize) {
        let Some(number) = self.tabs[tab].connection else { return };
        let device = self.tabs[tab].device;
        let about = self.devices[device].last_shown.as_ref().map_or(1, |(_, id)| *id);
        let body = self.body_of(index, about);
        let sent = &mut self.model.sent[index];
        sent.attempts += 1;
        let client_id = sent.client_id;
        let meta = envelope(&key(sent.app), sent.what, &sent.to, client_id, &body);
        // Now and then the same frame twice in a row.
        let twice = match sent.what {
            What::Text => self.dice.chance(15),
            What::Room => self.rooms.dice.chance(15),
            _ => false,
        };
        let until = self.now + ANSWER_MS;
        let frame = self.tabs[tab].protocol.send(meta);
        self.tabs[tab].unanswered.insert(client_id, (index, until));
        self.send_up(number, &frame);
        if twice {
            // Only the first answer is heard.
            self.devices[device].doubled.insert(client_id);
            self.model.sent[index].attempts += 1;
            self.send_up(number, &frame);
        }
    }

    /// A back end sends in the name of a user, through the function that REST calls.
    fn send_by_back_end(&mut self, device: usize, to: &str) {
        let Some(server) = &self.server else { return };
        self.back_end_ids += 1;
        let (app, user) = (self.devices[device].app, self.devices[device].user.clone());
        let resource = format!("rest-{}", self.back_end_ids);
        let index = self.model.sent.len();
        self.model.sent.push(Sent {
            what: What::Text,
            app,
            from: user.clone(),
            to: to.to_owned(),
            client_id: self.back_end_ids,
            first_ms: self.now,
            attempts: 1,
            refused: 0,
            acknowledged: std::collections::BTreeSet::new(),
        });
        let draft = Draft {
            to: Target::User(to.parse().expect("a name of the usual form")),
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            body: self.body_of(index, 0).encode_to_vec().into(),
            ext: Bytes::new(),
            content_bytes: 10,
            client_id: self.back_end_ids,
            online_only: false,
            receipts: false,
            priority: stoa_chat::entry::Priority::Normal,
        };
        let token = self.token(app, Some(&user));
        let chat = server.chat.clone();
        let resource = resource.parse().expect("a name of the usual form");
        let app_key: AppKey = key(app).parse().expect("a key of the usual form");
        note!(self, "back end: sends #{index} from {user} to {to}");
        server.call(&self.outcomes, async move {
            let caller = match chat.authenticate(&app_key, &token).await {
                Ok(caller) => caller,
                Err(_) => return Outcome::Sent(index, Err(Refused::Refused)),
            };
            let (done, outcome) = oneshot::channel();
            let done = Box::new(move |result| drop(done.send(result)));
            chat.send(&caller, &resource, draft, done).await;
            Outcome::Sent(
                index,
                match outcome.await {
                    Ok(Ok(appended)) => Ok(appended.id.0),
                    Ok(Err(error)) if !error.outcome_is_unknown() => Err(Refused::Refused),
                    _ => Err(Refused::Unknown),
                },
            )
        });
    }

    /// Takes what back ends were told.
    pub(crate) fn take_outcomes(&mut self) {
        self.take_class_answers();
        let outcomes = std::mem::take(&mut *self.outcomes.lock());
        for outcome in outcomes {
            match outcome {
                Outcome::Sent(index, Ok(id)) => {
                    note!(self, "back end: #{index} acknowledged as {id}");
                    self.counts.acknowledged += 1;
                    self.model.acknowledged(index, id);
                }
                Outcome::Sent(index, Err(Refused::Refused)) => {
                    note!(self, "back end: #{index} refused");
                    self.counts.refused += 1;
                    self.model.sent[index].refused += 1;
                }
                Outcome::Sent(index, Err(Refused::Unknown)) => {
                    note!(self, "back end: #{index} unknown");
                }
                Outcome::Room(outcome) => self.take_room_outcome(outcome),
                Outcome::Deleted(app, user, since, well) => {
                    note!(self, "back end: delete: {well}");
                    if well {
                        self.rooms.user_deleted(app, &user, Some(since), self.now);
                    }
                }
                Outcome::Did(what, well) => note!(self, "back end: {what}: {well}"),
            }
        }
    }
}
