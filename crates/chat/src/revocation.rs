//! The kill switch: what ends tokens before their time, and the sessions that they opened (design, *Identity*).
//!
//! A revocation is a cut in time: what was made up to then is over, what is made later is good. Each kind stands
//! where it is asked for anyway: that of an app in the app's record, that of a user in the account. What has no
//! such place (one token, one device, a name whose user was deleted, a user of class rooms) stands in rows of its own, which are held in
//! memory as a whole and forgotten when no token can live any more that they are about.
//!
//! Nothing is told before it is durable. The register of sessions remembers by which tokens each was let in and
//! renewed ([`TokenMark`]); whoever is just coming in finds by the epoch ([`Chat::is_still_admitted`]) that it has
//! to be asked once more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use prost::Message;
use stoa_bus::Topic;
use stoa_core::{
    App, AppNumber, AppScope, Caller, ClassCaller, Fingerprint, Resource, TOKEN_CAP_S, Timestamp,
    TokenMark, TokenMarkId, TokenRefusal, UserId, VerifiedToken,
};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, Txn, spaces};

use crate::entry::{Event, KickReason, Which};
use crate::records::{self, Revocation};
use crate::{Chat, Error, Shared, account};

/// How long a revocation has to be remembered: no token that it is about lives longer.
const REMEMBERED: Duration = Duration::from_secs(TOKEN_CAP_S as u64 + 600);
/// Rows that are read or removed at once.
const STEP: usize = 1000;

/// What a revocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// One token.
    Token(TokenMarkId),
    /// One device of one user.
    Device(Blind),
    /// A name whose user was deleted: whoever registers it again is another person.
    Name(Blind),
    /// One user of class rooms, by the number that its name in chat is written with.
    ClassUser([u8; 16]),
}

impl Subject {
    const fn kind(self) -> u32 {
        match self {
            Self::Token(_) => 1,
            Self::Device(_) => 2,
            Self::Name(_) => 3,
            Self::ClassUser(_) => 4,
        }
    }

    const fn bytes(&self) -> &[u8; 16] {
        match self {
            Self::Token(id) => &id.0,
            Self::Device(blind) | Self::Name(blind) => &blind.0,
            Self::ClassUser(name) => name,
        }
    }

    pub(crate) fn read(kind: u32, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        match kind {
            1 => Some(Self::Token(TokenMarkId(bytes))),
            2 => Some(Self::Device(Blind(bytes))),
            3 => Some(Self::Name(Blind(bytes))),
            4 => Some(Self::ClassUser(bytes)),
            _ => None,
        }
    }

    /// That of a user's device.
    pub(crate) fn device(store: &AppStore, user: &UserId, resource: &Resource) -> Self {
        let parts = [user.as_str().as_bytes(), resource.as_str().as_bytes()];
        Self::Device(store.blind("revoked device", &parts))
    }

    /// That of a name.
    pub(crate) fn name(store: &AppStore, user: &UserId) -> Self {
        Self::Name(account::user_blind(store, user))
    }

    fn key(&self, store: &AppStore) -> Key {
        let row = store.blind("revocation", &[&self.kind().to_be_bytes(), self.bytes()]);
        store.key(&spaces::REVOCATIONS).blind(row).done()
    }
}

/// The revocations of all apps that have rows of their own, and how many there were.
#[derive(Default)]
pub(crate) struct Cuts {
    at: RwLock<HashMap<(AppNumber, Subject), Timestamp>>,
    epoch: AtomicU64,
}

impl Cuts {
    /// When `subject` was cut, if it was.
    pub(crate) fn of(&self, app: AppNumber, subject: Subject) -> Option<Timestamp> {
        let cuts = self.at.read();
        if cuts.is_empty() {
            return None;
        }
        cuts.get(&(app, subject)).copied()
    }

    /// Whether there is any.
    pub(crate) fn any(&self) -> bool {
        !self.at.read().is_empty()
    }

