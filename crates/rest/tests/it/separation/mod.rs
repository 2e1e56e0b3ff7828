//! The separation matrix: every endpoint, by everybody, and what comes of it.
//!
//! The rows are calls that are allowed to somebody (`rows`), the columns are tokens (`tokens`). A refusal is the one
//! that the row's kind makes expected, and changes not one stored row and no file. That an endpoint has no row, or a
//! row no endpoint, fails. Two further tables put objects of another app, and of a channel that one is not in, into
//! the same calls.

mod classes;
mod place;
mod row;
mod rows;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use stoa_core::{App, AppNumber, AuthPolicy};
use stoa_store::engine::{Direction, Engine, Memory, Span};
use stoa_store::spaces;

use self::place::{Ids, Place};
use self::row::{Outcome, Row};
use self::rows::rows;
use self::tokens::{Old, Shown, columns, come_into_class};
use crate::lab::{Answer, Call, Lab};

/// The methods that an endpoint can have.
const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];

/// A lab whose every stored row can be looked at.
struct Bench {
    lab: Lab,
    engine: Arc<Memory>,
}

/// All that is stored: rows as they lie there, sealed, and files.
type Everything = (BTreeMap<Bytes, Bytes>, BTreeSet<PathBuf>);

impl Bench {
    fn new() -> Self {
        let engine = Arc::new(Memory::new());
        Self { lab: Lab::over(engine.clone(), AuthPolicy::TokenOrPassword), engine }
    }

    /// Everything stored: two that are the same mean that nothing was written. But for the audit log, in which
    /// refusals are meant to stand.
    async fn everything(&self) -> Everything {
        let view = self.engine.snapshot().await.unwrap();
        let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
        let mut files = BTreeSet::new();
        list(self.lab.files.path(), &mut files);
        let log = [spaces::AUDIT_ENTRIES.code, spaces::AUDIT_HEAD.code];
        let told = |key: &Bytes| key.first().is_some_and(|code| log.contains(code));
        (rows.into_iter().filter(|(key, _)| !told(key)).collect(), files)
    }

    /// The stored rows of one app.
    async fn rows_of(&self, app: AppNumber) -> BTreeMap<Bytes, Bytes> {
        let (mut rows, _) = self.everything().await;
        let prefix = app.0.to_be_bytes();
        rows.retain(|key, _| key.get(1..5) == Some(&prefix));
        rows
    }

    async fn place(&self, app: &Arc<App>, tag: &str, row: &Row) -> Place {
        let ids = Place::people(&self.lab, app, tag).await;
        let place = Place::make(&self.lab, app, tag, ids).await;
        place.prepare(&self.lab, row).await;
        place
    }

    async fn make(&self, row: &Row, ids: &Ids, token: Option<&str>) -> Answer {
        let call = row.call(ids);
        self.lab.call(if let Some(token) = token { call.token(token) } else { call }).await
    }
}

/// The files below `at`.
fn list(at: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.insert(path);
        }
    }
}

/// What an answer says, in short.
fn told(answer: &Answer) -> Told {
    let text = answer.body["error_description"].as_str().unwrap_or_default();
    (answer.status.as_u16(), text.to_owned())
}

/// Status and text of an answer.
type Told = (u16, String);

