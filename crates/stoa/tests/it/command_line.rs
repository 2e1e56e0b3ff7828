use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::https::request;
use crate::server::{Place, Server, exists};

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn apps_and_users_are_made_listed_and_deleted() {
    let place = Place::new();
    let app = json(place.run(&["app", "create", "--key", "acme#support", "--json"]).answer());
    assert_eq!((&app["appKey"], &app["region"]), (&"acme#support".into(), &"eu".into()));
    assert_eq!(app["auth"], "token");
    assert!(app.get("certificate").is_none());
    let twice = place.run(&["app", "create", "--key", "acme#support"]);
    assert!(twice.refused(1).contains("exists already"), "{}", twice.stderr);
    let open = ["app", "create", "--key", "acme#lobby", "--auth", "token_or_password"];
    assert!(place.run(&open).answer().contains("token_or_password"));
    assert_eq!(place.run(&["app", "list"]).answer().lines().count(), 2);
    let listed = place.run(&["app", "list", "--json"]);
    assert_eq!(listed.answer().lines().map(json).next().unwrap(), app);
    assert_eq!(json(place.run(&["app", "show", "--key", "acme#support", "--json"]).answer()), app);

    let user =
        |arguments: &[&str]| place.run(&[&["user"], arguments, &["--app", "acme#lobby"]].concat());
    assert!(user(&["create", "--user", "carol"]).answer().contains("carol"));
    assert!(user(&["create", "--user", "carol"]).refused(1).contains("already"));
    assert!(user(&["create", "--user", "no name"]).refused(2).contains("a username"));
    let dave = ["user", "create", "--user", "dave", "--app", "acme#lobby", "--password-file", "-"];
    place.run_with_input(&dave, "secret of dave\n").answer();
    let shown = json(user(&["show", "--user", "dave", "--json"]).answer());
    assert_eq!(shown["username"], "dave");
    assert_eq!(user(&["list"]).answer().lines().count(), 2);
    user(&["delete", "--user", "carol"]).answer();
    assert!(user(&["show", "--user", "carol"]).refused(1).contains("no such user"));
    let listed = user(&["list", "--json"]);
    assert_eq!(listed.answer().lines().map(json).collect::<Vec<_>>(), [shown]);

    // What the command line made, the server knows, without TLS too where that is asked for.
    std::fs::write(place.path("new password"), "another secret\n").unwrap();
    user(&["password", "--user", "dave", "--password-file", "new password"]).answer();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--plain-http", "127.0.0.1:0"];
    let serve = [&serve[..], &["--log-format", "json"]].concat();
    let server = Server::start(place.command(&serve));
    let port = server.field("plain");
    for (password, expected) in [("another secret", 200), ("secret of dave", 400)] {
        let stream = TcpStream::connect(&port).unwrap();
        let body = json!({"grant_type": "password", "username": "dave", "password": password});
        let answer = request(stream, "POST", "/acme/lobby/token", &[], Some(&body));
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    assert!(!exists(&place.data().join("demo.json")));
    server.end();
}

#[test]
fn a_certificate_is_shown_only_when_asked_for_and_makes_good_tokens() {
    let place = Place::new();
    let app = json(place.run(&["app", "create", "--key", "acme#support", "--json"]).answer());
    let show = ["app", "show", "--key", "acme#support", "--certificate-file"];
    place.run(&[&show[..], &["certificate"]].concat()).answer();
    let file = place.path("certificate");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.run(&[&show[..], &["certificate"]].concat());
    assert!(again.refused(4).contains("File exists"), "{}", again.stderr);
    let shown = place.run(&[&show[..], &["-"]].concat());
    assert_eq!(shown.answer(), std::fs::read_to_string(&file).unwrap());
    assert!(shown.stderr.contains("warning: whoever has this certificate"));
    let plain = place.run(&["app", "show", "--key", "acme#support"]);
    assert!(!plain.answer().contains(shown.answer().trim()));

    let id = app["appId"].as_str().unwrap();
    let keys = ["--app-id", id, "--certificate-file", "certificate"];
    let made = place.run(&[&["token", "build"], &keys[..], &["chat-app"]].concat());
    let verify = [&["token", "verify"], &keys[..], &["--service", "chat", made.answer().trim()]];
    assert_eq!(json(place.run(&verify.concat()).answer())["authenticated"], true);
}

/// The shape of each answer for programs, which is a promise. What differs from run to run is replaced
/// by what it is.
#[test]
fn answers_for_programs_keep_their_shape() {
    fn is_of_an_id(byte: u8) -> bool {
        byte.is_ascii_hexdigit() || byte == b'-'
    }
    fn shape(value: Value) -> Value {
        match value {
            Value::String(text) if text.len() >= 16 && text.bytes().all(is_of_an_id) => {
                "<id>".into()
            }
            Value::Number(number) if number.as_u64().is_some_and(|n| n > 1 << 40) => {
                "<time>".into()
            }
            Value::Array(all) => all.into_iter().map(shape).collect(),
            Value::Object(all) => {
                let counts = |name: &str| ["life", "generation"].contains(&name);
                let of = |(name, v): (String, Value)| {
                    if counts(&name) { (name, "<count>".into()) } else { (name, shape(v)) }
                };
                all.into_iter().map(of).collect()
            }
            other => other,
        }
    }
    let place = Place::new();
    std::fs::write(place.path("password"), "secret of carol\n").unwrap();
    let app = ["--key", "acme#support"];
    let carol = ["--app", "acme#support", "--user", "carol"];
    let commands: &[(&str, &[&str], &[&str])] = &[
        ("version", &["version"], &[]),
        ("app create", &["app", "create"], &app),
        ("app create twice", &["app", "create"], &app),
        ("app list", &["app", "list"], &[]),
        ("app show with certificate", &["app", "show", "--certificate-file", "-"], &app),
        ("app set auth", &["app", "set", "auth", "token_or_password"], &app),
        ("app set token-cap", &["app", "set", "token-cap", "3600"], &app),
        ("app set plan", &["app", "set", "plan", "starter", "--confirm"], &app),
        ("retention show", &["retention", "show"], &["--app", "acme#support"]),
        (
            "retention set too long",
            &["retention", "set", "--messages", "4000"],
            &["--app", "acme#support"],
        ),
        ("retention set", &["retention", "set", "--messages", "180"], &["--app", "acme#support"]),
        ("app set friends-only", &["app", "set", "friends-only", "true"], &app),
        ("app set recall-window", &["app", "set", "recall-window", "600"], &app),
        ("app set recall-window too long", &["app", "set", "recall-window", "604801"], &app),
        ("app set max-attachment-bytes", &["app", "set", "max-attachment-bytes", "1000000"], &app),
        ("app set room-history", &["app", "set", "room-history", "50"], &app),
        ("app set room-history too much", &["app", "set", "room-history", "201"], &app),
        ("app set room-rate", &["app", "set", "room-rate", "100"], &app),
        ("app set token-cap too long", &["app", "set", "token-cap", "86401"], &app),
        ("app certificate add", &["app", "certificate", "add", "--certificate-file", "-"], &app),
        ("app certificate list", &["app", "certificate", "list"], &app),
        ("app certificate swap", &["app", "certificate", "swap"], &app),
        ("app certificate retire", &["app", "certificate", "retire", "--slot", "secondary"], &app),
        ("user create", &["user", "create", "--nickname", "Carol"], &carol),
        ("user list", &["user", "list"], &carol[..2]),
        ("user set-password", &["user", "set-password", "--password-file", "password"], &carol),
        ("user deactivate", &["user", "deactivate"], &carol),
        ("user log-out", &["user", "log-out"], &carol),
        ("user delete", &["user", "delete"], &carol),
        ("user show unknown", &["user", "show"], &carol),
        ("unknown app", &["user", "list"], &["--app", "acme#none"]),
        ("key status", &["key", "status"], &[]),
        ("key rotate", &["key", "rotate"], &[]),
        ("key rotate data keys", &["key", "rotate", "--data-keys"], &[]),
        ("audit list", &["audit", "list", "--limit", "8"], &carol[..2]),
        ("audit export", &["audit", "export", "--output", "log"], &[]),
        ("audit verify", &["audit", "verify"], &[]),
        ("audit verify file", &["audit", "verify", "--file", "log"], &[]),
        ("token refused", &["token", "inspect", "007"], &[]),
        ("config check", &["config", "check"], &[]),
        (
            "config check wrong",
            &["config", "check", "--region", "cn", "--plain-http", "10.0.0.1:1"],
            &[],
        ),
        ("wrong argument", &["app", "list", "--nonsense"], &[]),
        ("missing argument", &["app", "show"], &[]),
    ];
    let mut told = Vec::new();
    for (name, command, more) in commands {
        let ended = place.run(&[command, *more, &["--json"]].concat());
        let answers: Vec<_> = ended.stdout.lines().map(|line| shape(json(line))).collect();
        // Warnings and the log are for people.
        let failure = ended.stderr.lines().find(|line| line.starts_with("{\"error\"")).map(json);
        told.push(
            json!({ "command": name, "exit": ended.code, "answers": answers, "failure": failure }),
        );
        assert_eq!(failure.is_some(), ended.code != Some(0) && answers.is_empty(), "{name}");
    }
    insta::assert_json_snapshot!(told);
}

#[test]
fn every_way_to_end_is_in_the_table() {
    let place = Place::new();
    let help = place.run(&["--help"]);
    for exit in stoa::failure::Exit::ALL {
        let part = format!("{} {}", exit.code(), exit.meaning());
        let told = help.answer().replace('\n', " ");
        assert!(told.contains(&part), "{part}");
    }
    // 0, 1 and 2 are all over this file; 3 is in `control`, 5 in its unit tests.
    let file =
        place.run(&["token", "build", "--app-id", "x", "--certificate-file", "gone", "chat-app"]);
    assert!(file.refused(4).contains("cannot read gone"), "{}", file.stderr);
    std::fs::write(place.path("bad"), "no certificate").unwrap();
    let file =
        place.run(&["token", "build", "--app-id", "x", "--certificate-file", "bad", "chat-app"]);
    assert!(file.refused(2).contains("App Certificate"), "{}", file.stderr);
}

#[test]
fn the_configuration_is_explained_and_checked() {
    let place = Place::new();
    let text = place.run(&["config", "default"]);
    std::fs::write(place.path("stoa.toml"), text.answer()).unwrap();
    let good = place.run(&["config", "check"]);
    assert_eq!(good.answer(), "the configuration is good (stoa.toml)\n");
    assert!(place.run(&["config", "doc"]).answer().starts_with("# Configuration"));

    let wrong = "listen = 'x'\nlisten-on = 'y'\ntls-certificate = 'c'\n";
    std::fs::write(place.path("wrong.toml"), wrong).unwrap();
    let ended = place.run(&["config", "check", "--config", "wrong.toml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    for part in
        ["line 1: listen: ", "line 2: there is no setting 'listen-on'", "did you mean 'listen'?"]
    {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert!(ended.stdout.contains("tls-key") && ended.stdout.ends_with("3 wrong (wrong.toml)\n"));
    // Files that are named are looked at as a server would.
    let files =
        ["--tls-certificate", "gone.pem", "--tls-key", "gone.key", "--root-key-file", "gone"];
    let ended = place.run(&[&["config", "check"], &files[..]].concat());
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("gone.pem") && ended.stdout.contains("2 wrong"),
        "{}",
        ended.stdout
    );
    assert!(!exists(&place.data()), "nothing is made");
}

#[test]
fn data_of_another_region_are_refused() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support", "--region", "na"]).answer();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0", "--region", "eu"][..],
        &["app", "create", "--key", "acme#other", "--region", "eu"],
    ] {
        let ended = place.run(arguments);
        let reason = ended.refused(2);
        assert!(reason.contains("the data belongs to region 'na'"), "{reason}");
    }
    // What was not told a region takes that of the data.
    let other = place.run(&["app", "create", "--key", "acme#other", "--json"]);
    assert_eq!(json(other.answer())["region"], "na");
}

