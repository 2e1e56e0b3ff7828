//! What a page knows of a room: what it was shown at entry, and what it was told since.

use std::collections::BTreeMap;

use serde_json::Value;
use stoa_classroom::tree::{Edit, Tree};

/// What a page knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Mirror {
    pub(super) properties: Tree,
    /// By name.
    pub(super) users: BTreeMap<String, Seen>,
}

/// What it knows of a user.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) properties: Tree,
    /// By number.
    pub(super) streams: BTreeMap<String, Tree>,
}

/// What is told of a stream.
const STREAM: [&str; 8] = [
    "streamUuid",
    "streamName",
    "videoSourceType",
    "audioSourceType",
    "videoState",
    "audioState",
    "videoSourceState",
    "audioSourceState",
];

pub(super) fn tree(value: &Value) -> Tree {
    value.as_object().cloned().unwrap_or_default()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Seen {
    /// A user as it stands in a snapshot, or is told to be there.
    pub(super) fn of(user: &Value) -> Self {
        let streams = list(&user["streams"]).iter();
        let streams = streams.map(|one| (text(&one["streamUuid"]), tree(one))).collect();
        Self { properties: tree(&user["userProperties"]), streams }
    }
}

impl Mirror {
    /// What whoever enters is shown; of itself a page knows more.
    pub(super) fn of_entry(view: &Value) -> Self {
        let mut properties = tree(&view["room"]["roomProperties"]);
        // Where the media go is said at entry alone.
        properties.remove("region");
        let users = list(&view["remoteUsers"]).iter();
        let users = users.map(|user| (text(&user["userUuid"]), Seen::of(user))).collect();
        Self { properties, users }
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// A frame that no page understands.
    pub(super) fn hear(&mut self, frame: &Value) -> Result<(), String> {
        let data = &frame["data"];
        match frame["cmd"].as_u64() {
            Some(4 | 5) => change(&mut self.properties, &data["changeProperties"])?,
            Some(20) => {
                for user in list(&data["onlineUsers"]) {
                    self.users.insert(text(&user["userUuid"]), Seen::of(user));
                }
                for user in list(&data["offlineUsers"]) {
                    self.users.remove(&text(&user["userUuid"]));
                }
            }
            Some(22 | 23) => {
                let alone = [data.clone()];
                let all = frame["list"].as_array().map_or(&alone[..], Vec::as_slice);
                for data in all {
                    let user = text(&data["fromUser"]["userUuid"]);
                    if let Some(user) = self.users.get_mut(&user) {
                        change(&mut user.properties, &data["changeProperties"])?;
                    }
                }
            }
            Some(40) => self.stream(data),
            Some(41) => list(&data["streams"]).iter().for_each(|one| self.stream(one)),
            Some(24) => {
                for user in list(&data["users"]) {
                    if user["subscribe"] == 1 {
                        self.users.insert(text(&user["userUuid"]), Seen::of(user));
                    } else {
                        self.users.remove(&text(&user["userUuid"]));
                    }
                }
            }
            Some(3 | 21) => {}
            other => return Err(format!("frame {other:?} is not known")),
        }
        Ok(())
    }

    fn stream(&mut self, data: &Value) {
        let Some(user) = self.users.get_mut(&text(&data["fromUser"]["userUuid"])) else { return };
        let id = text(&data["streamUuid"]);
        if data["action"] == 3 {
            user.streams.remove(&id);
        } else {
            let fields = STREAM.map(|field| (field.to_owned(), data[field].clone()));
            user.streams.insert(id, fields.into_iter().collect());
        }
    }

    /// What differs between this and what `other` says, whoever `own` is aside.
    pub(super) fn differs(&self, other: &Self, own: Option<&str>) -> Option<String> {
        // Numbers and texts compare as JSON, whatever order fields have.
        for key in self.properties.keys().chain(other.properties.keys()) {
            let (told, is) = (self.properties.get(key), other.properties.get(key));
            if told != is {
                return Some(format!("{key} was told to be {told:?}, and is {is:?}"));
            }
        }
        let names = self.users.keys().chain(other.users.keys());
        for name in names.filter(|name| Some(name.as_str()) != own) {
            let (told, is) = (self.users.get(name), other.users.get(name));
            if told != is {
                return Some(format!("{name} was told to be {told:?}, and is {is:?}"));
            }
        }
        None
    }

    /// What is wrong on the stage: more than there are seats, or somebody twice.
    pub(super) fn wrong_on_stage(&self) -> Option<String> {
        let stage = self.properties.get("processes")?.get("handsUp")?;
        let seats = usize::try_from(stage["maxAccept"].as_u64()?).ok()?;
        let mut names: Vec<String> =
            list(&stage["accepted"]).iter().map(|user| text(&user["userUuid"])).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        (all > seats || names.len() < all)
            .then(|| format!("{all} are on a stage of {seats}: {names:?}"))
    }
}

/// Applies what is told to have changed.
fn change(to: &mut Tree, changed: &Value) -> Result<(), String> {
    let mut edit = Edit::default();
    for (path, value) in tree(changed) {
        if value == "deleted" {
            edit.remove.push(path);
        } else {
            edit.set.insert(path, value);
        }
    }
    *to = edit.apply(to).map_err(|refusal| refusal.text().into_owned())?.0;
    Ok(())
}
