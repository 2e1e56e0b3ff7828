//! What several operations on groups and rooms share: names that come in, outcomes that go out.

use serde_json::{Value, json};
use stoa_chat::PerUser;
use stoa_core::{GroupId, Refusal, UserId, limits};

use crate::error::Failure;
use crate::json::Object;

/// A user's name in the field `field`.
///
/// # Errors
/// 400 for a text that is no name.
pub(crate) fn name(field: &str, text: &str) -> Result<UserId, Failure> {
    text.trim().parse().map_err(|error| {
        let shown: String = text.chars().take(UserId::MAX).collect();
        Failure::argument(format!("{field}: '{shown}' is not legal: {error}"))
    })
}

/// The users that the path names, separated by commas.
///
/// # Errors
/// 400 for a text that is no name, and for more than 60.
pub(crate) fn path_names(text: &str) -> Result<Vec<UserId>, Failure> {
    if text.split(',').count() > limits::GROUP_BATCH {
        let most = limits::GROUP_BATCH;
        return Err(Failure::argument(format!("the path names more than {most} users")));
    }
    text.split(',').map(|text| name("username", text)).collect()
}

/// The users in the body's list `usernames`.
///
/// # Errors
/// 400 for another type, a text that is no name, and for none or more than 60.
pub(crate) fn body_names(body: &mut Object) -> Result<Vec<UserId>, Failure> {
    let texts = body.texts("usernames", 1..=limits::GROUP_BATCH)?;
    let named = texts.iter().enumerate();
    named.map(|(at, text)| name(&format!("usernames[{at}]"), text)).collect()
}

/// What an answer about a list calls the id.
const fn id_field(group: &GroupId) -> &'static str {
    if group.is_room() { "chatroomid" } else { "groupid" }
}

/// What became of one user, as an object of `action`.
fn row(
    group: &GroupId,
    action: &str,
    user: &UserId,
    outcome: Result<(), stoa_chat::Error>,
) -> Value {
    let (id, user) = (id_field(group), user.as_str());
    let group = group.as_str();
    let mut row = json!({ "result": true, "action": action, "user": user, id: group });
    if let Err(error) = outcome {
        let failure = Failure::from(error);
        row["result"] = false.into();
        row["reason"] = match failure.refusal() {
            Refusal::NotInGroup => format!("user: {user} doesn't exist in group: {group}").into(),
            _ => failure.text().into(),
        };
    }
    row
}

/// What became of each user, as a list.
pub(crate) fn rows(group: &GroupId, action: &str, outcomes: PerUser) -> Value {
    let rows = outcomes.into_iter().map(|(user, outcome)| row(group, action, &user, outcome));
    Value::Array(rows.collect())
}

/// What became of the only user, as an object.
///
/// # Errors
/// Why it was not done.
pub(crate) fn only_row(group: &GroupId, action: &str, outcomes: PerUser) -> Result<Value, Failure> {
    let Some((user, outcome)) = outcomes.into_iter().next() else {
        return Err(Failure::of(Refusal::Internal));
    };
    outcome?;
    Ok(row(group, action, &user, Ok(())))
}

/// Names as a list.
pub(crate) fn names(users: &[UserId]) -> Value {
    users.iter().map(UserId::as_str).collect()
}
