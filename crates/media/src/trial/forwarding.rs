//! Who is shown what: one to many, everybody to everybody, layers, slots that change.

use std::collections::BTreeMap;
use std::time::Duration;

use str0m::media::MediaKind::{Audio, Video};
use str0m::{Candidate, Rtc};

use super::client::Client;
use super::world::{World, audio, video};
use crate::types::{Flow, Source, Tell};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn one_is_seen_and_heard_by_another() {
    let mut world = World::new(1);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Audio, Video]);
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 480));
    world.run(seconds(3));
    assert!(world.clients[teacher].connected && world.clients[student].connected);
    assert!(world.decoded(student, 1)[0] > 70, "{:?}", world.decoded(student, 1));
    assert!(world.sounds(student, 0) > 120, "{}", world.sounds(student, 0));
    world.check();
}

#[test]
fn everybody_sees_and_hears_everybody() {
    let mut world = World::new(2);
    let all: Vec<usize> = (0..5)
        .map(|_| {
            let slots = [Audio, Video].repeat(4);
            world.join(&[(Source::Microphone, &[]), (Source::Camera, &["l", "h"])], &slots)
        })
        .collect();
    for &at in &all {
        for (n, &other) in all.iter().filter(|o| **o != at).enumerate() {
            world.watch(at, 2 * n, audio(other));
            world.watch(at, 2 * n + 1, video(other, 200));
        }
    }
    world.run(seconds(4));
    for &at in &all {
        for n in 0..4 {
            assert!(
                world.sounds(at, 2 * n) > 150,
                "sound {n} at {at}: {}",
                world.sounds(at, 2 * n)
            );
            let [low, high] = world.decoded(at, 2 * n + 1);
            assert!(low > 90 && high == 0, "picture {n} at {at}: {low} {high}");
        }
    }
    world.check();
    let stats = world.hub.stats(super::world::ROOM, None);
    assert_eq!(stats.len(), 5);
    for figures in stats.values() {
        let (audio, video) = (figures.audio.as_ref().unwrap(), figures.video.as_ref().unwrap());
        assert!((25_000..40_000).contains(&audio.bitrate), "{audio:?}");
        assert_eq!((audio.watchers, video.watchers, audio.lost, video.lost), (4, 4, 0, 0));
        assert!(video.layers["l"] > 200_000 && video.layers["h"] > 800_000, "{video:?}");
        let rtt = figures.rtt_ms.expect("everybody is shown something");
        assert!((19.0..200.0).contains(&rtt), "{rtt}");
    }
    let own = world.hub.stats(super::world::ROOM, Some("user3"));
    assert_eq!(own.into_keys().collect::<Vec<_>>(), [World::stream(3, false)]);
}

#[test]
fn the_layer_follows_the_height_that_is_shown_and_changes_without_a_gap() {
    let mut world = World::new(3);
    let teacher = world.join(&[(Source::Camera, &["l", "h"])], &[]);
    let student = world.join(&[], &[Video]);
    world.watch(student, 0, video(teacher, 180));
    world.run(seconds(3));
    let [low, high] = world.decoded(student, 0);
    assert!(low > 70 && high == 0, "{low} {high}");
    world.watch(student, 0, video(teacher, 720));
    world.run(seconds(3));
    let [low_2, high_2] = world.decoded(student, 0);
    assert!(high_2 > 80 && low_2 - low < 15, "{low_2} {high_2}");
    world.watch(student, 0, video(teacher, 100));
    world.run(seconds(3));
    let [low_3, high_3] = world.decoded(student, 0);
    assert!(low_3 - low_2 > 80 && high_3 - high_2 < 15, "{low_3} {high_3}");
    world.check();
    let layers: Vec<String> = flows(&world, student).into_iter().map(|(_, layer)| layer).collect();
    assert_eq!(layers, ["", "l", "h", "l"]);
}

#[test]
fn nothing_comes_while_nobody_looks_and_a_picture_comes_when_somebody_does() {
    let mut world = World::new(4);
    let teacher = world.join(&[(Source::Camera, &["l", "h"])], &[]);
    let student = world.join(&[], &[Video]);
    world.watch(student, 0, video(teacher, 0));
    world.run(seconds(2));
    assert_eq!(world.decoded(student, 0), [0, 0]);
    world.watch(student, 0, video(teacher, 180));
    world.run(Duration::from_millis(700));
    let seen = world.decoded(student, 0)[0];
    assert!(seen > 10, "{seen}");
    world.watch(student, 0, None);
    world.run(seconds(1));
    assert!(world.decoded(student, 0)[0] <= seen + 1);
    world.check();
}

