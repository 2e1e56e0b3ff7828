//! Processes: who asks or was asked, and who was accepted (classroom specification, sections 2.4 and 2.6).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{Timestamp, UserUuid};

use crate::{Refusal, millis};

/// How many may ask at once.
pub const MAX_WAIT: usize = 10;
/// How many may be invited at once.
pub(crate) const MAX_INVITED: usize = 100;
/// The longest that an answer is awaited, in seconds, unless until it comes.
pub const LONGEST_WAIT_S: i64 = 3600;
/// The most bytes of what an asker says, as JSON.
pub const PAYLOAD_BYTES: usize = 4096;

/// Somebody who asks, or was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who.
    #[serde(with = "millis::name")]
    pub user: UserUuid,
    /// The name that is shown to people, as it was then.
    pub name: String,
    /// Since when.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// Until when; none: until it is answered.
    #[serde(with = "millis::optional")]
    pub until: Option<Timestamp>,
    /// What was said with it, unread.
    pub payload: Value,
    /// Whether the user was asked, and does not ask itself.
    pub invited: bool,
}

impl Waiting {
    /// As it stands in `progress`.
    pub(crate) fn view(&self) -> Value {
        json!({
            "userUuid": self.user.as_str(),
            "userName": self.name,
            "ts": self.at.as_millis(),
            "payload": self.payload,
        })
    }

    /// As it stands in causes and events.
    pub(crate) fn brief(&self) -> Value {
        json!({"userUuid": self.user.as_str(), "payload": self.payload})
    }
}

/// Those who wait, as `progress`.
pub(crate) fn views(waiting: &[Waiting]) -> Value {
    waiting.iter().map(Waiting::view).collect()
}

/// Users by name alone.
pub(crate) fn names(users: &[UserUuid]) -> Value {
    users.iter().map(|user| json!({"userUuid": user.as_str()})).collect()
}

/// Until when an answer is awaited that has `timeout_s` seconds, or as long as it takes (-1).
pub(crate) fn until(timeout_s: i64, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    match u64::try_from(timeout_s) {
        Ok(s) if (1..=LONGEST_WAIT_S).contains(&timeout_s) => {
            Ok(Some(at.plus(Duration::from_secs(s))))
        }
        _ if timeout_s == -1 => Ok(None),
        _ => {
            let what = format!("timeout: must be 1 to {LONGEST_WAIT_S} seconds, or -1");
            Err(Refusal::argument(what))
        }
    }
}

/// What is said with an act.
pub(crate) fn check_payload(payload: &Value) -> Result<(), Refusal> {
    if payload.to_string().len() > PAYLOAD_BYTES {
        return Err(Refusal::argument(format!("payload: at most {PAYLOAD_BYTES} bytes")));
    }
    Ok(())
}

/// What happened to those who wait, or to those who were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Ask = 1,
    Accept = 2,
    Refuse = 3,
    Cancel = 4,
    OffStage = 6,
    TimedOut = 7,
    Carousel = 10,
}

/// Who came and went in a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) add_progress: Vec<Value>,
    pub(crate) remove_progress: Vec<Value>,
    pub(crate) add_accepted: Vec<Value>,
    pub(crate) remove_accepted: Vec<Value>,
}

impl Change {
    /// As the cause of a frame.
    pub(crate) fn cause(self, process: &str, action: Action) -> Value {
        json!({"cmd": 501, "data": {
            "processUuid": process,
            "actionType": action as u8,
            "addProgress": self.add_progress,
            "removeProgress": self.remove_progress,
            "addAccepted": self.add_accepted,
            "removeAccepted": self.remove_accepted,
        }})
    }
}
