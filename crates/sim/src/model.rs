//! What must be true, kept beside the server: everything that was sent, what its sender was told, and
//! what each device was shown.
//!
//! Every message carries a text that names its place in [`Model::sent`], so that whatever turns up
//! anywhere can be judged: whose it is, whether it was refused, whether it came before.

use std::collections::{BTreeMap, BTreeSet};

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A message to a user.
    Text,
    /// A receipt for something received: to the other side's own log, and to that of the sender.
    Receipt,
    /// A message that is not kept: for who is online.
    Passing,
    /// A message in a room.
    Room,
    /// Something that has to be refused.
    Wrong,
}

/// One thing that was sent, once or several times under the same client id.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) what: What,
    pub(crate) app: usize,
    /// The sender's name.
    pub(crate) from: String,
    /// The recipient's name, or the room's id.
    pub(crate) to: String,
    pub(crate) client_id: u64,
    /// When it was first sent, in milliseconds of the run.
    pub(crate) first_ms: u64,
    /// How often it was sent, and how often that was refused.
    pub(crate) attempts: u32,
    pub(crate) refused: u32,
    /// The id that it was acknowledged with.
    pub(crate) acknowledged: BTreeSet<u64>,
}

impl Sent {
    /// Whether every attempt was refused, so that nobody may ever see it.
    pub(crate) fn must_not_exist(&self) -> bool {
        self.attempts > 0 && self.refused == self.attempts
    }
}

/// An entry of a log as the audit found it.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) seq: u64,
    pub(crate) id: u64,
    pub(crate) at_ms: u64,
    pub(crate) from: String,
    pub(crate) resource: String,
    /// Which thing that was sent it is.
    pub(crate) sent: Option<usize>,
}

/// What one device was shown in its queues, over all SDK instances that it had.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// By queue, the ids in the order in which they were first shown.
    pub(crate) queues: BTreeMap<String, Vec<u64>>,
    seen: BTreeSet<u64>,
    /// Since when the server knows the device, in milliseconds of the run.
    pub(crate) since_ms: Option<u64>,
}

/// All that was sent, and what was found wrong.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) sent: Vec<Sent>,
    pub(crate) wrong: Vec<String>,
    /// What the server's clock showed before and after it was set: when in the run, and what.
    pub(crate) clock: Vec<(u64, u64)>,
}

/// The text that names the thing `index`.
pub(crate) fn text(index: usize) -> String {
    format!("#{index}")
}

/// The thing that a text names.
pub(crate) fn index(text: &str) -> Option<usize> {
    text.strip_prefix('#')?.split(' ').next()?.parse().ok()
}

