//! Reading: any range, by opening only the chunks that it touches.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use stoa_vault::Opened;

use crate::blobs::Blobs;
use crate::format::{CHUNK, SEALED_CHUNK, chunks, place, sealed_range};
use crate::{Blob, BlobError, Shelf};

/// Chunks that are read together: fewer steps, and some 600 KiB for each file that is being read.
const BATCH: u64 = 4;

/// What one or more files hold, one after the other.
#[derive(Clone)]
pub struct Content {
    blobs: Blobs,
    shelf: Shelf,
    parts: Vec<Blob>,
    size: u64,
}

impl Content {
    pub(crate) fn new(blobs: Blobs, shelf: Shelf, parts: Vec<Blob>) -> Self {
        let size = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.size));
        Self { blobs, shelf, parts, size }
    }

    /// Bytes of it.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of `range` in order, as far as there are any.
    ///
    /// The stream ends with the first error: [`BlobError::Damaged`], [`BlobError::Gone`],
    /// [`BlobError::Place`].
    pub fn read(
        self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static {
        let range = range.start..range.end.min(self.size);
        let reading = Reading { content: self, range, ready: VecDeque::new() };
        stream::try_unfold(reading, |mut reading| async move {
            if reading.ready.is_empty() {
                reading.fill().await?;
            }
            Ok(reading.ready.pop_front().map(|bytes| (bytes, reading)))
        })
    }

    /// The first bytes of it, `most` or fewer.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn head(&self, most: usize) -> Result<Vec<u8>, BlobError> {
        let head = Self { size: self.size.min(most as u64), ..self.clone() };
        head.read_all().await
    }

    /// All of it, for what is known to be small.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_all(self) -> Result<Vec<u8>, BlobError> {
        let size = self.size;
        let all = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let append = |mut all: Vec<u8>, bytes: Bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        };
        self.read(0..size).try_fold(all, append).await
    }
}

struct Reading {
    content: Content,
    /// What is still to be read.
    range: Range<u64>,
    /// What is opened and was not handed out.
    ready: VecDeque<Bytes>,
}

impl Reading {
    /// Opens the next chunks of the range, if there are any.
    async fn fill(&mut self) -> Result<(), BlobError> {
        let Some((part, from)) = self.part() else { return Ok(()) };
        let chunk = CHUNK as u64;
        let until = (self.range.end - self.range.start).saturating_add(from).min(part.size);
        let first = from / chunk;
        let end = until.div_ceil(chunk).min(first + BATCH);
        let Content { blobs, shelf, .. } = &self.content;
        let at = sealed_range(first..end, part.size);
        let ranges = std::slice::from_ref(&at);
        let read = blobs.0.place.get_ranges(&shelf.file(part.id), ranges).await?;
        let sealed = read.into_iter().next().unwrap_or_default();
        if sealed.len() as u64 != at.end - at.start {
            return Err(BlobError::Damaged);
        }
        for (number, sealed) in (first..end).zip(sealed.chunks(SEALED_CHUNK)) {
            let last = number + 1 == chunks(part.size);
            let place = place(shelf.app, part.id, number, last);
            let Opened::Plain(plain) = blobs.0.vault.open_record(&place, sealed)? else {
                return Err(BlobError::Gone);
            };
            let begins = number * chunk;
            let within = |at: u64| usize::try_from(at.saturating_sub(begins)).unwrap_or(usize::MAX);
            let (low, high) = (within(from), within(until).min(plain.len()));
            if low >= high {
                return Err(BlobError::Damaged);
            }
            let bytes = Bytes::from(plain).slice(low..high);
            self.range.start += bytes.len() as u64;
            self.ready.push_back(bytes);
        }
        Ok(())
    }

    /// The file in which the range begins, and where in it.
    fn part(&self) -> Option<(Blob, u64)> {
        if self.range.is_empty() {
            return None;
        }
        let mut from = self.range.start;
        for part in &self.content.parts {
            if from < part.size {
                return Some((*part, from));
            }
            from -= part.size;
        }
        None
    }
}
