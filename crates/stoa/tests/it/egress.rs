//! Hosts outside, as the operator sees them.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::command_line::json;
use crate::server::{Place, text};

/// A host on this machine that answers every request, without TLS.
pub(crate) fn host() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    address
}

/// What `stoa egress check` says, and its exit code.
pub(crate) fn check(place: &Place, url: &str, more: &[&str]) -> (Option<i32>, Value) {
    let command = ["egress", "check", url, "--app", "acme#support", "--json"];
    let ended = place.run(&[&command, more].concat());
    assert!(!ended.stdout.is_empty(), "{}", ended.stderr);
    (ended.code, json(ended.stdout.trim()))
}

#[test]
fn a_check_says_whether_a_host_is_reached_and_why_not() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let address = host();
    let url = format!("http://{address}/hook?secret=1");
    let refused = |url: &str, more: &[&str], class| {
        let (code, check) = check(&place, url, more);
        assert_eq!((code, text(&check, "class")), (Some(1), class), "{check}");
        assert_eq!(check["reached"], false);
        text(&check, "reason").to_owned()
    };
    let reason = refused(&url, &[], "address_refused");
    assert!(reason.contains("egress-allow"), "{reason}");
    refused("https://169.254.169.254/latest/meta-data", &[], "address_refused");
    let allow = ["--egress-allow", "127.0.0.1"];
    let (code, reached) = check(&place, &url, &allow);
    assert_eq!((code, &reached["status"]), (Some(0), &Value::from(204)), "{reached}");
    assert_eq!(
        (text(&reached, "region"), text(&reached, "address")),
        ("eu", &*address.to_string())
    );

    // In another region, and then with a permission for it.
    let elsewhere = [&allow[..], &["--egress-hosts", "127.0.0.1=na"]].concat();
    let reason = refused(&url, &elsewhere, "region_foreign");
    assert!(reason.contains("stoa app permit add"), "{reason}");
    let crossing = ["--key", "acme#support", "--kind", "callbacks", "--from", "eu", "--to", "na"];
    let permit = |command: &[&str]| place.run(&[&["app", "permit"], command].concat());
    permit(&[&["add"], &crossing[..], &["--until", "2999-12-31"]].concat()).answer();
    assert_eq!(check(&place, &url, &elsewhere).0, Some(0));
    refused(&url, &[&elsewhere[..], &["--kind", "push"]].concat(), "region_foreign");
    let listed = permit(&["list", "--key", "acme#support", "--json"]);
    assert_eq!(text(&json(listed.answer().trim()), "kind"), "callbacks");
    permit(&[&["remove"], &crossing[..]].concat()).answer();
    permit(&[&["remove"], &crossing[..]].concat()).refused(1);
    refused(&url, &elsewhere, "region_foreign");

    // It stands in the audit log, without what may be secret.
    let log = place.run(&["audit", "list", "--app", "acme#support", "--json"]);
    for act in ["egress.checked", "permit.added", "permit.removed"] {
        assert!(log.answer().contains(act), "{act}");
    }
    assert!(!log.answer().contains("secret=1"));
}

#[test]
fn what_cannot_be_called_is_told_before_anything_is_opened() {
    let place = Place::new();
    for (url, word) in [("ftp://a.example", "https"), ("https://a:b@c.example/", "password")] {
        let refused = place.run(&["egress", "check", url, "--app", "acme#support"]);
        assert!(refused.refused(2).contains(word), "{}", refused.stderr);
    }
    let refused = place.run(&[
        "egress",
        "check",
        "https://a.example",
        "--app",
        "acme#support",
        "--kind",
        "messages",
    ]);
    assert!(refused.refused(2).contains("callbacks"), "{}", refused.stderr);
    for wrong in ["10.1.0.0/8", "x"] {
        let refused = place.run(&["app", "list", "--egress-allow", wrong]);
        assert!(refused.refused(2).contains("range"), "{}", refused.stderr);
    }
}