impl Model {
    pub(crate) fn fail(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// The server acknowledged the thing `index` with `id`.
    pub(crate) fn acknowledged(&mut self, index: usize, id: u64) {
        let sent = &mut self.sent[index];
        sent.acknowledged.insert(id);
        if sent.what == What::Wrong {
            self.fail(format!("#{index} should have been refused and was acknowledged with {id}"));
        }
    }

    /// Judges what a device of `user` was shown in `queue`; answers which thing it is.
    pub(crate) fn shown(
        &mut self,
        app: usize,
        user: &str,
        queue: &str,
        shown: &str,
        id: u64,
    ) -> Option<usize> {
        let Some(index) = index(shown).filter(|index| *index < self.sent.len()) else {
            self.fail(format!("{user} was shown something that nobody sent: {shown:?}"));
            return None;
        };
        let sent = &self.sent[index];
        let mine = sent.from == user || sent.to == user;
        let peer = if sent.from == user { &sent.to } else { &sent.from };
        let its_queue = match sent.what {
            What::Text => peer.as_str(),
            What::Receipt => "@log",
            What::Passing => "@passing",
            // Rooms are judged elsewhere.
            What::Room | What::Wrong => "",
        };
        let problem = if sent.app != app {
            "it belongs to another app"
        } else if !mine {
            "it is between others"
        } else if sent.what == What::Wrong {
            "it had to be refused"
        } else if sent.must_not_exist() {
            "every attempt to send it was refused"
        } else if queue != its_queue {
            "it is in the wrong queue"
        } else {
            return Some(index);
        };
        self.fail(format!("{user} of app {app} was shown #{index} ({id}) in {queue}: {problem}"));
        None
    }

    /// Judges a whole log: dense, in order, nothing twice, nothing refused, and everything that was
    /// acknowledged. `window_ms` is for how long a client id names one thing.
    pub(crate) fn judge_log(&mut self, name: &str, log: &[Logged], window_ms: u64) {
        let mut before: Option<&Logged> = None;
        let mut found: BTreeMap<usize, Vec<&Logged>> = BTreeMap::new();
        for (entry, expected) in log.iter().zip(1..) {
            if entry.seq != expected {
                return self.fail(format!("{name}: {} where {expected} belongs", entry.seq));
            }
            if before.is_some_and(|before| before.id >= entry.id) {
                self.fail(format!("{name}: ids fall at {}", entry.seq));
            }
            before = Some(entry);
            match entry.sent.filter(|index| *index < self.sent.len()) {
                Some(index) => found.entry(index).or_default().push(entry),
                None => self.fail(format!("{name}: {} was never sent", entry.seq)),
            }
        }
        let mut wrong = Vec::new();
        for (index, entries) in &found {
            let sent = &self.sent[*index];
            if sent.must_not_exist() || sent.what == What::Wrong {
                wrong.push(format!("{name}: #{index} was refused and is there"));
            } else if sent.what == What::Passing {
                wrong.push(format!("{name}: #{index} was not to be kept and is there"));
            }
            for pair in entries.windows(2) {
                // The window goes by the server's clock, whoever set it.
                let over = pair[0].at_ms.saturating_add(window_ms);
                let passed = |(ms, clock): &(u64, u64)| *ms >= sent.first_ms && *clock >= over;
                if pair[1].at_ms < over && !self.clock.iter().any(passed) {
                    wrong.push(format!(
                        "{name}: #{index} is there twice, at {} and {} ({} and {})",
                        pair[0].seq, pair[1].seq, pair[0].id, pair[1].id
                    ));
                }
            }
        }
        self.wrong.append(&mut wrong);
    }

    /// Judges that the log `name` of these two users of `app` holds what was acknowledged.
    pub(crate) fn judge_kept(
        &mut self,
        name: &str,
        log: &[Logged],
        belongs: impl Fn(&Sent) -> bool,
        same_ids: bool,
    ) {
        let held: BTreeMap<usize, BTreeSet<u64>> =
            log.iter().fold(BTreeMap::new(), |mut held: BTreeMap<usize, BTreeSet<u64>>, entry| {
                if let Some(index) = entry.sent {
                    held.entry(index).or_default().insert(entry.id);
                }
                held
            });
        let mut wrong = Vec::new();
        for (index, sent) in self.sent.iter().enumerate().filter(|(_, sent)| belongs(sent)) {
            match held.get(&index) {
                None if !sent.acknowledged.is_empty() => {
                    wrong.push(format!("{name}: #{index} was acknowledged and is lost"));
                }
                Some(ids) if same_ids && !sent.acknowledged.is_subset(ids) => {
                    wrong.push(format!("{name}: #{index} was acknowledged under another id"));
                }
                _ => {}
            }
        }
        self.wrong.append(&mut wrong);
    }

    /// What is missing or wrong in what a device was shown of a log: it must have been shown all that
    /// concerns it, in the log's order, from what was sent since the server knew it.
    pub(crate) fn judge_view(
        &self,
        device: (&str, &str),
        view: &View,
        queue: &str,
        log: &[Logged],
    ) -> Vec<String> {
        let (user, resource) = device;
        let shown = view.queues.get(queue).map_or(&[][..], Vec::as_slice);
        let concerns = |entry: &&Logged| !(entry.from == user && entry.resource == resource);
        let order: Vec<u64> = log.iter().filter(concerns).map(|entry| entry.id).collect();
        let mut wrong = Vec::new();
        let mut rest = order.iter();
        for id in shown {
            if !rest.any(|of_log| of_log == id) {
                let why =
                    if order.contains(id) { "out of order" } else { "that is not in the log" };
                wrong.push(format!("{user}/{resource} was shown {id} of {queue} {why}"));
            }
        }
        let Some(since) = view.since_ms else { return wrong };
        let due =
            |entry: &&Logged| entry.sent.is_some_and(|index| self.sent[index].first_ms > since);
        for entry in log.iter().filter(concerns).filter(due) {
            if !view.seen.contains(&entry.id) {
                let (seq, id) = (entry.seq, entry.id);
                wrong.push(format!("{user}/{resource} was never shown {seq} ({id}) of {queue}"));
            }
        }
        wrong
    }
}

impl View {
    /// Notes what was shown; answers whether the device had been shown it before.
    pub(crate) fn show(&mut self, queue: &str, id: u64) -> bool {
        let again = !self.seen.insert(id);
        if !again {
            self.queues.entry(queue.to_owned()).or_default().push(id);
        }
        again
    }
}
