//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as the stored value
//! of each record.

use prost::Message;
use stoa_core::AppNumber;

use crate::record::{AppNumberRecord, AppRecord, PlatformRecord, decode};
use crate::token_client::TokenClientRecord;

/// Takes `data` for a value of each space, and for what another data centre sends.
///
/// # Panics
/// When an app is written differently from what was read.
pub fn exercise(data: &[u8]) {
    crate::directory::exercise(data);
    let _ = decode::<PlatformRecord>(data, "fuzzed");
    let _ = decode::<AppNumberRecord>(data, "fuzzed");
    if let Ok(record) = decode::<TokenClientRecord>(data, "fuzzed")
        && let Ok(client) = record.into_client("acme#support".parse().expect("it is a key"))
    {
        let value = TokenClientRecord::new(&client).encode_to_vec();
        let read: TokenClientRecord = decode(&value, "fuzzed").expect("it was just written");
        let read = read.into_client(client.app_key.clone()).expect("what was a client stays one");
        assert_eq!(read, client);
    }
    let Ok(record) = decode::<AppRecord>(data, "fuzzed") else { return };
    let Ok(app) = record.into_app(AppNumber(7)) else { return };
    let value = AppRecord::new(&app).encode_to_vec();
    let read: AppRecord = decode(&value, "fuzzed").expect("what was written can be read");
    let read = read.into_app(AppNumber(7)).expect("what was an app stays one");
    assert_eq!(AppRecord::new(&read).encode_to_vec(), value);
    assert_eq!((read.id, read.key, read.region), (app.id, app.key, app.region));
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
