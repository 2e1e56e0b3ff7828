//! The audit log at the command line: acts stand in it, and whoever changes it is found out.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use stoa_store::engine::{Embedded, EmbeddedOptions, Engine};
use stoa_store::spaces::AUDIT_ENTRIES;

use crate::command_line::json;
use crate::https::call;
use crate::server::{Ended, Place, grant, text, user};

fn lines(ended: &Ended) -> Vec<Value> {
    ended.answer().lines().map(json).collect()
}

/// The acts of a log with their outcomes, the oldest first.
fn acts(place: &Place, arguments: &[&str]) -> Vec<String> {
    let listed = place.run(&[&["audit", "list", "--json"], arguments].concat());
    let entries = lines(&listed).into_iter().rev();
    entries.map(|entry| format!("{} {}", text(&entry, "act"), text(&entry, "outcome"))).collect()
}

#[test]
fn what_the_operator_does_is_recorded_and_verified_with_a_server_and_without() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let of_app = ["--app", "acme#support"];
    let user = |place: &Place, command: &[&str]| {
        place.run(&[&["user"], command, &["--user", "carol"], &of_app[..]].concat())
    };
    user(&place, &["create"]).answer();
    user(&place, &["create"]).refused(1);

    let server = place.serve_demo(&[]);
    let set = |auth| place.run(&["app", "set", "auth", auth, "--key", "acme#support"]);
    set("open").answer();
    place
        .run(&["app", "certificate", "add", "--key", "acme#support", "--certificate-file", "c"])
        .answer();
    place.run(&["app", "certificate", "swap", "--key", "acme#support"]).answer();
    place
        .run(&["app", "certificate", "retire", "--slot", "primary", "--key", "acme#support"])
        .answer();
    place
        .run(&["app", "certificate", "retire", "--slot", "primary", "--key", "acme#support"])
        .refused(1);
    std::fs::write(place.path("password"), "a secret of carol\n").unwrap();
    user(&place, &["set-password", "--password-file", "password"]).answer();
    user(&place, &["deactivate"]).answer();
    user(&place, &["activate"]).answer();
    user(&place, &["log-out"]).answer();
    place.run(&["app", "set", "plan", "free", "--key", "acme#nothing"]).refused(1);
    place.run(&["app", "create", "--key", "acme#support"]).refused(1);
    place.run(&["key", "rotate"]).answer();
    place.run(&["key", "rotate", "--data-keys"]).answer();
    // Whoever only looks leaves nothing.
    place.run(&["app", "show", "--key", "acme#support"]).answer();
    place.run(&["app", "show", "--key", "acme#support", "--certificate-file", "shown"]).answer();
    user(&place, &["show"]).answer();
    place.run(&["key", "status"]).answer();

    let expected = [
        "user.created done",
        "user.created refused",
        "app.set done",
        "app.certificate.added done",
        "app.certificate.rotated done",
        "app.certificate.retired done",
        "app.certificate.retired refused",
        "user.password_set done",
        "user.deactivated done",
        "user.activated done",
        "user.logged_out done",
        "app.certificate.shown done",
    ];
    assert_eq!(acts(&place, &of_app), expected);
    let expected = [
        "app.created done",
        "app.set refused",
        "app.created refused",
        "key.root_rotated done",
        "key.data_renewed done",
    ];
    assert_eq!(acts(&place, &[]), expected);
    let list = ["audit", "list", "--app", "acme#support", "--act", "app.set", "--json"];
    let set = lines(&place.run(&list)).remove(0);
    assert_eq!(
        set["details"],
        serde_json::json!([
            {"name": "setting", "value": "auth"},
            {"name": "from", "value": "token"},
            {"name": "to", "value": "open"},
        ])
    );
    let all = place.run(&["audit", "list", "--app", "acme#support"]);
    let certificate = std::fs::read_to_string(place.path("shown")).unwrap();
    for secret in ["a secret of carol", certificate.trim()] {
        assert!(!all.answer().contains(secret));
    }
    assert!(all.answer().contains("on carol"));
    assert!(all.answer().contains("there is a user with that name already"), "{}", all.stdout);
    let some =
        ["audit", "list", "--app", "acme#support", "--limit", "2", "--before", "4", "--json"];
    let numbers: Vec<_> = lines(&place.run(&some)).iter().map(|e| e["number"].clone()).collect();
    assert_eq!(numbers, [3, 2]);
    let unknown = place.run(&["audit", "list", "--act", "app.sett"]);
    assert!(unknown.refused(2).contains("app.set"), "{}", unknown.stderr);
    assert!(place.run(&["audit", "list", "--app", "no#app"]).refused(1).contains("no app"));

    // The name goes with the user; the chain stays.
    user(&place, &["delete"]).answer();
    let all = place.run(&["audit", "list", "--app", "acme#support"]);
    assert!(
        !all.answer().contains("carol") && all.stdout.contains("on (erased)"),
        "{}",
        all.stdout
    );
    let with_server = place.run(&["audit", "verify", "--json"]);
    let chains = lines(&with_server);
    assert_eq!(chains.len(), 3, "the platform, acme#support and the demo's app");
    assert!(chains.iter().all(|chain| chain["whole"] == true), "{chains:?}");
    assert_eq!((&chains[0]["app"], &chains[0]["last"]), (&Value::Null, &5.into()));
    assert_eq!((&chains[1]["app"], &chains[1]["last"]), (&"acme#support".into(), &13.into()));
    server.end();
    let without = place.run(&["audit", "verify", "--json"]);
    assert_eq!(without.answer(), with_server.answer());
    let one = place.run(&["audit", "verify", "--app", "acme#support"]);
    assert!(one.answer().starts_with("acme#support: whole, 13 entries (1 to 13), head "));
}

