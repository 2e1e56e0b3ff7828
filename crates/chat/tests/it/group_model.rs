//! A group against a model: joins, leaves, role changes, mutes, blocks, messages and dismissal from
//! many clients at once.
//!
//! Operations come in bursts that are submitted together. The group's log tells in which order they
//! were taken, for each is done on a device of its own; in that order the model must allow what was
//! done, and come to the same state. What was refused must be refused by the model in one of the
//! states that the burst went through. In the end everybody has received, pushed and from pages, just
//! the messages that the model says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stoa_chat::entry::{Entry, Event};
use stoa_chat::{Draft, Error, NewGroup, PerUser};
use stoa_core::{Clock, GroupId, Refusal, Resource, Seq, Target, Timestamp, UserId};
use tokio::sync::oneshot;

use crate::world::{APP, Device, World, draft, queue};

/// The first owns the group.
const USERS: &[&str] = &["u0", "u1", "u2", "u3", "u4", "u5"];
const BURSTS: usize = 24;
const GROUPS: u32 = 256;

/// What somebody does; users by their place in [`USERS`].
#[derive(Debug, Clone)]
enum Op {
    Send { by: usize, only: BTreeSet<usize> },
    Join { by: usize },
    Leave { by: usize },
    Remove { by: usize, who: usize },
    Admin { by: usize, who: usize, on: bool },
    Mute { by: usize, who: usize, ms: Option<u64> },
    Unmute { by: usize, who: usize },
    MuteAll { by: usize, on: bool },
    Block { by: usize, who: usize },
    Unblock { by: usize, who: usize },
    Allow { by: usize, who: usize, on: bool },
    Shield { by: usize, on: bool },
    Dismiss { by: usize },
}

