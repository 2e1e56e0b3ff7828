//! Files shared in a group (chat-rest section 2.16): attachments whose target is the group and which
//! belong to it. The rules of groups decide who may share and delete; these functions keep the bytes.

use std::fmt;

use stoa_core::{AppScope, Caller, Secret, Timestamp, UserId, Uuid, limits};

use super::record::File;
use super::{NewFile, OpenFile, Proof, Rendition, Target, Upload};
use crate::{Chat, Error};

/// A file that is shared in a group.
#[derive(Clone)]
pub struct SharedFile {
    /// Its id.
    pub id: Uuid,
    /// Who shared it; none: the app's back end.
    pub owner: Option<UserId>,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was shared.
    pub created: Timestamp,
    /// Opens it for whoever has it.
    pub secret: Secret,
}

impl fmt::Debug for SharedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedFile").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Chat {
    /// Begins to take a file that will be shared in a group. The caller must have been found to be a
    /// member, or the app's back end.
    ///
    /// # Errors
    /// As [`Self::begin_upload`].
    pub async fn begin_shared_file(&self, caller: &Caller) -> Result<Upload, Error> {
        self.begin(caller, limits::SHARED_FILE_BYTES).await
    }

    /// Ends the upload of a file that is shared in `place`, a group or a room: when this returns, members can read it.
    ///
    /// # Errors
    /// As [`Self::finish_upload`].
    pub async fn store_shared_file(
        &self,
        caller: &Caller,
        place: Target,
        upload: Upload,
        name: &str,
    ) -> Result<SharedFile, Error> {
        let target = Some(place);
        let new = NewFile { name: name.into(), target, restricted: true, ..NewFile::default() };
        let stored = self.finish(caller, upload, new, true).await?;
        Ok(SharedFile {
            id: stored.id,
            owner: caller.user().cloned(),
            name: stored.name,
            size: stored.size,
            created: stored.created,
            secret: stored.secret,
        })
    }

    /// What there is to know of a file that is shared in `place`, a group or a room.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] when there is none, or its time is over; [`Error::Store`].
    pub async fn shared_file(
        &self,
        scope: &impl AppScope,
        place: &Target,
        id: Uuid,
    ) -> Result<SharedFile, Error> {
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let found = self.find_file(scope, &store, id).await?.map(|found| found.file);
        let file = found.filter(|file| {
            file.shared
                && file.complete
                && now < file.expires()
                && file.target.as_ref() == Some(place)
        });
        let file = file.ok_or(Error::UnknownFile)?;
        let (size, secret) = (file.size(), file.secret());
        let File { owner, name, created, .. } = file;
        Ok(SharedFile { id, owner, name, size, created, secret })
    }

    /// Opens a file that is shared in `place`, a group or a room, for members and for who has the secret.
    ///
    /// # Errors
    /// As [`Self::open_file`]; [`Error::UnknownFile`] also for a file that is not shared there.
    pub async fn open_shared_file(
        &self,
        scope: &impl AppScope,
        place: &Target,
        id: Uuid,
        proof: Proof<'_>,
    ) -> Result<OpenFile, Error> {
        self.shared_file(scope, place, id).await?;
        self.open_file(scope, id, proof, Rendition::Original).await
    }

    /// Removes a file that is shared in `place`, a group or a room: when this returns, its bytes are gone. The caller must
    /// have been found to be allowed that.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] when there is none; [`Error::Files`], [`Error::Store`].
    pub async fn delete_shared_file(
        &self,
        scope: &impl AppScope,
        place: &Target,
        id: Uuid,
    ) -> Result<(), Error> {
        self.shared_file(scope, place, id).await?;
        let store = self.store.app(scope).await?;
        let found = self.find_file(scope, &store, id).await?.ok_or(Error::UnknownFile)?;
        self.remove_file(&store, &found, |file| file.shared).await
    }
}
