//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as the stored value
//! of each record.

use prost::Message;

use crate::account::User;
use crate::attachment::{self, AttachmentRecord};
use crate::entry::{Entry, Kind};
use crate::lifetime::stored::{Head, LogDay, Sweep};
use crate::records::{Account, Cursors, Device, Membership, Name, StoredEntry, Username, decode};

/// Takes `data` for a value of each space.
///
/// # Panics
/// When a value is taken for what it is not, or is written differently from what was read.
pub fn exercise(data: &[u8]) {
    again::<Name>(data);
    again::<Username>(data);
    again::<Device>(data);
    again::<Head>(data);
    again::<LogDay>(data);
    again::<Sweep>(data);
    again::<Cursors>(data);
    again::<Membership>(data);
    again::<AttachmentRecord>(data);
    attachment::exercise(data);
    if let Some(account) = again::<Account>(data)
        && let Ok(user) = User::try_from(account.clone())
    {
        assert!(user.username.as_str().eq_ignore_ascii_case(&account.username));
        assert_eq!(user.activated, !account.deactivated);
    }
    if let Some(stored) = again::<StoredEntry>(data) {
        let (countable, client_id) = (stored.countable, stored.client_id);
        if let Ok(entry) = stored.into_entry("fuzzed") {
            entry_again(&entry, countable, client_id);
        }
    }
}

fn entry_again(entry: &Entry, countable: u64, client_id: u64) {
    let value = StoredEntry::new(entry, countable, client_id).encode_to_vec();
    let read: StoredEntry = decode(&value, "fuzzed").expect("what was written can be read");
    assert_eq!((read.countable, read.client_id), (countable, client_id));
    let read = read.into_entry("fuzzed").expect("what was an entry stays one");
    assert_eq!(&read, entry);
    assert!(entry.kind != Kind::Unknown || !entry.kind.is_message());
}

/// The record; it can be written, and reads the same.
fn again<R: Message + Default + PartialEq>(data: &[u8]) -> Option<R> {
    let record: R = decode(data, "fuzzed").ok()?;
    let read: R = decode(&record.encode_to_vec(), "fuzzed").expect("what was written can be read");
    assert!(read == record);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_kept() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/record");
        let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
        assert!(!inputs.is_empty());
        inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
    }
}
