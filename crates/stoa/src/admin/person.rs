//! All that is kept of one person: handed out as files of JSON lines and bytes, with an inventory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_chat::entry::Entry;
use stoa_chat::person::{Coverage, PersonSink, Renaming, Told, coverage};
use stoa_store::classes::CLASSES;
use stoa_store::spaces::{SPACES, Space};
use stoa_wire::content;

use super::pieces::PIECE;
use super::{Answer, PersonRequest, Piece, Pieces, Text};
use crate::failure::Failure;
use crate::node::Node;

/// Lines are gathered up to so many bytes.
const GATHERED: usize = 64 << 10;

/// What there is of a person, class by class. Its JSON form stands in every export: fields are added,
/// never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// The app's key.
    pub app: String,
    /// The user's name.
    pub user: String,
    /// When it was taken, in milliseconds since 1970.
    pub taken: u64,
    /// Records of all classes.
    pub records: u64,
    /// Files with their bytes.
    pub files: u64,
    /// Each class of data of an app.
    pub classes: Vec<ClassInventory>,
}

/// What there is of a person in one class of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassInventory {
    /// The number of the class.
    pub class: u8,
    /// Its name.
    pub name: String,
    /// Its spaces.
    pub spaces: Vec<SpaceInventory>,
}

/// What there is of a person in one space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpaceInventory {
    /// Its name.
    pub space: String,
    /// How many records.
    pub records: u64,
    /// The file of the export that holds them; none if there are none.
    pub file: Option<String>,
    /// Why no record of it is about a person, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_of_a_person: Option<String>,
}

pub(super) async fn carry_out(
    node: &Node,
    request: PersonRequest,
    pieces: &Pieces,
) -> Result<Answer, Failure> {
    match request {
        PersonRequest::Export { app: Text(app), user: Text(user) } => {
            let caller = node.administer(&app).await?;
            let mut sink = Sink::new(pieces);
            let found = node.chat.export_person(&caller, &user, &mut sink).await?;
            sink.flush().await?;
            let inventory = Inventory {
                app: app.to_string(),
                user: user.as_str().into(),
                taken: node.clock.now().as_millis(),
                records: sink.records.values().sum(),
                files: sink.files,
                classes: classes(&sink.records),
            };
            Ok(Answer::Person { found, inventory })
        }
        PersonRequest::Erase { app: Text(app), user: Text(user) } => {
            let app = stoa_core::Operator::of_this_process().in_app(node.app(&app)?);
            let looked = AtomicU64::new(0);
            let progress = |rows: u64| {
                let all = looked.fetch_add(rows, Ordering::Relaxed) + rows;
                pieces.tell(all);
            };
            let found = node.chat.erase_person(&app, &user, &renaming(), &progress).await?;
            Ok(Answer::Erased { found })
        }
    }
}

/// Puts an entry's names into its body, and leaves none that was there before. What cannot be read is left
/// out as a whole.
pub fn renaming() -> Renaming {
    Renaming::new(|entry| {
        let renamed = content::renamed(&entry.body, entry.from.as_str(), entry.to.name());
        renamed.unwrap_or_default()
    })
}

/// The name of the file that holds the records of `space`.
fn file_of(space: &str) -> String {
    format!("records/{space}.jsonl")
}

fn classes(records: &BTreeMap<u8, u64>) -> Vec<ClassInventory> {
    let of = |space: &Space| {
        let records = records.get(&space.code).copied().unwrap_or_default();
        let not_of_a_person = match coverage(space) {
            Some(Coverage::NotOfAPerson(why)) => Some(why.to_owned()),
            Some(Coverage::EndsWithItsClass) => {
                Some("of a class room, which ends an hour after the class".to_owned())
            }
            Some(Coverage::Exported) | None => None,
        };
        let file = (records > 0).then(|| file_of(space.name));
        SpaceInventory { space: space.name.into(), records, file, not_of_a_person }
    };
    let of_apps = || SPACES.iter().filter(|space| space.owner.includes(false));
    let class = |class: &&stoa_store::classes::DataClass| {
        let spaces: Vec<_> =
            of_apps().filter(|space| space.class.number == class.number).map(|s| of(s)).collect();
        let found = ClassInventory { class: class.number, name: class.name.into(), spaces };
        Some(found).filter(|found| !found.spaces.is_empty())
    };
    CLASSES.iter().filter_map(class).collect()
}

