//! Groups and rooms that end: with their keys, in every copy, for everybody who comes too late; and those that nobody uses.

use std::time::Duration;

use bytes::Bytes;
use stoa_chat::lifetime::Pace;
use stoa_chat::{AttributeChange, Attributes, Error, NewRoom};
use stoa_core::{Clock, GroupId, MucKind, Operator, OperatorOf, SeededEntropy, Target, UserId};
use stoa_store::engine::Faults;
use stoa_store::receipts::{Act, Checker, Covered, Receipt};
use stoa_store::{AppStore, Bucket, Store, classes};
use stoa_vault::Opened;

use crate::changes::{group, target};
use crate::world::{APP, Device, World, draft};

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);
const PACE: Pace = Pace { rows: 3, pause: Duration::ZERO };

/// The spaces of what is kept of groups and rooms themselves: groups, rosters, lists by time, pins, files, attributes of
/// rooms.
const OF_GROUPS: [u8; 7] = [18, 19, 20, 51, 62, 63, 64];
/// What is written down of ends.
const ENDS: [u8; 2] = [43, 44];

fn scope(world: &World) -> OperatorOf {
    Operator::of_this_process().in_app(world.app(APP))
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

async fn handle(world: &World) -> AppStore {
    world.store.app(&scope(world)).await.unwrap()
}

/// What a server does each minute, and at its start.
pub(crate) async fn end_objects(world: &World) -> usize {
    let apps = [(handle(world).await, world.app(APP).chat)];
    world.store.end_objects(&apps, world.clock.now()).await.unwrap()
}

async fn rows(world: &World, spaces: &[u8]) -> Vec<(Bytes, Bytes)> {
    let mut rows = world.everything().await;
    rows.retain(|(key, _)| spaces.contains(&key[0]));
    rows
}

fn opens(world: &World, (key, record): &(Bytes, Bytes)) -> bool {
    matches!(world.vault.open_record(key, record).unwrap(), Opened::Plain(_))
}

async fn keep_receipts(world: &World) {
    let (operator, entropy) = (Operator::of_this_process(), SeededEntropy::new(9));
    world.store.keep_receipts(&operator, world.clock.clone(), &entropy).await.unwrap();
}

async fn receipts(store: &Store) -> Vec<Receipt> {
    let operator = Operator::of_this_process();
    let mut checker = Checker::new(store.receipts_key().unwrap());
    let page = store.receipts(&operator, 0).await.unwrap();
    page.iter().for_each(|signed| checker.take(signed).unwrap());
    checker.take(&store.receipts_end(&operator).await.unwrap()).unwrap();
    checker.finish().unwrap();
    page.into_iter().map(|signed| signed.receipt).collect()
}

async fn pin(device: &Device, of: &str, text: &str) {
    let id = device.send_draft(to_group(of, text)).await.unwrap().id;
    let (caller, resource) = (&device.caller, &device.resource);
    device.chat.pin_message(caller, resource, &target(of), id, true).await.unwrap();
}

fn to_group(group: &str, text: &str) -> stoa_chat::Draft {
    stoa_chat::Draft { to: target(group), ..draft("x", text, 0) }
}

/// A room of olga's, in which she keeps an attribute.
async fn room(world: &World, owner: &Device) -> GroupId {
    let back_end = world.back_end(APP).await;
    let new = NewRoom {
        owner: owner.caller.user().unwrap().clone(),
        name: "the square".into(),
        description: "for all".into(),
        max_members: 100,
        members: Vec::new(),
    };
    let room = world.chat.create_room(&back_end, None, new).await.unwrap();
    enter(owner, &room).await.unwrap();
    room
}

async fn enter(device: &Device, room: &GroupId) -> Result<(), Error> {
    let (caller, resource) = (&device.caller, &device.resource);
    device.chat.join_room(caller, resource, room, "", false).await.map(drop)
}

/// What everybody is told who comes too late.
async fn assert_gone(world: &World, devices: &[&Device], id: &GroupId) {
    let chat = &world.chat;
    let gone = |outcome: Result<(), Error>, what: &str| {
        let unknown = matches!(outcome, Err(Error::UnknownGroup | Error::UnknownRoom));
        assert!(unknown, "{what}: {outcome:?}");
    };
    let back_end = world.back_end(APP).await;
    for device in devices {
        let (caller, resource) = (&device.caller, Some(&device.resource));
        let late = stoa_chat::Draft { to: Target::Group(id.clone()), ..draft("x", "late", 0) };
        gone(device.send_draft(late).await.map(drop), "send");
        gone(chat.group_members(caller, id, 0, 10).await.map(drop), "members");
        gone(chat.groups(caller, std::slice::from_ref(id)).await.map(drop), "details");
        gone(chat.dismiss_group(caller, resource, id).await, "dismiss");
        match id.kind() {
            MucKind::Room => {
                gone(enter(device, id).await, "enter");
                gone(chat.room_attributes(caller, id, &[]).await.map(drop), "attributes");
            }
            MucKind::Group => gone(chat.leave_group(caller, None, id).await, "leave"),
        }
        let me = caller.user().unwrap();
        assert!(chat.groups_joined(caller, me, 0, 10, false).await.unwrap().is_empty());
        assert!(chat.rooms_joined(caller, me, 0, 10).await.unwrap().is_empty());
    }
    gone(chat.add_members(&back_end, None, id, vec![user("zoe")]).await.map(drop), "add");
    assert!(chat.all_groups(&back_end, 10, None).await.unwrap().groups.is_empty());
    assert!(chat.rooms(&back_end, 0, 10, None).await.unwrap().groups.is_empty());
}

fn bucket(world: &World, store: &AppStore) -> Vec<Bucket> {
    let keys = world.vault.keys().into_iter();
    let of_app = keys.filter(|key| key.scope.app == store.number());
    of_app.map(|key| key.scope.bucket).collect()
}

#[tokio::test]
async fn a_group_that_is_dismissed_goes_with_its_key_in_every_copy() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::with_files(dir.path());
    world.register(APP, &["olga", "mia", "zoe"]).await;
    keep_receipts(&world).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let mia = world.log_in(APP, "mia", "web").await;
    let walkers = group(&olga, &["mia"]).await;
    pin(&olga, walkers.as_str(), "Sunday, nine").await;
    world.chat.set_group_announcement(&olga.caller, None, &walkers, "rain or shine").await.unwrap();
    let nick = Attributes::from([("nick".into(), "Mimi".into())]);
    let of_mia = user("mia");
    world.chat.set_member_attributes(&mia.caller, None, &walkers, &of_mia, nick).await.unwrap();
    let another = group(&mia, &[]).await;

    let copy = rows(&world, &OF_GROUPS).await;
    assert!(copy.iter().all(|row| opens(&world, row)));
    let keys = bucket(&world, &handle(&world).await).len();
    world.chat.dismiss_group(&olga.caller, Some(&olga.resource), &walkers).await.unwrap();
    assert_eq!(bucket(&world, &handle(&world).await).len(), keys - 1, "one key is gone");
    let opened = copy.iter().filter(|row| opens(&world, row)).count();
    assert_eq!((copy.len(), opened), (7, 3), "of the other group alone");
    assert_eq!(rows(&world, &OF_GROUPS).await.len(), 3, "and no row is left");
    assert!(rows(&world, &ENDS).await.is_empty());
    let receipts = receipts(&world.store).await;
    let [receipt] = &*receipts else { panic!("one receipt: {receipts:?}") };
    assert_eq!((receipt.act(), receipt.covered()), (Act::Destroyed, Covered::Object));
    assert_eq!(
        (u32::from(classes::USER_INFORMATION.number), receipt.key_count),
        (receipt.class, 1)
    );

    world.chat.dismiss_group(&mia.caller, None, &another).await.unwrap();
    assert_gone(&world, &[&olga, &mia], &walkers).await;
    // Its members are told of it as the last thing, and the id is nobody else's.
    assert!(mia.unread().await.contains(&walkers.as_str().to_owned()));
    let back_end = world.back_end(APP).await;
    let named =
        stoa_chat::NewUser { username: user(walkers.as_str()), password: None, nickname: None };
    let taken = world.chat.register(&back_end, vec![named]).await.unwrap().taken;
    assert_eq!(taken, [user(walkers.as_str())]);
    assert_eq!(end_objects(&world).await, 0);
}

