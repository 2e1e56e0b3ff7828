//! Sound and pictures over the stream of a class: what is offered, and what is told of rights.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use stoa_classroom::room::StreamChange;
use stoa_core::{App, Clock, RoomType};
use stoa_media::{Config, Limits, Media, RoomId};
use str0m::media::{Direction, MediaKind};

use super::lab::{Client, Lab, name};
use super::{STUDENT, TEACHER};

/// A gateway that forwards sound and pictures on loopback.
async fn lab() -> (Lab, Media) {
    let lab = Lab::start().await;
    let media = Media::start(Config {
        udp: (Ipv4Addr::LOCALHOST, 0).into(),
        tcp: None,
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        workers: 1,
        limits: Limits::default(),
    });
    let media = media.unwrap();
    lab.classroom.serve_media(media.clone());
    (lab, media)
}

/// Connections that there are once the only worker has done what it was told.
async fn connections(media: &Media) -> i64 {
    media.stats(RoomId(0, 0), None).await;
    media.counters().participants.load(Ordering::Relaxed)
}

/// The offer of a client that sends sound and picture and receives a picture, and the mids of the three.
fn offer() -> (String, [String; 3]) {
    let mut rtc = str0m::Rtc::builder().build(std::time::Instant::now());
    let candidate = str0m::Candidate::host((Ipv4Addr::LOCALHOST, 9).into(), "udp").unwrap();
    rtc.add_local_candidate(candidate);
    let mut change = rtc.sdp_api();
    let sound = change.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let picture = change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let slot = change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    let (offer, _) = change.apply().unwrap();
    (offer.to_sdp_string(), [sound, picture, slot].map(|mid| mid.to_string()))
}

/// What came of an offer.
struct Offered {
    /// The answer, or the refusal.
    told: Value,
    mids: [String; 3],
    /// What was told of rights meanwhile: the two come in either order.
    sending: Option<Value>,
}

async fn offered(client: &mut Client, id: u64) -> Offered {
    let (sdp, mids) = offer();
    let tracks = json!({&mids[0]: "microphone", &mids[1]: "camera"});
    let offer = json!({"type": "media", "op": "offer", "id": id, "fresh": true});
    let mut offer = offer.as_object().cloned().unwrap();
    offer.extend([("sdp".to_owned(), sdp.into()), ("tracks".to_owned(), tracks)]);
    client.say(&Value::Object(offer)).await;
    let mut sending = None;
    loop {
        let told = client.told().await;
        if told["op"] == "sending" {
            sending = Some(told["tracks"].clone());
        } else if told["type"] == "media" {
            return Offered { told, mids, sending };
        }
    }
}

/// What is told of rights after an offer.
async fn first_sending(offered: &Offered, client: &mut Client) -> Value {
    match &offered.sending {
        Some(told) => told.clone(),
        None => sending(client).await,
    }
}

/// The next that is told of what may be sent.
async fn sending(client: &mut Client) -> Value {
    loop {
        let told = client.told().await;
        if told["op"] == "sending" {
            return told["tracks"].clone();
        }
    }
}

#[tokio::test]
async fn where_no_media_are_served_an_offer_is_told_so() {
    let lab = Lab::start().await;
    let mut bob = lab.attend("room", "bob", STUDENT).await;
    let told = offered(&mut bob, 7).await.told;
    assert_eq!(
        (&told["op"], &told["id"], &told["code"]),
        (&json!("refused"), &json!(7), &json!(30_403_000))
    );
    bob.say(&json!({"type": "media", "op": "watch", "slots": {}})).await;
    let told = bob.told().await;
    assert_eq!((&told["op"], &told["code"]), (&json!("refused"), &json!(30_403_000)));
}

