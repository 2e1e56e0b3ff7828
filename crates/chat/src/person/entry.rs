//! What becomes of an entry of a log when a person is erased who is named in it.
//!
//! An entry keeps its place, its id and its time, so that everybody else's reading goes on as before. The
//! person's own messages lose what they say, or keep it where the app wants that; wherever the person is
//! named, [`PSEUDONYM`] stands. What others wrote is not touched, the name to which they wrote included.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use serde_json::Value;

use super::erased::{Erased, PSEUDONYM};
use crate::entry::{Entry, Kind};
use crate::event::{self, ContactEvent, GroupEvent};
use crate::records::StoredEntry;
use stoa_store::spaces::Space;

type NameFn = dyn Fn(&Entry) -> Bytes + Send + Sync;

/// Puts an entry's names into its body, which is opaque to chat.
#[derive(Clone)]
pub struct Renaming(Arc<NameFn>);

impl Renaming {
    /// By a function that answers the body with the entry's present names.
    pub fn new(name: impl Fn(&Entry) -> Bytes + Send + Sync + 'static) -> Self {
        Self(Arc::new(name))
    }
}

/// The entry without the persons who are erased; none if it names none of them.
///
/// # Errors
/// When the record is damaged.
pub(super) fn without(
    stored: &StoredEntry,
    erased: &Erased,
    renaming: &Renaming,
    space: &'static Space,
) -> Result<Option<StoredEntry>, stoa_store::StoreError> {
    let mut new = stored.clone();
    let own = erased.find(&stored.from);
    new.only = renamed(&stored.only, erased);
    if let Some(edit) = &mut new.edit
        && erased.has(&edit.by)
    {
        edit.by = PSEUDONYM.into();
    }
    new.change = new.change.take().filter(|change| !erased.has(&change.by));
    let kind = Kind::try_from(stored.kind).unwrap_or(Kind::Unknown);
    match kind {
        Kind::GroupEvent => rename_group_event(&mut new, erased),
        Kind::ContactEvent => rename_contact_event(&mut new, erased),
        _ => {}
    }
    if let Some(keeps_messages) = own {
        new.from = PSEUDONYM.into();
        new.from_resource = stoa_core::Resource::none().as_str().into();
        new.client_id = 0;
        match kind {
            kind if kind.is_message() && keeps_messages => name(&mut new, renaming, space)?,
            kind if kind.is_message() => {
                new.kind = Kind::Recalled.into();
                (new.body, new.ext, new.edit, new.change) =
                    (Bytes::new(), Bytes::new(), None, None);
            }
            // Others are still to hear that a message was taken back.
            Kind::Recall => name(&mut new, renaming, space)?,
            Kind::GroupEvent | Kind::ContactEvent | Kind::Recalled | Kind::Mark => {}
            Kind::Edit if keeps_messages => name(&mut new, renaming, space)?,
            _ => {
                new.kind = Kind::Mark.into();
                (new.body, new.ext) = (Bytes::new(), Bytes::new());
            }
        }
    }
    Ok((new != *stored).then_some(new))
}

/// Puts the entry's names into its body.
fn name(
    stored: &mut StoredEntry,
    renaming: &Renaming,
    space: &'static Space,
) -> Result<(), stoa_store::StoreError> {
    let entry = stored.clone().into_entry(space.name)?;
    stored.body = (renaming.0)(&entry);
    Ok(())
}

/// The names, with the pseudonym once for all who are erased.
pub(super) fn renamed(names: &[String], erased: &Erased) -> Vec<String> {
    let mut new: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = if erased.has(name) { PSEUDONYM } else { name };
        if !new.iter().any(|known| known == name) {
            new.push(name.to_owned());
        }
    }
    new
}

fn rename_group_event(stored: &mut StoredEntry, erased: &Erased) {
    let Ok(mut event) = GroupEvent::decode(&stored.body[..]) else { return };
    if erased.has(&event.actor) {
        event.actor = PSEUDONYM.into();
    }
    event.users = renamed(&event.users, erased);
    if let Some(detail) = &mut event.detail
        && let Ok(mut value) = serde_json::from_str(detail)
        && rename_texts(&mut value, erased)
    {
        *detail = value.to_string();
    }
    stored.body = event::body(&event);
}

fn rename_contact_event(stored: &mut StoredEntry, erased: &Erased) {
    let Ok(mut event) = ContactEvent::decode(&stored.body[..]) else { return };
    for name in [&mut event.from, &mut event.to] {
        if erased.has(name) {
            *name = PSEUDONYM.into();
        }
    }
    stored.body = event::body(&event);
}

/// Puts the pseudonym for each text that is the name of somebody who is erased. Answers whether there was any.
fn rename_texts(value: &mut Value, erased: &Erased) -> bool {
    match value {
        Value::String(text) if erased.has(text) => {
            *text = PSEUDONYM.into();
            true
        }
        Value::Array(values) => {
            let mut any = false;
            values.iter_mut().for_each(|value| any |= rename_texts(value, erased));
            any
        }
        Value::Object(fields) => {
            let mut any = false;
            fields.values_mut().for_each(|value| any |= rename_texts(value, erased));
            any
        }
        _ => false,
    }
}
