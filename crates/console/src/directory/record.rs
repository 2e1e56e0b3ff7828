//! A record of the directory, as it is signed, fetched and stored (protobuf; the specification is this file).
//!
//! What is signed are the very bytes of the record: they are verified before they are read, and kept as they came.

use prost::Message;
use stoa_core::{AppId, AppKey, Region, limits};
use stoa_store::{PublicKey, Purpose, Signature, SigningKey};

/// What a data centre says of one of its apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The App ID.
    pub(crate) id: AppId,
    /// The app key; none: the app is deleted.
    pub(crate) key: Option<AppKey>,
    /// Where it lives.
    pub(crate) region: Region,
    /// Rises with each record of the region.
    pub(crate) version: u64,
}

/// The signed bytes.
#[derive(Clone, PartialEq, Message)]
struct RecordBody {
    #[prost(string, tag = "1")]
    app_id: String,
    /// Empty when the app is deleted.
    #[prost(string, tag = "2")]
    app_key: String,
    #[prost(string, tag = "3")]
    region: String,
    #[prost(uint64, tag = "4")]
    version: u64,
    #[prost(bool, tag = "5")]
    deleted: bool,
}

/// A record with its signature.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignedRecord {
    #[prost(bytes = "vec", tag = "1")]
    body: Vec<u8>,
    /// Ed25519, for the purpose *directory*.
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
}

/// What is fetched at once.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Page {
    /// By version.
    #[prost(message, repeated, tag = "1")]
    pub(crate) records: Vec<SignedRecord>,
    /// There are more behind them.
    #[prost(bool, tag = "2")]
    pub(crate) more: bool,
}

/// DIRECTORY.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredRecord {
    #[prost(message, optional, tag = "1")]
    pub(crate) signed: Option<SignedRecord>,
    /// When it came; 0 for the own ones.
    #[prost(uint64, tag = "2")]
    pub(crate) learned_ms: u64,
}

/// Why a page is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// It is not a page.
    #[error("the answer is no page of a directory")]
    Form,
    /// It has too many records.
    #[error("the page has more than {} records", limits::DIRECTORY_PAGE)]
    Size,
    /// A record was not signed by the key of that data centre.
    #[error(
        "a record is not signed by the signing-key that the configuration names for this region"
    )]
    Signature,
    /// A record is for another region than that of the data centre.
    #[error("the data centre of '{0}' speaks for another region")]
    Region(Region),
    /// The versions do not rise, or are known already.
    #[error("the versions of the records do not rise")]
    Order,
}

impl Record {
    /// The bytes that are signed.
    fn body(&self) -> Vec<u8> {
        let body = RecordBody {
            app_id: self.id.as_str().into(),
            app_key: self.key.as_ref().map(AppKey::to_string).unwrap_or_default(),
            region: self.region.name().into(),
            version: self.version,
            deleted: self.key.is_none(),
        };
        body.encode_to_vec()
    }

    /// Signs it.
    pub(crate) fn sign(&self, signer: &SigningKey) -> SignedRecord {
        let body = self.body();
        let signature = signer.sign(Purpose::Directory, &body).0.to_vec();
        SignedRecord { body, signature }
    }
}

impl SignedRecord {
    /// What it says, if `signer` has signed it.
    fn verify(&self, signer: &PublicKey) -> Result<Record, PageError> {
        let signature = Signature::try_from(&*self.signature).map_err(|_| PageError::Signature)?;
        let verified = signer.verify(Purpose::Directory, &self.body, &signature);
        verified.map_err(|_| PageError::Signature)?;
        self.read()
    }

    /// What it says; for records whose signature was verified when they came.
    pub(crate) fn read(&self) -> Result<Record, PageError> {
        let form = PageError::Form;
        let body = RecordBody::decode(&*self.body).map_err(|_| form)?;
        let RecordBody { app_id, app_key, region, version, deleted } = body;
        let key = match (deleted, &*app_key) {
            (true, "") => None,
            (true, _) => return Err(form),
            (false, key) => Some(key.parse().map_err(|_| form)?),
        };
        let (id, region) = (app_id.parse().map_err(|_| form)?, region.parse().map_err(|_| form)?);
        Ok(Record { id, key, region, version })
    }
}

/// Takes `data` for a page and for a stored record.
///
/// # Panics
/// When a record is written differently from what was read.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn exercise(data: &[u8]) {
    let key = PublicKey::from_bytes([7; PublicKey::LEN]);
    // Nothing is signed by a key that nobody has.
    let read = read_page(data, Region::Eu, &key, 0);
    assert!(read.is_err() || read.is_ok_and(|(rows, _)| rows.is_empty()));
    let stored = StoredRecord::decode(data).ok().and_then(|stored| stored.signed);
    let page = Page::decode(data).map(|page| page.records).unwrap_or_default();
    for signed in page.into_iter().chain(stored) {
        let Ok(record) = signed.read() else { continue };
        let again = SignedRecord { body: record.body(), signature: Vec::new() };
        assert_eq!(again.read(), Ok(record));
    }
}

/// The records of a page of the data centre of `region`, each verified by `signer` and behind `after`; and whether
/// there are more.
pub(crate) fn read_page(
    bytes: &[u8],
    region: Region,
    signer: &PublicKey,
    after: u64,
) -> Result<(Vec<(Record, SignedRecord)>, bool), PageError> {
    let Page { records, more } = Page::decode(bytes).map_err(|_| PageError::Form)?;
    if records.len() > limits::DIRECTORY_PAGE {
        return Err(PageError::Size);
    }
    // One that has nothing and says that there is more would be asked for ever.
    if records.is_empty() && more {
        return Err(PageError::Form);
    }
    let mut last = after;
    let mut rows = Vec::with_capacity(records.len());
    for signed in records {
        let record = signed.verify(signer)?;
        if record.region != region {
            return Err(PageError::Region(region));
        }
        if record.version <= last {
            return Err(PageError::Order);
        }
        last = record.version;
        rows.push((record, signed));
    }
    Ok((rows, more))
}