    fn note(&self, app: AppNumber, subject: Subject, at: Timestamp) {
        let mut cuts = self.at.write();
        let known = cuts.entry((app, subject)).or_insert(at);
        *known = at.max(*known);
    }

    /// Forgets those of an app that are over, or all of them.
    fn forget(&self, app: AppNumber, which: impl Fn(Timestamp) -> bool) {
        self.at.write().retain(|(of, _), at| *of != app || !which(*at));
    }

    /// How many times something was revoked, or sessions were told to end. Who is let in after it was read,
    /// and finds it changed, is asked again.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

fn is_over(at: Timestamp, now: Timestamp) -> bool {
    at.plus(REMEMBERED).as_millis() <= now.as_millis()
}

/// Writes a revocation with what else a transaction does. [`Chat::cut`] has to follow.
pub(crate) async fn put(
    store: &AppStore,
    txn: &mut Txn,
    subject: Subject,
    at: Timestamp,
) -> Result<(), Error> {
    let row = Revocation {
        kind: subject.kind(),
        subject: subject.bytes().to_vec(),
        at_ms: at.as_millis(),
    };
    let bucket = Bucket::Day(at.day());
    Ok(txn.put(&subject.key(store), bucket, &row.encode_to_vec()).await?)
}

impl Shared {
    /// Ends sessions of a user.
    pub(crate) fn kick(
        &self,
        app: AppNumber,
        user: &UserId,
        which: Which,
        reason: KickReason,
        note: &str,
    ) {
        self.cuts.next_epoch();
        let kick = crate::entry::Kick { which, reason, note: note.into() };
        let topic = Topic { app, user: user.clone() };
        self.bus.publish(&topic, &Arc::new(Event::Kick(kick)));
    }
}

impl Chat {
    /// Reads the revocations of the app of `scope` that are still about something. To be called for each app
    /// before anybody is let in.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn load_revocations(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let store = self.store.app(scope).await?;
        let (read, now) = (store.read().await?, self.shared.clock.now());
        let mut range = store.key(&spaces::REVOCATIONS).all();
        let mut loaded = 0;
        loop {
            let rows = read.scan(&range, Direction::Forward, STEP).await?;
            let Some((last, _)) = rows.last() else { return Ok(loaded) };
            range = range.above(last);
            for (_, value) in rows {
                let row: Revocation = records::decode(&value, spaces::REVOCATIONS.name)?;
                let at = Timestamp::from_millis(row.at_ms);
                let Some(subject) = Subject::read(row.kind, &row.subject) else { continue };
                if !is_over(at, now) {
                    self.shared.cuts.note(scope.app().number, subject, at);
                    loaded += 1;
                }
            }
        }
    }

