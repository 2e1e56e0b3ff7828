//! Who may read a file, and reading it.
//!
//! The share secret alone opens a file: images in a page send nothing else. Without it the caller's
//! token has to reach that far: the app's back end, the uploader, or somebody who takes part in the
//! conversation that the file was sent to. Whoever presents a wrong secret is refused, whatever else
//! there is. A file of another app, one whose time is over and one that never was are the same.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use stoa_blob::Content;
use stoa_core::{AppScope, Caller, Timestamp, UserId, Uuid, same_secret};
use stoa_metrics::attachments::SERVED_BYTES;

use super::record::File;
use crate::{Chat, Error};

/// What somebody presents to read a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proof<'a> {
    /// The share secret.
    pub secret: Option<&'a str>,
    /// Who asks, if that is known.
    pub caller: Option<&'a Caller>,
}

/// What is asked for of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendition {
    /// The bytes that were uploaded.
    Original,
    /// The small image, or the original where there is none.
    Thumbnail,
}

/// A file that may be read.
pub struct OpenFile {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What these bytes are.
    pub content_type: &'static str,
    /// Whether this is the small image.
    pub is_thumbnail: bool,
    /// The moment from which on it cannot be read.
    pub expires: Timestamp,
    content: Content,
}

impl OpenFile {
    /// Bytes of it.
    pub const fn size(&self) -> u64 {
        self.content.size()
    }

    /// The bytes of `range`, as far as there are any, in order. The stream ends with the first error.
    pub fn read(
        self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        self.content
            .read(range)
            .inspect_ok(|bytes| SERVED_BYTES.add(bytes.len() as u64))
            .map_err(Error::from)
    }
}

impl Chat {
    /// Opens a file for whoever may read it.
    ///
    /// # Errors
    /// [`Error::UnknownFile`], also for one whose time is over; [`Error::FileForbidden`];
    /// [`Error::Files`], [`Error::Store`].
    pub async fn open_file(
        &self,
        scope: &impl AppScope,
        id: Uuid,
        proof: Proof<'_>,
        rendition: Rendition,
    ) -> Result<OpenFile, Error> {
        let blobs = &self.attachments()?.blobs;
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let found = self.find_file(scope, &store, id).await?;
        let found = found.filter(|found| found.file.complete && now < found.file.expires());
        let found = found.ok_or(Error::UnknownFile)?;
        let file = found.file;
        if !self.may_read(&file, proof).await? {
            return Err(Error::FileForbidden);
        }
        let (pieces, content_type, is_thumbnail) = match (rendition, file.thumbnail) {
            (Rendition::Thumbnail, Some(small)) => (vec![small.blob], small.content_type, true),
            _ => (file.blobs(), file.content_type, false),
        };
        let expires = file.expires();
        let content = blobs.open(found.shelf, pieces).await?;
        Ok(OpenFile { id, name: file.name, content_type, is_thumbnail, expires, content })
    }

    async fn may_read(&self, file: &File, proof: Proof<'_>) -> Result<bool, Error> {
        if let Some(secret) = proof.secret {
            return Ok(same_secret(secret, file.secret().expose()));
        }
        let Some(caller) = proof.caller else { return Ok(false) };
        let Some(user) = caller.user() else { return Ok(caller.is_app()) };
        if !self.was_there(caller, user, file.created).await? {
            return Ok(false);
        }
        // What is shared in a group belongs to the group, not to who brought it.
        if !file.shared && file.owner.as_ref() == Some(user) {
            return Ok(true);
        }
        match &file.target {
            Some(target) => self.takes_part(caller, user, target).await,
            None => Ok(!file.restricted),
        }
    }

    /// Whether the user is the one who had this name at that moment: a name that was deleted and
    /// registered again is another person.
    async fn was_there(
        &self,
        caller: &Caller,
        user: &UserId,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let account = self.find(caller, user).await?;
        Ok(account.is_some_and(|account| account.created_ms <= at.as_millis()))
    }
}
