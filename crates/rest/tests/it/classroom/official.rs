//! Tokens of the vendor's own builders, from the file of vectors of `crates/token`.

use http::Method;
use serde_json::{Value, json};
use stoa_core::{App, AppId, Certificate, Secret, Timestamp};

use super::school::{School, edu};
use crate::lab::{Answer, Call};

const VECTORS: &str = include_str!("../../../../token/tests/vectors/tokens.json");

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    all[kind].as_array().unwrap().clone()
}

/// A school whose app is the vector's, at its time; none where the vector's app cannot be one.
async fn school_of(vector: &Value, accepts: bool) -> Option<School> {
    let check = &vector["check"];
    let id: AppId = check["app_id"].as_str()?.parse().ok()?;
    let texts = check["certificates"].as_array()?.iter().map(|text| text.as_str().unwrap());
    let certificate = |text: &str| Certificate::new(Secret::new(text), Timestamp::from_millis(0));
    let certificates: Vec<_> = texts.map(certificate).collect();
    let school = School::changed(|app| App {
        id,
        certificates,
        class: stoa_core::ClassSettings { accepts_rtm_token: accepts, ..app.class },
        tokens: stoa_core::TokenPolicy { accepts_006: accepts, ..app.tokens },
        ..app
    });
    school.lab.clock.set(Timestamp::from_secs(check["now"].as_u64()?));
    Some(school)
}

async fn enters(school: &School, token: &str, room: &str, user: &str, role: Value) -> Answer {
    let path = edu(&school.lab.app, &format!("/v3/rooms/{room}/users/{user}"));
    let body = json!({"role": role, "userName": "x", "roomName": "A class", "roomType": 4});
    let header = format!("agora token=\"{token}\"");
    let Ok(header) = http::HeaderValue::from_str(&header) else {
        // What cannot stand in a header does not come.
        return school.lab.call(Call::new(Method::PUT, &path).json(body)).await;
    };
    let mut call = Call::new(Method::PUT, &path).json(body).header("x-agora-uid", user);
    call.0.headers_mut().insert("authorization", header);
    school.lab.call(call).await
}

#[tokio::test]
async fn c018_room_user_tokens_of_the_vendors_builders_enter() {
    let mut entered = 0;
    for vector in vectors("positive") {
        let is_seat = vector["source"]["call"].as_str().is_some_and(|call| {
            call.ends_with("RoomUserToken") || call.ends_with("room_user_token")
        });
        let (args, token) = (&vector["args"], vector["token"].as_str().unwrap());
        let name = |field: &str| args[field].as_str().unwrap_or_default().to_owned();
        let (room, user) = (name("room_uuid"), name("user_uuid"));
        let names = [&room, &user];
        let is_name = names.iter().all(|name| name.parse::<stoa_core::ClassName>().is_ok());
        let is_role = args["role"].as_u64().is_some_and(|role| role < 5);
        if !is_seat || !is_name || !is_role {
            continue;
        }
        let school = school_of(&vector, false).await.unwrap();
        let answer = enters(&school, token, &room, &user, args["role"].clone()).await;
        answer.data();
        entered += 1;
        // In no other role and no other room, and as nobody else.
        let other = if args["role"] == 1 { json!(2) } else { json!(1) };
        assert_eq!(enters(&school, token, &room, &user, other).await.code().0, 401);
        let role = &args["role"];
        assert_eq!(enters(&school, token, "other", &user, role.clone()).await.code().0, 401);
        assert_eq!(enters(&school, token, &room, "other", role.clone()).await.code().0, 401);
    }
    assert!(entered >= 9, "{entered}");
}

#[tokio::test]
async fn signaling_tokens_of_the_vendors_builders_are_known_where_the_app_takes_them() {
    let mut known = 0;
    for vector in vectors("positive") {
        let is_rtm = vector["source"]["call"].as_str() == Some("RtmTokenBuilder.buildToken");
        let args = &vector["args"];
        let user = args["user_id"].as_str().or_else(|| args["user"].as_str()).unwrap_or_default();
        if !is_rtm || user.parse::<stoa_core::ClassName>().is_err() {
            continue;
        }
        for accepts in [true, false] {
            let school = school_of(&vector, accepts).await.unwrap();
            let token = vector["token"].as_str().unwrap();
            let named = user.parse().unwrap();
            let app = &school.lab.app;
            let found = school.lab.classroom.authenticate(app, Some(token), Some(&named));
            assert_eq!(found.is_ok(), accepts, "{}", vector["id"]);
        }
        known += 1;
    }
    assert!(known >= 2, "{known}");
}

#[tokio::test]
async fn c018_no_negative_vector_enters() {
    let mut refused = 0;
    for vector in vectors("negative") {
        let Some(school) = school_of(&vector, true).await else { continue };
        let wanted = &vector["check"]["require"];
        let name = |field: &str, or: &str| {
            let name = wanted[field].as_str().filter(|name| !name.is_empty());
            let name = name.filter(|name| name.parse::<stoa_core::ClassName>().is_ok());
            name.unwrap_or(or).to_owned()
        };
        let (room, user) = (name("room", "math-101"), name("user", "teacher-1"));
        let token = vector["token"].as_str().unwrap();
        // These are good seats, of which something else is asked there.
        let is_seat = vector["id"] == "n093" || vector["id"] == "n094";
        for role in [1, 2] {
            let answer = enters(&school, token, &room, &user, json!(role)).await;
            let expected = if is_seat && role == 1 { 200 } else { 401 };
            assert_eq!(answer.code().0, expected, "{} as {role}: {}", vector["id"], vector["note"]);
        }
        refused += 1;
    }
    assert!(refused > 100, "{refused}");
}
