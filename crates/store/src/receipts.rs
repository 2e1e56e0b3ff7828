//! Receipts: signed statements that keys were destroyed, one for each bucket, numbered and chained.
//!
//! Before keys are destroyed, it is written down which ones are meant; afterwards the receipt takes the place of that.
//! Whoever dies in between finds it at the next start, destroys what is left of them, and writes the receipt. A receipt
//! names an app by its number and a user, group or room by its blinded id; it holds nothing of what was destroyed.
//! Each one holds the hash of the one before, so that one that is missing, or was changed, is noticed by whoever has
//! them and the public key ([`Checker`]).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message;
use stoa_core::{AppNumber, Clock, Day, Entropy, Operator, Timestamp};
pub use stoa_seal::{PublicKey, Signature};
use stoa_seal::{Purpose, SigningKey};
use stoa_vault::{Bucket, KeyId, KeyScope, KeySummary};
use tokio::sync::RwLock;

use crate::classes::DataClass;
use crate::engine::Direction;
use crate::spaces::{self, Space};
use crate::{AppStore, Key, Store, StoreError, Txn};

/// Ids of keys that one receipt lists; beyond, there is their number alone.
const KEYS_LISTED: usize = 10_000;
/// Rows that are read at once.
const STEP: usize = 500;

/// What a receipt says. Numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Act {
    /// Nothing that this version knows.
    Unknown = 0,
    /// Keys were destroyed.
    Destroyed = 1,
    /// Records that opened no more, of days up to the bucket's, were removed.
    Removed = 2,
    /// Nothing: where the receipts ended when they were exported.
    End = 3,
}

/// What a receipt is about. Numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Covered {
    /// Nothing that this version knows.
    Unknown = 0,
    /// A whole class of an app.
    Whole = 1,
    /// A day in UTC, counted from 1970.
    Day = 2,
    /// A month in UTC, counted from January 1970.
    Month = 3,
    /// A user, group or room, by its blinded id.
    Object = 4,
    /// All that an app had.
    App = 5,
}

/// A statement, as it is signed: its encoding is what the signature is for.
#[derive(Clone, PartialEq, Message)]
pub struct Receipt {
    /// Its number, from 1 on without a gap.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// When, in milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// What happened.
    #[prost(enumeration = "Act", tag = "3")]
    pub act: i32,
    /// The app's number; 0 is the platform.
    #[prost(uint32, tag = "4")]
    pub app: u32,
    /// The number of the class of data; 0 where all of an app is covered.
    #[prost(uint32, tag = "5")]
    pub class: u32,
    /// What is covered.
    #[prost(enumeration = "Covered", tag = "6")]
    pub covered: i32,
    /// The day or month.
    #[prost(uint64, tag = "7")]
    pub bucket: u64,
    /// The blinded id.
    #[prost(bytes = "vec", tag = "8")]
    pub object: Vec<u8>,
    /// The numbers of the keys, if they are not too many.
    #[prost(uint64, repeated, tag = "9")]
    pub keys: Vec<u64>,
    /// How many keys.
    #[prost(uint64, tag = "10")]
    pub key_count: u64,
    /// How many records: of keys at the most so many (exact as long as the server ran on), of removed ones exactly.
    #[prost(uint64, tag = "11")]
    pub records: u64,
    /// The hash of the receipt before; empty with the first.
    #[prost(bytes = "vec", tag = "12")]
    pub before: Vec<u8>,
}

/// A receipt with its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// What it says.
    pub receipt: Receipt,
    /// That the data centre says so.
    pub signature: Signature,
}

/// RECEIPTS: a receipt as it is stored.
#[derive(Clone, PartialEq, Message)]
struct StoredReceipt {
    #[prost(message, optional, tag = "1")]
    receipt: Option<Receipt>,
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
}

/// RECEIPT_HEAD: the last one.
#[derive(Clone, PartialEq, Message)]
struct Head {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(bytes = "vec", tag = "2")]
    hash: Vec<u8>,
}

impl Receipt {
    /// What the receipt after it holds of it.
    pub fn hash(&self) -> [u8; 32] {
        let hash = digest(&SHA256, &self.encode_to_vec());
        *hash.as_ref().first_chunk().expect("a SHA-256 digest has 32 bytes")
    }

    /// About a bucket, without number.
    fn about(act: Act, app: AppNumber, class: u8, bucket: Bucket) -> Self {
        let (covered, number, object) = match bucket {
            Bucket::Whole => (Covered::Whole, 0, Vec::new()),
            Bucket::Day(Day(day)) => (Covered::Day, u64::from(day), Vec::new()),
            Bucket::Month(month) => (Covered::Month, u64::from(month), Vec::new()),
            Bucket::Object(blind) => (Covered::Object, 0, blind.to_vec()),
        };
        Self {
            act: act.into(),
            app: app.0,
            class: class.into(),
            covered: covered.into(),
            bucket: number,
            object,
            ..Self::default()
        }
    }