#[derive(Debug, Clone)]
enum Step {
    Burst(Vec<Op>),
    Wait(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let user = || 0..USERS.len();
    // Mostly by somebody who may.
    let by = || prop_oneof![3 => Just(0), 2 => Just(1), 2 => 0..USERS.len()];
    let only = prop_oneof![
        3 => Just(BTreeSet::new()),
        1 => proptest::collection::btree_set(0..USERS.len(), 1..3),
    ];
    let ms = prop_oneof![Just(None), (1..30_u64).prop_map(|n| Some(n * 100))];
    prop_oneof![
        10 => (user(), only).prop_map(|(by, only)| Op::Send { by, only }),
        6 => user().prop_map(|by| Op::Join { by }),
        2 => user().prop_map(|by| Op::Leave { by }),
        2 => (by(), user()).prop_map(|(by, who)| Op::Remove { by, who }),
        3 => (by(), user(), any::<bool>()).prop_map(|(by, who, on)| Op::Admin { by, who, on }),
        3 => (by(), user(), ms).prop_map(|(by, who, ms)| Op::Mute { by, who, ms }),
        1 => (by(), user()).prop_map(|(by, who)| Op::Unmute { by, who }),
        2 => (by(), any::<bool>()).prop_map(|(by, on)| Op::MuteAll { by, on }),
        1 => (by(), user()).prop_map(|(by, who)| Op::Block { by, who }),
        1 => (by(), user()).prop_map(|(by, who)| Op::Unblock { by, who }),
        2 => (by(), user(), any::<bool>()).prop_map(|(by, who, on)| Op::Allow { by, who, on }),
        1 => (user(), any::<bool>()).prop_map(|(by, on)| Op::Shield { by, on }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let burst = proptest::collection::vec(op(), 1..7).prop_map(Step::Burst);
    let wait = (1..20_u64).prop_map(|n| Step::Wait(n * 100));
    let steps = proptest::collection::vec(prop_oneof![5 => burst, 1 => wait], 1..BURSTS);
    // A third of the groups is dismissed at some time, among other things.
    (steps, proptest::option::weighted(0.3, (0..BURSTS, 0..2_usize))).prop_map(
        |(mut steps, end)| {
            if let Some((at, by)) = end {
                let at = at % steps.len();
                if let Some(Step::Burst(burst)) = steps.get_mut(at) {
                    burst.insert(burst.len() / 2, Op::Dismiss { by });
                }
            }
            let mut begin: Vec<_> = (1..4).map(|by| Op::Join { by }).collect();
            begin.push(Op::Admin { by: 0, who: 1, on: true });
            steps.insert(0, Step::Burst(begin));
            steps
        },
    )
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Member {
    owns: bool,
    admin: bool,
    muted_until: Option<u64>,
    allowed: bool,
    shielded: bool,
}

impl Member {
    const fn manages(&self) -> bool {
        self.owns || self.admin
    }
}

/// What a group is, in the simplest words.
#[derive(Debug, Clone, PartialEq, Default)]
struct Model {
    members: BTreeMap<usize, Member>,
    blocked: BTreeSet<usize>,
    all_muted: bool,
    gone: bool,
    /// The messages for each user's other devices, in order; its own among them.
    received: BTreeMap<usize, Vec<usize>>,
}

impl Model {
    fn new() -> Self {
        let owner = Member { owns: true, ..Member::default() };
        Self { members: BTreeMap::from([(0, owner)]), ..Self::default() }
    }

    fn manager(&self, by: usize) -> Result<&Member, Refusal> {
        let member = self.members.get(&by).ok_or(Refusal::NotInGroup)?;
        if member.manages() { Ok(member) } else { Err(Refusal::Forbidden) }
    }

    fn owner(&self, by: usize) -> Result<(), Refusal> {
        let member = self.members.get(&by).ok_or(Refusal::NotInGroup)?;
        if member.owns { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    /// Whether `by`, who manages, may do something to `who`, a member.
    fn over(&self, by: usize, who: usize) -> Result<(), Refusal> {
        let manager = self.manager(by)?;
        let other = self.members.get(&who).ok_or(Refusal::NotInGroup)?;
        match (manager.owns, other.owns, other.admin) {
            (_, true, _) => Err(Refusal::IsOwner),
            (false, _, true) => Err(Refusal::Forbidden),
            _ => Ok(()),
        }
    }

    fn member(&mut self, who: usize) -> Result<&mut Member, Refusal> {
        self.members.get_mut(&who).ok_or(Refusal::NotInGroup)
    }

    /// Does `op`, the operation of that number, at `now`.
    fn apply(&mut self, number: usize, op: &Op, now: u64) -> Result<(), Refusal> {
        if self.gone {
            return Err(Refusal::UnknownGroup);
        }
        match op {
            Op::Send { by, only } => {
                let all_muted = self.all_muted;
                let sender = self.member(*by)?;
                if !sender.owns {
                    if sender.muted_until.is_some_and(|until| until > now) {
                        return Err(Refusal::Muted);
                    }
                    if all_muted && !sender.manages() && !sender.allowed {
                        return Err(Refusal::NotAllowListed);
                    }
                }
                for (user, member) in &self.members {
                    let for_it = only.is_empty() || only.contains(user);
                    if user == by || for_it && !member.shielded {
                        self.received.entry(*user).or_default().push(number);
                    }
                }
            }
            Op::Join { by } => {
                if self.members.contains_key(by) {
                    return Err(Refusal::AlreadyInGroup);
                }
                if self.blocked.contains(by) {
                    return Err(Refusal::BlockedByGroup);
                }
                self.members.insert(*by, Member::default());
            }
            Op::Leave { by } => {
                if self.member(*by)?.owns {
                    return Err(Refusal::IsOwner);
                }
                self.members.remove(by);
            }
            Op::Remove { by, who } => {
                self.over(*by, *who)?;
                self.members.remove(who);
            }
            Op::Admin { by, who, on } => {
                self.owner(*by)?;
                let member = self.member(*who)?;
                if member.owns {
                    return Err(Refusal::IsOwner);
                }
                member.admin = *on;
            }
            Op::Mute { by, who, ms } => {
                self.over(*by, *who)?;
                self.member(*who)?.muted_until = Some(ms.map_or(u64::MAX, |ms| now + ms));
            }
            Op::Unmute { by, who } => {
                self.over(*by, *who)?;
                // One that is over is none.
                let muted = &mut self.member(*who)?.muted_until;
                *muted = muted.filter(|until| *until <= now);
            }
            Op::MuteAll { by, on } => {
                self.manager(*by)?;
                self.all_muted = *on;
            }
            Op::Block { by, who } => {
                self.manager(*by)?;
                if !self.blocked.contains(who) {
                    self.over(*by, *who)?;
                    self.members.remove(who);
                    self.blocked.insert(*who);
                }
            }
            Op::Unblock { by, who } => {
                self.manager(*by)?;
                self.blocked.remove(who);
            }
            Op::Allow { by, who, on } => {
                self.manager(*by)?;
                self.member(*who)?.allowed = *on;
            }
            Op::Shield { by, on } => {
                let member = self.member(*by)?;
                if member.owns && *on {
                    return Err(Refusal::IsOwner);
                }
                member.shielded = *on;
            }
            Op::Dismiss { by } => {
                self.owner(*by)?;
                self.gone = true;
                self.members.clear();
            }
        }
        Ok(())
    }

    /// Whether `op` comes to `outcome` here, without a change.
    fn explains(&self, number: usize, op: &Op, outcome: Result<(), Refusal>, now: u64) -> bool {
        let mut after = self.clone();
        after.apply(number, op, now) == outcome && after == *self
    }
}

/// The group, and everybody's devices: one that is online, and the places of one that is not.
struct Group {
    world: World,
    id: GroupId,
    online: Vec<Device>,
    away: Resource,
}

fn user(index: usize) -> UserId {
    USERS[index].parse().unwrap()
}

fn only(outcomes: Result<PerUser, Error>) -> Result<(), Error> {
    outcomes?.pop().unwrap().1
}

impl Group {
    async fn new() -> Self {
        let world = World::new();
        world.register(APP, USERS).await;
        let mut online = Vec::new();
        for name in USERS {
            online.push(world.log_in(APP, name, "online").await);
        }
        let new = NewGroup {
            owner: user(0),
            name: "model".into(),
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            public: true,
            approval: false,
            member_invites: false,
            invite_confirm: false,
            max_members: 200,
            members: Vec::new(),
        };
        let device = online[0].resource.clone();
        let id = world.chat.create_group(&online[0].caller, Some(&device), new).await.unwrap();
        Self { world, id, online, away: "away".parse().unwrap() }
    }

    /// Does `op`, the operation of that number, on a device of that number.
    async fn run(&self, number: usize, op: &Op) -> Result<(), Error> {
        let (chat, id) = (&self.world.chat, &self.id);
        let device: Resource = format!("d{number}").parse().unwrap();
        let caller = |by: &usize| &self.online[*by].caller;
        let on_device = Some(&device);
        let named = |who: &usize| vec![user(*who)];
        match op {
            Op::Send { by, only } => {
                let (done, outcome) = oneshot::channel();
                let done = Box::new(move |result| drop(done.send(result)));
                let draft = Draft {
                    to: Target::Group(id.clone()),
                    only_users: only.iter().map(|index| user(*index)).collect(),
                    ..draft("nobody", &number.to_string(), number as u64 + 1)
                };
                chat.send(caller(by), &device, draft, done).await;
                outcome.await.unwrap().map(drop)
            }
            Op::Join { by } => {
                chat.apply_to_group(caller(by), on_device, id, &user(*by), None).await.map(drop)
            }
            Op::Leave { by } => chat.leave_group(caller(by), on_device, id).await,
            Op::Remove { by, who } => {
                only(chat.remove_members(caller(by), on_device, id, named(who)).await)
            }
            Op::Admin { by, who, on: true } => {
                chat.add_group_admin(caller(by), on_device, id, &user(*who)).await
            }
            Op::Admin { by, who, on: false } => {
                chat.remove_group_admin(caller(by), on_device, id, &user(*who)).await
            }
            Op::Mute { by, who, ms } => {
                let lasts = ms.map(Duration::from_millis);
                let muted = chat.mute_in_group(caller(by), on_device, id, named(who), lasts);
                muted.await.map(drop)
            }
            Op::Unmute { by, who } => {
                chat.unmute_in_group(caller(by), on_device, id, named(who)).await.map(drop)
            }
            Op::MuteAll { by, on } => chat.mute_all_in_group(caller(by), on_device, id, *on).await,
            Op::Block { by, who } => {
                only(chat.block_in_group(caller(by), on_device, id, named(who)).await)
            }
            Op::Unblock { by, who } => {
                only(chat.unblock_in_group(caller(by), on_device, id, named(who)).await)
            }
            Op::Allow { by, who, on } => {
                only(chat.allow_in_group(caller(by), on_device, id, named(who), *on).await)
            }
            Op::Shield { by, on } => chat.shield_group(caller(by), on_device, id, *on).await,
            Op::Dismiss { by } => chat.dismiss_group(caller(by), on_device, id).await,
        }
    }

    fn now(&self) -> u64 {
        self.world.clock.now().as_millis()
    }

    /// Submits a burst, whose first operation has the number `first`, and lets the model follow.
    /// `pushed` collects the messages that were pushed to each user.
    async fn burst(
        &self,
        first: usize,
        ops: &[Op],
        model: &mut Model,
        pushed: &mut [Vec<usize>],
    ) -> Result<(), String> {
        let now = self.now();
        let running = ops.iter().enumerate().map(|(at, op)| self.run(first + at, op));
        let outcomes: Vec<Result<(), Refusal>> = join_all(running)
            .await
            .into_iter()
            .map(|outcome| outcome.map_err(|error| error.refusal()))
            .collect();
        // The owner is always a member, so its device sees every place that was taken.
        let mut order = Vec::new();
        for (index, device) in self.online.iter().enumerate() {
            for event in device.inbox.take() {
                let Event::Appended(delivery) = &*event else { continue };
                let entry = &delivery.entry;
                if index == 0 && entry.to.group().is_some() {
                    let at = taken_by(entry).filter(|at| !order.contains(at));
                    order.extend(at);
                }
                if entry.kind.is_message() && entry.concerns(&user(index), &device.resource) {
                    pushed[index].push(number(entry));
                }
            }
        }
        let mut states = vec![model.clone()];
        for at in &order {
            let op = &ops[at - first];
            if outcomes[at - first].is_err() {
                return Err(format!("{op:?} was refused and left something in the log"));
            }
            model
                .apply(*at, op, now)
                .map_err(|refusal| format!("{op:?}: the model {refusal:?}"))?;
            states.push(model.clone());
        }
        // What left nothing in the log was refused, or changed nothing there.
        for (at, op) in ops.iter().enumerate().filter(|(at, _)| !order.contains(&(first + at))) {
            let outcome = outcomes[at];
            if let (Op::Unblock { who, .. }, Ok(())) = (op, outcome) {
                // It is told to the user alone. The burst has nothing else, see `alone`.
                model.apply(first + at, op, now).map_err(|_| format!("{op:?}: refused"))?;
                if model.blocked.contains(who) {
                    return Err("still blocked".into());
                }
                continue;
            }
            let explained = states.iter().any(|state| state.explains(first + at, op, outcome, now));
            if !explained {
                return Err(format!("{op:?} came to {outcome:?}, in none of {states:#?}"));
            }
        }
        Ok(())
    }

    /// The messages that a device finds which was never online.
    async fn pages(&self, index: usize) -> Vec<usize> {
        let (mut found, mut after) = (Vec::new(), Seq::START);
        loop {
            let caller = &self.online[index].caller;
            let queue = queue(self.id.as_str());
            let page = self.world.chat.page(caller, &self.away, &queue, Some(after)).await.unwrap();
            let messages = page.entries.iter().filter(|(_, entry)| entry.kind.is_message());
            found.extend(messages.map(|(_, entry)| number(entry)));
            after = page.end;
            if !page.more {
                return found;
            }
        }
    }
}

/// The operation that an entry comes from.
fn taken_by(entry: &Entry) -> Option<usize> {
    entry.from_resource.as_str().strip_prefix('d')?.parse().ok()
}

/// The operation whose message it is.
fn number(entry: &Entry) -> usize {
    std::str::from_utf8(&entry.body).unwrap().parse().unwrap()
}

/// Operations whose place in the order nobody sees are done by themselves.
fn alone(ops: &[Op]) -> impl Iterator<Item = &[Op]> {
    ops.chunk_by(|a, b| {
        let unseen = |op: &Op| matches!(op, Op::Unblock { .. });
        !unseen(a) && !unseen(b)
    })
}

async fn follow(steps: &[Step], counts: &Counts) -> Result<(), String> {
    let group = Group::new().await;
    let mut model = Model::new();
    let mut pushed = vec![Vec::new(); USERS.len()];
    let mut next = 0;
    for device in &group.online {
        device.inbox.take();
    }
    for step in steps {
        match step {
            Step::Wait(ms) => group.world.clock.advance(Duration::from_millis(*ms)),
            Step::Burst(ops) => {
                for ops in alone(ops) {
                    group.burst(next, ops, &mut model, &mut pushed).await?;
                    next += ops.len();
                }
            }
        }
    }
    counts.operations.fetch_add(next, Ordering::Relaxed);
    for index in 0..USERS.len() {
        let expected = model.received.remove(&index).unwrap_or_default();
        counts.deliveries.fetch_add(expected.len(), Ordering::Relaxed);
        // Each operation is done on a device of its own, so the sender's other devices get it too.
        if pushed[index] != expected {
            return Err(format!(
                "{} was pushed {:?}, not {expected:?}",
                USERS[index], pushed[index]
            ));
        }
        let found = group.pages(index).await;
        if found != expected {
            return Err(format!("{} finds {found:?}, not {expected:?}", USERS[index]));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    operations: AtomicUsize,
    deliveries: AtomicUsize,
}

#[test]
fn a_group_is_what_the_model_says() {
    let counts = Counts::default();
    let config = Config { cases: GROUPS, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(follow(&steps, &counts)).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (operations, deliveries) = (counts.operations.into_inner(), counts.deliveries.into_inner());
    assert!(operations > 5_000 && deliveries > 2_000, "{operations}, {deliveries}");
    println!(
        "{operations} operations in {GROUPS} groups, {deliveries} deliveries, each pushed and paged"
    );
}

#[test]
fn a_mute_ends_to_the_millisecond() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let group = Group::new().await;
        let run = |number, op| {
            let group = &group;
            async move { group.run(number, &op).await.map_err(|error| error.refusal()) }
        };
        let send = || Op::Send { by: 1, only: BTreeSet::new() };
        run(0, Op::Join { by: 1 }).await.unwrap();
        run(1, Op::Mute { by: 0, who: 1, ms: Some(1_000) }).await.unwrap();
        let start: Timestamp = group.world.clock.now();
        for (ms, outcome) in [(0, Err(Refusal::Muted)), (999, Err(Refusal::Muted)), (1_000, Ok(()))]
        {
            group.world.clock.set(start.plus(Duration::from_millis(ms)));
            assert_eq!(run(100 + usize::try_from(ms).unwrap(), send()).await, outcome, "{ms}");
        }
    });
}
