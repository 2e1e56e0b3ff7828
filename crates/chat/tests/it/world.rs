//! A chat service in memory with two apps, and people in them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_audit::AuditLog;
use stoa_blob::Blobs;
use stoa_chat::entry::{Entry, Event, Kind, Queue, Which};
use stoa_chat::{Appended, Chat, DeviceInfo, Draft, Error, Grant, LoginRequest, Page, Subscriber};
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Caller, Clock, Countries, Entropy,
    ManualClock, Region, Resource, Secret, SeededEntropy, Seq, Target, Timestamp, UserId,
    issue_token,
};
use stoa_store::engine::{Direction, Engine, Faults, Memory, Span};
use stoa_store::{Store, classes};
use stoa_vault::{KeyClass, Vault};
use tokio::sync::oneshot;

/// The apps of the tests.
pub(crate) struct Apps(Mutex<HashMap<AppKey, Arc<App>>>);

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        self.0.lock().get(key).cloned()
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        self.0.lock().values().find(|app| app.id == *id).cloned()
    }
}

/// Everything that a test needs.
pub(crate) struct World {
    pub(crate) chat: Arc<Chat>,
    pub(crate) store: Store,
    engine: Arc<Memory>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) vault: Arc<Vault>,
    apps: Arc<Apps>,
}

/// The app that most tests are about: takes passwords too.
pub(crate) const APP: &str = "demo#stoa";
/// Another app, with tokens only.
pub(crate) const OTHER: &str = "demo#other";
/// An app in which only contacts may write to each other, on the plan `free`.
pub(crate) const FRIENDS: &str = "demo#friends";

