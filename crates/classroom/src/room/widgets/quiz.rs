//! Quizzes with right answers, which those who learn do not see before the end.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stoa_core::{ClassRole, Timestamp, UserUuid};

use super::QUIZ;
use super::poll::check_texts;
use crate::room::Turn;
use crate::tree::Tree;
use crate::{Refusal, millis};

/// What those who learn do not see while it runs: how many are right would say which answer is.
pub(super) const SECRETS: [&str; 3] =
    ["extra.correctItems", "extra.correctCount", "extra.averageAccuracy"];

/// A quiz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiz {
    /// Tells it from earlier ones.
    pub id: String,
    /// What may be chosen.
    pub items: Vec<String>,
    /// What is right.
    pub correct: Vec<String>,
    /// Whether answers are taken.
    pub running: bool,
    /// How many answered.
    pub answered: u32,
    /// How many of them are right.
    pub right: u32,
    /// When the room is told how it stands; none: it knows.
    #[serde(with = "millis::optional")]
    pub untold: Option<Timestamp>,
}

/// A student's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuizAnswer {
    /// To which quiz.
    pub id: String,
    /// What was chosen.
    pub selected: Vec<String>,
    /// Whether it is right.
    pub right: bool,
    /// When it was handed in last.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

impl QuizAnswer {
    /// As the student's record of the widget; whether it is right only when it is over.
    pub(super) fn view(&self, is_over: bool) -> Tree {
        let mut view = Tree::new();
        view.insert("popupQuizId".into(), json!(self.id));
        view.insert("selectedItems".into(), json!(self.selected));
        view.insert("lastCommitTime".into(), json!(self.at.as_millis()));
        if is_over {
            view.insert("isCorrect".into(), json!(self.right));
        }
        view
    }
}

impl Quiz {
    fn is_right(&self, selected: &[String]) -> bool {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        sorted(selected) == sorted(&self.correct)
    }

    /// How it stands, of so many students.
    fn summary(&self, students: usize) -> Tree {
        let accuracy = f64::from(self.right) / f64::from(self.answered.max(1));
        let view = json!({
            "extra.totalCount": students,
            "extra.selectedCount": self.answered,
            "extra.correctCount": self.right,
            "extra.averageAccuracy": accuracy,
        });
        view.as_object().cloned().unwrap_or_default()
    }
}

/// What is chosen of the items.
fn check_chosen(field: &str, chosen: &[String], items: &[String]) -> Result<(), Refusal> {
    let mut apart = chosen.to_vec();
    apart.sort();
    apart.dedup();
    if !chosen.is_empty() && apart.len() == chosen.len() && apart.iter().all(|c| items.contains(c))
    {
        return Ok(());
    }
    Err(Refusal::argument(format!("{field}: must be some of the items, each once")))
}