#[test]
fn a_slot_shows_one_after_another_and_its_numbers_go_on() {
    let mut world = World::new(5);
    let one = world.join(&[(Source::Camera, &[])], &[]);
    let two = world.join(&[(Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Video]);
    for turn in 0..6 {
        world.watch(student, 0, video([one, two][turn % 2], 400));
        let before = world.decoded(student, 0)[0];
        world.run(seconds(1));
        let seen = world.decoded(student, 0)[0] - before;
        assert!(turn == 0 || seen > 20, "turn {turn}: {seen}");
    }
    world.check();
}

#[test]
fn many_who_come_at_once_cost_the_sender_few_key_frames() {
    let mut world = World::new(6);
    let teacher = world.join(&[(Source::Camera, &[])], &[]);
    world.run(seconds(1));
    let students: Vec<usize> = (0..30).map(|_| world.join(&[], &[Video])).collect();
    for &student in &students {
        world.watch(student, 0, video(teacher, 400));
    }
    let before = world.clients[teacher].key_requests;
    world.run(seconds(2));
    let asked = world.clients[teacher].key_requests - before;
    assert!((1..=4).contains(&asked), "{asked} key frames for thirty who came");
    for &student in &students {
        assert!(world.decoded(student, 0)[0] > 30);
    }
    world.check();
}

#[test]
fn a_picture_leaves_at_the_moment_it_comes() {
    let mut world = World::new(9);
    let teacher = world.join(&[(Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Video]);
    world.watch(student, 0, video(teacher, 400));
    world.clients[teacher].sent[0].packets = vec![20];
    world.run(seconds(2));
    // The network takes as long for each packet; what is more was spent here, and a worker has to wake for it.
    let late = world.clients[student].decoders[&world.clients[student].slots[0]].spread;
    assert_eq!(late, Duration::ZERO);
    world.check();
}

#[test]
fn who_speaks_is_told_at_most_twice_a_second() {
    let mut world = World::new(7);
    let one = world.join(&[(Source::Microphone, &[])], &[]);
    let two = world.join(&[(Source::Microphone, &[])], &[]);
    let student = world.join(&[], &[Audio]);
    world.clients[one].sent[0].level = -25;
    world.clients[two].sent[0].level = -90;
    world.run(seconds(2));
    assert_eq!(speakers(&world, student), [Some(one)]);
    world.clients[two].sent[0].level = -23;
    world.run(seconds(2));
    assert_eq!(speakers(&world, student), [Some(one)], "a little louder is not another speaker");
    world.clients[one].sent[0].level = -100;
    world.run(seconds(3));
    assert_eq!(speakers(&world, student), [Some(one), Some(two)]);
    world.clients[two].sent[0].level = -100;
    world.run(seconds(5));
    assert_eq!(speakers(&world, student), [Some(one), Some(two), None]);
    for _ in 0..10 {
        for (loud, quiet) in [(one, two), (two, one)] {
            world.clients[loud].sent[0].level = -20;
            world.clients[quiet].sent[0].level = -120;
            world.run(Duration::from_millis(100));
        }
    }
    assert!(speakers(&world, student).len() <= 3 + 5);
}

#[test]
fn a_thin_line_gets_the_small_layer_and_later_the_large_one() {
    let mut world = World::new(8);
    let teacher = world.join(&[(Source::Camera, &["l", "h"])], &[]);
    let student = world.join(&[], &[Video]);
    // The large layer needs about a megabit, the small one a quarter of that.
    world.downlink.insert(student, 600_000);
    world.watch(student, 0, video(teacher, 720));
    world.run(seconds(15));
    let [low, high] = world.decoded(student, 0);
    world.run(seconds(10));
    let [low_2, high_2] = world.decoded(student, 0);
    assert!(low_2 - low > 200, "{low} {high} {low_2} {high_2}");
    world.downlink.insert(student, 10_000_000);
    world.run(seconds(25));
    let high_3 = world.decoded(student, 0)[1];
    world.run(seconds(5));
    assert!(world.decoded(student, 0)[1] - high_3 > 100, "{high_2} {high_3}");
    assert_eq!(world.clients[teacher].decoders.len(), 0);
}

#[test]
fn a_line_that_carries_few_pictures_gets_few_and_is_told_which_are_withheld() {
    let mut world = World::new(10);
    let all: Vec<usize> = (0..6)
        .map(|_| world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]))
        .collect();
    let student = world.join(&[], &[Audio, Video, Video, Video, Video, Video, Video]);
    world.downlink.insert(student, 700_000);
    world.watch(student, 0, audio(all[0]));
    for (n, at) in all.iter().enumerate() {
        world.watch(student, n + 1, video(*at, 600 - 100 * u32::try_from(n).unwrap()));
    }
    world.run(seconds(20));
    let flows = |world: &World| -> Vec<Flow> {
        let slots = world.clients[student].slots.clone();
        let mut last = BTreeMap::new();
        for tell in world.told(student) {
            if let Tell::Slots(slots) = tell {
                last.extend(slots);
            }
        }
        slots.iter().map(|mid| last[&mid.to_string()].as_ref().unwrap().flow).collect()
    };
    let thin = flows(&world);
    assert_eq!(thin[..2], [Flow::Live, Flow::Live], "the sound and the largest picture: {thin:?}");
    assert!(thin.contains(&Flow::Withheld), "{thin:?}");
    let sounds = world.sounds(student, 0);
    world.run(seconds(5));
    assert!(
        world.sounds(student, 0) > sounds + 200,
        "sound goes on: {}",
        world.sounds(student, 0) - sounds
    );
    world.downlink.insert(student, 20_000_000);
    world.run(seconds(40));
    let wide = flows(&world);
    assert!(wide.iter().all(|f| *f == Flow::Live), "{wide:?}");
    world.check();
}