fn friends_only((key, app): (AppKey, Arc<App>)) -> (AppKey, Arc<App>) {
    let mut app = (*app).clone();
    app.chat.friends_only = true;
    app.chat.plan = "free".parse().unwrap();
    (key, Arc::new(app))
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let random: &dyn Entropy = &*entropy;
        let app = |number: u32, key: &str, auth: AuthPolicy| {
            let (number, key) = (AppNumber(number), key.parse().unwrap());
            let app = Arc::new(App::new(number, key, Region::Eu, clock.now(), auth, random));
            (app.key.clone(), app)
        };
        let apps = [
            app(1, APP, AuthPolicy::TokenOrPassword),
            app(2, OTHER, AuthPolicy::Token),
            app(3, "demo#open", AuthPolicy::Open),
            friends_only(app(4, FRIENDS, AuthPolicy::Token)),
        ];
        let apps = Arc::new(Apps(Mutex::new(apps.into_iter().collect())));
        let engine = Arc::new(Memory::new());
        let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
        let store = Store::open(engine.clone(), vault.clone());
        let chat = Self::service(&store, &apps, &clock, &entropy, 1);
        Self { chat, store, engine, clock, entropy, vault, apps }
    }

    /// A world whose service keeps files in `dir`.
    pub(crate) fn with_files(dir: &std::path::Path) -> Self {
        let mut world = Self::new();
        world.open_files(dir);
        world
    }

    /// A service over the same store that keeps files in `dir`, as after a restart.
    pub(crate) fn open_files(&mut self, dir: &std::path::Path) {
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(dir, self.vault.clone(), class).unwrap();
        let (apps, clock, entropy) = (self.apps.clone(), self.clock.clone(), self.entropy.clone());
        let chat = Chat::new(self.store.clone(), apps, clock, entropy, 3);
        self.chat = Arc::new(chat.with_files(blobs));
    }

    /// The caller who is `user` of the app `key`.
    pub(crate) async fn user(&self, key: &str, user: &str) -> Caller {
        let token = self.token(key, Some(user));
        self.chat.authenticate(&key.parse().unwrap(), token.expose()).await.unwrap()
    }

    fn service(
        store: &Store,
        apps: &Arc<Apps>,
        clock: &Arc<ManualClock>,
        entropy: &Arc<SeededEntropy>,
        life: u64,
    ) -> Arc<Chat> {
        let chat = Chat::new(store.clone(), apps.clone(), clock.clone(), entropy.clone(), life);
        Arc::new(chat)
    }

    /// The same under a service with an audit log, which knows where addresses are.
    pub(crate) fn knows(&mut self, countries: Arc<dyn Countries>, audit: Arc<AuditLog>) {
        let (apps, clock, entropy) = (self.apps.clone(), self.clock.clone(), self.entropy.clone());
        let chat = Chat::new(self.store.clone(), apps, clock, entropy, 4);
        self.chat = Arc::new(chat.with_audit(audit).with_countries(countries));
    }

    /// The same store under a new service, as after a restart.
    pub(crate) fn restarted(&mut self) {
        self.chat = Self::service(&self.store, &self.apps, &self.clock, &self.entropy, 2);
    }

    /// A further service over the same store, as it would be after a restart.
    pub(crate) fn chat_again(&self) -> Arc<Chat> {
        Self::service(&self.store, &self.apps, &self.clock, &self.entropy, 5)
    }

    /// A further service over the same store, which tells the audit log what it refuses.
    pub(crate) fn chat_with_audit(&self, audit: Arc<AuditLog>) -> Chat {
        let (apps, clock, entropy) = (self.apps.clone(), self.clock.clone(), self.entropy.clone());
        Chat::new(self.store.clone(), apps, clock, entropy, 6).with_audit(audit)
    }

    /// As [`Self::restarted_over`], with files in `dir`.
    pub(crate) fn restarted_over_files(&mut self, faults: Faults, dir: &std::path::Path) {
        let engine = faults.over(self.engine.clone(), self.entropy.clone());
        let store = Store::open(engine, self.vault.clone());
        let blobs = Blobs::local(dir, self.vault.clone(), KeyClass(classes::ATTACHMENT.number));
        let (apps, clock, entropy) = (self.apps.clone(), self.clock.clone(), self.entropy.clone());
        self.chat = Arc::new(Chat::new(store, apps, clock, entropy, 4).with_files(blobs.unwrap()));
    }

    /// These rows in the place of all that is stored, with the same vault, and files in `dir`.
    pub(crate) async fn with_rows(&self, rows: Vec<(Bytes, Bytes)>, dir: &std::path::Path) -> Self {
        let engine = Arc::new(Memory::new());
        let mut txn = engine.begin().await.unwrap();
        rows.into_iter().for_each(|(key, value)| txn.put(key.to_vec(), value.to_vec()));
        txn.commit().await.unwrap();
        let store = Store::open(engine.clone(), self.vault.clone());
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        let (vault, apps) = (self.vault.clone(), self.apps.clone());
        let mut world =
            Self { chat: self.chat.clone(), store, engine, clock, entropy, vault, apps };
        world.open_files(dir);
        world
    }

    /// The same store under a new service, whose commits fail as `faults` say.
    pub(crate) fn restarted_over(&mut self, faults: Faults) {
        let engine = faults.over(self.engine.clone(), self.entropy.clone());
        let store = Store::open(engine, self.vault.clone());
        self.chat = Self::service(&store, &self.apps, &self.clock, &self.entropy, 4);
    }

    /// Every stored row, sealed as it lies there: two that are the same mean that nothing was written.
    pub(crate) async fn everything(&self) -> Vec<(Bytes, Bytes)> {
        let view = self.engine.snapshot().await.unwrap();
        view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap()
    }

    /// Takes away the rows of these spaces, as if an earlier release had written what is stored.
    pub(crate) async fn forget_rows(&self, spaces: &[u8]) {
        let mut txn = self.engine.begin().await.unwrap();
        for (key, _) in self.everything().await {
            if spaces.contains(&key[0]) {
                txn.delete(key.to_vec());
            }
        }
        txn.commit().await.unwrap();
    }

    /// A caller of the app `key`: `user`, or its back end.
    pub(crate) async fn caller(&self, key: &str, user: Option<&str>) -> Caller {
        let token = self.token(key, user);
        self.chat.authenticate(&key.parse().unwrap(), token.expose()).await.unwrap()
    }

    pub(crate) fn app(&self, key: &str) -> Arc<App> {
        self.apps.by_key(&key.parse().unwrap()).unwrap()
    }

    /// Puts an app in the place of what it was, as its owner does.
    pub(crate) fn set_app(&self, app: &Arc<App>) {
        self.apps.0.lock().insert(app.key.clone(), app.clone());
        self.chat.app_changed(app, None);
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn now_s(&self) -> u64 {
        self.clock.now().as_secs()
    }

    /// A token that `user` gets for a password, which is set first.
    pub(crate) async fn password_token(&self, user: &str, password: &str) -> Secret {
        let (back_end, name) = (self.back_end(APP).await, user.parse().unwrap());
        self.chat.set_password(&back_end, &name, &Secret::new(password)).await.unwrap();
        let grant = Grant::Password { username: user.to_owned(), password: Secret::new(password) };
        let visitor = self.chat.visitor(&APP.parse().unwrap()).unwrap();
        self.chat.grant(&visitor, grant, None).await.unwrap().token
    }

    /// A token of the app `key` for `user`, or for its back end.
    pub(crate) fn token(&self, key: &str, user: Option<&str>) -> Secret {
        let user = user.map(|user| user.parse::<UserId>().unwrap());
        issue_token(&self.app(key), user.as_ref(), self.clock.now(), 3600, &*self.entropy)
    }

    /// The back end of the app `key`.
    pub(crate) async fn back_end(&self, key: &str) -> Caller {
        let token = self.token(key, None);
        self.chat.authenticate(&key.parse().unwrap(), token.expose()).await.unwrap()
    }

    /// Registers users of the app `key`.
    pub(crate) async fn register(&self, key: &str, names: &[&str]) {
        let new = |name: &&str| stoa_chat::NewUser {
            username: name.parse().unwrap(),
            password: None,
            nickname: None,
        };
        let registered =
            self.chat.register(&self.back_end(key).await, names.iter().map(new).collect()).await;
        assert!(registered.unwrap().taken.is_empty());
    }

    /// Logs `user` of the app `key` in on the device `resource`.
    pub(crate) async fn log_in(&self, key: &str, user: &str, resource: &str) -> Device {
        self.log_in_with(key, user, resource, &self.token(key, Some(user))).await
    }

    /// What a device presents that logs in.
    pub(crate) fn login_request(
        &self,
        key: &str,
        user: &str,
        resource: &str,
        token: &Secret,
    ) -> LoginRequest {
        let device = DeviceInfo {
            resource: resource.parse().unwrap(),
            uuid: String::new(),
            name: String::new(),
            platform: 16,
        };
        let (app, user) = (key.parse().unwrap(), user.into());
        LoginRequest { app, user, token: token.clone(), device, address: None }
    }

    /// Logs `user` of the app `key` in on the device `resource` with this token.
    pub(crate) async fn log_in_with(
        &self,
        key: &str,
        user: &str,
        resource: &str,
        token: &Secret,
    ) -> Device {
        let request = self.login_request(key, user, resource, token);
        self.log_in_as(request).await.unwrap()
    }

    /// Lets a device in that presents this, as a session does.
    pub(crate) async fn log_in_as(&self, request: LoginRequest) -> Result<Device, Error> {
        let logged_in = self.chat.log_in(&request).await?;
        let caller = logged_in.caller.clone();
        let inbox = Arc::new(Inbox::default());
        let device = request.device.clone();
        let address = request.address;
        let attachment = self.chat.attach(&caller, device, "", inbox.clone(), address).unwrap();
        self.chat.is_still_admitted(&request, &logged_in).await?;
        let resource = request.device.resource;
        Ok(Device { chat: self.chat.clone(), caller, resource, inbox, attachment })
    }
}