impl Turn<'_> {
    /// Row 45: starts a quiz. Answers its id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`]; [`Refusal::Conflict`] while another one goes.
    pub fn start_quiz(
        &mut self,
        items: &[String],
        correct: &[String],
        position: Option<Value>,
    ) -> Result<String, Refusal> {
        self.admit_teaching()?;
        check_texts("items", items, 2..=8)?;
        check_chosen("correctItems", correct, items)?;
        if self.room.quiz.as_ref().is_some_and(|quiz| quiz.running) {
            return Err(Refusal::Conflict);
        }
        let mut set = Tree::new();
        Self::place(&mut set, position)?;
        let quiz = Quiz {
            id: self.new_id(),
            items: items.to_vec(),
            correct: correct.to_vec(),
            running: true,
            answered: 0,
            right: 0,
            untold: None,
        };
        let id = quiz.id.clone();
        let fields = json!({
            "state": 1,
            "extra.popupQuizId": id,
            "extra.items": items,
            "extra.correctItems": correct,
            "extra.answerState": 1,
            "extra.receiveQuestionTime": self.at.as_millis(),
        });
        set.extend(fields.as_object().cloned().unwrap_or_default());
        set.extend(quiz.summary(self.room.present(ClassRole::Student)));
        self.room.quiz = Some(quiz);
        self.record_widget(QUIZ, &id, 1, &set, None);
        self.serve_widget(QUIZ, set, &SECRETS);
        Ok(id)
    }

    /// Row 45: a student's answer, which may be changed until the end.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`], [`Refusal::NotAccepted`] for another
    /// quiz, [`Refusal::Conflict`] after the end.
    pub fn answer_quiz(
        &mut self,
        id: &str,
        user: &UserUuid,
        selected: &[String],
    ) -> Result<(), Refusal> {
        self.admit()?;
        if !self.by.may_act_for(user) {
            return Err(Refusal::NotAllowed);
        }
        let before = self.answering(user)?.quiz.as_ref().filter(|answer| answer.id == id);
        let was_right = before.map(|answer| answer.right);
        let quiz = self.quiz(id)?;
        check_chosen("selectedItems", selected, &quiz.items)?;
        if !quiz.running {
            return Err(Refusal::Conflict);
        }
        let right = quiz.is_right(selected);
        if let Some(quiz) = &mut self.room.quiz {
            quiz.answered += u32::from(was_right.is_none());
            quiz.right = quiz.right + u32::from(right) - u32::from(was_right == Some(true));
        }
        let (id, selected) = (id.to_owned(), selected.to_vec());
        let answer = QuizAnswer { id: id.clone(), selected, right, at: self.at };
        self.tell_own_widget(user, QUIZ, &answer.view(false));
        self.record_widget(QUIZ, &id, 3, &answer.view(true), Some(user));
        if let Some(student) = self.room.users.get_mut(user) {
            (student.quiz, student.updated) = (Some(answer), self.at);
        }
        let due = self.tell_soon();
        match &mut self.room.quiz {
            Some(quiz) if due > self.at => quiz.untold = Some(quiz.untold.unwrap_or(due)),
            _ => self.tell_quiz(),
        }
        self.touch_room();
        Ok(())
    }

    /// Row 45: other answers are right.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::Argument`], [`Refusal::NotAccepted`] for another quiz.
    pub fn set_quiz_correct(&mut self, id: &str, correct: &[String]) -> Result<(), Refusal> {
        self.admit_teaching()?;
        let mut quiz = self.quiz(id)?.clone();
        check_chosen("correctItems", correct, &quiz.items)?;
        quiz.correct = correct.to_vec();
        quiz.right = 0;
        let mut anew = Vec::new();
        for user in self.room.users.values_mut() {
            let Some(answer) = user.quiz.as_mut().filter(|answer| answer.id == id) else {
                continue;
            };
            let right = quiz.is_right(&answer.selected);
            quiz.right += u32::from(right);
            if right != answer.right {
                (answer.right, user.updated) = (right, self.at);
                anew.push(user.id.clone());
            }
        }
        quiz.untold = None;
        let running = quiz.running;
        let mut set = quiz.summary(self.room.present(ClassRole::Student));
        set.insert("extra.correctItems".into(), json!(correct));
        self.room.quiz = Some(quiz);
        for user in anew {
            self.touch(&user);
            if !running {
                self.tell_right(&user);
            }
        }
        self.record_widget(QUIZ, id, 4, &set, None);
        self.serve_widget(QUIZ, set, if running { &SECRETS } else { &[] });
        Ok(())
    }

    /// Row 45: ends a quiz: now everybody sees what is right.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NotAccepted`] for another one, [`Refusal::Conflict`] for one that is over.
    pub fn stop_quiz(&mut self, id: &str) -> Result<(), Refusal> {
        self.admit_teaching()?;
        if !self.quiz(id)?.running {
            return Err(Refusal::Conflict);
        }
        let students = self.room.present(ClassRole::Student);
        let Some(quiz) = &mut self.room.quiz else { return Err(Refusal::NotAccepted) };
        (quiz.running, quiz.untold) = (false, None);
        let mut set = quiz.summary(students);
        set.insert("extra.correctItems".into(), json!(quiz.correct));
        set.insert("extra.answerState".into(), json!(0));
        self.record_widget(QUIZ, id, 2, &set, None);
        self.serve_widget(QUIZ, set, &[]);
        let answered = self
            .room
            .users
            .values()
            .filter(|user| user.quiz.as_ref().is_some_and(|answer| answer.id == id));
        let answered: Vec<UserUuid> = answered.map(|user| user.id.clone()).collect();
        for user in answered {
            self.tell_right(&user);
        }
        Ok(())
    }

    /// Row 45: the answers, in the order of names, behind `after`, and where the next page begins.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for those who learn, [`Refusal::NotAccepted`] for another quiz.
    pub fn quiz_answers(
        &self,
        id: &str,
        after: Option<&UserUuid>,
        most: usize,
    ) -> Result<(Vec<Value>, Option<UserUuid>), Refusal> {
        let sees = match &self.by {
            super::super::By::User { role, .. } => role.sees_answers(),
            _ => true,
        };
        if !sees {
            return Err(Refusal::NotAllowed);
        }
        self.admit()?;
        self.quiz(id)?;
        let behind = self.room.users.values().filter(|user| after.is_none_or(|at| user.id > *at));
        let answers = behind.filter_map(|user| {
            let answer = user.quiz.as_ref().filter(|answer| answer.id == id)?;
            let mut view = answer.view(true);
            view.insert("ownerUserUuid".into(), json!(user.id.as_str()));
            Some((user.id.clone(), Value::Object(view)))
        });
        let mut page: Vec<_> = answers.take(most.max(1) + 1).collect();
        let more = page.len() > most.max(1);
        if more {
            page.pop();
        }
        let next = page.last().filter(|_| more).map(|(user, _)| user.clone());
        Ok((page.into_iter().map(|(_, view)| view).collect(), next))
    }

    /// Tells the room how the quiz stands.
    pub(crate) fn tell_quiz(&mut self) {
        let students = self.room.present(ClassRole::Student);
        let Some(quiz) = &mut self.room.quiz else { return };
        quiz.untold = None;
        let (id, set) = (quiz.id.clone(), quiz.summary(students));
        self.record_widget(QUIZ, &id, 4, &set, None);
        self.serve_widget(QUIZ, set, &SECRETS);
    }

    fn tell_right(&mut self, user: &UserUuid) {
        let answer = self.room.users.get(user).and_then(|user| user.quiz.as_ref());
        let Some(right) = answer.map(|answer| answer.right) else { return };
        let set: Tree = [("isCorrect".to_owned(), json!(right))].into_iter().collect();
        self.tell_own_widget(user, QUIZ, &set);
    }

    fn quiz(&self, id: &str) -> Result<&Quiz, Refusal> {
        self.room.quiz.as_ref().filter(|quiz| quiz.id == id).ok_or(Refusal::NotAccepted)
    }
}
