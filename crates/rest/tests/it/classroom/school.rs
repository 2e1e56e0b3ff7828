//! A lab whose app holds classes.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::{App, AuthPolicy, Clock};
use stoa_token::Builder007;

use crate::lab::{Answer, Call, Lab};

pub(crate) struct School {
    pub(crate) lab: Lab,
}

/// The path of a class room's call below the app's.
pub(crate) fn edu(app: &App, path: &str) -> String {
    format!("//eu/edu/apps/{}{path}", app.id)
}

impl School {
    pub(crate) fn new() -> Self {
        Self { lab: Lab::with(AuthPolicy::Token) }
    }

    /// One whose app is as `change` makes it.
    pub(crate) fn changed(change: impl FnOnce(App) -> App) -> Self {
        Self { lab: Lab::changed(AuthPolicy::Token, change) }
    }

    /// A token of `app`, made now.
    pub(crate) fn builder<'a>(&self, app: &'a App, expire: u32) -> Builder007<'a> {
        let issued = u32::try_from(self.lab.clock.now().as_secs()).unwrap();
        Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, expire, 9)
    }

    /// A token of the app's back end.
    pub(crate) fn back_end(&self) -> String {
        self.builder(&self.lab.app, 86_400).education_app().build().unwrap()
    }

    /// A token of a user in a room.
    pub(crate) fn seat(&self, room: &str, user: &str, role: i16) -> String {
        self.builder(&self.lab.app, 86_400).room_user(room, user, role).build().unwrap()
    }

    /// A call below `/eu/edu/apps/{app}`; also a whole path, which begins with `//`.
    pub(crate) async fn call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let path = if path.starts_with("//") { path.to_owned() } else { edu(&self.lab.app, path) };
        let call =
            Call::new(method, &path).header("authorization", &format!("agora token={token}"));
        self.lab.call(call.json(body)).await
    }

    /// A call of the app's back end.
    pub(crate) async fn app(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call(&self.back_end(), method, path, body).await
    }

    /// A call of a user in a room.
    pub(crate) async fn by(
        &self,
        (room, user, role): (&str, &str, i16),
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        self.call(&self.seat(room, user, role), method, path, body).await
    }

    /// Makes a small class.
    pub(crate) async fn class(&self, room: &str) {
        let body = json!({"roomName": "A class", "roomType": 4});
        self.app(Method::POST, &format!("/v2/rooms/{room}"), body).await.data();
    }

    /// Enters, and answers what the page is told.
    pub(crate) async fn enters(&self, room: &str, user: &str, role: i16) -> Answer {
        let path = format!("/v3/rooms/{room}/users/{user}/entry");
        let body = json!({"role": role, "userName": user});
        self.by((room, user, role), Method::PUT, &path, body).await
    }

    /// Events of a room, by number.
    pub(crate) async fn events(&self, room: &str, query: &str) -> Vec<Value> {
        let path = format!("/v2/rooms/{room}/sequences{query}");
        self.app(Method::GET, &path, Value::Null).await.data()["list"].as_array().unwrap().clone()
    }

    /// Messages of a room, as its back end reads them.
    pub(crate) async fn frames(&self, room: &str) -> Vec<Value> {
        let path = format!("//eu/scene/apps/{}/v1/rooms/{room}/sequences", self.lab.app.id);
        self.app(Method::GET, &path, Value::Null).await.data()["list"].as_array().unwrap().clone()
    }

    /// Lets time pass, with what the clock does at each moment.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.lab.clock.now().plus(time);
        while let Some(at) = self.lab.classroom.next_due().filter(|at| *at <= until) {
            self.lab.clock.set(at.max(self.lab.clock.now()));
            self.lab.classroom.tick().await;
        }
        self.lab.clock.set(until);
        self.lab.classroom.tick().await;
    }
}

impl Answer {
    /// What a call of class rooms answered that was done.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (200, &json!(0)), "{}", self.body);
        assert_eq!(self.body["msg"], "Success");
        assert!(self.body["ts"].is_u64());
        &self.body["data"]
    }

    /// Status and code of a call of class rooms that was refused.
    #[track_caller]
    pub(crate) fn code(&self) -> (u16, u64) {
        let (code, text) = (&self.body["code"], self.body["msg"].as_str());
        assert!(text.is_some_and(|text| !text.is_empty()), "{}", self.body);
        assert!(self.body["ts"].is_u64(), "{}", self.body);
        (self.status.as_u16(), code.as_u64().unwrap())
    }
}
