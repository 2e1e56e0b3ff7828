//! Receipts of destructions, as programs read them and whoever checks them gives them back.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};
use stoa_core::Operator;
use stoa_store::classes::CLASSES;
use stoa_store::receipts::{Act, Broken, Checker, Covered, Receipt, Signed, Whole};
use stoa_store::receipts::{PublicKey, Signature};

use super::{Answer, ReceiptsRequest, Text};
use crate::failure::Failure;
use crate::node::Node;

/// A receipt. Times are milliseconds since 1970 in UTC, bytes are hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    /// Its number.
    pub number: u64,
    /// When.
    pub time: u64,
    /// `destroyed`, `removed`, or `end` for where the receipts ended.
    pub act: String,
    /// The number of the app; 0 is the platform.
    pub app: u32,
    /// The number of the class of data; 0 where it is all of an app.
    pub class: u32,
    /// The name of the class. Not signed: a number has one name for ever.
    #[serde(default)]
    pub class_name: String,
    /// `class`, `day`, `month`, `object` or `app`.
    pub covered: String,
    /// The day since 1970, or the month since January 1970.
    pub bucket: u64,
    /// The blinded id of the user, group or room.
    pub object: String,
    /// The numbers of the keys.
    pub keys: Vec<u64>,
    /// How many keys.
    pub key_count: u64,
    /// How many records.
    pub records: u64,
    /// The hash of the receipt before.
    pub before: String,
    /// The signature, of Ed25519.
    pub signature: String,
}

/// Bytes of one line of an export at the most.
const LINE: u64 = 1 << 20;
const ACTS: [(Act, &str); 3] =
    [(Act::Destroyed, "destroyed"), (Act::Removed, "removed"), (Act::End, "end")];
const COVERED: [Covered; 6] =
    [Covered::Unknown, Covered::Whole, Covered::Day, Covered::Month, Covered::Object, Covered::App];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |at: u8| char::from(at).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

impl From<&Signed> for ReceiptView {
    fn from(signed: &Signed) -> Self {
        let Signed { receipt, signature } = signed;
        let act = ACTS.iter().find(|(act, _)| *act == receipt.act());
        let class = CLASSES.iter().find(|class| u32::from(class.number) == receipt.class);
        Self {
            number: receipt.number,
            time: receipt.at_ms,
            act: act.map_or("unknown", |(_, name)| *name).into(),
            app: receipt.app,
            class: receipt.class,
            class_name: class.map_or("", |class| class.name).into(),
            covered: receipt.covered().to_string(),
            bucket: receipt.bucket,
            object: hex(&receipt.object),
            keys: receipt.keys.clone(),
            key_count: receipt.key_count,
            records: receipt.records,
            before: hex(&receipt.before),
            signature: hex(&signature.0),
        }
    }
}

impl ReceiptView {
    /// What was signed; none where something is written that no receipt says.
    pub fn signed(&self) -> Option<Signed> {
        let (act, _) = ACTS.iter().find(|(_, name)| *name == self.act)?;
        let covered = COVERED.iter().find(|covered| covered.to_string() == self.covered)?;
        let receipt = Receipt {
            number: self.number,
            at_ms: self.time,
            act: (*act).into(),
            app: self.app,
            class: self.class,
            covered: (*covered).into(),
            bucket: self.bucket,
            object: bytes(&self.object)?,
            keys: self.keys.clone(),
            key_count: self.key_count,
            records: self.records,
            before: bytes(&self.before)?,
        };
        let signature = Signature::try_from(&*bytes(&self.signature)?).ok()?;
        Some(Signed { receipt, signature })
    }
}

/// Checks receipts, one line of an export after the other.
#[derive(Debug)]
pub struct Verifier(Checker);

impl Verifier {
    /// Against this key.
    pub const fn new(key: PublicKey) -> Self {
        Self(Checker::new(key))
    }

    /// Takes a receipt.
    ///
    /// # Errors
    /// Why it is not what was signed.
    pub fn take(&mut self, view: &ReceiptView) -> Result<(), String> {
        let signed = view.signed().ok_or(Broken::Signature(view.number));
        signed.and_then(|signed| self.0.take(&signed)).map_err(|broken| broken.to_string())
    }

    /// Takes a line of an export.
    ///
    /// # Errors
    /// As [`Self::take`]; a line that is no receipt is none either.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let view = serde_json::from_str(line);
        self.take(&view.map_err(|error| format!("a line is no receipt: {error}"))?)
    }

    /// Takes all lines of an export.
    ///
    /// # Errors
    /// What the file could not be read for; inside it, why the receipts are not whole.
    pub fn read(mut self, mut file: impl BufRead) -> io::Result<Result<Whole, String>> {
        loop {
            let mut line = String::new();
            match (&mut file).take(LINE).read_line(&mut line) {
                Ok(0) => return Ok(self.finish()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Ok(Err("a line is no text".into()));
                }
                Err(error) => return Err(error),
            }
            if let Err(broken) = self.line(line.trim_end()) {
                return Ok(Err(broken));
            }
        }
    }

    /// All were taken.
    ///
    /// # Errors
    /// Why they are not whole.
    pub fn finish(self) -> Result<Whole, String> {
        self.0.finish().map_err(|broken| broken.to_string())
    }
}

pub(super) async fn carry_out(node: &Node, request: ReceiptsRequest) -> Result<Answer, Failure> {
    let operator = Operator::of_this_process();
    Ok(match request {
        ReceiptsRequest::Page { after } => {
            let page = node.store.receipts(&operator, after).await?;
            let receipts = page.iter().map(ReceiptView::from).collect();
            Answer::Receipts { receipts }
        }
        ReceiptsRequest::End => {
            let end = ReceiptView::from(&node.store.receipts_end(&operator).await?);
            Answer::ReceiptsEnd { end, public_key: node.store.receipts_key()?.to_string() }
        }
        ReceiptsRequest::Last { app, most } => {
            let app = match app {
                Some(Text(key)) => Some(node.app(&key)?.number.0),
                None => None,
            };
            let wanted = |receipt: &Receipt| app.is_none_or(|app| receipt.app == app);
            let last = node.store.last_receipts(&operator, most, wanted).await?;
            Answer::Receipts { receipts: last.iter().map(ReceiptView::from).collect() }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_does_no_harm(text in "\\PC{0,200}", key: [u8; 32]) {
            let mut verifier = Verifier::new(PublicKey::from_bytes(key));
            prop_assert!(verifier.line(&text).is_err());
            prop_assert!(verifier.finish().is_err());
        }

        #[test]
        fn a_receipt_is_read_as_it_is_written(
            numbers: [u64; 5], keys in prop::collection::vec(any::<u64>(), 0..4),
            object in prop::collection::vec(any::<u8>(), 0..20), which in 0_usize..3, of in 0_usize..6,
        ) {
            let [number, at_ms, bucket, key_count, records] = numbers;
            let receipt = Receipt {
                number, at_ms, act: ACTS[which].0.into(), app: 3, class: 1, covered: COVERED[of].into(), bucket,
                before: object.clone(), object, keys, key_count, records,
            };
            let signed = Signed { receipt, signature: Signature([7; Signature::LEN]) };
            prop_assert_eq!(ReceiptView::from(&signed).signed(), Some(signed));
        }
    }
}
