//! Widgets: their records, polls, quizzes, countdowns, the board's windows.

use axum::extract::State;
use axum::routing::{delete, get, post, put};
use serde_json::{Value, json};
use stoa_classroom::room::{RecordList, Turn};
use stoa_classroom::{PAGE, Refusal};
use stoa_core::UserUuid;

use super::answer::{ClassFailure, Outcome, done};
use super::door::ClassCall;
use super::rooms::whole;
use super::value::{self, ClassBody, texts, tree_of};
use crate::Rest;
use crate::json::{Json, Object};
use crate::routes::Routes;

/// These paths.
pub(super) fn routes() -> Routes {
    let widgets = "/v2/rooms/{room}/widgets";
    let at = |path: &str| format!("{widgets}/{path}");
    Routes::new()
        .route(&at("{widget}"), put(set).delete(remove))
        .route(&at("{widget}/extra"), delete(remove_extra))
        .route(&at("{widget}/users/{user}"), put(set_own).delete(remove_own))
        .route(&at("popupQuizs/start"), post(start_quiz))
        .route(&at("popupQuizs/{id}/stop"), post(stop_quiz))
        .route(&at("popupQuizs/{id}/correctItems"), put(set_correct))
        .route(&at("popupQuizs/{id}/users"), get(quiz_answers))
        .route(&at("popupQuizs/{id}/users/{user}"), put(answer_quiz))
        .route(&at("popupQuiz/sequences"), get(quiz_records))
        .route(&at("polls/start"), post(start_poll))
        .route(&at("polls/{id}/users/{user}"), post(answer_poll))
        .route(&at("polls/{id}/stop"), post(stop_poll))
        .route(&at("poll/sequences"), get(poll_records))
        .route(&at("countdownTimer/start"), post(start_countdown))
        .route(&at("countdownTimer/{id}/pause"), put(pause_countdown))
        .route(&at("countdownTimer/{id}/continue"), put(continue_countdown))
        .route(&at("countdownTimer/{id}/stop"), put(stop_countdown))
        .route(&at("netlessBoard/windowManager"), get(windows).put(set_windows))
}

