//! Groups by the app's back end, and what is said to all of them (C043 to C045, C111, C112).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use stoa_core::UserUuid;
use stoa_wire::{GROUP_DOMAIN, Message, MessageBody, Meta};

use super::school::School;
use crate::lab::Call;

async fn school() -> School {
    let school = School::new();
    school.class("a").await;
    for (user, role) in [("ann", 1), ("bob", 2), ("cid", 2)] {
        school.enters("a", user, role).await.data();
    }
    school
}

async fn put(school: &School, state: u8, body: Value) -> crate::lab::Answer {
    let path = format!("/v2/rooms/a/groups/states/{state}");
    school.app(Method::PUT, &path, body).await
}

async fn groups(school: &School) -> Value {
    let answer = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    answer.data()["roomProperties"]["groups"].clone()
}

#[tokio::test]
async fn c043_c045_groups_are_made_with_ids_and_closed_with_an_empty_body() {
    let school = school().await;
    let body = json!({"groups": [
        {"groupUuid": "mine", "groupName": "One", "users": [{"userUuid": "bob"}]},
        {"groupName": "Two", "users": [{"userUuid": "cid"}]},
    ]});
    let made = put(&school, 1, body).await;
    let made = made.data()["groups"].as_array().unwrap().clone();
    assert_eq!(made[0]["groupUuid"], "mine");
    let allotted = made[1]["groupUuid"].as_str().unwrap().to_owned();
    let open = groups(&school).await;
    assert_eq!(open["state"], 1);
    assert_eq!(open["details"][&allotted]["users"], json!([{"userUuid": "cid"}]));
    put(&school, 0, Value::Null).await.data();
    let closed = groups(&school).await;
    assert_eq!((&closed["state"], &closed["details"]), (&json!(0), &json!({})));
}

#[tokio::test]
async fn c044_a_group_has_users_of_the_room_alone() {
    let school = school().await;
    let users = json!([{"userUuid": "nobody"}]);
    let group = json!({"groups": [{"users": users}, {"users": []}]});
    assert_eq!(put(&school, 1, group.clone()).await.code(), (404, 20_404_200));
    assert_eq!(groups(&school).await["state"], 0);
    let path = "/v2/rooms/b/groups/states/1";
    let answer = school.app(Method::PUT, path, group).await;
    assert_eq!(answer.code(), (404, 20_404_100));
    for body in [json!({"groups": 7}), json!({"groups": [7]}), json!({})] {
        assert_eq!(put(&school, 1, body).await.code(), (400, 400));
    }
}

#[tokio::test]
async fn c111_what_is_said_to_all_comes_to_the_right_rooms() {
    let school = in_groups().await;
    let path = "/v2/rooms/a/chat/messages";
    let said = async |room: &str| {
        let frames = school.frames(room).await;
        frames.iter().filter(|frame| frame["cmd"] == 3).count()
    };
    let say = async |range: u8, to: Value| {
        let body = json!({"range": range, "type": "txt", "msg": "Hello", "toGroupUuids": to});
        school.by(("a", "ann", 1), Method::POST, path, body).await.data();
        (said("a").await, said("g1").await, said("g2").await)
    };
    assert_eq!(say(1, Value::Null).await, (1, 0, 0));
    assert_eq!(say(2, Value::Null).await, (1, 1, 1));
    assert_eq!(say(3, Value::Null).await, (2, 2, 2));
    assert_eq!(say(2, json!(["g2"])).await, (2, 2, 3));
    let image = json!({"range": 1, "type": "img", "msg": "x"});
    let answer = school.by(("a", "ann", 1), Method::POST, path, image).await;
    assert_eq!(answer.code(), (400, 400));
}

/// A class with two groups; bob has come into the first, and ann, who teaches, into the second.
async fn in_groups() -> School {
    let school = school().await;
    let users = json!([{"userUuid": "bob"}]);
    let body = json!({"groups": [
        {"groupUuid": "g1", "users": users}, {"groupUuid": "g2", "users": []},
    ]});
    put(&school, 1, body).await.data();
    for (user, role, room) in [("bob", 2, "g1"), ("ann", 1, "g2")] {
        let path = format!("/v3/rooms/{room}/users/{user}/entry");
        let body = json!({"role": role, "userName": user, "roomType": 101});
        school.by(("a", user, role), Method::PUT, &path, body).await.data();
    }
    school
}

