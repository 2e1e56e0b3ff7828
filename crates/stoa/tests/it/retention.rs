//! How long things are kept, and what is left of what was destroyed, at the command line.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use stoa::config::{self, Config, Environment, Settings};
use stoa::lifetime::Ended;
use stoa::node::{Files, Founding, Node};
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::lifetime::Pace;
use stoa_chat::{Chat, Draft, NewUser};
use stoa_core::{
    App, Caller, ManualClock, Operator, Resource, Target, Timestamp, UserId, issue_token,
};
use stoa_store::classes::CLASS_ROOM;
use stoa_store::{Bucket, StoreError, spaces};
use stoa_vault::Opened;
use tokio::sync::oneshot;

use crate::command_line::json;
use crate::server::{Place, text};

const APP: [&str; 2] = ["--app", "acme#support"];

fn with(command: &[&'static str]) -> Vec<&'static str> {
    [command, &APP].concat()
}

fn class(place: &Place, name: &str) -> Value {
    let shown = place.run(&with(&["retention", "show", "--json"]));
    let lines = shown.answer().lines().map(json);
    lines.into_iter().find(|line| line["class"] == name).unwrap()
}

const DAY: u64 = 86_400;

#[test]
fn a_shorter_retention_is_confirmed_and_waits_and_a_longer_one_holds_at_once() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    assert_eq!(class(&place, "messages")["seconds"], 180 * DAY);
    assert_eq!(class(&place, "user log")["seconds"], 7 * DAY);

    let shorter = with(&["retention", "set", "--messages", "30"]);
    let refusal = place.run(&shorter).refused(1).to_owned();
    for part in ["180 days", "for 30", "--confirm", "nothing was changed", "is destroyed from"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    assert_eq!(class(&place, "messages")["setting"], "plan");
    place.run(&[&shorter[..], &["--confirm"]].concat()).answer();
    let messages = class(&place, "messages");
    assert_eq!(
        (&messages["seconds"], &messages["pendingSeconds"]),
        (&(180 * DAY).into(), &(30 * DAY).into())
    );
    assert!(messages["pendingFrom"].as_u64().unwrap() > 0);
    let plan = ["app", "set", "plan", "free", "--key", "acme#support"];
    place.run(&plan).answer();

    place.run(&with(&["retention", "set", "--messages", "365"])).answer();
    let messages = class(&place, "messages");
    assert_eq!(
        (&messages["seconds"], &messages["pendingSeconds"]),
        (&(365 * DAY).into(), &Value::Null)
    );
    assert_eq!(messages["setting"], "365");
    // Back to the plan, which keeps them for seven days.
    place.run(&with(&["retention", "set", "--messages", "plan"])).refused(1);
    place.run(&with(&["retention", "set", "--messages", "0"])).refused(2);
}

#[test]
fn receipts_are_verified_without_a_server_and_whoever_changes_one_is_found_out() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    for name in ["alice", "bob", "carol"] {
        place.run(&[&["user", "create", "--user", name], &APP[..]].concat()).answer();
        place.run(&[&["user", "delete", "--user", name], &APP[..]].concat()).answer();
    }
    let server = place.serve_demo(&[]);
    place.run(&["app", "delete", "--key", "acme#support", "--confirm", "acme#support"]).answer();
    let whole = place.run(&["retention", "verify", "--json"]);
    assert_eq!(json(whole.answer())["receipts"], 4, "three users and the app");
    let export = ["retention", "receipts", "export", "--json", "--output"];
    let told = place.run(&[&export[..], &["receipts"]].concat());
    let key = text(&json(told.answer()), "publicKey").to_owned();
    drop(server);

    let file = fs::read_to_string(place.path("receipts")).unwrap();
    for name in ["alice", "bob", "carol", "acme", "support"] {
        assert!(!file.contains(name), "{name}");
    }
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 5, "with the end");
    // Where there are neither data nor keys.
    let elsewhere = Place::new();
    let verify = |key: &str, lines: &[&str]| {
        fs::write(elsewhere.path("copy"), lines.join("\n") + "\n").unwrap();
        let arguments = ["retention", "verify", "--file", "copy", "--public-key", key];
        elsewhere.command(&arguments).status().unwrap().code()
    };
    assert_eq!(verify(&key, &lines), Some(0));
    assert_eq!(verify(&"0".repeat(64), &lines), Some(1), "another data centre's key");
    assert_eq!(verify(&key, &lines[1..]), Some(1));
    assert_eq!(verify(&key, &lines[..4]), Some(1), "the end is missing");
    assert_eq!(verify(&key, &[&lines[..3], &lines[4..]].concat()), Some(1), "the last one is");
    for (from, to) in
        [("\"records\":", "\"records\":1"), ("destroyed", "removed"), ("\"app\":1", "\"app\":2")]
    {
        let changed = lines[1].replacen(from, to, 1);
        assert_ne!(changed, lines[1]);
        assert_eq!(
            verify(&key, &[lines[0], &changed, lines[2], lines[3], lines[4]]),
            Some(1),
            "{from}"
        );
    }
    place.run(&["retention", "verify", "--file", "receipts"]).refused(2);
}

