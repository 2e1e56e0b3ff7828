//! Bad networks, bad clients, strangers: what is good goes on, nothing grows without end, nothing panics.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use str0m::media::MediaKind::{Audio, Video};

use super::world::{ROOM, World, audio, video};
use crate::config::Limits;
use crate::types::{Source, Tell, Why};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn after_a_bad_network_the_picture_is_back_within_two_seconds() {
    for seed in [21, 22, 23] {
        let mut world = World::new(seed);
        let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &["l", "h"])], &[]);
        let student = world.join(&[], &[Audio, Video]);
        world.watch(student, 0, audio(teacher));
        world.watch(student, 1, video(teacher, 180));
        world.run(seconds(4));
        let good = world.decoded(student, 1)[0];
        assert!(good > 90, "seed {seed}: {good}");
        (world.loss, world.jitter) = (200, Duration::from_millis(200));
        world.run(seconds(10));
        (world.loss, world.jitter) = (0, Duration::ZERO);
        world.run(seconds(2));
        let decoder = &world.clients[student].decoders[&world.clients[student].slots[1]];
        let age = world.now - decoder.last_at.unwrap();
        assert!(age < Duration::from_millis(200), "seed {seed}: the last picture is {age:?} old");
        let (before, sounds) = (decoder.decoded, world.sounds(student, 0));
        world.run(seconds(1));
        let after = world.decoded(student, 1);
        assert!(
            after[0] + after[1] > before[0] + before[1] + 25,
            "seed {seed}: {before:?} {after:?}"
        );
        assert!(world.sounds(student, 0) > sounds + 40);
        world.check();
    }
}

#[test]
fn ice_is_restarted_by_an_offer_from_another_address() {
    let mut world = World::new(24);
    let teacher = world.join(&[(Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Video]);
    world.watch(student, 0, video(teacher, 400));
    world.run(seconds(2));
    let moved: SocketAddr = "10.9.9.9:6000".parse().unwrap();
    world.clients[student].move_to(moved);
    let offer = world.clients[student].restart();
    world.send_offer(student, &offer).unwrap();
    let before = world.decoded(student, 0)[0];
    world.run(seconds(3));
    assert!(world.decoded(student, 0)[0] > before + 40, "{before} {:?}", world.decoded(student, 0));
    assert!(!world.told(student).iter().any(|t| matches!(t, Tell::Closed(_))));
    world.check();
}

#[test]
fn more_slots_come_by_another_offer() {
    let mut world = World::new(25);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Audio]);
    world.watch(student, 0, audio(teacher));
    world.run(seconds(1));
    let offer = world.clients[student].offer(&[], &[Video]);
    assert!(!offer.fresh);
    world.send_offer(student, &offer).unwrap();
    world.watch(student, 1, video(teacher, 400));
    let before = world.sounds(student, 0);
    world.run(seconds(1));
    assert!(world.decoded(student, 1)[0] > 15);
    assert!(world.sounds(student, 0) > before + 40);
    world.check();
}

#[test]
fn who_comes_back_over_another_stream_is_told_there_how_things_are() {
    let mut world = World::new(24);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]);
    let student = world.join(&[(Source::Microphone, &[])], &[Audio, Video]);
    world.clients[student].sent[0].on = false;
    world.watch(student, 1, video(teacher, 400));
    world.run(seconds(3));
    let before = std::mem::take(&mut world.clients[student].heard);
    let seen = world.decoded(student, 1)[0];

    let offer = world.clients[student].restart();
    world.send_offer(student, &offer).unwrap();
    world.run(seconds(1));
    let (mut slots, mut sending, mut speaker) = (BTreeMap::new(), BTreeMap::new(), None);
    for tell in world.told(student) {
        match tell {
            Tell::Slots(some) => slots.extend(some),
            Tell::Sending(some) => sending.extend(some),
            Tell::Speaker(some) => speaker = some,
            Tell::Closed(why) => panic!("the connection ended: {why:?}"),
        }
    }
    let client = &world.clients[student];
    let shown = slots[&client.slots[1].to_string()].as_ref().expect("the picture goes on");
    assert_eq!(shown.stream, World::stream(teacher, false));
    assert_eq!(sending, BTreeMap::from([(client.sent[0].mid.to_string(), true)]));
    assert_eq!(speaker, Some(World::stream(teacher, false)));
    assert!(world.decoded(student, 1)[0] > seen + 20, "the connection is the same");
    let told = before.0.lock().len();
    world.run(seconds(1));
    assert_eq!(before.0.lock().len(), told, "nothing goes to the old stream");
    world.check();
}

