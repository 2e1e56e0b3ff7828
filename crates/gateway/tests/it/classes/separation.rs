//! Who may hear a room: every kind of token, by hello.

use serde_json::Value;
use stoa_core::{App, AuthPolicy, ClassRole, ClassSettings, RoomType};
use stoa_token::Builder007;

use super::lab::Lab;

const STUDENT: ClassRole = ClassRole::Student;

#[tokio::test]
async fn a_room_is_heard_by_those_who_entered_it_with_their_own_token() {
    let lab = Lab::start().await;
    lab.create("other", RoomType::Small).await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    let _other = lab.enter("other", "bob", STUDENT).await;
    let stranger = Lab::seeded(8).await;
    let app = lab.app();
    let made_elsewhere = {
        let secret = "0123456789abcdef0123456789abcdef";
        let issued = u32::try_from(1_800_000_000_u64).unwrap();
        Builder007::new(app.id.as_str(), secret, issued, 3600, 7)
            .room_user("room", "bob", 2)
            .build()
            .unwrap()
    };
    let over = {
        let certificate = app.certificates[0].expose();
        Builder007::new(app.id.as_str(), certificate, 1_799_900_000, 3600, 7)
            .room_user("room", "bob", 2)
            .build()
            .unwrap()
    };
    let room_user = |room: &str, user: &str, role: i16| {
        lab.token(|builder| builder.room_user(room, user, role))
    };
    let tokens: Vec<(&str, String, &str)> = vec![
        ("the own one", room_user("room", "bob", 2), "welcome"),
        ("of another room", room_user("other", "bob", 2), "401"),
        ("of another user", room_user("room", "cid", 2), "401"),
        ("of a teacher", room_user("room", "bob", 1), "401"),
        ("of an unknown role", room_user("room", "bob", 9), "401"),
        ("without role", room_user("room", "bob", -1), "401"),
        ("of the app's back end", lab.token(|builder| builder.education_app()), "401"),
        ("of the user in no room", lab.token(|builder| builder.education_user("bob")), "401"),
        ("for signaling", lab.token(|builder| builder.rtm("bob")), "401"),
        ("for chat", lab.token(|builder| builder.chat_user("bob")), "401"),
        ("for the chat of the app", lab.token(|builder| builder.chat_app()), "401"),
        ("signed by somebody else", made_elsewhere, "401"),
        ("that is over", over, "401"),
        ("none", String::new(), "401"),
        ("nonsense", "007nonsense".into(), "401"),
    ];
    for (kind, token, expected) in tokens {
        let mut hello = ticket.hello.clone();
        hello["token"] = token.into();
        assert_eq!(lab.answer(&hello).await, expected, "a token {kind}");
    }
    let with = |field: &str, value: Value| {
        let mut hello = ticket.hello.clone();
        hello[field] = value;
        hello
    };
    let [theirs, no_app] =
        [stranger.app().id.as_str(), "00000000000000000000000000000000"].map(str::to_owned);
    for (field, value, expected) in [
        ("roomUuid", "other".into(), "401"),
        ("roomUuid", "nowhere".into(), "401"),
        ("userUuid", "cid".into(), "401"),
        ("userToken", "0000000000000001".into(), "401"),
        ("appId", no_app.into(), "401"),
        ("sequence", "1".into(), "400"),
    ] {
        assert_eq!(lab.answer(&with(field, value)).await, expected, "{field}");
    }
    assert_eq!(stranger.answer(&with("appId", theirs.into())).await, "401");
}

#[tokio::test]
async fn where_the_app_takes_signaling_tokens_the_entry_says_who_it_is() {
    let lab = Lab::start().await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    lab.change(|app| App { class: ClassSettings { accepts_rtm_token: true, ..app.class }, ..app });
    let mut hello = ticket.hello.clone();
    for (user, expected) in [("bob", "welcome"), ("cid", "401")] {
        hello["token"] = lab.token(|builder| builder.rtm(user)).into();
        assert_eq!(lab.answer(&hello).await, expected, "{user}");
    }
    hello["userToken"] = "0000000000000001".into();
    hello["token"] = lab.token(|builder| builder.rtm("bob")).into();
    assert_eq!(lab.answer(&hello).await, "401", "not by what it claims");
}

#[tokio::test]
async fn where_the_app_is_open_the_entry_alone_opens_the_stream_until_it_closes() {
    let lab = Lab::start().await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    lab.change(|app| App { auth: AuthPolicy::Open, ..app });
    let mut hello = ticket.hello.clone();
    hello["token"] = Value::Null;
    let mut client = lab.connect().await;
    client.say(&hello).await;
    assert_eq!(client.told().await["expireTs"], Value::Null);
    client.told().await;
    hello["userToken"] = "0000000000000001".into();
    assert_eq!(lab.answer(&hello).await, "401");
    lab.change(|app| App { auth: AuthPolicy::Token, ..app });
    assert_eq!(client.ending().await, ("revoked".into(), 4006));
}
