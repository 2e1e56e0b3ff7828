//! Features that are not served say so (C046 to C051, C105, C123, C124, C126 to C132).

use http::Method;
use serde_json::{Value, json};

use super::school::School;

const ROWS: &[(&str, &str, &str)] = &[
    ("PUT", "/v2/rooms/a/records/states/1", "recording"),
    ("PUT", "/v2/rooms/a/records/states/0", "recording"),
    ("PATCH", "/v2/rooms/a/records/states/1", "recording"),
    ("GET", "/v2/rooms/a/records", "recording"),
    ("PUT", "/v2/rooms/a/records/ready", "recording"),
    ("POST", "/v2/rooms/a/widgets/netlessBoard/scenes", "pages of the whiteboard"),
    ("PUT", "/v2/rooms/a/users/ann/screen", "several screens at once"),
    ("DELETE", "/v2/rooms/a/users/ann/screen", "several screens at once"),
    ("PUT", "/v2/rooms/a/processes/remoteControl/progress", "remote control"),
    ("DELETE", "/v2/rooms/a/processes/remoteControl", "remote control"),
    ("PUT", "/v2/rooms/a/users/ann/remoteControl/acceptance", "remote control"),
    ("PUT", "/v2/rooms/a/users/ann/remoteControl/authorization", "remote control"),
    ("DELETE", "/v2/rooms/a/users/ann/remoteControl/authorization", "remote control"),
    ("PUT", "/v2/rooms/a/users/ann/remoteControl/token", "remote control"),
    ("GET", "/v3/users/ann/resources/page?pageNo=1", "files"),
    ("POST", "/v3/users/ann/presignedUrls", "files"),
    ("DELETE", "/v3/users/ann/resources", "files"),
    ("POST", "/v3/users/ann/resources/r1", "files"),
    ("PUT", "/v3/users/ann/resources/r1", "files"),
    ("POST", "/v4/users/ann/resources/r1", "files"),
    ("PUT", "/v4/users/ann/resources/r1", "files"),
];

#[tokio::test]
async fn what_is_off_is_said_by_its_name_and_never_not_found() {
    let school = School::new();
    school.class("a").await;
    for (method, path, feature) in ROWS {
        let method: Method = method.parse().unwrap();
        for body in [Value::Null, json!({"toUserUuid": "bob"}), json!([{"resourceName": "x"}])] {
            for token in [school.back_end(), school.seat("a", "ann", 1)] {
                let answer = school.call(&token, method.clone(), path, body.clone()).await;
                assert_eq!(answer.code(), (403, 30_403_000), "{method} {path}");
                assert_eq!(answer.body["msg"], format!("{feature}: the feature is off"));
            }
        }
    }
}

#[tokio::test]
async fn c020_what_is_off_is_told_to_whom_it_would_concern() {
    let school = School::new();
    school.class("a").await;
    let user = school.builder(&school.lab.app, 3600).education_user("ann").build().unwrap();
    let other = school.builder(&school.lab.app, 3600).education_user("bob").build().unwrap();
    let elsewhere = school.seat("b", "ann", 1);
    for (method, path, feature) in ROWS {
        let method: Method = method.parse().unwrap();
        let is_file = *feature == "files";
        for (token, expected) in [
            (&user, if is_file { 403 } else { 401 }),
            (&other, 401),
            (&elsewhere, if is_file { 403 } else { 401 }),
            (&"007garbage".to_owned(), 401),
        ] {
            let answer = school.call(token, method.clone(), path, Value::Null).await;
            assert_eq!(answer.code().0, expected, "{method} {path}");
        }
    }
}