#[test]
fn what_a_watcher_cannot_decode_is_not_sent_to_it() {
    let mut world = World::new(14);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]);
    let student = world.client();
    let candidate = Candidate::host(world.clients[student].addr, "udp").unwrap();
    let config = Rtc::builder().clear_codecs().enable_opus(true, false).enable_h264(true);
    world.clients[student] = Client::with("user1", candidate, config, world.now);
    let offer = world.clients[student].offer(&[], &[Audio, Video]);
    world.send_offer(student, &offer).unwrap();
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 400));
    world.run(seconds(2));
    assert!(world.sounds(student, 0) > 50);
    assert!(world.clients[student].decoders.is_empty());
    let live: Vec<Flow> = flows(&world, student).into_iter().map(|(flow, _)| flow).collect();
    assert_eq!(live, [Flow::Waiting, Flow::Waiting, Flow::Live], "of the sound alone");
}

/// The flows and layers that were told of the only slot.
fn flows(world: &World, at: usize) -> Vec<(Flow, String)> {
    let mut flows = Vec::new();
    for tell in world.told(at) {
        if let Tell::Slots(slots) = tell {
            flows.extend(slots.into_values().flatten().map(|s| (s.flow, s.layer)));
        }
    }
    flows
}

fn speakers(world: &World, at: usize) -> Vec<Option<usize>> {
    let place = |s: crate::StreamId| usize::try_from(s.0).unwrap() / 10;
    let told = world.told(at);
    told.iter()
        .filter_map(|t| if let Tell::Speaker(s) = t { Some(s.map(place)) } else { None })
        .collect()
}

#[test]
fn how_each_stream_does_is_counted_every_ten_seconds() {
    use stoa_metrics::media::{STREAM_BITS, STREAM_JITTER, STREAM_LOSS, STREAM_ROUND_TRIP};
    let counted =
        || [&STREAM_BITS, &STREAM_LOSS, &STREAM_JITTER, &STREAM_ROUND_TRIP].map(|h| h.count());
    let mut world = World::new(31);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[Audio]);
    let student = world.join(&[(Source::Microphone, &[])], &[Audio, Video]);
    world.watch(teacher, 0, audio(student));
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 400));
    let before = counted();
    world.run(Duration::from_secs(21));
    // Three streams, twice; other tests may count more at the same time.
    for (now, before) in counted().into_iter().zip(before) {
        assert!(now >= before + 6, "{now} {before}");
    }
    world.check();
}
