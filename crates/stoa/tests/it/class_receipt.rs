//! The end of a class room leaves a receipt, which whoever it was handed to verifies without server, data and keys.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stoa::node::Node;
use stoa_chat::Chat;
use stoa_classroom::Classroom;
use stoa_classroom::room::{By, CheckIn, ClassState, Crosses, NewRoom, Times};
use stoa_classroom::tree::Tree;
use stoa_core::{ClassRole, Clock, ManualClock, Operator, RoomType, UserUuid};
use stoa_token::Builder007;

use crate::command_line::json as parsed;
use crate::retention::{config_of, with_node};
use crate::server::{Place, text};

/// Longer than it takes; only so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn name(text: &str) -> UserUuid {
    text.parse().unwrap()
}

/// A class as it was three hours ago: somebody came, something was set, and it was closed.
async fn hold_a_class(node: &Node) {
    let app = node.app(&"acme#school".parse().unwrap()).unwrap();
    let clock = Arc::new(ManualClock::new(node.clock.now().minus(3 * HOUR)));
    let (store, console, entropy) =
        (node.store.clone(), node.console.clone(), node.entropy.clone());
    let chat = Chat::new(store.clone(), console.clone(), clock.clone(), entropy.clone(), 99);
    let operator = Operator::of_this_process();
    let classroom =
        Classroom::new(store, Arc::new(chat), console, clock.clone(), entropy, operator);
    let classroom = Arc::new(classroom);
    let issued = u32::try_from(clock.now().as_secs()).unwrap();
    let certificate = app.certificates[0].expose();
    let token = |salt| Builder007::new(app.id.as_str(), certificate, issued, 86_400, salt);
    let back_end = token(1).education_app().build().unwrap();
    let back_end = classroom.authenticate(&app, Some(&back_end), None).unwrap();
    let new = NewRoom {
        name: "A class".into(),
        kind: RoomType::Small,
        times: Times::default(),
        roles: BTreeMap::new(),
        flex: Tree::new(),
        widgets: Tree::new(),
        max_accept: None,
        accepts_at_entry: false,
        crosses: Crosses::default(),
    };
    classroom.create(&back_end, &name("algebra"), new).await.unwrap();
    let seat = token(2).room_user("algebra", "bob", 2).build().unwrap();
    let bob = classroom.authenticate(&app, Some(&seat), None).unwrap();
    let who = CheckIn {
        name: "Bob".into(),
        role: ClassRole::Student,
        flex: Tree::new(),
        video_source: 0,
        audio_source: 0,
    };
    classroom.enter(&bob, &name("algebra"), &name("bob"), who, None).await.unwrap();
    let room = name("algebra");
    let close = classroom.turn(&back_end, &room, By::App, |turn| {
        let page = Tree::from_iter([("flexProps.page".to_owned(), json!(7))]);
        turn.room_properties(&page, &json!({}));
        turn.set_state(ClassState::Closed)
    });
    close.await.unwrap();
    classroom.settled().await;
}

#[test]
fn the_receipt_of_a_class_room_that_was_destroyed_is_verified_without_the_server() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#school"]).answer();
    let config = config_of(&place, "data");
    with_node(&config, hold_a_class);
    let shown = || -> Vec<Value> {
        let command = ["retention", "show", "--app", "acme#school", "--json"];
        let lines = place.run(&command);
        let receipts = lines.answer().lines().map(parsed);
        receipts.filter(|line| line["covered"] == "object" && line["class"] == 8).collect()
    };
    assert!(shown().is_empty(), "nobody has looked since");

    let server = place.serve_demo(&[]);
    let began = Instant::now();
    let receipt = loop {
        if let Some(receipt) = shown().pop() {
            break receipt;
        }
        assert!(began.elapsed() < PATIENCE, "the room is over and was not destroyed");
    };
    assert_eq!((text(&receipt, "act"), &receipt["keyCount"]), ("destroyed", &json!(1)));
    let export = ["retention", "receipts", "export", "--json", "--output", "receipts"];
    let key = text(&parsed(place.run(&export).answer()), "publicKey").to_owned();
    server.end();

    let file = fs::read_to_string(place.path("receipts")).unwrap();
    assert!(!file.contains("algebra") && !file.contains("bob"), "it names nobody");
    let of_room = file.lines().filter(|line| line.contains("\"class\":8"));
    assert_eq!(of_room.count(), 1, "{file}");
    // Where there are neither data nor keys.
    let elsewhere = Place::new();
    let verify = |file: &str| {
        fs::write(elsewhere.path("copy"), file).unwrap();
        let command = ["retention", "verify", "--file", "copy", "--public-key", &key];
        elsewhere.command(&command).status().unwrap().code()
    };
    assert_eq!(verify(&file), Some(0));
    assert_eq!(verify(&file.replacen("\"class\":8", "\"class\":9", 1)), Some(1));
}
