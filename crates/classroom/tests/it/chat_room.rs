//! The chat room of a class: who is in it, what its tokens reach, and that it ends with the class.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::{Appended, Draft, Error as ChatError, HistoryQuery};
use stoa_classroom::room::{Ban, By, ClassState, GroupPlan, NewRoom};
use stoa_classroom::{Error, Refusal};
use stoa_core::{
    Caller, ClassRole, Clock, GroupId, ReleaseAnchor, Resource, RoomType, Target, UserId,
};
use stoa_store::engine::Faults;
use stoa_store::{classes, spaces};
use stoa_vault::Opened;

use crate::world::{World, by, check_in, name, new_room, refusal};

const HOUR: Duration = Duration::from_secs(3600);

impl World {
    /// Comes into the class, and is whoever its chat token says.
    async fn chatter(&self, room: &str, user: &str, role: ClassRole) -> Caller {
        self.enter(room, user, role).await.unwrap();
        let class = self.caller(room, user, role);
        let token = self.classroom.chat_token(&class, &name(room), &name(user)).await.unwrap();
        self.classroom.chat().authenticate(&self.app.key, token.expose()).await.unwrap()
    }

    async fn chat_room(&self, room: &str) -> GroupId {
        self.act(room, By::App, |turn| Ok(turn.room.chat_room_id())).await.unwrap()
    }

    async fn join(&self, caller: &Caller, room: &GroupId) -> Result<(), ChatError> {
        let device = device();
        let chat = self.classroom.chat();
        chat.join_room(caller, &device, room, "", false).await.map(drop)
    }

    async fn say(&self, caller: &Caller, to: Target, text: &str) -> Result<Appended, ChatError> {
        let (done, outcome) = tokio::sync::oneshot::channel();
        let draft = Draft {
            to,
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            body: Bytes::copy_from_slice(text.as_bytes()),
            ext: Bytes::new(),
            content_bytes: text.len(),
            client_id: 0,
            online_only: false,
            receipts: true,
            priority: Priority::Normal,
        };
        let done = Box::new(move |result| drop(done.send(result)));
        self.classroom.chat().send(caller, &device(), draft, done).await;
        outcome.await.unwrap()
    }

    async fn history(&self, caller: &Caller, room: &GroupId) -> Result<Vec<String>, ChatError> {
        let query = HistoryQuery::newest(Target::Group(room.clone()), 20);
        let page = self.classroom.chat().history(caller, &query).await?;
        let texts = page.entries.iter().rev();
        Ok(texts.map(|entry| String::from_utf8(entry.body.to_vec()).unwrap()).collect())
    }
}

fn device() -> Resource {
    "web".parse().unwrap()
}

/// The spaces in which something of a class and its chat lies.
fn of_classes() -> Vec<&'static spaces::Space> {
    let all = spaces::SPACES.iter().copied();
    all.filter(|space| space.class.number == classes::CLASS_ROOM.number).collect()
}

