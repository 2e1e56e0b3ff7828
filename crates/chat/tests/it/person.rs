//! One person's data, handed out.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use stoa_chat::attachment::NewFile;
use stoa_chat::lifetime::Pace;
use stoa_chat::person::{PSEUDONYM, PersonSink, Renaming, Told};
use stoa_chat::{Draft, Error, HistoryQuery, NewGroup};
use stoa_core::{Caller, GroupId, MessageId, Operator, Target, UserId};
use stoa_store::engine::{Direction, Faults};
use stoa_store::spaces::SPACES;

use crate::world::{APP, OTHER, World, draft};

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

/// A world with files in which alice has left traces everywhere, of whom nothing is to stay.
struct Lab {
    world: World,
    dir: tempfile::TempDir,
    group: GroupId,
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// Bodies of these tests are texts; a kept one is marked with the name that stands for its sender.
fn renaming() -> Renaming {
    Renaming::new(|entry| {
        let text = String::from_utf8_lossy(&entry.body).replace("alice", entry.from.as_str());
        Bytes::from(text.into_bytes())
    })
}

impl Lab {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::with_files(dir.path());
        world.register(APP, &["alice", "bob", "carol"]).await;
        let (chat, owner) = (&world.chat, world.back_end(APP).await);
        let alice = world.log_in(APP, "alice", "web").await;
        let bob = world.log_in(APP, "bob", "web").await;
        let carol = world.log_in(APP, "carol", "web").await;
        alice.send("bob", "by alice to bob").await;
        bob.send("alice", "by bob").await;
        bob.send("carol", "between others").await;
        carol.send("bob", "between others, too").await;
        let new = |who: &str, members: &[&str]| NewGroup {
            owner: user(who),
            name: "walkers".into(),
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            public: true,
            approval: true,
            member_invites: true,
            invite_confirm: false,
            max_members: 20,
            members: members.iter().map(|name| user(name)).collect(),
        };
        let group = chat.create_group(&owner, None, new("bob", &["alice", "carol"])).await.unwrap();
        let own = chat.create_group(&owner, None, new("alice", &["bob"])).await.unwrap();
        for (device, text, id) in [
            (&alice, "by alice to all", 7),
            (&bob, "by bob to all", 8),
            (&alice, "more by alice", 9),
        ] {
            for place in [&group, &own] {
                let to = Target::Group(place.clone());
                let draft = Draft { to, receipts: true, ..draft("bob", text, id) };
                device.send_draft(draft).await.unwrap();
            }
        }
        let target = Target::Group(group.clone());
        let spoken =
            chat.history(&bob.caller, &HistoryQuery::newest(target.clone(), 9)).await.unwrap();
        let by_alice = spoken.entries.iter().find(|entry| entry.body == "by alice to all").unwrap();
        for device in [&alice, &bob] {
            let (caller, on) = (&device.caller, &device.resource);
            chat.pin_message(caller, on, &target, by_alice.id, true).await.unwrap();
        }
        chat.report_message(&carol.caller, by_alice.id, "spam", "no reason").await.unwrap();
        chat.add_contact(&owner, &user("alice"), &user("bob")).await.unwrap();
        chat.block_users(&owner, &user("carol"), None, &[user("alice")]).await.unwrap();
        let day = Duration::from_secs(86_400);
        chat.subscribe_presence(&owner, &user("bob"), &[user("alice")], day).await.unwrap();
        chat.add_super_admin(&owner, &user("alice")).await.unwrap();
        for (device, text) in [(&alice, "a file of alice"), (&bob, "a file of bob")] {
            let mut upload = chat.begin_upload(&device.caller).await.unwrap();
            upload.push(text.as_bytes()).await.unwrap();
            let new = NewFile { name: "note.txt".into(), ..NewFile::default() };
            chat.finish_upload(&device.caller, upload, new).await.unwrap();
        }
        Self { world, dir, group }
    }

