//! A gateway on loopback with class rooms in memory, a clock that tests move, and clients that share no code with it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use parking_lot::RwLock;
use serde_json::{Value, json};
use stoa_chat::Chat;
use stoa_classroom::room::{By, CheckIn, Crosses, NewRoom, Times, Turn};
use stoa_classroom::tree::Tree;
use stoa_classroom::{Classroom, Refusal};
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, ClassRole, Clock, Countries, Country,
    ManualClock, Operator, OperatorOf, Region, RoomType, RoomUuid, SeededEntropy, Timestamp,
    UserUuid,
};
use stoa_gateway::net::NetLimits;
use stoa_store::Store;
use stoa_token::Builder007;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// This machine is in the United States, as far as this is asked.
struct Abroad;

impl Countries for Abroad {
    fn country(&self, address: IpAddr) -> Option<Country> {
        address.is_loopback().then(|| "US".parse().unwrap())
    }

    fn generation(&self) -> u64 {
        0
    }
}

/// One app, which its owner may change.
pub(super) struct Directory(RwLock<Arc<App>>);

impl AppDirectory for Directory {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        Some(self.0.read().clone()).filter(|app| app.key == *key)
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        Some(self.0.read().clone()).filter(|app| app.id == *id)
    }
}

async fn nothing(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

pub(super) fn name(text: &str) -> UserUuid {
    text.parse().unwrap()
}

pub(super) struct Lab {
    pub(super) clock: Arc<ManualClock>,
    pub(super) classroom: Arc<Classroom>,
    directory: Arc<Directory>,
    address: std::net::SocketAddr,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Lab {
    pub(super) async fn start() -> Self {
        Self::seeded(7).await
    }

    /// One whose app is made from that seed.
    pub(super) async fn seeded(seed: u64) -> Self {
        Self::within(seed, NetLimits::default()).await
    }

    /// One that waits long for clients to take what they are told last.
    pub(super) async fn patient() -> Self {
        Self::within(7, NetLimits { linger: Duration::from_secs(60), ..NetLimits::default() }).await
    }

    /// One that takes this machine for a proxy.
    pub(super) async fn behind_a_proxy() -> Self {
        let proxies = vec!["127.0.0.0/8".parse().unwrap()];
        Self::within(7, NetLimits { proxies, ..NetLimits::default() }).await
    }

    async fn within(seed: u64, limits: NetLimits) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let key = "demo#stoa".parse().unwrap();
        let (now, auth) = (clock.now(), AuthPolicy::Token);
        let app = App::new(AppNumber(1), key, Region::Eu, now, auth, &*entropy);
        let directory = Arc::new(Directory(RwLock::new(Arc::new(app))));
        let store = Store::in_memory(clock.clone(), entropy.clone());
        let (stores, apps) = (store.clone(), directory.clone());
        let chat = Chat::new(store, apps.clone(), clock.clone(), entropy.clone(), 1);
        let chat = Arc::new(chat.with_countries(Arc::new(Abroad)));
        let operator = Operator::of_this_process();
        let classroom = Classroom::new(stores, chat, apps, clock.clone(), entropy, operator);
        let classroom = Arc::new(classroom);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let shutdown = async move { drop(ended.await) };
        let http = tower::service_fn(nothing);
        let served = classroom.clone();
        let served = stoa_gateway::serve(listener, None, http, served, limits, shutdown);
        let served = tokio::spawn(served);
        let lab = Self { clock, classroom, directory, address, end: Some(end), served };
        lab.create("room", RoomType::Small).await;
        lab
    }

    pub(super) fn app(&self) -> Arc<App> {
        self.directory.0.read().clone()
    }

    /// The owner changes the app.
    pub(super) fn change(&self, change: impl FnOnce(App) -> App) {
        let before = App::clone(&self.app());
        let changed = Arc::new(change(before));
        *self.directory.0.write() = changed.clone();
        self.classroom.app_changed(&changed, None);
    }

    pub(super) fn scope(&self) -> OperatorOf {
        Operator::of_this_process().in_app(self.app())
    }

    /// Ends the server and waits until it has.
    pub(super) async fn end(mut self) -> Arc<Classroom> {
        drop(self.end.take());
        self.served.await.unwrap().unwrap();
        self.classroom
    }

    /// A token in the making, for a day from now.
    pub(super) fn token(&self, make: impl FnOnce(Builder007<'_>) -> Builder007<'_>) -> String {
        let app = self.app();
        let issued = u32::try_from(self.clock.now().as_secs()).unwrap();
        let certificate = app.certificates[0].expose();
        let builder = Builder007::new(app.id.as_str(), certificate, issued, 86_400, 7);
        make(builder).build().unwrap()
    }

    /// That of a user in a room.
    pub(super) fn room_token(&self, room: &str, user: &str, role: ClassRole) -> String {
        self.token(|builder| builder.room_user(room, user, role.number().into()))
    }

    pub(super) async fn create(&self, room: &str, kind: RoomType) {
        self.create_with(room, kind, Crosses::default()).await;
    }

    /// A room that says what may cross regions.
    pub(super) async fn create_with(&self, room: &str, kind: RoomType, crosses: Crosses) {
        let token = self.token(|builder| builder.education_app());
        let caller = self.classroom.authenticate(&self.app(), Some(&token), None).unwrap();
        let new = NewRoom {
            name: "A class".into(),
            kind,
            times: Times::default(),
            roles: BTreeMap::new(),
            flex: Tree::new(),
            widgets: Tree::new(),
            max_accept: None,
            accepts_at_entry: false,
            crosses,
        };
        self.classroom.create(&caller, &name(room), new).await.unwrap();
    }

    /// Enters over REST, so to say, and gives what a client needs to say hello.
    pub(super) async fn enter(&self, room: &str, user: &str, role: ClassRole) -> Ticket {
        let token = self.room_token(room, user, role);
        let caller = self.classroom.authenticate(&self.app(), Some(&token), None).unwrap();
        let flex = Tree::new();
        let who = CheckIn { name: user.into(), role, flex, video_source: 0, audio_source: 0 };
        let (id, user_id) = (name(room), name(user));
        let entry = self.classroom.enter(&caller, &id, &user_id, who, None).await.unwrap();
        Ticket {
            hello: json!({
                "type": "hello", "appId": self.app().id.as_str(), "roomUuid": room,
                "userUuid": user, "token": token, "userToken": entry.view["localUser"]["userToken"],
                "sequence": entry.view["room"]["sequence"],
                "peerSequence": entry.view["localUser"]["sequence"],
            }),
        }
    }

    /// Enters and hears what the room says.
    pub(super) async fn attend(&self, room: &str, user: &str, role: ClassRole) -> Client {
        let ticket = self.enter(room, user, role).await;
        let mut client = self.say_hello(&ticket).await;
        client.is_live().await;
        client
    }

    pub(super) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/ws/class", self.address);
        let (socket, _) = client_async(url, stream).await.unwrap();
        Client { socket }
    }

    /// Connects as a proxy that speaks for a client at that address.
    pub(super) async fn connect_for(&self, client: &str) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!("ws://{}/ws/class", self.address).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
        let (socket, _) = client_async(request, stream).await.unwrap();
        Client { socket }
    }

    pub(super) async fn say_hello(&self, ticket: &Ticket) -> Client {
        let mut client = self.connect().await;
        client.say(&ticket.hello).await;
        client
    }

    /// What the first answer to a hello is.
    pub(super) async fn answer(&self, hello: &Value) -> String {
        let mut client = self.connect().await;
        client.say(hello).await;
        match client.hear().await {
            Heard::Said(told) if told["type"] == "welcome" => "welcome".into(),
            Heard::Said(told) => told["code"].to_string(),
            Heard::Closed(code) => panic!("closed without a word: {code}"),
        }
    }

    /// An act of the app's back end in a room.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        room: &str,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> T {
        let room: RoomUuid = name(room);
        self.classroom.turn(&self.scope(), &room, By::App, act).await.unwrap()
    }

    /// Changes a property of a room, which is one frame.
    pub(super) async fn mark(&self, room: &str, value: Value) {
        let changed = Tree::from_iter([("flexProps.mark".to_owned(), value)]);
        let mark = move |turn: &mut Turn<'_>| {
            turn.room_properties(&changed, &json!({}));
            Ok(())
        };
        self.act(room, mark).await;
    }

    /// Lets time pass, with what the clock does at each moment on the way.
    pub(super) async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while let Some(at) = self.classroom.next_due().filter(|at| *at <= until) {
            self.clock.set(at.max(self.clock.now()));
            self.classroom.tick().await;
        }
        self.clock.set(until);
        self.classroom.tick().await;
    }

    /// Waits until somebody's connection is known to be gone.
    pub(super) async fn is_awaited(&self, room: &str, user: &str) {
        let limit = std::time::Instant::now() + Duration::from_secs(30);
        let user = name(user);
        while std::time::Instant::now() < limit {
            let user = user.clone();
            let awaited =
                self.act(room, move |turn| Ok(turn.room.users[&user].awaited_until.is_some()));
            if awaited.await {
                return;
            }
        }
        panic!("the connection is still there");
    }
}

