//! The pool is held shut by the tests, so that nothing here depends on how fast a machine is.

use std::sync::mpsc;

use bytes::Bytes;
use stoa_bus::Subscriber;
use stoa_core::{App, AppNumber, Caller, ManualClock, SeededEntropy, UserId, Visitor, issue_token};
use stoa_store::Store;
use tokio::task::JoinHandle;

use super::*;
use crate::entry::{Event, Kind};
use crate::{Chat, DeviceInfo, Draft, Grant, NewUser, testing};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn claimant(name: &str) -> Claimant<'_> {
    Claimant { app: AppNumber(1), name, place: None, now: NOW }
}

/// Lets the tasks that can go on do so, on a runtime of one thread.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Work that stays where it is until it is told to go on.
struct Gate {
    entered: mpsc::Receiver<String>,
    go: Vec<mpsc::Sender<()>>,
    held: Vec<JoinHandle<Result<(), Error>>>,
}

impl Gate {
    /// Occupies all `threads` of the pool that `of` leads to.
    async fn shut<T: Send + Sync + 'static>(
        owner: &Arc<T>,
        of: fn(&T) -> &Pool,
        threads: usize,
    ) -> Self {
        let (enter, entered) = mpsc::channel();
        let mut gate = Self { entered, go: Vec::new(), held: Vec::new() };
        for _ in 0..threads {
            let (go, gone) = mpsc::channel();
            let (enter, owner) = (enter.clone(), owner.clone());
            gate.go.push(go);
            gate.held.push(tokio::spawn(async move {
                let work = move |_: &mut pool::Memory| {
                    let name = std::thread::current().name().unwrap_or_default().to_owned();
                    let _ = enter.send(name);
                    let _ = gone.recv();
                };
                of(&owner).run(work).await
            }));
        }
        settle().await;
        gate
    }

    async fn open(self) {
        for go in self.go {
            go.send(()).unwrap();
        }
        for held in self.held {
            // On a slow machine it may have waited too long by now, which is none of its business.
            let _ = held.await.unwrap();
        }
    }
}

#[tokio::test]
async fn only_the_right_password_matches_and_nobody_has_one() {
    let entropy = SeededEntropy::new(1);
    let passwords = Passwords::new(&entropy);
    let right = Secret::new("correct horse");
    let hash = passwords.hash("password", &right, &entropy).await.unwrap();
    assert!(!hash.contains("correct"));
    let verify = async |password: &Secret, hash: Option<&str>| {
        passwords.verify(claimant("alice"), password, hash).await.unwrap()
    };
    assert!(verify(&right, Some(&hash)).await);
    assert!(!verify(&Secret::new("wrong"), Some(&hash)).await);
    assert!(!verify(&right, None).await);
    assert!(!verify(&right, Some("damaged")).await);
    assert!(!verify(&Secret::new("x".repeat(65)), Some(&hash)).await, "longer than any can be");
}

#[tokio::test]
async fn an_unknown_user_costs_the_same_work() {
    let passwords = Passwords::new(&SeededEntropy::new(1));
    let mut memory = pool::Memory::default();
    assert!(!hashing::matches(b"x", &passwords.nobody, &mut memory));
    // What was worked on is the whole memory of one hash, as for anybody.
    let before = memory.filled();
    let known = hashing::hash(b"y", [1; 16], &mut memory);
    assert_eq!(memory.filled(), before);
    assert_eq!(known.len(), passwords.nobody.len());
}

#[tokio::test]
async fn hashing_runs_on_its_own_threads_and_only_so_many_at_once() {
    let pool = Arc::new(Pool::with_threads(2));
    let gate = Gate::shut(&pool, |pool| pool, 5).await;
    for _ in 0..2 {
        // This thread is the runtime's only one: what ran on it could not be waited for here.
        assert_eq!(gate.entered.recv().unwrap(), "stoa-password");
    }
    assert_eq!(pool.waiting(), 3, "the others stand in the line");
    assert!(gate.entered.try_recv().is_err());
    gate.open().await;
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test]
async fn who_gave_up_waiting_costs_nothing() {
    let pool = Arc::new(Pool::with_threads(1));
    let gate = Gate::shut(&pool, |pool| pool, 1).await;
    gate.entered.recv().unwrap();
    let (tell, told) = mpsc::channel();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(move |_| tell.send(()).unwrap()).await }
    });
    settle().await;
    assert_eq!(pool.waiting(), 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    gate.open().await;
    // Behind it in the line: so it had its turn.
    pool.run(|_| ()).await.unwrap();
    assert!(told.try_recv().is_err(), "it was not done");
}

#[tokio::test]
async fn work_that_panics_harms_nobody_else() {
    let pool = Pool::with_threads(1);
    let failed = pool.run(|_| panic!("a bug, on purpose")).await;
    assert!(matches!(failed.map(|(): ()| ()), Err(Error::Internal)));
    assert_eq!(pool.run(|_| 7).await.unwrap(), 7);
}

