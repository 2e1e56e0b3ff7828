//! Whole sessions over a real socket: the client behaves as the SDK does, chat is in memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use stoa_chat::{Chat, NewUser};
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Caller, Clock, Entropy, Region,
    Secret, SeededEntropy, SystemClock, UserId, Uuid, issue_token,
};
use stoa_gateway::net::NetLimits;
use stoa_store::Store;
use stoa_testclient::{Client, ConnectError, ConnectOptions, Event};
use stoa_wire::StatisticsOperation;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What answers requests that are no sessions: nothing is there.
async fn not_found(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

struct OneApp(Arc<App>);

impl AppDirectory for OneApp {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        (*key == self.0.key).then(|| self.0.clone())
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        (*id == self.0.id).then(|| self.0.clone())
    }
}

/// A gateway on loopback, with the app `demo#stoa`.
struct Server {
    chat: Arc<Chat>,
    app: Arc<App>,
    url: String,
    entropy: SeededEntropy,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        let entropy = SeededEntropy::new(11);
        let random: &dyn Entropy = &entropy;
        let certificate = || Secret::new(AppId::from_bytes(random.bytes()).as_str());
        let app = Arc::new(App {
            number: AppNumber(1),
            id: AppId::from_bytes(random.bytes()),
            key: "demo#stoa".parse().unwrap(),
            uuid: Uuid::random(random),
            region: Region::Eu,
            created: SystemClock.now(),
            auth: AuthPolicy::Token,
            token_cap_s: 3600,
            chat: stoa_core::ChatSettings::default(),
            certificates: vec![certificate()],
            server_certificate: certificate(),
        });
        let (clock, seeded) = (Arc::new(SystemClock), Arc::new(SeededEntropy::new(12)));
        let store = Store::in_memory(clock.clone(), seeded.clone());
        let directory = Arc::new(OneApp(app.clone()));
        let chat = Arc::new(Chat::new(store, directory, clock, seeded, 1));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel();
        let shutdown = async move { drop(ended.await) };
        let http = tower::service_fn(not_found);
        let served = tokio::spawn(stoa_gateway::serve(
            listener,
            None,
            http,
            chat.clone(),
            NetLimits::default(),
            shutdown,
        ));
        Self { chat, app, url, entropy, end: Some(end), served }
    }

    async fn back_end(&self) -> Caller {
        let token = issue_token(&self.app, None, SystemClock.now(), 60, &self.entropy);
        self.chat.authenticate(&self.app.key, token.expose()).await.unwrap()
    }

    async fn register(&self, names: &[&str]) {
        let new = |name: &&str| NewUser {
            username: name.parse().unwrap(),
            password: None,
            nickname: None,
        };
        self.chat.register(&self.back_end().await, names.iter().map(new).collect()).await.unwrap();
    }

    async fn try_log_in(&self, user: &str, resource: &str) -> Result<Client, ConnectError> {
        let name: UserId = user.parse().unwrap();
        let token = issue_token(&self.app, Some(&name), SystemClock.now(), 600, &self.entropy);
        Client::connect(ConnectOptions {
            url: self.url.clone(),
            ca_pem: None,
            app_key: "demo#stoa".into(),
            user: user.into(),
            token: token.expose().into(),
            resource: resource.into(),
        })
        .await
    }

    async fn log_in(&self, user: &str, resource: &str) -> Client {
        self.try_log_in(user, resource).await.unwrap()
    }

    /// Ends the server and waits until it has.
    async fn end(mut self) {
        drop(self.end.take());
        self.served.await.unwrap().unwrap();
    }
}

/// The next `count` texts that a client receives.
async fn texts(client: &mut Client, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        match client.next_event().await {
            Event::Received(received) => texts.extend(received.text()),
            Event::Closed { code } => panic!("closed with {code:?} after {texts:?}"),
            _ => {}
        }
    }
    texts
}

#[tokio::test]
async fn both_sides_talk_and_nothing_breaks_the_sdk() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let mut amy = server.log_in("amy", "web").await;
    let mut phone = server.log_in("amy", "phone").await;
    let mut bob = server.log_in("bob", "web").await;
    for n in 0..20 {
        let (from, to) = if n % 2 == 0 { (&amy, "bob") } else { (&bob, "amy") };
        assert_eq!(from.send_text(to, &format!("{n}")).await.unwrap().code, 0);
    }
    let all =
        |keep: fn(&u32) -> bool| (0..20).filter(keep).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&mut bob, 10).await, all(|n| n % 2 == 0));
    assert_eq!(texts(&mut amy, 10).await, all(|n| n % 2 == 1));
    assert_eq!(texts(&mut phone, 20).await, all(|_| true));
    for client in [&amy, &phone, &bob] {
        assert!(client.violations().is_empty(), "{:?}", client.violations());
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_once_and_in_order() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let amy = server.log_in("amy", "web").await;
    let mut bob = server.log_in("bob", "web").await;
    amy.send_text("bob", "before").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["before"]);
    // All at once: the window fills, and the rest comes in pages.
    let burst = (0..200).map(|n| format!("burst {n}")).collect::<Vec<_>>();
    let sent = futures_util::future::join_all(burst.iter().map(|text| amy.send_text("bob", text)));
    assert!(sent.await.into_iter().all(|ack| ack.unwrap().code == 0));
    assert_eq!(texts(&mut bob, 200).await, burst);
    bob.reconnect().await.unwrap();
    amy.send_text("bob", "after").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["after"]);
    assert!(bob.violations().is_empty(), "{:?}", bob.violations());
}

#[tokio::test]
async fn the_same_device_again_ends_the_older_session() {
    let server = Server::start().await;
    server.register(&["amy"]).await;
    let mut first = server.log_in("amy", "web").await;
    let second = server.log_in("amy", "web").await;
    let kicked = loop {
        match first.next_event().await {
            Event::Kicked { operation, .. } => break operation,
            Event::Closed { .. } => panic!("closed without a word"),
            _ => {}
        }
    };
    assert_eq!(kicked, StatisticsOperation::UserLoginAnotherDevice);
    assert_eq!(first.next_event().await, Event::Closed { code: Some(1000) });
    assert_eq!(second.send_text("amy", "still here").await.unwrap().code, 0);
}

#[tokio::test]
async fn an_unknown_user_is_told_so_and_cut_off() {
    let server = Server::start().await;
    match server.try_log_in("nobody", "web").await.err() {
        Some(ConnectError::Refused { code: 1, reason }) => {
            assert_eq!(reason, "Sorry, user not found")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_end_of_the_server_closes_sessions_and_keeps_their_places() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let amy = server.log_in("amy", "web").await;
    let mut bob = server.log_in("bob", "web").await;
    amy.send_text("bob", "hello").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["hello"]);
    // Frames are handled in order: when this is answered, the acknowledgement before it is known.
    assert_eq!(bob.send_text("amy", "hi").await.unwrap().code, 0);
    let (chat, app, back_end) = (server.chat.clone(), server.app.clone(), server.back_end().await);
    let bobs = "bob".parse().unwrap();
    let token = issue_token(&app, Some(&bobs), SystemClock.now(), 60, &server.entropy);
    tokio::time::timeout(Duration::from_secs(30), server.end()).await.unwrap();
    assert_eq!(bob.next_event().await, Event::Closed { code: Some(1001) });
    assert!(!chat.is_online(&back_end, &"bob".parse().unwrap()));
    let caller = chat.authenticate(&app.key, token.expose()).await.unwrap();
    assert!(chat.unread(&caller, &"web".parse().unwrap()).await.unwrap().is_empty());
}