/// What an entry gave, for a hello.
pub(super) struct Ticket {
    pub(super) hello: Value,
}

impl Ticket {
    /// A hello that knows frames of the room up to that number.
    pub(super) fn knowing(mut self, sequence: u64) -> Self {
        self.hello["sequence"] = sequence.into();
        self
    }
}

/// What a client got.
#[derive(Debug)]
pub(super) enum Heard {
    Said(Value),
    /// It was closed, with that code.
    Closed(u16),
}

pub(super) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(super) async fn say(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> Heard {
        let limit = Duration::from_secs(30);
        loop {
            let next = tokio::time::timeout(limit, self.socket.next()).await;
            return match next.expect("something comes in time") {
                Some(Ok(Message::Text(text))) => Heard::Said(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    Heard::Closed(frame.map_or(1005, |frame| frame.code.into()))
                }
                Some(Ok(Message::Ping(_))) => continue,
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(error)) => panic!("{error}"),
                None => Heard::Closed(1006),
            };
        }
    }

    /// The next message.
    pub(super) async fn told(&mut self) -> Value {
        match self.hear().await {
            Heard::Said(told) => told,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }

    /// Waits until what the room says is heard. Answers the numbers of frames that came before.
    pub(super) async fn is_live(&mut self) -> Vec<u64> {
        let mut numbers = Vec::new();
        loop {
            let told = self.told().await;
            match told["type"].as_str() {
                Some("welcome") => {}
                Some("live") => return numbers,
                Some(_) => panic!("{told}"),
                None => numbers.extend(sequences(&told)),
            }
        }
    }

    /// The word and the code with which the connection ends.
    pub(super) async fn ending(&mut self) -> (String, u16) {
        let mut word = String::new();
        loop {
            match self.hear().await {
                Heard::Closed(code) => return (word, code),
                Heard::Said(told) if told["type"] == "end" => {
                    word = told["reason"].as_str().unwrap().into();
                }
                Heard::Said(told) if told["type"] == "resync" => word = "resync".into(),
                Heard::Said(_) => {}
            }
        }
    }
}

/// The numbers of the frames in a message.
pub(super) fn sequences(told: &Value) -> Vec<u64> {
    let list = told["list"].as_array().unwrap_or_else(|| panic!("{told}"));
    list.iter().map(|frame| frame["sequence"].as_u64().unwrap()).collect()
}
