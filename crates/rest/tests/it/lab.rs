//! A server in memory with two apps, a clock that stands still, and tokens for whoever is needed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::RwLock;
use serde_json::Value;
use stoa_audit::AuditLog;
use stoa_blob::Blobs;
use stoa_bus::Subscriber;
use stoa_chat::entry::{Event, Kind};
use stoa_chat::{Appended, Attachment, Chat, DeviceInfo, Draft};
use stoa_classroom::Classroom;
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Caller, Certificate, Clock, Countries,
    Country, Elsewhere, Entropy, ManualClock, Operator, PlaceSettings, PublicHosts, Region,
    Resource, SeededEntropy, ServerCertificate, Timestamp, Uuid, issue_token,
    issue_token_at_the_door,
};
use stoa_rest::{Host, Hosts, Protocol, RestState, router};
use stoa_store::engine::{Engine, Memory};
use stoa_store::{Store, classes};
use stoa_token::Builder007;
use stoa_vault::{KeyClass, Vault};
use tempfile::TempDir;
use tower::ServiceExt;

/// When the lab's time begins: a moment in 2027.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The app key of the lab's app, as it stands in paths.
pub(crate) const APP: &str = "/demo/stoa";

/// Addresses of which it is known where they are: 1.… in Germany, 2.… in the United States.
struct Places;

impl Countries for Places {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let IpAddr::V4(address) = address else { return None };
        match address.octets()[0] {
            1 => "DE".parse().ok(),
            2 => "US".parse().ok(),
            _ => None,
        }
    }

    fn generation(&self) -> u64 {
        0
    }
}

struct Apps(RwLock<Vec<Arc<App>>>);

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        self.0.read().iter().find(|app| app.key == *key).cloned()
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        self.0.read().iter().find(|app| app.id == *id).cloned()
    }

    fn elsewhere_by_key(&self, key: &AppKey) -> Option<Elsewhere> {
        elsewhere().into_iter().find(|app| app.key == *key)
    }

    fn elsewhere_by_id(&self, id: &AppId) -> Option<Elsewhere> {
        elsewhere().into_iter().find(|app| app.id == *id)
    }
}

/// Two apps that live in other data centres; how the second one is reached is not known.
fn elsewhere() -> [Elsewhere; 2] {
    let app = |byte, key: &str, region, hosts| Elsewhere {
        key: key.parse().unwrap(),
        id: AppId::from_bytes([byte; 16]),
        region,
        hosts,
    };
    let address = |text: &str| text.parse().unwrap();
    let (rest, ws) = (address("chat.na.example.org"), address("im.na.example.org:8443"));
    let hosts = PublicHosts { rest, ws };
    [app(0xA1, "far#away", Region::Na, Some(hosts)), app(0xA2, "far#unnamed", Region::Cn, None)]
}

/// The client's address in a request's extensions, as the lab's listener puts it there.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// In a request's extensions when it came through TLS.
#[derive(Clone, Copy)]
struct Encrypted;

pub(crate) struct Lab {
    pub(crate) router: Router,
    pub(crate) chat: Arc<Chat>,
    pub(crate) classroom: Arc<Classroom>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: Arc<App>,
    /// Another app of the same server.
    pub(crate) other: Arc<App>,
    apps: Arc<Apps>,
    of_rotations: SeededEntropy,
    /// Where files lie.
    pub(crate) files: TempDir,
}

fn app(number: u32, key: &str, auth: AuthPolicy, entropy: &dyn Entropy) -> Arc<App> {
    let byte = u8::try_from(number).unwrap();
    let (number, key) = (AppNumber(number), key.parse().unwrap());
    let app = App::new(number, key, Region::Eu, START, auth, entropy);
    // Two certificates, and names that are the same in every run.
    let second = Certificate::random(entropy, START);
    let certificates = vec![app.certificates[0].clone(), second];
    let (id, uuid) = (AppId::from_bytes([byte; 16]), Uuid::from_bytes([byte; 16]));
    Arc::new(App { id, uuid, certificates, ..app })
}

impl Lab {
    /// A lab whose app lets users in by password.
    pub(crate) fn new() -> Self {
        Self::with(AuthPolicy::TokenOrPassword)
    }

    /// A lab with another policy of the app.
    pub(crate) fn with(auth: AuthPolicy) -> Self {
        Self::over(Arc::new(Memory::new()), auth)
    }

    /// A lab whose records are in `engine`.
    pub(crate) fn over(engine: Arc<dyn Engine>, auth: AuthPolicy) -> Self {
        Self::of(engine, auth, |app| app)
    }

    /// A lab whose app is as `change` makes it.
    pub(crate) fn changed(auth: AuthPolicy, change: impl FnOnce(App) -> App) -> Self {
        Self::of(Arc::new(Memory::new()), auth, change)
    }

