//! Chat rooms: making, listing and changing them, who is in them, and their attributes.

use http::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::transcript::Transcript;

/// Makes a room as the app's back end does, and answers its id.
async fn make(lab: &Lab, owner: &str, members: &[&str]) -> String {
    let body = json!({
        "name": "lounge", "description": "we talk", "owner": owner, "members": members,
        "maxusers": 10,
    });
    let answer = lab.admin(Method::POST, "/chatrooms", body).await;
    answer.done()["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn making_a_room() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let body = json!({"owner": "alice", "name": "lounge", "description": "", "members": ["bob"]});
    let made = transcript.admin(Method::POST, "/chatrooms", body.clone()).await;
    let id = made.done()["data"]["id"].as_str().unwrap().to_owned();
    for body in [
        json!({"owner": "alice"}),
        json!({"name": "lounge"}),
        json!({"owner": "nobody", "name": "lounge"}),
        json!({"owner": "alice", "name": "lounge", "members": ["nobody"]}),
        json!({"owner": "alice", "name": "lounge", "members": ["bob"], "maxusers": 1}),
        json!({"owner": "alice", "name": "lounge", "maxusers": 0}),
        json!({"owner": "alice", "name": "n".repeat(129)}),
        json!({"owner": "alice", "name": "lounge", "public": true}),
    ] {
        transcript.admin(Method::POST, "/chatrooms", body).await;
    }
    // Users need the right.
    let own = "/chatrooms?resource=web";
    let admins = "/chatrooms/super_admin";
    transcript.user("alice", Method::POST, own, body.clone()).await;
    for (method, path, body) in [
        (Method::POST, admins, json!({"superadmin": "alice"})),
        (Method::POST, admins, json!({"superadmin": "nobody"})),
        (Method::GET, "/chatrooms/super_admin?pagenum=1&pagesize=5", Value::Null),
        (Method::GET, "/chatrooms/super_admin?pagenum=2&pagesize=5", Value::Null),
    ] {
        transcript.admin(method, path, body).await;
    }
    transcript.user("alice", Method::GET, admins, Value::Null).await;
    let second = transcript.user("alice", Method::POST, own, body.clone()).await;
    let second = second.done()["data"]["id"].as_str().unwrap().to_owned();
    transcript.user("bob", Method::POST, own, body.clone()).await;
    transcript.admin(Method::DELETE, "/chatrooms/super_admin/alice", Value::Null).await;
    transcript.user("alice", Method::POST, own, body).await;
    insta::assert_snapshot!(transcript.shown(&[(&id, "[lounge]"), (&second, "[second]")]));
}

#[tokio::test]
async fn a_super_administrator_is_deleted_with_the_right() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let path = "/chatrooms/super_admin";
    lab.admin(Method::POST, path, json!({"superadmin": "alice"})).await.done();
    lab.admin(Method::DELETE, "/users/alice", Value::Null).await.done();
    lab.users(&["alice"]).await;
    // From then on what a back end makes is no token of the former user's.
    lab.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(lab.admin(Method::GET, path, Value::Null).await.done()["data"], json!([]));
    let body = json!({"owner": "alice", "name": "lounge"});
    lab.as_user("alice", Method::POST, "/chatrooms", body).await.refused(403);
}

#[tokio::test]
async fn room_details_and_changes() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let id = make(&lab, "alice", &["bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let path = format!("/chatrooms/{id}");
    transcript.user("bob", Method::GET, &path, Value::Null).await;
    transcript.user("carol", Method::GET, &format!("{path}%2C77"), Value::Null).await;
    for other in ["/chatrooms/77", "/chatrooms/nonsense", &*format!("/chatgroups/{id}")] {
        transcript.user("carol", Method::GET, other, Value::Null).await;
    }
    let put = format!("{path}?resource=web");
    for body in [
        json!({"groupname": "salon", "description": "we talk a lot", "maxusers": 20}),
        json!({"name": "parlour"}),
        json!({"name": "parlour", "custom": "x"}),
        json!({"newowner": "bob"}),
        json!({"maxusers": 1}),
        json!({"description": "d".repeat(513)}),
        json!({}),
    ] {
        transcript.user("alice", Method::PUT, &put, body).await;
    }
    for user in ["bob", "carol"] {
        transcript.user(user, Method::PUT, &put, json!({"name": "mine"})).await;
    }
    transcript.admin(Method::PUT, &path, json!({"name": "hall"})).await;
    let delete = format!("{path}?version=v3&resource=web");
    for user in ["bob", "alice", "alice"] {
        transcript.user(user, Method::DELETE, &delete, Value::Null).await;
    }
    insta::assert_snapshot!(transcript.shown(&[(&id, "[lounge]")]));
}

#[tokio::test]
async fn lists_of_rooms() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        lab.clock.advance(std::time::Duration::from_secs(1));
        ids.push(make(&lab, "alice", &["bob"]).await);
    }
    let mut transcript = Transcript::new(&lab);
    for path in [
        "/chatrooms?pagenum=1&pagesize=2",
        "/chatrooms?pagenum=2&pagesize=2",
        "/chatrooms?pagenum=3&pagesize=2",
        "/chatrooms?limit=0",
        "/chatrooms?limit=101",
        "/chatrooms?cursor=x",
        "/users/bob/joined_chatrooms",
        "/users/bob/joined_chatrooms?pagenum=1&pagesize=2&detail=true",
        "/users/bob/joined_chatrooms?pagenum=2&pagesize=2",
        "/users/alice/joined_chatrooms",
    ] {
        transcript.user("bob", Method::GET, path, Value::Null).await;
    }
    let page = transcript.admin(Method::GET, "/chatrooms?limit=2", Value::Null).await;
    let cursor = page.done()["cursor"].as_str().unwrap().to_owned();
    let next = format!("/chatrooms?limit=2&cursor={cursor}");
    let rest = lab.admin(Method::GET, &next, Value::Null).await;
    assert_eq!(rest.done()["data"][0]["id"], ids[0].as_str());
    assert!(rest.done().get("cursor").is_none());
    // Groups and rooms stand in lists of their own.
    assert_eq!(lab.admin(Method::GET, "/chatgroups", Value::Null).await.done()["count"], 0);
    let names = ["[room 0]", "[room 1]", "[room 2]"];
    let pairs: Vec<_> = ids.iter().map(|id| &**id).zip(names).collect();
    insta::assert_snapshot!(transcript.shown(&pairs));
}