#[tokio::test]
async fn c067_a_class_has_a_chat_room_and_whoever_checks_in_gets_a_token_for_it() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let student = world.caller("room", "bob", ClassRole::Student);
    let token = world.classroom.chat_token(&student, &name("room"), &name("bob")).await;
    assert_eq!(refusal(token), Some(Refusal::NoUser), "before the check-in");
    let who = check_in("bob", ClassRole::Student);
    let classroom = &world.classroom;
    classroom.check_in(&student, &name("room"), &name("bob"), who, None).await.unwrap();
    let token = classroom.chat_token(&student, &name("room"), &name("bob")).await.unwrap();
    let other = classroom.chat_token(&student, &name("room"), &name("eve")).await;
    assert_eq!(refusal(other), Some(Refusal::NotForThis));
    let caller = classroom.chat().authenticate(&world.app.key, token.expose()).await.unwrap();
    assert_eq!(caller.user().unwrap().as_str(), name("bob").chat_user().as_str());
    assert_eq!(caller.class().unwrap().room, name("room"));
    assert!(caller.expires() <= student.expires());
    let user = classroom.chat().user(&caller, caller.user().unwrap()).await.unwrap();
    assert_eq!(user.nickname.as_deref(), Some("bob"));
    // Where it is, is told in the room.
    let view = world.view("room").await.unwrap();
    let extra = &view["roomProperties"]["widgets"]["easemobIM"]["extra"];
    let room = world.chat_room("room").await;
    assert_eq!(
        *extra,
        json!({
            "orgName": "demo", "appName": "stoa", "appKey": "demo#stoa", "chatRoomId": room.as_str(),
        })
    );
    let entry = world.enter("room", "bob", ClassRole::Student).await.unwrap();
    let own = &entry.view["localUser"]["userProperties"]["widgets"]["easemobIM"]["userId"];
    assert_eq!(own, name("bob").chat_user().as_str());
    // The token that the app's back end made for the class opens chat, too, and reaches no further.
    let made = stoa_token::Builder007::new(
        world.app.id.as_str(),
        world.app.certificates[0].expose(),
        u32::try_from(world.clock.now().as_secs()).unwrap(),
        60,
        1,
    );
    let made = made.room_user("room", "bob", 2).build().unwrap();
    let caller = classroom.chat().authenticate(&world.app.key, &made).await.unwrap();
    assert!(caller.class().is_some());
}

#[tokio::test]
async fn a_room_without_chat_gives_no_token_for_it() {
    let world = World::new().await;
    let mut new: NewRoom = new_room(RoomType::Small);
    new.widgets.insert("easemobIM".into(), json!({"state": 0}));
    world.create("room", new).await.unwrap();
    world.enter("room", "bob", ClassRole::Student).await.unwrap();
    let student = world.caller("room", "bob", ClassRole::Student);
    let token = world.classroom.chat_token(&student, &name("room"), &name("bob")).await;
    assert_eq!(refusal(token), Some(Refusal::FeatureOff("chat")));
}

#[tokio::test]
async fn who_comes_late_sees_what_was_said_and_who_is_not_in_the_class_nothing() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    world.create("other", new_room(RoomType::Small)).await.unwrap();
    let room = world.chat_room("room").await;
    let (teacher, bob) = (
        world.chatter("room", "tea", ClassRole::Teacher).await,
        world.chatter("room", "bob", ClassRole::Student).await,
    );
    world.join(&teacher, &room).await.unwrap();
    world.join(&bob, &room).await.unwrap();
    world.say(&bob, room.clone().into(), "first").await.unwrap();
    world.say(&teacher, room.clone().into(), "second").await.unwrap();
    let late = world.chatter("room", "cid", ClassRole::Student).await;
    assert!(matches!(world.history(&late, &room).await, Err(ChatError::NotInGroup)));
    world.join(&late, &room).await.unwrap();
    assert_eq!(world.history(&late, &room).await.unwrap(), ["first", "second"]);

    // Of another class, and with another kind of token: nothing.
    let eve = world.chatter("other", "eve", ClassRole::Teacher).await;
    assert!(matches!(world.join(&eve, &room).await, Err(ChatError::OutsideClass)));
    assert!(matches!(world.history(&eve, &room).await, Err(ChatError::OutsideClass)));
    let said = world.say(&eve, room.clone().into(), "hello").await;
    assert!(matches!(said, Err(ChatError::OutsideClass)));
    // The app's back end sees the room, and decides nothing of what the class does.
    let back_end = back_end(&world).await;
    let seen = world.classroom.chat().groups(&back_end, std::slice::from_ref(&room)).await.unwrap();
    assert_eq!((seen[0].count, seen[0].info.name.as_str()), (3, "A class"));
    let dismissed = world.classroom.chat().dismiss_group(&back_end, None, &room).await;
    assert!(matches!(dismissed, Err(ChatError::ClassDecides)));
}

async fn back_end(world: &World) -> Caller {
    let token = stoa_core::issue_token(&world.app, None, world.clock.now(), 60, &*world.entropy);
    world.classroom.chat().authenticate(&world.app.key, token.expose()).await.unwrap()
}

