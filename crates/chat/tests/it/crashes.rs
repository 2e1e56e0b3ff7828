//! The server dies in the middle of what is done to groups and contacts: all of it is there
//! afterwards, or nothing.
//!
//! Each act runs three times over the same beginning. Once undisturbed, which says what rows it
//! leaves behind. Once with a commit that is lost: not one row is other than before. And once with a
//! commit that is written while the server dies before it hears of it: the rows are those of the
//! undisturbed run, and a new life of the server goes on from there.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use stoa_chat::{Attributes, Error, NewGroup};
use stoa_core::{Caller, GroupId, Target, UserId};
use stoa_store::engine::Faults;

use crate::dismissal::end_objects;
use crate::world::{APP, World, draft};

/// What an act is done with.
struct Scene<'w> {
    world: &'w World,
    group: GroupId,
    owner: Caller,
    member: Caller,
    stranger: Caller,
}

type Acting<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;
type Act = for<'a> fn(&'a Scene<'a>) -> Acting<'a>;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn new_group(owner: &str, members: &[&str]) -> NewGroup {
    NewGroup {
        owner: user(owner),
        name: "walkers".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: true,
        approval: true,
        member_invites: false,
        invite_confirm: true,
        max_members: 20,
        members: members.iter().map(|name| user(name)).collect(),
    }
}

/// The acts, each in a word.
const ACTS: &[(&str, Act)] = &[
    ("make a group", |s| {
        Box::pin(async move {
            let new = NewGroup { invite_confirm: false, ..new_group("olga", &["mia", "sam"]) };
            s.world.chat.create_group(&s.owner, None, new).await.map(drop)
        })
    }),
    ("make a group that asks", |s| {
        Box::pin(async move {
            let new = new_group("olga", &["mia", "sam"]);
            s.world.chat.create_group(&s.owner, None, new).await.map(drop)
        })
    }),
    ("add a member", |s| {
        Box::pin(async move {
            let back_end = s.world.back_end(APP).await;
            s.world.chat.add_members(&back_end, None, &s.group, vec![user("sam")]).await.map(drop)
        })
    }),
    ("invite", |s| {
        Box::pin(async move {
            let users = vec![user("sam")];
            s.world.chat.invite_to_group(&s.owner, None, &s.group, users).await.map(drop)
        })
    }),
    ("apply", |s| {
        Box::pin(async move {
            let sam = user("sam");
            s.world.chat.apply_to_group(&s.stranger, None, &s.group, &sam, None).await.map(drop)
        })
    }),
    ("remove a member", |s| {
        Box::pin(async move {
            let users = vec![user("mia")];
            s.world.chat.remove_members(&s.owner, None, &s.group, users).await.map(drop)
        })
    }),
    ("leave", |s| Box::pin(s.world.chat.leave_group(&s.member, None, &s.group))),
    ("make an administrator", |s| {
        Box::pin(async move {
            s.world.chat.add_group_admin(&s.owner, None, &s.group, &user("mia")).await
        })
    }),
    ("give the group away", |s| {
        Box::pin(async move {
            s.world.chat.transfer_group(&s.owner, None, &s.group, &user("mia")).await
        })
    }),
    ("mute", |s| {
        Box::pin(async move {
            let users = vec![user("mia")];
            s.world.chat.mute_in_group(&s.owner, None, &s.group, users, None).await.map(drop)
        })
    }),
    ("block a member", |s| {
        Box::pin(async move {
            let users = vec![user("mia")];
            s.world.chat.block_in_group(&s.owner, None, &s.group, users).await.map(drop)
        })
    }),
    ("announce", |s| {
        Box::pin(s.world.chat.set_group_announcement(&s.owner, None, &s.group, "Sunday, nine"))
    }),
    ("set attributes", |s| {
        Box::pin(async move {
            let changes = Attributes::from([("nick".into(), "Mimi".into())]);
            let mia = user("mia");
            s.world.chat.set_member_attributes(&s.member, None, &s.group, &mia, changes).await
        })
    }),
    ("dismiss", |s| Box::pin(s.world.chat.dismiss_group(&s.owner, None, &s.group))),
    ("invite a contact", |s| {
        Box::pin(async move {
            let (sam, invited) = (user("sam"), [user("mia")]);
            s.world.chat.invite_contacts(&s.stranger, &sam, None, &invited, "hello").await
        })
    }),
    ("accept a contact", |s| {
        Box::pin(async move {
            s.world.chat.accept_contact(&s.member, &user("mia"), None, &user("olga")).await
        })
    }),
    ("block a user", |s| {
        Box::pin(async move {
            let blocked = [user("olga")];
            s.world.chat.block_users(&s.member, &user("mia"), None, &blocked).await
        })
    }),
];