#[tokio::test]
async fn an_offer_is_answered_and_what_is_wrong_with_one_is_said() {
    let (lab, _) = lab().await;
    let mut ann = lab.attend("room", "ann", TEACHER).await;
    ann.say(&json!({"type": "media", "op": "watch", "slots": {"0": null}})).await;
    assert_eq!(ann.told().await["code"], 404, "nothing was offered");
    let Offered { told, mids, .. } = offered(&mut ann, 1).await;
    assert_eq!((&told["op"], &told["id"]), (&json!("answer"), &json!(1)));
    let answer = told["sdp"].as_str().unwrap();
    assert!(answer.contains("a=ice-lite") && answer.contains(" 127.0.0.1 "), "{answer}");
    for slots in [json!({"99": null}), json!({&mids[0]: {"stream": "7", "kind": "audio"}})] {
        ann.say(&json!({"type": "media", "op": "watch", "slots": slots})).await;
        let told = loop {
            let told = ann.told().await;
            if told["op"] == "refused" {
                break told;
            }
        };
        assert_eq!(told["code"], 404, "{told}");
    }
    for (sdp, code) in [("v=0", 400), (&"x".repeat(150_000), 413)] {
        let said = json!({"type": "media", "op": "offer", "id": 2, "fresh": true, "sdp": sdp});
        ann.say(&said).await;
        let told = loop {
            let told = ann.told().await;
            if told["op"] == "refused" {
                break told;
            }
        };
        assert_eq!((&told["id"], &told["code"]), (&json!(2), &json!(code)), "{told}");
    }
    ann.say(&json!({"type": "media", "op": "dance"})).await;
    while ann.told().await["type"] != "error" {}
}

#[tokio::test]
async fn what_may_be_sent_follows_the_room() {
    let (lab, _) = lab().await;
    lab.create("lecture", RoomType::Lecture).await;
    let mut ann = lab.attend("lecture", "ann", TEACHER).await;
    let first = offered(&mut ann, 1).await;
    let [sound, picture, _] = first.mids.clone();
    let both =
        |allowed: bool| json!({&sound: {"allowed": allowed}, &picture: {"allowed": allowed}});
    assert_eq!(first_sending(&first, &mut ann).await, both(true));
    let mute = |video, audio| {
        lab.act("lecture", move |turn| {
            let stream = turn.room.users[&name("ann")].stream_uuid();
            let change =
                StreamChange { video: Some(video), audio: Some(audio), ..StreamChange::default() };
            turn.change_stream(&name("ann"), stream, change)
        })
    };
    mute(true, false).await;
    assert_eq!(sending(&mut ann).await, json!({&sound: {"allowed": false}}));
    mute(false, true).await;
    let turned = json!({&sound: {"allowed": true}, &picture: {"allowed": false}});
    assert_eq!(sending(&mut ann).await, turned);
    // Students of a lecture do not publish at entry, whatever they offer.
    let mut bob = lab.attend("lecture", "bob", STUDENT).await;
    let first = offered(&mut bob, 1).await;
    let [sound, picture, _] = first.mids.clone();
    let none = json!({&sound: {"allowed": false}, &picture: {"allowed": false}});
    assert_eq!(first_sending(&first, &mut bob).await, none);
}

#[tokio::test]
async fn who_may_not_be_there_any_more_has_no_media_and_who_lost_a_connection_has() {
    let (lab, media) = lab().await;
    let ticket = lab.enter("room", "ann", TEACHER).await;
    let mut ann = lab.say_hello(&ticket).await;
    ann.is_live().await;
    let Offered { told, mids, .. } = offered(&mut ann, 1).await;
    assert_eq!(told["op"], "answer");
    drop(ann);
    lab.is_awaited("room", "ann").await;
    // It comes back: what it had is still there.
    let sequence = lab.act("room", |turn| Ok(turn.room.sequence)).await;
    let mut ann = lab.say_hello(&ticket.knowing(sequence)).await;
    ann.is_live().await;
    ann.say(&json!({"type": "media", "op": "watch", "slots": {&mids[2]: null}})).await;
    ann.say(&json!({"type": "media", "op": "stats"})).await;
    assert_eq!(ann.told().await["op"], "stats", "the watch was not refused");
    assert_eq!(connections(&media).await, 1);
    lab.change(|app| App { revoked: lab.clock.now(), ..app });
    assert_eq!(ann.ending().await, ("revoked".into(), 4006));
    assert_eq!(connections(&media).await, 0);
}
