//! What people and back ends do in a class, each act with a number of its own by which it is found again.

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{ClassState, Turn};
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::UserUuid;

use crate::dice::Dice;

/// What an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Say,
    SayAlone,
    Ask,
    Withdraw,
    Accept,
    LeaveStage,
    ClearStage,
    RaiseHand,
    LowerHand,
    SetRoom,
    SetUser,
    /// So many.
    Reward(i64),
    Mute(bool),
    StartPoll,
    AnswerPoll,
    StopPoll,
    StartQuiz,
    AnswerQuiz,
    StopQuiz,
    Countdown,
    Carousel,
    SetWidget,
    Kick,
    SetState(u8),
}

/// How often its number is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Once,
    /// At least.
    Often,
    /// It has none.
    Never,
}

/// What is known of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Asked,
    Done,
    Refused,
    Unknown,
}

/// An act in a room.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) whom: String,
    pub(super) fate: Fate,
    /// By the server's clock, it is done between these, if it is (ms).
    pub(super) from: u64,
    pub(super) until: u64,
}

impl Act {
    pub(super) fn new(kind: Kind, number: u64, at: u64) -> Self {
        let (fate, whom) = (Fate::Asked, String::new());
        Self { kind, number, whom, fate, from: at, until: at }
    }

    /// It may be done at that time, too.
    pub(super) fn may_be_at(&mut self, at: u64) {
        self.from = self.from.min(at);
        self.until = self.until.max(at);
    }

    pub(super) fn end_unknown(&mut self) {
        self.fate = Fate::Unknown;
    }
}

const OF_STUDENTS: &[(u64, Kind)] = &[
    (8, Kind::Say),
    (2, Kind::SayAlone),
    (5, Kind::Ask),
    (2, Kind::Withdraw),
    (3, Kind::Accept),
    (2, Kind::LeaveStage),
    (5, Kind::RaiseHand),
    (3, Kind::LowerHand),
    (3, Kind::SetUser),
    (4, Kind::AnswerPoll),
    (4, Kind::AnswerQuiz),
];

const OF_TEACHERS: &[(u64, Kind)] = &[
    (6, Kind::Say),
    (1, Kind::SayAlone),
    (5, Kind::Ask),
    (2, Kind::Withdraw),
    (6, Kind::Accept),
    (3, Kind::LeaveStage),
    (1, Kind::ClearStage),
    (3, Kind::LowerHand),
    (6, Kind::SetRoom),
    (4, Kind::SetUser),
    (3, Kind::Reward(2)),
    (2, Kind::Reward(5)),
    (1, Kind::Mute(true)),
    (2, Kind::Mute(false)),
    (3, Kind::StartPoll),
    (1, Kind::StopPoll),
    (3, Kind::StartQuiz),
    (1, Kind::StopQuiz),
    (1, Kind::Countdown),
    (1, Kind::Carousel),
    (3, Kind::SetWidget),
    (1, Kind::Kick),
    (1, Kind::SetState(1)),
];

impl Kind {
    /// What somebody does; now and then what only others may.
    pub(super) fn drawn(dice: &Dice, teaches: bool) -> Self {
        let all = if teaches != dice.chance(50) { OF_TEACHERS } else { OF_STUDENTS };
        dice.weighted(all)
    }

    pub(super) const fn told(self) -> Told {
        match self {
            Self::Say | Self::SetRoom | Self::SetUser => Told::Once,
            Self::Ask | Self::RaiseHand | Self::StartPoll => Told::Often,
            _ => Told::Never,
        }
    }

