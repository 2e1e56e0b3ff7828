//! Polls.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{RoomType, Timestamp, UserUuid};

use super::{POLL, cause_of};
use crate::room::{RecordList, Turn};
use crate::tree::{Tree, below};
use crate::{Refusal, millis};

/// The longest title and option, in characters.
const TEXT_CHARS: usize = 500;
/// How often a lecture is told of how a poll or quiz stands, at the most.
pub(crate) const TOLD_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// A poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// Tells it from earlier ones.
    pub id: String,
    /// Whether several options may be chosen.
    pub several: bool,
    /// Whether answers are taken.
    pub running: bool,
    /// How many chose each option.
    pub counts: Vec<u32>,
    /// How many answered.
    pub answered: u32,
    /// When the room is told how it stands; none: it knows.
    #[serde(with = "millis::optional")]
    pub untold: Option<Timestamp>,
}

/// A student's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollAnswer {
    /// To which poll.
    pub id: String,
    /// The options, from 0.
    pub chosen: Vec<u64>,
}

impl PollAnswer {
    /// As the student's record of the widget.
    pub(super) fn view(&self) -> Tree {
        let mut view = Tree::new();
        view.insert("pollId".into(), json!(self.id));
        view.insert("selectIndex".into(), json!(self.chosen));
        view
    }
}

impl Poll {
    /// How it stands.
    fn details(&self) -> Value {
        let all = f64::from(self.answered.max(1));
        let each = self.counts.iter().enumerate();
        let each = each.map(|(option, num)| {
            let share = json!({"num": num, "percentage": f64::from(*num) / all});
            (option.to_string(), share)
        });
        Value::Object(each.collect())
    }
}

/// Texts of which each is something else.
pub(super) fn check_texts(
    field: &str,
    texts: &[String],
    many: std::ops::RangeInclusive<usize>,
) -> Result<(), Refusal> {
    let is_text = |text: &String| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS;
    let mut apart = texts.to_vec();
    apart.sort();
    apart.dedup();
    if many.contains(&texts.len()) && apart.len() == texts.len() && texts.iter().all(is_text) {
        return Ok(());
    }
    let (least, most) = many.into_inner();
    Err(Refusal::argument(format!(
        "{field}: must be {least} to {most} different texts of 1 to {TEXT_CHARS} characters"
    )))
}