#[test]
fn half_made_connections_are_bounded_and_end() {
    let limits = Limits { half_open: 100, participants: 2000, ..Limits::default() };
    let mut world = World::with(26, limits);
    let mut refused = 0;
    for n in 0..1000 {
        let at = world.client();
        let offer = world.clients[at].offer(&[(Source::Camera, &[])], &[]);
        // Its answer never comes to it.
        let heard = world.clients[at].heard.clone();
        let name = world.clients[at].name.clone();
        match world.hub.offer(world.now, ROOM, &name, &offer, heard) {
            Ok(_) => assert!(n < 100),
            Err(refusal) => {
                assert_eq!(refusal.code, 503);
                refused += 1;
            }
        }
        world.clients[at].dead = true;
        world.rights.0.clear();
    }
    assert_eq!(refused, 900);
    assert_eq!(world.counters.half_open.load(Ordering::Relaxed), 100);
    world.run(seconds(16));
    assert_eq!(world.counters.half_open.load(Ordering::Relaxed), 0);
    assert_eq!(world.counters.participants.load(Ordering::Relaxed), 0);
    assert_eq!(world.told(0).last(), Some(&Tell::Closed(Why::Timeout)));
    assert_eq!(world.hub.known(), (0, 0), "no name and no address is left");
}

#[test]
fn who_vanishes_is_noticed() {
    let mut world = World::new(27);
    let teacher = world.join(&[(Source::Camera, &[])], &[]);
    world.run(seconds(2));
    assert!(world.clients[teacher].connected);
    world.clients[teacher].dead = true;
    world.run(seconds(20));
    assert_eq!(world.told(teacher).last(), Some(&Tell::Closed(Why::Timeout)));
    assert_eq!(world.hub.known(), (0, 0));
}

#[test]
fn a_second_connection_of_the_same_participant_takes_the_place_of_the_first() {
    let mut world = World::new(28);
    let first = world.join(&[(Source::Camera, &[])], &[]);
    world.run(seconds(1));
    let second = world.client();
    world.clients[second].name = world.clients[first].name.clone();
    let offer = world.clients[second].offer(&[(Source::Camera, &[])], &[]);
    world.send_offer(second, &offer).unwrap();
    world.run(seconds(2));
    assert_eq!(world.told(first).last(), Some(&Tell::Closed(Why::Replaced)));
    assert!(world.clients[first].dead && world.clients[second].connected);
    assert_eq!(world.counters.participants.load(Ordering::Relaxed), 1);
}

