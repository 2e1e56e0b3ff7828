//! Commits of which nobody knows whether they were written: whoever is online is told what was, and once.

use std::collections::BTreeMap;

use stoa_chat::entry::{Event, Kind, Queue};
use stoa_chat::{Draft, Error, NewRoom};
use stoa_core::{GroupId, Target};
use stoa_store::engine::Faults;

use crate::rooms::settle;
use crate::world::{APP, Device, World, draft};

/// More commits than the scenes below make.
const COMMITS: u64 = 40;

/// Does something until it is known to have been done.
macro_rules! insist {
    ($act:expr) => {
        loop {
            match $act {
                Err(error) if error.outcome_is_unknown() => {}
                outcome => break outcome.unwrap(),
            }
        }
    };
}

async fn device(world: &World, user: &str) -> Device {
    let token = world.token(APP, Some(user));
    let request = || world.login_request(APP, user, "web", &token);
    insist!(world.log_in_as(request()).await)
}

async fn world_of(users: &[&str]) -> World {
    let world = World::new();
    world.register(APP, users).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_a_room_is_heard_once_by_who_is_there_and_by_nobody_else() {
    let mut reached = 0;
    for commit in 0..COMMITS {
        let mut world = world_of(&["owner", "amy", "ben", "cat"]).await;
        let new = NewRoom {
            owner: "owner".parse().unwrap(),
            name: "hall".into(),
            description: String::new(),
            max_members: 10,
            members: Vec::new(),
        };
        let room = world.chat.create_room(&world.back_end(APP).await, None, new).await.unwrap();
        world.restarted_over(Faults { unknown: Some(commit), ..Faults::default() });
        let amy = device(&world, "amy").await;
        let ben = device(&world, "ben").await;
        let cat = device(&world, "cat").await;
        for device in [&amy, &ben, &cat] {
            let (caller, resource) = (&device.caller, &device.resource);
            insist!(world.chat.join_room(caller, resource, &room, "", false).await);
        }
        let mut unsure = false;
        for n in 1..=4_u64 {
            unsure |= say(&amy, &room, n).await;
        }
        insist!(match world.chat.leave_room(&cat.caller, &room).await {
            Err(Error::NotInGroup) => Ok(()),
            left => left,
        });
        assert_eq!(heard(&cat).await, [1, 2, 3, 4], "commit {commit}");
        say(&amy, &room, 5).await;
        assert_eq!(heard(&ben).await, [1, 2, 3, 4, 5], "commit {commit}");
        assert_eq!(heard(&cat).await, [0; 0], "commit {commit}");
        reached += u64::from(unsure);
    }
    assert!(reached >= 3, "of the messages' own commits only {reached} were in doubt");
}

/// Says `n`, and once more if it is not known whether it was said; answers whether it was so.
async fn say(device: &Device, room: &GroupId, n: u64) -> bool {
    let draft = || Draft { to: Target::Group(room.clone()), ..draft("unused", &n.to_string(), n) };
    match device.send_draft(draft()).await {
        Err(error) if error.outcome_is_unknown() => {
            device.send_draft(draft()).await.unwrap();
            true
        }
        said => said.map(|_| false).unwrap(),
    }
}

/// The messages that came, each as often as it did.
async fn heard(device: &Device) -> Vec<u64> {
    settle().await;
    let entries = device.pushed_entries();
    let messages = entries.iter().filter(|entry| entry.kind != Kind::GroupEvent);
    messages.map(|entry| std::str::from_utf8(&entry.body).unwrap().parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn who_is_online_looks_for_a_message_that_nobody_sends_again() {
    let mut ends = BTreeMap::<&str, u64>::new();
    for commit in 0..COMMITS {
        let mut world = world_of(&["amy", "ben"]).await;
        world.restarted_over(Faults { unknown: Some(commit), ..Faults::default() });
        let amy = device(&world, "amy").await;
        let ben = device(&world, "ben").await;
        ben.inbox.take();
        let sent = amy.send_draft(draft("ben", "hello", 7)).await;
        settle().await;
        let came = ben.inbox.take();
        let end = match sent {
            Ok(_) => {
                assert!(matches!(&*came[0], Event::Appended(_)), "commit {commit}");
                "was told"
            }
            Err(error) => {
                assert!(error.outcome_is_unknown(), "commit {commit}: {error}");
                assert_eq!((came.len(), ben.inbox.missed()), (0, 1), "commit {commit}");
                let queue = Queue::With("amy".parse().unwrap());
                assert!(
                    insist!(ben.chat.unread(&ben.caller, &ben.resource).await)
                        .iter()
                        .any(|unread| unread.queue == queue)
                );
                "looked for it"
            }
        };
        *ends.entry(end).or_default() += 1;
    }
    assert_eq!(ends.get("looked for it"), Some(&1), "{ends:?}");
}
