//! Edits: the new body of a message, what those who have it are told, and the JSON about it (msync
//! sections 4.6, 5.3 and 5.4).

use bytes::Bytes;
use serde_json::{Map, Value, json};
use stoa_chat::entry::{EditMark, Entry};
use stoa_chat::{Rewrite, Rewritten};
use stoa_wire::{EditScope, content};

/// What is said about an edit of `entry`: by whom, when, and who sent it.
pub fn edit_msg(entry: &Entry, mark: &EditMark) -> Value {
    let chat_type = match entry.to.group() {
        Some(group) if group.is_room() => "chat:room",
        Some(_) => "chat:group",
        None => "chat:user",
    };
    json!({
        "edit_msg": {
            "count": mark.count,
            "operator": mark.by.as_str(),
            "edit_time": mark.at.as_millis(),
            "sender": entry.from.as_str(),
            "send_time": entry.at.as_millis(),
            "chat_type": chat_type,
        }
    })
}

/// The same with whatever else the sender put there, such as the thread.
pub(crate) fn about(entry: &Entry, mark: &EditMark) -> Value {
    let own = content::json_about(&entry.body).and_then(|text| serde_json::from_str(text).ok());
    let mut about: Map<String, Value> = own.unwrap_or_default();
    // Translations are those of the old text.
    about.remove("translations");
    if let Value::Object(edit) = edit_msg(entry, mark) {
        about.extend(edit);
    }
    Value::Object(about)
}

/// Makes of a message what `edit`, the body of a client's edit, wants.
pub fn rewrite(edit: Bytes, scope: EditScope) -> Rewrite {
    Rewrite::new(move |entry, mark| {
        let body = content::replaced(&entry.body, &edit, scope).ok()?;
        let about = about(entry, mark).to_string();
        let told = content::edit_told(&body, entry.id.0, scope, &about).ok()?;
        Some(Rewritten { body, told })
    })
}
