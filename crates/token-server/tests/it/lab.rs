//! A token server in memory, and what was told to its observer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_chat::Chat;
use stoa_console::{Console, Fingerprint, NewApp, TokenClient};
use stoa_core::{
    AppDirectory, AppKey, AuthPolicy, ManualClock, Operator, Region, SeededEntropy, Timestamp,
};
use stoa_store::Store;
use stoa_token_server::{LastMinted, Observer, Parts, Reason, router};
use tower::ServiceExt;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The client with a certificate, of [`APP`].
pub(crate) const SHOP: Fingerprint = Fingerprint([1; 32]);
/// Another one, of [`OTHER`].
pub(crate) const DESK: Fingerprint = Fingerprint([2; 32]);
pub(crate) const APP: &str = "acme#support";
pub(crate) const OTHER: &str = "acme#other";

/// What a listener says of a connection.
#[derive(Clone)]
struct From(IpAddr, Option<Fingerprint>);

/// What was told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<String>>);

impl Observer for Told {
    fn minted(&self, client: &TokenClient, created: bool) {
        self.0.lock().push(format!("minted {} {created}", client.name.as_str()));
    }

    fn deleted(&self, client: &TokenClient) {
        self.0.lock().push(format!("deleted {}", client.name.as_str()));
    }

    fn refused(&self, reason: Reason, client: Option<&TokenClient>, place: Option<IpAddr>) {
        let client = client.map_or("-", |client| client.name.as_str());
        let place = place.map_or_else(|| "-".into(), |place| place.to_string());
        self.0.lock().push(format!("refused {} {client} {place}", reason.code()));
    }
}

pub(crate) struct Lab {
    pub(crate) chat: Arc<Chat>,
    pub(crate) console: Arc<Console>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) told: Arc<Told>,
    pub(crate) last_minted: Arc<LastMinted>,
    router: Router,
}

/// An answer: its status, its body, and after how long to come again.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<String>,
}

impl Said {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        assert!(self.body["error"]["message"].as_str().unwrap().len() > 10, "{}", self.body);
        self.body["error"]["code"].as_str().unwrap()
    }

    pub(crate) fn text(&self, field: &str) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body[field].as_str().unwrap().to_owned()
    }
}

impl Lab {
    /// A token server that listens on loopback.
    pub(crate) async fn new() -> Self {
        Self::listening("127.0.0.1").await
    }

    pub(crate) async fn listening(address: &str) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let entropy = Arc::new(SeededEntropy::new(3));
        let store = Store::in_memory(clock.clone(), entropy.clone());
        let operator = Operator::of_this_process();
        let console =
            Console::open(&store, &operator, Region::Eu, clock.clone(), entropy.clone()).await;
        let console = Arc::new(console.unwrap());
        let until = NOW.plus(std::time::Duration::from_secs(86_400));
        for (app, print, name) in [(APP, SHOP, "shop"), (OTHER, DESK, "desk")] {
            let key: AppKey = app.parse().unwrap();
            let auth = AuthPolicy::Token;
            let new = NewApp { key: key.clone(), region: Region::Eu, auth };
            console.create_app(new).await.unwrap();
            let name = name.parse().unwrap();
            console.add_certificate_client(&key, name, print, until, vec![]).await.unwrap();
        }
        let chat = Arc::new(Chat::new(store, console.clone(), clock.clone(), entropy, 1));
        let (told, last_minted) = (Arc::new(Told::default()), Arc::new(LastMinted::default()));
        let router = router(Parts {
            chat: chat.clone(),
            console: console.clone(),
            operator,
            observer: told.clone(),
            last_minted: last_minted.clone(),
            listen: address.parse().unwrap(),
            address: |extensions| extensions.get::<From>().map(|from| from.0),
            certificate: |extensions| extensions.get::<From>().and_then(|from| from.1),
        });
        Self { chat, console, clock, told, last_minted, router }
    }

    pub(crate) fn app(&self, key: &str) -> Arc<stoa_core::App> {
        self.console.by_key(&key.parse().unwrap()).unwrap()
    }

    /// A call from the place `from`, over a connection with that certificate.
    pub(crate) async fn call(
        &self,
        from: &str,
        certificate: Option<Fingerprint>,
        request: http::request::Builder,
        body: impl Into<Body>,
    ) -> Said {
        let from = From(from.parse().unwrap(), certificate);
        let request = request.extension(from).body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let header = |name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("content-type").as_deref(), Some("application/json"));
        let retry_after = header("retry-after");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Said { status, body: serde_json::from_slice(&body).unwrap(), retry_after }
    }

    /// A call of the client with that certificate.
    pub(crate) async fn post(&self, certificate: Fingerprint, path: &str, body: &str) -> Said {
        let request = Request::post(path);
        self.call("192.0.2.1", Some(certificate), request, body.to_owned()).await
    }

    /// A call with a key.
    pub(crate) async fn with_key(&self, from: &str, key: &str) -> Said {
        let request = Request::post("/v1/tokens").header("authorization", format!("Bearer {key}"));
        self.call(from, None, request, r#"{"user":"anna"}"#).await
    }

    pub(crate) fn last_told(&self) -> String {
        self.told.0.lock().last().cloned().unwrap_or_default()
    }
}
