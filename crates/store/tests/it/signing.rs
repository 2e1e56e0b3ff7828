//! The key by which the data centre signs.

use stoa_core::{Operator, SeededEntropy};
use stoa_seal::Purpose;
use stoa_store::Store;

use crate::world::{World, destroy};

#[tokio::test]
async fn the_signing_key_is_made_once_and_is_the_same_after_a_restart() {
    let (operator, entropy) = (Operator::of_this_process(), SeededEntropy::new(7));
    for world in [World::memory().await, World::embedded().await] {
        let (one, two) = tokio::join!(
            world.store.signing_key(&operator, &entropy),
            world.store.signing_key(&operator, &entropy)
        );
        let key = one.unwrap();
        assert_eq!(key.public_key(), two.unwrap().public_key());
        let again = Store::open(world.fixture.engine.clone(), world.vault.clone());
        let again = again.signing_key(&operator, &entropy).await.unwrap();
        let signature = again.sign(Purpose::Receipt, b"gone");
        assert_eq!(key.public_key().verify(Purpose::Receipt, b"gone", &signature), Ok(()));
    }
}

#[tokio::test]
async fn each_data_centre_has_a_signing_key_of_its_own() {
    let operator = Operator::of_this_process();
    let (one, other) = (World::memory().await, World::memory().await);
    let one = one.store.signing_key(&operator, &SeededEntropy::new(7)).await.unwrap();
    let other = other.store.signing_key(&operator, &SeededEntropy::new(8)).await.unwrap();
    assert_ne!(one.public_key(), other.public_key());
}

#[tokio::test]
async fn the_signing_key_outlives_the_keys_of_apps() {
    let (operator, entropy) = (Operator::of_this_process(), SeededEntropy::new(7));
    let world = World::memory().await;
    let before = world.store.signing_key(&operator, &entropy).await.unwrap().public_key();
    destroy(&world.vault, |scope| scope.app.0 != 0).await;
    let again = Store::open(world.fixture.engine.clone(), world.vault.clone());
    let after = again.signing_key(&operator, &entropy).await.unwrap().public_key();
    assert_eq!(before, after);
}