fn is(outcome: Outcome, answer: &Answer, ids: &Ids) -> bool {
    let (status, text) = told(answer);
    match outcome {
        Outcome::Done => status == 200,
        Outcome::Refused((code, words)) => status == code && text == ids.fill(words),
    }
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Prints what the test command shows.
#[expect(clippy::print_stderr, reason = "the numbers are what the test command shows")]
fn print(line: &str) {
    eprintln!("{line}");
}

/// The endpoints that are served: each method of each path.
async fn endpoints() -> BTreeSet<String> {
    let lab = Lab::new();
    let mut endpoints = BTreeSet::new();
    for path in stoa_rest::paths() {
        for method in METHODS {
            // No variable is looked at before the method is.
            let concrete = path.replace("{region}", "eu").replace(['{', '}'], "");
            let call = Call::new(method.clone(), &format!("/{concrete}"));
            let answer = lab.call(call).await;
            assert_ne!(answer.body["error_description"], "no such path", "{path}");
            assert_ne!(answer.body["msg"], "no such path", "{path}");
            if answer.status != 405 {
                endpoints.insert(format!("{method} {path}"));
            }
        }
    }
    endpoints
}

#[tokio::test]
async fn every_endpoint_has_a_row_and_every_row_an_endpoint() {
    let served = endpoints().await;
    let mut rows: BTreeSet<String> =
        rows().iter().map(|row| format!("{} {}", row.method, row.template())).collect();
    rows.extend(classes::templates());
    let missing: Vec<&String> = served.difference(&rows).collect();
    let gone: Vec<&String> = rows.difference(&served).collect();
    assert!(missing.is_empty(), "endpoints without a row in the matrix: {missing:#?}");
    assert!(gone.is_empty(), "rows of endpoints that there are not: {gone:#?}");
}

/// The lab of one row, its place and its columns.
async fn set_up(row: &Row) -> (Bench, Place, Vec<Shown>) {
    let bench = Bench::new();
    let (app, foreign) = (bench.lab.app.clone(), bench.lab.other.clone());
    let ids = Place::people(&bench.lab, &app, "y-").await;
    // The same names are people of the other app, too.
    Place::people(&bench.lab, &foreign, "y-").await;
    let old = Old::make(&bench.lab, &app, ids.of(row.me)).await;
    let place = Place::make(&bench.lab, &app, "y-", ids).await;
    place.prepare(&bench.lab, row).await;
    let other = if row.me == "carl" { "dave" } else { "carl" };
    come_into_class(&bench.lab, &app, place.ids.of(row.me)).await;
    let columns = columns(&bench.lab, (&app, &foreign), &place.ids, (row.me, other), old);
    (bench, place, columns)
}

/// What came of some rows.
#[derive(Default)]
struct Judged {
    wrong: Vec<String>,
    rows: usize,
    cells: usize,
    refused: usize,
}

/// Every one of `rows` by every token.
async fn judged(rows: impl Iterator<Item = Row>) -> Judged {
    let mut judged = Judged::default();
    for row in &rows.collect::<Vec<_>>() {
        judged.rows += 1;
        let (bench, place, columns) = set_up(row).await;
        let before = bench.everything().await;
        for (index, (name, token, column)) in columns.iter().enumerate() {
            judged.cells += 1;
            let expected = column.expected(row);
            let cell = || format!("{} with {name}", row.name());
            if expected == Outcome::Done {
                // What is done changes the place: each in one of its own.
                let (bench, place, columns) = set_up(row).await;
                let answer = bench.make(row, &place.ids, columns[index].1.as_deref()).await;
                if !is(expected, &answer, &place.ids) {
                    judged.wrong.push(format!("{}: {:?} instead of 200", cell(), told(&answer)));
                }
                continue;
            }
            judged.refused += 1;
            let answer = bench.make(row, &place.ids, token.as_deref()).await;
            if !is(expected, &answer, &place.ids) {
                let told = told(&answer);
                judged.wrong.push(format!("{}: {told:?} instead of {expected:?}", cell()));
            }
            if bench.everything().await != before {
                let what = "something that is stored is other than before";
                judged.wrong.push(format!("{}: {what}", cell()));
            }
        }
    }
    judged
}

/// By two threads, because it is the longest.
#[test]
fn every_endpoint_by_every_token() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [even, odd] = [0, 1].map(|first| {
        let rows = move || rows().into_iter().skip(first).step_by(2);
        std::thread::spawn(move || runtime().block_on(judged(rows())))
    });
    let [even, odd] = [even, odd].map(|thread| thread.join().unwrap());
    report(&[even.wrong, odd.wrong].concat());
    let (rows, cells) = (even.rows + odd.rows, even.cells + odd.cells);
    let refused = even.refused + odd.refused;
    let endpoints = runtime().block_on(endpoints()).len();
    print(&format!(
        "separation matrix: {endpoints} endpoints in {rows} rows × {} = {cells} cells, {refused} refused",
        cells / rows
    ));
}

