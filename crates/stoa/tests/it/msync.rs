//! A chat client, as small as it can be: login, send, pull.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use stoa_wire::{
    CommSyncDl, CommSyncUl, CommUnreadDl, Command, Content, ContentType, Jid, MSync, Message,
    MessageBody, MessageType, Meta, NameSpace, Provision, Status,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use crate::https::{Stream, address, connect};
use crate::server::text;

/// Longer than anything takes; only so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session of one device.
pub(crate) struct Client {
    socket: WebSocket<Stream>,
    app_key: String,
    user: String,
    /// Frames that came while another was waited for.
    early: VecDeque<MSync>,
}

/// The connection is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl From<tungstenite::Error> for Gone {
    fn from(_: tungstenite::Error) -> Self {
        Self
    }
}

impl Client {
    /// Opens a session at the demo server.
    pub(crate) fn log_in(
        demo: &Value,
        user: &str,
        resource: &str,
        token: &str,
    ) -> Result<Self, Gone> {
        let (client, status) = Self::try_log_in(demo, user, resource, token, None)?;
        assert_eq!(status.error_code.unwrap_or_default(), 0, "{status:?}");
        Ok(client)
    }

    /// The same through a proxy that names this client, and what the server says to the login.
    pub(crate) fn try_log_in(
        demo: &Value,
        user: &str,
        resource: &str,
        token: &str,
        forwarded: Option<&str>,
    ) -> Result<(Self, Status), Gone> {
        let ca = Path::new(text(demo, "ca"));
        let stream = connect(ca, address(demo), "localhost", &rustls::version::TLS13);
        let stream = stream.map_err(|_| Gone)?;
        stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.sock.set_nodelay(true).unwrap();
        let mut request = "wss://localhost/ws".into_client_request()?;
        if let Some(client) = forwarded {
            request.headers_mut().insert("X-Forwarded-For", client.parse().unwrap());
        }
        let opened = tungstenite::client(request, stream);
        let (socket, _) = opened.map_err(|_| Gone)?;
        let app_key = text(demo, "appKey").to_owned();
        let mut client = Self { socket, app_key, user: user.into(), early: VecDeque::new() };
        let provision = Provision { resource: Some(resource.into()), ..Provision::default() };
        client.send(&MSync {
            guid: Some(Jid::user(&client.app_key, user).with_resource(resource)),
            auth: Some(format!("$t${token}")),
            command: Some(Command::Provision.into()),
            payload: Some(provision.encode_to_vec().into()),
            ..MSync::default()
        })?;
        let answer: Provision = client.wait(Command::Provision)?;
        Ok((client, answer.status.unwrap()))
    }

    /// Sends a text; its acknowledgement comes later.
    pub(crate) fn send_text(&mut self, to: &str, id: u64, text: &str) -> Result<(), Gone> {
        let jid = Jid::user(&self.app_key, to);
        self.send_body(jid, id, &self.text(MessageType::Chat, to, text))
    }

    /// Sends a text to a group; its acknowledgement comes later.
    pub(crate) fn send_to_group(&mut self, group: &str, id: u64, text: &str) -> Result<(), Gone> {
        let jid = Jid::group(&self.app_key, group);
        self.send_body(jid, id, &self.text(MessageType::GroupChat, group, text))
    }

    fn text(&self, kind: MessageType, to: &str, text: &str) -> MessageBody {
        let content = Content {
            kind: Some(ContentType::Text.into()),
            text: Some(text.into()),
            ..Content::default()
        };
        MessageBody {
            kind: Some(kind.into()),
            from: Some(Jid::named(&self.user)),
            to: Some(Jid::named(to)),
            contents: vec![content],
            ..MessageBody::default()
        }
    }

    fn send_body(&mut self, to: Jid, id: u64, body: &MessageBody) -> Result<(), Gone> {
        let meta = Meta {
            id: Some(id),
            to: Some(to),
            ns: Some(NameSpace::Chat.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        };
        self.sync(&CommSyncUl { meta: Some(meta), ..CommSyncUl::default() })
    }

    /// Waits for an acknowledgement: the client's id and the server's.
    pub(crate) fn acknowledged(&mut self) -> Result<(u64, u64), Gone> {
        loop {
            let frame: CommSyncDl = self.wait(Command::Sync)?;
            let Some(id) = frame.meta_id.filter(|id| *id > 0) else { continue };
            let status = frame.status.unwrap();
            assert_eq!(status.error_code.unwrap_or_default(), 0, "{status:?}");
            return Ok((id, frame.server_id.unwrap()));
        }
    }

    /// Waits until the server closes the session: with which code, if it says one.
    pub(crate) fn closed(&mut self) -> Option<u16> {
        loop {
            match self.socket.read() {
                Ok(tungstenite::Message::Close(frame)) => {
                    return frame.map(|frame| frame.code.into());
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Pulls everything that waits for the device.
    pub(crate) fn pull(&mut self) -> Result<Vec<Meta>, Gone> {
        self.send(&MSync { command: Some(Command::Unread.into()), ..MSync::default() })?;
        let unread: CommUnreadDl = self.wait(Command::Unread)?;
        let mut metas = Vec::new();
        for queue in unread.unread.into_iter().filter_map(|unread| unread.queue) {
            let mut key = None;
            loop {
                self.sync(&CommSyncUl {
                    key,
                    queue: Some(queue.clone()),
                    ..CommSyncUl::default()
                })?;
                let page: CommSyncDl = self.wait(Command::Sync)?;
                assert_eq!(page.queue.unwrap().name, queue.name);
                metas.extend(page.metas);
                if page.is_last == Some(true) {
                    break;
                }
                key = page.next_key;
            }
        }
        Ok(metas)
    }

    fn sync(&mut self, payload: &CommSyncUl) -> Result<(), Gone> {
        let payload = Some(payload.encode_to_vec().into());
        self.send(&MSync { command: Some(Command::Sync.into()), payload, ..MSync::default() })
    }

    fn send(&mut self, frame: &MSync) -> Result<(), Gone> {
        Ok(self.socket.send(tungstenite::Message::binary(frame.encode_to_vec()))?)
    }

    /// The payload of the next frame of `command`; others are kept.
    /// Reads what comes until the server ends the session.
    pub(crate) fn wait_until_closed(&mut self) {
        loop {
            match self.socket.read() {
                Ok(tungstenite::Message::Close(_)) => return,
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) => {
                    assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it goes on");
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn wait<M: Message + Default>(&mut self, command: Command) -> Result<M, Gone> {
        let wanted = |frame: &MSync| frame.command == Some(command.into());
        let early = self.early.iter().position(wanted).and_then(|at| self.early.remove(at));
        let frame = match early {
            Some(frame) => frame,
            None => loop {
                let frame = match self.socket.read()? {
                    tungstenite::Message::Binary(bytes) => MSync::decode(bytes).unwrap(),
                    tungstenite::Message::Close(_) => return Err(Gone),
                    _ => continue,
                };
                if wanted(&frame) {
                    break frame;
                }
                self.early.push_back(frame);
            },
        };
        Ok(M::decode(frame.payload.unwrap_or_default()).unwrap())
    }
}

/// The text of a message.
pub(crate) fn text_of(meta: &Meta) -> String {
    let body = MessageBody::decode(meta.payload.clone().unwrap()).unwrap();
    body.contents[0].text.clone().unwrap()
}