#[test]
fn an_export_is_recorded_and_verified_without_the_data() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let create =
        |user: &str| place.run(&["user", "create", "--app", "acme#support", "--user", user]);
    for user in ["carol", "dave", "erin"] {
        create(user).answer();
    }
    let export = ["audit", "export", "--app", "acme#support", "--output"];
    let told = place.run(&[&export[..], &["log"]].concat());
    assert!(
        told.answer().starts_with("3 entries; the last is 3 with the hash "),
        "{}",
        told.stdout
    );
    let mode = place.path("log").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(place.run(&[&export[..], &["log"]].concat()).refused(4).contains("write log"));
    let acts = acts(&place, &["--app", "acme#support", "--act", "audit.exported"]);
    assert_eq!(acts, ["audit.exported done"], "what did not begin is none");

    let exported = std::fs::read_to_string(place.path("log")).unwrap();
    assert_eq!(exported.lines().count(), 4);
    assert_eq!(json(exported.lines().next().unwrap())["entry"]["subject"]["name"], "carol");
    // In a place where there are no data.
    let elsewhere = Place::new();
    let verify = |text: &str| elsewhere.run_with_input(&["audit", "verify", "--file", "-"], text);
    let hash = told.stdout.trim().rsplit(' ').next().unwrap();
    assert!(verify(&exported).answer().ends_with(&format!("3 entries (1 to 3), head {hash}\n")));
    let removed = |at: usize| {
        let lines = exported.lines().enumerate().filter(|(line, _)| *line != at);
        lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for (text, problem) in [
        (removed(0), "entry 1 is missing"),
        (removed(1), "entry 2 is missing"),
        (removed(2), "entry 3 is missing"),
        (removed(3), "it was cut after entry 3"),
        (exported.replacen("\"number\":2,", "\"number\":3,", 1), "line 2 is not one of an export"),
        (exported.replacen("\"time\":1", "\"time\":2", 1), "entry 1 was altered"),
        (String::new(), "it was cut after entry 0"),
    ] {
        let ended = verify(&text);
        assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stdout.contains("BROKEN") && ended.stdout.contains(problem),
            "{}",
            ended.stdout
        );
    }
    assert!(elsewhere.run(&["audit", "verify", "--file", "none"]).refused(4).contains("read none"));

    // To standard output nothing else is written.
    let stdout = place.run(&["audit", "export", "--app", "acme#support"]);
    assert_eq!(stdout.answer().lines().count(), 5);
    assert!(verify(stdout.answer()).answer().contains("4 entries (1 to 4)"));
    let platform = place.run(&["audit", "export"]);
    assert!(verify(platform.answer()).answer().starts_with("platform: whole, 1 entries"));
}

