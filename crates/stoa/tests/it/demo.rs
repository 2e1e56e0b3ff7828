use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::https::{address, call, connect, request};
use crate::server::{Place, exists, grant, text, user};

#[test]
fn it_says_how_to_reach_it_and_answers_there() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let file = place.data().join("demo.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let demo = place.demo();
    for (name, length) in [("appId", 32), ("certificate", 32)] {
        let value = text(&demo, name);
        assert!(value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
    assert_eq!(text(&demo, "appKey"), "demo#stoa");
    assert_eq!((text(&demo, "orgName"), text(&demo, "appName")), ("demo", "stoa"));
    assert_eq!(text(&demo, "wsUrl"), format!("wss://{}/ws", address(&demo)));
    assert!(Path::new(text(&demo, "ca")).is_absolute());
    assert_eq!(demo["users"].as_array().unwrap().len(), 2);

    assert_eq!(call(&demo, "GET", "/healthz", &[], None).status, 200);
    let document = call(&demo, "GET", "/easemob/server.json?app_key=demo%23stoa", &[], None).body;
    assert_eq!(document["rest"]["hosts"][0]["port"], address(&demo).port().to_string());
    let (name, password) = user(&demo, 0);
    assert_eq!(grant(&demo, name, password).status, 200);
    assert_ne!(grant(&demo, name, "wrong").status, 200);
    assert_eq!(grant(&demo, user(&demo, 1).0, user(&demo, 1).1).status, 200);
    server.end();
}

#[test]
fn clients_are_served_over_tls_1_2_and_1_3_under_its_names_only() {
    let place = Place::new();
    let _server = place.serve_demo(&[]);
    let demo = place.demo();
    let ca = Path::new(text(&demo, "ca"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for name in ["localhost", "127.0.0.1"] {
            let stream = connect(ca, address(&demo), name, version).unwrap();
            assert_eq!(request(stream, "GET", "/healthz", &[], None).status, 200);
        }
        assert!(connect(ca, address(&demo), "other.example", version).is_err());
    }
}

#[test]
fn app_users_and_passwords_stay_over_an_end_and_a_kill() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let first = place.demo();
    server.end();

    let server = place.serve_demo(&[]);
    let second = place.demo();
    for name in ["appId", "certificate", "users"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    let (name, password) = user(&second, 0);
    assert_eq!(grant(&second, name, password).status, 200);
    server.kill();

    // Passwords that are not the right ones (here: none) are replaced, and only the new ones count.
    std::fs::remove_file(place.data().join("demo.json")).unwrap();
    let server = place.serve_demo(&[]);
    let third = place.demo();
    assert_eq!(first["appId"], third["appId"]);
    assert_eq!(user(&third, 0).0, name);
    assert_ne!(user(&third, 0).1, password);
    assert_eq!(grant(&third, name, user(&third, 0).1).status, 200);
    assert_ne!(grant(&third, name, password).status, 200);
    server.end();
}

#[test]
fn it_is_refused_where_others_could_reach_it() {
    let place = Place::new();
    let ended = place.run(&["serve", "--demo", "--listen", "0.0.0.0:0"]);
    assert!(ended.refused(2).contains("0.0.0.0:0 is not a loopback address"), "{}", ended.stderr);
    assert!(!exists(&place.data()), "nothing was made");
}

#[test]
fn it_ends_in_time_though_clients_hold_on() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let ca = Path::new(text(&demo, "ca"));
    let idle = || connect(ca, address(&demo), "localhost", &rustls::version::TLS13).unwrap();
    let held: Vec<_> = (0..8).map(|_| idle()).collect();
    // One that has begun a request and says no more.
    let mut begun = idle();
    let head = "POST /demo/stoa/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    std::io::Write::write_all(&mut begun, head.as_bytes()).unwrap();
    server.end();
    drop((held, begun));
}

#[test]
fn names_and_passwords_lie_nowhere_but_in_its_file() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    assert_eq!(grant(&demo, name, password).status, 200);
    let log = server.end();
    std::fs::remove_file(place.data().join("demo.json")).unwrap();
    let mut found = vec![("the log".into(), log.into_bytes())];
    collect(&place.path(""), &mut found);
    assert!(found.len() > 5);
    let secrets = secrets(&demo);
    for (file, bytes) in &found {
        for secret in &secrets {
            let holds = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!holds, "{file} holds {secret}");
        }
    }
}

fn secrets(demo: &Value) -> Vec<String> {
    let users = demo["users"].as_array().unwrap().iter();
    let users = users.flat_map(|user| [text(user, "username"), text(user, "password")]);
    users.chain([text(demo, "certificate")]).map(str::to_owned).collect()
}

fn collect(dir: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            let mut bytes = std::fs::read(&path).unwrap();
            // Journals are laid out ahead, in zeros.
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end);
            into.push((path.display().to_string(), bytes));
        }
    }
}