#[tokio::test]
async fn a_room_that_is_dismissed_goes_with_its_key_and_its_attributes() {
    let world = World::new();
    world.register(APP, &["olga", "mia", "zoe"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let mia = world.log_in(APP, "mia", "web").await;
    let square = room(&world, &olga).await;
    enter(&mia, &square).await.unwrap();
    let values = Attributes::from([("topic".into(), "spring".into())]);
    let change = AttributeChange::Set { values, auto_delete: false };
    let by = user("olga");
    world
        .chat
        .change_room_attributes(&olga.caller, None, &square, &by, change, false)
        .await
        .unwrap();
    let copy = rows(&world, &OF_GROUPS).await;
    assert!(copy.len() >= 5 && copy.iter().all(|row| opens(&world, row)));
    world.chat.dismiss_group(&olga.caller, None, &square).await.unwrap();
    assert!(copy.iter().all(|row| !opens(&world, row)));
    assert!(rows(&world, &OF_GROUPS).await.is_empty());
    assert_gone(&world, &[&olga, &mia], &square).await;
}

/// Whoever brings the data back as they were before has the vault of today.
#[tokio::test]
async fn data_from_before_know_nothing_of_a_dismissed_group_and_its_members_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::new();
    world.register(APP, &["olga", "mia", "zoe"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let walkers = group(&olga, &["mia"]).await;
    let before = world.everything().await;
    world.chat.dismiss_group(&olga.caller, None, &walkers).await.unwrap();
    let world = world.with_rows(before, dir.path()).await;
    assert_eq!(end_objects(&world).await, 0);
    let olga = world.log_in(APP, "olga", "web").await;
    let back_end = world.back_end(APP).await;
    let details = world.chat.groups(&back_end, std::slice::from_ref(&walkers)).await;
    assert!(matches!(details, Err(Error::UnknownGroup)));
    let late = olga.send_draft(to_group(walkers.as_str(), "late")).await;
    assert!(matches!(late, Err(Error::UnknownGroup)));
    // Its members' places end with the first look for such groups, which a server has at its start.
    assert_eq!(olga.unread().await, [walkers.as_str()]);
    assert!(dismiss_unused(&world).await.is_empty());
    let me = user("olga");
    assert_eq!(world.chat.count_groups_joined(&olga.caller, &me).await.unwrap(), 0);
    assert!(rows(&world, &OF_GROUPS).await.is_empty());
    olga.send("mia", "hello").await;
    let new = group(&olga, &["mia"]).await;
    assert_eq!(world.chat.group_members(&olga.caller, &new, 0, 10).await.unwrap().len(), 2);
    world.chat.delete_user(&back_end, &user("olga")).await.unwrap();
}

#[tokio::test]
async fn a_deleted_user_takes_the_keys_of_its_groups_and_rooms_along() {
    let world = World::new();
    world.register(APP, &["olga", "mia"]).await;
    keep_receipts(&world).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let (walkers, square) = (group(&olga, &["mia"]).await, room(&world, &olga).await);
    let copy = rows(&world, &OF_GROUPS).await;
    let back_end = world.back_end(APP).await;
    world.chat.delete_user(&back_end, &user("olga")).await.unwrap();
    assert!(copy.iter().all(|row| !opens(&world, row)), "{walkers:?}, {square:?}");
    assert_eq!(receipts(&world.store).await.len(), 3, "the user's, the group's, the room's");
    assert!(rows(&world, &ENDS).await.is_empty());
    // The name is free at once, for somebody else.
    world.clock.advance(2 * SECOND);
    world.register(APP, &["olga"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    assert!(olga.unread().await.is_empty());
    assert_eq!(end_objects(&world).await, 0);
    assert!(world.chat.user(&back_end, &user("olga")).await.is_ok());
}

/// The server dies between the dismissal, or the deletion, and the destruction of the keys, with any of the commits in
/// between: the next start ends what was begun.
#[tokio::test]
async fn what_was_dismissed_when_the_server_died_ends_with_the_next_start() {
    let mut begun = 0;
    for (round, per_mille) in [150, 300, 600, 150, 1000, 100].into_iter().enumerate() {
        let mut world = World::new();
        world.register(APP, &["olga", "mia"]).await;
        keep_receipts(&world).await;
        let olga = world.log_in(APP, "olga", "web").await;
        let walkers = group(&olga, &["mia"]).await;
        let copy = rows(&world, &OF_GROUPS).await;
        let of_olga = rows(&world, &[11, 14]).await;
        let (caller, back_end) = (olga.caller.clone(), world.back_end(APP).await);
        // What is asked for was not read before by this life.
        world.restarted_over(Faults { after_commit: per_mille, ..Faults::default() });
        let deletes = round % 2 == 1;
        let _ = match deletes {
            true => world.chat.delete_user(&back_end, &user("olga")).await.map(drop),
            false => world.chat.dismiss_group(&caller, None, &walkers).await,
        };
        world.restarted();
        begun += usize::from(copy.iter().any(|row| opens(&world, row)));
        end_objects(&world).await;
        let state = world.chat.groups(&back_end, std::slice::from_ref(&walkers)).await;
        if state.is_ok() {
            // It died before it came to the group.
            assert!(deletes && world.chat.user(&back_end, &user("olga")).await.is_ok(), "{round}");
            continue;
        }
        assert!(copy.iter().all(|row| !opens(&world, row)), "{round}");
        assert!(rows(&world, &OF_GROUPS).await.is_empty(), "{round}");
        assert!(rows(&world, &ENDS).await.is_empty(), "{round}");
        if world.chat.user(&back_end, &user("olga")).await.is_err() {
            assert!(deletes);
            let left = of_olga.iter().filter(|row| opens(&world, row)).count();
            assert_eq!(left, 1, "{round}: mia's alone");
        }
    }
    assert!(begun > 0, "some died before the key was destroyed");
}

/// Members write, leave and ask while the group is dismissed: each is done before it or comes too late, and no key is
/// made for it once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_acts_while_a_group_is_dismissed_comes_before_it_or_too_late() {
    let world = World::new();
    world.register(APP, &["olga", "mia", "sam"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let (mia, sam) = (world.log_in(APP, "mia", "web").await, world.log_in(APP, "sam", "web").await);
    for _ in 0..10 {
        let walkers = group(&olga, &["mia", "sam"]).await;
        let before = world.vault.keys().len();
        let of_group = rows(&world, &[18]).await;
        let dismissal = world.chat.dismiss_group(&olga.caller, None, &walkers);
        let talk = async |device: &Device| {
            for n in 0..5 {
                match device.send_draft(to_group(walkers.as_str(), "hello")).await {
                    Ok(_) | Err(Error::UnknownGroup | Error::NotInGroup) => {}
                    Err(error) => panic!("{n}: {error:?}"),
                }
            }
        };
        let leaving = async {
            match world.chat.leave_group(&sam.caller, None, &walkers).await {
                Ok(()) | Err(Error::UnknownGroup | Error::NotInGroup) => {}
                Err(error) => panic!("{error:?}"),
            }
        };
        let (dismissed, (), (), ()) = tokio::join!(dismissal, talk(&mia), talk(&sam), leaving);
        dismissed.unwrap();
        assert!(of_group.iter().all(|row| !opens(&world, row)));
        assert_eq!(
            world.vault.keys().len(),
            before - 1,
            "its key is gone, and none was made for it"
        );
        let late = mia.send_draft(to_group(walkers.as_str(), "late")).await;
        assert!(matches!(late, Err(Error::UnknownGroup)));
    }
}

async fn dismiss_unused(world: &World) -> Vec<GroupId> {
    let mut gone = world.chat.dismiss_unused(&scope(world), PACE).await.unwrap();
    gone.sort_unstable();
    gone
}

/// The moment at which what was used at `used` last is over.
fn over(used: stoa_core::Timestamp) -> stoa_core::Timestamp {
    used.day().next().start().plus(180 * DAY)
}

#[tokio::test]
async fn a_group_or_room_without_use_for_180_days_is_dismissed_and_one_that_is_used_stays() {
    let mut world = World::new();
    world.register(APP, &["olga", "mia", "zoe"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let mia = world.log_in(APP, "mia", "web").await;
    let quiet = group(&olga, &["mia"]).await;
    let [spoken, joined, entered, empty] = [
        group(&olga, &["mia"]).await,
        group(&olga, &["mia"]).await,
        room(&world, &olga).await,
        room(&world, &olga).await,
    ];
    let made = world.clock.now();
    world.clock.advance(100 * DAY);
    olga.send_draft(to_group(spoken.as_str(), "hello")).await.unwrap();
    let back_end = world.back_end(APP).await;
    world.chat.add_members(&back_end, None, &joined, vec![user("zoe")]).await.unwrap();
    enter(&mia, &entered).await.unwrap();
    let used = world.clock.now();
    // On the same day nothing more is written of it.
    let written = rows(&world, &[18]).await;
    for text in ["one", "two"] {
        olga.send_draft(to_group(spoken.as_str(), text)).await.unwrap();
    }
    assert_eq!(rows(&world, &[18]).await, written);

    world.restarted();
    world.clock.set(over(made).minus(SECOND));
    assert!(dismiss_unused(&world).await.is_empty());
    let olga = world.log_in(APP, "olga", "web").await;
    let mia = world.log_in(APP, "mia", "web").await;
    assert_eq!(members_of(&world, &quiet).await.unwrap(), 2, "it is there");
    let copy = rows(&world, &OF_GROUPS).await;
    world.clock.set(over(made));
    mia.inbox.take();
    let mut gone = vec![quiet.clone(), empty.clone()];
    gone.sort_unstable();
    assert_eq!(dismiss_unused(&world).await, gone);
    let told = mia.inbox.take();
    assert!(!told.is_empty(), "members are told at once");
    assert!(mia.unread().await.contains(&quiet.as_str().to_owned()), "and find it later");
    let late = olga.send_draft(to_group(quiet.as_str(), "late")).await;
    assert!(matches!(late, Err(Error::UnknownGroup)));
    assert!(matches!(enter(&olga, &empty).await, Err(Error::UnknownRoom)));
    assert!(copy.iter().any(|row| !opens(&world, row)), "its key is gone");
    assert!(rows(&world, &ENDS).await.is_empty());

    for id in [&spoken, &joined, &entered] {
        assert!(members_of(&world, id).await.unwrap() > 0);
    }
    world.clock.set(over(used).minus(SECOND));
    assert!(dismiss_unused(&world).await.is_empty());
    olga.send_draft(to_group(spoken.as_str(), "and on it goes")).await.unwrap();
    world.clock.set(over(used));
    let mut gone = vec![joined, entered];
    gone.sort_unstable();
    assert_eq!(dismiss_unused(&world).await, gone);
    assert_eq!(members_of(&world, &spoken).await.unwrap(), 2);
    world.clock.advance(181 * DAY);
    assert_eq!(dismiss_unused(&world).await, [spoken]);
    assert!(rows(&world, &OF_GROUPS).await.is_empty());
}

async fn members_of(world: &World, id: &GroupId) -> Result<usize, Error> {
    let back_end = world.back_end(APP).await;
    Ok(world.chat.group_members(&back_end, id, 0, 10).await?.len())
}

/// What an earlier release has written says nothing of uses of groups, also the one that wrote down when users were there.
#[tokio::test]
async fn groups_of_an_earlier_release_are_used_from_its_end_on() {
    let mut world = World::new();
    world.register(APP, &["olga"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let walkers = group(&olga, &[]).await;
    world.clock.advance(400 * DAY);
    world.restarted();
    world.chat.begin_index(&Operator::of_this_process()).await.unwrap();
    world.clock.advance(10 * DAY);
    world.restarted();
    world.chat.begin_index(&Operator::of_this_process()).await.unwrap();
    world.clock.advance(170 * DAY);
    assert!(dismiss_unused(&world).await.is_empty());
    world.clock.advance(DAY);
    assert_eq!(dismiss_unused(&world).await, [walkers]);
}
