//! The chat of a class over its own stream, for apps that do without the chat product (classroom specification, rows
//! 57 and 60 to 64).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{Timestamp, UserUuid};

use super::{By, RecordList, Turn};
use crate::tree::Tree;
use crate::{Refusal, millis};

/// The longest message, in characters.
pub const CHAT_CHARS: usize = 300;
/// Messages of one page.
pub const CHAT_PAGE: usize = 50;

/// What a student and those who teach say to each other alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// How many messages.
    pub count: u64,
    /// When the last one was said.
    #[serde(with = "millis::optional")]
    pub last: Option<Timestamp>,
}

/// What may be said.
fn check_text(message: &str, kind: u64) -> Result<(), Refusal> {
    if kind != 1 {
        return Err(Refusal::argument("type: must be 1, a text"));
    }
    if message.is_empty() || message.chars().count() > CHAT_CHARS {
        let what = format!("message: must have 1 to {CHAT_CHARS} characters");
        return Err(Refusal::argument(what));
    }
    Ok(())
}

impl Turn<'_> {
    /// Rows 57 and 61: says something to everybody in the room. Answers the message's id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for observers, [`Refusal::NoUser`] for who is not there, [`Refusal::Muted`],
    /// [`Refusal::Argument`].
    pub fn say(&mut self, message: &str, kind: u64) -> Result<String, Refusal> {
        self.admit()?;
        let from = self.speaker()?;
        check_text(message, kind)?;
        if self.room.mute_chat && !self.by.is_teaching() {
            return Err(Refusal::Muted);
        }
        Ok(self.put_chat(&from, message, 1))
    }

    /// Says something to everybody: `range` 1 in this room, 2 in groups, 3 in both.
    pub(super) fn put_chat(&mut self, from: &Value, message: &str, range: u8) -> String {
        let number = self.room.sequence + 1;
        let id = number.to_string();
        let ext = json!({
            "range": range, "userUuid": from["userUuid"], "userName": from["userName"],
        });
        let data = json!({
            "fromUser": from,
            "message": message,
            "type": 1,
            "sendTime": self.at.as_millis(),
            "messageId": id,
            "sensitiveWords": [],
            "ext": ext,
        });
        self.frame(3, data.clone());
        self.event(3, json!({"fromUser": from, "message": message, "type": 1}));
        self.record(RecordList::Chat, number, data);
        id
    }

    /// Who speaks, as others are told.
    fn speaker(&self) -> Result<Value, Refusal> {
        match &self.by {
            By::User { id, role } if role.is_listed() => {
                let found = self.present(id)?;
                Ok(self.room.user_brief(found))
            }
            By::User { .. } => Err(Refusal::NotAllowed),
            By::App | By::Server => Ok(self.by.view(self.room)),
        }
    }

    /// What those who teach say to all. Answers who says it.
    pub(super) fn check_words(&self, message: &str) -> Result<Value, Refusal> {
        let from = self.speaker()?;
        check_text(message, 1)?;
        Ok(from)
    }

    /// Row 62: forbids students to write in the room's chat, or allows it again.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub fn set_mute(&mut self, muted: bool) -> Result<(), Refusal> {
        self.admit_teaching()?;
        self.room.mute_chat = muted;
        self.touch_room();
        let changed: Tree = [("muteChat".to_owned(), json!(u8::from(muted)))].into_iter().collect();
        self.room_properties(&changed, &json!({}));
        Ok(())
    }

    /// Row 64: says something in the conversation of a student with those who teach. Answers the message's id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for everybody else, [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn say_privately(
        &mut self,
        student: &UserUuid,
        message: &str,
        kind: u64,
    ) -> Result<String, Refusal> {
        self.may_read_conversation(student)?;
        let from = self.speaker()?;
        check_text(message, kind)?;
        let Some(found) = self.room.users.get_mut(student) else { return Err(Refusal::NoUser) };
        found.conversation.count += 1;
        found.conversation.last = Some(self.at);
        let number = found.conversation.count;
        let id = self.new_id();
        self.touch(student);
        let data = json!({
            "fromUser": from,
            "message": message,
            "type": 1,
            "sendTime": self.at.as_millis(),
            "peerMessageId": id,
        });
        self.record(RecordList::Conversation(student.clone()), number, data.clone());
        let hears = |user: &&super::Participant| {
            user.online && !self.by.is(&user.id) && (user.role.is_teaching() || user.id == *student)
        };
        let hearing: Vec<UserUuid> =
            self.room.users.values().filter(hears).map(|user| user.id.clone()).collect();
        for user in hearing {
            self.tell(&user, json!({"cmd": 1, "data": data}));
        }
        Ok(id)
    }

    /// Row 64: whether a student's conversation may be read and written in.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn may_read_conversation(&self, student: &UserUuid) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.is_teaching() && !self.by.is(student) {
            return Err(Refusal::NotAllowed);
        }
        let found = self.room.users.get(student).ok_or(Refusal::NoUser)?;
        if found.role == stoa_core::ClassRole::Student {
            return Ok(());
        }
        Err(Refusal::argument("userUuid: must be a student of the room"))
    }

    /// Row 63: the students who have a conversation, in the order of names, behind `after`, and where the next page
    /// begins.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub fn conversations(
        &self,
        after: Option<&UserUuid>,
        most: usize,
    ) -> Result<(Vec<Value>, Option<UserUuid>), Refusal> {
        self.admit_teaching()?;
        let most = most.max(1);
        let behind = self.room.users.values().filter(|user| after.is_none_or(|at| user.id > *at));
        let talking = behind.filter_map(|user| Some((user, user.conversation.last?)));
        let mut page: Vec<_> = talking.take(most + 1).collect();
        let more = page.len() > most;
        page.truncate(most);
        let next = page.last().filter(|_| more).map(|(user, _)| user.id.clone());
        let view = |(user, last): (&super::Participant, Timestamp)| {
            json!({
                "userUuid": user.id.as_str(),
                "userName": user.name,
                "lastMessageTs": last.as_millis(),
            })
        };
        Ok((page.into_iter().map(view).collect(), next))
    }
}
