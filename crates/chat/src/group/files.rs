//! Files shared in a group (chat-rest section 2.16).
//!
//! The bytes are an attachment that belongs to the group; which there are stands in a list of the
//! group's own. A file is in the list when its bytes are durable, and its bytes go when it is out of
//! the list, so that a crash in between leaves bytes that nobody finds until their time is over.

use std::sync::Arc;

use prost::Message;
use stoa_core::{Caller, GroupId, Resource, Timestamp, UserId, Uuid};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, spaces};

use super::state::group_blind;
use super::{GroupActor, STEP};
use crate::attachment::{self, OpenFile, PlaceId, Proof, SharedFile, Target as Place, Upload};
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::records::{self, GroupFile};
use crate::{Chat, Error};

/// A file in a group's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Who shared it; none: the app's back end.
    pub owner: Option<UserId>,
    /// Bytes.
    pub size: u64,
    /// When it was shared.
    pub created: Timestamp,
}

fn file_blind(store: &AppStore, id: Uuid) -> Blind {
    store.blind("group file", &[id.as_bytes()])
}

fn file_key(store: &AppStore, group: Blind, created: Timestamp, id: Uuid) -> Key {
    let files = store.key(&spaces::GROUP_FILES).blind(group);
    files.number(created.as_millis()).blind(file_blind(store, id)).done()
}

/// The group as a place of files.
fn place(group: &GroupId) -> Result<Place, Error> {
    let id: PlaceId = group.as_str().parse().map_err(|_| Error::Internal)?;
    Ok(if group.is_room() { Place::Room(id) } else { Place::Group(id) })
}

impl TryFrom<GroupFile> for ListedFile {
    type Error = Error;

    fn try_from(row: GroupFile) -> Result<Self, Error> {
        let corrupt = || stoa_store::StoreError::Corrupt { space: spaces::GROUP_FILES.name };
        let owner = match row.owner.as_str() {
            "" => None,
            name => Some(name.parse().map_err(|_| corrupt())?),
        };
        Ok(Self {
            id: Uuid::from_bytes(row.id.try_into().map_err(|_| corrupt())?),
            name: row.name,
            owner,
            size: row.size,
            created: Timestamp::from_millis(row.created_ms),
        })
    }
}

impl Chat {
    /// Begins to take a file that is to be shared in a group.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::GroupDisabled`], [`Error::UnknownGroup`], and as
    /// [`Self::begin_upload`].
    pub async fn begin_group_file(&self, caller: &Caller, id: &GroupId) -> Result<Upload, Error> {
        let group = self.group_for_member(caller, id).await?;
        GroupActor::new(caller, None).must_be_on(&group)?;
        self.begin_shared_file(caller).await
    }

    /// Ends the upload of a file and shares it in the group. All members are told.
    ///
    /// # Errors
    /// As [`Self::begin_group_file`] and [`Self::finish_upload`]; then nothing is kept of it.
    pub async fn share_group_file(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        upload: Upload,
        name: &str,
    ) -> Result<SharedFile, Error> {
        let file = self.store_shared_file(caller, place(id)?, upload, name).await?;
        let row = GroupFile {
            id: file.id.as_bytes().to_vec(),
            name: file.name.clone(),
            owner: file.owner.as_ref().map_or("", UserId::as_str).into(),
            size: file.size,
            created_ms: file.created.as_millis(),
        };
        let work = Arc::new((GroupActor::new(caller, resource), row, file.id, file.created));
        let shared = self
            .act_on_group(caller, id, move |batch| {
                let work = work.clone();
                Box::pin(async move {
                    let (who, row, file, created) = &*work;
                    let group = batch.group()?;
                    who.standing(group)?;
                    who.must_be_on(group)?;
                    let blind = group_blind(batch.store, group.id());
                    let actor = who.actor();
                    let users = vec![row.name.clone()];
                    let event = group.event(GroupAct::FileUploaded, &actor.user);
                    let event = GroupEvent { reason: users.into_iter().next(), ..event };
                    batch.tell(&actor, &event, Audience::All)?;
                    let key = file_key(batch.store, blind, *created, *file);
                    batch.written += 1;
                    let value = row.encode_to_vec();
                    Ok(batch.txn.put(&key, Bucket::Object(blind.0), &value).await?)
                })
            })
            .await;
        if let Err(error) = shared {
            if !error.outcome_is_unknown() {
                self.delete_shared_file(caller, &place(id)?, file.id).await?;
            }
            return Err(error);
        }
        Ok(file)
    }

    /// The files that are shared in a group and can still be read, newest first: `count` of them
    /// behind the first `skip`.
    ///
    /// # Errors
    /// [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn group_files(
        &self,
        caller: &Caller,
        id: &GroupId,
        skip: usize,
        count: usize,
    ) -> Result<Vec<ListedFile>, Error> {
        self.group_for_member(caller, id).await?;
        let store = self.store.app(caller).await?;
        let mut rest = store.key(&spaces::GROUP_FILES).blind(group_blind(&store, id)).all();
        let read = store.read().await?;
        let now = self.shared.clock.now();
        let mut files = Vec::new();
        let mut passed = 0;
        loop {
            let rows = read.scan(&rest, Direction::Backward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                rest = rest.below(&key);
                let row: GroupFile = records::decode(&value, spaces::GROUP_FILES.name)?;
                let file = ListedFile::try_from(row)?;
                if now >= file.created.plus(attachment::retention()) {
                    return Ok(files);
                }
                passed += 1;
                if passed > skip {
                    files.push(file);
                }
                if files.len() == count {
                    return Ok(files);
                }
            }
            if !full {
                return Ok(files);
            }
        }
    }

    /// Opens a file that is shared in a group: for its members, and for who has its secret.
    ///
    /// # Errors
    /// [`Error::UnknownFile`], [`Error::FileForbidden`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn open_group_file(
        &self,
        caller: &Caller,
        id: &GroupId,
        file: Uuid,
    ) -> Result<OpenFile, Error> {
        self.group_for_member(caller, id).await?;
        let proof = Proof { secret: None, caller: Some(caller) };
        self.open_shared_file(caller, &place(id)?, file, proof).await
    }

    /// Removes a file from a group, and its bytes: members their own, owner and administrators any.
    /// All members are told.
    ///
    /// # Errors
    /// [`Error::UnknownFile`], [`Error::Forbidden`], [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn delete_group_file(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        file: Uuid,
    ) -> Result<(), Error> {
        self.group_for_member(caller, id).await?;
        let found = self.shared_file(caller, &place(id)?, file).await?;
        let work = Arc::new((GroupActor::new(caller, resource), found));
        self.act_on_group(caller, id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (who, found) = &*work;
                let group = batch.group()?;
                let manages = who.standing(group)?.manages();
                who.must_be_on(group)?;
                if !manages && found.owner != who.user {
                    return Err(Error::Forbidden);
                }
                let blind = group_blind(batch.store, group.id());
                let key = file_key(batch.store, blind, found.created, found.id);
                if !batch.txn.exists(&key).await? {
                    return Err(Error::UnknownFile);
                }
                let actor = who.actor();
                let event = batch.group()?.event(GroupAct::FileDeleted, &actor.user);
                let event = GroupEvent { reason: Some(found.id.to_string()), ..event };
                batch.tell(&actor, &event, Audience::All)?;
                batch.written += 1;
                Ok(batch.txn.delete(&key)?)
            })
        })
        .await?;
        self.delete_shared_file(caller, &place(id)?, file).await
    }
}
