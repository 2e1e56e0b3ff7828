//! Users, tokens and grants.

use stoa_chat::{ClientCredentials, Error, Grant, NewUser};
use stoa_core::{AppKey, Caller, Secret, TokenRefusal};

use crate::world::{APP, OTHER, World};

fn new(name: &str, password: &str) -> NewUser {
    NewUser {
        username: name.parse().unwrap(),
        password: Some(Secret::new(password)),
        nickname: Some("Nick".into()),
    }
}

async fn caller(world: &World, key: &str, token: &Secret) -> Result<Caller, Error> {
    world.chat.authenticate(&key.parse().unwrap(), token.expose()).await
}

#[tokio::test]
async fn users_are_listed_in_the_order_of_their_registration() {
    let world = World::new();
    let names: Vec<String> = (0..25).map(|n| format!("user-{}", 24 - n)).collect();
    for name in &names {
        world.register(APP, &[name]).await;
        world.clock.advance(std::time::Duration::from_millis(1));
    }
    let back_end = world.back_end(APP).await;
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.chat.users(&back_end, 10, cursor.as_deref()).await.unwrap();
        listed.extend(page.users.into_iter().map(|user| user.username.as_str().to_owned()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, names);
    let wrong = world.chat.users(&back_end, 10, Some("not a cursor")).await;
    assert!(matches!(wrong, Err(Error::Argument { field: "cursor", .. })));
}

#[tokio::test]
async fn a_name_is_given_once_whatever_its_case() {
    let world = World::new();
    let back_end = world.back_end(APP).await;
    let both = vec![new("alice", "secret-1"), new("Alice", "secret-2"), new("bob", "secret-3")];
    let registered = world.chat.register(&back_end, both).await.unwrap();
    assert_eq!(registered.created.len(), 2);
    assert_eq!(registered.taken, ["alice".parse().unwrap()]);
    let alice = world.chat.user(&back_end, &"ALICE".parse().unwrap()).await.unwrap();
    assert_eq!(alice.nickname.as_deref(), Some("Nick"));
    assert_eq!(
        world.chat.user_named(&back_end, &alice.uuid.to_string()).await.unwrap(),
        alice.username
    );
    let long = NewUser { nickname: Some("n".repeat(101)), ..new("carol", "x") };
    let refused = world.chat.register(&back_end, vec![long]).await;
    assert!(matches!(refused, Err(Error::Argument { field: "nickname", .. })));
}

#[tokio::test]
async fn a_token_names_the_user_by_name_or_uuid() {
    let world = World::new();
    world.register(APP, &["alice"]).await;
    let back_end = world.back_end(APP).await;
    let alice = world.chat.user(&back_end, &"alice".parse().unwrap()).await.unwrap();
    let app = world.app(APP);
    let token = stoa_token::Builder007::new(
        app.id.as_str(),
        app.certificates[0].expose(),
        1_800_000_000,
        60,
        1,
    );
    let token = Secret::new(token.chat_user(&alice.uuid.to_string()).build().unwrap());
    assert_eq!(caller(&world, APP, &token).await.unwrap().user(), Some(&alice.username));

    let nobody = world.token(APP, Some("nobody"));
    assert!(matches!(caller(&world, APP, &nobody).await, Err(Error::UnknownUser)));
    let unknown_app = caller(&world, "demo#nothing", &token).await;
    assert!(matches!(unknown_app, Err(Error::UnknownApp)));
    world.clock.advance(std::time::Duration::from_secs(60));
    let expired = caller(&world, APP, &token).await;
    assert!(matches!(expired, Err(Error::Token(TokenRefusal::Expired))));
}

#[tokio::test]
async fn a_deactivated_user_cannot_come_in_and_is_put_out() {
    let world = World::new();
    world.register(APP, &["alice"]).await;
    let (back_end, alice) = (world.back_end(APP).await, "alice".parse().unwrap());
    let device = world.log_in(APP, "alice", "web").await;
    assert!(!world.chat.set_activated(&back_end, &alice, false).await.unwrap().activated);
    assert_eq!(device.pushed(), ["kick UserRemoved"]);
    let token = world.token(APP, Some("alice"));
    assert!(matches!(caller(&world, APP, &token).await, Err(Error::Deactivated)));
    world.chat.set_activated(&back_end, &alice, true).await.unwrap();
    let refused = caller(&world, APP, &token).await;
    assert!(matches!(refused, Err(Error::Token(TokenRefusal::Invalid("revoked")))));
    world.clock.advance(std::time::Duration::from_secs(1));
    let token = world.token(APP, Some("alice"));
    assert!(caller(&world, APP, &token).await.is_ok());
}

#[tokio::test]
async fn only_the_back_end_administers() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = "bob".parse().unwrap();
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::NotAllowed)));
    let chat = &world.chat;
    refused(chat.user(&alice.caller, &bob).await.map(drop));
    refused(chat.users(&alice.caller, 10, None).await.map(drop));
    refused(chat.delete_user(&alice.caller, &bob).await.map(drop));
    refused(chat.set_password(&alice.caller, &bob, &Secret::new("x")).await);
    refused(chat.set_activated(&alice.caller, &bob, false).await.map(drop));
    refused(chat.set_nickname(&alice.caller, &bob, "x").await.map(drop));
    refused(chat.disconnect(&alice.caller, &bob, None).await.map(drop));
    refused(chat.register(&alice.caller, vec![new("carol", "x")]).await.map(drop));
    refused(chat.grant_for(&alice.caller, &bob, false, None).await.map(drop));
    refused(chat.renew(&alice.caller, &bob).await.map(drop));
    assert!(chat.user(&alice.caller, alice.caller.user().unwrap()).await.is_ok());
}

