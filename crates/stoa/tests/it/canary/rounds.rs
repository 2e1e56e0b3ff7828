//! One round puts a string into every field that takes one, through REST and through a session.

use serde_json::{Value, json};

use super::http::{Body, Http};
use super::needles::Needles;
use crate::msync::Client;
use crate::server::{Place, text};

/// What each of the two who write sends in a round.
const MESSAGES: u64 = 20;

/// The rounds, and the strings that went in so far.
pub(super) struct Rounds {
    demo: Value,
    app_token: String,
    http: Http,
    mark: String,
    strings: Vec<String>,
    /// Tokens that were shown.
    tokens: Vec<String>,
    round: usize,
}

impl Rounds {
    pub(super) fn begin(place: &Place) -> Self {
        use stoa_core::{Entropy, SystemEntropy};
        let entropy: &dyn Entropy = &SystemEntropy;
        let demo = place.demo();
        let (http, app_token) = enter(&demo);
        // Long enough that nothing else looks like it.
        let mark = entropy.letters::<10>();
        let tokens = vec![app_token.clone()];
        Self { demo, app_token, http, mark, strings: Vec::new(), tokens, round: 0 }
    }

    /// After the server was started again.
    pub(super) fn come_back(&mut self, place: &Place) {
        self.demo = place.demo();
        (self.http, self.app_token) = enter(&self.demo);
        self.shown(&self.app_token.clone());
    }

    /// A token is shown to the server, which is to keep it nowhere.
    pub(super) fn shown(&mut self, token: &str) {
        self.tokens.push(token.to_owned());
    }

    /// What is to be found nowhere.
    pub(super) fn needles(&self) -> Needles {
        assert!(self.tokens.len() > self.round, "tokens are among it");
        Needles::new(&self.strings, &self.tokens)
    }

    pub(super) fn strings(&self) -> &[String] {
        &self.strings
    }

    pub(super) const fn demo(&self) -> &Value {
        &self.demo
    }

    pub(super) const fn http(&mut self) -> &mut Http {
        &mut self.http
    }

    /// A string that was never there before: small letters and digits, as names are.
    pub(super) fn one(&mut self) -> String {
        let string = format!("{}{:05}", self.mark, self.strings.len());
        self.strings.push(string.clone());
        string
    }

    /// A text of several.
    fn several(&mut self) -> String {
        [self.one(), self.one(), self.one()].join(" ")
    }

    #[track_caller]
    fn app(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let token = self.app_token.clone();
        self.http.call(method, path, &token, &Body::Json(body))
    }

    /// A user with a token of its own.
    fn user(&mut self) -> (String, String) {
        let (name, nickname) = (self.one(), self.one());
        self.app("POST", "/users", &json!({ "username": name, "nickname": nickname }));
        let body = json!({ "grant_type": "inherit", "username": name, "autoCreateUser": false });
        let token = text(&self.app("POST", "/token", &body), "access_token").to_owned();
        self.shown(&token);
        (name, token)
    }

    pub(super) fn go_round(&mut self) {
        self.round += 1;
        let (alice, token) = self.user();
        let (bob, bobs_token) = self.user();
        let (carl, _) = self.user();
        self.accounts(&alice);
        self.contacts((&alice, &token), (&bob, &bobs_token), &carl);
        let group = self.group(&alice, &bob);
        let message = self.messages((&alice, &token), (&bob, &bobs_token), &group);
        let report = json!({ "reportType": self.one(), "reportReason": self.one() });
        let path = format!("/user/{bob}/moderation/report/message/{message}");
        self.http.call("POST", &path, &bobs_token, &Body::Json(&report));
        self.room(&alice, &bob);
        self.files(&token);
        self.class();
        self.app("DELETE", &format!("/users/{carl}"), &Value::Null);
    }

    fn accounts(&mut self, alice: &str) {
        if self.round.is_multiple_of(10) {
            // A password costs the server on purpose.
            let password = json!({ "newpassword": self.one() });
            self.app("PUT", &format!("/users/{alice}/password"), &password);
        }
        let attributes = json!({
            "nickname": self.one(), "avatarurl": self.one(), "mail": self.one(), "phone": self.one(),
            "sign": self.one(), "birth": self.one(), "ext": self.one(), self.one(): self.one(),
        });
        self.app("PUT", &format!("/metadata/user/{alice}"), &attributes);
    }

    /// A password that was set ends the tokens from before.
    fn token_after_password(&mut self, alice: &str, token: &str) -> String {
        if !self.round.is_multiple_of(10) {
            return token.to_owned();
        }
        let body = json!({ "grant_type": "inherit", "username": alice, "autoCreateUser": false });
        text(&self.app("POST", "/token", &body), "access_token").to_owned()
    }

