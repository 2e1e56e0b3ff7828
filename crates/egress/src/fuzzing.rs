//! What the fuzz targets run, shared with a test that needs no fuzzer: any bytes, as a URL that an app's
//! owner entered, and as the stored value of a contact.

use prost::Message;

use crate::record::ContactRecord;
use crate::{HostRegion, Target};

/// Takes `data` for a URL, and for what the operator says of a host.
///
/// # Panics
/// When what is taken is written otherwise than it was read, or has no name that a certificate could be for.
pub fn exercise_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for text in [text.to_owned(), format!("https://{text}")] {
        let Ok(target) = text.parse::<Target>() else { continue };
        assert_eq!(target.to_string().parse().as_ref(), Ok(&target));
        assert!(target.host.server_name().is_some() && target.port > 0);
        assert!(!target.to_string().contains('@') || target.path.contains('@'));
    }
    if let Ok(said) = text.parse::<HostRegion>() {
        assert_eq!(said.to_string().parse(), Ok(said));
    }
}

/// Takes `data` for the value of a contact.
///
/// # Panics
/// When a contact is written differently from what was read.
pub fn exercise_record(data: &[u8]) {
    let Ok(contact) = ContactRecord::read(data).and_then(ContactRecord::contact) else { return };
    let value = ContactRecord::new(&contact).encode_to_vec();
    let read = ContactRecord::read(&value).and_then(ContactRecord::contact);
    assert_eq!(read.expect("it was just written"), contact);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_fuzzer_kept() {
        for (target, exercise) in
            [("config", exercise_url as fn(&[u8])), ("record", exercise_record)]
        {
            let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
            let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
            assert!(!inputs.is_empty(), "{target}");
            inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..80)) {
            exercise_url(&data);
            exercise_record(&data);
        }
    }
}