/// Collects what is pushed to a device.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<Vec<Arc<Event>>>, AtomicU64);

impl Inbox {
    /// What came since the last call.
    pub(crate) fn take(&self) -> Vec<Arc<Event>> {
        std::mem::take(&mut *self.0.lock())
    }

    /// How often it was told that something may not have come.
    pub(crate) fn missed(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
}

impl Subscriber<Event> for Inbox {
    fn deliver(&self, event: &Arc<Event>) {
        self.0.lock().push(event.clone());
    }

    fn missed(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// A device that is logged in.
pub(crate) struct Device {
    pub(crate) chat: Arc<Chat>,
    pub(crate) caller: Caller,
    pub(crate) resource: Resource,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) attachment: stoa_chat::Attachment,
}

pub(crate) fn draft(to: &str, text: &str, client_id: u64) -> Draft {
    Draft {
        to: Target::User(to.parse().unwrap()),
        only_resource: None,
        only_users: Vec::new(),
        kind: Kind::Text,
        body: Bytes::copy_from_slice(text.as_bytes()),
        ext: Bytes::new(),
        content_bytes: text.len(),
        client_id,
        online_only: false,
        receipts: false,
        priority: stoa_chat::entry::Priority::Normal,
    }
}

/// The queue of that name; digits alone are a group.
pub(crate) fn queue(name: &str) -> Queue {
    Queue::from_name(name, name.bytes().all(|byte| byte.is_ascii_digit())).unwrap()
}

impl Device {
    /// Sends and waits for the outcome.
    pub(crate) async fn send_draft(&self, draft: Draft) -> Result<Appended, Error> {
        let (done, outcome) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.chat.send(&self.caller, &self.resource, draft, done).await;
        outcome.await.unwrap()
    }