#[tokio::test]
async fn members_of_rooms() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol", "dave"]).await;
    let id = make(&lab, "alice", &["bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let path = format!("/chatrooms/{id}");
    let users = format!("{path}/users");
    for name in ["carol", "carol", "nobody"] {
        transcript.admin(Method::POST, &format!("{users}/{name}"), Value::Null).await;
    }
    for names in [json!(["bob", "dave"]), json!(["bob"]), json!(["nobody"]), json!([])] {
        let body = json!({"usernames": names});
        transcript.user("alice", Method::POST, &format!("{users}?resource=web"), body).await;
    }
    transcript.user("bob", Method::POST, &users, json!({"usernames": ["dave"]})).await;
    for query in ["", "?pagenum=2&pagesize=3", "?cursor=undefined&limit=2&joined_time=true"] {
        transcript.user("bob", Method::GET, &format!("{users}{query}"), Value::Null).await;
    }
    transcript.user("bob", Method::GET, &format!("{path}/roles"), Value::Null).await;
    transcript.user("bob", Method::DELETE, &format!("{users}/carol"), Value::Null).await;
    for names in ["carol", "carol", "alice", "dave,nobody%2Calice"] {
        let path = format!("{users}/{names}?resource=web");
        transcript.user("alice", Method::DELETE, &path, Value::Null).await;
    }
    transcript.user("carol", Method::GET, &users, Value::Null).await;
    for (method, what) in
        [(Method::POST, "apply?resource=web"), (Method::DELETE, "quit"), (Method::DELETE, "quit")]
    {
        transcript.user("carol", method, &format!("{path}/{what}"), Value::Null).await;
    }
    transcript.admin(Method::POST, &format!("{path}/apply"), Value::Null).await;
    let many: Vec<String> = (0..100).map(|n| format!("u{n}")).collect();
    let all = lab.admin(Method::DELETE, &format!("{users}/{}", many.join(",")), Value::Null).await;
    assert_eq!(all.done()["data"].as_array().unwrap().len(), 100);
    let more = format!("{users}/{},u100", many.join(","));
    lab.admin(Method::DELETE, &more, Value::Null).await.refused(400);
    insta::assert_snapshot!(transcript.shown(&[(&id, "[lounge]")]));
}

#[tokio::test]
async fn what_managers_do_in_rooms() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let id = make(&lab, "alice", &["bob", "carol"]).await;
    let mut transcript = Transcript::new(&lab);
    let path = |what: &str| format!("/chatrooms/{id}/{what}");
    let own = |what: &str| format!("/chatrooms/{id}/{what}?resource=web");
    let calls = [
        ("alice", Method::POST, own("admin"), json!({"newadmin": "bob"})),
        ("alice", Method::POST, own("admin"), json!({"newadmin": "nobody"})),
        ("carol", Method::GET, path("admin"), Value::Null),
        (
            "bob",
            Method::POST,
            own("mute"),
            json!({"usernames": ["carol"], "mute_duration": 60_000}),
        ),
        ("bob", Method::GET, path("mute"), Value::Null),
        ("carol", Method::GET, format!("/sdk/chatrooms/{id}/mute/carol"), Value::Null),
        ("bob", Method::DELETE, own("mute/carol"), Value::Null),
        ("bob", Method::POST, own("ban"), Value::Null),
        ("bob", Method::POST, own("white/users/carol"), Value::Null),
        ("bob", Method::POST, own("white/users"), json!({"usernames": ["carol", "nobody"]})),
        ("bob", Method::GET, path("white/users"), Value::Null),
        ("carol", Method::GET, path("white/users/carol"), Value::Null),
        ("bob", Method::DELETE, own("white/users/carol"), Value::Null),
        ("bob", Method::DELETE, own("ban"), Value::Null),
        ("bob", Method::POST, own("announcement"), json!({"announcement": "hush"})),
        ("alice", Method::POST, own("announcement"), json!({"announcement": "hush"})),
        ("carol", Method::GET, path("announcement"), Value::Null),
        ("bob", Method::POST, own("blocks/users"), json!({"usernames": ["carol", "nobody"]})),
        ("bob", Method::POST, own("blocks/users/alice"), Value::Null),
        ("bob", Method::GET, path("blocks/users"), Value::Null),
        ("carol", Method::GET, path("announcement"), Value::Null),
        ("bob", Method::POST, own("users"), json!({"usernames": ["carol"]})),
        ("bob", Method::DELETE, own("blocks/users/carol"), Value::Null),
        ("alice", Method::DELETE, own("admin/bob"), Value::Null),
        ("bob", Method::POST, own("ban"), Value::Null),
    ];
    for (user, method, path, body) in calls {
        transcript.user(user, method, &path, body).await;
    }
    insta::assert_snapshot!(transcript.shown(&[(&id, "[lounge]")]));
}