    /// A lab whose app has a geofence, and whose server knows no place: everybody is outside. The other app
    /// has none.
    pub(crate) fn fenced() -> Self {
        let place = PlaceSettings { geofence: true, ..PlaceSettings::default() };
        Self::changed(AuthPolicy::Open, |app| App { place, ..app })
    }

    fn of(engine: Arc<dyn Engine>, auth: AuthPolicy, change: impl FnOnce(App) -> App) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let app_of = |number, key| app(number, key, auth, &*entropy);
        let (app, other) = (app_of(1, "demo#stoa"), app_of(2, "demo#other"));
        let app = Arc::new(change((*app).clone()));
        let directory = Arc::new(Apps(RwLock::new(vec![app.clone(), other.clone()])));
        // Of its own: what is written beside a call changes no id.
        let of_keys = Arc::new(SeededEntropy::new(8));
        let vault = Arc::new(Vault::in_memory(clock.clone(), of_keys));
        let store = Store::open(engine, vault.clone());
        let files = tempfile::tempdir().unwrap();
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(files.path(), vault, class).unwrap();
        let audit = Arc::new(AuditLog::new(store.clone(), clock.clone()));
        let chat = Chat::new(store.clone(), directory.clone(), clock.clone(), entropy.clone(), 1);
        let chat = chat.with_files(blobs).with_audit(audit.clone());
        let chat = Arc::new(chat.with_countries(Arc::new(Places)));
        let classroom = Arc::new(Classroom::new(
            store,
            chat.clone(),
            directory.clone(),
            clock.clone(),
            entropy,
            Operator::of_this_process(),
        ));
        let host =
            |domain: &str| Host { protocol: Protocol::Https, domain: domain.into(), port: 443 };
        let router = router(RestState {
            chat: chat.clone(),
            classroom: classroom.clone(),
            region: Region::Eu,
            audit: audit.clone(),
            directory: directory.clone(),
            hosts: Hosts {
                rest: vec![host("chat.example.org")],
                ws: vec![Host { port: 8443, ..host("im.example.org") }],
            },
            client_address: |extensions| extensions.get::<Peer>().map(|peer| peer.0),
            encrypted: |extensions| extensions.get::<Encrypted>().is_some(),
        });
        // Of its own, as that of the keys.
        let of_rotations = SeededEntropy::new(10);
        Self {
            router,
            chat,
            classroom,
            audit,
            clock,
            app,
            other,
            apps: directory,
            of_rotations,
            files,
        }
    }

    /// The owner of the lab's app decides about place.
    pub(crate) fn decide(&self, place: PlaceSettings) {
        let known = self.apps.by_key(&self.app.key).unwrap();
        let app = Arc::new(App { place, ..App::clone(&known) });
        for known in self.apps.0.write().iter_mut().filter(|known| known.key == app.key) {
            *known = app.clone();
        }
        self.chat.app_changed(&app, None);
        self.classroom.app_changed(&app, None);
    }

    /// Gives an app another server certificate, whose former one is good for so long; none: not at all. Sessions
    /// are told, as by the console.
    pub(crate) fn rotate_server_certificate(&self, app: &App, overlap: Option<Duration>) {
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

    /// Tokens of `user` for an hour as the server issues them for `app` as it is by now: on behalf of the back end,
    /// and at the door.
    pub(crate) fn issued(&self, app: &App, user: &str) -> [String; 2] {
        let (app, user) = (self.apps.by_key(&app.key).unwrap(), user.parse().unwrap());
        let (now, entropy) = (self.clock.now(), SeededEntropy::new(9));
        [
            issue_token(&app, Some(&user), now, 3600, &entropy),
            issue_token_at_the_door(&app, Some(&user), now, 3600, &entropy),
        ]
        .map(|token| token.expose().to_owned())
    }

    fn token(app: &App, user: Option<&str>, certificate: &str, issued: Timestamp) -> String {
        let issued = u32::try_from(issued.as_secs()).unwrap();
        let token = Builder007::new(app.id.as_str(), certificate, issued, 3600, 5);
        let token = match user {
            Some(user) => token.chat_user(user),
            None => token.chat_app(),
        };
        token.build().unwrap()
    }

    /// A token for `app`: a user's, or the back end's.
    pub(crate) fn token_of(&self, app: &App, user: Option<&str>) -> String {
        Self::token(app, user, app.certificates[0].expose(), self.clock.now())
    }

    /// An app token, made with the primary certificate.
    pub(crate) fn app_token(&self) -> String {
        Self::token(&self.app, None, self.app.certificates[0].expose(), self.clock.now())
    }

    /// A user token, made with the secondary certificate.
    pub(crate) fn user_token(&self, user: &str) -> String {
        Self::token(&self.app, Some(user), self.app.certificates[1].expose(), self.clock.now())
    }

    /// An app token for the other app.
    pub(crate) fn foreign_token(&self) -> String {
        Self::token(&self.other, None, self.other.certificates[0].expose(), self.clock.now())
    }

    /// An app token signed with no certificate of the app.
    pub(crate) fn forged_token(&self) -> String {
        Self::token(&self.app, None, self.other.certificates[0].expose(), self.clock.now())
    }

    /// Calls as the app's back end.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call(Call::new(method, path).token(&self.app_token()).json(body)).await
    }

    /// Calls as `user`.
    pub(crate) async fn as_user(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        self.call(Call::new(method, path).token(&self.user_token(user)).json(body)).await
    }

    /// Makes a call.
    pub(crate) async fn call(&self, call: Call) -> Answer {
        let response = self.router.clone().oneshot(call.0).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, bytes: bytes.to_vec(), body }
    }

    /// Registers users with the password `secret-{name}`.
    pub(crate) async fn users(&self, names: &[&str]) {
        for name in names {
            let body =
                serde_json::json!({ "username": name, "password": format!("secret-{name}") });
            let answer = self.admin(Method::POST, "/users", body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// The caller that an app token admits.
    pub(crate) async fn caller_of_app(&self) -> Caller {
        self.chat.authenticate(&self.app.key, &self.app_token()).await.unwrap()
    }

    /// The caller that `user`'s token admits.
    pub(crate) async fn caller(&self, user: &str) -> Caller {
        self.chat.authenticate(&self.app.key, &self.user_token(user)).await.unwrap()
    }

    /// Brings `user` online on the device `resource`.
    pub(crate) async fn online(&self, user: &str, resource: &str) -> Attachment {
        let device = DeviceInfo {
            resource: resource.parse().unwrap(),
            uuid: format!("uuid-of-{resource}"),
            name: "webim".into(),
            platform: 16,
        };
        self.chat.attach(&self.caller(user).await, device, "", Arc::new(Deaf), None).unwrap()
    }

    /// Sends a message whose body is `body`, as it would come from `from`'s device `web`.
    pub(crate) async fn say(&self, from: &str, to: &str, kind: Kind, body: &str) -> Appended {
        let resource: Resource = "web".parse().unwrap();
        let caller = self.caller(from).await;
        let (done, outcome) = tokio::sync::oneshot::channel();
        let draft = Draft {
            to: stoa_core::Target::User(to.parse().unwrap()),
            only_resource: None,
            only_users: Vec::new(),
            kind,
            body: body.to_owned().into(),
            ext: bytes::Bytes::new(),
            content_bytes: body.len(),
            // The same text twice is the same message, here.
            client_id: body.bytes().fold(7, |id, byte| id * 131 % 1_000_000_007 + u64::from(byte)),
            online_only: false,
            receipts: false,
            priority: stoa_chat::entry::Priority::Normal,
        };
        let done = Box::new(move |appended| drop(done.send(appended)));
        self.chat.send(&caller, &resource, draft, done).await;
        outcome.await.unwrap().unwrap()
    }
}

/// Hears nothing of what is told to it.
pub(crate) struct Deaf;

impl Subscriber<Event> for Deaf {
    fn deliver(&self, _: &Arc<Event>) {}
}

/// A request in the making.
pub(crate) struct Call(pub(crate) Request<Body>);

impl Call {
    /// A call of a path below the app, or of a whole path that begins with `//`.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let path = match path.strip_prefix('/') {
            Some(whole) if whole.starts_with('/') => whole.to_owned(),
            _ => format!("{APP}{path}"),
        };
        Self(Request::builder().method(method).uri(path).body(Body::empty()).unwrap())
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.0.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    /// With a bearer token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With a JSON body; none if it is null.
    pub(crate) fn json(self, body: Value) -> Self {
        if body.is_null() { self } else { self.text(body.to_string()) }
    }

    /// With any bytes as a body that is said to be JSON.
    pub(crate) fn text(self, body: impl AsRef<[u8]>) -> Self {
        let mut call = self.header("content-type", "application/json");
        *call.0.body_mut() = Body::from(body.as_ref().to_vec());
        call
    }

    /// With a form as the body, as it stands in [`Form`](crate::form::Form).
    pub(crate) fn form(self, form: &crate::form::Form) -> Self {
        let mut call = self.header("content-type", &form.content_type());
        *call.0.body_mut() = Body::from(form.bytes());
        call
    }

    /// Through TLS, to the server of that name.
    pub(crate) fn encrypted(mut self, host: &str) -> Self {
        self.0.extensions_mut().insert(Encrypted);
        self.header("host", host)
    }

    /// From an address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.0.extensions_mut().insert(Peer(address.parse().unwrap()));
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Answer {
    /// A header's text; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error envelope's `error` and text.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> (&str, &str) {
        assert_eq!(self.status, status, "{}", self.body);
        let text = |field: &str| self.body[field].as_str().unwrap();
        assert!(!text("exception").is_empty());
        assert!(self.body["timestamp"].is_u64() && self.body["duration"].is_u64());
        (text("error"), text("error_description"))
    }

    /// The success envelope's body.
    #[track_caller]
    pub(crate) fn done(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body
    }
}
