//! One person's data, handed out.

use std::collections::BTreeMap;

use serde_json::Value;
use stoa_chat::Error;
use stoa_chat::person::{PersonSink, Told};
use stoa_core::{Caller, UserId};

use crate::world::{APP, OTHER, World};

/// What was handed out, by space.
#[derive(Default)]
pub(crate) struct Handed {
    pub(crate) records: BTreeMap<&'static str, Vec<Value>>,
    pub(crate) bodies: Vec<Vec<u8>>,
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl PersonSink for Handed {
    async fn tell(&mut self, told: Told) -> Result<(), Error> {
        match told {
            Told::Record { space, value, entry } => {
                self.records.entry(space.name).or_default().push(value);
                self.bodies.extend(entry.map(|entry| entry.body.to_vec()));
            }
            Told::File { id } => self.files.push((id, Vec::new())),
            Told::Bytes(bytes) => self.files.last_mut().unwrap().1.extend_from_slice(&bytes),
            Told::Looked(_) => {}
        }
        Ok(())
    }
}

impl Handed {
    pub(crate) async fn of(world: &World, caller: &Caller, user: &str) -> (bool, Self) {
        let (user, mut handed) = (user.parse::<UserId>().unwrap(), Self::default());
        let found = world.chat.export_person(caller, &user, &mut handed).await.unwrap();
        (found, handed)
    }

    pub(crate) fn count(&self, space: &str) -> usize {
        self.records.get(space).map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_person_gets_what_concerns_it_and_nothing_of_others() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    world.register(OTHER, &["alice"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    alice.send("bob", "from alice to bob").await;
    bob.send("alice", "from bob to alice").await;
    bob.send("carol", "not for alice").await;
    let owner = world.back_end(APP).await;
    let (carol, name) = ("carol".parse().unwrap(), "alice".parse().unwrap());
    let note = BTreeMap::from([("nickname".to_owned(), "Al".to_owned())]);
    world.chat.set_attributes(&owner, &name, &note).await.unwrap();
    world.chat.block_users(&owner, &carol, None, std::slice::from_ref(&name)).await.unwrap();

    let (found, handed) = Handed::of(&world, &owner, "alice").await;
    assert!(found);
    assert_eq!(handed.count("users"), 1);
    assert_eq!(handed.records["users"][0]["username"], "alice");
    assert_eq!(handed.count("memberships"), 1, "the conversation with bob");
    assert_eq!(handed.count("messages"), 2);
    assert_eq!(handed.bodies.len(), 2);
    assert!(handed.bodies.iter().all(|body| body != b"not for alice"));
    assert_eq!(handed.records["user_attributes"][0]["nickname"], "Al");
    assert_eq!(handed.count("blocks"), 1, "somebody blocks it");
    assert!(!handed.records["blocks"][0].to_string().contains("carol"), "who, it is not told");
    assert_eq!(handed.count("devices"), 1);

    // A user's token does not do, and nobody is found who never was.
    let refused = world.chat.export_person(&alice.caller, &name, &mut Handed::default()).await;
    assert!(matches!(refused, Err(Error::NotAllowed)), "{refused:?}");
    let (found, handed) = Handed::of(&world, &owner, "nobody").await;
    assert!(!found && handed.records.is_empty() && handed.files.is_empty());
}
