//! A server's class rooms on a store in memory, and those who use them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use stoa_chat::Chat;
use stoa_classroom::room::{By, CheckIn, NewRoom, RecordList, Times, Turn};
use stoa_classroom::tree::Tree;
use stoa_classroom::{Classroom, Entry, Error, Listener, Refusal};
use stoa_core::{
    App, AppNumber, AuthPolicy, ClassCaller, ClassRole, Clock, ManualClock, Operator, OperatorOf,
    Region, RoomType, SeededEntropy, Timestamp, UserUuid,
};
use stoa_store::Store;
use stoa_store::engine::{Direction, Engine, Faults, Memory, Span};
use stoa_store::spaces::Space;
use stoa_token::Builder007;
use stoa_vault::Vault;

/// When the tests begin, in Unix seconds.
pub(crate) const NOW_S: u64 = 1_800_000_000;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) store: Store,
    pub(crate) engine: Arc<Memory>,
    pub(crate) vault: Arc<Vault>,
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
        crosses: stoa_classroom::room::Crosses::default(),
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
        let engine = Arc::new(Memory::new());
        let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
        let store = Store::open(engine.clone(), vault.clone());
        let classroom = Self::service(&store, &app, &clock, &entropy);
        Self { clock, entropy, store, engine, vault, app, classroom }
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

    /// The same data as a new process finds them, over an engine whose commits fail as `faults` say.
    pub(crate) fn restart_over(&mut self, faults: Faults, seed: u64) {
        let engine = faults.over(self.engine.clone(), Arc::new(SeededEntropy::new(seed)));
        self.store = Store::open(engine, self.vault.clone());
        self.classroom = Self::service(&self.store, &self.app, &self.clock, &self.entropy);
    }

    /// Every stored row of these spaces, sealed as it lies there.
    pub(crate) async fn rows(&self, spaces: &[&Space]) -> Vec<(Bytes, Bytes)> {
        let view = self.engine.snapshot().await.unwrap();
        let mut rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
        rows.retain(|(key, _)| spaces.iter().any(|space| space.code == key[0]));
        rows
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
    pub(crate) fn caller(&self, room: &str, user: &str, role: ClassRole) -> ClassCaller {
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
        let caller = self.caller(room, user, role);
        let who = check_in(user, role);
        self.classroom.enter(&caller, &name(room), &name(user), who, None).await
    }

    /// Enters and listens.
    pub(crate) async fn attend(&self, room: &str, user: &str, role: ClassRole) -> Arc<Ear> {
        let entry = self.enter(room, user, role).await.unwrap();
        let ear = Arc::new(Ear::default());
        let to: Arc<dyn Listener> = ear.clone();
        let caller = self.caller(room, user, role);
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

/// A teacher.
pub(crate) const TEACHER: ClassRole = ClassRole::Teacher;
/// A student.
pub(crate) const STUDENT: ClassRole = ClassRole::Student;

impl World {
    /// A room with the teacher `ann`, who listens, and these students, who listen too.
    pub(crate) async fn class(kind: RoomType, students: &[&str]) -> (Self, Arc<Ear>) {
        let world = Self::new().await;
        world.create("room", new_room(kind)).await.unwrap();
        let teacher = world.attend("room", "ann", TEACHER).await;
        for student in students {
            world.attend("room", student, STUDENT).await;
        }
        (world, teacher)
    }

    /// An act of the teacher.
    pub(crate) async fn teach<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        self.act("room", by("ann", TEACHER), act).await
    }

    /// An act of a student.
    pub(crate) async fn learn<T: Send + 'static>(
        &self,
        user: &str,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        self.act("room", by(user, STUDENT), act).await
    }

    /// `roomProperties`, as whoever sees right answers or does not.
    pub(crate) async fn properties(&self, room: &str, sees_answers: bool) -> Value {
        let view = move |turn: &mut Turn<'_>| Ok(Value::Object(turn.room.properties(sees_answers)));
        self.act(room, By::App, view).await.unwrap()
    }

    /// The names in a list of users of `roomProperties`, by pointer.
    pub(crate) async fn names(&self, pointer: &str) -> Vec<String> {
        names(self.properties("room", true).await.pointer(pointer).unwrap())
    }

    /// What the app's back end was told, of one kind.
    pub(crate) async fn events(&self, cmd: u16) -> Vec<Value> {
        let events = self.classroom.events(&self.scope(), &name("room"), 1, 100).await.unwrap();
        events.into_iter().filter(|event| event.cmd == cmd).map(|event| event.data).collect()
    }

    /// A page of a list of records, and where the next one begins.
    pub(crate) async fn records(
        &self,
        room: &str,
        list: &RecordList,
        after: Option<u64>,
        last_first: bool,
        most: usize,
    ) -> (Vec<Value>, Option<u64>) {
        let (scope, room) = (self.scope(), name(room));
        let page = self.classroom.records(&scope, &room, list, after, last_first, most);
        let (page, next) = page.await.unwrap();
        (page.into_iter().map(|(_, record)| record).collect(), next)
    }

    /// A participant as stored.
    pub(crate) async fn user(&self, user: &str) -> stoa_classroom::room::Participant {
        let user = name(user);
        let get = move |turn: &mut Turn<'_>| Ok(turn.room.users.get(&user).cloned());
        self.act("room", By::App, get).await.unwrap().unwrap()
    }
}

/// The names in a list of users.
pub(crate) fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|user| user["userUuid"].as_str().unwrap().to_owned()).collect()
}

impl Ear {
    /// The frames with a cause of a process, by kind of action.
    pub(crate) fn causes(&self, process: &str) -> Vec<u64> {
        let of = |frame: &Value| {
            let cause = &frame["data"]["cause"];
            let is_it = cause["cmd"] == 501 && cause["data"]["processUuid"] == process;
            is_it.then(|| cause["data"]["actionType"].as_u64().unwrap())
        };
        self.frames().iter().filter_map(of).collect()
    }

    /// The frames of one kind.
    pub(crate) fn of(&self, cmd: u16) -> Vec<Value> {
        self.frames().into_iter().filter(|frame| frame["cmd"] == cmd).collect()
    }

    /// The data of the last frame.
    pub(crate) fn last(&self) -> Value {
        self.frames().last().unwrap()["data"].clone()
    }

    /// Forgets what was heard.
    pub(crate) fn forget(&self) {
        self.heard.lock().clear();
    }
}
