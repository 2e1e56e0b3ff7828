//! The residency report.

use serde_json::Value;

use crate::command_line::json;
use crate::egress::{check, host};
use crate::server::{Place, text};

#[test]
fn a_report_says_where_all_lies_and_what_is_foreign_and_is_verified_without_the_server() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let url = format!("http://{}/hook", host());
    let allow = ["--egress-allow", "127.0.0.1"];
    for _ in 0..2 {
        assert_eq!(check(&place, &url, &allow).0, Some(0));
    }
    let report = |more: &[&str]| place.run(&[&["residency", "report"], more].concat());
    let signed = json(report(&["--json", "--output", "report.json"]).answer().trim());
    let said = &signed["report"];
    assert_eq!((text(said, "region"), &said["foreign"]), ("eu", &Value::from(0)));
    let apps = said["apps"].as_array().unwrap();
    let [app] = apps.as_slice() else { panic!("{apps:?}") };
    let host = &app["hosts"][0];
    assert_eq!((text(host, "host"), text(host, "standing")), ("127.0.0.1", "home"));
    assert_eq!((&host["count"], text(host, "kind")), (&Value::from(2), "callbacks"));
    // Every class, and every space in one of them.
    let classes = said["classes"].as_array().unwrap();
    let spaces: usize = classes.iter().map(|class| class["spaces"].as_array().unwrap().len()).sum();
    assert_eq!(
        (classes.len(), spaces),
        (stoa_store::classes::CLASSES.len(), stoa_store::spaces::SPACES.len(),)
    );
    let of_users = |class: &&Value| text(class, "classification") == "user";
    assert!(classes.iter().filter(of_users).count() > 3);
    let readable = report(&[]);
    assert!(readable.answer().contains("HOME\t127.0.0.1"), "{}", readable.stdout);

    // The host turns out to lie elsewhere.
    let elsewhere = [&allow[..], &["--egress-hosts", "127.0.0.1=na", "--json"]].concat();
    let foreign = report(&elsewhere);
    assert_eq!(foreign.code, Some(1), "{}", foreign.stderr);
    let foreign = json(foreign.stdout.trim());
    assert_eq!(foreign["report"]["foreign"], Value::from(1));
    let app_alone = report(&["--app", "acme#support", "--json"]);
    assert_eq!(text(&json(app_alone.answer().trim())["report"], "app"), "acme#support");

    let key = text(&signed, "publicKey");
    let verify =
        |file: &str, key: &str| place.run(&["residency", "verify", file, "--public-key", key]);
    assert!(verify("report.json", key).answer().starts_with("genuine"), "as it was written");
    let other = format!("{}{}", if key.starts_with('0') { '1' } else { '0' }, &key[1..]);
    assert!(verify("report.json", &other).refused(1).contains("another key"));
    let written = std::fs::read_to_string(place.path("report.json")).unwrap();
    for (what, changed) in [
        ("a number", written.replace("\"count\":2", "\"count\":1")),
        ("a region", written.replacen("\"region\":\"eu\"", "\"region\":\"na\"", 1)),
        ("the form", written.replacen(",", ", ", 3)),
        ("the signature", written.replacen("\"signature\":\"", "\"signature\":\"00", 1)),
        ("all", "{}".into()),
    ] {
        assert_ne!(changed, written, "{what}");
        std::fs::write(place.path("changed.json"), changed).unwrap();
        assert!(verify("changed.json", key).refused(1).contains("not genuine"), "{what}");
    }
    // Its own file is not overwritten.
    report(&["--output", "report.json"]).refused(4);
    let log = place.run(&["audit", "list", "--json"]);
    assert!(log.answer().contains("residency.reported"));
}
