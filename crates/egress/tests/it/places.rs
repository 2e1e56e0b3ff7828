//! In which region a host lies, and what is permitted.

use std::sync::Arc;
use std::time::Duration;

use stoa_core::{Crossing, Permit, PlaceSettings, Region, Timestamp};
use stoa_egress::{EgressError, Errand, Host};

use crate::world::{FINE, NAME, Names, Server, World, app, reached};

const UNTIL: Timestamp = Timestamp::from_secs(1_800_000_100);

fn permitted(kind: Crossing, from: Region, to: Region) -> World {
    let names = Names::of(&[(NAME, &[&["127.0.0.1"]])]);
    let mut world = World::new(names, &["127.0.0.1"], &["*.example.com=na"]);
    let permits = vec![Permit { kind, from, to, until: UNTIL }];
    world.app = Arc::new(app(PlaceSettings { permits, ..PlaceSettings::default() }));
    world
}

#[tokio::test]
async fn a_host_of_another_region_is_reached_with_a_permission_only() {
    let server = Server::answering(FINE).await;
    let world = permitted(Crossing::Callbacks, Region::Eu, Region::Na);
    let answer = world.get(&server).await.unwrap();
    assert_eq!(answer.region, Some(Region::Na));
    for (kind, from, to) in [
        (Crossing::Callbacks, Region::Na, Region::Eu),
        (Crossing::Callbacks, Region::Eu, Region::Ap),
        (Crossing::Push, Region::Eu, Region::Na),
    ] {
        let refused = permitted(kind, from, to).get(&server).await.unwrap_err();
        assert!(matches!(refused, EgressError::Foreign { region: Region::Na, .. }), "{refused}");
        assert!(refused.to_string().contains("stoa app permit add --kind callbacks"), "{refused}");
    }
    world.clock.advance(Duration::from_secs(99));
    assert!(world.get(&server).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(world.get(&server).await, Err(EgressError::Foreign { .. })), "it has ended");
    assert_eq!(reached(&server), 2);
}

#[tokio::test]
async fn where_nobody_knows_the_region_nothing_is_sent() {
    let names = Names::of(&[
        ("eu.example", &[&["1.2.3.4"]]),
        ("na.example", &[&["2.2.3.4"]]),
        ("br.example", &[&["3.2.3.4"]]),
        ("nowhere.example", &[&["9.2.3.4"]]),
        ("both.example", &[&["1.2.3.4", "2.2.3.4"]]),
    ]);
    let world = World::new(names, &[], &[]);
    let refused = async |host: &str| {
        let url = format!("https://{host}/");
        world.call(&url, None, Default::default()).await.unwrap_err().class()
    };
    assert_eq!(refused("na.example").await, "region_foreign");
    assert_eq!(refused("br.example").await, "region_unknown");
    assert_eq!(refused("nowhere.example").await, "region_unknown");
    assert_eq!(refused("both.example").await, "region_foreign");
    let contacts = world.egress.contacts(Some(&world.app)).await.unwrap();
    assert_eq!(contacts, [], "who is refused is not contacted");
}

#[tokio::test]
async fn data_centres_reach_each_other_wherever_they_are() {
    let server = Server::answering(FINE).await;
    let world = World::new(Names::of(&[(NAME, &[&["127.0.0.1"]])]), &["127.0.0.1"], &[]);
    let (errand, host): (_, Host) = (Errand::directory(Region::Ap), NAME.parse().unwrap());
    let port = server.address.port();
    let connection = world.egress.connect(&errand, &host, port, &server.trust()).await.unwrap();
    assert_eq!((connection.address(), connection.region()), (server.address, Some(Region::Ap)));
    // But not what is none of the open internet: a directory is told by others.
    let world = World::new(Names::of(&[(NAME, &[&["127.0.0.1"]])]), &[], &[]);
    let refused = world.egress.connect(&errand, &host, port, &server.trust()).await.unwrap_err();
    assert!(matches!(refused, EgressError::Address { .. }), "{refused}");
}