#[test]
fn wrong_settings_are_refused_before_anything_is_made() {
    let place = Place::new();
    std::fs::write(place.path("stoa.toml"), "log_levle = 'info'\n").unwrap();
    let ended = place.run(&["serve"]);
    let reason = ended.refused(2);
    assert!(reason.contains("stoa.toml, line 1: there is no setting 'log_levle'"), "{reason}");
    assert!(reason.contains("did you mean 'log-level'?"), "{reason}");
    std::fs::remove_file(place.path("stoa.toml")).unwrap();

    let ended: crate::server::Ended =
        place.command(&["serve"]).env("STOA_LISTN", "x").output().unwrap().into();
    assert!(ended.refused(2).contains("did you mean 'STOA_LISTEN'?"), "{}", ended.stderr);
    let ended = place.run(&["serve", "--log-levle", "info"]);
    assert!(ended.refused(2).contains("'--log-level'"), "{}", ended.stderr);
    let ended = place.run(&["serve", "--config", "gone.toml"]);
    assert!(ended.refused(2).contains("gone.toml"), "{}", ended.stderr);
    let ended = place.run(&["serve", "--plain-http", "10.0.0.1:80"]);
    assert!(ended.refused(2).contains("not a loopback address"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 0);
}

#[test]
fn commands_do_not_make_data_where_there_are_none() {
    let place = Place::new();
    let ended = place.run(&["app", "list", "--data", "elsewhere"]);
    assert!(ended.refused(2).contains("there are no data in 'elsewhere'"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 0);
}

#[test]
fn data_without_their_vault_or_root_key_are_refused() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let ended = place.run(&["app", "list", "--keys", "elsewhere"]);
    assert!(ended.refused(4).contains("the vault elsewhere is empty"), "{}", ended.stderr);
    assert!(!exists(&place.path("elsewhere")), "no other vault is made");

    let key = place.path("data.keys.root");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = place.run(&["app", "list"]);
    assert!(ended.refused(4).contains("chmod 600"), "{}", ended.stderr);
    std::fs::remove_file(&key).unwrap();
    let ended = place.run(&["app", "list"]);
    assert!(ended.refused(4).contains("is missing"), "{}", ended.stderr);
}