    async fn erase(&self) -> Result<bool, Error> {
        let app = Operator::of_this_process().in_app(self.world.app(APP));
        self.world.chat.erase_person(&app, &user("alice"), &renaming(), &|_| {}).await
    }

    async fn finish(&self) -> usize {
        let app = Operator::of_this_process().in_app(self.world.app(APP));
        self.world.chat.finish_erasures(&app, &renaming(), &|_| {}).await.unwrap()
    }

    /// Every record of the app that opens, by the space and what it says.
    async fn records(&self) -> Vec<(&'static str, Vec<u8>)> {
        let store = self.world.store.app(&self.world.back_end(APP).await).await.unwrap();
        let read = store.read().await.unwrap();
        let mut records = Vec::new();
        for space in SPACES.iter().filter(|space| space.owner.includes(false)) {
            let all = store.key(space).all();
            let rows = read.scan(&all, Direction::Forward, usize::MAX).await.unwrap();
            records.extend(rows.into_iter().map(|(_, value)| (space.name, value.to_vec())));
        }
        records
    }

    /// The records that name alice.
    async fn naming(&self) -> Vec<(&'static str, String)> {
        let named = self.records().await.into_iter();
        let named = named.filter(|(_, value)| value.windows(5).any(|five| five == b"alice"));
        named.map(|(space, value)| (space, String::from_utf8_lossy(&value).into_owned())).collect()
    }

    /// What bob and carol find in their conversations that is not by alice, in order.
    async fn of_others(&self) -> Vec<(String, MessageId, String)> {
        let mut all = Vec::new();
        for (name, peers) in [("bob", &["alice", "carol"][..]), ("carol", &["bob"])] {
            let device = self.world.log_in(APP, name, "reader").await;
            let groups = [Target::Group(self.group.clone())];
            let peers = peers.iter().map(|peer| Target::User(user(peer)));
            for with in peers.chain(groups) {
                let query = HistoryQuery::newest(with, 50);
                let page = self.world.chat.history(&device.caller, &query).await.unwrap();
                let others = page
                    .entries
                    .into_iter()
                    .filter(|entry| !matches!(entry.from.as_str(), "alice" | PSEUDONYM));
                all.extend(others.map(|entry| {
                    let text = String::from_utf8(entry.body.to_vec()).unwrap();
                    (entry.from.as_str().to_owned(), entry.id, text)
                }));
            }
        }
        all
    }

    /// That nothing of alice is left but what others wrote to her, and nothing else is missing.
    async fn check(&self, of_others: &[(String, MessageId, String)]) {
        assert_eq!(self.of_others().await, of_others);
        for (space, value) in self.naming().await {
            let to_her = space == "messages" && value.contains("by bob");
            let kept = to_her || space == "memberships";
            assert!(kept, "{space}: {value}");
        }
        let owner = self.world.back_end(APP).await;
        let (found, handed) = Handed::of(&self.world, &owner, "alice").await;
        let left: Vec<_> = handed.records.keys().filter(|space| **space != "revocations").collect();
        assert!(!found && left.is_empty() && handed.files.is_empty(), "{left:?}");
        let bob = Handed::of(&self.world, &owner, "bob").await.1;
        assert_eq!(bob.files.len(), 1);
        let groups = bob.records["memberships"].iter().filter(|row| row["kind"] == "group");
        let groups: Vec<_> = groups.filter(|row| row["untilSeq"].is_null()).collect();
        assert_eq!(groups.len(), 1, "the group that alice owned is dismissed");
        assert_eq!(groups[0]["conversation"], self.group.as_str());
    }
}