#[test]
fn broken_offers_are_refused_and_what_was_goes_on() {
    let mut world = World::new(29);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &["l", "h"])], &[]);
    let student = world.join(&[], &[Audio]);
    world.watch(student, 0, audio(teacher));
    world.run(seconds(1));
    let good = world.clients[teacher].restart();
    let heard = world.clients[teacher].heard.clone();
    let name = world.clients[teacher].name.clone();
    let lines: Vec<&str> = good.sdp.lines().collect();
    let mut tried = 0;
    for at in 0..lines.len() {
        for change in [
            "",
            "a=",
            "m=video",
            "a=mid:\u{1F600}",
            "a=setup:passive",
            "a=ice-lite",
            "v=1",
            "a=group:BUNDLE x",
        ] {
            let mut broken = lines.clone();
            broken[at] = change;
            for fresh in [false, true] {
                let user = if fresh { "nobody" } else { name.as_str() };
                let sdp = broken.join("\r\n") + "\r\n";
                let offer = crate::Offer { fresh, sdp, tracks: good.tracks.clone() };
                let _ = world.hub.offer(world.now, ROOM, user, &offer, heard.clone());
                tried += 1;
            }
        }
    }
    for len in (0..good.sdp.len()).step_by(7) {
        let Some(sdp) = good.sdp.get(..len) else { continue };
        let offer = crate::Offer { fresh: true, sdp: sdp.to_owned(), tracks: good.tracks.clone() };
        let _ = world.hub.offer(world.now, ROOM, "nobody", &offer, heard.clone());
    }
    assert!(tried > 500);
    world.hub.leave(world.now, ROOM, "nobody", Why::Left);
    assert_eq!(world.counters.panics.load(Ordering::Relaxed), 0);
    for (sdp, tracks, code) in [
        (good.sdp.clone() + &"a=x:y\r\n".repeat(30_000), good.tracks.clone(), 413),
        (
            good.sdp.clone() + &"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:q\r\n".repeat(70),
            good.tracks.clone(),
            413,
        ),
        ("v=0\r\n".to_owned(), good.tracks.clone(), 400),
        (good.sdp.clone(), [("none".to_owned(), Source::Camera)].into(), 400),
        (good.sdp.replace("a=fingerprint", "a=finger"), good.tracks.clone(), 400),
    ] {
        let offer = crate::Offer { fresh: true, sdp, tracks };
        let refusal =
            world.hub.offer(world.now, ROOM, "nobody", &offer, heard.clone()).unwrap_err();
        assert_eq!(refusal.code, code, "{refusal}");
        assert!(!refusal.msg.is_empty());
    }
    let none = crate::Offer { fresh: false, ..good.clone() };
    assert_eq!(world.hub.offer(world.now, ROOM, "nobody", &none, heard).unwrap_err().code, 409);
    let before = world.sounds(student, 0);
    world.run(seconds(1));
    assert!(world.sounds(student, 0) > before + 40, "the connection that was goes on");
}

#[test]
fn a_certificate_that_is_not_the_offered_one_ends_the_connection() {
    let mut world = World::new(30);
    let forger = world.client();
    let mut offer = world.clients[forger].offer(&[(Source::Camera, &[])], &[]);
    let at = offer.sdp.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let other = if &offer.sdp[at..at + 2] == "00" { "01" } else { "00" };
    offer.sdp.replace_range(at..at + 2, other);
    world.send_offer(forger, &offer).unwrap();
    world.run(seconds(2));
    assert_eq!(world.told(forger).last(), Some(&Tell::Closed(Why::Failed)));
    assert_eq!(world.counters.packets.load(Ordering::Relaxed), 0);
    assert_eq!(world.hub.known(), (0, 0));
}

#[test]
fn packets_of_strangers_and_replayed_cut_and_changed_ones_disturb_nobody() {
    let mut world = World::new(31);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &["l", "h"])], &[]);
    let student = world.join(&[], &[Audio, Video]);
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 180));
    world.tapped = Some(Vec::new());
    world.run(seconds(2));
    let tapped = world.tapped.take().unwrap();
    assert!(tapped.len() > 200);
    let known = world.hub.known();
    let stranger: SocketAddr = "10.66.66.66:666".parse().unwrap();
    for (at, (source, bytes)) in tapped.iter().enumerate().take(1500) {
        world.inject(*source, bytes);
        world.inject(stranger, bytes);
        let cut = usize::try_from(world.random()).unwrap_or(at) % bytes.len().max(1);
        world.inject(*source, &bytes[..cut]);
        let mut changed = bytes.clone();
        let bit = usize::try_from(world.random() % 1_000_000).unwrap_or(0) % (bytes.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        world.inject(*source, &changed);
        world.inject(stranger, &changed);
        let noise: Vec<u8> =
            (0..world.random() % 90).map(|_| world.random().to_le_bytes()[3]).collect();
        world.inject(*source, &noise);
    }
    let count = |c: &std::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
    assert!(count(&world.counters.strangers) + count(&world.counters.malformed) > 50);
    assert!(
        world.hub.known().1 <= known.1 + 1,
        "a replayed request may bind one address more: {known:?} {:?}",
        world.hub.known()
    );
    let (sounds, pictures) = (world.sounds(student, 0), world.decoded(student, 1)[0]);
    world.run(seconds(2));
    assert!(world.sounds(student, 0) > sounds + 80, "{sounds} {}", world.sounds(student, 0));
    assert!(world.decoded(student, 1)[0] > pictures + 40);
    world.check();
}