    fn with_keys(self, keys: &[KeySummary]) -> Self {
        let listed = keys.iter().map(|key| key.id.0).take(KEYS_LISTED);
        Self {
            keys: listed.collect(),
            key_count: keys.len() as u64,
            records: keys.iter().map(|key| key.sealed).sum(),
            ..self
        }
    }
}

/// Writes receipts.
pub(crate) struct Book {
    key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
    /// Held by whoever is between a destruction and its receipt; alone by whoever completes what was left.
    steps: RwLock<()>,
}

fn decode<R: Message + Default>(value: &[u8], space: &Space) -> Result<R, StoreError> {
    R::decode(value).map_err(|_| StoreError::Corrupt { space: space.name })
}

fn head_key(platform: &AppStore) -> Key {
    platform.key(&spaces::RECEIPT_HEAD).done()
}

fn intent_key(platform: &AppStore, first: u64) -> Key {
    platform.key(&spaces::DESTRUCTIONS).number(first).done()
}

async fn head(platform: &AppStore, txn: &mut Txn) -> Result<Head, StoreError> {
    let value = txn.get(&head_key(platform)).await?;
    value.map_or_else(|| Ok(Head::default()), |value| decode(&value, &spaces::RECEIPT_HEAD))
}

impl Book {
    /// Writes down what is going to be destroyed.
    async fn intend(platform: &AppStore, receipts: &[Receipt]) -> Result<(), StoreError> {
        let intended = platform.transact(|mut txn| async move {
            for receipt in receipts {
                // Ids of keys are never given twice.
                let key = intent_key(platform, receipt.keys.first().copied().unwrap_or(0));
                txn.put(&key, Bucket::Whole, &receipt.encode_to_vec()).await?;
            }
            Ok::<_, StoreError>(txn.done(()))
        });
        intended.await
    }

    /// Signs `receipts` and appends them, in the place of what was intended.
    async fn append(&self, platform: &AppStore, receipts: &[Receipt]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let appended = platform.transact(|mut txn| async move {
            let mut head = head(platform, &mut txn).await?;
            for receipt in receipts {
                if let Some(first) = receipt.keys.first() {
                    txn.delete(&intent_key(platform, *first))?;
                }
                let number = head.number + 1;
                let receipt = Receipt {
                    number,
                    at_ms: now.as_millis(),
                    before: std::mem::take(&mut head.hash),
                    ..receipt.clone()
                };
                let signature = self.key.sign(Purpose::Receipt, &receipt.encode_to_vec());
                head = Head { number, hash: receipt.hash().to_vec() };
                let signature = signature.0.to_vec();
                let row = StoredReceipt { receipt: Some(receipt), signature };
                let key = platform.key(&spaces::RECEIPTS).number(number).done();
                txn.put(&key, Bucket::Whole, &row.encode_to_vec()).await?;
            }
            txn.put(&head_key(platform), Bucket::Whole, &head.encode_to_vec()).await?;
            Ok::<_, StoreError>(txn.done(()))
        });
        appended.await
    }

    /// What was intended and has no receipt.
    async fn pending(platform: &AppStore) -> Result<Vec<Receipt>, StoreError> {
        let all = platform.key(&spaces::DESTRUCTIONS).all();
        let rows = platform.read().await?.scan(&all, Direction::Forward, usize::MAX).await?;
        rows.iter().map(|(_, value)| decode(value, &spaces::DESTRUCTIONS)).collect()
    }
}

impl Store {
    /// From now on every destruction leaves a receipt. What an earlier life had begun is completed: answers how many
    /// destructions those were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_receipts(
        &self,
        operator: &Operator,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<usize, StoreError> {
        let key = self.signing_key(operator, entropy).await?;
        let steps = RwLock::default();
        let book = Book { key, clock, steps };
        let completed = self.complete(&book).await?;
        let _ = self.0.book.set(book);
        Ok(completed)
    }

    /// Completes destructions that were begun and have no receipt, since something failed. Answers how many they were.
    ///
    /// # Errors
    /// [`StoreError`]; they are completed by the next call.
    pub async fn complete_destructions(&self, _: &Operator) -> Result<usize, StoreError> {
        self.complete(self.book()?).await
    }

