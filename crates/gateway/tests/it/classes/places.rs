//! Who is in another region hears what a class says by permission alone. All connections here come from North America, and
//! the app is at home in Europe.

use std::time::Duration;

use serde_json::json;
use stoa_classroom::room::Crosses;
use stoa_core::{App, ClassRole, Clock, Crossing, Permit, PlaceSettings, Region, RoomType};

use super::lab::Lab;

const STUDENT: ClassRole = ClassRole::Student;
const MINUTE: Duration = Duration::from_secs(60);
/// What who is outside is told.
const OUTSIDE: &str = "30403900";

/// A geofence, and permissions from North America for a minute.
fn fenced(lab: &Lab, kinds: &[Crossing]) {
    let (from, to, until) = (Region::Na, Region::Eu, lab.clock.now().plus(MINUTE));
    let permits = kinds.iter().map(|kind| Permit { kind: *kind, from, to, until }).collect();
    let place = PlaceSettings { geofence: true, service_area: None, permits };
    lab.change(|app| App { place, ..app });
}

/// Lets time pass, as the server does.
async fn pass(lab: &Lab, time: Duration) {
    lab.pass(time).await;
    lab.classroom.chat().keep_fences(&[lab.app()]);
    lab.classroom.tick().await;
}

#[tokio::test]
async fn c190_a_permission_for_media_opens_no_stream_and_one_for_messages_does_where_the_room_lets_it()
 {
    let lab = Lab::start().await;
    let home = Crosses { media: true, messages: false };
    lab.create_with("at home", RoomType::Small, home).await;
    let ticket = lab.enter("room", "bob", STUDENT).await.hello;
    let narrow = lab.enter("at home", "bob", STUDENT).await.hello;
    for kinds in [&[][..], &[Crossing::Media], &[Crossing::Callbacks, Crossing::Media]] {
        fenced(&lab, kinds);
        assert_eq!(lab.answer(&ticket).await, OUTSIDE, "{kinds:?}");
    }
    fenced(&lab, &[Crossing::Messages]);
    assert_eq!(lab.answer(&ticket).await, "welcome");
    assert_eq!(lab.answer(&narrow).await, OUTSIDE, "the room narrows it");
    // The other way round is another permission.
    let back = |permit: &mut Permit| (permit.from, permit.to) = (permit.to, permit.from);
    lab.change(|mut app| {
        app.place.permits.iter_mut().for_each(back);
        app
    });
    assert_eq!(lab.answer(&ticket).await, OUTSIDE);
}

#[tokio::test]
async fn c191_a_permission_that_is_removed_or_over_ends_the_streams_that_it_let_in() {
    let lab = Lab::start().await;
    fenced(&lab, &[Crossing::Messages]);
    let mut removed = lab.attend("room", "bob", STUDENT).await;
    lab.change(|mut app| {
        app.place.permits.clear();
        app
    });
    assert_eq!(removed.ending().await, ("outside".into(), 4007));

    fenced(&lab, &[Crossing::Messages]);
    let mut over = lab.attend("room", "cid", STUDENT).await;
    pass(&lab, MINUTE.saturating_sub(Duration::from_millis(1))).await;
    lab.mark("room", json!(1)).await;
    assert!(over.told().await["list"].is_array(), "it is still good");
    pass(&lab, Duration::from_millis(1)).await;
    assert_eq!(over.ending().await, ("outside".into(), 4007));
}
