//! Groups: making, changing, joining and leaving them.

use http::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::transcript::Transcript;

/// Makes a group as its owner's SDK does, and answers its id.
async fn make(lab: &Lab, owner: &str, more: Value) -> String {
    let mut body = json!({
        "owner": owner, "groupname": "chess", "avatar": "", "desc": "we play", "members": [],
        "public": false, "approval": false, "allowinvites": true, "invite_need_confirm": false,
        "maxusers": 200, "custom": "",
    });
    let Value::Object(more) = more else { panic!("an object") };
    for (name, value) in more {
        body[name] = value;
    }
    let path = "/chatgroups?resource=web";
    let answer = lab.as_user(owner, Method::POST, path, body).await;
    answer.done()["data"]["groupid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn making_a_group() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let mut ids = Vec::new();
    let body = json!({"owner": "alice", "groupname": "chess", "members": ["bob"], "maxusers": 3});
    let made = transcript.admin(Method::POST, "/chatgroups", body).await;
    ids.push(made.done()["data"]["groupid"].as_str().unwrap().to_owned());
    for body in [
        json!({"groupname": "chess"}),
        json!({"owner": "nobody"}),
        json!({"owner": "alice", "members": ["nobody"]}),
        json!({"owner": "alice", "members": ["bob"], "maxusers": 1}),
        json!({"owner": "alice", "maxusers": 0}),
        json!({"owner": "alice", "groupname": "n".repeat(129)}),
        json!({"owner": "alice", "public": "yes"}),
        json!({"owner": "alice", "group_id": "1"}),
    ] {
        transcript.admin(Method::POST, "/chatgroups", body).await;
    }
    transcript.user("bob", Method::POST, "/chatgroups", json!({"owner": "alice"})).await;
    insta::assert_snapshot!(transcript.shown(&[(&ids[0], "[chess]")]));
}

#[tokio::test]
async fn details_and_changes() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let chess = make(&lab, "alice", json!({"members": ["bob"]})).await;
    let go = make(&lab, "alice", json!({"public": true, "groupname": "go"})).await;
    let mut transcript = Transcript::new(&lab);
    let path = format!("/chatgroups/{chess}");
    transcript.user("bob", Method::GET, &format!("{path}?joined_time=true"), Value::Null).await;
    let both = format!("/chatgroups/{chess},{go},77");
    transcript.user("carol", Method::GET, &both, Value::Null).await;
    let encoded = both.replace(',', "%2C");
    let answer = lab.admin(Method::GET, &encoded, Value::Null).await;
    assert_eq!(answer.done()["count"], 2);
    for other in ["77", "nonsense", &*chess] {
        transcript.user("carol", Method::GET, &format!("/chatgroups/{other}"), Value::Null).await;
    }
    let put = format!("{path}?resource=web");
    for body in [
        json!({"groupname": "chess club", "description": "we play", "custom": "{}"}),
        json!({"maxusers": 300, "membersonly": true}),
        json!({"groupname": "new", "group_id": "7"}),
        json!({"public": "yes"}),
        json!({"maxusers": 1}),
        json!({}),
    ] {
        transcript.user("alice", Method::PUT, &put, body).await;
    }
    transcript.user("bob", Method::PUT, &put, json!({"groupname": "mine"})).await;
    transcript.user("alice", Method::PUT, &put, json!({"newowner": "carol"})).await;
    transcript.user("alice", Method::PUT, &put, json!({"newowner": "alice"})).await;
    transcript.user("alice", Method::PUT, &put, json!({"newowner": "bob", "public": true})).await;
    transcript.user("alice", Method::PUT, &put, json!({"newowner": "bob"})).await;
    transcript.admin(Method::POST, &format!("{path}/disable"), Value::Null).await;
    transcript.user("bob", Method::PUT, &put, json!({"groupname": "off"})).await;
    transcript.user("bob", Method::POST, &format!("{path}/enable"), Value::Null).await;
    transcript.admin(Method::POST, &format!("{path}/enable"), Value::Null).await;
    transcript.admin(Method::GET, &path, Value::Null).await;
    let delete = format!("{path}?version=v3&resource=web");
    transcript.user("alice", Method::DELETE, &delete, Value::Null).await;
    transcript.user("bob", Method::DELETE, &delete, Value::Null).await;
    transcript.user("bob", Method::DELETE, &delete, Value::Null).await;
    insta::assert_snapshot!(transcript.shown(&[(&chess, "[chess]"), (&go, "[go]")]));
}