    async fn complete(&self, book: &Book) -> Result<usize, StoreError> {
        // What is under way has its receipt, or will not have one.
        let _alone = book.steps.write().await;
        let platform = &self.platform_store().await?;
        let pending = Book::pending(platform).await?;
        for receipt in &pending {
            let app = AppNumber(receipt.app);
            let left = match receipt.covered() {
                // Where not all are listed, all of the app were meant.
                Covered::App => self.0.vault.keys_where(|of| of.app == app),
                _ => Vec::new(),
            };
            let listed = receipt.keys.iter().map(|id| KeyId(*id));
            let left = left.iter().map(|key| key.id).chain(listed).collect();
            self.0.vault.destroy_keys(left).await?;
            book.append(platform, std::slice::from_ref(receipt)).await?;
        }
        Ok(pending.len())
    }

    /// A page of receipts behind number `after`, in order.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] before [`Self::keep_receipts`]; [`StoreError`].
    pub async fn receipts(&self, _: &Operator, after: u64) -> Result<Vec<Signed>, StoreError> {
        self.book()?;
        let platform = self.platform_store().await?;
        let range = platform.key(&spaces::RECEIPTS).numbers(after.saturating_add(1)..);
        let rows = platform.read().await?.scan(&range, Direction::Forward, STEP).await?;
        rows.iter().map(|(_, value)| signed(value)).collect()
    }

    /// The last receipts that `wanted` picks, the newest first, `most` of them at the most.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn last_receipts(
        &self,
        _: &Operator,
        most: usize,
        wanted: impl Fn(&Receipt) -> bool,
    ) -> Result<Vec<Signed>, StoreError> {
        /// Receipts that are looked at.
        const LOOKED_AT: usize = 10_000;
        self.book()?;
        let platform = self.platform_store().await?;
        let (read, mut found) = (platform.read().await?, Vec::new());
        let (mut range, mut looked_at) = (platform.key(&spaces::RECEIPTS).all(), 0);
        while looked_at < LOOKED_AT {
            let rows = read.scan(&range, Direction::Backward, STEP).await?;
            let Some((key, _)) = rows.last() else { break };
            range = range.below(key);
            looked_at += rows.len();
            for (_, value) in &rows {
                let signed = signed(value)?;
                if wanted(&signed.receipt) {
                    found.push(signed);
                }
                if found.len() == most {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Says, signed, where the receipts end at this moment: after it, nobody can leave the last ones out.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub async fn receipts_end(&self, _: &Operator) -> Result<Signed, StoreError> {
        let book = self.book()?;
        let platform = &self.platform_store().await?;
        let value = platform.read().await?.get(&head_key(platform)).await?;
        let head = value.map(|value| decode::<Head>(&value, &spaces::RECEIPT_HEAD)).transpose()?;
        let Head { number, hash } = head.unwrap_or_default();
        let (act, at_ms) = (Act::End.into(), book.clock.now().as_millis());
        let receipt = Receipt { number, at_ms, act, before: hash, ..Receipt::default() };
        let signature = book.key.sign(Purpose::Receipt, &receipt.encode_to_vec());
        Ok(Signed { receipt, signature })
    }

    /// The key by which receipts are checked.
    ///
    /// # Errors
    /// As [`Self::receipts`].
    pub fn receipts_key(&self) -> Result<PublicKey, StoreError> {
        Ok(self.book()?.key.public_key())
    }

    /// Leaves a receipt that so many records of `class`, of days up to `last`, were removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn removed(
        &self,
        app: AppNumber,
        class: &DataClass,
        last: Day,
        records: u64,
    ) -> Result<(), StoreError> {
        let Some(book) = self.0.book.get() else { return Ok(()) };
        let receipt = Receipt::about(Act::Removed, app, class.number, Bucket::Day(last));
        book.append(&self.platform_store().await?, &[Receipt { records, ..receipt }]).await
    }

    /// The platform's records. The book does not hold them, since the store holds the book.
    async fn platform_store(&self) -> Result<AppStore, StoreError> {
        self.handle(AppNumber::PLATFORM).await
    }

    fn book(&self) -> Result<&Book, StoreError> {
        self.0.book.get().ok_or(StoreError::Misuse("no receipts are kept"))
    }

    /// Destroys the keys of these scopes at once, and leaves a receipt for each. Answers how many scopes had keys.
    pub(crate) async fn destroy_scopes(&self, scopes: &[KeyScope]) -> Result<usize, StoreError> {
        let mut receipts = Vec::new();
        let wanted: HashSet<_> = scopes.iter().collect();
        let mut keys = self.0.vault.keys_where(|of| wanted.contains(of));
        keys.sort_unstable_by_key(|key| (key.scope, key.id));
        for keys in keys.chunk_by(|a, b| a.scope == b.scope) {
            let KeyScope { app, class, bucket } = keys[0].scope;
            receipts.push(Receipt::about(Act::Destroyed, app, class.0, bucket).with_keys(keys));
        }
        self.destroy_with_receipts(&receipts, keys.iter().map(|key| key.id).collect()).await?;
        Ok(receipts.len())
    }

    /// Destroys all keys of an app, and leaves a receipt. Answers how many there were.
    pub(crate) async fn destroy_all_of(&self, app: AppNumber) -> Result<usize, StoreError> {
        let mut keys = self.0.vault.keys_where(|of| of.app == app);
        keys.sort_unstable_by_key(|key| key.id);
        if let (Some(book), false) = (self.0.book.get(), keys.is_empty()) {
            let _step = book.steps.read().await;
            let (act, covered) = (Act::Destroyed.into(), Covered::App.into());
            let about = Receipt { act, app: app.0, covered, ..Receipt::default() };
            let receipt = about.with_keys(&keys);
            let platform = &self.platform_store().await?;
            Book::intend(platform, std::slice::from_ref(&receipt)).await?;
            let destroyed = self.0.vault.destroy_app(app).await?;
            book.append(platform, &[receipt]).await?;
            return Ok(destroyed.keys.len());
        }
        Ok(self.0.vault.destroy_app(app).await?.keys.len())
    }

    async fn destroy_with_receipts(
        &self,
        receipts: &[Receipt],
        keys: Vec<KeyId>,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let Some(book) = self.0.book.get() else {
            self.0.vault.destroy_keys(keys).await?;
            return Ok(());
        };
        let _step = book.steps.read().await;
        let platform = &self.platform_store().await?;
        Book::intend(platform, receipts).await?;
        self.0.vault.destroy_keys(keys).await?;
        book.append(platform, receipts).await
    }
}

fn signed(value: &[u8]) -> Result<Signed, StoreError> {
    let corrupt = StoreError::Corrupt { space: spaces::RECEIPTS.name };
    let row: StoredReceipt = decode(value, &spaces::RECEIPTS)?;
    match (row.receipt, Signature::try_from(&*row.signature)) {
        (Some(receipt), Ok(signature)) => Ok(Signed { receipt, signature }),
        _ => Err(corrupt),
    }
}

/// Why receipts are not what was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The signature is not for what stands there, or not by this key.
    #[error("receipt {0} is not what was signed with this key")]
    Signature(u64),
    /// One is missing or stands in another place.
    #[error("receipt {expected} is missing: {found} stands in its place")]
    Missing {
        /// The number that follows.
        expected: u64,
        /// What was found.
        found: u64,
    },
    /// It does not follow the one before.
    #[error("receipt {0} does not follow the one before it")]
    Chain(u64),
    /// The signed end is missing, or says something else.
    #[error("the receipts do not end as was signed: {0}")]
    End(String),
}

/// What was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// The first receipt; 1 unless a part was checked.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// When the end was signed; none where there is none.
    pub ended: Option<Timestamp>,
}

