//! A gateway on loopback with two apps, whose every stored row can be looked at.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use parking_lot::RwLock;
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::{Chat, Draft, NewGroup, NewRoom, NewUser, RoomMessage};
use stoa_classroom::Classroom;
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Caller, Clock, Elsewhere, Entropy,
    ManualClock, Operator, PublicHosts, Region, Resource, SeededEntropy, ServerCertificate, Target,
    Timestamp, UserId, issue_token,
};
use stoa_store::Store;
use stoa_store::engine::{Direction, Engine, Memory, Span};
use stoa_testclient::protocol::{Identity, Protocol};
use stoa_token::Builder007;
use stoa_vault::Vault;
use stoa_wire::{
    CommSyncDl, Command, Content, Jid, Limits, MSync, Message, MessageBody, MessageType, Provision,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Ws;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::commands::Objects;
use crate::net::NetLimits;

struct Apps(RwLock<Vec<Arc<App>>>);

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        self.0.read().iter().find(|app| app.key == *key).cloned()
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        self.0.read().iter().find(|app| app.id == *id).cloned()
    }

    fn elsewhere_by_key(&self, key: &AppKey) -> Option<Elsewhere> {
        (key.to_string() == ELSEWHERE).then(|| Elsewhere {
            key: key.clone(),
            id: AppId::from_bytes([0xA1; 16]),
            region: Region::Na,
            hosts: Some(PublicHosts {
                rest: "chat.na.example.org".parse().unwrap(),
                ws: "im.na.example.org".parse().unwrap(),
            }),
        })
    }
}

/// An app of another data centre.
pub(super) const ELSEWHERE: &str = "far#away";

/// A text of `tag` as a device writes it: what must not turn up elsewhere.
fn body(tag: &str, from: &str, to: &str, kind: MessageType) -> Bytes {
    let text = Some(format!("{tag}hidden"));
    let body = MessageBody {
        kind: Some(kind.into()),
        from: Some(Jid::named(from)),
        to: Some(Jid::named(to)),
        contents: vec![Content { kind: Some(0), text, ..Content::default() }],
        ..MessageBody::default()
    };
    body.encode_to_vec().into()
}

async fn nothing(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

pub(super) struct Lab {
    pub(super) chat: Arc<Chat>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) app: Arc<App>,
    pub(super) other: Arc<App>,
    apps: Arc<Apps>,
    of_rotations: SeededEntropy,
    engine: Arc<Memory>,
    address: std::net::SocketAddr,
}