/// Makes files of what is handed out.
struct Sink<'a> {
    pieces: &'a Pieces,
    /// Whose lines are being gathered.
    space: Option<&'static Space>,
    lines: Vec<u8>,
    records: BTreeMap<u8, u64>,
    files: u64,
    looked: u64,
}

impl<'a> Sink<'a> {
    fn new(pieces: &'a Pieces) -> Self {
        let (records, lines) = (BTreeMap::new(), Vec::new());
        Self { pieces, space: None, lines, records, files: 0, looked: 0 }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let lines = Bytes::from(std::mem::take(&mut self.lines));
        self.bytes(lines).await
    }

    async fn bytes(&self, mut bytes: Bytes) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.pieces.send(Piece::Bytes(piece)).await?;
        }
        Ok(())
    }

    async fn take(&mut self, told: Told) -> Result<(), Failure> {
        match told {
            Told::Record { space, value, entry } => {
                if self.space.is_none_or(|before| before.code != space.code) {
                    self.flush().await?;
                    self.pieces.send(Piece::File(file_of(space.name))).await?;
                    self.space = Some(space);
                }
                let value = with_body(value, entry.as_deref());
                self.lines.extend_from_slice(value.to_string().as_bytes());
                self.lines.push(b'\n');
                *self.records.entry(space.code).or_default() += 1;
                if self.lines.len() >= GATHERED {
                    self.flush().await?;
                }
                Ok(())
            }
            Told::File { id } => {
                self.flush().await?;
                self.space = None;
                self.files += 1;
                self.pieces.send(Piece::File(format!("files/{id}"))).await
            }
            Told::Bytes(bytes) => self.bytes(bytes).await,
            Told::Looked(rows) => {
                self.looked += rows;
                self.pieces.send(Piece::Progress(self.looked)).await
            }
        }
    }
}

impl PersonSink for Sink<'_> {
    async fn tell(&mut self, told: Told) -> Result<(), stoa_chat::Error> {
        // Nobody is there to be told why.
        self.take(told).await.map_err(|_| stoa_chat::Error::Internal)
    }
}

/// An entry with its body: as the bytes that the client sent and, of a message, what it says.
fn with_body(mut value: Value, entry: Option<&Entry>) -> Value {
    let Some(entry) = entry else { return value };
    value["body"] = BASE64_STANDARD.encode(&entry.body).into();
    if !entry.ext.is_empty() {
        value["ext"] = BASE64_STANDARD.encode(&entry.ext).into();
    }
    if entry.kind.is_message() {
        let message = stoa_translate::json_message(entry);
        let said = message["payload"].as_str().and_then(|text| serde_json::from_str(text).ok());
        value["said"] = said.unwrap_or(Value::Null);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_names_every_space_of_an_app() {
        let classes = classes(&BTreeMap::from([(30, 2)]));
        let spaces: Vec<_> = classes.iter().flat_map(|class| &class.spaces).collect();
        let of_apps = SPACES.iter().filter(|space| space.owner.includes(false)).count();
        assert_eq!(spaces.len(), of_apps);
        let messages = spaces.iter().find(|space| space.space == "messages").unwrap();
        assert_eq!(messages.records, 2);
        assert_eq!(messages.file.as_deref(), Some("records/messages.jsonl"));
        let sums = spaces.iter().find(|space| space.space == "attribute_totals").unwrap();
        assert_eq!((sums.records, sums.not_of_a_person.is_some()), (0, true));
    }
}