#[tokio::test]
async fn lists_of_groups() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for n in 0..3 {
        lab.clock.advance(std::time::Duration::from_secs(1));
        let new = json!({"groupname": format!("group {n}"), "public": n != 1, "members": ["bob"]});
        ids.push(make(&lab, "alice", new).await);
        names.push(format!("[group {n}]"));
    }
    let mut transcript = Transcript::new(&lab);
    let page = transcript
        .user("bob", Method::GET, "/publicchatgroups?limit=1&cursor=undefined", Value::Null)
        .await;
    let cursor = page.done()["cursor"].as_str().unwrap().to_owned();
    let rest = lab
        .as_user(
            "bob",
            Method::GET,
            &format!("/publicchatgroups?limit=5&cursor={cursor}"),
            Value::Null,
        )
        .await;
    assert_eq!(rest.done()["data"][0]["groupid"], ids[0].as_str());
    assert!(rest.done().get("cursor").is_none());
    transcript.user("bob", Method::GET, "/publicchatgroups?cursor=x", Value::Null).await;
    transcript.user("bob", Method::GET, "/users/bob/joined_chatgroups", Value::Null).await;
    for path in [
        "/users/bob/joined_chatgroups?pagenum=0&pagesize=2",
        "/users/bob/joined_chatgroups?pagenum=1&pagesize=2",
        "/chatgroups/user/bob?pagenum=0&pagesize=1&needAffiliations=true&needRole=true",
        "/chatgroups/user/bob/joined_count",
        "/users/alice/joined_chatgroups",
        "/chatgroups",
    ] {
        transcript.user("bob", Method::GET, path, Value::Null).await;
    }
    transcript.admin(Method::GET, "/chatgroups?limit=2", Value::Null).await;
    transcript
        .admin(Method::GET, "/users/bob/joined_chatgroups?pagenum=1&pagesize=2", Value::Null)
        .await;
    transcript.admin(Method::GET, "/chatgroups?limit=1001", Value::Null).await;
    let pairs: Vec<_> = ids.iter().zip(&names).map(|(id, name)| (&**id, &**name)).collect();
    insta::assert_snapshot!(transcript.shown(&pairs));
}