impl Lab {
    pub(super) async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let random: &dyn Entropy = &*entropy;
        let app = |number, key: &str| {
            let (number, key) = (AppNumber(number), key.parse().unwrap());
            Arc::new(App::new(number, key, Region::Eu, clock.now(), AuthPolicy::Token, random))
        };
        let (app, other) = (app(1, "demo#stoa"), app(2, "demo#other"));
        let directory = Arc::new(Apps(RwLock::new(vec![app.clone(), other.clone()])));
        let engine = Arc::new(Memory::new());
        let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
        let store = Store::open(engine.clone(), vault);
        let chat = Chat::new(store.clone(), directory.clone(), clock.clone(), entropy.clone(), 1);
        let (chat, operator) = (Arc::new(chat), Operator::of_this_process());
        let classroom = Classroom::new(
            store,
            chat.clone(),
            directory.clone(),
            clock.clone(),
            entropy,
            operator,
        );
        let classroom = Arc::new(classroom);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let http = tower::service_fn(nothing);
        // It ends with the test's runtime.
        let forever = std::future::pending();
        tokio::spawn(crate::serve(listener, None, http, classroom, NetLimits::default(), forever));
        let of_rotations = SeededEntropy::new(8);
        Self { chat, clock, app, other, apps: directory, of_rotations, engine, address }
    }

    /// Gives an app another server certificate, whose former one is good for so long; none: not at all. Sessions
    /// are told, as by the console.
    pub(super) fn rotate_server_certificate(&self, app: &App, overlap: Option<Duration>) {
        let now = self.clock.now();
        let mut app = App::clone(&self.apps.by_key(&app.key).unwrap());
        let made = ServerCertificate::random(&self.of_rotations, now);
        app.rotate_server_certificate(made, overlap.map(|overlap| now.plus(overlap)));
        let app = Arc::new(app);
        for known in self.apps.0.write().iter_mut().filter(|known| known.key == app.key) {
            *known = app.clone();
        }
        self.chat.app_changed(&app, None);
    }

    /// A token for `user` and a day as the server issues it for `app` as it is by now.
    pub(super) fn issued(&self, app: &App, user: &str) -> String {
        let (app, user) = (self.apps.by_key(&app.key).unwrap(), user.parse().unwrap());
        let entropy = SeededEntropy::new(9);
        issue_token(&app, Some(&user), self.clock.now(), 86_400, &entropy).expose().to_owned()
    }

    /// Every stored row, sealed as it lies there.
    pub(super) async fn everything(&self) -> BTreeMap<Bytes, Bytes> {
        let view = self.engine.snapshot().await.unwrap();
        let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
        rows.into_iter().collect()
    }

    /// A token in the making, for `app` and `ttl_s` seconds.
    pub(super) fn made<'a>(&self, app: &'a App, ttl_s: u32, salt: u32) -> Builder007<'a> {
        let issued = u32::try_from(self.clock.now().as_secs()).unwrap();
        Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, ttl_s, salt)
    }

    /// A good token: a user's, or the back end's.
    pub(super) fn token(&self, app: &App, user: Option<&str>) -> String {
        let token = self.made(app, 3600, 5);
        let token = match user {
            Some(user) => token.chat_user(user),
            None => token.chat_app(),
        };
        token.build().unwrap()
    }

    pub(super) async fn caller(&self, app: &App, user: Option<&str>) -> Caller {
        self.chat.authenticate(&app.key, &self.token(app, user)).await.unwrap()
    }

    pub(super) async fn register(&self, app: &App, names: &[String]) {
        let new = |name: &String| NewUser {
            username: name.parse().unwrap(),
            password: None,
            nickname: None,
        };
        let back_end = self.caller(app, None).await;
        self.chat.register(&back_end, names.iter().map(new).collect()).await.unwrap();
    }

    /// Two people, whose names begin with `tag`, a group and a room of theirs, and what was said. Of alice.
    pub(super) async fn place(&self, app: &App, tag: &str) -> Objects {
        let [alice, bob] = ["alice", "bob"].map(|name| format!("{tag}{name}"));
        let back_end = self.caller(app, None).await;
        let [owner, member]: [UserId; 2] = [&alice, &bob].map(|name| name.parse().unwrap());
        let group = NewGroup {
            owner: owner.clone(),
            name: format!("{tag}hidden"),
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            public: false,
            approval: false,
            member_invites: false,
            invite_confirm: false,
            max_members: 10,
            members: vec![member.clone()],
        };
        let group = self.chat.create_group(&back_end, None, group).await.unwrap();
        let room = NewRoom {
            owner: owner.clone(),
            name: format!("{tag}hidden"),
            description: String::new(),
            max_members: 10,
            members: vec![member.clone()],
        };
        let room = self.chat.create_room(&back_end, None, room).await.unwrap();
        let note = body(tag, &alice, &bob, MessageType::Chat);
        let note = self.say(app, &alice, Target::User(member), note).await;
        let message = body(tag, &alice, group.as_str(), MessageType::GroupChat);
        let message = self.say(app, &alice, Target::Group(group.clone()), message).await;
        let said = RoomMessage {
            from: owner,
            kind: Kind::Text,
            body: body(tag, &alice, room.as_str(), MessageType::ChatRoom),
            ext: Bytes::new(),
            priority: Priority::Normal,
        };
        let said = self.chat.say_in_room(&back_end, &room, said).await.unwrap().id.0;
        let (app_key, me, peer) = (app.key.to_string(), alice, bob);
        let (group, room) = (group.as_str().to_owned(), room.as_str().to_owned());
        Objects { app_key, me, peer, group, room, note, message, said }
    }

    async fn say(&self, app: &App, from: &str, to: Target, body: Bytes) -> u64 {
        let caller = self.caller(app, Some(from)).await;
        let (done, outcome) = tokio::sync::oneshot::channel();
        let draft = Draft {
            receipts: matches!(to, Target::Group(_)),
            to,
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            content_bytes: body.len(),
            client_id: u64::try_from(body.len()).unwrap(),
            body,
            ext: Bytes::new(),
            online_only: false,
            priority: Priority::Normal,
        };
        let device: Resource = "elsewhere".parse().unwrap();
        let done = Box::new(move |appended| drop(done.send(appended)));
        self.chat.send(&caller, &device, draft, done).await;
        outcome.await.unwrap().unwrap().id.0
    }

    pub(super) async fn connect(&self) -> Socket {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/ws", self.address);
        Socket(client_async(url, stream).await.unwrap().0)
    }

    /// The frame of a login, and the frame itself without a token.
    pub(super) fn login(&self, app_key: &str, user: &str, token: Option<&str>) -> Bytes {
        let identity = Identity {
            app_key: app_key.into(),
            user: user.into(),
            resource: "web".into(),
            token: token.unwrap_or_default().into(),
        };
        let frame = Protocol::new(identity).login(self.clock.now().as_millis());
        if token.is_some() {
            return frame;
        }
        let mut frame = MSync::decode(frame).unwrap();
        let mut provision = Provision::decode(frame.payload.take().unwrap()).unwrap();
        (frame.auth, provision.auth, provision.auth_token) = (None, None, None);
        frame.payload = Some(provision.encode_to_vec().into());
        frame.encode_to_vec().into()
    }

    /// A session of `user`, with a token that is good.
    pub(super) async fn session(&self, app: &App, user: &str) -> Socket {
        self.session_with(app, user, &self.token(app, Some(user))).await
    }

    /// A session of `user`, with this token.
    pub(super) async fn session_with(&self, app: &App, user: &str, token: &str) -> Socket {
        let mut socket = self.connect().await;
        socket.send(self.login(&app.key.to_string(), user, Some(token))).await;
        match socket.next().await {
            Some(Frame::Provision(0, _)) => socket,
            other => panic!("{other:?}"),
        }
    }
}

