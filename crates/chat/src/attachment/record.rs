//! What is stored of a file, and finding it.

use std::fmt;

use prost::Message;
use stoa_blob::{Blob, BlobId, Shelf};
use stoa_core::{AppScope, Day, Secret, Timestamp, UserId, Uuid};
use stoa_store::{AppStore, Bucket, Key, StoreError, Txn, spaces};

use super::{Target, UploadedFile, retention, sniff};
use crate::{Chat, Error, records};

/// ATTACHMENTS: a stored piece of a file.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredPiece {
    /// Its place among the parts of an upload.
    #[prost(uint32, tag = "1")]
    number: u32,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(uint64, tag = "3")]
    size: u64,
    /// Of a thumbnail only.
    #[prost(string, tag = "4")]
    content_type: String,
}

/// ATTACHMENTS: a file, or an upload in parts that is not complete.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AttachmentRecord {
    /// Empty: the app's back end.
    #[prost(string, tag = "1")]
    owner: String,
    #[prost(uint64, tag = "2")]
    created_ms: u64,
    /// 0: none, 1: a user, 2: a group, 3: a room.
    #[prost(uint32, tag = "3")]
    target_kind: u32,
    #[prost(string, tag = "4")]
    target: String,
    #[prost(string, tag = "5")]
    content_type: String,
    #[prost(string, tag = "6")]
    name: String,
    #[prost(bytes = "vec", tag = "7")]
    secret: Vec<u8>,
    #[prost(bool, tag = "8")]
    restricted: bool,
    #[prost(message, repeated, tag = "9")]
    pieces: Vec<StoredPiece>,
    #[prost(message, optional, tag = "10")]
    thumbnail: Option<StoredPiece>,
    #[prost(bool, tag = "11")]
    complete: bool,
    /// Shared in a group: it belongs to the group.
    #[prost(bool, tag = "12")]
    shared: bool,
}

/// A thumbnail that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredThumbnail {
    pub(crate) blob: Blob,
    pub(crate) content_type: &'static str,
}

/// A file, as the rules see it.
#[derive(Clone, PartialEq)]
pub(crate) struct File {
    /// None: the app's back end.
    pub(crate) owner: Option<UserId>,
    pub(crate) created: Timestamp,
    pub(crate) target: Option<Target>,
    pub(crate) content_type: &'static str,
    pub(crate) name: String,
    pub(super) secret: [u8; 16],
    pub(crate) restricted: bool,
    /// By their numbers.
    pub(crate) pieces: Vec<(u32, Blob)>,
    pub(crate) thumbnail: Option<StoredThumbnail>,
    pub(crate) complete: bool,
    pub(crate) shared: bool,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("complete", &self.complete).finish_non_exhaustive()
    }
}

impl File {
    /// A file without bytes, of `owner`.
    pub(crate) fn new(owner: Option<UserId>, created: Timestamp, secret: [u8; 16]) -> Self {
        Self {
            owner,
            created,
            target: None,
            content_type: sniff::OTHER,
            name: String::new(),
            secret,
            restricted: true,
            pieces: Vec::new(),
            thumbnail: None,
            complete: false,
            shared: false,
        }
    }

    /// The text that opens it.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(format!("{:032x}", u128::from_be_bytes(self.secret)))
    }

    /// Bytes of it.
    pub(crate) fn size(&self) -> u64 {
        self.pieces.iter().fold(0_u64, |sum, (_, blob)| sum.saturating_add(blob.size))
    }

    /// The moment from which on it cannot be read.
    pub(crate) fn expires(&self) -> Timestamp {
        self.created.plus(retention())
    }

    /// Its bytes, in order.
    pub(crate) fn blobs(&self) -> Vec<Blob> {
        self.pieces.iter().map(|(_, blob)| *blob).collect()
    }

    /// Everything that lies in the place of files for it.
    pub(crate) fn all_blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        let thumbnail = self.thumbnail.iter().map(|thumbnail| thumbnail.blob.id);
        self.pieces.iter().map(|(_, blob)| blob.id).chain(thumbnail)
    }

    /// What its uploader is told.
    pub(crate) fn uploaded(&self, id: Uuid) -> UploadedFile {
        UploadedFile {
            id,
            secret: self.secret(),
            name: self.name.clone(),
            size: self.size(),
            content_type: self.content_type,
            created: self.created,
        }
    }
}

