//! What is counted of an app's tokens and names.

use std::time::Duration;

use stoa_chat::NewGroup;
use stoa_core::{Names, Operator};

use crate::world::{APP, OTHER, World};

#[tokio::test]
async fn tokens_and_names_are_counted_for_seven_days_and_over_restarts() {
    let mut world = World::new();
    let scope = Operator::of_this_process().in_app(world.app(APP));
    let nothing = world.chat.observations(&scope).await.unwrap();
    assert_eq!(nothing, stoa_chat::Observations::default());

    world.register(APP, &["user1", "user2", "49-30-901820", "alice_example.org"]).await;
    world.register(APP, &["0b5f3f5e6f0e4c0a9f5b2f3c1b1f8a7-"]).await;
    world.register(OTHER, &["bob"]).await;
    world.user(APP, "user1").await;
    let seen = world.chat.observations(&scope).await.unwrap();
    assert_eq!(seen.last_back_end_token, Some(world.clock_now()));
    assert_eq!((seen.last_door_token, seen.longest_life_s), (None, 3600));
    let users = Names {
        made: 5,
        sequential: 1,
        digits_only: 0,
        email: 1,
        phone: 1,
        short: 3,
        recent: 5,
        recent_flawed: 4,
    };
    assert_eq!(seen.users, users);

    world.clock.advance(Duration::from_secs(86_400));
    let password = world.password_token("user2", "secret of user2").await;
    world.chat.authenticate(&APP.parse().unwrap(), password.expose()).await.unwrap();
    let owner = world.user(APP, "user1").await;
    let group = NewGroup {
        owner: "user1".parse().unwrap(),
        name: "friends".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: false,
        approval: false,
        member_invites: false,
        invite_confirm: false,
        max_members: 200,
        members: Vec::new(),
    };
    world.chat.create_group(&owner, None, group).await.unwrap();
    world.chat.store_observations(&scope).await.unwrap();
    world.restarted();
    world.register(APP, &["user3"]).await;
    let seen = world.chat.observations(&scope).await.unwrap();
    assert_eq!(seen.longest_life_s, 86_400, "what a password is given, without a wish");
    assert!(seen.last_door_token.is_some());
    assert_eq!((seen.users.made, seen.users.recent, seen.users.recent_flawed), (6, 6, 5));
    assert_eq!((seen.groups.made, seen.groups.recent_flawed, seen.rooms.made), (1, 0, 0));

    // Forty good ones, and none of the bad ones counts for how it is at present.
    for n in 0..40 {
        let name = format!("u-{:032x}", (0x9f86_d081_884c_7d65_u128 << 64) | (n * 7919));
        world.register(APP, &[&name]).await;
    }
    let seen = world.chat.observations(&scope).await.unwrap();
    assert_eq!((seen.users.made, seen.users.recent, seen.users.recent_flawed), (46, 32, 0));

    world.clock.advance(Duration::from_secs(6 * 86_400));
    let seen = world.chat.observations(&scope).await.unwrap();
    assert_eq!(seen.users.made, 41, "the first day is over");
    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(world.chat.observations(&scope).await.unwrap(), nothing);
    let rows = world.everything().await.len();
    world.clock.advance(Duration::from_secs(86_400));
    world.chat.sweep_observations(&scope).await.unwrap();
    assert_eq!(world.everything().await.len(), rows - 2, "two days");
}