    /// Does it.
    pub(super) fn act(
        self,
        turn: &mut Turn<'_>,
        whom: &UserUuid,
        number: u64,
    ) -> Result<(), Refusal> {
        let (own, payload) = (turn.by.user().cloned(), json!({"n": number}));
        // Those who teach speak of others, mostly.
        let to = turn.by.is_teaching().then_some(whom);
        let mine = own.as_ref().unwrap_or(whom);
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Say => turn.say(&said(number), 1).map(drop),
            Self::SayAlone => turn.say_privately(to.unwrap_or(mine), &said(number), 1).map(drop),
            Self::Ask => turn.ask_stage(to, wait(number), number.is_multiple_of(3), payload),
            Self::Withdraw => turn.withdraw_stage(to),
            Self::Accept => turn.accept_stage(to),
            Self::LeaveStage => turn.leave_stage(to),
            Self::ClearStage => turn.clear_stage(),
            Self::RaiseHand => turn.raise_hand(wait(number), number.is_multiple_of(3), payload),
            Self::LowerHand => turn.lower_hand(to),
            Self::SetRoom => {
                let edit = if number.is_multiple_of(4) {
                    Edit::remove(vec![format!("k{}", number % 3)])
                } else {
                    Edit::set(tree(&json!({format!("k{}", number % 3): number, "a.b": number % 7})))
                };
                turn.edit_room_properties(edit, &payload)
            }
            Self::SetUser => {
                let edit = Edit::set(tree(&json!({"x.y": number})));
                turn.edit_user_properties(to.unwrap_or(mine), edit, &payload)
            }
            Self::Reward(many) => {
                turn.give_rewards(&[(whom.clone(), many)], number.is_multiple_of(2))
            }
            Self::Mute(muted) => turn.set_mute(muted),
            Self::StartPoll => {
                turn.start_poll(1, &texts(&["a", "b"]), &said(number), None).map(drop)
            }
            Self::AnswerPoll => {
                let id = turn.room.poll.as_ref().map(|poll| poll.id.clone());
                turn.answer_poll(&id.unwrap_or_default(), mine, &[number % 2])
            }
            Self::StopPoll => {
                let id = turn.room.poll.as_ref().map(|poll| poll.id.clone());
                turn.stop_poll(&id.unwrap_or_default())
            }
            Self::StartQuiz => turn.start_quiz(&texts(&["A", "B"]), &texts(&["A"]), None).map(drop),
            Self::AnswerQuiz => {
                let id = turn.room.quiz.as_ref().map(|quiz| quiz.id.clone());
                let chosen = if number.is_multiple_of(2) { "A" } else { "B" };
                turn.answer_quiz(&id.unwrap_or_default(), mine, &texts(&[chosen]))
            }
            Self::StopQuiz => {
                let id = turn.room.quiz.as_ref().map(|quiz| quiz.id.clone());
                turn.stop_quiz(&id.unwrap_or_default())
            }
            Self::Countdown => turn.start_countdown(1 + number % 60, None).map(drop),
            Self::Carousel if number.is_multiple_of(2) => turn.start_carousel(1, 1, 10, 1),
            Self::Carousel => turn.stop_carousel(),
            Self::SetWidget => {
                let record = json!({"state": 1, "extra": {"a": number, "b": {"c": 1}}});
                turn.set_widget("webView-1", tree(&record), &payload)
            }
            Self::Kick => turn.put_out(whom, None),
            Self::SetState(state) => {
                let state = ClassState::try_from(state).map_err(Refusal::argument)?;
                turn.set_state(state)
            }
        }
    }
}

fn tree(value: &Value) -> Tree {
    super::mirror::tree(value)
}

fn wait(number: u64) -> i64 {
    [-1, 3, 10, 60][usize::try_from(number % 4).unwrap_or(0)]
}

/// What an act says.
pub(super) fn said(number: u64) -> String {
    format!("m{number}")
}

/// Whether a frame tells of the act of that number: by what is said, or by what came with it.
pub(super) fn tells_of(value: &Value, number: u64) -> bool {
    match value {
        Value::String(text) => *text == said(number),
        Value::Object(fields) => {
            fields.get("n").is_some_and(|n| *n == number)
                || fields.values().any(|value| tells_of(value, number))
        }
        Value::Array(list) => list.iter().any(|value| tells_of(value, number)),
        _ => false,
    }
}
