//! Random acts, erasures and restarts: the chain is whole, and what is read is what was written.

use proptest::prelude::*;
use stoa_audit::{Act, Actor, Entry, Name, export};

use crate::world::{World, user};

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

#[derive(Debug, Clone)]
enum Step {
    /// By nobody in particular.
    Record(usize),
    /// By one user to another.
    Between(usize, usize),
    Note(usize),
    Register(usize),
    Erase(usize),
    Restart,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let act = 0..Act::ALL.len();
    let user = || 0..USERS.len();
    prop_oneof![
        4 => act.clone().prop_map(Step::Record),
        4 => (user(), user()).prop_map(|(a, b)| Step::Between(a, b)),
        2 => act.prop_map(Step::Note),
        3 => user().prop_map(Step::Register),
        2 => user().prop_map(Step::Erase),
        1 => Just(Step::Restart),
        1 => (0..40 * 86_400_u64).prop_map(Step::Wait),
    ]
}

/// What is expected of a name: under which life of the account it was written.
type Written = (usize, Option<u32>);

struct Model {
    /// The number of the life of each user's key; none while it has none.
    lives: [Option<u32>; 4],
    begun: u32,
    /// Who did what to whom.
    entries: Vec<(Act, Option<(Written, Written)>)>,
}

impl Model {
    fn name(&self, (user, life): Written) -> Name {
        match life {
            None => Name::NotKept,
            Some(_) if self.lives[user] == life => Name::Name(USERS[user].into()),
            Some(_) => Name::Erased,
        }
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut world = World::new();
    let mut model = Model { lives: [None; 4], begun: 0, entries: Vec::new() };
    for step in steps {
        match step {
            Step::Record(act) => {
                let act = Act::ALL[act];
                world.record(Entry::new(Actor::System, act)).await;
                model.entries.push((act, None));
            }
            Step::Note(act) => {
                let act = Act::ALL[act];
                world.log.note(&world.app, Entry::new(Actor::System, act));
                world.log.settle().await;
                model.entries.push((act, None));
            }
            Step::Between(a, b) => {
                let actor = Actor::User(user(USERS[a]));
                world.record(Entry::new(actor, Act::UserRevoked).on(user(USERS[b]))).await;
                let written = ((a, model.lives[a]), (b, model.lives[b]));
                model.entries.push((Act::UserRevoked, Some(written)));
            }
            Step::Register(n) => {
                world.register(USERS[n]).await;
                if model.lives[n].is_none() {
                    model.begun += 1;
                    model.lives[n] = Some(model.begun);
                }
            }
            Step::Erase(n) => {
                world.erase(USERS[n]).await;
                model.lives[n] = None;
            }
            Step::Restart => world = world.restarted().await,
            Step::Wait(seconds) => world.advance(seconds),
        }
    }
    let whole = world.verify().await.expect("the chain is whole");
    prop_assert_eq!((whole.first, whole.last), (1, model.entries.len() as u64));
    let entries = world.entries().await;
    prop_assert_eq!(entries.len(), model.entries.len());
    for (entry, (act, written)) in entries.iter().zip(&model.entries) {
        prop_assert_eq!(&entry.act, act.name());
        let named = written.map(|(a, b)| (model.name(a), model.name(b)));
        prop_assert_eq!(entry.actor_name.clone().zip(entry.subject.clone()), named);
    }
    let exported = world.export().await;
    prop_assert_eq!(export::verify(exported.join("\n").as_bytes()).unwrap(), (1, whole));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_log_is_what_was_done(steps in prop::collection::vec(step(), 0..80)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps))?;
    }
}
