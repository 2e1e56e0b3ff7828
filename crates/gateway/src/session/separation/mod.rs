//! The separation matrix of sessions: every command, behind every login that must fail, and with the objects of
//! another app and of another channel behind one that does not.

mod commands;
mod lab;
mod rotation;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use stoa_core::App;

use self::commands::{Answered, COMMANDS, Objects, Part, Row, command, rows};
use self::lab::{ELSEWHERE, Frame, Lab, Socket};
use super::incoming::{self, Sender};

const MISMATCH: (i32, &str) = (1, "Sorry, token or password does not match login info");
const EXPIRED: (i32, &str) = (1, "Sorry, token expired");
/// It names the address, and asks nobody.
const FAR: (i32, &str) = (
    1,
    "the app far#away lives in the region 'na' and is served there alone: REST at https://chat.na.example.org, sessions at wss://im.na.example.org/websocket",
);
const MISSING: (i32, &str) = (4, "Sorry, a mandatory part is missing");

/// What who is not in it is told, of a group or room of the same app.
const OUTSIDER: (i32, &str) = (1, "not in group or chatroom");

fn people(tag: &str) -> [String; 2] {
    ["alice", "bob"].map(|name| format!("{tag}{name}"))
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Prints what the test command shows.
fn print(line: &str) {
    eprintln!("{line}");
}

impl Row {
    /// The objects of a place as this row has them.
    fn objects(&self, of_alice: &Objects) -> Objects {
        let mut objects = of_alice.clone();
        if self.of_bob {
            std::mem::swap(&mut objects.me, &mut objects.peer);
        }
        objects
    }
}

/// A login that must fail: its name, the app's key, the token, and what is said.
type Login = (&'static str, String, Option<String>, (i32, &'static str));

fn flipped(token: &str) -> String {
    let mut bytes = STANDARD.decode(token.strip_prefix("007").unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    format!("007{}", STANDARD.encode(bytes))
}

/// The logins of `me` that must fail, and none at all.
async fn logins(lab: &Lab, me: &str, other: &str) -> Vec<Login> {
    let (app, foreign) = (&*lab.app, &*lab.other);
    let back_end = lab.caller(app, None).await;
    let name = me.parse().unwrap();
    let old = lab.made(app, 60, 21).chat_user(me).build().unwrap();
    let before = lab.made(app, 3600, 22).chat_user(me).build().unwrap();
    lab.chat.revoke_user(&back_end, &name).await.unwrap();
    lab.clock.advance(Duration::from_secs(1));
    let without_overlap = lab.issued(app, me);
    lab.rotate_server_certificate(app, None);
    let overlap_is_over = lab.issued(app, me);
    lab.rotate_server_certificate(app, Some(Duration::from_secs(299)));
    // The clocks of back ends may be ahead, so what is made in the next minute is ended too.
    lab.clock.advance(Duration::from_secs(300));
    let revoked = lab.made(app, 3600, 23).chat_user(me).build().unwrap();
    lab.chat.authenticate(&app.key, &revoked).await.unwrap();
    lab.chat.revoke_token(&back_end, &revoked).await.unwrap();
    let class = lab.made(app, 3600, 7).room_user("class-7", me, 2).build().unwrap();
    let learner = lab.made(app, 3600, 7).education_user(me).build().unwrap();
    let school = lab.made(app, 3600, 7).education_app().build().unwrap();
    let key = |app: &App| app.key.to_string();
    let at = |name, token: String, told| (name, key(app), Some(token), told);
    vec![
        ("without a token", key(app), None, MISSING),
        at("with garbage", "007garbage".into(), MISMATCH),
        at("a bit flipped", flipped(&lab.token(app, Some(me))), MISMATCH),
        at("expired", old, EXPIRED),
        at("of another app", lab.token(foreign, Some(me)), MISMATCH),
        at("of another app's back end", lab.token(foreign, None), MISMATCH),
        at("another user's", lab.token(app, Some(other)), MISMATCH),
        at("the back end's", lab.token(app, None), MISMATCH),
        at("for a class room", class, MISMATCH),
        at("for the education service", learner, MISMATCH),
        at("for the education service, back end's", school, MISMATCH),
        at("revoked", revoked, MISMATCH),
        at("of before the user was revoked", before, MISMATCH),
        at("of a server certificate that had no overlap", without_overlap, MISMATCH),
        at("of a server certificate whose overlap is over", overlap_is_over, MISMATCH),
        ("good, at another app", key(foreign), Some(lab.token(app, Some(me))), MISMATCH),
        (
            "good, at an app of another region",
            ELSEWHERE.into(),
            Some(lab.token(app, Some(me))),
            FAR,
        ),
        ("bad, at an app of another region", ELSEWHERE.into(), Some("007garbage".into()), FAR),
    ]
}

/// All that comes until the connection is over.
async fn all(socket: &mut Socket) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(frame) = socket.next().await {
        frames.push(frame);
    }
    frames
}