/// An app of another data centre: every call is told where it is served, whoever makes it, and nobody is looked up.
#[tokio::test]
async fn every_endpoint_of_another_regions_app_says_where_that_is() {
    let (mut wrong, mut cells) = (Vec::new(), 0);
    let of_an_app = |row: &Row| row.template().starts_with("/{org}/{app}/");
    for row in rows().into_iter().filter(of_an_app) {
        let (bench, place, columns) = set_up(&row).await;
        let mut ids = place.ids.clone();
        ids.set("org", "far");
        ids.set("app", "away");
        let before = bench.everything().await;
        let mut first = None;
        for (name, token, _) in &columns {
            cells += 1;
            let answer = bench.make(&row, &ids, token.as_deref()).await;
            let (at, error) = (answer.header("location"), &answer.body["error"]);
            let right = answer.status == 421
                && at == "https://chat.na.example.org"
                && error == "region_mismatch"
                && first.get_or_insert_with(|| answer.bytes.clone()) == &answer.bytes;
            if !right {
                wrong.push(format!("{} with {name}: {:?}", row.name(), told(&answer)));
            }
        }
        if bench.everything().await != before {
            wrong.push(format!("{}: something that is stored is other than before", row.name()));
        }
    }
    report(&wrong);
    print(&format!(
        "separation of regions: {cells} calls to an app of another region, all directed there"
    ));
}

/// What names no object.
const PLAIN: &[&str] = &["org", "app", "fresh", "now", "batch", "seconds", "one"];

