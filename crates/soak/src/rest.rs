//! Calls over REST, one connection each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stoa_wire::{Message, MessageBody, Meta};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Outcome;
use crate::demo::Demo;

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Calls `path` of the server.
pub(crate) async fn call(
    demo: &Demo,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Outcome<Answer> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let media = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}{media}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let exchange = async {
        let mut stream = demo.connect().await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange.await.map_err(|error| format!("{method} {path}: {error}"))?;
    let cut = || format!("{method} {path}: a cut answer");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
    Ok(Answer { status, body: serde_json::from_str(body).map_err(|_| cut())? })
}

/// Registers users, none of whom has a password.
pub(crate) async fn register(demo: &Demo, names: &[String]) -> Outcome<()> {
    let token = demo.app_token()?;
    for some in names.chunks(50) {
        let users: Value = some.iter().map(|name| json!({ "username": name })).collect();
        let path = format!("{}/users", demo.path);
        let answer = call(demo, "POST", &path, Some(&token), Some(&users)).await?;
        if answer.status != 200 {
            return Err(format!("registering: {} {}", answer.status, answer.body));
        }
    }
    Ok(())
}

/// A message as it lies in the history.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    /// `user/resource`.
    pub(crate) device: String,
    pub(crate) text: String,
}

/// The whole history of `user` with `peer`, oldest first.
pub(crate) async fn history(demo: &Demo, user: &str, peer: &str) -> Outcome<Vec<Stored>> {
    let token = demo.user_token(user)?;
    let path = format!("{}/users/{user}/messageroaming", demo.path);
    let mut found = Vec::new();
    let mut start = json!("-1");
    loop {
        let body = json!({
            "queue": format!("{peer}@easemob.com"), "start": start,
            "pull_number": 50, "is_positive": true,
        });
        let answer = call(demo, "POST", &path, Some(&token), Some(&body)).await?;
        if answer.status == 429 {
            // So many calls in a second are allowed to an app.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            continue;
        }
        let wrong = || format!("history of {user}: {} {}", answer.status, answer.body);
        let data = &answer.body["data"];
        for message in data["msgs"].as_array().ok_or_else(wrong)? {
            let bytes = message["msg"].as_str().and_then(|text| STANDARD.decode(text).ok());
            let meta = bytes.and_then(|bytes| Meta::decode(bytes.as_slice()).ok());
            found.push(stored(&meta.ok_or_else(wrong)?));
        }
        if data["is_last"] == true {
            return Ok(found);
        }
        start = data["next_key"].clone();
    }
}

fn stored(meta: &Meta) -> Stored {
    let from = meta.from.clone().unwrap_or_default();
    let body = MessageBody::decode(meta.payload.clone().unwrap_or_default()).unwrap_or_default();
    let text = body.contents.into_iter().next().and_then(|content| content.text);
    Stored {
        id: meta.id(),
        device: format!("{}/{}", from.name(), from.client_resource()),
        text: text.unwrap_or_default(),
    }
}
