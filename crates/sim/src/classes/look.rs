//! Reading a room, as its app's back end does: how it is, and all that it has said.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_classroom::frame::{Event, Frame};
use stoa_classroom::room::{By, Participant, Room};
use stoa_classroom::{Classroom, Error};
use stoa_core::{ClassRole, RoomType, RoomUuid, UserUuid};

use super::ask::Pass;
use super::mirror::{Mirror, Seen};

/// How a room was at some number of what it tells.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(super) sees_answers: bool,
    pub(super) sequence: u64,
    /// Who was shown it: of itself it was shown more.
    pub(super) own: Option<String>,
    pub(super) is: Mirror,
}

impl Snapshot {
    fn of(room: &Room, sees_answers: bool) -> Self {
        let is = Mirror {
            properties: room.properties(sees_answers),
            users: room
                .listed()
                .filter(|user| is_seen(room, user))
                .map(|user| (user.id.as_str().to_owned(), seen(room, user)))
                .collect(),
        };
        Self { sees_answers, sequence: room.sequence, own: None, is }
    }
}

/// In a lecture, those who teach and who is on the stage.
fn is_seen(room: &Room, user: &Participant) -> bool {
    let learns = user.role == ClassRole::Student;
    room.kind != RoomType::Lecture || !learns || room.is_on_stage(&user.id)
}

fn seen(room: &Room, user: &Participant) -> Seen {
    let shown = user.streams.iter().filter(|stream| room.is_shown(user, stream));
    let streams = shown.map(|one| (one.id.to_string(), one.view())).collect();
    Seen { properties: room.user_properties_view(user), streams }
}

/// Everything about a room.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) snapshots: [Snapshot; 2],
    pub(super) state: u8,
    /// Who is there and listed, by name.
    pub(super) there: Vec<String>,
    pub(super) rewards: BTreeMap<String, i64>,
    pub(super) frames: Vec<Frame>,
    pub(super) alone: BTreeMap<String, Vec<Frame>>,
    pub(super) event_sequence: u64,
    pub(super) events: Vec<Event>,
    /// When it was looked at, by the server's clock (ms).
    pub(super) at: u64,
}

/// How a room is.
pub(super) async fn look(
    classroom: &Arc<Classroom>,
    pass: &Pass,
    id: &RoomUuid,
) -> Result<[Snapshot; 2], Error> {
    let caller = pass.show(classroom)?;
    let by = classroom.place(&caller, id, None)?.by;
    let both = |room: &Room| [true, false].map(|sees| Snapshot::of(room, sees));
    classroom.turn(&caller, id, by, move |turn| Ok(both(turn.room))).await
}

/// Everything about a room.
pub(super) async fn audit(
    classroom: &Arc<Classroom>,
    pass: &Pass,
    id: &RoomUuid,
) -> Result<Found, Error> {
    let caller = pass.show(classroom)?;
    let looked = classroom.turn(&caller, id, By::App, |turn| {
        let room = &turn.room;
        let users = room.users.values();
        Ok(Found {
            snapshots: [true, false].map(|sees| Snapshot::of(room, sees)),
            state: room.schedule.state.into(),
            there: room.listed().map(|user| user.id.as_str().to_owned()).collect(),
            rewards: users.map(|user| (user.id.as_str().to_owned(), user.rewards)).collect(),
            frames: Vec::new(),
            alone: BTreeMap::new(),
            event_sequence: room.event_sequence,
            events: Vec::new(),
            at: turn.at.as_millis(),
        })
    });
    let mut found = looked.await?;
    let mut from = 1;
    loop {
        let page = classroom.frames(&caller, id, from, usize::MAX).await?;
        let Some(last) = page.last() else { break };
        from = last.sequence + 1;
        found.frames.extend(page);
    }
    // The clock goes on while it is read.
    let last = found.snapshots[0].sequence;
    found.frames.retain(|frame| frame.sequence <= last);
    let names: Vec<String> = found.rewards.keys().cloned().collect();
    for name in names {
        let user: UserUuid = super::people::user(&name);
        let (mut from, mut all) = (1, Vec::new());
        loop {
            let page = classroom.peer_frames(&caller, id, &user, from, usize::MAX).await?;
            let Some(last) = page.last() else { break };
            from = last.sequence + 1;
            all.extend(page);
        }
        found.alone.insert(name, all);
    }
    let mut from = 1;
    loop {
        let page = classroom.events(&caller, id, from, usize::MAX).await?;
        let Some(last) = page.last() else { break };
        from = last.sequence + 1;
        found.events.extend(page);
    }
    let last = found.event_sequence;
    found.events.retain(|event| event.sequence <= last);
    Ok(found)
}
