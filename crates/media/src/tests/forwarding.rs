//! Who is shown what: one to many, everybody to everybody, layers, slots that change.

use std::time::Duration;

use str0m::media::MediaKind::{Audio, Video};

use super::world::{World, audio, video};
use crate::types::Source;

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
