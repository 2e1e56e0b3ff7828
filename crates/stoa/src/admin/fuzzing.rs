//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as an export of receipts, and as a
//! receipt that the data centre has signed.

use prost::Message;
use stoa_seal::KeyMaterial;
use stoa_store::receipts::{Act, Covered, Receipt, Signed};
use stoa_store::{Purpose, SigningKey};

use super::{ReceiptView, Verifier};

/// Takes `data` for the file of an export, and for what a receipt says before it is signed.
///
/// # Panics
/// When what nobody signed is found whole, when a receipt is written otherwise than it was read, or one that was signed
/// is not taken.
pub fn exercise(data: &[u8]) {
    let key = SigningKey::from_seed(&KeyMaterial::copy_of(&[7; KeyMaterial::LEN]));
    let found = Verifier::new(key.public_key()).read(data).expect("bytes can be read");
    assert!(found.is_err(), "nobody has signed it: {found:?}");
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(view) = serde_json::from_slice::<ReceiptView>(line) else { continue };
        if let Some(signed) = view.signed() {
            assert_eq!(ReceiptView::from(&signed).signed(), Some(signed));
        }
    }
    if let Ok(receipt) = Receipt::decode(data) {
        let receipt = Receipt { number: 1, before: Vec::new(), ..receipt };
        take(&key, receipt);
    }
}

/// Signs a receipt, the first one, and has the export with it verified.
fn take(key: &SigningKey, receipt: Receipt) {
    let is_known = !matches!(receipt.act(), Act::Unknown | Act::End)
        && Covered::try_from(receipt.covered).is_ok();
    let sign = |receipt: Receipt| {
        let signature = key.sign(Purpose::Receipt, &receipt.encode_to_vec());
        ReceiptView::from(&Signed { receipt, signature })
    };
    let before = receipt.hash().to_vec();
    let end = Receipt { number: 1, act: Act::End.into(), before, ..Receipt::default() };
    let lines = [sign(receipt), sign(end)].map(|view| serde_json::to_string(&view));
    let file = lines.map(|line| line.expect("a receipt can be written")).join("\n");
    let found = Verifier::new(key.public_key()).read(file.as_bytes()).expect("bytes can be read");
    match is_known {
        true => assert_eq!(found.map(|whole| whole.last), Ok(1)),
        // This version does not know what it would say.
        false => assert!(found.is_err()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzer_kept() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/receipts");
        let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
        assert!(!inputs.is_empty());
        inputs.iter().for_each(|input| super::exercise(&std::fs::read(input.path()).unwrap()));
    }

    proptest! {
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
            super::exercise(&data);
        }
    }
}
