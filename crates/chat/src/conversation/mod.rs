//! Conversations as one user has them: what was read, deleted, pinned and marked.
//!
//! **The one idea: a message costs nothing here.** A conversation's log and a user's membership say
//! all; numbers of unread messages and last messages are found by looking at the log's end, and only
//! when somebody asks. What a user deleted lies in records of its own, so the log stays as it is for
//! the others.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `view` | what a user sees of one conversation: the last message, how many are unread |
//! | `list` | the list of conversations, in pages |
//! | `settings` | pinning, marking and taking off the list |
//! | `read` | that a conversation was read |
//! | `deleted`, `deletion` | messages that a user deleted for itself |
//! | `pins` | messages that are pinned for all |
//! | `search` | finding a message of which only the id is known |

mod deleted;
mod deletion;
mod list;
mod pins;
mod read;
mod search;
mod settings;
mod view;

use serde_json::json;
use stoa_core::{Resource, Target, Timestamp, UserId};

use crate::entry::Kind;
use crate::event::{self, Notice};
use crate::log::NewEntry;

pub(crate) use deleted::DeletedMessages;
pub use deletion::Deletion;
pub use list::{Conversation, ConversationPage, ConversationQuery, Listed};
pub use pins::{Pin, PinPage};
pub(crate) use pins::{pins_key, pins_of};
pub(crate) use view::View;

/// What the SDK calls the kind of a conversation.
const fn type_of(target: &Target) -> &'static str {
    match target {
        Target::User(_) => "chat",
        Target::Group(group) if group.is_room() => "chatroom",
        Target::Group(_) => "groupchat",
    }
}

/// Who does something to a conversation, and on which device.
type By<'a> = (&'a UserId, &'a Resource);

/// A notice that `op` was done to the conversation with `target` (msync section 5.6).
fn conversation_notice(op: &str, by: By<'_>, target: &Target, at: Timestamp, ext: &str) -> Notice {
    let (user, resource) = by;
    let json = json!({
        "type": "conv",
        "data": {
            "op": op,
            "res": resource.as_str(),
            "from": user.as_str(),
            "id": target.name(),
            "type": type_of(target),
            "ts": at.as_millis(),
            "ext": ext,
        }
    });
    Notice { json: json.to_string() }
}

/// A notice that messages were deleted (msync section 5.6).
fn deletion_notice(resource: &Resource, target: &Target) -> Notice {
    let json = json!({
        "type": "roaming_delete",
        "data": {
            "resource": resource.as_str(),
            "to": target.name(),
            "chatType": type_of(target),
        }
    });
    Notice { json: json.to_string() }
}

/// A notice for the user's other devices.
fn to_own_devices(by: By<'_>, notice: &Notice) -> NewEntry {
    NewEntry::event(Kind::Notice, by, Target::User(by.0.clone()), event::body(notice))
}