#[tokio::test]
async fn a_class_token_reaches_those_who_teach_and_nobody_else() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let teacher = world.chatter("room", "tea", ClassRole::Teacher).await;
    let bob = world.chatter("room", "bob", ClassRole::Student).await;
    let cid = world.chatter("room", "cid", ClassRole::Student).await;
    let to = |caller: &Caller| Target::User(caller.user().unwrap().clone());
    world.say(&bob, to(&teacher), "a question").await.unwrap();
    world.say(&teacher, to(&bob), "an answer").await.unwrap();
    let among = world.say(&bob, to(&cid), "psst").await;
    assert!(matches!(among, Err(ChatError::OutsideClass)));
    // What the two say to each other alone is kept nowhere.
    let kept = world.rows(&[&spaces::MESSAGES, &spaces::USER_LOG, &spaces::CLASS_MESSAGES]).await;
    assert!(kept.is_empty());
    // Nobody of the app writes from outside, and such names are registered by check-in alone.
    let back_end = back_end(&world).await;
    let user = |text: &str| stoa_chat::NewUser {
        username: text.parse().unwrap(),
        password: None,
        nickname: None,
    };
    let chat = world.classroom.chat();
    chat.register(&back_end, vec![user("alice")]).await.unwrap();
    let hex = name("dora").chat_user();
    let taken = chat.register(&back_end, vec![user(hex.as_str())]).await;
    assert!(matches!(taken, Err(ChatError::Argument { field: "username", .. })), "{taken:?}");
    let alice: UserId = "alice".parse().unwrap();
    let token =
        stoa_core::issue_token(&world.app, Some(&alice), world.clock.now(), 60, &*world.entropy);
    let alice = chat.authenticate(&world.app.key, token.expose()).await.unwrap();
    let from_outside = world.say(&alice, to(&bob), "hello").await;
    assert!(matches!(from_outside, Err(ChatError::OutsideClass)));
    let outwards = world.say(&bob, to(&alice), "hello").await;
    assert!(matches!(outwards, Err(ChatError::OutsideClass)));
    let room = world.chat_room("room").await;
    assert!(matches!(world.join(&alice, &room).await, Err(ChatError::OutsideClass)));
}

#[tokio::test]
async fn roles_of_the_class_hold_in_its_chat() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let room = world.chat_room("room").await;
    let teacher = world.chatter("room", "tea", ClassRole::Teacher).await;
    let bob = world.chatter("room", "bob", ClassRole::Student).await;
    let sue = world.chatter("room", "sue", ClassRole::Observer).await;
    let rec = world.chatter("room", "rec", ClassRole::Invisible).await;
    for caller in [&teacher, &bob, &sue] {
        world.join(caller, &room).await.unwrap();
    }
    assert!(matches!(world.join(&rec, &room).await, Err(ChatError::OutsideClass)));
    let observed = world.say(&sue, room.clone().into(), "hm").await;
    assert!(matches!(observed, Err(ChatError::Muted)));
    let chat = world.classroom.chat();
    chat.mute_all_in_group(&teacher, None, &room, true).await.unwrap();
    let muted = world.say(&bob, room.clone().into(), "I").await;
    assert!(matches!(muted, Err(ChatError::NotAllowListed)));
    world.say(&teacher, room.clone().into(), "quiet").await.unwrap();
    let refused = chat.mute_all_in_group(&bob, None, &room, false).await;
    assert!(matches!(refused, Err(ChatError::Forbidden)));
    // Who is put out of the class is out of its chat, until it is let in again.
    world
        .act("room", by("tea", ClassRole::Teacher), |turn| turn.put_out(&name("bob"), None))
        .await
        .unwrap();
    assert!(matches!(world.say(&bob, room.clone().into(), "I").await, Err(ChatError::NotInGroup)));
    assert!(matches!(world.join(&bob, &room).await, Err(ChatError::OutsideClass)));
    world.enter("room", "bob", ClassRole::Student).await.unwrap();
    world.join(&bob, &room).await.unwrap();
    world.act("room", By::App, |turn| turn.put_out(&name("bob"), Some(Ban::Ever))).await.unwrap();
    assert!(matches!(world.join(&bob, &room).await, Err(ChatError::OutsideClass)));
    // A closed class has a silent chat.
    world.act("room", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    assert!(world.say(&teacher, room.clone().into(), "and").await.is_err());
    assert!(matches!(world.join(&teacher, &room).await, Err(ChatError::GroupDisabled)));
}