/// A group of two, a message in it, an invitation between the two, and a conversation of theirs.
async fn beginning(world: &World) -> GroupId {
    world.register(APP, &["olga", "mia", "sam"]).await;
    let owner = world.caller(APP, Some("olga")).await;
    let new = NewGroup { invite_confirm: false, ..new_group("olga", &["mia"]) };
    let group = world.chat.create_group(&owner, None, new).await.unwrap();
    let asks = stoa_chat::GroupChange { invite_confirm: Some(true), ..Default::default() };
    world.chat.change_group(&owner, None, &group, asks).await.unwrap();
    let device = world.log_in(APP, "olga", "web").await;
    let to_group = Target::Group(group.clone());
    device.send_draft(stoa_chat::Draft { to: to_group, ..draft("mia", "one", 1) }).await.unwrap();
    device.send("mia", "hello").await;
    let (olga, invited) = (user("olga"), [user("mia")]);
    world.chat.invite_contacts(&owner, &olga, None, &invited, "friends?").await.unwrap();
    group
}

/// Does `act` in a new world whose commits fail as `faults` say, and answers the rows before and after.
async fn rows(act: Act, faults: Faults) -> (World, Vec<(Bytes, Bytes)>, Vec<(Bytes, Bytes)>) {
    let mut world = World::new();
    let group = beginning(&world).await;
    let before = world.everything().await;
    // What the act reads was not read before by this life of the service.
    world.restarted_over(faults);
    let outcome = {
        let (owner, member, stranger) = (
            world.caller(APP, Some("olga")).await,
            world.caller(APP, Some("mia")).await,
            world.caller(APP, Some("sam")).await,
        );
        act(&Scene { world: &world, group, owner, member, stranger }).await
    };
    match faults == Faults::default() {
        true => outcome.unwrap(),
        false => assert!(outcome.unwrap_err().outcome_is_unknown(), "it died"),
    }
    world.restarted();
    // What a start does with what the one before has ended.
    end_objects(&world).await;
    let after = world.everything().await;
    (world, before, after)
}

fn keys(rows: &[(Bytes, Bytes)]) -> Vec<Bytes> {
    rows.iter().map(|(key, _)| key.clone()).collect()
}

#[tokio::test]
async fn all_or_nothing() {
    for (name, act) in ACTS {
        let (_, before, done) = rows(*act, Faults::default()).await;
        assert_ne!(before, done, "{name}: it writes something");
        let lost = Faults { lost_commit: 1000, ..Faults::default() };
        let (_, before, after) = rows(*act, lost).await;
        assert!(before == after, "{name}: a commit that was lost left something behind");
        let written = Faults { after_commit: 1000, ..Faults::default() };
        let (world, _, after) = rows(*act, written).await;
        assert_eq!(keys(&after), keys(&done), "{name}: half of it was written");
        // And life goes on: everybody finds what is theirs, and the conversation takes messages.
        for name in ["olga", "mia", "sam"] {
            let device = world.log_in(APP, name, "another").await;
            for queue in device.unread().await {
                let page = device.page(&queue, None).await;
                assert!(!page.more && page.end > page.start, "{queue}");
            }
        }
        let device = world.log_in(APP, "olga", "web").await;
        device.send("sam", "still there?").await;
    }
}
