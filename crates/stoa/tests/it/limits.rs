//! What the system does not let a server do.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::https::call;
use crate::server::{Place, grant, user};

/// Bytes of a file: so that none can grow.
const FILE_BYTES: u64 = 1;

#[test]
fn a_file_that_may_not_grow_stops_writes_and_nothing_else() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    let token = grant(&demo, name, password).body["access_token"].as_str().unwrap().to_owned();
    let authorization = format!("Authorization: Bearer {token}");
    let own = format!("/demo/stoa/users/{name}");
    let ask = |method: &str, path: &str, nickname: Option<&str>| {
        let body = nickname.map(|nickname| json!({ "nickname": nickname }));
        call(&demo, method, path, &[&authorization], body.as_ref()).status
    };
    assert_eq!(ask("PUT", &own, Some("A")), 200);
    assert_eq!(ask("GET", "/healthz", None), 200);

    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: Some(FILE_BYTES), maximum: None };
    prlimit(id, Resource::Fsize, limit).unwrap();
    // Whether the first write that fails was done is only known after a restart; the next is not begun.
    assert_eq!(ask("PUT", &own, Some("B")), 500);
    assert_eq!(ask("PUT", &own, Some("C")), 503);
    assert_eq!(ask("GET", "/healthz", None), 503);
    assert_eq!(ask("GET", &own, None), 200, "what is there can be read");
    server.kill();

    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let answer = call(&demo, "GET", &own, &[&authorization], None);
    let nickname = &answer.body["entities"][0]["nickname"];
    assert!(nickname == "A" || nickname == "B", "{nickname}");
    server.end();
}