#[tokio::test]
async fn every_command_behind_every_login_that_fails() {
    let lab = Lab::start().await;
    for app in [&lab.app, &lab.other] {
        lab.register(app, &people("y-")).await;
    }
    let [alice, bob] = people("y-");
    let mine = logins(&lab, &alice, &bob).await;
    let bobs = logins(&lab, &bob, &alice).await;
    let place = lab.place(&lab.app, "y-").await;
    let before = lab.everything().await;
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for row in rows() {
        let objects = row.objects(&place);
        let frame = (row.frame)(&objects, 77);
        for (name, app_key, token, (code, reason)) in if row.of_bob { &bobs } else { &mine } {
            cells += 1;
            let mut socket = lab.connect().await;
            // Both at once: what comes behind a login does not overtake it.
            socket.send(lab.login(app_key, &objects.me, token.as_deref())).await;
            socket.send(frame.clone()).await;
            let told = all(&mut socket).await;
            if told != [Frame::Provision(*code, (*reason).to_owned())] {
                wrong.push(format!("{} behind a login {name}: {told:?}", row.name));
            }
            if lab.everything().await != before {
                wrong.push(format!("{} behind a login {name}: something is stored", row.name));
            }
        }
        cells += 1;
        let mut socket = lab.connect().await;
        socket.send(frame).await;
        let told = all(&mut socket).await;
        if !told.is_empty() || lab.everything().await != before {
            wrong.push(format!("{} without a login: {told:?}", row.name));
        }
    }
    report(&wrong);
    print(&format!(
        "separation matrix of sessions: {} commands in {} rows, {cells} cells, all refused",
        COMMANDS.len(),
        rows().len()
    ));
}

#[test]
fn every_command_has_a_row() {
    let objects = Objects {
        app_key: "demo#stoa".into(),
        me: "alice".into(),
        peer: "bob".into(),
        group: "1".into(),
        room: "2".into(),
        note: 1,
        message: 2,
        said: 3,
    };
    let sender = Sender { app_key: &objects.app_key, user: &objects.me };
    // Logins are the columns.
    let mut covered = BTreeSet::from(["log in"]);
    for row in rows() {
        let read = incoming::read((row.frame)(&objects, 77), Some(sender)).unwrap();
        covered.insert(command(&read));
    }
    let missing: Vec<_> = COMMANDS.iter().filter(|name| !covered.contains(*name)).collect();
    assert!(missing.is_empty(), "commands without a row in the matrix: {missing:?}");
}

/// What the people `y-` have said, and how their group is called.
const HIDDEN: &[u8] = b"y-hidden";

