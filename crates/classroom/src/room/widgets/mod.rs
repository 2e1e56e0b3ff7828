//! Widgets: records that the pages of a class share (classroom specification, section 1.10).
//!
//! The record of a widget is kept unread, but for those whose rules the server keeps itself: polls, quizzes and
//! countdowns. Of these only place and size are changed by hand.

mod board;
mod countdown;
mod poll;
mod quiz;

use serde_json::{Value, json};
use stoa_core::UserUuid;

use super::{Participant, Room, Turn};
use crate::Refusal;
use crate::tree::{self, Edit, TREE_BYTES, Tree, below};

pub use board::WINDOWS_BYTES;
pub use countdown::Countdown;
pub use poll::{Poll, PollAnswer};
pub use quiz::{Quiz, QuizAnswer};

/// Widgets of a room or user at once, at the most.
pub const MOST_WIDGETS: usize = 100;
/// The most bytes of a user's records of widgets, as JSON.
pub const USER_WIDGETS_BYTES: usize = 16 * 1024;
/// What the server may write beyond the bytes that others may fill.
const SPARE_BYTES: usize = 64 * 1024;
/// The longest id of a widget, in bytes.
const ID_BYTES: usize = 128;

const POLL: &str = "poll";
const QUIZ: &str = "popupQuiz";
const COUNTDOWN: &str = "countdownTimer";

/// Whose records the server writes.
fn is_served(id: &str) -> bool {
    [POLL, QUIZ, COUNTDOWN].contains(&id)
}

/// What whoever may draw on the board may move and resize.
fn is_window(id: &str) -> bool {
    id.starts_with("webView-") || id.starts_with("mediaPlayer-")
}

/// What a record of a widget is told with.
fn cause_of(id: &str, action: u8, said: &Value) -> Value {
    let mut cause = match said {
        Value::Object(said) => said.clone(),
        _ => Tree::new(),
    };
    cause.insert("actionType".into(), json!(action));
    cause.insert("widgetUuid".into(), json!(id));
    Value::Object(cause)
}

fn check_id(id: &str) -> Result<(), Refusal> {
    if id.is_empty() || id.len() > ID_BYTES || id.contains('.') {
        let what = format!("widgetId: has 1 to {ID_BYTES} bytes and no dot");
        return Err(Refusal::argument(what));
    }
    Ok(())
}

/// The widgets that a room is made with.
pub(super) fn check_all(widgets: &Tree) -> Result<(), Refusal> {
    for (id, record) in widgets {
        check_id(id)?;
        if !record.is_object() {
            return Err(Refusal::argument(format!("widgets.{id}: must be an object")));
        }
    }
    // What the server writes itself is there only once it does.
    if let Some(served) = widgets.keys().find(|id| is_served(id)) {
        return Err(Refusal::argument(format!("widgets.{served}: is started in the class")));
    }
    if widgets.len() > MOST_WIDGETS {
        return Err(Refusal::argument(format!("widgets: at most {MOST_WIDGETS}")));
    }
    Edit::default().apply(widgets).map(drop)
}

/// The changes to a record, by path below the widgets.
fn flat(id: &str, record: Tree) -> Result<Tree, Refusal> {
    let mut set = Tree::new();
    for (key, value) in record {
        let fits = match key.as_str() {
            "state" => matches!(value.as_u64(), Some(0 | 1)),
            "position" | "size" | "extra" => value.is_object(),
            "ownerUserUuid" => value.is_string(),
            _ => true,
        };
        if !fits {
            let what = match key.as_str() {
                "state" => "must be 0 or 1",
                "ownerUserUuid" => "must be text",
                _ => "must be an object",
            };
            return Err(Refusal::argument(format!("{key}: {what}")));
        }
        match value {
            Value::Object(extra) if key == "extra" => {
                set.extend(below(&format!("{id}.extra"), extra));
            }
            value => {
                set.insert(format!("{id}.{key}"), value);
            }
        }
    }
    Ok(set)
}

impl Room {
    /// Whether a user may draw on the board.
    pub fn may_draw(&self, user: &UserUuid) -> bool {
        let granted = tree::get(&self.widgets, "netlessBoard.extra.grantedUsers");
        let Some(Value::Object(granted)) = granted else { return false };
        let name = user.as_str();
        let found = granted.get(name).or_else(|| tree::get(granted, name));
        found.and_then(Value::as_bool) == Some(true)
    }