/// What was said in the chat room of a class room or group, as the app's back end reads it.
async fn read(school: &School, room: &str) -> Vec<(String, MessageBody)> {
    let app = school.lab.app_token();
    let found = school.app(Method::GET, &format!("/v2/rooms/{room}"), Value::Null).await;
    let widget = &found.data()["roomProperties"]["widgets"]["easemobIM"];
    let id = widget["extra"]["chatRoomId"].as_str().unwrap();
    let query = json!({"queue": format!("{id}@{GROUP_DOMAIN}"), "is_positive": true});
    let ann = "ann".parse::<UserUuid>().unwrap().chat_user();
    let path = format!("/users/{}/messageroaming", ann.as_str());
    let answer = school.lab.call(Call::new(Method::POST, &path).token(&app).json(query)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let messages = answer.body["data"]["msgs"].as_array().unwrap().clone();
    let meta = |message: &Value| {
        let bytes = STANDARD.decode(message["msg"].as_str().unwrap()).unwrap();
        Meta::decode(&*bytes).unwrap()
    };
    let read = messages.iter().map(meta).map(|meta| {
        let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
        (meta.from.unwrap().name.unwrap(), body)
    });
    read.collect()
}

#[tokio::test]
async fn c112_what_is_said_to_all_over_the_chat_product_lies_in_the_chat_rooms() {
    let school = in_groups().await;
    let path = "/v2/rooms/a/widgets/easemobIM/messages";
    let say = async |method: Method, range: u8, to: Value| {
        let body = json!({"range": range, "type": "txt", "msg": "Hello", "toGroupUuids": to});
        school.by(("a", "ann", 1), method, path, body).await.data();
        let [main, first, second] = ["a", "g1", "g2"].map(|room| read(&school, room));
        (main.await.len(), first.await.len(), second.await.len())
    };
    assert_eq!(say(Method::POST, 1, Value::Null).await, (1, 0, 0));
    assert_eq!(say(Method::PATCH, 2, Value::Null).await, (1, 1, 1));
    assert_eq!(say(Method::POST, 3, Value::Null).await, (2, 2, 2));
    assert_eq!(say(Method::POST, 2, json!(["g2"])).await, (2, 2, 3));
    assert!(school.frames("a").await.iter().all(|frame| frame["cmd"] != 3));
    let place = json!({"lat": 31.2, "lng": 121.5, "addr": "the yard"});
    let body = json!({"range": 1, "type": "loc", "msg": place});
    school.app(Method::POST, path, body).await.data();
    let said = read(&school, "a").await;
    let ann = "ann".parse::<UserUuid>().unwrap().chat_user();
    let from: Vec<&str> = said.iter().map(|(from, _)| &**from).collect();
    assert_eq!(from, [ann.as_str(), ann.as_str(), "admin"]);
    assert_eq!(said[0].1.contents[0].text.as_deref(), Some("Hello"));
    assert_eq!(said[2].1.contents[0].address.as_deref(), Some("the yard"));

    for wrong in [
        json!({"range": 1, "type": "cmd", "msg": {"action": "x"}}),
        json!({"range": 1, "type": "img", "msg": "x"}),
        json!({"range": 4, "msg": "x"}),
        json!({"range": 1}),
    ] {
        let answer = school.by(("a", "ann", 1), Method::POST, path, wrong).await;
        assert_eq!(answer.code(), (400, 400));
    }
    let body = json!({"range": 1, "msg": "x"});
    let answer = school.by(("a", "bob", 2), Method::POST, path, body).await;
    assert_eq!(answer.code().0, 403);
}

#[tokio::test]
async fn pages_of_the_board_are_not_copied_into_groups_and_whoever_wants_it_is_told_so() {
    let school = school().await;
    let group = |sync: Value| {
        let groups = json!([{"users": [{"userUuid": "bob"}]}, {"users": [{"userUuid": "cid"}]}]);
        json!({"groups": groups, "syncBoardScenes": sync})
    };
    let path = "/v2/rooms/a/groups/states/1";
    for method in [Method::PUT, Method::POST] {
        for (token, code) in [
            (school.back_end(), (403, 30_403_000)),
            (school.seat("a", "ann", 1), (403, 30_403_000)),
            (school.seat("b", "ann", 1), (401, 401)),
        ] {
            let answer = school.call(&token, method.clone(), path, group(json!(true))).await;
            assert_eq!(answer.code(), code, "{method}");
            if code.0 == 403 {
                assert_eq!(answer.body["msg"], "pages of the whiteboard: the feature is off");
            }
        }
        let wrong = school.app(method, path, group(json!("yes"))).await;
        assert_eq!(wrong.code(), (400, 400));
    }
    assert_eq!(groups(&school).await["state"], 0, "nothing was done");
    put(&school, 1, group(json!(false))).await.data();
    assert_eq!(groups(&school).await["state"], 1);
}
