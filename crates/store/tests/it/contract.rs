//! What every engine promises, one test for each promise, run on each engine.

use std::sync::Arc;

use stoa_store::engine::{CommitError, Direction, Engine, EngineError, EngineTxn, Span};

/// Runs each test on each engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        on_every_engine!(memory: $($test),*);
        on_every_engine!(embedded: $($test),*);
    };
    ($engine:ident: $($test:ident),*) => {
        mod $engine {
            $(
                #[tokio::test]
                async fn $test() {
                    let fixture = crate::engines::$engine();
                    super::$test(fixture.engine.clone()).await;
                }
            )*
        }
    };
}

on_every_engine!(
    an_empty_engine_holds_nothing,
    a_transaction_sees_its_own_writes,
    scans_are_in_order_and_limited,
    what_is_committed_is_seen_by_all_who_begin_later,
    a_view_does_not_move,
    a_transaction_that_is_dropped_leaves_nothing,
    a_lost_update_is_refused,
    a_refused_transaction_leaves_nothing,
    write_skew_is_refused,
    a_phantom_is_refused,
    a_deleted_row_of_a_scan_is_a_conflict,
    writers_that_read_nothing_never_conflict,
    writers_of_other_keys_do_not_conflict,
    sixty_four_writers_of_one_key_all_make_progress,
    after_closing_nothing_begins,
    closing_twice_is_harmless,
    keys_and_values_may_be_any_bytes,
);

type Shared = Arc<dyn Engine>;

async fn begin(engine: &Shared) -> Box<dyn EngineTxn> {
    engine.begin().await.unwrap()
}

async fn write(engine: &Shared, pairs: &[(&str, &str)]) {
    let mut txn = begin(engine).await;
    for (key, value) in pairs {
        txn.put(key.as_bytes().to_vec(), value.as_bytes().to_vec());
    }
    txn.commit().await.unwrap();
}

async fn read(engine: &Shared, key: &str) -> Option<String> {
    let view = engine.snapshot().await.unwrap();
    view.get(key.as_bytes()).await.unwrap().map(|value| text(&value))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn rows(txn: &mut dyn EngineTxn, span: Span, direction: Direction, limit: usize) -> String {
    let rows = txn.scan(&span, direction, limit).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|(k, v)| format!("{}={}", text(k), text(v))).collect();
    rows.join(" ")
}

async fn an_empty_engine_holds_nothing(engine: Shared) {
    assert_eq!(read(&engine, "a").await, None);
    let view = engine.snapshot().await.unwrap();
    assert!(view.scan(&Span::all(), Direction::Forward, 10).await.unwrap().is_empty());
    assert_eq!(begin(&engine).await.get(b"a").await.unwrap(), None);
    engine.health().unwrap();
}

async fn a_transaction_sees_its_own_writes(engine: Shared) {
    write(&engine, &[("a", "1"), ("c", "1"), ("e", "1")]).await;
    let mut txn = begin(&engine).await;
    txn.put(b"b".to_vec(), b"2".to_vec());
    txn.put(b"c".to_vec(), b"2".to_vec());
    txn.put(b"f".to_vec(), b"2".to_vec());
    txn.delete(b"a".to_vec());
    txn.delete(b"z".to_vec());
    assert_eq!(txn.get(b"a").await.unwrap(), None);
    assert_eq!(txn.get(b"c").await.unwrap().as_deref(), Some(&b"2"[..]));
    let (all, forward, backward) = (Span::all(), Direction::Forward, Direction::Backward);
    assert_eq!(rows(&mut *txn, all.clone(), forward, 9).await, "b=2 c=2 e=1 f=2");
    assert_eq!(rows(&mut *txn, all.clone(), backward, 9).await, "f=2 e=1 c=2 b=2");
    assert_eq!(rows(&mut *txn, all.clone(), forward, 2).await, "b=2 c=2");
    assert_eq!(rows(&mut *txn, all, backward, 3).await, "f=2 e=1 c=2");
    assert_eq!(read(&engine, "b").await, None, "nobody else sees them before the commit");
    txn.commit().await.unwrap();
    assert_eq!(read(&engine, "b").await.as_deref(), Some("2"));
    assert_eq!(read(&engine, "a").await, None);
}

