//! A logged-in client: a task that drives the [`Protocol`] over the socket, and a handle to it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use stoa_wire::{
    Content, ContentType, Jid, Message as _, MessageBody, MessageType, Meta, MucBody, MucOperation,
    NameSpace,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::protocol::{Ack, Event, Identity, Output, Protocol, Welcome};
use crate::received::Received;
use crate::socket::{self, Socket};

/// How long the SDK waits for the answer to its login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the SDK waits for the answer to what it sent.
const ACK_TIMEOUT: Duration = Duration::from_secs(15);
/// Silence of the server after which the SDK sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// 2010-02-01 in milliseconds since 1970: where the SDK's ids begin.
const ID_EPOCH_MS: u64 = 1_264_982_400_000;

/// Where to connect, and as whom.
#[derive(Clone)]
pub struct ConnectOptions {
    /// `wss://host:port/ws`, or `ws://` for a plain listener.
    pub url: String,
    /// The certificates to trust, as PEM. Needed with `wss`.
    pub ca_pem: Option<String>,
    /// The app key, `org#app`.
    pub app_key: String,
    /// The user.
    pub user: String,
    /// The token, without the prefix of the protocol.
    pub token: String,
    /// The device.
    pub resource: String,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    #[error("not a url of a websocket")]
    Url,
    /// The network or TLS failed.
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    /// The WebSocket could not be opened.
    #[error("cannot open the websocket: {0}")]
    WebSocket(#[from] Box<tungstenite::Error>),
    /// The server refused the login.
    #[error("login refused with {code}: {reason}")]
    Refused {
        /// An [`ErrorCode`](stoa_wire::ErrorCode)'s number.
        code: i32,
        /// The reason's text.
        reason: String,
    },
    /// The connection ended before the login was answered.
    #[error("connection closed during the login")]
    Closed,
    /// No answer to the login.
    #[error("the login was not answered in time")]
    Timeout,
}

/// Why something that was sent has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is over. Whether the server took it is unknown.
    #[error("connection closed")]
    Closed,
    /// No answer within the SDK's 15 seconds.
    #[error("not answered in time")]
    Timeout,
}

/// What the task does for its handle.
enum Order {
    Send(Box<Meta>, oneshot::Sender<Ack>),
    Raw(Bytes),
    Unread,
    /// Read from the connection, or do not; told when it is so.
    Read(bool, oneshot::Sender<()>),
    Close,
}

/// What the task and its handle share.
struct Shared {
    protocol: Protocol,
    received: Vec<Received>,
    violations: Vec<String>,
}

/// One device of a user, as long as the page lives; its connection may be replaced.
///
/// Dropping it drops the connection without a closing, as a page that is left.
pub struct Client {
    options: ConnectOptions,
    shared: Arc<Mutex<Shared>>,
    events: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    connection: Option<Connection>,
    /// The end of the connection was told, with this code.
    closed: Option<Option<u16>>,
}

/// Something that was sent and whose answer was not waited for yet.
#[derive(Debug)]
pub struct Posted(oneshot::Receiver<Ack>);

impl Posted {
    /// Waits for the answer, which may be a refusal.
    ///
    /// # Errors
    /// When there is no answer within the SDK's 15 seconds from now on.
    pub async fn answer(self) -> Result<Ack, SendError> {
        match timeout(ACK_TIMEOUT, self.0).await {
            Ok(answer) => answer.map_err(|_| SendError::Closed),
            Err(_) => Err(SendError::Timeout),
        }
    }
}