/// Whoever has a copy of the data directory from before, and the keys of today.
#[test]
fn a_copy_of_the_data_from_before_opens_nothing_of_who_was_deleted() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let user = |command: &'static str, name: &'static str, more: &[&'static str]| {
        place.run(&[&["user", command, "--user", name], &APP[..], more].concat())
    };
    for name in ["alice", "bob"] {
        user("create", name, &[]).answer();
    }
    let data = place.data();
    let mut copy = std::process::Command::new("cp");
    copy.arg("-r").arg(&data).arg(place.path("old"));
    assert!(copy.status().unwrap().success());
    let keys = format!("{}.keys", data.display());
    let of_the_copy = ["--data", "old", "--keys", Box::leak(keys.into_boxed_str())];
    user("show", "alice", &of_the_copy).answer();
    user("delete", "alice", &[]).answer();
    user("show", "alice", &of_the_copy).refused(1);
    user("show", "bob", &of_the_copy).answer();
}

/// An app as it was so many days ago.
pub(crate) struct Past<'a> {
    node: &'a Node,
    app: Arc<App>,
    then: Timestamp,
    chat: Chat,
}

impl<'a> Past<'a> {
    pub(crate) fn of(node: &'a Node, days: u64) -> Self {
        let app = node.app(&"acme#support".parse().unwrap()).unwrap();
        let then = node.clock.now().minus(Duration::from_secs(days * DAY));
        let (store, entropy) = (node.store.clone(), node.entropy.clone());
        let clock = Arc::new(ManualClock::new(then));
        let chat = Chat::new(store, node.console.clone(), clock, entropy, 99);
        Self { node, app, then, chat }
    }

    pub(crate) async fn caller(&self, user: Option<&str>) -> Caller {
        let user = user.map(|user| user.parse::<UserId>().unwrap());
        let token = issue_token(&self.app, user.as_ref(), self.then, 3600, &*self.node.entropy);
        self.chat.authenticate(&self.app.key, token.expose()).await.unwrap()
    }

    pub(crate) async fn register(&self, names: &[&str]) {
        let new = |name: &&str| NewUser {
            username: name.parse().unwrap(),
            password: None,
            nickname: None,
        };
        let new = names.iter().map(new).collect();
        self.chat.register(&self.caller(None).await, new).await.unwrap();
    }

    /// Says something. `number` is another one for each that a user says on a day.
    pub(crate) async fn say(&self, from: &str, to: &str, number: u64) {
        let draft = Draft {
            to: Target::User(to.parse().unwrap()),
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            body: "hello".into(),
            ext: "".into(),
            content_bytes: 5,
            client_id: number,
            online_only: false,
            receipts: false,
            priority: Priority::Normal,
        };
        let (done, sent) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.chat.send(&self.caller(Some(from)).await, &Resource::none(), draft, done).await;
        sent.await.unwrap().unwrap();
    }
}

/// How many messages open of those that lie there, with the vault of today; whatever their time.
pub(crate) async fn opened(node: &Node) -> u64 {
    let mut dump = node.store.dump(&Operator::of_this_process()).await.unwrap();
    let mut opened = 0;
    while let Some(rows) = dump.next(1000).await.unwrap() {
        let messages = rows.iter().filter(|(key, _)| key[0] == spaces::MESSAGES.code);
        let opens = |(key, row): &&(Bytes, Bytes)| {
            matches!(node.vault.open_record(key, row).unwrap(), Opened::Plain(_))
        };
        opened += u64::try_from(messages.filter(opens).count()).unwrap();
    }
    opened
}

/// What opens the data in `data` of `place` in this process, with the place's vault.
pub(crate) fn config_of(place: &Place, data: &str) -> Config {
    let file = place.path("stoa.toml");
    let [data, keys] = [data, "data.keys"].map(|name| place.path(name));
    fs::write(&file, format!("data = {data:?}\nkeys = {keys:?}\n")).unwrap();
    let config = config::load(Settings::default(), Some(&file), &Environment::of([])).unwrap();
    // Commands would take it for theirs.
    fs::remove_file(file).unwrap();
    config
}

