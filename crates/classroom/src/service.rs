//! The class rooms of a node: their lines of acts, their alarms, and what they are wired to.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use stoa_chat::Chat;
use stoa_core::{
    App, AppDirectory, AppNumber, AppScope, ClassCaller, Clock, Entropy, Operator, RoomUuid,
    Timestamp, UserUuid,
};
use stoa_media::Media;
use stoa_store::Store;
use tokio::sync::watch;

use crate::chat_room::ChatLink;
use crate::grouping::{self, GroupIndex, Words};
use crate::line::{After, Desk, Line};
use crate::live::Live;
use crate::outbox::Outbox;
use crate::room::{By, Turn};
use crate::stored;
use crate::{Error, Refusal};

/// The class rooms of one node.
pub struct Classroom {
    store: Store,
    pub(crate) chat: Arc<Chat>,
    pub(crate) directory: Arc<dyn AppDirectory>,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    operator: Operator,
    pub(crate) lines: Mutex<HashMap<(AppNumber, RoomUuid), Arc<Line>>>,
    due: Mutex<BinaryHeap<Reverse<(Timestamp, Wake)>>>,
    pub(crate) groups: Arc<GroupIndex>,
    outbox: Outbox,
    /// When connections were last asked whether they would still be let in, by the number of revocations.
    pub(crate) judged: AtomicU64,
    media: Arc<OnceLock<Media>>,
    /// How much is under way.
    working: Arc<watch::Sender<usize>>,
}

/// Something that is under way, until it is dropped.
struct Work(Arc<watch::Sender<usize>>);

impl Work {
    fn begin(working: &Arc<watch::Sender<usize>>) -> Self {
        working.send_modify(|working| *working += 1);
        Self(working.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.send_modify(|working| *working = working.saturating_sub(1));
    }
}

/// A room that the clock has to look at.
#[derive(Clone)]
struct Wake(Arc<App>, RoomUuid);

impl Wake {
    fn key(&self) -> (AppNumber, &RoomUuid) {
        (self.0.number, &self.1)
    }
}

impl PartialEq for Wake {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Wake {}

impl PartialOrd for Wake {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wake {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Classroom {
    /// The class rooms whose records `store` holds. [`Self::wake_all`] has to follow.
    pub fn new(
        store: Store,
        chat: Arc<Chat>,
        directory: Arc<dyn AppDirectory>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        operator: Operator,
    ) -> Self {
        let (lines, due, groups) = (Mutex::default(), Mutex::default(), Arc::default());
        let (outbox, judged) = (Outbox::default(), AtomicU64::new(0));
        Self {
            store,
            chat,
            directory,
            clock,
            entropy,
            operator,
            lines,
            due,
            groups,
            outbox,
            judged,
            media: Arc::default(),
            working: Arc::new(watch::Sender::new(0)),
        }
    }

    /// From now on rooms have sound and pictures, which `media` forwards. To be called once.
    pub fn serve_media(&self, media: Media) {
        let known = self.media.set(media);
        debug_assert!(known.is_ok(), "once");
    }

    /// The media server.
    ///
    /// # Errors
    /// [`Refusal::FeatureOff`].
    pub(crate) fn media(&self) -> Result<&Media, Refusal> {
        self.media.get().ok_or(Refusal::FeatureOff("media"))
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The time.
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// A token for the media of a room under a stream's number, until `ends`.
    pub fn media_token(
        &self,
        app: &App,
        room: &RoomUuid,
        stream: u32,
        ends: Timestamp,
    ) -> stoa_core::Secret {
        let (now, entropy) = (self.clock.now(), &*self.entropy);
        stoa_core::issue_media_token(app, room, stream, now, ends, entropy)
    }

    pub(crate) const fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The rules of chat, for what the doors share with them.
    pub const fn chat(&self) -> &Arc<Chat> {
        &self.chat
    }

    /// The app as its owner has it by now.
    pub(crate) fn app(&self, scope: &impl AppScope) -> Arc<App> {
        let known = scope.app();
        self.directory.by_id(&known.id).unwrap_or_else(|| known.clone())
    }

    /// Verifies a token, or lets in whoever knows an open app. `named` is whom the caller says to be.
    ///
    /// # Errors
    /// [`Error::Token`]; [`Error::Refused`] without a token where one is needed.
    pub fn authenticate(
        &self,
        app: &Arc<App>,
        token: Option<&str>,
        named: Option<&UserUuid>,
    ) -> Result<ClassCaller, Error> {
        let Some(token) = token else {
            let open = ClassCaller::without_token(app);
            return open.ok_or(Error::Refused(Refusal::NotForThis));
        };
        let caller = ClassCaller::verify(app, token, named, self.clock.now())?;
        if let Some(mark) = caller.mark() {
            match caller.user() {
                Some(user) => {
                    self.chat.check_class_token(app, user, mark)?;
                    self.chat.note_class_token(&caller, mark);
                }
                None => self.chat.check_token(app.number, mark)?,
            }
        }
        Ok(caller)
    }

    pub(crate) async fn line(
        &self,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<Arc<Line>, Error> {
        let key = (scope.app().number, room.clone());
        if let Some(line) = self.lines.lock().get(&key) {
            return Ok(line.clone());
        }
        let store = self.store.app(scope).await?;
        let chat = ChatLink::new(self.chat.clone(), self.operator.in_app(self.app(scope)));
        let mut lines = self.lines.lock();
        let words = Words::new(key.0, self.groups.clone());
        let waiting = self.outbox.waiting(key.0);
        let live = Live::new(key.0, self.media.clone());
        let new = || {
            let (id, app) = (room.clone(), scope.app().id.clone());
            Arc::new(Line::new(store, app, id, words, waiting, chat, live))
        };
        let line = lines.entry(key).or_insert_with(new);
        Ok(line.clone())
    }

    /// Does an act on a room of the app of `scope`, and answers when it is durable.
    ///
    /// # Errors
    /// Those of the act; [`Error::Store`].
    pub async fn act<T: Send + 'static>(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        act: impl FnOnce(&mut Desk<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let line = self.line(scope, room).await?;
        let answer = line.put(act);
        let (this, app) = (self.clone(), self.app(scope));
        let work = Work::begin(&self.working);
        // A task of its own: whoever hangs up does not stop what others wait for.
        tokio::spawn(async move {
            let _work = work;
            this.work(&app, &line).await;
        });
        answer.await.map_err(|_| Error::Ending)?
    }

    /// Waits until nothing is under way: every act is stored, and whoever was to hear of it has been told. To be called
    /// before the store is closed.
    pub async fn settled(&self) {
        // The sender is there as long as this is.
        let _ = self.working.subscribe().wait_for(|working| *working == 0).await;
    }

    /// Does an act by somebody on a room that exists.
    ///
    /// # Errors
    /// As [`Self::act`]; [`Refusal::NoRoom`].
    pub async fn turn<T: Send + 'static>(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        by: By,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        self.act(scope, room, |desk| Ok(act(&mut desk.turn(by)?)?)).await
    }