    /// The records of widgets, as whoever sees right answers or does not.
    pub(super) fn widgets_view(&self, sees_answers: bool) -> Tree {
        let mut widgets = self.widgets.clone();
        if !sees_answers && self.quiz.as_ref().is_some_and(|quiz| quiz.running) {
            for path in quiz::SECRETS {
                let hidden = Edit::remove(vec![format!("{QUIZ}.{path}")]);
                if let Ok((without, _)) = hidden.apply_up_to(&widgets, usize::MAX) {
                    widgets = without;
                }
            }
        }
        widgets
    }

    /// `userProperties` as the user itself sees it: with its own answers.
    pub fn own_properties_view(&self, user: &Participant) -> Tree {
        let mut properties = self.user_properties_view(user);
        if let Some(Value::Object(widgets)) = properties.get_mut("widgets") {
            if let Some(answer) = &user.poll {
                widgets.insert(POLL.into(), Value::Object(answer.view()));
            }
            if let Some(answer) = &user.quiz {
                let quiz = self.quiz.as_ref().filter(|quiz| quiz.id == answer.id);
                let is_over = quiz.is_none_or(|quiz| !quiz.running);
                widgets.insert(QUIZ.into(), Value::Object(answer.view(is_over)));
            }
        }
        properties
    }
}

