//! A server's class rooms on a store in memory, and those who use them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_chat::Chat;
use stoa_classroom::room::{By, CheckIn, NewRoom, Times, Turn};
use stoa_classroom::tree::Tree;
use stoa_classroom::{Classroom, Entry, Error, Listener, Refusal};
use stoa_core::{
    App, AppNumber, AuthPolicy, ClassCaller, ClassRole, Clock, ManualClock, Operator, OperatorOf,
    Region, RoomType, SeededEntropy, Timestamp, UserUuid,
};
use stoa_store::Store;
use stoa_token::Builder007;

/// When the tests begin, in Unix seconds.
pub(crate) const NOW_S: u64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) store: Store,
    pub(crate) app: Arc<App>,
    pub(crate) classroom: Arc<Classroom>,
}

pub(crate) fn name(text: &str) -> UserUuid {
    text.parse().unwrap()
}

pub(crate) fn new_room(kind: RoomType) -> NewRoom {
    NewRoom {
        name: "A class".into(),
        kind,
        times: Times::default(),
        roles: BTreeMap::new(),
        flex: Tree::new(),
        widgets: Tree::new(),
        max_accept: None,
        accepts_at_entry: false,
    }
}

pub(crate) fn check_in(user: &str, role: ClassRole) -> CheckIn {
    CheckIn { name: user.into(), role, flex: Tree::new(), video_source: 0, audio_source: 0 }
}

/// A connection that keeps what it hears.
#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) heard: Mutex<Vec<Value>>,
    pub(crate) ended: Mutex<Option<&'static str>>,
}

impl Listener for Ear {
    fn hear(&self, text: &Bytes) {
        self.heard.lock().push(serde_json::from_slice(text).unwrap());
    }

    fn end(&self, why: &'static str) {
        *self.ended.lock() = Some(why);
    }
}

impl Ear {
    /// The frames heard, without those of others.
    pub(crate) fn frames(&self) -> Vec<Value> {
        let heard = self.heard.lock();
        let lists = heard.iter().filter_map(|message| message["list"].as_array());
        lists.flatten().cloned().collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(AuthPolicy::Token).await
    }

    pub(crate) async fn of(auth: AuthPolicy) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(NOW_S)));
        let entropy = Arc::new(SeededEntropy::new(11));
        let key = "demo#stoa".parse().unwrap();
        let app = App::new(AppNumber(1), key, Region::Eu, clock.now(), auth, &*entropy);
        let app = Arc::new(app);
        let store = Store::in_memory(clock.clone(), entropy.clone());
        let classroom = Self::service(&store, &app, &clock, &entropy);
        Self { clock, entropy, store, app, classroom }
    }

    fn service(
        store: &Store,
        app: &Arc<App>,
        clock: &Arc<ManualClock>,
        entropy: &Arc<SeededEntropy>,
    ) -> Arc<Classroom> {
        let directory = Arc::new(app.clone());
        let chat = Chat::new(store.clone(), directory.clone(), clock.clone(), entropy.clone(), 1);
        Arc::new(Classroom::new(
            store.clone(),
            Arc::new(chat),
            directory,
            clock.clone(),
            entropy.clone(),
            Operator::of_this_process(),
        ))
    }

    /// The same data as a new process finds them.
    pub(crate) async fn restart(&mut self) {
        self.classroom = Self::service(&self.store, &self.app, &self.clock, &self.entropy);
        self.classroom.wake_all(&self.app).await.unwrap();
        self.classroom.tick().await;
    }

    pub(crate) fn scope(&self) -> OperatorOf {
        Operator::of_this_process().in_app(self.app.clone())
    }

    fn builder(&self) -> Builder007<'_> {
        let issued = u32::try_from(self.clock.now().as_secs()).unwrap();
        let certificate = self.app.certificates[0].expose();
        Builder007::new(self.app.id.as_str(), certificate, issued, 86_400, 7)
    }

    /// The app's back end.
    pub(crate) fn back_end(&self) -> ClassCaller {
        let token = self.builder().education_app().build().unwrap();
        self.classroom.authenticate(&self.app, Some(&token), None).unwrap()
    }

    /// Somebody with a token for a room.
    pub(crate) fn user(&self, room: &str, user: &str, role: ClassRole) -> ClassCaller {
        let token = self.builder().room_user(room, user, role.number().into()).build().unwrap();
        self.classroom.authenticate(&self.app, Some(&token), None).unwrap()
    }

    pub(crate) async fn create(&self, room: &str, new: NewRoom) -> Result<(), Error> {
        self.classroom.create(&self.back_end(), &name(room), new).await
    }

    pub(crate) async fn enter(
        &self,
        room: &str,
        user: &str,
        role: ClassRole,
    ) -> Result<Entry, Error> {
        let caller = self.user(room, user, role);
        let who = check_in(user, role);
        self.classroom.enter(&caller, &name(room), &name(user), who, None).await
    }

    /// Enters and listens.
    pub(crate) async fn attend(&self, room: &str, user: &str, role: ClassRole) -> Arc<Ear> {
        let entry = self.enter(room, user, role).await.unwrap();
        let ear = Arc::new(Ear::default());
        let to: Arc<dyn Listener> = ear.clone();
        let caller = self.user(room, user, role);
        let (room, user) = (name(room), name(user));
        let listening = self.classroom.listen(&caller, &room, &user, entry.session, None, to);
        listening.await.unwrap();
        ear
    }

    /// An act of somebody in a room.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        room: &str,
        by: By,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        self.classroom.turn(&self.scope(), &name(room), by, act).await
    }

    /// Lets time pass, with what the clock does at each moment on the way.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while let Some(at) = self.classroom.next_due().filter(|at| *at <= until) {
            self.clock.set(at.max(self.clock.now()));
            self.classroom.tick().await;
        }
        self.clock.set(until);
        self.classroom.tick().await;
    }

    pub(crate) async fn view(&self, room: &str) -> Result<Value, Error> {
        self.act(room, By::App, |turn| Ok(turn.room.view())).await
    }
}

/// As a user of a role.
pub(crate) fn by(user: &str, role: ClassRole) -> By {
    By::User { id: name(user), role }
}

/// The refusal of an error.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> Option<Refusal> {
    match result {
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}