/// A frame of the server, as far as it says something here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Frame {
    /// The answer to a login.
    Provision(i32, String),
    /// The answer to the command of that number.
    Ack(u64, i32, String),
    /// Something of a queue: how many, and the bytes of it.
    Page(Option<String>, usize, Vec<u8>),
    /// A list of queues.
    List(Vec<u8>),
    Other(Vec<u8>),
}

/// A connection.
pub(super) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(super) async fn send(&mut self, frame: Bytes) {
        // Whoever was cut off cannot send: what was answered shows it.
        drop(self.0.send(Ws::Binary(frame)).await);
    }

    /// The next frame; none when the connection is over.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let wait = Duration::from_secs(30);
        loop {
            match tokio::time::timeout(wait, self.0.next()).await.expect("no answer") {
                Some(Ok(Ws::Binary(bytes))) => return Some(read(bytes)),
                Some(Ok(Ws::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

fn read(bytes: Bytes) -> Frame {
    let frame = stoa_wire::decode_frame(bytes, Limits { frame_bytes: 1 << 20 }).unwrap();
    let payload = frame.payload.unwrap_or_default();
    let status = |status: Option<stoa_wire::Status>| {
        let status = status.unwrap_or_default();
        (status.error_code.unwrap_or_default(), status.reason.unwrap_or_default())
    };
    match frame.command.map(Command::try_from) {
        Some(Ok(Command::Provision)) => {
            let (code, reason) = status(Provision::decode(payload).unwrap().status);
            Frame::Provision(code, reason)
        }
        Some(Ok(Command::Unread)) => Frame::List(payload.to_vec()),
        Some(Ok(Command::Sync)) => {
            let sync = CommSyncDl::decode(payload.clone()).unwrap();
            match sync.meta_id {
                Some(id) if id > 0 => {
                    let (code, reason) = status(sync.status);
                    Frame::Ack(id, code, reason)
                }
                _ => {
                    let queue = sync.queue.and_then(|queue| queue.name);
                    Frame::Page(queue, sync.metas.len(), payload.to_vec())
                }
            }
        }
        _ => Frame::Other(payload.to_vec()),
    }
}