    fn contacts(&mut self, alice: (&str, &str), bob: (&str, &str), carl: &str) {
        let asked = json!({ "usernames": [bob.0], "reason": self.one() });
        self.app("POST", &format!("/users/{}/contacts/apply", alice.0), &asked);
        let path = format!("/users/{}/contacts/accept/users/{}", bob.0, alice.0);
        self.app("POST", &path, &Value::Null);
        let remark = json!({ "remark": self.one() });
        self.app("PUT", &format!("/users/{}/contacts/users/{}", alice.0, bob.0), &remark);
        let blocked = json!({ "usernames": [carl] });
        self.app("POST", &format!("/users/{}/blocks/users", alice.0), &blocked);
    }

    fn group(&mut self, alice: &str, bob: &str) -> String {
        let group = json!({
            "groupname": self.one(), "desc": self.one(), "custom": self.one(), "public": true,
            "maxusers": 10, "allowinvites": true, "owner": alice, "members": [bob],
        });
        let made = self.app("POST", "/chatgroups", &group);
        let group = text(&made["data"], "groupid").to_owned();
        let at = format!("/chatgroups/{group}");
        let changed = json!({
            "groupname": self.one(), "description": self.one(), "custom": self.one(),
        });
        self.app("PUT", &at, &changed);
        let announcement = json!({ "announcement": self.one() });
        self.app("POST", &format!("{at}/announcement"), &announcement);
        let attributes = json!({ "metaData": { self.one(): self.one(), self.one(): self.one() } });
        self.app("PUT", &format!("/metadata/chatgroup/{group}/user/{bob}"), &attributes);
        let (name, bytes) = (self.one(), self.one());
        let token = self.app_token.clone();
        let file = Body::File(&name, bytes.as_bytes());
        self.http.call("POST", &format!("{at}/share_files"), &token, &file);
        group
    }

    /// The id of the last one from `alice` to `bob`.
    fn messages(&mut self, alice: (&str, &str), bob: (&str, &str), group: &str) -> u64 {
        let (resource, others) = (self.one(), self.one());
        let token = self.token_after_password(alice.0, alice.1);
        let mut session = Client::log_in(&self.demo, alice.0, &resource, &token).unwrap();
        let mut other = Client::log_in(&self.demo, bob.0, &others, bob.1).unwrap();
        let presence = json!({ "ext": self.one() });
        let path = format!("/users/{}/presence/{resource}/1", alice.0);
        self.http.call("POST", &path, &token, &Body::Json(&presence));
        for number in 1..=MESSAGES {
            session.send_text(bob.0, number, &self.several()).unwrap();
            other.send_to_group(group, number, &self.several()).unwrap();
        }
        let mut last = 0;
        for _ in 1..=MESSAGES {
            last = session.acknowledged().unwrap().1;
            other.acknowledged().unwrap();
        }
        // Nothing comes any more: a further device of the group's other member pulls what there is.
        drop(other);
        let resource = self.one();
        let mut further = Client::log_in(&self.demo, bob.0, &resource, bob.1).unwrap();
        further.pull().unwrap();
        last
    }

    fn room(&mut self, alice: &str, bob: &str) {
        let room = json!({
            "name": self.one(), "description": self.one(), "owner": alice, "members": [bob],
        });
        let made = self.app("POST", "/chatrooms", &room);
        let room = text(&made["data"], "id").to_owned();
        let announcement = json!({ "announcement": self.one() });
        self.app("POST", &format!("/chatrooms/{room}/announcement"), &announcement);
        let attributes = json!({ "metaData": { self.one(): self.one() } });
        self.app("PUT", &format!("/metadata/chatroom/{room}/user/{alice}"), &attributes);
        for _ in 0..5 {
            let message = json!({
                "from": alice, "to": [room], "type": "txt", "body": { "msg": self.one() },
                "ext": { self.one(): self.one() },
            });
            self.app("POST", "/messages/chatrooms", &message);
        }
    }

    fn files(&mut self, token: &str) {
        for _ in 0..3 {
            let (name, bytes) = (self.one(), self.one());
            let token = if self.round.is_multiple_of(10) {
                self.app_token.clone()
            } else {
                token.to_owned()
            };
            self.http.call("POST", "/chatfiles", &token, &Body::File(&name, bytes.as_bytes()));
        }
    }
}

/// A connection, and a token of the app's back end.
fn enter(demo: &Value) -> (Http, String) {
    let mut http = Http::open(demo);
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": text(demo, "appId"), "client_secret": text(demo, "certificate"),
    });
    let token =
        text(&http.call("POST", "/token", "", &Body::Json(&body)), "access_token").to_owned();
    (http, token)
}