/// Checks receipts one after the other.
#[derive(Debug)]
pub struct Checker {
    key: PublicKey,
    last: u64,
    hash: Vec<u8>,
    ended: Option<Timestamp>,
}

impl Checker {
    /// A checker from the first receipt on.
    pub const fn new(key: PublicKey) -> Self {
        Self { key, last: 0, hash: Vec::new(), ended: None }
    }

    /// Takes the next one.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn take(&mut self, signed: &Signed) -> Result<(), Broken> {
        let Signed { receipt, signature } = signed;
        let number = receipt.number;
        if self.ended.is_some() {
            return Err(Broken::End(format!("receipt {number} stands behind the end")));
        }
        let bytes = receipt.encode_to_vec();
        if self.key.verify(Purpose::Receipt, &bytes, signature).is_err() {
            return Err(Broken::Signature(number));
        }
        if receipt.act() == Act::End {
            if number != self.last || receipt.before != self.hash {
                let said = format!("{number} were there, and {} are here", self.last);
                return Err(Broken::End(said));
            }
            self.ended = Some(Timestamp::from_millis(receipt.at_ms));
            return Ok(());
        }
        if number != self.last + 1 {
            return Err(Broken::Missing { expected: self.last + 1, found: number });
        }
        if receipt.before != self.hash {
            return Err(Broken::Chain(number));
        }
        (self.last, self.hash) = (number, receipt.hash().to_vec());
        Ok(())
    }

    /// What was checked: whole up to its signed end.
    ///
    /// # Errors
    /// [`Broken::End`] where there is no end.
    pub fn finish(self) -> Result<Whole, Broken> {
        if self.ended.is_none() {
            return Err(Broken::End("the signed end is missing".into()));
        }
        let first = u64::from(self.last > 0);
        Ok(Whole { first, last: self.last, ended: self.ended })
    }
}

impl fmt::Display for Covered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Whole => "class",
            Self::Day => "day",
            Self::Month => "month",
            Self::Object => "object",
            Self::App => "app",
        })
    }
}