async fn scans_are_in_order_and_limited(engine: Shared) {
    write(&engine, &[("b", "2"), ("a", "1"), ("ba", "3"), ("c", "4")]).await;
    let view = engine.snapshot().await.unwrap();
    let keys = async |span: Span, direction, limit| {
        let rows = view.scan(&span, direction, limit).await.unwrap();
        rows.iter().map(|(key, _)| text(key)).collect::<Vec<_>>().join(" ")
    };
    let (forward, backward) = (Direction::Forward, Direction::Backward);
    assert_eq!(keys(Span::all(), forward, 10).await, "a b ba c");
    assert_eq!(keys(Span::all(), backward, 10).await, "c ba b a");
    assert_eq!(keys(Span::prefix(b"b"), forward, 10).await, "b ba");
    assert_eq!(keys(Span::prefix(b"b"), backward, 1).await, "ba");
    assert_eq!(keys(Span::new(&b"a"[..], &b"b"[..]), forward, 10).await, "a");
    assert_eq!(keys(Span::new(&b"a\0"[..], &b"c"[..]), forward, 10).await, "b ba");
    assert_eq!(keys(Span::new(&b"c"[..], &b"a"[..]), forward, 10).await, "");
    assert_eq!(keys(Span::all(), forward, 0).await, "");
    assert_eq!(keys(Span::all().above(b"b"), forward, 1).await, "ba");
    assert_eq!(keys(Span::all().below(b"b"), backward, 1).await, "a");
}

async fn what_is_committed_is_seen_by_all_who_begin_later(engine: Shared) {
    for n in 0..20_u32 {
        let value = n.to_string();
        write(&engine, &[("k", &value)]).await;
        assert_eq!(read(&engine, "k").await.as_ref(), Some(&value));
        let mut txn = begin(&engine).await;
        assert_eq!(txn.get(b"k").await.unwrap().map(|v| text(&v)), Some(value));
    }
}

