//! The kill switch: what is revoked lets nobody in, and who is in goes out.

use std::sync::Arc;
use std::time::Duration;

use stoa_audit::{AuditLog, Query};
use stoa_chat::class::ClassMember;
use stoa_chat::{Chat, Error, Grant, LoginRequest};
use stoa_core::{
    App, AuthPolicy, Caller, Certificate, ClassCaller, ClassRole, Clock, Operator, Resource,
    Secret, ServerCertificate, TokenPolicy, TokenRefusal, UserId,
};
use stoa_token::Builder007;

use crate::world::{APP, Device, OTHER, World};

const REVOKED: [&str; 1] = ["kick Revoked"];

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A token as the app's back end makes one, with a clock that is ahead by so many seconds.
fn made(world: &World, app: &App, name: Option<&str>, ahead: i64) -> Secret {
    let issued = world.now_s().checked_add_signed(ahead).unwrap();
    let salt = u32::try_from(issued % 1_000_000).unwrap() + 1;
    let (id, certificate) = (app.id.as_str(), app.certificates[0].expose());
    let token = Builder007::new(id, certificate, u32::try_from(issued).unwrap(), 3600, salt);
    let token = match name {
        Some(name) => token.chat_user(name),
        None => token.chat_app(),
    };
    Secret::new(token.build().unwrap())
}

async fn enters(world: &World, token: &Secret) -> Result<Caller, Error> {
    world.chat.authenticate(&APP.parse().unwrap(), token.expose()).await
}

fn is_revoked<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Token(TokenRefusal::Invalid("revoked"))))
}

async fn with_users() -> (World, Caller) {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    world.register(OTHER, &["alice"]).await;
    let back_end = world.back_end(APP).await;
    (world, back_end)
}

#[tokio::test]
async fn a_user_whose_tokens_are_revoked_is_out_until_newer_ones_are_made() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let (device, bob) =
        (world.log_in(APP, "alice", "web").await, world.log_in(APP, "bob", "web").await);
    let elsewhere = world.log_in(OTHER, "alice", "web").await;
    let before = made(&world, &app, Some("alice"), -5);
    let ahead = made(&world, &app, Some("alice"), 60);
    assert!(enters(&world, &before).await.is_ok() && enters(&world, &ahead).await.is_ok());

    world.chat.revoke_user(&back_end, &user("alice")).await.unwrap();
    assert_eq!(device.pushed(), REVOKED);
    assert!(bob.pushed().is_empty() && elsewhere.pushed().is_empty(), "nobody else");
    let now = made(&world, &app, Some("alice"), 0);
    for token in [&before, &now, &ahead] {
        assert!(is_revoked(&enters(&world, token).await));
    }
    let issued = world.chat.grant_for(&back_end, &user("alice"), false, None).await.unwrap();
    assert!(enters(&world, &issued.token).await.is_ok(), "what the server issues is newer");

    world.clock.advance(Duration::from_secs(60));
    assert!(is_revoked(&enters(&world, &made(&world, &app, Some("alice"), 0)).await));
    world.clock.advance(Duration::from_secs(1));
    assert!(enters(&world, &made(&world, &app, Some("alice"), 0)).await.is_ok());
    assert!(is_revoked(&enters(&world, &ahead).await), "never again");

    let alice = world.caller(APP, Some("bob")).await;
    let refused = world.chat.revoke_user(&alice, &user("alice")).await;
    assert!(matches!(refused, Err(Error::NotAllowed)));
    let unknown = world.chat.revoke_user(&back_end, &user("nobody")).await;
    assert!(matches!(unknown, Err(Error::UnknownUser)));
}