    pub(crate) async fn send(&self, to: &str, text: &str) -> Appended {
        // As with the SDK, a number is not used again by the next session of a device.
        static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.send_draft(draft(to, text, id)).await.unwrap()
    }

    pub(crate) async fn acknowledge(&self, receipt: stoa_chat::Receipt) -> Result<Appended, Error> {
        let (done, outcome) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.chat.acknowledge(&self.caller, &self.resource, receipt, done).await;
        outcome.await.unwrap()
    }

    /// The names of the unread queues, sorted.
    pub(crate) async fn unread(&self) -> Vec<String> {
        let unread = self.chat.unread(&self.caller, &self.resource).await.unwrap();
        let mut names: Vec<_> = unread.into_iter().map(|u| u.queue.name().to_owned()).collect();
        names.sort();
        names
    }

    pub(crate) async fn page(&self, name: &str, after: Option<u64>) -> Page {
        let after = after.map(Seq);
        self.chat.page(&self.caller, &self.resource, &queue(name), after).await.unwrap()
    }

    /// The texts in the queue behind the device's place; the place moves to their end.
    pub(crate) async fn receive(&self, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(name, after).await;
            texts.extend(page.entries.iter().map(|(_, entry)| text(&entry.body)));
            after = Some(page.end.0);
            if !page.more {
                let moved = [(queue(name), page.end)];
                self.chat.save_cursors(&self.caller, &self.resource, &moved).await.unwrap();
                return texts;
            }
        }
    }

    /// The entries that were pushed to the device since the last call and concern it.
    pub(crate) fn pushed_entries(&self) -> Vec<Arc<Entry>> {
        let me = self.caller.user().unwrap();
        let events = self.inbox.take();
        let entries = events.iter().flat_map(|event| match &**event {
            Event::Appended(delivery) | Event::Passing(delivery) => {
                std::slice::from_ref(&delivery.entry)
            }
            Event::Room(page) => &page.entries,
            Event::Kick(_) | Event::LivesUntil { .. } => &[],
        });
        entries.filter(|entry| entry.concerns(me, &self.resource)).cloned().collect()
    }

    /// Until when the session was told that it lives, in Unix seconds, since the last call.
    pub(crate) fn lives_until(&self) -> Vec<u64> {
        let events = self.inbox.take();
        let ends = events.iter().filter_map(|event| match &**event {
            Event::LivesUntil { session, until } if *session == self.attachment.number() => {
                Some(until.as_secs())
            }
            _ => None,
        });
        ends.collect()
    }

    /// The texts that were pushed to the device since the last call and concern it.
    pub(crate) fn pushed(&self) -> Vec<String> {
        let me = self.caller.user().unwrap();
        let events = self.inbox.take();
        let concerns = |entry: &&Arc<Entry>| entry.concerns(me, &self.resource);
        let words = |entry: &Arc<Entry>| text(&entry.body);
        let texts = events.iter().flat_map(|event| -> Vec<String> {
            match &**event {
                Event::Appended(delivery) | Event::Passing(delivery) => {
                    std::iter::once(&delivery.entry).filter(concerns).map(words).collect()
                }
                Event::Room(page) => page.entries.iter().filter(concerns).map(words).collect(),
                Event::Kick(kick) => {
                    let meant = match &kick.which {
                        Which::All => true,
                        Which::Device(device) => *device == self.resource,
                        Which::Session(number) => *number == self.attachment.number(),
                    };
                    meant.then(|| format!("kick {:?}", kick.reason)).into_iter().collect()
                }
                Event::LivesUntil { session, .. } => {
                    let meant = *session == self.attachment.number();
                    meant.then(|| "renewed".to_owned()).into_iter().collect()
                }
            }
        });
        texts.collect()
    }
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}
