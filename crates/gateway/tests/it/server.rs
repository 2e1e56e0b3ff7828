//! A gateway on loopback, with chat in memory.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use stoa_chat::{Chat, NewUser};
use stoa_classroom::Classroom;
use stoa_core::{
    App, AppNumber, AuthPolicy, Caller, Clock, Entropy, Operator, Region, SeededEntropy,
    SystemClock, UserId, issue_token,
};
use stoa_gateway::net::NetLimits;
use stoa_store::Store;
use stoa_testclient::{Client, ConnectError, ConnectOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What answers requests that are no sessions: nothing is there.
async fn not_found(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

/// A gateway on loopback, with the app `demo#stoa`.
pub(crate) struct Server {
    pub(crate) chat: Arc<Chat>,
    pub(crate) app: Arc<App>,
    url: String,
    pub(crate) entropy: SeededEntropy,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let entropy = SeededEntropy::new(11);
        let random: &dyn Entropy = &entropy;
        let (number, key) = (AppNumber(1), "demo#stoa".parse().unwrap());
        let (now, auth) = (SystemClock.now(), AuthPolicy::Token);
        let app = Arc::new(App::new(number, key, Region::Eu, now, auth, random));
        let (clock, seeded) = (Arc::new(SystemClock), Arc::new(SeededEntropy::new(12)));
        let store = Store::in_memory(clock.clone(), seeded.clone());
        let directory = Arc::new(app.clone());
        let chat = Chat::new(store.clone(), directory.clone(), clock.clone(), seeded.clone(), 1);
        let (chat, operator) = (Arc::new(chat), Operator::of_this_process());
        let classroom = Classroom::new(store, chat.clone(), directory, clock, seeded, operator);
        let classroom = Arc::new(classroom);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel();
        let shutdown = async move { drop(ended.await) };
        let http = tower::service_fn(not_found);
        let served = tokio::spawn(stoa_gateway::serve(
            listener,
            None,
            http,
            classroom,
            NetLimits::default(),
            shutdown,
        ));
        Self { chat, app, url, entropy, end: Some(end), served }
    }

    pub(crate) async fn back_end(&self) -> Caller {
        let token = issue_token(&self.app, None, SystemClock.now(), 60, &self.entropy);
        self.chat.authenticate(&self.app.key, token.expose()).await.unwrap()
    }

    pub(crate) async fn register(&self, names: &[&str]) {
        let new = |name: &&str| NewUser {
            username: name.parse().unwrap(),
            password: None,
            nickname: None,
        };
        self.chat.register(&self.back_end().await, names.iter().map(new).collect()).await.unwrap();
    }

    pub(crate) async fn try_log_in(
        &self,
        user: &str,
        resource: &str,
    ) -> Result<Client, ConnectError> {
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

    pub(crate) async fn log_in(&self, user: &str, resource: &str) -> Client {
        self.try_log_in(user, resource).await.unwrap()
    }

    /// Ends the server and waits until it has.
    pub(crate) async fn end(mut self) {
        drop(self.end.take());
        self.served.await.unwrap().unwrap();
    }
}