#[test]
fn a_day_that_is_over_ends_with_two_receipts_and_what_is_shown_says_so() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let config = config_of(&place, "data");
    with_node(&config, async |node| {
        let past = Past::of(node, 200);
        past.register(&["alice", "bob"]).await;
        past.say("alice", "bob", 1).await;
    });
    let messages = class(&place, "messages");
    assert_eq!(messages["keys"], 1);
    let next = messages["nextDestruction"].as_u64().unwrap();

    with_node(&config, async |node| {
        assert!(node.clock.now().as_millis() > next, "it is due");
        let ended = node.end_days(Pace::ALONE).await.unwrap();
        assert_eq!(ended, Ended { days: 1, rows: 1 });
        assert_eq!(node.end_days(Pace::ALONE).await.unwrap(), Ended::default(), "once");
        // The users were there when this release first came, as far as it knows.
        assert_eq!(node.delete_unused(Pace::ALONE).await.unwrap(), 0);
    });
    assert_eq!(class(&place, "messages")["keys"], 0);
    let shown = place.run(&with(&["retention", "show", "--json"]));
    let receipts: Vec<_> =
        shown.answer().lines().map(json).filter(|line| line["covered"] == "day").collect();
    let acts: Vec<_> = receipts.iter().map(|receipt| text(receipt, "act")).collect();
    assert_eq!(acts, ["removed", "destroyed"], "the newest first");
    assert_eq!(receipts[0]["records"], 1);
    // The data were opened again meanwhile: so many at the most.
    assert!(receipts[1]["records"].as_u64().unwrap() >= 1);
    assert_eq!(json(place.run(&["retention", "verify", "--json"]).answer())["receipts"], 2);
}

/// A class room stands for whatever ends at a moment: nobody was there when it was over, and the next start ends it.
#[test]
fn what_was_over_when_the_server_was_off_ends_at_its_next_start_with_a_receipt() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let file = place.path("stoa.toml");
    fs::write(&file, format!("data = {:?}\n", place.data())).unwrap();
    let config = config::load(Settings::default(), Some(&file), &Environment::of([])).unwrap();
    let of_app = async |node: &Node| {
        let app = node.console.apps().remove(0);
        node.store.app(&Operator::of_this_process().in_app(app)).await.unwrap()
    };
    let ends = async |node: &Node, name: &str, ago_s: u64| {
        let app = of_app(node).await;
        let room = app.blind("class room", &[name.as_bytes()]);
        let key = app.key(&spaces::ENDS_BY_TIME).number(8).number(0).blind(room).done();
        let bucket = Bucket::Object(room.0);
        app.seal_apart(&key, 0, &CLASS_ROOM, bucket, b"said in class").await.unwrap();
        let ended = node.clock.now().minus(Duration::from_secs(ago_s));
        let noted = app.transact(|mut txn| async move {
            txn.end_object(&CLASS_ROOM, room, ended).await?;
            Ok::<_, StoreError>(txn.done(()))
        });
        noted.await.unwrap();
        bucket
    };
    with_node(&config, async |node| {
        ends(node, "over", 3_600).await;
        ends(node, "kept", 1_800).await;
    });
    with_node(&config, async |node| {
        let app = of_app(node).await;
        let bucket = |name: &str| Bucket::Object(app.blind("class room", &[name.as_bytes()]).0);
        assert!(!app.has_key(&CLASS_ROOM, bucket("over")).unwrap(), "ended by the start");
        assert!(app.has_key(&CLASS_ROOM, bucket("kept")).unwrap());
        // And what is over while it runs, by the next minute.
        ends(node, "later", 4_000).await;
        assert_eq!(node.end_objects().await.unwrap(), 1);
        assert!(!app.has_key(&CLASS_ROOM, bucket("later")).unwrap());
        assert_eq!(node.dismiss_unused(Pace::ALONE).await.unwrap(), 0);
    });
    let shown = place.run(&with(&["retention", "show", "--json"]));
    let receipts: Vec<_> =
        shown.answer().lines().map(json).filter(|line| line["covered"] == "object").collect();
    assert_eq!(receipts.len(), 2);
    assert!(receipts.iter().all(|receipt| receipt["class"] == 8 && receipt["keyCount"] == 1));
    assert_eq!(json(place.run(&["retention", "verify", "--json"]).answer())["whole"], true);
}

/// Opens the data in this process, and lets go of them.
pub(crate) fn with_node(config: &Config, work: impl AsyncFnOnce(&Node)) {
    let files = Files::open(config, None, Founding::Refused).unwrap();
    // Its tasks end with it, and what they hold is free.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let node = Node::start(files, config).await.unwrap();
        work(&node).await;
        node.close().await.unwrap();
    });
}