    /// Removes revocations of the app of `scope` that are about nothing any more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep_revocations(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let store = &self.store.app(scope).await?;
        let now = self.shared.clock.now();
        self.shared.cuts.forget(scope.app().number, |at| is_over(at, now));
        let mut range = store.key(&spaces::REVOCATIONS).all();
        let mut removed = 0;
        loop {
            let rows = store.read().await?.scan(&range, Direction::Forward, STEP).await?;
            let Some((last, _)) = rows.last() else { return Ok(removed) };
            range = range.above(last);
            let mut over = Vec::new();
            for (key, value) in rows {
                let row: Revocation = records::decode(&value, spaces::REVOCATIONS.name)?;
                if is_over(Timestamp::from_millis(row.at_ms), now) {
                    over.push(key);
                }
            }
            removed += over.len();
            let over = &over;
            let swept = store.transact(|mut txn| async move {
                for key in over {
                    txn.delete(key)?;
                }
                Ok::<_, Error>(txn.done(()))
            });
            swept.await?;
        }
    }

    /// Revokes one token of the caller's app: no session and no call takes it any more, and sessions end that
    /// it let in or renewed. Answers the user it names, as it stands in the token; none for an app token.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Argument`] for what is no good token of this app,
    /// and so needs no revocation; [`Error::Store`].
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<Option<String>, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let app = self.app(&caller.app().key)?;
        let now = self.shared.clock.now();
        // A token for class rooms is one of the app's too.
        let of_class = |_| {
            let caller = ClassCaller::verify(&app, token, None, now)?;
            let mark = caller.mark().ok_or(TokenRefusal::Invalid("no_token"))?.id;
            Ok((mark, caller.user().map(|user| user.as_str().to_owned())))
        };
        let of_chat = VerifiedToken::verify(&app, token, now)
            .map(|verified| (verified.mark().id, verified.named_user().map(str::to_owned)));
        let (mark, named) = of_chat.or_else(of_class).map_err(|refusal| {
            let why = match refusal {
                TokenRefusal::Expired => "has expired",
                TokenRefusal::Invalid(_) => "is no good token of this app",
            };
            Error::argument("token", format!("{why}: it admits nobody"))
        })?;
        self.cut(caller, &[Subject::Token(mark)], now).await?;
        if let Some(named) = &named
            && let Some(account) = self.resolve(caller, named).await?
            && let Ok(user) = account.username.parse()
        {
            self.end_sessions_of(&Topic { app: app.number, user }, &[mark]);
        }
        Ok(named)
    }

    /// Revokes all tokens of a user that were made up to now, also those for class rooms in the same name, and ends the
    /// user's sessions.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Store`].
    pub async fn revoke_user(&self, caller: &Caller, user: &UserId) -> Result<(), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let now = self.shared.clock.now();
        self.change(caller, user, |account| account.cut(now)).await?;
        self.shared.kick(caller.app().number, user, Which::All, KickReason::Revoked, "");
        self.cut_in_classes(caller, user, now).await
    }

    /// Revokes one device of a user: its sessions end, no token that was made up to now lets it in again, and
    /// the tokens that its sessions were let in and renewed by are revoked for everything. Answers how many
    /// those are.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Store`].
    pub async fn revoke_device(
        &self,
        caller: &Caller,
        user: &UserId,
        device: &Resource,
    ) -> Result<usize, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        self.user(caller, user).await?;
        let store = self.store.app(caller).await?;
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let sessions = self.shared.online.tokens_of(&topic).into_iter();
        let of_device = sessions.filter(|(_, resource, _)| resource == device);
        let mut tokens: Vec<TokenMarkId> =
            of_device.flat_map(|(.., tokens)| tokens).map(|mark| mark.id).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let mut subjects = vec![Subject::device(&store, user, device)];
        subjects.extend(tokens.iter().map(|id| Subject::Token(*id)));
        self.cut(caller, &subjects, self.shared.clock.now()).await?;
        self.end_sessions_of(&topic, &tokens);
        let which = Which::Device(device.clone());
        self.shared.kick(topic.app, user, which, KickReason::Revoked, "");
        Ok(tokens.len())
    }

    /// Stores revocations and lets them hold.
    pub(crate) async fn cut(
        &self,
        scope: &impl AppScope,
        subjects: &[Subject],
        at: Timestamp,
    ) -> Result<(), Error> {
        let store = &self.store.app(scope).await?;
        let stored = store.transact(|mut txn| async move {
            for subject in subjects {
                put(store, &mut txn, *subject, at).await?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        stored.await?;
        for subject in subjects {
            self.shared.cuts.note(scope.app().number, *subject, at);
        }
        self.shared.cuts.next_epoch();
        Ok(())
    }

    /// Lets a revocation hold that was written by [`put`].
    pub(crate) fn cut_was_stored(&self, app: AppNumber, subject: Subject, at: Timestamp) {
        self.shared.cuts.note(app, subject, at);
        self.shared.cuts.next_epoch();
    }

    /// Whether the token that `mark` is of was revoked by itself.
    ///
    /// # Errors
    /// [`Error::Token`] if it was.
    pub fn check_token(&self, app: AppNumber, mark: &TokenMark) -> Result<(), Error> {
        let cut = self.shared.cuts.of(app, Subject::Token(mark.id));
        cut.map_or(Ok(()), |_| Err(Error::Token(TokenRefusal::Invalid("revoked"))))
    }

    /// Whether the device was revoked after the token was made that it shows.
    ///
    /// # Errors
    /// [`Error::Token`] if it was.
    pub(crate) fn check_device(
        &self,
        store: &AppStore,
        caller: &Caller,
        user: &UserId,
        device: &Resource,
    ) -> Result<(), Error> {
        let app = caller.app();
        let cut = self.shared.cuts.of(app.number, Subject::device(store, user, device));
        let is_cut = cut.is_some_and(|at| caller.mark().is_cut(at, app.tokens.skew_s));
        if is_cut { Err(Error::Token(TokenRefusal::Invalid("revoked"))) } else { Ok(()) }
    }

    /// Ends the sessions of a user that one of `tokens` let in or renewed.
    pub(crate) fn end_sessions_of(&self, topic: &Topic, tokens: &[TokenMarkId]) {
        for (number, _, marks) in self.shared.online.tokens_of(topic) {
            if marks.iter().any(|mark| tokens.contains(&mark.id)) {
                let which = Which::Session(number);
                self.shared.kick(topic.app, &topic.user, which, KickReason::Revoked, "");
            }
        }
    }

    /// Tells the sessions of a user until when the best of their tokens is good, by what the app's owner has
    /// decided by now; those that have none end, and those that a token of `leaked` ever let in or renewed.
    pub(crate) fn judge(&self, app: &App, topic: &Topic, leaked: Option<Fingerprint>) {
        let now = self.shared.clock.now();
        for (session, _, marks) in self.shared.online.tokens_of(topic) {
            let has_leaked = leaked.is_some_and(|fingerprint| {
                marks.iter().any(|mark| mark.issuer.certificate() == fingerprint)
            });
            let until = marks.iter().filter_map(|mark| app.admits(mark, now).ok()).max();
            match until.filter(|_| !has_leaked) {
                Some(until) => {
                    let event = Arc::new(Event::LivesUntil { session, until });
                    self.shared.bus.publish(topic, &event);
                }
                None => {
                    let which = Which::Session(session);
                    self.shared.kick(topic.app, &topic.user, which, KickReason::Revoked, "");
                }
            }
        }
    }

    /// The owner of `app` has decided something about it: sessions end that would not be let in any more. So do
    /// all that a token of the certificate `leaked` ever let in or renewed.
    pub fn app_changed(&self, app: &Arc<App>, leaked: Option<Fingerprint>) {
        self.forget_permits(app);
        self.shared.cuts.next_epoch();
        for topic in self.shared.online.topics_of(app.number) {
            self.judge(app, &topic, leaked);
            self.judge_places(app, &topic);
        }
    }

    /// `app` is gone: its sessions end, and what is held for it is let go.
    pub fn app_deleted(&self, app: &Arc<App>) {
        for topic in self.shared.online.topics_of(app.number) {
            self.shared.kick(app.number, &topic.user, Which::All, KickReason::UserRemoved, "");
        }
        self.shared.cuts.next_epoch();
        self.shared.cuts.forget(app.number, |_| true);
        self.shared.appenders.forget_app(app.number);
        self.shared.floors.forget_app(app.number);
    }

    /// How many times something was revoked, or sessions were told to end. Whoever lets in by tokens itself looks
    /// again at whom it has let in when this has changed.
    pub fn revocation_epoch(&self) -> u64 {
        self.shared.cuts.epoch()
    }

    /// Revocations that are held in memory, for metrics.
    pub fn revocations(&self) -> usize {
        self.shared.cuts.at.read().len()
    }
}
