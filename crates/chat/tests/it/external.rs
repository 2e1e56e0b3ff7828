//! Users by the ids that the app itself gives its people.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use stoa_chat::{Error, ExternalId};
use stoa_core::{Operator, OperatorOf, Secret, ServerCertificate};

use crate::world::{APP, OTHER, World};

fn id(text: &str) -> ExternalId {
    text.parse().unwrap()
}

fn operator(world: &World, app: &str) -> OperatorOf {
    Operator::of_this_process().in_app(world.app(app))
}

#[tokio::test]
async fn the_first_token_registers_a_user_whose_name_says_nothing() {
    let world = World::new();
    let app = operator(&world, APP);
    let anna = id("anna@example.org");
    assert!(matches!(world.chat.external_user(&app, &anna).await, Err(Error::UnknownUser)));

    let first = world.chat.mint(&app, &anna, None).await.unwrap();
    assert!(first.created);
    assert_eq!(first.expires_in_s, 86_400);
    let again = world.chat.mint(&app, &anna, Some(60)).await.unwrap();
    assert!(!again.created);
    assert_eq!((again.expires_in_s, &again.user), (60, &first.user));
    assert_eq!(world.chat.external_user(&app, &anna).await.unwrap(), first.user);

    // The token is one like any other, and the user has no password.
    let key = APP.parse().unwrap();
    let caller = world.chat.authenticate(&key, first.token.expose()).await.unwrap();
    assert_eq!(caller.user(), Some(&first.user.username));
    let grant = stoa_chat::Grant::Password {
        username: first.user.username.as_str().into(),
        password: Secret::new(""),
    };
    let refused = world.chat.grant(&world.chat.visitor(&key).unwrap(), grant, None).await;
    assert!(matches!(refused, Err(Error::InvalidGrant(_))));

    // Others have other names, and so has the same id in another app.
    let bert = world.chat.mint(&app, &id("bert"), None).await.unwrap();
    let other = world.chat.mint(&operator(&world, OTHER), &anna, None).await.unwrap();
    let names = [&first, &bert, &other].map(|minted| minted.user.username.clone());
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_call_that_began_before_the_server_certificate_was_exchanged_gets_a_good_token() {
    let world = World::new();
    let before = operator(&world, APP);
    let old = world.chat.mint(&before, &id("anna"), None).await.unwrap().token;
    let mut app = (*world.app(APP)).clone();
    let made = ServerCertificate::random(&*world.entropy, world.clock_now());
    app.rotate_server_certificate(made, None);
    world.set_app(&Arc::new(app));

    let (key, minted) = (APP.parse().unwrap(), world.chat.mint(&before, &id("anna"), None).await);
    let new = minted.unwrap().token;
    assert!(world.chat.authenticate(&key, old.expose()).await.is_err());
    assert!(world.chat.authenticate(&key, new.expose()).await.is_ok());
    world.chat.delete_external_user(&before, &id("anna")).await.unwrap();
}

#[tokio::test]
async fn many_first_calls_at_once_make_one_user() {
    let world = World::new();
    let calls = (0..16).map(|_| {
        let (chat, app) = (world.chat.clone(), operator(&world, APP));
        tokio::spawn(async move { chat.mint(&app, &id("anna"), None).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    let (mut names, mut created) = (HashSet::new(), 0);
    for call in calls {
        let minted = call.await.unwrap();
        created += usize::from(minted.created);
        names.insert(minted.user.username);
    }
    assert_eq!((names.len(), created), (1, 1));
    let users = world.chat.users(&world.back_end(APP).await, 100, None).await.unwrap().users;
    assert_eq!(users.len(), 1, "and no second one is left over");
}

#[tokio::test]
async fn whoever_is_deleted_is_another_person_afterwards() {
    let world = World::new();
    let app = operator(&world, APP);
    let anna = id("anna");
    let first = world.chat.mint(&app, &anna, None).await.unwrap();

    // By the name, as a back end does over REST: the way from the id to it is destroyed as well.
    let back_end = world.back_end(APP).await;
    world.chat.delete_user(&back_end, &first.user.username).await.unwrap();
    assert!(matches!(world.chat.external_user(&app, &anna).await, Err(Error::UnknownUser)));
    let second = world.chat.mint(&app, &anna, None).await.unwrap();
    assert!(second.created && second.user.username != first.user.username);

    // By the id.
    let deleted = world.chat.delete_external_user(&app, &anna).await.unwrap();
    assert_eq!(deleted, second.user);
    for gone in [&first, &second] {
        let found = world.chat.user(&back_end, &gone.user.username).await;
        assert!(matches!(found, Err(Error::UnknownUser)));
        let refused = world.chat.authenticate(&APP.parse().unwrap(), gone.token.expose()).await;
        assert!(refused.is_err());
    }
    let refused = world.chat.delete_external_user(&app, &anna).await;
    assert!(matches!(refused, Err(Error::UnknownUser)));
    assert_ne!(world.chat.mint(&app, &anna, None).await.unwrap().user, second.user);
}

#[tokio::test]
async fn nobody_mints_for_a_user_who_may_not_log_in() {
    let world = World::new();
    let app = operator(&world, APP);
    let minted = world.chat.mint(&app, &id("anna"), None).await.unwrap();
    let (back_end, name) = (world.back_end(APP).await, minted.user.username);
    world.chat.set_activated(&back_end, &name, false).await.unwrap();
    let refused = world.chat.mint(&app, &id("anna"), None).await;
    assert!(matches!(refused, Err(Error::Deactivated)));
    world.chat.set_activated(&back_end, &name, true).await.unwrap();

    // A password voids what was issued up to then; what is minted in that second is good all the same.
    world.chat.set_password(&back_end, &name, &Secret::new("correct horse")).await.unwrap();
    let fresh = world.chat.mint(&app, &id("anna"), None).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let key = APP.parse().unwrap();
    assert!(world.chat.authenticate(&key, fresh.token.expose()).await.is_ok());
    assert!(world.chat.authenticate(&key, minted.token.expose()).await.is_err());
}

#[tokio::test]
async fn the_way_from_an_id_to_a_user_outlives_a_restart() {
    let mut world = World::new();
    let app = operator(&world, APP);
    let before = world.chat.mint(&app, &id("anna"), None).await.unwrap();
    world.restarted();
    let after = world.chat.mint(&app, &id("anna"), None).await.unwrap();
    assert_eq!((after.user, after.created), (before.user, false));
}