/// Each of `names` alone, and all together.
fn choices(names: Vec<&'static str>) -> Vec<Vec<&'static str>> {
    let mut choices: Vec<Vec<&str>> = names.iter().map(|name| vec![*name]).collect();
    if names.len() > 1 {
        choices.push(names);
    }
    choices
}

/// The answer's text, in which the ids of `names` are only called what they are.
fn normal(answer: &Answer, names: &[&'static str], ids: &Ids) -> (u16, String) {
    let text = String::from_utf8_lossy(&answer.bytes);
    (answer.status.as_u16(), ids.hide(names, &text))
}

/// Who is told something, and what. Of two places whose ids are the same.
type Cell = (String, (u16, String));

/// What our people and our back end are told when, in `row`, each object is the one of `theirs` (or one that
/// there never was), alone and with all others.
async fn with_objects_of_another_app(row: &Row, of_theirs: bool) -> Result<Vec<Cell>, String> {
    let bench = Bench::new();
    let (theirs, ours) = (bench.lab.app.clone(), bench.lab.other.clone());
    let theirs = bench.place(&theirs, "a-", row).await;
    let ours = bench.place(&ours, "b-", row).await;
    let objects = if of_theirs { theirs.ids.clone() } else { ours.ids.never() };
    let names: Vec<&'static str> =
        row.placeholders(&ours.ids).into_iter().filter(|name| !PLAIN.contains(name)).collect();
    let before = bench.rows_of(theirs.app.number).await;
    let mut cells = Vec::new();
    for names in choices(names) {
        let ids = ours.ids.with(&names, &objects);
        for who in [Some(ours.ids.of(row.me)), None] {
            let token = bench.lab.token_of(&ours.app, who);
            let answer = bench.make(row, &ids, Some(&token)).await;
            let cell = format!("{} with another app's {names:?} as {who:?}", row.name());
            cells.push((cell, normal(&answer, &names, &ids)));
        }
    }
    if bench.rows_of(theirs.app.number).await != before {
        return Err(format!("{}: the other app has other rows than before", row.name()));
    }
    Ok(cells)
}

#[tokio::test]
async fn what_is_another_apps_answers_as_what_is_not() {
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for row in rows() {
        // The two are the same in all but the objects: so they are also after what calls before have changed.
        let foreign = with_objects_of_another_app(&row, true).await;
        let none = with_objects_of_another_app(&row, false).await;
        match (foreign, none) {
            (Ok(foreign), Ok(none)) => {
                assert_eq!(foreign.len(), none.len());
                for ((cell, got), (_, expected)) in foreign.into_iter().zip(none) {
                    cells += 1;
                    if got != expected {
                        wrong.push(format!("{cell}: {got:?}\n    instead of {expected:?}"));
                    }
                }
            }
            (foreign, none) => wrong.extend(foreign.err().into_iter().chain(none.err())),
        }
    }
    report(&wrong);
    print(&format!(
        "separation of apps: {cells} calls with another app's objects, answered as with none"
    ));
}

/// What is in a channel, or belongs to a conversation.
const OF_A_CHANNEL: &[&str] =
    &["group", "room", "note", "message", "said", "file", "upload", "shared", "poster"];

/// All that the owner and the back end of a channel can read of it.
async fn view(bench: &Bench, place: &Place) -> Vec<(String, String)> {
    let mut view = Vec::new();
    for row in rows() {
        let reads = row.method == Method::GET && row.me == "user" && row.before.is_empty();
        let names = row.placeholders(&place.ids);
        if !reads || !names.iter().any(|name| OF_A_CHANNEL.contains(name)) {
            continue;
        }
        let token = bench.lab.token_of(&place.app, Some(place.ids.of("user")));
        let answer = bench.make(&row, &place.ids, Some(&token)).await;
        view.push((row.name(), String::from_utf8_lossy(&answer.bytes).into_owned()));
    }
    view
}

#[tokio::test]
async fn who_is_in_one_channel_reaches_no_other() {
    let (mut wrong, mut cells, mut open) = (Vec::new(), 0, 0);
    for row in rows() {
        let names = row.placeholders(&Ids::all());
        let names: Vec<&'static str> =
            names.into_iter().filter(|name| OF_A_CHANNEL.contains(name)).collect();
        if names.is_empty() || !row.may.token {
            continue;
        }
        let bench = Bench::new();
        let app = bench.lab.app.clone();
        let theirs = bench.place(&app, "y-", &row).await;
        let ours = bench.place(&app, "x-", &row).await;
        let never = ours.ids.never();
        let token = bench.lab.token_of(&app, Some(ours.ids.of(row.me)));
        let seen = view(&bench, &theirs).await;
        for names in choices(names) {
            cells += 1;
            let ids = ours.ids.with(&names, &theirs.ids);
            let before = bench.everything().await;
            let got = bench.make(&row, &ids, Some(&token)).await;
            let unchanged = bench.everything().await == before;
            if row.open.is_some() && got.status == 200 {
                open += 1;
                continue;
            }
            let none = ours.ids.with(&names, &never);
            let nothing = bench.make(&row, &none, Some(&token)).await;
            let cell = format!("{} with another channel's {names:?}", row.name());
            let as_for_none = normal(&got, &names, &ids) == normal(&nothing, &names, &none);
            let refusals = [Some(row.may.other), row.outsider].into_iter().flatten();
            let mut refusals =
                refusals.filter(|told| *told != Outcome::Done || row.outsider.is_some());
            let as_outsider = refusals.any(|told| is(told, &got, &ids));
            if !as_for_none && !as_outsider {
                let (got, none) = (told(&got), told(&nothing));
                wrong.push(format!("{cell}: {got:?}\n    instead of {none:?}"));
            }
            if String::from_utf8_lossy(&got.bytes).contains("y-") {
                wrong.push(format!("{cell}: tells {}", String::from_utf8_lossy(&got.bytes)));
            }
            if got.status != 200 && !unchanged {
                wrong.push(format!("{cell}: something that is stored is other than before"));
            }
        }
        if row.open.is_none() && view(&bench, &theirs).await != seen {
            wrong.push(format!("{}: the other channel is other than before", row.name()));
        }
    }
    report(&wrong);
    print(&format!(
        "separation of channels: {cells} calls with another channel's objects, {open} of them open to the whole app"
    ));
}