#[tokio::test]
async fn whoever_is_revoked_in_class_rooms_is_out_of_their_chat() {
    let (world, back_end) = with_users().await;
    let (app, issued) = (world.app(APP), u32::try_from(world.now_s()).unwrap());
    let scope = Operator::of_this_process().in_app(app.clone());
    let mut sessions = Vec::new();
    for name in ["alice", "Alice", "Bob"] {
        let member = ClassMember {
            user: name.parse().unwrap(),
            name: name.into(),
            role: ClassRole::Student,
        };
        let named = world.chat.check_in_to_class(&scope, 7, &member).await.unwrap();
        let (id, certificate) = (app.id.as_str(), app.certificates[0].expose());
        let token = Builder007::new(id, certificate, issued, 3600, 7).room_user("room", name, 2);
        let token = Secret::new(token.build().unwrap());
        let device = world.log_in_with(APP, named.as_str(), "web", &token).await;
        sessions.push((device, token));
    }
    let out = || sessions.iter().map(|(device, _)| device.pushed() == REVOKED).collect::<Vec<_>>();
    assert_eq!(out(), [false, false, false]);
    // The same name in chat, which knows no capitals.
    world.chat.revoke_user(&back_end, &user("alice")).await.unwrap();
    assert_eq!(out(), [true, false, false]);
    world.chat.revoke_class_user(&back_end, &"Bob".parse().unwrap()).await.unwrap();
    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(out(), [false, false, true]);
    assert!(bob.pushed().is_empty(), "whoever has the name in chat stays");
    let mut enter = Vec::new();
    for (_, token) in &sessions {
        enter.push(!is_revoked(&enters(&world, token).await));
    }
    assert_eq!(enter, [false, true, false]);
}

