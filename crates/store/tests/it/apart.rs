//! Parts of records that are sealed under a key of their own.

use stoa_store::{Apart, AppStore, Bucket, Key, StoreError, classes, spaces};

use crate::world::{World, put, user};

fn entry(app: &AppStore, number: u64) -> Key {
    app.key(&spaces::AUDIT_ENTRIES).number(number).done()
}

#[tokio::test]
async fn a_part_opens_in_its_place_until_its_key_dies() {
    let world = World::memory().await;
    let (a, class) = (&world.a, &classes::USER_INFORMATION);
    let (account, bucket) = user(a, "alice");
    let seal =
        async || a.seal_apart_if_keyed(&entry(a, 1), 2, class, bucket, b"alice").await.unwrap();
    let keys = world.vault.keys().len();
    assert_eq!(seal().await, None, "she has no key");
    assert_eq!(world.vault.keys().len(), keys, "and gets none");

    put(a, &account, bucket, b"account").await;
    let sealed = seal().await.unwrap();
    let plain = Apart::Plain(b"alice".to_vec());
    assert_eq!(a.open_apart(&entry(a, 1), 2, &sealed).unwrap(), plain);
    for (key, part) in [(entry(a, 1), 3), (entry(a, 2), 2)] {
        let moved = a.open_apart(&key, part, &sealed);
        assert!(matches!(moved, Err(StoreError::Corrupt { .. })), "{moved:?}");
    }
    let other = world.b.open_apart(&entry(&world.b, 1), 2, &sealed);
    assert!(matches!(other, Err(StoreError::Corrupt { .. })), "{other:?}");
    let foreign = world.b.open_apart(&entry(a, 1), 2, &sealed);
    assert!(matches!(foreign, Err(StoreError::Misuse(_))), "{foreign:?}");

    a.destroy(class, bucket).await.unwrap();
    assert_eq!(a.open_apart(&entry(a, 1), 2, &sealed).unwrap(), Apart::Destroyed);
    assert_eq!(seal().await, None, "and gets no new one");
}

#[tokio::test]
async fn a_part_has_a_bucket_of_its_class() {
    let world = World::memory().await;
    let (a, key) = (&world.a, entry(&world.a, 1));
    let month = Bucket::Month(600);
    a.seal_apart(&key, 1, &classes::AUDIT, month, b"x").await.unwrap();
    let misused = a.seal_apart(&key, 1, &classes::USER_INFORMATION, month, b"x").await;
    assert!(matches!(misused, Err(StoreError::Misuse(_))), "{misused:?}");
}
