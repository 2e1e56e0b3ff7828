//! What the fuzz target of bodies runs of class rooms.

use super::answer::ClassFailure;
use super::{batch, entry, groups, rooms, streams, users, value};
use crate::json::Object;

type Read = fn(Object) -> Result<(), ClassFailure>;

/// Each reader of a body of class rooms.
const READERS: &[Read] = &[
    |mut body| rooms::new_room(&mut body).map(drop),
    |mut body| entry::implicit(&mut body).map(drop),
    |mut body| value::edit(&mut body).map(drop),
    |mut body| value::removal(&mut body).map(drop),
    |body| users::ban(body).map(drop),
    |mut body| batch::rewards(&mut body).map(drop),
    |mut body| streams::change(&mut body).map(drop),
    |mut body| streams::changes(&mut body).map(drop),
    |mut body| groups::plans(&mut body).map(drop),
    |mut body| groups::members(&mut body, "addUsers").map(drop),
    |mut body| value::audience(&mut body).map(drop),
    |body| {
        let _ = value::tree_of(body);
        Ok(())
    },
];

/// Takes a body for each reader of class rooms.
///
/// # Panics
/// When a refusal does not say what is wrong, or is not the client's fault.
pub(crate) fn exercise_bodies(body: impl Fn() -> Option<Object>) {
    for read in READERS {
        let Some(body) = body() else { return };
        if let Err(failure) = read(body) {
            let (status, answer) = failure.answer(stoa_core::Timestamp::from_millis(0));
            assert!((400..500).contains(&status.as_u16()), "{status}");
            let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
            assert!(answer["msg"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}