    /// Does what waits in a room's line, and then in those of its groups, which hear of it.
    async fn work(&self, app: &Arc<App>, line: &Arc<Line>) {
        let mut lines = VecDeque::from([line.clone()]);
        while let Some(line) = lines.pop_front() {
            self.work_line(app, &line).await;
            for word in line.words.take() {
                let scope = self.operator.in_app(app.clone());
                match self.line(&scope, word.group()).await {
                    Ok(group) => {
                        // Nobody waits for the answer.
                        let key = app.key.clone();
                        drop(group.put(move |desk| word.tell(desk, &key)));
                        lines.push_back(group.clone());
                        // A group that is to be destroyed is so at the second look.
                        lines.push_back(group);
                    }
                    Err(error) => tracing::error!(%error, "a group was not told what changed"),
                }
            }
        }
    }

    async fn work_line(&self, app: &Arc<App>, line: &Arc<Line>) {
        loop {
            let after = line.work(|| self.clock.now(), app.class, &self.entropy).await;
            match after {
                After::Due(None) => return self.let_go(app, line),
                After::Due(Some(at)) => return self.set_alarm(app, line, at),
                After::Released(instance) => {
                    if let Err(error) = self.release(app, line, instance).await {
                        tracing::error!(%error, "a class room was not destroyed; it is tried again");
                        line.fail(&error, self.clock.now(), app.class, &*self.entropy);
                        let at = self.clock.now().plus(std::time::Duration::from_secs(1));
                        return self.set_alarm(app, line, at);
                    }
                }
            }
        }
    }

    /// Sets the clock for a room, unless it is set for then or earlier: one wake for each room is enough, since
    /// each look sets it anew.
    fn set_alarm(&self, app: &Arc<App>, line: &Line, at: Timestamp) {
        let mut alarm = line.alarm.lock();
        if alarm.is_none_or(|set| at < set) {
            *alarm = Some(at);
            self.due.lock().push(Reverse((at, Wake(app.clone(), line.id.clone()))));
        }
    }

    /// Forgets a line that nobody needs: there is no such room.
    fn let_go(&self, app: &App, line: &Arc<Line>) {
        let mut lines = self.lines.lock();
        // The map and this call hold it, and whoever else does still needs it.
        if line.hub.count() == 0 && Arc::strong_count(line) <= 2 {
            lines.remove(&(app.number, line.id.clone()));
        }
    }

    /// Looks at all rooms of an app once, so that the clock goes on in those that were there before the start. Answers
    /// how many there are.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Unreadable`].
    pub async fn wake_all(&self, app: &Arc<App>) -> Result<usize, Error> {
        let scope = self.operator.in_app(app.clone());
        self.finish_releases(&scope).await?;
        let store = self.store.app(&scope).await?;
        let rooms = stored::all(&store).await?;
        let ones = rooms.iter().map(|room| (room.id.clone(), room.instance));
        self.wake_outbox(&store, ones).await?;
        for room in &rooms {
            self.groups.note_room(app.number, room);
        }
        for word in grouping::words_at_start(&rooms) {
            let line = self.line(&scope, word.group()).await?;
            let key = app.key.clone();
            drop(line.put(move |desk| word.tell(desk, &key)));
        }
        let now = self.clock.now();
        let mut due = self.due.lock();
        due.extend(rooms.iter().map(|room| Reverse((now, Wake(app.clone(), room.id.clone())))));
        Ok(rooms.len())
    }

    /// When [`Self::tick`] has something to do next.
    pub fn next_due(&self) -> Option<Timestamp> {
        let room = self.due.lock().peek().map(|Reverse((at, _))| *at);
        [room, self.outbox.next_due()].into_iter().flatten().min()
    }

    /// Does what the clock has to do by now, in all rooms.
    pub async fn tick(&self) {
        self.end_outboxes().await;
        self.keep_admitted();
        loop {
            let wake = {
                let mut due = self.due.lock();
                if due.peek().is_none_or(|Reverse((at, _))| *at > self.clock.now()) {
                    return;
                }
                due.pop()
            };
            let Some(Reverse((at, Wake(app, room)))) = wake else { return };
            let app = self.directory.by_id(&app.id).unwrap_or(app);
            let scope = self.operator.in_app(app.clone());
            match self.line(&scope, &room).await {
                Ok(line) => {
                    line.alarm_rang(at);
                    self.work(&app, &line).await;
                }
                Err(error) => tracing::error!(%error, "a class room cannot be looked at"),
            }
        }
    }
}