impl From<&File> for AttachmentRecord {
    fn from(file: &File) -> Self {
        let (target_kind, target) = match &file.target {
            None => (0, ""),
            Some(Target::User(user)) => (1, user.as_str()),
            Some(Target::Group(group)) => (2, group.as_str()),
            Some(Target::Room(room)) => (3, room.as_str()),
        };
        let piece = |number, blob: &Blob, content_type: &str| StoredPiece {
            number,
            id: blob.id.0.to_vec(),
            size: blob.size,
            content_type: content_type.into(),
        };
        Self {
            owner: file.owner.as_ref().map(|owner| owner.as_str().into()).unwrap_or_default(),
            created_ms: file.created.as_millis(),
            target_kind,
            target: target.into(),
            content_type: file.content_type.into(),
            name: file.name.clone(),
            secret: file.secret.to_vec(),
            restricted: file.restricted,
            pieces: file.pieces.iter().map(|(number, blob)| piece(*number, blob, "")).collect(),
            thumbnail: file.thumbnail.map(|small| piece(0, &small.blob, small.content_type)),
            complete: file.complete,
            shared: file.shared,
        }
    }
}

impl TryFrom<AttachmentRecord> for File {
    type Error = StoreError;

    fn try_from(record: AttachmentRecord) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { space: spaces::ATTACHMENTS.name };
        let blob = |piece: &StoredPiece| {
            let id = piece.id.as_slice().try_into().map_err(|_| corrupt())?;
            Ok::<_, StoreError>(Blob { id: BlobId(id), size: piece.size })
        };
        let user = |name: &str| name.parse::<UserId>().map_err(|_| corrupt());
        let place = |id: &str| id.parse().map_err(|_| corrupt());
        let mut pieces = Vec::with_capacity(record.pieces.len());
        for piece in &record.pieces {
            pieces.push((piece.number, blob(piece)?));
        }
        if !pieces.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(corrupt());
        }
        let thumbnail = match &record.thumbnail {
            None => None,
            Some(piece) => Some(StoredThumbnail {
                blob: blob(piece)?,
                content_type: sniff::known(&piece.content_type),
            }),
        };
        Ok(Self {
            owner: if record.owner.is_empty() { None } else { Some(user(&record.owner)?) },
            created: Timestamp::from_millis(record.created_ms),
            target: match record.target_kind {
                0 => None,
                1 => Some(Target::User(user(&record.target)?)),
                2 => Some(Target::Group(place(&record.target)?)),
                3 => Some(Target::Room(place(&record.target)?)),
                _ => return Err(corrupt()),
            },
            content_type: sniff::known(&record.content_type),
            name: record.name,
            secret: record.secret.as_slice().try_into().map_err(|_| corrupt())?,
            restricted: record.restricted,
            pieces,
            thumbnail,
            complete: record.complete,
            shared: record.shared,
        })
    }
}

/// A file, and where its record stands.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) file: File,
    pub(crate) key: Key,
    pub(crate) shelf: Shelf,
}

/// The key of the record of the file `id` that began on `day`.
pub(crate) fn key(store: &AppStore, day: Day, id: Uuid) -> Key {
    let file = store.blind("file", &[id.as_bytes()]);
    store.key(&spaces::ATTACHMENTS).number(u64::from(day.0)).blind(file).done()
}

/// The file that a stored value says.
pub(crate) fn decode(value: &[u8]) -> Result<File, StoreError> {
    records::decode::<AttachmentRecord>(value, spaces::ATTACHMENTS.name)?.try_into()
}

/// The file at `key`, if its record is there.
pub(crate) async fn load(txn: &mut Txn, key: &Key) -> Result<Option<File>, Error> {
    Ok(txn.get(key).await?.map(|value| decode(&value)).transpose()?)
}

/// Stores the record of a file that lies on `shelf`.
pub(crate) async fn save(txn: &mut Txn, key: &Key, shelf: Shelf, file: &File) -> Result<(), Error> {
    let value = AttachmentRecord::from(file).encode_to_vec();
    Ok(txn.put(key, Bucket::Day(shelf.day), &value).await?)
}