#[tokio::test]
async fn who_is_erased_is_named_nowhere_and_others_keep_what_is_theirs() {
    let lab = Lab::new().await;
    let before = lab.of_others().await;
    assert!(before.len() >= 5, "{before:?}");
    assert!(lab.naming().await.len() > 20);
    assert!(lab.erase().await.unwrap());
    lab.check(&before).await;
    assert_eq!(lab.finish().await, 0, "it is done");
    let texts: Vec<_> = lab.records().await.into_iter().map(|(_, value)| value).collect();
    let holds =
        |text: &[u8]| texts.iter().any(|value| value.windows(text.len()).any(|part| part == text));
    assert!(holds(PSEUDONYM.as_bytes()) && holds(b"by bob to all"));
    assert!(!holds(b"by alice") && !holds(b"more by"), "what was said is gone");
    // Nobody can take the name that stands for all of them; hers can be another person's.
    let taken =
        vec![stoa_chat::NewUser { username: user(PSEUDONYM), password: None, nickname: None }];
    let taken = lab.world.chat.register(&lab.world.back_end(APP).await, taken).await.unwrap();
    assert_eq!(taken.taken.len(), 1);
    lab.world.clock.advance(Duration::from_secs(3600));
    lab.world.register(APP, &["alice"]).await;
    lab.world.log_in(APP, "alice", "web").await.send("bob", "by another alice").await;
    let again = lab.world.chat_again();
    let app = Operator::of_this_process().in_app(lab.world.app(APP));
    assert_eq!(again.finish_erasures(&app, &renaming(), &|_| {}).await.unwrap(), 0);
    assert!(lab.naming().await.iter().any(|(_, value)| value.contains("by another alice")));
}

#[tokio::test]
async fn where_the_app_wants_it_messages_stay_under_another_name() {
    let lab = Lab::new().await;
    let mut app = (*lab.world.app(APP)).clone();
    app.chat.keeps_erased_messages = true;
    lab.world.set_app(&std::sync::Arc::new(app));
    let before = lab.of_others().await;
    lab.erase().await.unwrap();
    lab.check(&before).await;
    let bob = lab.world.log_in(APP, "bob", "web").await;
    let query = HistoryQuery::newest(Target::Group(lab.group.clone()), 50);
    let page = lab.world.chat.history(&bob.caller, &query).await.unwrap();
    let kept: Vec<_> =
        page.entries.iter().filter(|entry| entry.from.as_str() == PSEUDONYM).collect();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|entry| entry.body == "by erased-user to all"));
}

/// The server dies at each commit, which was written or not; the next start goes on.
#[tokio::test]
async fn an_erasure_that_is_interrupted_anywhere_is_finished_by_the_next_start() {
    for written in [false, true] {
        for commit in 0.. {
            let mut lab = Lab::new().await;
            let before = lab.of_others().await;
            lab.world.restarted_over_files(Faults::crash(commit, written), lab.dir.path());
            let outcome = lab.erase().await;
            lab.world.open_files(lab.dir.path());
            let begun = lab.finish().await;
            // The ledger comes before all that is stored, so it is always begun; the last commit says that it is done.
            assert!(begun == 1 || outcome.is_ok() || written, "commit {commit}");
            lab.check(&before).await;
            assert_eq!(lab.finish().await, 0);
            if outcome.is_ok() {
                assert!(commit > 15, "{commit} commits");
                break;
            }
        }
    }
}

/// Data from before, with the vault of today.
#[tokio::test]
async fn data_that_are_brought_back_from_before_are_erased_again() {
    let lab = Lab::new().await;
    let (before, rows) = (lab.of_others().await, lab.world.everything().await);
    lab.erase().await.unwrap();
    let lab = Lab { world: lab.world.with_rows(rows, lab.dir.path()).await, ..lab };
    assert!(lab.naming().await.iter().any(|(_, value)| value.contains("by alice")));
    assert_eq!(lab.finish().await, 1);
    // The group that was hers is gone with its key; its members' places end with the first look for such groups.
    let app = Operator::of_this_process().in_app(lab.world.app(APP));
    assert!(lab.world.chat.dismiss_unused(&app, Pace::ALONE).await.unwrap().is_empty());
    lab.check(&before).await;
    assert_eq!(lab.finish().await, 0);
}