#[tokio::test]
async fn grants_follow_the_apps_settings() {
    let world = World::new();
    let back_end = world.back_end(APP).await;
    world.chat.register(&back_end, vec![new("alice", "correct")]).await.unwrap();
    let password = |name: &str, text: &str| Grant::Password {
        username: name.into(),
        password: Secret::new(text),
    };
    let visitor = |key: &str| world.chat.visitor(&key.parse::<AppKey>().unwrap()).unwrap();

    let granted = world.chat.grant(&visitor(APP), password("Alice", "correct"), Some(60)).await;
    let granted = granted.unwrap();
    assert_eq!((granted.expires_in_s, granted.user.unwrap().username.as_str()), (60, "alice"));
    assert!(caller(&world, APP, &granted.token).await.unwrap().user().is_some());
    for (name, text) in [("alice", "wrong"), ("nobody", "correct"), ("not a name", "x")] {
        let refused = world.chat.grant(&visitor(APP), password(name, text), None).await;
        let Err(Error::InvalidGrant(text)) = refused else { panic!("{refused:?}") };
        assert_eq!(text, "invalid password");
    }
    let refused = world.chat.grant(&visitor(OTHER), password("alice", "correct"), None).await;
    assert!(matches!(refused, Err(Error::InvalidGrant(_))), "tokens only");

    let app = world.app(APP);
    let credentials = |id: &str, secret: &str| {
        Grant::ClientCredentials(ClientCredentials {
            client_id: id.into(),
            client_secret: Secret::new(secret),
        })
    };
    let secret = app.certificates[0].expose();
    let (door, proof) = (visitor(APP), credentials(app.id.as_str(), secret));
    let granted = world.chat.grant(&door, proof, Some(0)).await.unwrap();
    assert_eq!(granted.expires_in_s, 86_400, "0 is the longest life, never for ever");
    assert!(caller(&world, APP, &granted.token).await.unwrap().is_app());
    for (id, text) in [("x", secret), (app.id.as_str(), app.server_certificate.expose())] {
        assert!(world.chat.grant(&visitor(APP), credentials(id, text), None).await.is_err());
    }
}

#[tokio::test]
async fn the_back_end_gets_tokens_for_its_users() {
    let world = World::new();
    let back_end = world.back_end(APP).await;
    let alice = "alice".parse().unwrap();
    let absent = world.chat.grant_for(&back_end, &alice, false, None).await;
    assert!(matches!(absent, Err(Error::UnknownUser)));
    let made = world.chat.grant_for(&back_end, &alice, true, Some(1_000_000)).await.unwrap();
    assert_eq!(made.expires_in_s, 86_400, "cut to the app's longest life");
    assert_eq!(caller(&world, APP, &made.token).await.unwrap().user(), Some(&alice));
}

#[tokio::test]
async fn registration_without_a_token_is_for_open_apps() {
    let world = World::new();
    let visitor = |key: &str| world.chat.visitor(&key.parse::<AppKey>().unwrap()).unwrap();
    let closed = world.chat.register_openly(&visitor(APP), new("alice", "x")).await;
    assert!(matches!(closed, Err(Error::RegistrationClosed)));
    let open = visitor("demo#open");
    assert!(world.chat.register_openly(&open, new("alice", "x")).await.is_ok());
    let taken = world.chat.register_openly(&open, new("alice", "y")).await;
    assert!(matches!(taken, Err(Error::NameTaken)));
    let without = NewUser { password: None, ..new("bob", "x") };
    let refused = world.chat.register_openly(&open, without).await;
    assert!(matches!(refused, Err(Error::Argument { field: "password", .. })));
}

#[tokio::test]
async fn a_new_password_replaces_the_old_and_ends_sessions() {
    let world = World::new();
    let back_end = world.back_end(APP).await;
    world.chat.register(&back_end, vec![new("alice", "old")]).await.unwrap();
    let device = world.log_in(APP, "alice", "web").await;
    let alice = "alice".parse().unwrap();
    let before = world.token(APP, Some("alice"));
    world.chat.set_password(&back_end, &alice, &Secret::new("new")).await.unwrap();
    assert_eq!(device.pushed(), ["kick PasswordChanged"]);
    let void = caller(&world, APP, &before).await;
    assert!(matches!(void, Err(Error::Token(TokenRefusal::Invalid("revoked")))));
    let visitor = world.chat.visitor(&APP.parse().unwrap()).unwrap();
    for (text, good) in [("old", false), ("new", true)] {
        let grant = Grant::Password { username: "alice".into(), password: Secret::new(text) };
        let granted = world.chat.grant(&visitor, grant, None).await;
        assert_eq!(granted.is_ok(), good);
        if let Ok(granted) = granted {
            assert!(caller(&world, APP, &granted.token).await.is_ok(), "in the same second too");
        }
    }
    for wrong in ["", &"x".repeat(65)] {
        let refused = world.chat.set_password(&back_end, &alice, &Secret::new(wrong)).await;
        assert!(matches!(refused, Err(Error::Argument { field: "newpassword", .. })));
    }
}
