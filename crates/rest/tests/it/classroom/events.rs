//! Events for the app's back end (C058, C061, C062).

use http::Method;
use serde_json::{Value, json};

use super::school::School;

#[tokio::test]
async fn c058_events_of_a_room_are_read_again_and_again() {
    let school = School::new();
    school.class("a").await;
    school.app(Method::PUT, "/v2/rooms/a/states/1", Value::Null).await.data();
    for user in 0..101 {
        school.enters("a", &format!("u{user}"), 2).await.data();
    }
    let page = async |query: &str| {
        let path = format!("/v2/rooms/a/sequences{query}");
        school.app(Method::GET, &path, Value::Null).await.data().clone()
    };
    let first = page("").await;
    assert_eq!((&first["count"], &first["total"]), (&json!(100), &json!(102)));
    let list = first["list"].as_array().unwrap();
    assert!(list.iter().map(|event| event["sequence"].as_u64().unwrap()).eq(1..=100));
    let mut fields: Vec<_> = list[0].as_object().unwrap().keys().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["cmd", "data", "roomUuid", "sequence", "version"]);
    let rest = page(&format!("?nextId={}", first["nextId"].as_str().unwrap())).await;
    assert_eq!((&rest["count"], &rest["nextId"]), (&json!(2), &Value::Null));
    assert_eq!(page("").await, first);
    assert_eq!(page("?cmd=1").await["count"], 1);
    assert_eq!(page("?userUuid=u7").await["count"], 1);
    for query in ["?cmd=x", "?cmd=65536", "?nextId=x", "?count=0", "?causeDataFilterKeys=a"] {
        let path = format!("/v2/rooms/a/sequences{query}");
        let answer = school.app(Method::GET, &path, Value::Null).await;
        assert_eq!(answer.code(), (400, 400), "{query}");
    }
    let answer = school.app(Method::GET, "/v2/rooms/b/sequences", Value::Null).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

fn polling(school: &School, query: &str) -> String {
    format!("//eu/edu/polling/apps/{}/v2/rooms/sequences{query}", school.lab.app.id)
}

#[tokio::test]
async fn c061_an_app_is_handed_its_own_events_once() {
    let school = School::new();
    for room in ["a", "b"] {
        school.class(room).await;
        school.enters(room, "bob", 2).await.data();
    }
    // The same room of the other app.
    let other = &school.lab.other;
    let token = school.builder(other, 3600).education_app().build().unwrap();
    let body = json!({"roomName": "Theirs", "roomType": 4});
    let path = super::school::edu(other, "/v2/rooms/a");
    school.call(&token, Method::POST, &path, body).await.data();
    let path = super::school::edu(other, "/v2/rooms/a/states/1");
    school.call(&token, Method::PUT, &path, Value::Null).await.data();

    let answer = school.app(Method::GET, &polling(&school, ""), Value::Null).await;
    let events = answer.data().as_array().unwrap().clone();
    let rooms: Vec<_> = events.iter().map(|event| event["roomUuid"].as_str().unwrap()).collect();
    assert_eq!(rooms, ["a", "b"]);
    assert!(events.iter().all(|event| event["cmd"] == 20 && event["version"] == 1));
    let answer = school.app(Method::GET, &polling(&school, ""), Value::Null).await;
    assert_eq!(answer.data(), &json!([]));
    assert!(answer.body.get("ack").is_none());
    // They are read again where they can be.
    assert_eq!(school.events("a", "").await.len(), 1);
    // A foreign app's token.
    let answer = school.call(&token, Method::GET, &polling(&school, ""), Value::Null).await;
    assert_eq!(answer.code(), (401, 401));
}

#[tokio::test]
async fn c062_what_was_not_acknowledged_is_handed_out_again() {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "bob", 2).await.data();
    let fetch = async |query: &str| {
        let answer = school.app(Method::GET, &polling(&school, query), Value::Null).await;
        (answer.data().as_array().unwrap().len(), answer.body["ack"].clone())
    };
    let (count, ack) = fetch("?ack=").await;
    assert_eq!(count, 1);
    assert_eq!(fetch("?ack=").await, (1, ack.clone()));
    assert_eq!(fetch("?ack=other").await, (1, ack.clone()));
    assert_eq!(fetch(&format!("?ack={}", ack.as_str().unwrap())).await, (0, Value::Null));
}
