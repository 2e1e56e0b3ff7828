//! What a room says: frames to those who are in it, events to the app's back end (classroom specification, sections
//! 2.4 and 2.5).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{Timestamp, UserUuid};

use crate::millis;

/// A message to everybody in a room, or to one user. Numbers rise by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// What it tells of.
    pub cmd: u16,
    /// Its number in the room, or for the user.
    pub sequence: u64,
    /// When.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// Who did it.
    pub operator: Value,
    /// What.
    pub data: Value,
    /// What those get instead who may not see right answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reduced: Option<Value>,
    /// What it tells of several users at once, each as `data` is otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub list: Vec<Value>,
}

impl Frame {
    /// As it stands in the list of a message, for whoever sees right answers or does not.
    pub fn view(&self, sees_answers: bool) -> Value {
        let data = if sees_answers { None } else { self.reduced.as_ref() };
        let mut view = json!({
            "cmd": self.cmd,
            "sequence": self.sequence,
            "timestamp": self.at.as_millis(),
            "operator": self.operator,
            "data": data.unwrap_or(&self.data),
        });
        if !self.list.is_empty() {
            let total = self.list.len();
            let id = self.sequence.to_string();
            view["batch"] = json!({"id": id, "total": total, "progress": total});
            view["list"] = json!(self.list);
        }
        view
    }
}

/// Consecutive frames as one message.
pub fn message(frames: &[Frame], sees_answers: bool) -> Value {
    let list: Vec<Value> = frames.iter().map(|frame| frame.view(sees_answers)).collect();
    let start = frames.first().map_or(0, |frame| frame.sequence);
    json!({"startSequence": start, "total": list.len(), "list": list})
}

/// A message to one user.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerFrame {
    /// To whom.
    pub user: UserUuid,
    /// What.
    pub frame: Frame,
}

/// An event for the app's back end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What it tells of.
    pub cmd: u16,
    /// Its number in the room.
    pub sequence: u64,
    /// When.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// What.
    pub data: Value,
}

impl Event {
    /// As it stands in lists of a room's events.
    pub fn view(&self, room: &str) -> Value {
        json!({
            "roomUuid": room,
            "cmd": self.cmd,
            "sequence": self.sequence,
            "version": 1,
            "data": self.data,
        })
    }
}