/// A class with messages, and copies of what was stored of it.
async fn a_class_with_chat() -> (World, Vec<(Bytes, Bytes)>, GroupId) {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    world.create("other", new_room(RoomType::Small)).await.unwrap();
    let room = world.chat_room("room").await;
    let teacher = world.chatter("room", "tea", ClassRole::Teacher).await;
    let bob = world.chatter("room", "bob", ClassRole::Student).await;
    for caller in [&teacher, &bob] {
        world.join(caller, &room).await.unwrap();
    }
    let said = world.say(&bob, room.clone().into(), "hello").await.unwrap();
    let chat = world.classroom.chat();
    let target = Target::Group(room.clone());
    chat.pin_message(&teacher, &device(), &target, said.id, true).await.unwrap();
    let values = [("lesson".to_owned(), "7".to_owned())].into_iter().collect();
    let change = stoa_chat::AttributeChange::Set { values, auto_delete: false };
    let me = bob.user().unwrap().clone();
    chat.change_room_attributes(&bob, None, &room, &me, change, false).await.unwrap();
    // The teacher is in another class, which goes on.
    world.chatter("other", "tea", ClassRole::Teacher).await;
    let copy = world.rows(&of_classes()).await;
    (world, copy, room)
}

/// Rows of a copy that the vault of today still opens, without those of the class that goes on.
fn opened(world: &World, copy: &[(Bytes, Bytes)]) -> usize {
    let opens = |row: &&(Bytes, Bytes)| {
        matches!(world.vault.open_record(&row.0, &row.1).unwrap(), Opened::Plain(_))
    };
    copy.iter().filter(opens).count()
}