impl Turn<'_> {
    /// Row 46: starts a poll: `mode` 1 one option is chosen, 2 several. Answers its id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`]; [`Refusal::Conflict`] while another one goes.
    pub fn start_poll(
        &mut self,
        mode: u64,
        items: &[String],
        title: &str,
        position: Option<Value>,
    ) -> Result<String, Refusal> {
        self.admit_teaching()?;
        check_texts("pollItems", items, 2..=5)?;
        check_texts("pollTitle", &[title.to_owned()], 1..=1)?;
        if !(1..=2).contains(&mode) {
            return Err(Refusal::argument("mode: must be 1 or 2"));
        }
        if self.room.poll.as_ref().is_some_and(|poll| poll.running) {
            return Err(Refusal::Conflict);
        }
        let mut set = Tree::new();
        Self::place(&mut set, position)?;
        let poll = Poll {
            id: self.new_id(),
            several: mode == 2,
            running: true,
            counts: vec![0; items.len()],
            answered: 0,
            untold: None,
        };
        let id = poll.id.clone();
        let fields = json!({
            "state": 1,
            "extra.pollId": id,
            "extra.pollTitle": title,
            "extra.mode": mode,
            "extra.pollItems": items,
            "extra.pollState": 1,
            "extra.pollDetails": poll.details(),
        });
        set.extend(fields.as_object().cloned().unwrap_or_default());
        self.room.poll = Some(poll);
        self.record_widget(POLL, &id, 1, &set, None);
        self.serve_widget(POLL, set, &[]);
        Ok(id)
    }

    /// Row 46: a student's answer, once.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`], [`Refusal::NotAccepted`] for another
    /// poll; [`Refusal::Conflict`] for a second answer and after the end.
    pub fn answer_poll(
        &mut self,
        id: &str,
        user: &UserUuid,
        chosen: &[u64],
    ) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.may_act_for(user) {
            return Err(Refusal::NotAllowed);
        }
        let student = self.answering(user)?;
        let again = student.poll.as_ref().is_some_and(|answer| answer.id == id);
        let poll = self.room.poll.as_ref().filter(|poll| poll.id == id);
        let poll = poll.ok_or(Refusal::NotAccepted)?;
        let mut apart = chosen.to_vec();
        apart.sort_unstable();
        apart.dedup();
        let many = if poll.several { 1..=poll.counts.len() } else { 1..=1 };
        let options = u64::try_from(poll.counts.len()).unwrap_or_default();
        if apart.len() != chosen.len()
            || !many.contains(&chosen.len())
            || chosen.iter().any(|option| *option >= options)
        {
            let what = format!(
                "selectIndex: must be {} of the options 0 to {}",
                if poll.several { "some" } else { "one" },
                options.saturating_sub(1),
            );
            return Err(Refusal::argument(what));
        }
        if again || !poll.running {
            return Err(Refusal::Conflict);
        }
        if let Some(poll) = &mut self.room.poll {
            poll.answered += 1;
            for option in chosen {
                let count = usize::try_from(*option).ok().and_then(|at| poll.counts.get_mut(at));
                if let Some(count) = count {
                    *count += 1;
                }
            }
        }
        let answer = PollAnswer { id: id.to_owned(), chosen: chosen.to_vec() };
        let view = answer.view();
        if let Some(student) = self.room.users.get_mut(user) {
            (student.poll, student.updated) = (Some(answer), self.at);
        }
        self.tell_own_widget(user, POLL, &view);
        self.record_widget(POLL, id, 3, &view, Some(user));
        let due = self.tell_soon();
        match &mut self.room.poll {
            Some(poll) if due > self.at => poll.untold = Some(poll.untold.unwrap_or(due)),
            _ => self.tell_poll(),
        }
        self.touch_room();
        Ok(())
    }

    /// Row 46: ends a poll.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for another one, [`Refusal::Conflict`] for one that is over.
    pub fn stop_poll(&mut self, id: &str) -> Result<(), Refusal> {
        self.admit_teaching()?;
        let poll = self.room.poll.as_mut().filter(|poll| poll.id == id);
        let poll = poll.ok_or(Refusal::NotAccepted)?;
        if !poll.running {
            return Err(Refusal::Conflict);
        }
        (poll.running, poll.untold) = (false, None);
        let set = json!({"extra.pollState": 0, "extra.pollDetails": poll.details()});
        let set = set.as_object().cloned().unwrap_or_default();
        self.record_widget(POLL, id, 2, &set, None);
        self.serve_widget(POLL, set, &[]);
        Ok(())
    }

    /// Tells the room how the poll stands.
    pub(crate) fn tell_poll(&mut self) {
        let Some(poll) = &mut self.room.poll else { return };
        poll.untold = None;
        let (id, details) = (poll.id.clone(), poll.details());
        let set: Tree = [("extra.pollDetails".to_owned(), details)].into_iter().collect();
        self.record_widget(POLL, &id, 4, &set, None);
        self.serve_widget(POLL, set, &[]);
    }

    /// When the room is told of an answer: in a lecture a while later, together with others.
    pub(super) fn tell_soon(&self) -> Timestamp {
        match self.room.kind {
            RoomType::Lecture => self.at.plus(TOLD_EVERY),
            _ => self.at,
        }
    }

    /// A student who answers.
    pub(super) fn answering(&self, user: &UserUuid) -> Result<&crate::room::Participant, Refusal> {
        let found = self.present(user)?;
        if found.role == stoa_core::ClassRole::Student {
            Ok(found)
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    /// Tells a student of its own record of a widget, and nobody else.
    pub(super) fn tell_own_widget(&mut self, user: &UserUuid, widget: &str, changed: &Tree) {
        let changed = below(&format!("widgets.{widget}"), changed.clone());
        let cause = cause_of(widget, 1, &Value::Null);
        let (cmd, data) = self.user_change(user, &changed, &cause);
        self.peer(user, cmd, data);
    }

    /// Keeps what happened in a poll or quiz for the app's back end (section 2.5.3): `what` 1 it began, 2 ended, 3 an
    /// answer, 4 how it stands.
    pub(super) fn record_widget(
        &mut self,
        widget: &str,
        id: &str,
        what: u8,
        changed: &Tree,
        from: Option<&UserUuid>,
    ) {
        let operator = match what {
            4 => crate::room::By::Server.view(self.room),
            _ => self.by.view(self.room),
        };
        let cause = match widget {
            POLL => json!({"pollId": id, "action": what}),
            _ => json!({"popQuizId": id, "popupQuizId": id, "action": what}),
        };
        let mut record = json!({
            "action": 1,
            "widgetUuid": widget,
            "changeProperties": changed,
            "cause": cause,
            "operator": operator,
        });
        let from = from.and_then(|user| self.room.users.get(user));
        if let Some(from) = from {
            record["fromUser"] = self.room.user_brief(from);
        }
        self.room.records += 1;
        let number = self.room.records;
        self.touch_room();
        let list = if widget == POLL { RecordList::Poll } else { RecordList::Quiz };
        self.record(list, number, record);
    }
}
