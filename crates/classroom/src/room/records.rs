//! What is kept of a room besides its state: the chat of the class, conversations, and what happened in polls and
//! quizzes.

use serde_json::Value;
use stoa_core::UserUuid;

use super::Turn;

/// A list of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordList {
    /// The chat of the class.
    Chat,
    /// What a student and those who teach say to each other alone.
    Conversation(UserUuid),
    /// What happened in polls.
    Poll,
    /// What happened in quizzes.
    Quiz,
}

impl RecordList {
    /// By which its records are found.
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Chat => [b"chat", b""],
            Self::Conversation(student) => [b"conversation", student.as_str().as_bytes()],
            Self::Poll => [b"poll", b""],
            Self::Quiz => [b"quiz", b""],
        }
    }
}

/// A record that is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// In which list.
    pub list: RecordList,
    /// Its number there; numbers rise.
    pub number: u64,
    /// What is kept.
    pub value: Value,
}

impl Turn<'_> {
    /// Keeps a record.
    pub(super) fn record(&mut self, list: RecordList, number: u64, value: Value) {
        self.out.records.push(Record { list, number, value });
    }

    /// A name that nobody guesses.
    pub(super) fn new_id(&self) -> String {
        format!("{:032x}", u128::from_le_bytes(self.entropy.bytes()))
    }
}
