//! Calls and their answers as a text, for snapshots.

use std::fmt::Write;

use http::Method;
use serde_json::Value;

use crate::lab::{Answer, Call, Lab};

/// Headers that a transcript shows; the others are the same in every answer
/// (`answers::what_every_answer_carries`).
const SHOWN: &[&str] = &["allow", "connection", "retry-after", "www-authenticate"];

pub(crate) struct Transcript<'a> {
    lab: &'a Lab,
    text: String,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        Self { lab, text: String::new() }
    }

    /// Makes a call as the app's back end and writes it down.
    pub(crate) async fn admin(&mut self, method: Method, path: &str, body: Value) -> Answer {
        self.call("app", Some(self.lab.app_token()), method, path, body).await
    }

    /// Makes a call as `user` and writes it down.
    pub(crate) async fn user(
        &mut self,
        user: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        self.call(user, Some(self.lab.user_token(user)), method, path, body).await
    }

    /// Makes a call without a token and writes it down.
    pub(crate) async fn stranger(&mut self, method: Method, path: &str, body: Value) -> Answer {
        self.call("nobody", None, method, path, body).await
    }

    /// Makes a call with `token` and writes it down as that of `who`.
    pub(crate) async fn call(
        &mut self,
        who: &str,
        token: Option<String>,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut call = Call::new(method.clone(), path);
        if let Some(token) = token {
            call = call.token(&token);
        }
        let answer = self.lab.call(call.json(body.clone())).await;
        let text = &mut self.text;
        writeln!(text, "=== {who}: {method} {path}").unwrap();
        if !body.is_null() {
            writeln!(text, "{body}").unwrap();
        }
        writeln!(text, "--- {}", answer.status.as_u16()).unwrap();
        for name in SHOWN.iter().filter(|name| answer.headers.contains_key(**name)) {
            writeln!(text, "{name}: {}", answer.header(name)).unwrap();
        }
        let mut shown = answer.body.clone();
        hide(&mut shown);
        writeln!(text, "{}\n", serde_json::to_string_pretty(&shown).unwrap()).unwrap();
        answer
    }

    pub(crate) fn text(self) -> String {
        self.text
    }

    /// The calls, with ids replaced by what they are called.
    pub(crate) fn shown(self, ids: &[(&str, &str)]) -> String {
        ids.iter().fold(self.text, |text, (id, name)| text.replace(id, name))
    }
}

/// Replaces what is random.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &value) {
                    ("uuid" | "cursor" | "access_token", Value::String(_)) => {
                        *value = format!("[{name}]").into();
                    }
                    _ => hide(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide),
        _ => {}
    }
}
