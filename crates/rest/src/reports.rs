//! Reports of messages (msync section 9.14), and reading them, which is Stoa's own.

use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};
use stoa_chat::Error;
use stoa_core::MessageId;

use crate::auth::{AnyCaller, AppCaller};
use crate::body::JsonObject;
use crate::conversations::kind_of;
use crate::error::Failure;
use crate::path::{MessagePath, UserPath};
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;
use crate::{Rest, users};

/// The routes of this subject.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/user/{user}/moderation/report/message/{message}", post(report))
        .route("/moderation/reports", get(list))
}

/// `POST /{org}/{app}/user/{user}/moderation/report/message/{message}`: reports a message that the user
/// has. Body: `reportType` (up to 64 bytes), `reportReason` (up to 512 bytes).
///
/// Errors: 400 by field and for a message that the user does not have, 401, 403 where the plan has no
/// reports.
async fn report(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    MessagePath(message): MessagePath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let unknown = || Failure::argument("report failed, get message by id failed");
    let message: MessageId = message.parse().map_err(|_| unknown())?;
    let label = body.optional_text("reportType")?.unwrap_or_default();
    let reason = body.optional_text("reportReason")?.unwrap_or_default();
    let reported = rest.chat.report_message(&caller, message, &label, &reason).await;
    reported.map_err(|error| match error {
        Error::UnknownMessage => unknown(),
        error => error.into(),
    })?;
    Ok(Full::of(&*caller).data(json!({ "result": "ok" })).into())
}

/// `GET /{org}/{app}/moderation/reports?limit=&cursor=`: the app's reports, those of the newest
/// messages first. `limit` is 1 to 100, 10 by default.
///
/// Errors: 400 by field, 401 without an app token.
async fn list(State(rest): State<Rest>, caller: AppCaller, query: Query) -> Outcome {
    let page = rest.chat.reports(&caller, query.get("cursor")?, query.limit()?).await?;
    let reports = page.reports.iter().map(|report| {
        json!({
            "msg_id": report.message.to_string(),
            "reporter": report.reporter.as_str(),
            "to": report.conversation.name(),
            "chat_type": kind_of(&report.conversation),
            "report_type": report.label,
            "report_reason": report.reason,
            "timestamp": report.at.as_millis(),
        })
    });
    let reports: Vec<Value> = reports.collect();
    let count = reports.len();
    Ok(Full::of(&*caller).data(reports.into()).count(count).cursor(page.next).into())
}
