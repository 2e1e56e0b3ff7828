//! Geofences: who comes from outside is not served, and who is in goes out when it is outside by now.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stoa_audit::{Act, Actor, AuditLog, Entry, Query};
use stoa_chat::Error;
use stoa_core::{App, Countries, Country, Crossing, Operator, Permit, PlaceSettings, Region};

use crate::world::{APP, Device, World};

const OUTSIDE: [&str; 1] = ["kick Outside"];

/// The country of an address by its first part; that of 9.… is told later.
#[derive(Default)]
struct Places(AtomicU64);

impl Countries for Places {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let IpAddr::V4(ip) = address else { return None };
        let country = match ip.octets()[0] {
            1 => "DE",
            2 => "US",
            3 => "BR",
            9 if self.generation() > 0 => "US",
            9 => "FR",
            _ => return None,
        };
        country.parse().ok()
    }

    fn generation(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Fenced {
    world: World,
    places: Arc<Places>,
    audit: Arc<AuditLog>,
}

impl Fenced {
    /// An app of region `eu`, with nothing decided about place.
    async fn new() -> Self {
        let mut world = World::new();
        world.register(APP, &["alice", "bob", "carol"]).await;
        let places = Arc::new(Places::default());
        let audit = Arc::new(AuditLog::new(world.store.clone(), world.clock.clone()));
        world.knows(places.clone(), audit.clone());
        Self { world, places, audit }
    }

    /// Decides about place, as the app's owner does.
    fn decide(&self, place: PlaceSettings) {
        let app = (*self.world.app(APP)).clone();
        self.world.set_app(&Arc::new(App { place, ..app }));
    }

    async fn comes(&self, user: &str, from: Option<&str>) -> Result<Device, Error> {
        let token = self.world.token(APP, Some(user));
        let mut request = self.world.login_request(APP, user, "web", &token);
        request.address = from.map(|address| address.parse().unwrap());
        self.world.log_in_as(request).await
    }

    fn tick(&self) {
        self.world.chat.keep_fences(&[self.world.app(APP)]);
    }

    /// A permission for messages that ends in a minute.
    fn messages_from_na(&self) -> Permit {
        let until = self.world.clock_now().plus(Duration::from_secs(60));
        Permit { kind: Crossing::Messages, from: Region::Na, to: Region::Eu, until }
    }
}

fn on() -> PlaceSettings {
    PlaceSettings { geofence: true, ..PlaceSettings::default() }
}

#[tokio::test]
async fn without_a_geofence_everybody_comes_from_anywhere() {
    let fenced = Fenced::new().await;
    for from in [Some("1.0.0.1"), Some("2.0.0.1"), Some("127.0.0.1"), Some("::1"), None] {
        assert!(fenced.comes("alice", from).await.is_ok(), "{from:?}");
    }
}

#[tokio::test]
async fn who_is_outside_or_nowhere_is_not_let_in() {
    let fenced = Fenced::new().await;
    fenced.decide(on());
    assert!(fenced.comes("alice", Some("1.0.0.1")).await.is_ok());
    let us: Option<Country> = "US".parse().ok();
    for (from, where_it_is) in [
        (Some("2.0.0.1"), us),
        (Some("3.0.0.1"), "BR".parse().ok()),
        (Some("127.0.0.1"), None),
        (Some("10.0.0.1"), None),
        (Some("fd00::1"), None),
        (None, None),
    ] {
        let refused = fenced.comes("bob", from).await.err().unwrap();
        let is = matches!(&refused, Error::Outside { country } if *country == where_it_is);
        assert!(is, "{from:?}: {refused}");
        // The same words at the other door.
        let address = from.map(|address| address.parse().unwrap());
        let app = fenced.world.app(APP);
        assert!(matches!(fenced.world.chat.admit_from(&app, address), Err(Error::Outside { .. })));
    }
    fenced.decide(PlaceSettings { service_area: Some(vec!["BR".parse().unwrap()]), ..on() });
    assert!(fenced.comes("bob", Some("3.0.0.1")).await.is_ok());
    assert!(fenced.comes("alice", Some("1.0.0.1")).await.is_err());
}

#[tokio::test]
async fn a_server_that_knows_no_place_lets_nobody_in() {
    let world = World::new();
    world.register(APP, &["alice"]).await;
    let app = (*world.app(APP)).clone();
    world.set_app(&Arc::new(App { place: on(), ..app }));
    let mut request = world.login_request(APP, "alice", "web", &world.token(APP, Some("alice")));
    request.address = Some("1.0.0.1".parse().unwrap());
    assert!(matches!(world.log_in_as(request).await, Err(Error::Outside { country: None })));
}

#[tokio::test]
async fn sessions_outside_end_when_it_is_turned_on_and_no_others() {
    let fenced = Fenced::new().await;
    let inside = fenced.comes("alice", Some("1.0.0.1")).await.unwrap();
    let outside = fenced.comes("bob", Some("2.0.0.1")).await.unwrap();
    let nowhere = fenced.comes("carol", None).await.unwrap();
    fenced.tick();
    for device in [&inside, &outside, &nowhere] {
        assert!(device.pushed().is_empty());
    }
    fenced.decide(on());
    let is_out = |device: &Device| device.pushed().ends_with(&OUTSIDE.map(str::to_owned));
    assert!(is_out(&outside) && is_out(&nowhere));
    assert!(!is_out(&inside));
}

#[tokio::test]
async fn a_permission_lets_clients_of_another_region_in_until_it_ends() {
    let fenced = Fenced::new().await;
    let place = PlaceSettings { permits: vec![fenced.messages_from_na()], ..on() };
    fenced.decide(place);
    let guest = fenced.comes("bob", Some("2.0.0.1")).await.unwrap();
    let inside = fenced.comes("alice", Some("1.0.0.1")).await.unwrap();
    fenced.tick();
    fenced.world.clock.advance(Duration::from_secs(59));
    fenced.tick();
    assert!(guest.pushed().is_empty());
    fenced.world.clock.advance(Duration::from_secs(1));
    fenced.tick();
    assert_eq!(guest.pushed(), OUTSIDE);
    assert!(inside.pushed().is_empty());
    assert!(matches!(fenced.comes("bob", Some("2.0.0.1")).await, Err(Error::Outside { .. })));
}

#[tokio::test]
async fn sessions_are_judged_again_when_more_is_known_of_addresses() {
    let fenced = Fenced::new().await;
    fenced.decide(on());
    let moved = fenced.comes("alice", Some("9.0.0.1")).await.unwrap();
    let inside = fenced.comes("bob", Some("1.0.0.1")).await.unwrap();
    fenced.tick();
    assert!(moved.pushed().is_empty());
    fenced.places.0.store(1, Ordering::Relaxed);
    fenced.tick();
    assert_eq!(moved.pushed(), OUTSIDE);
    assert!(inside.pushed().is_empty());
}

#[tokio::test]
async fn refusals_are_counted_by_country_and_no_address_is_written_down() {
    let fenced = Fenced::new().await;
    fenced.decide(on());
    for n in 0..20 {
        assert!(fenced.comes("bob", Some(&format!("2.0.0.{n}"))).await.is_err());
    }
    assert!(fenced.comes("bob", Some("10.0.0.1")).await.is_err());
    fenced.audit.settle().await;
    let scope = Operator::of_this_process().in_app(fenced.world.app(APP));
    let query = Query { limit: 50, ..Query::default() };
    let page = fenced.audit.of(&scope).await.unwrap().page(&query).await.unwrap();
    let all = format!("{:?}", page.entries);
    assert!(page.entries.len() <= 4, "{}", page.entries.len());
    assert!(page.entries.iter().all(|entry| entry.act == Act::GeofenceRefused.name()), "{all}");
    assert!(all.contains("country US") && all.contains("country unknown"), "{all}");
    assert!(!all.contains("2.0.0.") && !all.contains("10.0.0.1") && !all.contains("bob"), "{all}");
}

#[tokio::test]
async fn the_first_use_of_a_permission_stands_in_the_audit_log_once() {
    let mut fenced = Fenced::new().await;
    let permit = fenced.messages_from_na();
    let media = Permit { kind: Crossing::Media, ..permit };
    fenced.decide(PlaceSettings { permits: vec![media, permit], ..on() });
    let used = async |fenced: &Fenced| {
        fenced.audit.settle().await;
        let scope = Operator::of_this_process().in_app(fenced.world.app(APP));
        let query = Query { limit: 50, act: Some(Act::PermitUsed), ..Query::default() };
        fenced.audit.of(&scope).await.unwrap().page(&query).await.unwrap().entries
    };
    fenced.comes("alice", Some("1.0.0.1")).await.unwrap();
    assert!(fenced.comes("bob", Some("3.0.0.1")).await.is_err());
    assert!(used(&fenced).await.is_empty(), "nobody came by it");
    for user in ["bob", "carol", "bob"] {
        fenced.comes(user, Some("2.0.0.1")).await.unwrap();
    }
    let entries = used(&fenced).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let told = format!("{entry:?}");
    for part in ["messages", "\"na\"", "\"eu\""] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("2.0.0.1") && !told.contains("bob"), "{told}");

    // The next process knows; a permission of which is told that it was given later is another one.
    let places = fenced.places.clone();
    let audit = fenced.audit.clone();
    fenced.world.knows(places.clone(), audit.clone());
    let scope = Operator::of_this_process().in_app(fenced.world.app(APP));
    assert_eq!(fenced.world.chat.load_permit_uses(&scope).await.unwrap(), 1);
    fenced.comes("bob", Some("2.0.0.1")).await.unwrap();
    assert_eq!(used(&fenced).await.len(), 1);
    let added = Entry::new(Actor::Operator, Act::PermitAdded).detail("kind", "messages");
    let added = added.detail("from", "na").detail("to", "eu");
    audit.record(&scope, added).await.unwrap();
    fenced.world.knows(places, audit);
    assert_eq!(fenced.world.chat.load_permit_uses(&scope).await.unwrap(), 0);
    fenced.comes("bob", Some("2.0.0.1")).await.unwrap();
    assert_eq!(used(&fenced).await.len(), 2);

    // Given anew by the owner, it is used anew.
    fenced.decide(on());
    fenced.decide(PlaceSettings { permits: vec![permit], ..on() });
    fenced.comes("bob", Some("2.0.0.1")).await.unwrap();
    assert_eq!(used(&fenced).await.len(), 3);
}
