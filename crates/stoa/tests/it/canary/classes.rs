//! The doors of class rooms.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_core::{Clock, SystemClock};
use stoa_token::Builder007;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::http::Body;
use super::rounds::Rounds;
use crate::https::{address, connect};
use crate::server::text;

impl Rounds {
    /// A token for class rooms, another one each time.
    fn class_token(&mut self, made: impl FnOnce(Builder007<'_>) -> Builder007<'_>) -> String {
        let salt = u32::try_from(self.strings().len()).unwrap();
        let demo = self.demo();
        let (app, certificate) = (text(demo, "appId"), text(demo, "certificate"));
        let now = u32::try_from(SystemClock.now().as_secs()).unwrap();
        let token = made(Builder007::new(app, certificate, now, 3600, salt + 1)).build().unwrap();
        self.shown(&token);
        token
    }

    /// Whoever has entered listens, and shows another token meanwhile.
    fn stream(&mut self, entry: &Value, (room, user): (&str, &str), [first, later]: [&str; 2]) {
        let demo = self.demo();
        let ca = Path::new(text(demo, "ca"));
        let stream = connect(ca, address(demo), "localhost", &rustls::version::TLS13).unwrap();
        stream.sock.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = "wss://localhost/ws/class".into_client_request().unwrap();
        let (mut socket, _) = tungstenite::client(request, stream).unwrap();
        let entered = &entry["data"];
        let hello = json!({
            "type": "hello", "appId": text(demo, "appId"), "roomUuid": room, "userUuid": user,
            "token": first, "userToken": entered["localUser"]["userToken"],
            "sequence": entered["room"]["sequence"],
            "peerSequence": entered["localUser"]["sequence"],
        });
        let renew = json!({ "type": "renew", "token": later });
        for (said, answer) in [(hello, "live"), (renew, "renewed")] {
            socket.send(Message::text(said.to_string())).unwrap();
            loop {
                let Message::Text(told) = socket.read().unwrap() else { continue };
                let told: Value = serde_json::from_str(&told).unwrap();
                assert!(told["type"] != "refused" && told["type"] != "error", "{told}");
                if told["type"] == answer {
                    break;
                }
            }
        }
    }

    #[track_caller]
    fn class_call(&mut self, token: &str, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/edu/apps/{}{path}", text(self.demo(), "appId"));
        self.http().call(method, &path, token, &Body::Class(body))
    }

    /// A class with a teacher and a student, and what they say and set.
    pub(super) fn class(&mut self) {
        let (room, teacher, student) = (self.one(), self.one(), self.one());
        let app = self.class_token(|token| token.education_app());
        let of_teacher = self.class_token(|token| token.room_user(&room, &teacher, 1));
        let of_student = self.class_token(|token| token.room_user(&room, &student, 2));
        let later = self.class_token(|token| token.room_user(&room, &student, 2));
        let guest = self.one();
        let of_guest = self.class_token(|token| token.rtm(&guest));
        let new = json!({
            "roomName": self.one(), "roomType": 4,
            "roomProperties": { "flexProps": { self.one(): self.one() } },
        });
        let at = format!("/v2/rooms/{room}");
        self.class_call(&app, "POST", &at, &new);
        for (user, token, role) in
            [(&teacher, &of_teacher, 1), (&student, &of_student, 2), (&guest, &of_guest, 2)]
        {
            let who = json!({
                "role": role, "userName": self.one(),
                "userProperties": { "flexProps": { self.one(): self.one() } },
            });
            let path = format!("/v3/rooms/{room}/users/{user}/entry");
            let entry = self.class_call(token, "PUT", &path, &who);
            if *user == student {
                self.stream(&entry, (&room, &student), [&of_student, &later]);
            }
        }
        let path = format!("{at}/widgets/easemobIM/users/{student}/token");
        let chat = self.class_call(&of_student, "GET", &path, &Value::Null);
        self.shown(text(&chat["data"], "token"));
        let properties = json!({
            "properties": { self.one(): self.one() }, "cause": { self.one(): self.one() },
        });
        self.class_call(&app, "PUT", &format!("{at}/properties"), &properties);
        let of_user = format!("{at}/users/{student}/properties");
        let properties = json!({ "properties": { self.one(): self.one() } });
        self.class_call(&app, "PUT", &of_user, &properties);
        let hand = json!({ "timeout": -1, "payload": { "userName": self.one() } });
        self.class_call(&of_student, "POST", &format!("{at}/processes/waveArm/progress"), &hand);
        let said = json!({ "message": self.one(), "type": 1 });
        self.class_call(&of_student, "POST", &format!("{at}/from/{student}/chat"), &said);
        let said = json!({ "message": self.one(), "type": 1 });
        let conversation = format!("{at}/conversation/students/{student}/messages");
        self.class_call(&of_student, "POST", &conversation, &said);
        let poll = json!({
            "mode": 1, "pollItems": [self.one(), self.one()], "pollTitle": self.one(),
        });
        self.class_call(&of_teacher, "POST", &format!("{at}/widgets/polls/start"), &poll);
        let widget = json!({ "state": 1, "extra": { self.one(): self.one() } });
        self.class_call(&of_teacher, "PUT", &format!("{at}/widgets/tool"), &widget);
    }
}
