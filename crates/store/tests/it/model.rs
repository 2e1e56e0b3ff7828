//! Random transactions against a plain map: whatever the interleaving, those that commit have the
//! effect, and saw what they would have seen, one after the other in the order of their commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stoa_store::engine::{CommitError, Direction, Engine, EngineTxn, Span};

use crate::engines;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Get(u8),
    Scan { from: u8, to: u8, backward: bool, limit: usize },
    Put(u8, u8),
    Delete(u8),
}

/// What a transaction saw.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Value(Option<Vec<u8>>),
    Rows(Vec<(Vec<u8>, Vec<u8>)>),
    Nothing,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..8_u8;
    prop_oneof![
        2 => key.clone().prop_map(Step::Get),
        2 => (key.clone(), key.clone(), any::<bool>(), 0..6_usize)
            .prop_map(|(from, to, backward, limit)| Step::Scan { from, to, backward, limit }),
        3 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        1 => key.prop_map(Step::Delete),
    ]
}

/// Transactions, and in which order they take their steps.
fn schedule() -> impl Strategy<Value = (Vec<Vec<Step>>, Vec<usize>)> {
    let transactions = prop::collection::vec(prop::collection::vec(step(), 1..6), 1..7);
    (transactions, prop::collection::vec(any::<usize>(), 60))
}

/// Every case has its keys under a prefix of its own, so that cases share one engine.
fn at(case: u32, key: u8) -> Vec<u8> {
    [&case.to_be_bytes()[..], &[key]].concat()
}

fn span(case: u32, from: u8, to: u8) -> Span {
    Span::new(at(case, from), at(case, to))
}

fn on_model(model: &mut Model, case: u32, step: &Step) -> Seen {
    match *step {
        Step::Get(key) => Seen::Value(model.get(&at(case, key)).cloned()),
        Step::Scan { from, to, backward, limit } => {
            let inside = |key: &Vec<u8>| span(case, from, to).contains(key);
            let mut rows: Vec<_> = model
                .iter()
                .filter(|(k, _)| inside(k))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            if backward {
                rows.reverse();
            }
            rows.truncate(limit);
            Seen::Rows(rows)
        }
        Step::Put(key, value) => {
            model.insert(at(case, key), vec![value]);
            Seen::Nothing
        }
        Step::Delete(key) => {
            model.remove(&at(case, key));
            Seen::Nothing
        }
    }
}

async fn on_engine(txn: &mut dyn EngineTxn, case: u32, step: &Step) -> Seen {
    match *step {
        Step::Get(key) => {
            Seen::Value(txn.get(&at(case, key)).await.unwrap().map(|value| value.to_vec()))
        }
        Step::Scan { from, to, backward, limit } => {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let rows = txn.scan(&span(case, from, to), direction, limit).await.unwrap();
            Seen::Rows(rows.into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect())
        }
        Step::Put(key, value) => {
            txn.put(at(case, key), vec![value]);
            Seen::Nothing
        }
        Step::Delete(key) => {
            txn.delete(at(case, key));
            Seen::Nothing
        }
    }
}

struct Running {
    txn: Box<dyn EngineTxn>,
    steps: Vec<Step>,
    seen: Vec<Seen>,
}

/// Runs the transactions interleaved as `order` says and returns how many conflicted.
async fn run(
    engine: &Arc<dyn Engine>,
    case: u32,
    transactions: Vec<Vec<Step>>,
    order: &[usize],
) -> usize {
    let mut model = Model::new();
    let mut running = Vec::new();
    let mut waiting = transactions;
    let mut conflicts = 0;
    let mut order = order.iter().copied().cycle();
    while !running.is_empty() || !waiting.is_empty() {
        let choice = order.next().unwrap_or(0) % (running.len() + usize::from(!waiting.is_empty()));
        if choice == running.len() {
            let steps = waiting.pop().unwrap();
            running.push(Running { txn: engine.begin().await.unwrap(), steps, seen: Vec::new() });
            continue;
        }
        let one: &mut Running = &mut running[choice];
        if let Some(step) = one.steps.get(one.seen.len()) {
            one.seen.push(on_engine(&mut *one.txn, case, step).await);
            continue;
        }
        let Running { txn, steps, seen } = running.swap_remove(choice);
        let writes = steps.iter().any(|step| matches!(step, Step::Put(..) | Step::Delete(_)));
        match txn.commit().await {
            // One that only reads stands where it began, which the view tests check.
            Ok(()) if !writes => {}
            Ok(()) => {
                let expected: Vec<_> =
                    steps.iter().map(|step| on_model(&mut model, case, step)).collect();
                assert_eq!(seen, expected, "a committed transaction saw something else");
            }
            Err(CommitError::Conflict { .. }) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
        let view = engine.snapshot().await.unwrap();
        let rows = view.scan(&span(case, 0, 255), Direction::Forward, 99).await.unwrap();
        let rows: Model = rows.into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
        assert_eq!(rows, model, "the engine holds what was committed");
    }
    conflicts
}

fn check(fixture: &engines::Fixture, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let case = std::cell::Cell::new(0);
    let conflicts = std::cell::Cell::new(0);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((transactions, order) in schedule())| {
        case.set(case.get() + 1);
        let run = run(&fixture.engine, case.get(), transactions, &order);
        conflicts.set(conflicts.get() + runtime.block_on(run));
    });
    assert!(conflicts.get() > 0, "the cases are too tame to mean anything");
}

#[test]
fn memory_is_serializable() {
    check(&engines::memory(), 1000);
}

#[test]
fn embedded_is_serializable() {
    check(&engines::embedded(), 60);
}