/// An act on what is named in the path.
async fn on(
    rest: &Rest,
    call: &ClassCall,
    name: &'static str,
    act: impl FnOnce(&mut Turn<'_>, &str) -> Result<(), Refusal> + Send + 'static,
) -> Outcome {
    let id = call.text(name).to_owned();
    call.act(rest, move |turn| act(turn, &id)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}

/// An act that makes something, whose id is answered as `field`.
async fn made(
    rest: &Rest,
    call: &ClassCall,
    field: &str,
    act: impl FnOnce(&mut Turn<'_>) -> Result<String, Refusal> + Send + 'static,
) -> Outcome {
    let id = call.act(rest, act).await?;
    let data = [(field.to_owned(), id.into())].into_iter().collect();
    Ok(done(rest.classroom.clock().now(), Value::Object(data)))
}

/// Row 41.
async fn set(State(rest): State<Rest>, call: ClassCall, ClassBody(mut body): ClassBody) -> Outcome {
    let cause = value::any(&mut body, "cause");
    let record = tree_of(body);
    on(&rest, &call, "widget", move |turn, id| turn.set_widget(id, record, &cause)).await
}

/// Row 42.
async fn remove(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "widget", |turn, id| turn.remove_widget(id)).await
}

/// Row 43.
async fn remove_extra(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let keys = body.texts("properties", 1..=100).map_err(ClassFailure::from)?;
    on(&rest, &call, "widget", move |turn, id| turn.remove_widget_extra(id, &keys)).await
}

/// Row 44 by `PUT`.
async fn set_own(State(rest): State<Rest>, call: ClassCall, ClassBody(body): ClassBody) -> Outcome {
    let (user, record) = (call.user()?, tree_of(body));
    on(&rest, &call, "widget", move |turn, id| turn.set_user_widget(&user, id, record)).await
}

/// Row 44 by `DELETE`.
async fn remove_own(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let user = call.user()?;
    let keys = body.texts("properties", 1..=100).map_err(ClassFailure::from)?;
    on(&rest, &call, "widget", move |turn, id| turn.remove_user_widget(&user, id, &keys)).await
}

fn position(body: &mut Object) -> Option<Value> {
    body.any("position").map(value::value)
}

/// Row 45: starts a quiz.
async fn start_quiz(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (items, correct) = (texts(&mut body, "items")?, texts(&mut body, "correctItems")?);
    let at = position(&mut body);
    made(&rest, &call, "popupQuizId", move |turn| turn.start_quiz(&items, &correct, at)).await
}

/// Row 45: ends a quiz.
async fn stop_quiz(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "id", |turn, id| turn.stop_quiz(id)).await
}

/// Row 45: says what is right.
async fn set_correct(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let correct = texts(&mut body, "correctItems")?;
    on(&rest, &call, "id", move |turn, id| turn.set_quiz_correct(id, &correct)).await
}

/// Row 45: a student's answer.
async fn answer_quiz(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let (user, selected) = (call.user()?, texts(&mut body, "selectedItems")?);
    on(&rest, &call, "id", move |turn, id| turn.answer_quiz(id, &user, &selected)).await
}

/// Row 45: who answered what.
async fn quiz_answers(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let after = call.query.get("nextId")?.map(str::parse::<UserUuid>).transpose();
    let after = after.map_err(|_| Refusal::argument("nextId: must be one that an answer gave"))?;
    let most = call.query.whole("count", 1..=usize::MAX, PAGE)?.min(PAGE);
    let id = call.text("id").to_owned();
    let (list, next) =
        call.act(&rest, move |turn| turn.quiz_answers(&id, after.as_ref(), most)).await?;
    let data = json!({"list": list, "nextId": next.as_ref().map(UserUuid::as_str)});
    Ok(done(rest.classroom.clock().now(), data))
}

/// Row 16.
async fn quiz_records(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    records(&rest, &call, RecordList::Quiz).await
}

/// Row 17.
async fn poll_records(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    records(&rest, &call, RecordList::Poll).await
}

async fn records(rest: &Rest, call: &ClassCall, list: RecordList) -> Outcome {
    let room = call.room()?;
    call.act(rest, |turn| if turn.by.is_teaching() { Ok(()) } else { Err(Refusal::NotAllowed) })
        .await?;
    let after = after(call)?;
    let most = call.query.whole("count", 1..=usize::MAX, PAGE)?.min(PAGE);
    let found = rest.classroom.records(&call.caller, &room, &list, after, false, most).await?;
    let (list, next) = found;
    let list: Vec<Value> = list.into_iter().map(|(_, record)| record).collect();
    let next = next.map(|next| next.to_string());
    let data = json!({"count": list.len(), "nextId": next, "list": list});
    Ok(done(rest.classroom.clock().now(), data))
}

/// The number behind which a page begins.
pub(super) fn after(call: &ClassCall) -> Result<Option<u64>, ClassFailure> {
    let after = call.query.get("nextId")?.map(str::parse::<u64>).transpose();
    after.map_err(|_| Refusal::argument("nextId: must be one that an answer gave").into())
}

/// Row 46: starts a poll.
async fn start_poll(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let mode = whole(&mut body, "mode")?;
    let mode = mode.ok_or_else(|| body.refuse("mode", "is required and must be 1 or 2"))?;
    let (items, title) = (texts(&mut body, "pollItems")?, body.text("pollTitle")?);
    let at = position(&mut body);
    made(&rest, &call, "pollId", move |turn| turn.start_poll(mode, &items, &title, at)).await
}

/// Row 46: a student's answer.
async fn answer_poll(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let user = call.user()?;
    let what = "is required and must be a list of whole numbers";
    let chosen = match body.any("selectIndex") {
        Some(Json::List(list)) => {
            let number = |json: Json| match json {
                Json::Whole(number) => Some(number),
                _ => None,
            };
            list.into_iter().map(number).collect::<Option<Vec<u64>>>()
        }
        _ => None,
    };
    let chosen = chosen.ok_or_else(|| body.refuse("selectIndex", what))?;
    let id = call.text("id").to_owned();
    let act = move |turn: &mut Turn<'_>| turn.answer_poll(&id, &user, &chosen).map(|()| id);
    made(&rest, &call, "pollId", act).await
}

/// Row 46: ends a poll.
async fn stop_poll(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "id", |turn, id| turn.stop_poll(id)).await
}

/// Row 47: starts a countdown.
async fn start_countdown(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(mut body): ClassBody,
) -> Outcome {
    let seconds = whole(&mut body, "duration")?;
    let what = "is required and must be a number of seconds";
    let seconds = seconds.ok_or_else(|| body.refuse("duration", what))?;
    let at = position(&mut body);
    made(&rest, &call, "countdownTimerId", move |turn| turn.start_countdown(seconds, at)).await
}

/// Row 47: holds it.
async fn pause_countdown(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "id", |turn, id| turn.pause_countdown(id)).await
}

/// Row 47: lets it go on.
async fn continue_countdown(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "id", |turn, id| turn.continue_countdown(id)).await
}

/// Row 47: ends it.
async fn stop_countdown(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    on(&rest, &call, "id", |turn, id| turn.stop_countdown(id)).await
}

/// Row 48: how the windows on the board stand.
async fn windows(State(rest): State<Rest>, call: ClassCall) -> Outcome {
    let windows = call.act(&rest, |turn| Ok(turn.room.board_windows.clone())).await?;
    Ok(done(rest.classroom.clock().now(), windows))
}

/// Row 48: keeps how they stand.
async fn set_windows(
    State(rest): State<Rest>,
    call: ClassCall,
    ClassBody(body): ClassBody,
) -> Outcome {
    let windows = Value::Object(tree_of(body));
    call.act(&rest, move |turn| turn.set_board_windows(windows)).await?;
    Ok(done(rest.classroom.clock().now(), Value::Null))
}
