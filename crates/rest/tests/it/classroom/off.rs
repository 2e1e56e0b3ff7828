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

/// Each row of a feature says that it is off, by its name, and never that there is no such path.
async fn is_off(feature: &str) {
    let school = School::new();
    school.class("a").await;
    let rows: Vec<_> = ROWS.iter().filter(|(.., named)| *named == feature).collect();
    assert!(!rows.is_empty());
    for (method, path, _) in rows {
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
async fn c046_c047_c048_c049_c050_c051_c174_recording_is_off() {
    is_off("recording").await;
}

#[tokio::test]
async fn c105_pages_of_the_whiteboard_are_off() {
    is_off("pages of the whiteboard").await;
}

#[tokio::test]
async fn c123_several_screens_at_once_are_off() {
    is_off("several screens at once").await;
}

#[tokio::test]
async fn c124_remote_control_is_off() {
    is_off("remote control").await;
}

#[tokio::test]
async fn c126_c127_c128_c129_c130_c131_c132_c160_c161_files_are_off() {
    is_off("files").await;
}

#[tokio::test]
async fn streams_by_cdn_are_off() {
    let school = School::new();
    school.class("a").await;
    let entered = school.enters("a", "ann", 1).await;
    let stream = entered.data()["localUser"]["streamUuid"].as_str().unwrap().to_owned();
    let app = &school.lab.app.id;
    let path = format!("//eu/scene/apps/{app}/v1/rooms/a/users/ann/streams/{stream}");
    for body in [json!({"generateToken": true}), json!({"converterOptions": {"width": 1}})] {
        let answer = school.app(Method::PUT, &path, body).await;
        assert_eq!(answer.code(), (403, 30_403_000));
        assert_eq!(answer.body["msg"], "streams by CDN: the feature is off");
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
