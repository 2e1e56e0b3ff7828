//! A geofence at both doors of a real server.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command_line::json;
use crate::geo_writer::{self, Value as Written};
use crate::https::{Answer, call};
use crate::msync::Client;
use crate::server::{Place, grant, text, user};

/// A call of the first user of the demo, with headers of a proxy.
fn ask(demo: &Value, headers: &[&str]) -> Answer {
    let (org, app) = (text(demo, "orgName"), text(demo, "appName"));
    let path = format!("/{org}/{app}/sdk/users/{}/token/expires", user(demo, 0).0);
    call(demo, "GET", &path, headers, None)
}

/// The status of the answer to a token that is none: 401 from whoever is let in that far.
fn status(demo: &Value, headers: &[&str]) -> u16 {
    ask(demo, headers).status
}

#[test]
fn who_is_outside_is_refused_at_both_doors_and_sessions_end() {
    let place = Place::new();
    let ranges = "127.0.0.1=DE,9.0.0.0/8=US,8.0.0.0/8=FR";
    let server = place.serve_demo(&["--geofence-ranges", ranges, "--trusted-proxies", "127.0.0.1"]);
    let demo = place.demo();
    let ((alice, password), (bob, _)) = (user(&demo, 0), user(&demo, 1));
    let token = grant(&demo, alice, password).body["access_token"].as_str().unwrap().to_owned();
    let mut session = Client::log_in(&demo, alice, "web", &token).unwrap();
    session.send_text(bob, 1, "hello").unwrap();
    session.acknowledged().unwrap();
    let from = |address: &str| format!("X-Forwarded-For: {address}");
    assert_eq!(status(&demo, &[&from("9.1.1.1")]), 401, "it is off");

    let set = |setting: &str, value: &str| {
        place.run(&["app", "set", setting, value, "--key", "demo#stoa", "--json"])
    };
    let shown = json(set("geofence", "on").answer().trim());
    assert_eq!(shown["geofence"], true);
    // Inside, by the own address and by what the proxy says of its client.
    session.send_text(bob, 2, "still here").unwrap();
    session.acknowledged().unwrap();
    assert_eq!(status(&demo, &[]), 401);
    assert_eq!(status(&demo, &[&from("8.1.1.1")]), 401);
    assert_eq!(status(&demo, &["Forwarded: for=8.1.1.1"]), 401);
    let outside = ask(&demo, &[&from("9.1.1.1")]);
    assert_eq!((outside.status, text(&outside.body, "error")), (403, "forbidden_op"));
    let told = text(&outside.body, "error_description");
    assert!(told.contains("service area") && told.contains("US"), "{told}");
    for headers in [
        &[&*from("8.1.1.1, 9.1.1.1")][..],
        &[&*from("7.7.7.7")],
        &[&*from("127.0.0.9")],
        &[&*from("8.1.1.1"), "Forwarded: for=9.1.1.1, for=nobody"],
    ] {
        let expected = if headers.len() == 2 { 401 } else { 403 };
        assert_eq!(status(&demo, headers), expected, "{headers:?}");
    }
    // A token is refused as anything else from there.
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(status(&demo, &[&from("9.1.1.1"), &bearer]), 403);
    assert_eq!(status(&demo, &[&bearer]), 200);
    let from_there = |address| {
        let login = Client::try_log_in(&demo, alice, "phone", &token, Some(address));
        let (_, status) = login.unwrap();
        (status.error_code.unwrap_or_default(), status.reason.unwrap_or_default())
    };
    let (code, reason) = from_there("9.1.1.1");
    assert!(code != 0 && reason.contains("service area"), "{code} {reason}");
    assert_eq!(from_there("8.1.1.1").0, 0);

    // The area moves away from under the session.
    let began = Instant::now();
    set("service-area", "US,FR").answer();
    session.wait_until_closed();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((status(&demo, &[]), status(&demo, &[&from("9.1.1.1")])), (403, 401));
    set("service-area", "region").answer();
    Client::log_in(&demo, alice, "web", &token).unwrap();

    let checked = place.run(&["checklist", "--app", "demo#stoa", "--json"]);
    let items = json(checked.stdout.trim());
    let mut items = items["items"].as_array().unwrap().iter();
    let item = items.find(|item| text(item, "id") == "geofence").unwrap();
    assert_eq!((text(item, "status"), text(item, "app")), ("pass", "demo#stoa"));
    let log =
        place.run(&["audit", "list", "--app", "demo#stoa", "--act", "geofence.refused", "--json"]);
    assert!(log.answer().contains("country US"), "{}", log.stdout);
    assert!(!log.answer().contains("9.1.1.1") && !log.answer().contains("site"), "{}", log.stdout);
    server.end();
}

/// A database in which this machine is in `country`.
fn database(country: &str) -> Vec<u8> {
    let code = [("iso_code", Written::Text(country))];
    let entry = [("country", Written::Map(&code))];
    geo_writer::database(&[("127.0.0.0", 8, Written::Map(&entry))])
}

#[test]
fn the_database_is_read_again_at_a_hangup_and_sessions_are_judged_by_it() {
    let place = Place::new();
    std::fs::write(place.path("geo.mmdb"), database("DE")).unwrap();
    let server = place.serve_demo(&["--geo-database", "geo.mmdb"]);
    let demo = place.demo();
    let (alice, password) = user(&demo, 0);
    place.run(&["app", "set", "geofence", "on", "--key", "demo#stoa"]).answer();
    let token = grant(&demo, alice, password).body["access_token"].as_str().unwrap().to_owned();
    let mut session = Client::log_in(&demo, alice, "web", &token).unwrap();
    // What cannot be read changes nothing.
    std::fs::write(place.path("new.mmdb"), b"no database").unwrap();
    std::fs::rename(place.path("new.mmdb"), place.path("geo.mmdb")).unwrap();
    server.signal(rustix::process::Signal::HUP);
    session.send_text(alice, 1, "still here").unwrap();
    session.acknowledged().unwrap();
    std::fs::write(place.path("new.mmdb"), database("US")).unwrap();
    std::fs::rename(place.path("new.mmdb"), place.path("geo.mmdb")).unwrap();
    server.signal(rustix::process::Signal::HUP);
    session.wait_until_closed();
    assert_eq!(status(&demo, &[]), 403);
    let log = server.end();
    assert!(log.contains("the geo-database was read again"), "{log}");
}

#[test]
fn the_database_must_be_there_at_the_start() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0", "--geo-database", "none.mmdb"]);
    assert!(refused.refused(4).contains("geo-database"), "{}", refused.stderr);
    std::fs::write(place.path("bad.mmdb"), b"no database").unwrap();
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0", "--geo-database", "bad.mmdb"]);
    assert!(refused.refused(4).contains("MaxMind"), "{}", refused.stderr);
    // Commands that ask for no place do not need it.
    place.run(&["app", "list", "--geo-database", "none.mmdb"]).answer();
    let on = ["app", "set", "geofence", "on", "--key", "acme#support"];
    assert!(place.run(&on).stderr.contains("nobody is let in"));
    let checked = place.run(&["checklist", "--json"]);
    let items = json(checked.stdout.trim());
    let failed = |item: &&Value| text(item, "id") == "geofence" && text(item, "status") == "fail";
    assert!(items["items"].as_array().unwrap().iter().any(|item| failed(&item)));
}
