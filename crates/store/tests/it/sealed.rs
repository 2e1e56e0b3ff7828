//! Records as they lie in the engine.

use stoa_core::Day;
use stoa_store::engine::{Direction, Span};
use stoa_store::{AppStore, Bucket, Key, Sealed, StoreError, classes, spaces};

use crate::world::{World, put};

const TODAY: Bucket = Bucket::Day(Day(20_000));

fn message(app: &AppStore) -> Key {
    app.key(&spaces::MESSAGES).blind(app.blind("conversation", &[b"c"])).number(1).done()
}

async fn sealed(app: &AppStore, key: &Key) -> Result<Option<Sealed>, StoreError> {
    app.read().await?.sealed(key).await
}

#[tokio::test]
async fn what_is_shown_is_what_the_engine_holds() {
    for world in [World::memory().await, World::embedded().await] {
        let key = message(&world.a);
        assert!(sealed(&world.a, &key).await.unwrap().is_none());
        put(&world.a, &key, TODAY, b"hello").await;
        let shown = sealed(&world.a, &key).await.unwrap().unwrap();
        let view = world.engine().snapshot().await.unwrap();
        let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
        assert_eq!(rows, [(shown.stored_key.clone(), shown.record.clone())]);
        // Version, key id, nonce, as many bytes as were sealed, tag.
        assert_eq!(shown.record.len(), 1 + 8 + 12 + 5 + 16);
        let header = [&[shown.version][..], &shown.key_id.to_be_bytes(), &shown.nonce].concat();
        assert_eq!(shown.record[..21], header);
        let sealing = shown.key.unwrap();
        assert_eq!((sealing.id.0, sealing.scope.bucket), (shown.key_id, TODAY));
    }
}

#[tokio::test]
async fn a_record_whose_key_was_destroyed_is_shown_without_it() {
    let world = World::memory().await;
    let key = message(&world.a);
    put(&world.a, &key, TODAY, b"hello").await;
    world.a.destroy(&classes::MESSAGE, TODAY).await.unwrap();
    let shown = sealed(&world.a, &key).await.unwrap().unwrap();
    assert!(shown.key.is_none());
    assert_eq!(shown.record.len(), 42);
}

#[tokio::test]
async fn an_app_is_shown_its_own_records_alone() {
    let world = World::memory().await;
    let key = message(&world.a);
    put(&world.a, &key, TODAY, b"hello").await;
    let refused = sealed(&world.b, &key).await;
    assert!(matches!(refused, Err(StoreError::Misuse(_))), "{refused:?}");
}