/// What a command came to: code, text, and how many there are in a page. Nothing that comes before it is about
/// the people `y-`, unless it is one of them who asked.
async fn told(socket: &mut Socket, row: &Row, objects: &Objects, id: u64) -> (i32, String, usize) {
    socket.send((row.frame)(objects, id)).await;
    let probe = rows().into_iter().find(|row| row.name == "another namespace").unwrap();
    if row.answered == Answered::Not {
        socket.send((probe.frame)(objects, id + 1)).await;
    }
    loop {
        let frame = socket.next().await.unwrap_or_else(|| panic!("{}: cut off", row.name));
        if let Frame::Page(_, _, bytes) | Frame::List(bytes) | Frame::Other(bytes) = &frame {
            let theirs = bytes.windows(HIDDEN.len()).any(|words| words == HIDDEN);
            assert!(!theirs || objects.me.starts_with("y-"), "{}: tells of others", row.name);
        }
        match (row.answered, frame) {
            (Answered::Ack, Frame::Ack(of, code, reason)) if of == id => return (code, reason, 0),
            (Answered::Not, Frame::Ack(of, ..)) if of == id + 1 => return (0, String::new(), 0),
            (Answered::Page, Frame::Page(_, count, _)) => return (0, String::new(), count),
            (Answered::List, Frame::List(_)) => return (0, String::new(), 0),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_command_is_one_that_its_own_people_may_give() {
    for row in rows() {
        let lab = Lab::start().await;
        lab.register(&lab.app, &people("y-")).await;
        let objects = row.objects(&lab.place(&lab.app, "y-").await);
        let mut socket = lab.session(&lab.app, &objects.me).await;
        let (code, reason, count) = told(&mut socket, &row, &objects, 77).await;
        let good = row.name == "another namespace" || code == 0;
        assert!(good, "{}: {code} {reason}", row.name);
        let reads = row.answered == Answered::Page && row.parts != [Part::Room];
        assert!(!reads || count > 0, "{}: an empty page", row.name);
    }
}

/// Ids of the same form that were never given.
fn never(objects: &Objects) -> Objects {
    Objects {
        peer: "never-user".into(),
        group: "7300000000001".into(),
        room: "7300000000002".into(),
        note: 1_700_000_000_000_000_001,
        message: 1_700_000_000_000_000_002,
        said: 1_700_000_000_000_000_003,
        ..objects.clone()
    }
}

/// Each of `parts` alone, and all together.
fn choices(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut choices: Vec<Vec<Part>> = parts.iter().map(|part| vec![*part]).collect();
    if parts.len() > 1 {
        choices.push(parts);
    }
    choices
}

/// What somebody of our place is told whose command names objects of theirs, or of none.
struct Tried {
    told: (i32, String, usize),
    /// How many stored rows are new, other than before, and gone.
    changes: [usize; 3],
    /// Whether some of those are of the app `demo#stoa`.
    theirs_changed: bool,
}

type Rows = BTreeMap<Bytes, Bytes>;

fn changes(before: &Rows, after: &Rows) -> [usize; 3] {
    let count =
        |one: &Rows, other: &Rows| one.keys().filter(|key| !other.contains_key(*key)).count();
    let altered = before.iter().filter(|(key, row)| after.get(*key).is_some_and(|now| now != *row));
    [count(after, before), altered.count(), count(before, after)]
}

/// Tries a row in a session of the people `x-`, in `of_another_app` or in the same as the people `y-`.
async fn attempt(row: &Row, parts: &[Part], of_another_app: bool, of_theirs: bool) -> Tried {
    let lab = Lab::start().await;
    let app = if of_another_app { &lab.other } else { &lab.app };
    lab.register(&lab.app, &people("y-")).await;
    lab.register(app, &people("x-")).await;
    let theirs = row.objects(&lab.place(&lab.app, "y-").await);
    let ours = row.objects(&lab.place(app, "x-").await);
    let given = if of_theirs { theirs } else { never(&ours) };
    let mut socket = lab.session(app, &ours.me).await;
    let before = lab.everything().await;
    let told = told(&mut socket, row, &ours.with(parts, &given), 77).await;
    let after = lab.everything().await;
    let number = lab.app.number.0.to_be_bytes();
    let of_app = |rows: &Rows| {
        let mut rows = rows.clone();
        rows.retain(|key, _| key.get(1..5) == Some(&number));
        rows
    };
    let theirs_changed = of_app(&before) != of_app(&after);
    Tried { told, changes: changes(&before, &after), theirs_changed }
}

#[tokio::test]
async fn what_is_another_apps_answers_as_what_is_not() {
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for row in rows() {
        for parts in choices(row.parts.to_vec()) {
            cells += 1;
            let foreign = attempt(&row, &parts, true, true).await;
            let none = attempt(&row, &parts, true, false).await;
            if foreign.told != none.told || foreign.theirs_changed {
                let (foreign, none) = (foreign.told, none.told);
                wrong.push(format!("{} with {parts:?}: {foreign:?} instead of {none:?}", row.name));
            }
        }
    }
    report(&wrong);
    print(&format!(
        "separation of apps in sessions: {cells} commands with another app's objects, answered as with none"
    ));
}

#[tokio::test]
async fn who_is_in_one_channel_reaches_no_other() {
    let (mut wrong, mut cells, mut open) = (Vec::new(), 0, 0);
    for row in rows() {
        // Everybody may write to everybody in an app: that is no channel of others.
        let parts = row.parts.iter().copied().filter(|part| *part != Part::Peer).collect();
        for parts in choices(parts) {
            cells += 1;
            let got = attempt(&row, &parts, false, true).await;
            if row.open.is_some() {
                open += 1;
                continue;
            }
            let none = attempt(&row, &parts, false, false).await;
            let refused = (got.told.0, &*got.told.1) == OUTSIDER;
            if got.told != none.told && !refused {
                let (got, none) = (&got.told, none.told);
                wrong.push(format!("{} with {parts:?}: {got:?} instead of {none:?}", row.name));
            }
            // Where it is done as for none, only what is one's own is stored: the same as for none.
            let may_change = if got.told.0 == 0 { none.changes } else { [0; 3] };
            if got.changes != may_change {
                let (name, changes) = (row.name, got.changes);
                wrong
                    .push(format!("{name} with {parts:?}: {changes:?} stored, not {may_change:?}"));
            }
        }
    }
    report(&wrong);
    print(&format!(
        "separation of channels in sessions: {cells} commands with another channel's objects, {open} of them open to the whole app"
    ));
}