/// Changes the file of a store that nobody has open.
fn alter(place: &Place, change: impl FnOnce(&mut Vec<u8>) -> bool) {
    let engine = Embedded::open(&EmbeddedOptions::new(place.data().join("store"))).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let number = 2_u64.to_be_bytes();
        let key = [&[AUDIT_ENTRIES.code, 0, 0, 0, 1][..], &number].concat();
        let mut txn = engine.begin().await.unwrap();
        let mut record = txn.get(&key).await.unwrap().unwrap().to_vec();
        if change(&mut record) {
            txn.put(key, record);
        } else {
            txn.delete(key);
        }
        txn.commit().await.unwrap();
        engine.close().await.unwrap();
    });
}

#[test]
fn an_entry_that_was_changed_in_the_store_is_found() {
    for (removes, problem) in [(false, "entry 2 was altered"), (true, "entry 2 is missing")] {
        let place = Place::new();
        place.run(&["app", "create", "--key", "acme#support"]).answer();
        for auth in ["open", "token", "token_or_password"] {
            place.run(&["app", "set", "auth", auth, "--key", "acme#support"]).answer();
        }
        place.run(&["audit", "verify"]).answer();
        alter(&place, |record| {
            let last = record.len() - 1;
            record[last] ^= 1;
            !removes
        });
        let verify = ["audit", "verify", "--app", "acme#support"];
        let ended = place.run(&verify);
        assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stdout.contains("BROKEN") && ended.stdout.contains(problem),
            "{}",
            ended.stdout
        );
        let told = json(&place.run(&[&verify[..], &["--json"]].concat()).stdout);
        assert_eq!((&told["whole"], &told["brokenAt"]), (&false.into(), &2.into()));
        // The others are whole, and the end is that of the worst.
        let all = place.run(&["audit", "verify"]);
        assert_eq!((all.code, all.stdout.lines().count()), (Some(1), 2), "{}", all.stdout);
        assert!(all.stdout.contains("platform: whole, 1 entries"), "{}", all.stdout);
    }
}

#[test]
fn what_a_back_end_does_over_rest_and_who_is_refused_stands_in_the_log() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let key = ["--key", "demo#stoa"];
    place.run(&[&["app", "show", "--certificate-file", "c"], &key[..]].concat()).answer();
    let build = ["token", "build", "--app-id", text(&demo, "appId"), "--certificate-file", "c"];
    let token = place.run(&[&build[..], &["chat-app"]].concat()).answer().trim().to_owned();
    let asks = |token: &str, method, path: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        call(&demo, method, path, &[&bearer], None).status
    };
    let (name, password) = user(&demo, 0);
    let granted = grant(&demo, name, password);
    assert_eq!(asks(text(&granted.body, "access_token"), "DELETE", "/demo/stoa/users/alice"), 401);
    assert_eq!(asks("007nonsense", "GET", "/demo/stoa/users"), 401);
    assert_eq!(grant(&demo, name, "not the password").status, 400);
    assert_eq!(asks(&token, "DELETE", &format!("/demo/stoa/users/{name}")), 200);
    server.end();

    let found = acts(&place, &["--app", "demo#stoa"]);
    for expected in [
        "user.deleted done",
        "token.refused refused",
        "call.refused refused",
        "password.refused refused",
    ] {
        assert!(found.iter().any(|act| act == expected), "{expected}: {found:?}");
    }
    let exported = place.run(&["audit", "export", "--app", "demo#stoa", "--output", "-"]);
    for secret in [&token, password, "not the password", "007nonsense"] {
        assert!(!exported.answer().contains(secret));
    }
    place.run(&["audit", "verify", "--app", "demo#stoa"]).answer();
}
