//! Entering a class room as a page does: over REST, and then on the room's stream.

use serde_json::{Value, json};

use crate::Error;
use crate::client::Endpoint;
use crate::client::socket::Socket;
use crate::rest::Rest;

/// Who has entered.
pub struct Entered {
    /// What it says on the room's stream.
    pub hello: Value,
    /// The number of its own stream of sound and pictures.
    pub stream: String,
}

/// Enters with this token in this role.
///
/// # Errors
/// When the server refuses it.
pub async fn enter(
    rest: &mut Rest,
    app: &str,
    room: &str,
    user: &str,
    role: &str,
    token: &str,
) -> Result<Entered, Error> {
    rest.in_class_as(token);
    let path = format!("/scene/apps/{app}/v2/rooms/{room}/users/{user}/entry");
    let body = json!({"userName": user, "role": role});
    let answer = rest.ask("POST", &path, &body).await?;
    let state = &answer["data"];
    let hello = json!({
        "type": "hello", "appId": app, "roomUuid": room, "userUuid": user,
        "token": token, "userToken": state["localUser"]["userToken"],
        "sequence": state["room"]["sequence"],
        "peerSequence": state["localUser"]["sequence"],
    });
    let stream = state["localUser"]["streamUuid"].as_str().unwrap_or_default().to_owned();
    Ok(Entered { hello, stream })
}

/// Connects to the room's stream, until it hears what the room says.
///
/// # Errors
/// When the server refuses it.
pub async fn listen(endpoint: &Endpoint, hello: &Value) -> Result<Socket, Error> {
    let mut socket = Socket::open_on(endpoint, "/ws/class").await?;
    socket.send_text(&hello.to_string()).await?;
    loop {
        let told = socket.receive().await?;
        let told = told.ok_or_else(|| Error::Closed(" at the hello".into()))?;
        if &*told == b"{\"type\":\"live\"}" {
            return Ok(socket);
        }
    }
}
