//! Names in paths (C023).

use http::Method;
use serde_json::{Value, json};
use stoa_core::ClassName;

use super::school::School;

/// Percent-encoded, all of it.
fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn c023_each_of_the_eighty_nine_characters_stands_in_names() {
    let school = School::new();
    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    let all: Vec<char> = letters.chain(ClassName::PUNCTUATION.chars()).collect();
    assert_eq!(all.len(), 89);
    for name in all.chunks(30).map(|some| some.iter().collect::<String>()) {
        let path = format!("/v2/rooms/{}", encoded(&name));
        let body = json!({"roomName": "A class", "roomType": 4});
        school.app(Method::POST, &path, body).await.data();
        let answer = school.app(Method::GET, &path, Value::Null).await;
        assert_eq!(answer.data()["roomUuid"], name.as_str());
        let path = format!("/v3/rooms/{0}/users/{0}/entry", encoded(&name));
        let entered = school.by((&name, &name, 2), Method::PUT, &path, json!({"role": 2})).await;
        assert_eq!(entered.data()["localUser"]["userUuid"], name.as_str());
    }
}

#[tokio::test]
async fn c023_other_characters_and_sixty_four_bytes_are_refused_by_what_is_allowed() {
    let school = School::new();
    let body = json!({"roomName": "A class", "roomType": 4});
    let made = async |name: &str| {
        school.app(Method::POST, &format!("/v2/rooms/{name}"), body.clone()).await
    };
    made(&"x".repeat(63)).await.data();
    for name in [&"x".repeat(64), "a%2Fb", "a%22", "a%27", "a%5C", "%C3%BC", "a%0A", "%00", "a*b"] {
        let answer = made(name).await;
        assert_eq!(answer.code(), (400, 400), "{name}");
        let text = answer.body["msg"].as_str().unwrap();
        assert!(text.contains("63 bytes") || text.contains("consists of"), "{text}");
    }
    assert_eq!(made("%ff").await.code(), (400, 400));
    school.class("room").await;
    let answer = school.app(Method::GET, "/v2/rooms/room/users/a%2Fb", Value::Null).await;
    assert_eq!(answer.code(), (400, 400));
}
