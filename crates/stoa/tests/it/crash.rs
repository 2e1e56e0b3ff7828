//! The server is killed, or told to end, at random moments while messages come in. What it
//! acknowledged is there afterwards, once and in order.

use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stoa_wire::{Message, Meta};

use crate::https::call;
use crate::msync::{Client, Gone, text_of};
use crate::server::{Place, Server, grant, user};

const DEVICES: usize = 3;
/// Messages of one device that wait for their acknowledgement.
const IN_FLIGHT: usize = 8;
/// At most so many acknowledgements after a start, the server is ended.
const ACKNOWLEDGED: u64 = 60;
const SEED: u64 = 20_261_121;

/// One device and what it knows of its messages.
struct Device {
    resource: String,
    /// How many messages it has made so far; their numbers are their client ids.
    made: u64,
    /// Sent, or about to be sent again, and not acknowledged.
    open: VecDeque<u64>,
    /// Client ids and server ids, in the order of acknowledgement.
    acknowledged: Vec<(u64, u64)>,
}

impl Device {
    fn text(&self, number: u64) -> String {
        format!("{} says {number}", self.resource)
    }

    /// Sends until the connection is gone, or until nothing is open if `to_the_end`.
    fn run(
        &mut self,
        demo: &Value,
        token: &str,
        to_the_end: bool,
        tell: &Sender<()>,
    ) -> Result<(), Gone> {
        let (name, to) = (user(demo, 0).0, user(demo, 1).0);
        let mut client = Client::log_in(demo, name, &self.resource, token)?;
        // What was not acknowledged may have been taken or not: the same id tells.
        for number in &self.open {
            client.send_text(to, *number, &self.text(*number))?;
        }
        loop {
            while !to_the_end && self.open.len() < IN_FLIGHT {
                self.made += 1;
                self.open.push_back(self.made);
                client.send_text(to, self.made, &self.text(self.made))?;
            }
            if self.open.is_empty() {
                return Ok(());
            }
            let (number, id) = client.acknowledged()?;
            assert_eq!(self.open.pop_front(), Some(number), "acknowledged in order");
            self.acknowledged.push((number, id));
            // Nobody listens any more once the server is ended.
            let _ = tell.send(());
        }
    }
}

/// All devices at work on one life of the server.
fn start(
    devices: Vec<Device>,
    demo: &Value,
    to_the_end: bool,
    tell: &Sender<()>,
) -> Vec<JoinHandle<Device>> {
    let (name, password) = user(demo, 0);
    let token = grant(demo, name, password).body["access_token"].as_str().unwrap().to_owned();
    let work = |mut device: Device| {
        let (demo, token, tell) = (demo.clone(), token.clone(), tell.clone());
        std::thread::spawn(move || {
            let ended = device.run(&demo, &token, to_the_end, &tell);
            assert_eq!(ended.is_ok(), to_the_end, "{}", device.resource);
            device
        })
    };
    devices.into_iter().map(work).collect()
}

fn join(threads: Vec<JoinHandle<Device>>) -> Vec<Device> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn ten_kills_under_load() {
    lives(10, |server| drop(server.kill()));
}

#[test]
fn two_orderly_ends_under_load() {
    lives(2, |server| drop(server.end()));
}

/// Lets devices send through `ends` lives of the server and looks what is there in the next.
fn lives(ends: usize, end: impl Fn(Server)) {
    let place = Place::new();
    let mut random = SEED;
    let device = |at: usize| Device {
        resource: format!("device_{at}"),
        made: 0,
        open: VecDeque::new(),
        acknowledged: Vec::new(),
    };
    let mut devices: Vec<_> = (0..DEVICES).map(device).collect();
    for _ in 0..ends {
        let server = place.serve_demo(&[]);
        let (tell, told) = channel();
        let threads = start(devices, &place.demo(), false, &tell);
        drop(tell);
        let moment = 1 + next(&mut random) % ACKNOWLEDGED;
        let seen = told.iter().take(usize::try_from(moment).unwrap()).count();
        assert_eq!(u64::try_from(seen).unwrap(), moment, "the devices work until the end");
        end(server);
        devices = join(threads);
    }
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (tell, _told) = channel();
    let devices = join(start(devices, &demo, true, &tell));

    let history = history(&demo);
    let queue = queue(&demo);
    assert_eq!(history, queue, "the queue of a device that was away holds what the history does");
    assert!(history.is_sorted_by(|(a, _), (b, _)| a < b), "ids rise");
    let mut messages = 0;
    for device in devices {
        let found: Vec<_> =
            history.iter().filter(|(_, t)| t.starts_with(&device.resource)).collect();
        let expected: Vec<_> =
            device.acknowledged.iter().map(|(number, id)| (*id, device.text(*number))).collect();
        assert_eq!(expected.len(), usize::try_from(device.made).unwrap());
        assert_eq!(found, expected.iter().collect::<Vec<_>>());
        messages += expected.len();
    }
    assert_eq!(history.len(), messages);
    server.end();
}

/// What the second user's first device finds waiting: ids and texts.
fn queue(demo: &Value) -> Vec<(u64, String)> {
    let (name, password) = user(demo, 1);
    let token = grant(demo, name, password).body["access_token"].as_str().unwrap().to_owned();
    let mut client = Client::log_in(demo, name, "reader", &token).unwrap();
    client.pull().unwrap().iter().map(|meta| (meta.id.unwrap(), text_of(meta))).collect()
}

/// The whole history of the two users over REST, oldest first.
fn history(demo: &Value) -> Vec<(u64, String)> {
    let ((name, password), other) = (user(demo, 1), user(demo, 0).0);
    let token = grant(demo, name, password).body["access_token"].as_str().unwrap().to_owned();
    let path = format!("/demo/stoa/users/{name}/messageroaming");
    let headers = [format!("Authorization: Bearer {token}")];
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    let mut start = json!("-1");
    loop {
        let body = json!({
            "queue": format!("{other}@easemob.com"),
            "start": start,
            "pull_number": 50,
            "is_positive": true,
        });
        let answer = call(demo, "POST", &path, &headers, Some(&body));
        if answer.status == 429 {
            // There may be more pages than an app has calls in a second, and this asks without a pause.
            continue;
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        let data = &answer.body["data"];
        for message in data["msgs"].as_array().unwrap() {
            let bytes = STANDARD.decode(message["msg"].as_str().unwrap()).unwrap();
            let meta = Meta::decode(bytes.as_slice()).unwrap();
            found.push((meta.id.unwrap(), text_of(&meta)));
        }
        if data["is_last"] == true {
            return found;
        }
        start = data["next_key"].clone();
    }
}

/// A repeatable sequence (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