struct Inbox(tokio::sync::mpsc::UnboundedSender<Arc<Event>>);

impl Subscriber<Event> for Inbox {
    fn deliver(&self, event: &Arc<Event>) {
        let _ = self.0.send(event.clone());
    }
}

/// A service whose app takes passwords, with the user `alice` and her password.
async fn service() -> (Arc<Chat>, Arc<App>, Caller) {
    let clock = Arc::new(ManualClock::new(NOW));
    let entropy = Arc::new(SeededEntropy::new(7));
    let app = testing::app(&*entropy, NOW);
    let store = Store::in_memory(clock.clone(), entropy.clone());
    let chat = Chat::new(store, Arc::new(app.clone()), clock, entropy.clone(), 1);
    let token = issue_token(&app, None, NOW, 3600, &*entropy);
    let back_end = chat.authenticate(&app.key, token.expose()).await.unwrap();
    let alice = NewUser {
        username: "alice".parse().unwrap(),
        password: Some(Secret::new("correct")),
        nickname: None,
    };
    chat.register(&back_end, vec![alice]).await.unwrap();
    let alice: UserId = "alice".parse().unwrap();
    let token = issue_token(&app, Some(&alice), NOW, 3600, &*entropy);
    let alice = chat.authenticate(&app.key, token.expose()).await.unwrap();
    (Arc::new(chat), app, alice)
}

/// A login by password, from everywhere at once.
fn log_in(chat: &Arc<Chat>, app: &Arc<App>, password: &str) -> JoinHandle<Result<(), Error>> {
    let (chat, visitor) = (chat.clone(), Visitor::of(app.clone()));
    let grant = Grant::Password { username: "alice".into(), password: Secret::new(password) };
    tokio::spawn(async move { chat.grant(&visitor, grant, None).await.map(drop) })
}

#[tokio::test]
async fn messages_are_delivered_while_every_login_waits() {
    let (chat, app, alice) = service().await;
    let threads = chat.passwords.pool.threads();
    let gate = Gate::shut(&chat, |chat| &chat.passwords.pool, threads).await;
    for _ in 0..threads {
        gate.entered.recv().unwrap();
    }
    let logins: Vec<_> = (0..pool::WAITING).map(|_| log_in(&chat, &app, "correct")).collect();
    while chat.passwords.pool.waiting() < pool::WAITING {
        tokio::task::yield_now().await;
    }
    let one_more = log_in(&chat, &app, "correct").await.unwrap();
    assert!(matches!(one_more, Err(Error::Busy)), "told to come again: {one_more:?}");

    // All of this runs on one thread, with every login still in the line.
    let (inbox, mut pushed) = tokio::sync::mpsc::unbounded_channel();
    let device = DeviceInfo {
        resource: "web".parse().unwrap(),
        uuid: String::new(),
        name: String::new(),
        platform: 16,
    };
    let resource = device.resource.clone();
    let _attached = chat.attach(&alice, device, "", Arc::new(Inbox(inbox)), None).unwrap();
    for client_id in 1..=100 {
        let (done, outcome) = tokio::sync::oneshot::channel();
        let draft = Draft {
            to: stoa_core::Target::User("alice".parse().unwrap()),
            only_users: Vec::new(),
            only_resource: None,
            kind: Kind::Text,
            body: Bytes::from_static(b"hello"),
            ext: Bytes::new(),
            content_bytes: 5,
            client_id,
            online_only: false,
            receipts: false,
            priority: crate::entry::Priority::Normal,
        };
        let done = Box::new(move |result| drop(done.send(result)));
        chat.send(&alice, &resource, draft, done).await;
        outcome.await.unwrap().unwrap();
        assert!(matches!(&*pushed.recv().await.unwrap(), Event::Appended(_)));
    }
    assert_eq!(chat.passwords.pool.waiting(), pool::WAITING, "nobody's turn came meanwhile");

    for login in &logins {
        login.abort();
    }
    gate.open().await;
    // Those who gave up are passed over, one after the other.
    while chat.passwords.pool.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    log_in(&chat, &app, "correct").await.unwrap().unwrap();
}

#[tokio::test]
async fn trying_passwords_is_slow_and_the_right_one_waits_seconds_at_most() {
    let (chat, app, _) = service().await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        if let Err(Error::TooManyTries { wait }) = log_in(&chat, &app, "wrong").await.unwrap() {
            waits.push(wait);
        }
    }
    assert_eq!(waits.len(), 2, "six are looked at: {waits:?}");
    let refused = log_in(&chat, &app, "correct").await.unwrap().unwrap_err();
    let Error::TooManyTries { wait } = refused else { panic!("{refused:?}") };
    assert!(wait.as_secs() <= 5);
}