#[tokio::test]
async fn c194_c195_c166_a_copy_from_before_the_destruction_opens_nothing_of_the_room_and_its_chat()
{
    let (world, copy, room) = a_class_with_chat().await;
    for space in [
        &spaces::CLASS_MESSAGES,
        &spaces::CLASS_CHAT_ROOMS,
        &spaces::CLASS_CHAT_ROSTERS,
        &spaces::CLASS_CHAT_ATTRIBUTES,
        &spaces::CLASS_CHAT_PINS,
        &spaces::CLASS_CHATS,
        &spaces::CLASS_CHAT_USERS,
        &spaces::CLASS_ROOMS,
        &spaces::CLASS_USERS,
        &spaces::CLASS_FRAMES,
        &spaces::CLASS_EVENTS,
    ] {
        assert!(copy.iter().any(|(key, _)| key[0] == space.code), "{}", space.name);
    }
    // Nothing of the chat lies elsewhere, under the keys of days and users.
    let elsewhere = [
        &spaces::MESSAGES,
        &spaces::LOG_DAYS,
        &spaces::GROUPS,
        &spaces::GROUP_ROSTERS,
        &spaces::ROOMS_BY_TIME,
        &spaces::ROOM_ATTRIBUTES,
        &spaces::PINNED_MESSAGES,
        &spaces::MEMBERSHIPS,
        &spaces::GROUP_READS,
    ];
    assert!(world.rows(&elsewhere).await.is_empty());
    assert_eq!(opened(&world, &copy), copy.len());

    world.act("room", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(HOUR - Duration::from_millis(1)).await;
    assert!(!world.rows(&[&spaces::CLASS_MESSAGES]).await.is_empty());
    let back_end = back_end(&world).await;
    let chat = world.classroom.chat();
    let ids = std::slice::from_ref(&room);
    assert_eq!(chat.groups(&back_end, ids).await.unwrap()[0].info.name, "A class");
    world.pass(Duration::from_millis(1)).await;
    // What is left opens the other class and nothing else.
    let others = world.rows(&of_classes()).await;
    assert_eq!(
        opened(&world, &copy),
        copy.iter().filter(|(key, _)| others.iter().any(|(other, _)| other == key)).count()
    );
    assert!(world.rows(&[&spaces::CLASS_MESSAGES, &spaces::CLASS_CHAT_ROSTERS]).await.is_empty());
    assert!(matches!(chat.groups(&back_end, ids).await, Err(ChatError::UnknownRoom)));
    // Bob was in no other class; the teacher is.
    let user = |user: &str| name(user).chat_user();
    assert!(matches!(chat.user(&back_end, &user("bob")).await, Err(ChatError::UnknownUser)));
    chat.user(&back_end, &user("tea")).await.unwrap();
    world.act("other", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(HOUR).await;
    assert!(matches!(chat.user(&back_end, &user("tea")).await, Err(ChatError::UnknownUser)));
    // Events that nobody fetched live an hour longer, under a key of their own.
    let outbox = [spaces::CLASS_MARKS.code, spaces::CLASS_OUTBOX.code];
    let left = world.rows(&of_classes()).await;
    assert!(left.iter().all(|(key, _)| outbox.contains(&key[0])), "{} rows", left.len());
    world.pass(HOUR).await;
    let left = world.rows(&of_classes()).await;
    assert!(left.is_empty(), "{} rows", left.len());
    let users = [&spaces::USERS, &spaces::NAMES, &spaces::DEVICES, &spaces::USER_ATTRIBUTES];
    assert!(world.rows(&users).await.is_empty());
}

/// The user of an earlier class is deleted with it; but the name is the same person's.
#[tokio::test]
async fn a_token_for_a_later_class_opens_its_chat_though_an_earlier_class_was_destroyed() {
    let world = World::new().await;
    for room in ["one", "two"] {
        world.create(room, new_room(RoomType::Small)).await.unwrap();
    }
    let issued = u32::try_from(world.clock.now().as_secs()).unwrap();
    let certificate = world.app.certificates[0].expose();
    let app = world.app.id.as_str();
    let token = stoa_token::Builder007::new(app, certificate, issued, 86_400, 1);
    let token = token.room_user("two", "bob", 2).build().unwrap();
    world.enter("one", "bob", ClassRole::Student).await.unwrap();
    world.act("one", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(HOUR).await;
    let chat = world.classroom.chat();
    let gone = chat.authenticate(&world.app.key, &token).await;
    assert!(matches!(gone, Err(ChatError::UnknownUser)), "{gone:?}");
    world.enter("two", "bob", ClassRole::Student).await.unwrap();
    let caller = chat.authenticate(&world.app.key, &token).await.unwrap();
    world.join(&caller, &world.chat_room("two").await).await.unwrap();
    // Revoked it opens neither, whatever is known of the user.
    chat.revoke_class_user(&back_end(&world).await, &name("bob")).await.unwrap();
    let revoked = chat.authenticate(&world.app.key, &token).await;
    assert!(matches!(revoked, Err(ChatError::Token(_))), "{revoked:?}");
}

#[tokio::test]
async fn c194_the_chat_of_a_group_ends_with_the_class_too() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let teacher = world.chatter("room", "tea", ClassRole::Teacher).await;
    let bob = world.chatter("room", "bob", ClassRole::Student).await;
    let plan = GroupPlan { id: Some(name("g1")), users: vec![name("bob")], ..GroupPlan::default() };
    let tea = by("tea", ClassRole::Teacher);
    world.act("room", tea, |turn| turn.open_groups(vec![plan], false)).await.unwrap();
    for (user, role) in [("tea", ClassRole::Teacher), ("bob", ClassRole::Student)] {
        let (caller, who) = (world.caller("room", user, role), check_in(user, role));
        world.classroom.enter(&caller, &name("g1"), &name(user), who, None).await.unwrap();
    }
    // Pages are told where it is.
    let view = world.view("g1").await.unwrap();
    let widget = &view["roomProperties"]["widgets"]["easemobIM"];
    let group = world.chat_room("g1").await;
    assert_eq!(
        (&widget["state"], &widget["extra"]["chatRoomId"]),
        (&json!(1), &json!(group.as_str()))
    );
    for caller in [&teacher, &bob] {
        world.join(caller, &group).await.unwrap();
    }
    world.say(&bob, group.clone().into(), "hello").await.unwrap();
    assert_eq!(world.history(&teacher, &group).await.unwrap(), ["hello"]);
    let copy = world.rows(&of_classes()).await;
    assert!(copy.iter().any(|(key, _)| key[0] == spaces::CLASS_MESSAGES.code));
    assert_eq!(opened(&world, &copy), copy.len());
    world.act("room", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(HOUR).await;
    world.pass(HOUR).await;
    assert_eq!(opened(&world, &copy), 0);
    assert!(world.rows(&of_classes()).await.is_empty());
}

#[tokio::test]
async fn c167_the_hour_can_count_from_the_end_of_the_class() {
    let mut world = World::new().await;
    let mut app = (*world.app).clone();
    app.class.release_anchor = ReleaseAnchor::End;
    world.app = std::sync::Arc::new(app);
    world.restart().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    world.enter("room", "bob", ClassRole::Student).await.unwrap();
    world.act("room", By::App, |turn| turn.set_state(ClassState::Ended)).await.unwrap();
    // Ten minutes later it closes by itself; fifty later it is gone.
    world.pass(HOUR - Duration::from_secs(1)).await;
    assert!(world.view("room").await.is_ok());
    world.pass(Duration::from_secs(1)).await;
    assert!(matches!(world.view("room").await, Err(Error::Refused(Refusal::NoRoom))));
}

#[tokio::test]
async fn c194_whatever_is_interrupted_in_the_destruction_is_finished_by_the_next_process() {
    for seed in 0..24 {
        let (mut world, copy, _) = a_class_with_chat().await;
        world.act("room", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
        world.clock.set(world.clock.now().plus(HOUR));
        // Now and then the disk refuses, or does not say what it did; then the process is gone.
        let faults =
            Faults { before_commit: 300, after_commit: 150, lost_commit: 150, ..Faults::default() };
        world.restart_over(faults, seed);
        let _ = world.classroom.wake_all(&world.app).await;
        world.classroom.tick().await;
        world.restart_over(Faults::default(), seed);
        world.classroom.wake_all(&world.app).await.unwrap();
        world.classroom.tick().await;
        world.classroom.wake_all(&world.app).await.unwrap();
        let others = world.rows(&of_classes()).await;
        let of_other = copy.iter().filter(|(key, _)| others.iter().any(|(other, _)| other == key));
        assert_eq!(opened(&world, &copy), of_other.count(), "seed {seed}");
        assert!(world.rows(&[&spaces::CLASS_MESSAGES]).await.is_empty(), "seed {seed}");
        let back_end = back_end(&world).await;
        let bob = world.classroom.chat().user(&back_end, &name("bob").chat_user()).await;
        assert!(matches!(bob, Err(ChatError::UnknownUser)), "seed {seed}");
    }
}

#[tokio::test]
async fn c221_a_name_that_is_given_again_within_thirty_days_is_noticed_and_the_room_is_another() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let scope = world.scope();
    let before = world.chat_room("room").await;
    assert_eq!(world.classroom.was_used(&scope, &name("room")).await.unwrap(), None);
    world.act("room", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(HOUR).await;
    let gone = world.clock.now();
    assert_eq!(world.classroom.was_used(&scope, &name("room")).await.unwrap(), Some(gone));
    assert_eq!(world.classroom.was_used(&scope, &name("other")).await.unwrap(), None);
    // A warning and no refusal.
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    assert_ne!(world.chat_room("room").await, before);
    let seen = world.classroom.chat().observations(&scope).await.unwrap();
    assert_eq!((seen.class_rooms.made, seen.class_rooms_again), (2, 1));
    assert!(seen.class_rooms.short > 0);
    world.clock.set(gone.plus(Duration::from_secs(30 * 86_400)));
    assert_eq!(world.classroom.was_used(&scope, &name("room")).await.unwrap(), None);
    world.classroom.wake_all(&world.app).await.unwrap();
    assert!(world.rows(&[&spaces::CLASS_NAMES]).await.is_empty());
}