/// A connection that is logged in.
struct Connection {
    welcome: Welcome,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When there is no connection, or the server refuses the login or does not answer it.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let protocol = Protocol::new(Identity {
            app_key: options.app_key.clone(),
            user: options.user.clone(),
            resource: options.resource.clone(),
            token: options.token.clone(),
        });
        let shared = Shared { protocol, received: Vec::new(), violations: Vec::new() };
        let mut client = Self {
            options,
            shared: Arc::new(Mutex::new(shared)),
            events: mpsc::unbounded_channel(),
            connection: None,
            closed: None,
        };
        client.reconnect().await?;
        Ok(client)
    }

    /// The next login is with this token.
    pub fn renew(&mut self, token: String) {
        lock(&self.shared).protocol.renew(token);
    }

    /// Drops the connection and makes a new one. What was received, and what is remembered against
    /// doubles, stays; events that were not asked for yet are dropped.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); there is no connection then.
    pub async fn reconnect(&mut self) -> Result<(), ConnectError> {
        if let Some(old) = self.connection.take() {
            old.task.abort();
            // Over means that it touches the shared state no more.
            let _ = old.task.await;
        }
        self.closed = None;
        self.events = mpsc::unbounded_channel();
        let opened = timeout(LOGIN_TIMEOUT, self.open()).await;
        self.connection = Some(opened.map_err(|_| ConnectError::Timeout)??);
        Ok(())
    }

    async fn open(&self) -> Result<Connection, ConnectError> {
        let mut socket = socket::open(&self.options.url, self.options.ca_pem.as_deref()).await?;
        let login = lock(&self.shared).protocol.login(now());
        socket.send(Message::Binary(login)).await.map_err(Box::new)?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (entered, welcome) = oneshot::channel();
        let driver = Driver {
            socket,
            shared: Arc::clone(&self.shared),
            waiting: HashMap::new(),
            entered: Some(entered),
            told: self.events.0.clone(),
            heard: Instant::now(),
            reads: true,
        };
        let task = tokio::spawn(driver.run(ordered));
        let welcome = welcome.await.map_err(|_| ConnectError::Closed)??;
        Ok(Connection { welcome, orders, task })
    }

    /// What the server said to the login. `None` without a connection.
    pub fn welcome(&self) -> Option<&Welcome> {
        self.connection.as_ref().map(|connection| &connection.welcome)
    }

    /// Sends a text to a user and waits for the answer, which may be a refusal.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send_text(&self, to: &str, text: &str) -> Result<Ack, SendError> {
        self.send_body(to, &self.text(to, text)).await
    }

    /// Sends a body to a user and waits for the answer: receipts, recalls, other kinds of messages.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send_body(&self, to: &str, body: &MessageBody) -> Result<Ack, SendError> {
        self.send_meta(self.envelope(to, body)).await
    }

    /// Sends a meta as it is and waits for the answer. With the id of an earlier one it is what the
    /// SDK sends again.
    ///
    /// # Errors
    /// When there is no answer. Only messages and groups' operations are answered.
    pub async fn send_meta(&self, meta: Meta) -> Result<Ack, SendError> {
        self.post_meta(meta)?.answer().await
    }

    /// Sends a meta as it is, behind everything that was sent before; the answer can be waited for
    /// later.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn post_meta(&self, meta: Meta) -> Result<Posted, SendError> {
        let (answered, answer) = oneshot::channel();
        self.order(Order::Send(Box::new(meta), answered))?;
        Ok(Posted(answer))
    }

    /// The body of a text message to a user.
    pub fn text(&self, to: &str, text: &str) -> MessageBody {
        MessageBody {
            kind: Some(MessageType::Chat.into()),
            from: Some(Jid::named(&self.options.user)),
            to: Some(Jid::named(to)),
            contents: vec![Content {
                kind: Some(ContentType::Text.into()),
                text: Some(text.to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    /// The envelope of a body to a user, with a new id.
    pub fn envelope(&self, to: &str, body: &MessageBody) -> Meta {
        Meta {
            id: Some(new_id()),
            to: Some(Jid::user(&self.options.app_key, to)),
            ns: Some(NameSpace::Chat.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Default::default()
        }
    }

    /// The body of a text message in a room.
    pub fn room_text(&self, room: &str, text: &str) -> MessageBody {
        MessageBody { kind: Some(MessageType::ChatRoom.into()), ..self.text(room, text) }
    }

    /// The envelope of a body to a room, with a new id.
    pub fn room_envelope(&self, room: &str, body: &MessageBody) -> Meta {
        let to = Some(Jid::group(&self.options.app_key, room));
        Meta { to, ..self.envelope(room, body) }
    }

    /// Enters a room and waits for the answer, which may be a refusal.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn enter_room(&self, room: &str) -> Result<Ack, SendError> {
        self.move_in_room(room, MucOperation::Join).await
    }

    /// Leaves a room and waits for the answer, which may be a refusal.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn leave_room(&self, room: &str) -> Result<Ack, SendError> {
        self.move_in_room(room, MucOperation::Leave).await
    }

    async fn move_in_room(&self, room: &str, operation: MucOperation) -> Result<Ack, SendError> {
        let room = Jid::group(&self.options.app_key, room);
        let body = MucBody {
            muc_id: Some(room.clone()),
            operation: Some(operation.into()),
            is_chatroom: Some(true),
            ..Default::default()
        };
        let meta = Meta {
            id: Some(new_id()),
            to: Some(room),
            ns: Some(NameSpace::Muc.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Default::default()
        };
        self.send_meta(meta).await
    }

    /// Does not read from the connection any more, as a client that hangs; heartbeats go on.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn stop_reading(&self) -> Result<(), SendError> {
        self.read(false).await
    }

    /// Reads from the connection again.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn read_on(&self) -> Result<(), SendError> {
        self.read(true).await
    }

    async fn read(&self, reads: bool) -> Result<(), SendError> {
        let (so, is_so) = oneshot::channel();
        self.order(Order::Read(reads, so))?;
        is_so.await.map_err(|_| SendError::Closed)
    }

    /// Sends bytes as one frame, whatever they are.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn send_raw(&self, frame: impl Into<Bytes>) -> Result<(), SendError> {
        self.order(Order::Raw(frame.into()))
    }

    /// Asks the server what is waiting, as the heartbeat does.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn heartbeat(&self) -> Result<(), SendError> {
        self.order(Order::Unread)
    }

    /// Waits for the next thing that an app would be told. After [`Event::Closed`] that comes again
    /// and again, until there is a new connection.
    pub async fn next_event(&mut self) -> Event {
        if let Some(code) = self.closed {
            return Event::Closed { code };
        }
        let event = self.events.1.recv().await.unwrap_or(Event::Closed { code: None });
        if let Event::Closed { code } = event {
            self.closed = Some(code);
        }
        event
    }

    /// Everything that was received so far, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared).received.clone()
    }

    /// Everything that the server did so far and that breaks the SDK.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared).violations.clone()
    }

    /// Closes the WebSocket properly and waits for the end.
    pub async fn close(mut self) {
        if self.order(Order::Close).is_ok() {
            while !matches!(self.next_event().await, Event::Closed { .. }) {}
        }
    }

    fn order(&self, order: Order) -> Result<(), SendError> {
        let connection = self.connection.as_ref().ok_or(SendError::Closed)?;
        connection.orders.send(order).map_err(|_| SendError::Closed)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// An id as the SDK makes them, but unique in the process.
fn new_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let at_least = now().saturating_sub(ID_EPOCH_MS);
    let next = |last: u64| at_least.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    next(last.unwrap_or_default())
}

