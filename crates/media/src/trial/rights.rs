//! Rights hold at each packet, whatever a client says or sends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use str0m::media::MediaKind::{Audio, Video};

use super::world::{World, audio, video};
use crate::types::{Source, Tell};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn what_may_not_be_published_any_more_stops_with_the_next_packet() {
    let mut world = World::new(11);
    let teacher = world.join(&[(Source::Microphone, &[]), (Source::Camera, &[])], &[]);
    let student = world.join(&[], &[Audio, Video]);
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 400));
    world.run(seconds(2));
    let forwarded = |world: &World| world.counters.forwarded.load(Ordering::Relaxed);
    assert!(forwarded(&world) > 50);
    world.set_rights(|r| {
        let right = r.0.get_mut(&World::stream(teacher, false)).unwrap();
        (right.audio, right.video) = (false, false);
    });
    let before = forwarded(&world);
    world.run(seconds(1));
    assert_eq!(forwarded(&world), before, "not one packet more");
    assert!(world.counters.forbidden.load(Ordering::Relaxed) > 50, "the client went on sending");
    // Sound alone comes back, then the picture, from a key frame on.
    world.set_rights(|r| r.0.get_mut(&World::stream(teacher, false)).unwrap().audio = true);
    let (sounds, pictures) = (world.sounds(student, 0), world.decoded(student, 1)[0]);
    world.run(seconds(1));
    assert!(world.sounds(student, 0) > sounds + 30);
    assert_eq!(world.decoded(student, 1)[0], pictures);
    world.set_rights(|r| r.0.get_mut(&World::stream(teacher, false)).unwrap().video = true);
    world.run(seconds(1));
    assert!(world.decoded(student, 1)[0] > pictures + 15);
    world.check();
    let told: Vec<Vec<bool>> = world
        .told(teacher)
        .into_iter()
        .filter_map(
            |t| if let Tell::Sending(s) = t { Some(s.into_values().collect()) } else { None },
        )
        .collect();
    assert_eq!(told, [vec![true, true], vec![false, false], vec![true], vec![true]]);
}

#[test]
fn a_publish_without_a_right_is_forwarded_to_nobody() {
    let mut world = World::new(12);
    let forger = world.client();
    let student = world.join(&[], &[Video, Video]);
    // The forger has no stream, and says that what it sends is a screen.
    world.set_rights(|r| r.0.retain(|_, right| right.owner != "user0"));
    let offer =
        world.clients[forger].offer(&[(Source::Screen, &[]), (Source::Camera, &["l", "h"])], &[]);
    world.send_offer(forger, &offer).unwrap();
    world.watch(student, 0, video(forger, 400));
    let screen =
        crate::Watch { stream: World::stream(forger, true), kind: crate::Kind::Video, height: 400 };
    world.watch(student, 1, Some(screen));
    world.run(seconds(3));
    assert!(world.clients[forger].connected);
    assert_eq!(world.counters.forwarded.load(Ordering::Relaxed), 0);
    assert!(world.counters.forbidden.load(Ordering::Relaxed) > 100);
    // The camera's right is no right for the screen.
    world.set_rights(|r| {
        let right = crate::Right { owner: "user0".into(), screen: false, audio: true, video: true };
        r.0.insert(World::stream(forger, false), right);
    });
    world.run(seconds(2));
    assert!(world.decoded(student, 0)[1] > 20);
    assert_eq!(world.decoded(student, 1), [0, 0]);
    world.check();
}

#[test]
fn what_is_sent_on_a_line_that_was_not_named_is_forwarded_to_nobody() {
    let mut world = World::new(13);
    let sender = world.client();
    let student = world.join(&[], &[Video]);
    let mut offer = world.clients[sender].offer(&[(Source::Camera, &[])], &[]);
    offer.tracks.clear();
    world.send_offer(sender, &offer).unwrap();
    world.watch(student, 0, video(sender, 400));
    world.run(seconds(2));
    assert_eq!(world.counters.forwarded.load(Ordering::Relaxed), 0);
    assert!(world.counters.forbidden.load(Ordering::Relaxed) > 20);
}