#[tokio::test]
async fn attributes_of_rooms() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let id = make(&lab, "alice", &["bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let all = format!("/metadata/chatroom/{id}");
    let of = |user: &str, forced: &str| format!("{all}/user/{user}{forced}?resource=web");
    let set = |values: Value| json!({"metaData": values, "autoDelete": "NO_DELETE"});
    let remove = |keys: Value| json!({"keys": keys});
    let calls = [
        ("bob", Method::PUT, of("bob", ""), set(json!({"topic": "chess", "mic.1": "bob"}))),
        ("alice", Method::PUT, of("alice", ""), json!({"metaData": {"topic": "go", "host": "a"}})),
        ("alice", Method::PUT, of("alice", "/forced"), set(json!({"topic": "go"}))),
        ("bob", Method::PUT, of("bob", ""), set(json!({"": "x", "a b": "x", "mic.1": "me"}))),
        ("bob", Method::PUT, of("bob", ""), set(json!({"k".repeat(129): "x"}))),
        ("bob", Method::PUT, of("bob", ""), set(json!({"k": "v".repeat(4097)}))),
        ("bob", Method::PUT, of("bob", ""), json!({"metaData": {"k": "v"}, "autoDelete": "NO"})),
        ("bob", Method::PUT, of("bob", ""), set(json!({}))),
        ("bob", Method::PUT, of("alice", ""), set(json!({"k": "v"}))),
        ("carol", Method::PUT, of("carol", ""), set(json!({"k": "v"}))),
        ("bob", Method::POST, all.clone(), json!({})),
        ("bob", Method::POST, all.clone(), remove(json!(["topic", "none"]))),
        ("carol", Method::POST, all.clone(), json!({})),
        ("bob", Method::DELETE, of("bob", ""), remove(json!(["topic", "mic.1", "none"]))),
        ("bob", Method::DELETE, of("bob", "/forced"), remove(json!(["topic"]))),
        ("bob", Method::DELETE, of("bob", ""), remove(json!([]))),
        ("bob", Method::POST, all.clone(), json!({})),
        ("bob", Method::POST, "/metadata/chatroom/77".into(), json!({})),
    ];
    for (user, method, path, body) in calls {
        transcript.user(user, method, &path, body).await;
    }
    for user in ["carol", "nobody"] {
        transcript.admin(Method::PUT, &of(user, ""), set(json!({"by": user}))).await;
    }
    insta::assert_snapshot!(transcript.shown(&[(&id, "[lounge]")]));
}

#[tokio::test]
async fn a_room_has_a_hundred_attributes() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let id = make(&lab, "alice", &[]).await;
    let path = format!("/metadata/chatroom/{id}/user/alice");
    let set = async |from: usize| {
        let values: Value =
            (from..from + 10).map(|n| (format!("k{n}"), Value::from("v"))).collect();
        let answer = lab.admin(Method::PUT, &path, json!({"metaData": values})).await;
        answer.done()["data"].clone()
    };
    for n in 0..9 {
        assert_eq!(set(n * 10).await["errorKeys"], json!({}));
    }
    // Those that are there can still be set.
    let last = set(85).await;
    assert_eq!(last["successKeys"].as_array().unwrap().len(), 10);
    let last = set(95).await;
    assert_eq!(last["successKeys"].as_array().unwrap().len(), 5);
    let reason = last["errorKeys"]["k99"].as_str().unwrap();
    assert!(reason.contains("size of metadata for this single chatroom exceeds the user defined"));
    let all = lab.admin(Method::POST, &format!("/metadata/chatroom/{id}"), json!({})).await;
    assert_eq!(all.done()["data"].as_object().unwrap().len(), 100);
    let eleven: Value = (0..11).map(|n| (format!("k{n}"), Value::from("v"))).collect();
    lab.admin(Method::PUT, &path, json!({"metaData": eleven})).await.refused(400);
}