#[tokio::test]
async fn one_token_is_revoked_with_what_it_let_in_and_renewed() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let [first, second, third] = [1, 2, 3].map(|n| made(&world, &app, Some("alice"), -n));
    let phone = world.log_in_with(APP, "alice", "phone", &first).await;
    let web = world.log_in_with(APP, "alice", "web", &second).await;
    // It renews all sessions of the user.
    let caller = enters(&world, &third).await.unwrap();
    world.chat.renew(&caller, &user("alice")).await.unwrap();
    for device in [&phone, &web] {
        assert!(device.pushed().contains(&"renewed".to_owned()));
    }
    let named = world.chat.revoke_token(&back_end, first.expose()).await.unwrap();
    assert_eq!(named.as_deref(), Some("alice"));
    assert_eq!(phone.pushed(), REVOKED);
    assert!(!web.pushed().iter().any(|text| text.starts_with("kick")), "the other token let it in");
    assert!(is_revoked(&enters(&world, &first).await));
    assert!(enters(&world, &second).await.is_ok());
    drop(phone);

    world.chat.revoke_token(&back_end, third.expose()).await.unwrap();
    assert!(web.pushed().contains(&REVOKED[0].to_owned()), "it was renewed by it");

    let app_token = made(&world, &app, None, 0);
    assert!(enters(&world, &app_token).await.is_ok());
    assert_eq!(world.chat.revoke_token(&back_end, app_token.expose()).await.unwrap(), None);
    assert!(is_revoked(&enters(&world, &app_token).await));
    let foreign = made(&world, &world.app(OTHER), Some("alice"), 0);
    for bad in ["007nonsense", foreign.expose()] {
        let refused = world.chat.revoke_token(&back_end, bad).await;
        assert!(matches!(refused, Err(Error::Argument { field: "token", .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_device_is_revoked_with_the_tokens_that_it_has() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let [lost, kept] = [1, 2].map(|n| made(&world, &app, Some("alice"), -n));
    let phone = world.log_in_with(APP, "alice", "phone", &lost).await;
    let web = world.log_in_with(APP, "alice", "web", &kept).await;
    let resource: Resource = "phone".parse().unwrap();
    let revoked = world.chat.revoke_device(&back_end, &user("alice"), &resource).await.unwrap();
    assert_eq!(revoked, 1);
    assert!(phone.pushed().contains(&REVOKED[0].to_owned()));
    assert!(web.pushed().is_empty());
    assert!(is_revoked(&enters(&world, &lost).await), "REST knows no devices");
    assert!(enters(&world, &kept).await.is_ok());

    let back = |device: &str, token: &Secret| {
        let request = world.login_request(APP, "alice", device, token);
        let chat = world.chat.clone();
        async move { chat.log_in(&request).await.map(drop) }
    };
    assert!(is_revoked(&back("phone", &kept).await), "nor with another token of that time");
    assert!(back("web", &kept).await.is_ok());
    world.clock.advance(Duration::from_secs(61));
    assert!(back("phone", &made(&world, &app, Some("alice"), 0)).await.is_ok());
}

#[tokio::test]
async fn revocations_are_kept_over_a_restart_and_forgotten_when_no_token_can_live() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let token = made(&world, &app, Some("alice"), 0);
    let resource: Resource = "phone".parse().unwrap();
    world.chat.revoke_token(&back_end, token.expose()).await.unwrap();
    world.chat.revoke_device(&back_end, &user("bob"), &resource).await.unwrap();
    world.chat.delete_user(&back_end, &user("alice")).await.unwrap();
    let issued = u32::try_from(world.now_s()).unwrap();
    let (id, certificate) = (app.id.as_str(), app.certificates[0].expose());
    let seat = Builder007::new(id, certificate, issued, 3600, 7).room_user("room", "alice", 2);
    let seat = ClassCaller::verify(&app, &seat.build().unwrap(), None, world.clock.now()).unwrap();

    let scope = Operator::of_this_process().in_app(app.clone());
    let again: Arc<Chat> = world.chat_again();
    assert_eq!(again.revocations(), 0);
    // A token, a device, a name, and the same name in class rooms.
    let class =
        |chat: &Chat| chat.check_class_token(&app, seat.user().unwrap(), seat.mark().unwrap());
    assert!(class(&again).is_ok());
    assert_eq!(again.load_revocations(&scope).await.unwrap(), 4);
    let refused = again.authenticate(&APP.parse().unwrap(), token.expose()).await;
    assert!(is_revoked(&refused) && is_revoked(&class(&again)));

    assert_eq!(again.sweep_revocations(&scope).await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(86_400 + 599));
    assert_eq!(again.sweep_revocations(&scope).await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(again.sweep_revocations(&scope).await.unwrap(), 4);
    assert_eq!(again.revocations(), 0);
    assert_eq!(world.chat_again().load_revocations(&scope).await.unwrap(), 0);
}

/// Sessions follow what an app's owner decides.
#[tokio::test]
async fn what_the_owner_decides_holds_for_open_sessions() {
    let (world, _) = with_users().await;
    let app = world.app(APP);
    let changed = |change: &dyn Fn(&mut App)| {
        let mut app = (*world.app(APP)).clone();
        change(&mut app);
        world.set_app(&Arc::new(app));
    };
    let ends = |device: &Device| device.pushed().iter().any(|text| text == REVOKED[0]);
    let password = world.password_token("bob", "secret of bob").await;
    let by_app = made(&world, &app, Some("alice"), 0);

    // Proofs at the door are taken no more.
    let bob = world.log_in_with(APP, "bob", "web", &password).await;
    let alice = world.log_in_with(APP, "alice", "web", &by_app).await;
    changed(&|app| app.auth = AuthPolicy::Token);
    assert!(ends(&bob) && !ends(&alice));
    let refused = enters(&world, &password).await;
    assert!(matches!(refused, Err(Error::Token(TokenRefusal::Invalid("bad_signature")))));
    drop(bob);

    // The cap: the session lives shorter, and not at all when its token is older.
    changed(&|app| app.tokens = TokenPolicy { cap_s: 600, ..TokenPolicy::default() });
    assert_eq!(alice.lives_until().last(), Some(&(world.now_s() + 600)));
    world.clock.advance(Duration::from_secs(100));
    changed(&|app| app.tokens = TokenPolicy { cap_s: 60, ..TokenPolicy::default() });
    assert!(ends(&alice));
    assert!(matches!(enters(&world, &by_app).await, Err(Error::Token(TokenRefusal::Expired))));
    changed(&|app| app.tokens = TokenPolicy::default());
    drop(alice);

    // Another certificate: whoever was renewed with it stays when the former one is retired.
    let second = Certificate::random(&*world.entropy, world.clock_now());
    changed(&|app| app.certificates.insert(0, second.clone()));
    let by_second = made(&world, &world.app(APP), Some("alice"), 0);
    let by_first = made(&world, &app, Some("alice"), 0);
    let (web, phone) = (
        world.log_in_with(APP, "alice", "web", &by_first).await,
        world.log_in_with(APP, "bob", "phone", &made(&world, &app, Some("bob"), 0)).await,
    );
    let caller = enters(&world, &by_second).await.unwrap();
    world.chat.renew(&caller, &user("alice")).await.unwrap();
    changed(&|app| drop(app.certificates.remove(1)));
    assert!(!ends(&web) && ends(&phone));
    assert!(matches!(enters(&world, &by_first).await, Err(Error::Token(_))));
    // Had it leaked, the session that it once let in would be no better.
    world.chat.app_changed(&world.app(APP), Some(app.certificates[0].fingerprint()));
    assert!(ends(&web));
    drop((web, phone));

    // The app as a whole.
    let web = world.log_in_with(APP, "alice", "web", &by_second).await;
    let now = world.clock_now();
    changed(&|app| app.revoked = now);
    assert!(ends(&web));
    assert!(is_revoked(&enters(&world, &by_second).await));
}

/// A new server certificate, and for how many seconds the former one is good.
fn rotate_server_certificate(world: &World, overlap: Option<u64>) {
    let now = world.clock_now();
    let mut app = (*world.app(APP)).clone();
    app.rotate_server_certificate(
        ServerCertificate::random(&*world.entropy, now),
        overlap.map(|seconds| now.plus(Duration::from_secs(seconds))),
    );
    world.set_app(&Arc::new(app));
}

#[tokio::test]
async fn what_the_former_server_certificate_let_in_lives_for_the_overlap() {
    let (world, back_end) = with_users().await;
    let start = world.now_s();
    // Of the back end, and at the door; each lives for a day.
    let of_alice = world.chat.grant_for(&back_end, &user("alice"), false, None).await.unwrap();
    let of_bob = world.password_token("bob", "secret of bob").await;
    let before = [&of_alice.token, &of_bob];
    let alice = world.log_in_with(APP, "alice", "web", before[0]).await;
    let bob = world.log_in_with(APP, "bob", "web", before[1]).await;
    let by_app = made(&world, &world.app(APP), Some("alice"), 0);
    let own = world.log_in_with(APP, "alice", "phone", &by_app).await;

    rotate_server_certificate(&world, Some(600));
    // The sessions are told when their time is over now; that of an App Certificate lives as it did.
    assert_eq!(alice.lives_until(), [start + 600]);
    assert_eq!(bob.lives_until(), [start + 600]);
    assert_eq!(own.lives_until(), [start + 3600]);
    for token in before {
        assert_eq!(enters(&world, token).await.unwrap().expires().as_secs(), start + 600);
    }
    // A session that is renewed by the new one outlives the former one.
    let back_end = world.back_end(APP).await;
    let renewed = world.chat.grant_for(&back_end, &user("alice"), false, None).await.unwrap();
    let caller = enters(&world, &renewed.token).await.unwrap();
    world.chat.renew(&caller, &user("alice")).await.unwrap();
    assert_eq!(alice.lives_until(), [start + 86_400]);

    world.clock.advance(Duration::from_secs(599));
    assert!(enters(&world, before[0]).await.is_ok() && enters(&world, before[1]).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    for token in before {
        let refused = enters(&world, token).await;
        assert!(matches!(refused, Err(Error::Token(TokenRefusal::Invalid("bad_signature")))));
    }
    assert!(enters(&world, &renewed.token).await.is_ok());
    let again = world.password_token("bob", "secret of bob").await;
    assert!(enters(&world, &again).await.is_ok());
}

#[tokio::test]
async fn without_an_overlap_what_the_former_server_certificate_let_in_ends_at_once() {
    let (world, back_end) = with_users().await;
    let ends = |device: &Device| device.pushed().iter().any(|text| text == REVOKED[0]);
    let of_alice = world.chat.grant_for(&back_end, &user("alice"), false, None).await.unwrap();
    let of_bob = world.password_token("bob", "secret of bob").await;
    let alice = world.log_in_with(APP, "alice", "web", &of_alice.token).await;
    let bob = world.log_in_with(APP, "bob", "web", &of_bob).await;
    let by_app = made(&world, &world.app(APP), Some("alice"), 0);
    let caller = enters(&world, &by_app).await.unwrap();
    world.chat.renew(&caller, &user("alice")).await.unwrap();

    let former = world.app(APP).server_certificate.fingerprint();
    rotate_server_certificate(&world, None);
    assert!(!ends(&alice), "a token of the app's back end has renewed it");
    assert!(ends(&bob));
    for token in [&of_alice.token, &of_bob] {
        assert!(matches!(enters(&world, token).await, Err(Error::Token(_))));
    }
    // A call of the back end that such a token began gets no token that would be good.
    let late = world.chat.grant_for(&back_end, &user("alice"), false, None).await;
    assert!(matches!(late, Err(Error::Token(TokenRefusal::Invalid("certificate_retired")))));
    let again = world.password_token("bob", "secret of bob").await;
    let bob = world.log_in_with(APP, "bob", "web", &again).await;

    // Had it leaked, the session that it once let in would be no better.
    world.chat.app_changed(&world.app(APP), Some(former));
    assert!(ends(&alice) && !ends(&bob));
    assert!(enters(&world, &by_app).await.is_ok(), "the back end's token is as good as before");
}

#[tokio::test]
async fn who_is_just_coming_in_is_asked_again() {
    let (world, back_end) = with_users().await;
    let token = made(&world, &world.app(APP), Some("alice"), 0);
    let request: LoginRequest = world.login_request(APP, "alice", "web", &token);
    let logged_in = world.chat.log_in(&request).await.unwrap();
    assert!(world.chat.is_still_admitted(&request, &logged_in).await.is_ok());
    // Revoked when it was let in and was not attached yet: no kick finds it.
    world.chat.revoke_user(&back_end, &user("alice")).await.unwrap();
    assert!(is_revoked(&world.chat.is_still_admitted(&request, &logged_in).await));

    // And a renewal whose token is revoked before it counts.
    let token = made(&world, &world.app(APP), Some("bob"), 0);
    let web = world.log_in(APP, "bob", "web").await;
    let caller = enters(&world, &token).await.unwrap();
    world.chat.revoke_token(&back_end, token.expose()).await.unwrap();
    assert!(is_revoked(&world.chat.renew(&caller, &user("bob")).await));
    assert!(web.pushed().contains(&REVOKED[0].to_owned()));
}

#[tokio::test]
async fn a_password_change_deactivation_and_deletion_cut_as_well() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let ahead = made(&world, &app, Some("alice"), 60);
    let alice = user("alice");
    world.chat.set_password(&back_end, &alice, &Secret::new("new")).await.unwrap();
    assert!(is_revoked(&enters(&world, &ahead).await));
    let visitor = world.chat.visitor(&APP.parse().unwrap()).unwrap();
    let grant = Grant::Password { username: "alice".into(), password: Secret::new("new") };
    let granted = world.chat.grant(&visitor, grant, None).await.unwrap();
    assert!(enters(&world, &granted.token).await.is_ok(), "the new password lets in at once");

    world.clock.advance(Duration::from_secs(120));
    let ahead = made(&world, &app, Some("alice"), 60);
    for activated in [false, true] {
        world.chat.set_activated(&back_end, &alice, activated).await.unwrap();
    }
    assert!(is_revoked(&enters(&world, &ahead).await));

    world.clock.advance(Duration::from_secs(120));
    let ahead = made(&world, &app, Some("alice"), 60);
    world.chat.delete_user(&back_end, &alice).await.unwrap();
    assert!(matches!(enters(&world, &ahead).await, Err(Error::UnknownUser)));
    world.register(APP, &["alice"]).await;
    assert!(is_revoked(&enters(&world, &ahead).await), "who has the name now is another person");
}

#[tokio::test]
async fn a_login_that_is_refused_for_its_token_is_counted_in_the_audit_log_with_its_address() {
    let (world, back_end) = with_users().await;
    let app = world.app(APP);
    let token = made(&world, &app, Some("alice"), 0);
    world.chat.revoke_token(&back_end, token.expose()).await.unwrap();
    let audit = Arc::new(AuditLog::new(world.store.clone(), world.clock.clone()));
    let chat = world.chat_with_audit(audit.clone());
    let scope = Operator::of_this_process().in_app(app.clone());
    chat.load_revocations(&scope).await.unwrap();
    let mut request = world.login_request(APP, "alice", "web", &token);
    request.address = Some("192.0.2.7".parse().unwrap());
    for _ in 0..50 {
        assert!(is_revoked(&chat.log_in(&request).await));
    }
    let good = made(&world, &app, Some("bob"), 0);
    chat.log_in(&world.login_request(APP, "bob", "web", &good)).await.unwrap();
    audit.settle().await;
    let page = audit
        .of(&scope)
        .await
        .unwrap()
        .page(&Query { limit: 9, ..Query::default() })
        .await
        .unwrap();
    let told: Vec<_> = page.entries.iter().map(|entry| (entry.act.as_str(), entry.count)).collect();
    assert_eq!(told, [("token.refused", 49), ("token.refused", 1)], "the first, and the others");
}