#[tokio::test]
async fn members() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol", "dave"]).await;
    let id = make(&lab, "alice", json!({"allowinvites": false})).await;
    let mut transcript = Transcript::new(&lab);
    let path = format!("/chatgroups/{id}");
    let users = format!("{path}/users");
    transcript.admin(Method::POST, &format!("{users}/bob"), Value::Null).await;
    transcript.admin(Method::POST, &format!("{users}/bob"), Value::Null).await;
    transcript.admin(Method::POST, &format!("{users}/nobody"), Value::Null).await;
    for names in [
        json!(["bob", "carol", "dave"]),
        json!(["bob", "carol"]),
        json!(["x", "nobody"]),
        json!([]),
    ] {
        transcript.admin(Method::POST, &users, json!({"usernames": names})).await;
    }
    transcript.user("bob", Method::POST, &users, json!({"usernames": ["dave"]})).await;
    transcript
        .user("bob", Method::GET, &format!("{users}?pagenum=1&pagesize=2"), Value::Null)
        .await;
    let first = format!("{users}?cursor=undefined&limit=3&joined_time=true");
    let page = transcript.user("bob", Method::GET, &first, Value::Null).await;
    let cursor = page.done()["cursor"].as_str().unwrap().to_owned();
    let rest = format!("{users}?cursor={cursor}&limit=3");
    let rest = lab.as_user("bob", Method::GET, &rest, Value::Null).await;
    assert_eq!(rest.done()["data"], json!([{"owner": "alice"}]));
    assert!(rest.done().get("cursor").is_none());
    transcript.user("bob", Method::GET, &format!("{path}/roles"), Value::Null).await;
    for name in ["carol", "nobody"] {
        let path = format!("{path}/user/{name}/is_joined");
        transcript.user("bob", Method::GET, &path, Value::Null).await;
    }
    transcript.user("bob", Method::DELETE, &format!("{users}/carol"), Value::Null).await;
    transcript
        .user("alice", Method::DELETE, &format!("{users}/carol?resource=web"), Value::Null)
        .await;
    transcript.user("alice", Method::DELETE, &format!("{users}/carol"), Value::Null).await;
    transcript.user("alice", Method::DELETE, &format!("{users}/alice"), Value::Null).await;
    transcript.admin(Method::DELETE, &format!("{users}/bob,nobody%2Calice"), Value::Null).await;
    transcript.user("bob", Method::GET, &users, Value::Null).await;
    transcript
        .user("dave", Method::DELETE, &format!("{path}/quit?resource=web"), Value::Null)
        .await;
    transcript.user("dave", Method::DELETE, &format!("{path}/quit"), Value::Null).await;
    transcript.user("alice", Method::DELETE, &format!("{path}/quit"), Value::Null).await;
    transcript.admin(Method::DELETE, &format!("{path}/quit"), Value::Null).await;
    insta::assert_snapshot!(transcript.shown(&[(&id, "[chess]")]));
}

#[tokio::test]
async fn joining_and_inviting() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let open = make(&lab, "alice", json!({"public": true})).await;
    let asked = make(&lab, "alice", json!({"public": true, "approval": true})).await;
    let private = make(&lab, "alice", json!({"invite_need_confirm": true})).await;
    let mut transcript = Transcript::new(&lab);
    let path = |id: &str, what: &str| format!("/chatgroups/{id}/{what}?resource=web");
    let hello = || json!({"message": "hello"});
    for id in [&open, &open, &asked, &private] {
        transcript.user("bob", Method::POST, &path(id, "apply"), hello()).await;
    }
    let answer = |yes: bool| json!({"applicant": "bob", "verifyResult": yes, "reason": "no clue"});
    let verify = path(&asked, "apply_verify");
    transcript.user("bob", Method::POST, &verify, answer(true)).await;
    for _ in 0..2 {
        transcript.user("alice", Method::POST, &verify, answer(true)).await;
    }
    transcript
        .user("alice", Method::POST, &verify, json!({"applicant": "carol", "verifyResult": false}))
        .await;

    let invite = path(&private, "invite");
    let names = json!({"usernames": ["bob", "nobody"]});
    transcript.user("alice", Method::POST, &invite, names).await;
    transcript.user("carol", Method::POST, &invite, json!({"usernames": ["bob"]})).await;
    let verify = path(&private, "invite_verify");
    let answer = |who: &str| json!({"invitee": who, "verifyResult": true});
    transcript.user("carol", Method::POST, &verify, answer("bob")).await;
    transcript.user("carol", Method::POST, &verify, answer("carol")).await;
    transcript.user("bob", Method::POST, &verify, answer("bob")).await;
    transcript.user("alice", Method::POST, &invite, json!({"usernames": ["bob"]})).await;
    transcript.user("bob", Method::POST, &path("77", "apply"), hello()).await;
    let ids = [(&*open, "[open]"), (&*asked, "[asked]"), (&*private, "[private]")];
    insta::assert_snapshot!(transcript.shown(&ids));
}