struct Driver {
    socket: Socket,
    shared: Arc<Mutex<Shared>>,
    waiting: HashMap<u64, oneshot::Sender<Ack>>,
    entered: Option<oneshot::Sender<Result<Welcome, ConnectError>>>,
    told: mpsc::UnboundedSender<Event>,
    heard: Instant,
    reads: bool,
}

impl Driver {
    async fn run(mut self, mut ordered: mpsc::UnboundedReceiver<Order>) {
        let code = loop {
            tokio::select! {
                order = ordered.recv() => {
                    // Without a handle the connection is dropped.
                    let Some(order) = order else { break None };
                    if self.obey(order).await.is_err() {
                        break None;
                    }
                }
                message = self.socket.next(), if self.reads => {
                    self.heard = Instant::now();
                    match message {
                        Some(Ok(Message::Binary(frame))) => {
                            if self.receive(frame).await.is_err() {
                                break None;
                            }
                        }
                        Some(Ok(Message::Text(_))) => {
                            self.note("a text frame".to_owned());
                        }
                        Some(Ok(Message::Close(frame))) => {
                            // The answer to it, unless it is an answer itself.
                            let _ = self.socket.flush().await;
                            break frame.map(|frame| frame.code.into());
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break None,
                    }
                }
                () = tokio::time::sleep_until(self.heard + HEARTBEAT) => {
                    self.heard = Instant::now();
                    if self.obey(Order::Unread).await.is_err() {
                        break None;
                    }
                }
            }
        };
        // Dropping the rest tells those who wait for an answer.
        let _ = self.told.send(Event::Closed { code });
    }

    async fn obey(&mut self, order: Order) -> Result<(), tungstenite::Error> {
        let frame = match order {
            Order::Send(meta, answered) => {
                self.waiting.insert(meta.id(), answered);
                lock(&self.shared).protocol.send(*meta)
            }
            Order::Raw(frame) => frame,
            Order::Unread => Protocol::unread(),
            Order::Read(reads, so) => {
                self.reads = reads;
                // Nobody need wait for it.
                let _ = so.send(());
                return Ok(());
            }
            Order::Close => return self.socket.close(None).await,
        };
        self.socket.send(Message::Binary(frame)).await
    }

    async fn receive(&mut self, frame: Bytes) -> Result<(), tungstenite::Error> {
        let outputs = lock(&self.shared).protocol.receive(frame, now());
        for output in outputs {
            match output {
                Output::Send(frame) => self.socket.feed(Message::Binary(frame)).await?,
                Output::LoggedIn(welcome) => self.enter(Ok(welcome)),
                Output::Refused { code, reason } => {
                    self.enter(Err(ConnectError::Refused { code, reason }));
                }
                Output::Answered(ack) => {
                    if let Some(answered) = self.waiting.remove(&ack.id) {
                        let _ = answered.send(ack);
                    }
                }
                Output::Event(event) => {
                    if let Event::Received(received) = &event {
                        lock(&self.shared).received.push((**received).clone());
                    }
                    let _ = self.told.send(event);
                }
                Output::Violation(what) => self.note(what),
            }
        }
        self.socket.flush().await
    }

    fn enter(&mut self, result: Result<Welcome, ConnectError>) {
        if let Some(entered) = self.entered.take() {
            let _ = entered.send(result);
        }
    }

    fn note(&self, what: String) {
        lock(&self.shared).violations.push(what);
    }
}
