//! What is known afterwards of whom the server contacted.

use std::time::Duration;

use stoa_core::{Crossing, Region};
use stoa_egress::{Errand, Purpose};

use crate::world::{FINE, NAME, Server, World};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_contact_is_written_down_before_it_is_made_and_survives_a_kill() {
    let server = Server::answering(FINE).await;
    let world = World::local();
    world.get(&server).await.unwrap();
    // Nothing was stored on purpose, as in a kill.
    let contacts = world.restarted().egress.contacts(Some(&world.app)).await.unwrap();
    let [contact] = contacts.as_slice() else { panic!("{contacts:?}") };
    assert_eq!((contact.host.as_str(), contact.count), (NAME, 1));
    assert_eq!(contact.purpose, Purpose::App(Crossing::Callbacks));
    assert_eq!((contact.region, contact.permitted), (Some(Region::Eu), true));
}

#[tokio::test]
async fn contacts_are_counted_by_host_purpose_and_app() {
    let server = Server::answering(FINE).await;
    let world = World::local();
    for _ in 0..3 {
        world.get(&server).await.unwrap();
        world.clock.advance(Duration::from_secs(10));
    }
    let (host, port, trust) = (NAME.parse().unwrap(), server.address.port(), server.trust());
    let push = Errand::of_app(world.app.clone(), Crossing::Push);
    world.egress.connect(&push, &host, port, &trust).await.unwrap();
    let directory = Errand::directory(Region::Na);
    world.egress.connect(&directory, &host, port, &trust).await.unwrap();

    let of_app = world.egress.contacts(Some(&world.app)).await.unwrap();
    let seen: Vec<_> = of_app.iter().map(|c| (c.purpose.name(), c.count)).collect();
    assert_eq!(seen, [("callbacks", 3), ("push", 1)]);
    assert_eq!(of_app[0].last.since(of_app[0].first), Duration::from_secs(20));
    let of_platform = world.egress.contacts(None).await.unwrap();
    let seen: Vec<_> = of_platform.iter().map(|c| (c.purpose.name(), c.region)).collect();
    assert_eq!(seen, [("directory", Some(Region::Na))]);
    // What was stored meanwhile is not counted twice.
    world.egress.store_contacts(std::slice::from_ref(&world.app)).await.unwrap();
    let again = world.restarted().egress.contacts(Some(&world.app)).await.unwrap();
    assert_eq!(again, of_app);
}

#[tokio::test]
async fn contacts_are_kept_for_seven_days() {
    let server = Server::answering(FINE).await;
    let world = World::local();
    world.get(&server).await.unwrap();
    world.clock.advance(DAY);
    world.get(&server).await.unwrap();
    let count = async || {
        let contacts = world.egress.contacts(Some(&world.app)).await.unwrap();
        contacts.iter().map(|contact| contact.count).sum::<u64>()
    };
    assert_eq!(count().await, 2, "of both days, as one");
    world.clock.advance(6 * DAY);
    world.egress.sweep_contacts(Some(&world.app)).await.unwrap();
    assert_eq!(count().await, 2);
    world.clock.advance(DAY);
    assert_eq!(count().await, 1, "also before it is swept");
    world.egress.sweep_contacts(Some(&world.app)).await.unwrap();
    world.clock.advance(DAY);
    assert_eq!(count().await, 0);
}