async fn a_view_does_not_move(engine: Shared) {
    write(&engine, &[("a", "1"), ("b", "1")]).await;
    let view = engine.snapshot().await.unwrap();
    let mut txn = begin(&engine).await;
    let mut other = begin(&engine).await;
    other.put(b"a".to_vec(), b"2".to_vec());
    other.delete(b"b".to_vec());
    other.put(b"c".to_vec(), b"2".to_vec());
    other.commit().await.unwrap();
    assert_eq!(view.get(b"a").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(view.scan(&Span::all(), Direction::Forward, 9).await.unwrap().len(), 2);
    assert_eq!(txn.get(b"a").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(rows(&mut *txn, Span::all(), Direction::Forward, 9).await, "a=1 b=1");
}

async fn a_transaction_that_is_dropped_leaves_nothing(engine: Shared) {
    let mut txn = begin(&engine).await;
    txn.put(b"a".to_vec(), b"1".to_vec());
    drop(txn);
    write(&engine, &[("b", "1")]).await;
    assert_eq!(read(&engine, "a").await, None);
}

async fn conflicts(txn: Box<dyn EngineTxn>) -> bool {
    match txn.commit().await {
        Ok(()) => false,
        Err(CommitError::Conflict { .. }) => true,
        Err(other) => panic!("neither committed nor in conflict: {other}"),
    }
}

async fn a_lost_update_is_refused(engine: Shared) {
    write(&engine, &[("k", "1")]).await;
    let (mut a, mut b) = (begin(&engine).await, begin(&engine).await);
    for txn in [&mut a, &mut b] {
        txn.get(b"k").await.unwrap();
        txn.put(b"k".to_vec(), b"2".to_vec());
    }
    assert!(!conflicts(a).await);
    assert!(conflicts(b).await);
    assert_eq!(engine.stats().conflicts, 1);
}

async fn a_refused_transaction_leaves_nothing(engine: Shared) {
    let mut txn = begin(&engine).await;
    txn.get(b"k").await.unwrap();
    txn.put(b"other".to_vec(), b"1".to_vec());
    write(&engine, &[("k", "1")]).await;
    assert!(conflicts(txn).await);
    assert_eq!(read(&engine, "other").await, None);
}

async fn write_skew_is_refused(engine: Shared) {
    write(&engine, &[("a", "on"), ("b", "on")]).await;
    let (mut first, mut second) = (begin(&engine).await, begin(&engine).await);
    // Each sees the other's lamp on, and puts out its own.
    for (txn, own) in [(&mut first, "a"), (&mut second, "b")] {
        assert_eq!(rows(&mut **txn, Span::all(), Direction::Forward, 9).await, "a=on b=on");
        txn.put(own.as_bytes().to_vec(), b"off".to_vec());
    }
    assert!(!conflicts(first).await);
    assert!(conflicts(second).await);
}

async fn a_phantom_is_refused(engine: Shared) {
    let mut txn = begin(&engine).await;
    assert_eq!(rows(&mut *txn, Span::prefix(b"seat/"), Direction::Forward, 9).await, "");
    txn.put(b"seats".to_vec(), b"0".to_vec());
    write(&engine, &[("seat/1", "taken")]).await;
    assert!(conflicts(txn).await);
}

async fn a_deleted_row_of_a_scan_is_a_conflict(engine: Shared) {
    write(&engine, &[("a", "1"), ("b", "1"), ("c", "1")]).await;
    let mut txn = begin(&engine).await;
    assert_eq!(rows(&mut *txn, Span::all(), Direction::Backward, 2).await, "c=1 b=1");
    txn.put(b"sum".to_vec(), b"2".to_vec());
    let mut other = begin(&engine).await;
    other.delete(b"b".to_vec());
    other.commit().await.unwrap();
    assert!(conflicts(txn).await);
}

async fn writers_that_read_nothing_never_conflict(engine: Shared) {
    let mut waiting = Vec::new();
    for n in 0..16_u8 {
        let mut txn = begin(&engine).await;
        txn.put(b"k".to_vec(), vec![n]);
        txn.put(vec![b'n', n], vec![n]);
        waiting.push(txn);
    }
    for txn in waiting {
        assert!(!conflicts(txn).await);
    }
    let view = engine.snapshot().await.unwrap();
    assert_eq!(view.get(b"k").await.unwrap().as_deref(), Some(&[15][..]), "the last one stays");
    assert_eq!(view.scan(&Span::prefix(b"n"), Direction::Forward, 99).await.unwrap().len(), 16);
}

async fn writers_of_other_keys_do_not_conflict(engine: Shared) {
    write(&engine, &[("a/1", "x"), ("b/1", "x")]).await;
    let (mut a, mut b) = (begin(&engine).await, begin(&engine).await);
    for (txn, own) in [(&mut a, "a/"), (&mut b, "b/")] {
        rows(&mut **txn, Span::prefix(own.as_bytes()), Direction::Forward, 9).await;
        txn.put(format!("{own}2").into_bytes(), b"x".to_vec());
    }
    assert!(!conflicts(a).await);
    assert!(!conflicts(b).await);
}

async fn sixty_four_writers_of_one_key_all_make_progress(engine: Shared) {
    let writers: Vec<_> = (0..64)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for attempt in 0.. {
                    let mut txn = engine.begin().await.unwrap();
                    let count = txn.get(b"count").await.unwrap().map_or(0, |v| v[0]);
                    txn.put(b"count".to_vec(), vec![count + 1]);
                    if !conflicts(txn).await {
                        return;
                    }
                    assert!(attempt < 1000, "a writer starves");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let view = engine.snapshot().await.unwrap();
    assert_eq!(view.get(b"count").await.unwrap().as_deref(), Some(&[64][..]));
    assert_eq!(engine.stats().commits, 64);
}

async fn after_closing_nothing_begins(engine: Shared) {
    write(&engine, &[("k", "1")]).await;
    let view = engine.snapshot().await.unwrap();
    let mut late = begin(&engine).await;
    late.put(b"k".to_vec(), b"2".to_vec());
    engine.close().await.unwrap();
    assert!(matches!(engine.begin().await, Err(EngineError::Closed)));
    assert!(matches!(engine.snapshot().await, Err(EngineError::Closed)));
    assert!(matches!(engine.health(), Err(EngineError::Closed)));
    assert!(matches!(late.commit().await, Err(CommitError::Refused(EngineError::Closed))));
    assert_eq!(view.get(b"k").await.unwrap().as_deref(), Some(&b"1"[..]), "old views still see");
}

async fn closing_twice_is_harmless(engine: Shared) {
    engine.close().await.unwrap();
    engine.close().await.unwrap();
}

async fn keys_and_values_may_be_any_bytes(engine: Shared) {
    let keys = [vec![0], vec![0, 0], vec![0xFE; 300], (0..=254).collect::<Vec<u8>>()];
    let mut txn = begin(&engine).await;
    for (key, size) in keys.iter().zip([0, 1, 100_000, 300]) {
        txn.put(key.clone(), vec![0xA5; size]);
    }
    txn.commit().await.unwrap();
    let view = engine.snapshot().await.unwrap();
    for (key, size) in keys.iter().zip([0, 1, 100_000, 300]) {
        assert_eq!(view.get(key).await.unwrap().as_deref(), Some(&vec![0xA5; size][..]));
    }
    let first = view.scan(&Span::all(), Direction::Forward, 1).await.unwrap();
    assert_eq!(first[0].0.as_ref(), &keys[0][..]);
}