impl Turn<'_> {
    /// Row 41: changes the record of a widget, or makes one: `state`, `ownerUserUuid`, `position` and `size` are
    /// replaced, below `extra` each key. Whoever may draw on the board may move and resize windows that are there.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn set_widget(&mut self, id: &str, record: Tree, cause: &Value) -> Result<(), Refusal> {
        self.admit()?;
        check_id(id)?;
        let exists = self.room.widgets.contains_key(id);
        if !self.by.is_teaching() {
            let may = self.by.is_student()
                && exists
                && is_window(id)
                && self.by.user().is_some_and(|user| self.room.may_draw(user));
            let part = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
            let moves = |key: &String| ["position", "size", "extra"].contains(&&*part(key));
            if !may || !record.keys().all(moves) {
                return Err(Refusal::NotAllowed);
            }
            if let Some(user) = self.by.user() {
                self.present(user)?;
            }
        }
        let set = flat(id, record)?;
        if is_served(id) {
            self.check_served(id, exists, &set)?;
        } else if !exists && self.room.widgets.len() >= MOST_WIDGETS {
            return Err(Refusal::argument(format!("widgetId: at most {MOST_WIDGETS} widgets")));
        }
        let (after, changed) = Edit::set(set).apply(&self.room.widgets)?;
        self.put_widgets(after, changed, &cause_of(id, 1, cause));
        Ok(())
    }

    /// What may be changed by hand of a record that the server writes.
    fn check_served(&self, id: &str, exists: bool, set: &Tree) -> Result<(), Refusal> {
        let plain = |path: &String| {
            let path = path.strip_prefix(id).unwrap_or(path);
            path.starts_with(".position")
                || path.starts_with(".size")
                || [".state", ".extra.zIndex"].contains(&path)
        };
        if exists && set.keys().all(plain) {
            return Ok(());
        }
        Err(Refusal::argument(format!("{id}: is started and stopped by its own calls")))
    }

    /// Row 42: removes a widget.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn remove_widget(&mut self, id: &str) -> Result<(), Refusal> {
        self.admit_teaching()?;
        check_id(id)?;
        let (after, changed) =
            Edit::remove(vec![id.to_owned()]).apply_up_to(&self.room.widgets, usize::MAX)?;
        if changed.is_empty() {
            return Ok(());
        }
        match id {
            POLL => self.room.poll = None,
            QUIZ => self.room.quiz = None,
            COUNTDOWN => self.room.countdown = None,
            _ => {}
        }
        self.put_widgets(after, changed, &cause_of(id, 2, &Value::Null));
        Ok(())
    }

    /// Row 43: removes keys below a widget's `extra`.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub fn remove_widget_extra(&mut self, id: &str, keys: &[String]) -> Result<(), Refusal> {
        self.admit_teaching()?;
        check_id(id)?;
        if is_served(id) {
            let what = format!("{id}: is started and stopped by its own calls");
            return Err(Refusal::argument(what));
        }
        let paths = keys.iter().map(|key| format!("{id}.extra.{key}")).collect();
        let (after, changed) = Edit::remove(paths).apply_up_to(&self.room.widgets, usize::MAX)?;
        if !changed.is_empty() {
            self.put_widgets(after, changed, &cause_of(id, 1, &Value::Null));
        }
        Ok(())
    }

    /// Row 44: changes a user's own record of a widget.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn set_user_widget(
        &mut self,
        user: &UserUuid,
        id: &str,
        record: Tree,
    ) -> Result<(), Refusal> {
        let edit = Edit::set(below(id, record));
        self.edit_user_widget(user, id, edit)
    }

    /// Row 44: removes keys of a user's own record of a widget.
    ///
    /// # Errors
    /// As [`Self::set_user_widget`].
    pub fn remove_user_widget(
        &mut self,
        user: &UserUuid,
        id: &str,
        keys: &[String],
    ) -> Result<(), Refusal> {
        let edit = Edit::remove(keys.iter().map(|key| format!("{id}.{key}")).collect());
        self.edit_user_widget(user, id, edit)
    }

    fn edit_user_widget(&mut self, user: &UserUuid, id: &str, edit: Edit) -> Result<(), Refusal> {
        self.admit()?;
        check_id(id)?;
        // Answers are handed in by calls of their own.
        if !self.by.may_act_for(user) || is_served(id) {
            return Err(Refusal::NotAllowed);
        }
        let found = self.present(user)?;
        if !found.widgets.contains_key(id) && found.widgets.len() >= MOST_WIDGETS {
            return Err(Refusal::argument(format!("widgetId: at most {MOST_WIDGETS} widgets")));
        }
        let (after, changed) = edit.apply_up_to(&found.widgets, USER_WIDGETS_BYTES)?;
        if changed.is_empty() {
            return Ok(());
        }
        if let Some(found) = self.room.users.get_mut(user) {
            (found.widgets, found.updated) = (after, self.at);
        }
        let cause = cause_of(id, 1, &Value::Null);
        self.user_properties(user, &below("widgets", changed), &cause);
        Ok(())
    }

    fn put_widgets(&mut self, after: Tree, changed: Tree, cause: &Value) {
        self.room.widgets = after;
        self.touch_room();
        self.room_properties(&below("widgets", changed), cause);
    }

    /// Writes what the server says of a widget; `secret` is told only to those who see right answers.
    fn serve_widget(&mut self, id: &str, set: Tree, secret: &[&str]) {
        let most = TREE_BYTES + SPARE_BYTES;
        let applied = Edit::set(below(id, set)).apply_up_to(&self.room.widgets, most);
        // Names of the server's own are paths, and few bytes.
        let Ok((after, changed)) = applied else { return };
        self.room.widgets = after;
        self.touch_room();
        let changed = below("widgets", changed);
        let cause = cause_of(id, 1, &Value::Null);
        if secret.is_empty() {
            self.room_properties(&changed, &cause);
            return;
        }
        let hidden = |path: &str| {
            secret.iter().any(|name| {
                path.strip_prefix("widgets.").and_then(|path| path.strip_prefix(id))
                    == Some(&*format!(".{name}"))
            })
        };
        let reduced: Tree = changed
            .iter()
            .filter(|(path, _)| !hidden(path))
            .map(|(path, value)| (path.clone(), value.clone()))
            .collect();
        self.room_properties_apart(&changed, Some(&reduced), &cause);
    }

    /// What a widget begins with: where it lies is not the server's.
    fn place(set: &mut Tree, position: Option<Value>) -> Result<(), Refusal> {
        match position {
            None | Some(Value::Null) => Ok(()),
            Some(position @ Value::Object(_)) if position.to_string().len() <= 1024 => {
                set.insert("position".into(), position);
                Ok(())
            }
            Some(_) => Err(Refusal::argument("position: must be an object, at most 1024 bytes")),
        }
    }

    /// The widgets of somebody who leaves are switched off.
    pub(super) fn leave_widgets(&mut self, user: &UserUuid) {
        let is_own = |record: &Value| {
            record.get("ownerUserUuid").and_then(Value::as_str) == Some(user.as_str())
                && record.get("state").and_then(Value::as_u64) != Some(0)
        };
        let own = self.room.widgets.iter().filter(|(_, record)| is_own(record));
        let own: Vec<String> = own.map(|(id, _)| id.clone()).collect();
        for id in own {
            let off = [("state".to_owned(), json!(0))].into_iter().collect();
            self.serve_widget(&id, off, &[]);
        }
    }
}
