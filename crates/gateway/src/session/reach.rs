//! What a session's call is about, for callers whose tokens are for a class room: those reach the chat of the class, as
//! [`Chat::must_reach`](stoa_chat::Chat::must_reach) decides.

use stoa_chat::Error;
use stoa_chat::class::Wanted;
use stoa_core::Target;

use super::core::{Call, Outcome};

/// What a call is about.
pub(super) fn wanted(call: &Call) -> Wanted {
    match call {
        Call::Recall { recall, .. } => Wanted::Conversation(recall.to.clone()),
        Call::Edit { edit, .. } => Wanted::Conversation(edit.to.clone()),
        Call::EnterRoom { room, .. } | Call::LeaveRoom { room, .. } => {
            Wanted::Conversation(Target::Group(room.clone()))
        }
        // Asked where it is sent.
        Call::Send { .. } => Wanted::Named,
        Call::Unread | Call::Page { .. } | Call::Save(_) | Call::Login { .. } => Wanted::Session,
        // What one user tells another about what it has read is kept for days.
        Call::Acknowledge { .. } | Call::Read { .. } | Call::AcknowledgeInGroup { .. } => {
            Wanted::Other
        }
    }
}

/// The outcome of a call that is refused.
pub(super) fn refused(call: Call, error: Error) -> Outcome {
    match call {
        Call::Send { id, .. }
        | Call::Acknowledge { id, .. }
        | Call::Read { id, .. }
        | Call::Recall { id, .. }
        | Call::LeaveRoom { id, .. }
        | Call::AcknowledgeInGroup { id, .. } => Outcome::Done(id, Err(error)),
        Call::EnterRoom { id, room, .. } => Outcome::Entered(id, room, Err(error)),
        Call::Edit { id, .. } => Outcome::Edited(id, Box::new(Err(error))),
        Call::Unread => Outcome::Unread(Err(error)),
        Call::Page { queue, .. } => Outcome::Page(queue, Err(error)),
        Call::Save(_) => Outcome::Saved(Err(())),
        Call::Login { .. } => Outcome::Login(Err(error)),
    }
}