impl Chat {
    /// The file with that id, complete or not, over or not. Its day is not in the id, so each that can
    /// still have files is asked for it, the latest first.
    pub(super) async fn find_file(
        &self,
        scope: &impl AppScope,
        store: &AppStore,
        id: Uuid,
    ) -> Result<Option<Found>, Error> {
        let read = store.read().await?;
        let now = self.shared.clock.now();
        // One more day, as the clock may have been set back.
        let (first, last) = (now.minus(retention()).day(), now.day().next());
        for day in (first.0..=last.0).rev().map(Day) {
            let key = key(store, day, id);
            if let Some(value) = read.get(&key).await? {
                let shelf = Shelf { app: scope.app().number, day };
                return Ok(Some(Found { file: decode(&value)?, key, shelf }));
            }
        }
        Ok(None)
    }
}

/// Takes `data` for a stored file, for the fuzz target.
///
/// # Panics
/// When a file is written differently from what was read.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn exercise(data: &[u8]) {
    let Ok(file) = decode(data) else { return };
    let written = AttachmentRecord::from(&file).encode_to_vec();
    let read = decode(&written).expect("what was written can be read");
    assert!(read == file);
    assert!(read.expires() >= read.created);
    assert_eq!(read.secret().expose().len(), 32);
    let small = usize::from(read.thumbnail.is_some());
    assert_eq!(read.all_blobs().count(), read.blobs().len() + small);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        let blob = |n: u8| Blob { id: BlobId([n; 16]), size: u64::from(n) };
        File {
            target: Some(Target::User("bob".parse().unwrap())),
            content_type: "image/png",
            name: "a.png".into(),
            pieces: vec![(1, blob(1)), (2, blob(2))],
            thumbnail: Some(StoredThumbnail { blob: blob(3), content_type: "image/jpeg" }),
            complete: true,
            ..File::new(Some("alice".parse().unwrap()), Timestamp::from_millis(5), [0xAB; 16])
        }
    }

    /// Records are stored for days: fields may be added, none changed.
    #[test]
    fn the_bytes_of_a_record_stay() {
        let piece =
            |number: u8, n: u8| [&[0x08, number, 0x12, 16][..], &[n; 16], &[0x18, n]].concat();
        let mut small = [&[0x12, 16][..], &[3; 16], &[0x18, 3, 0x22, 10], b"image/jpeg"].concat();
        let mut bytes = [&[0x0A, 5][..], b"alice", &[0x10, 5, 0x18, 1, 0x22, 3], b"bob"].concat();
        bytes.extend([&[0x2A, 9][..], b"image/png", &[0x32, 5], b"a.png"].concat());
        bytes.extend([&[0x3A, 16][..], &[0xAB; 16], &[0x40, 1]].concat());
        for piece in [piece(1, 1), piece(2, 2)] {
            bytes.extend([&[0x4A, u8::try_from(piece.len()).unwrap()][..], &piece].concat());
        }
        bytes.extend([0x52, u8::try_from(small.len()).unwrap()]);
        bytes.append(&mut small);
        bytes.extend([0x58, 1]);
        assert_eq!(AttachmentRecord::from(&file()).encode_to_vec(), bytes);
        assert!(decode(&bytes).unwrap() == file());
    }

    #[test]
    fn a_record_that_makes_no_sense_is_refused() {
        let changes: &[fn(&mut AttachmentRecord)] = &[
            |record| record.target_kind = 9,
            |record| record.target.clear(),
            |record| record.owner = "a b".into(),
            |record| record.secret.truncate(15),
            |record| record.pieces.swap(0, 1),
            |record| record.pieces[0].id.clear(),
            |record| record.thumbnail.as_mut().unwrap().id.push(0),
        ];
        for change in changes {
            let mut record = AttachmentRecord::from(&file());
            change(&mut record);
            assert!(decode(&record.encode_to_vec()).is_err());
        }
        assert!(decode(b"\xFF").is_err());
    }

    #[test]
    fn the_secret_is_128_bits_and_nothing_prints_it() {
        assert_eq!(file().secret().expose(), "ab".repeat(16));
        assert!(
            !format!("{:?} {:?}", file(), file().uploaded(Uuid::from_bytes([1; 16])).secret)
                .contains("ab")
        );
    }
}
