//! Groups and chat rooms in which somebody is named who is erased.

use std::collections::BTreeSet;
use std::sync::Arc;

use stoa_core::{Caller, GroupId, MucKind, UserId};
use stoa_store::{AppStore, spaces};

use super::erased::{Erased, PSEUDONYM};
use super::export::group_of;
use super::walk::Walk;
use crate::group::{GroupActor, Standing, group_named};
use crate::log::Batch;
use crate::records::{self, RosterPage, StoredGroup};
use crate::{Chat, Error};

impl Chat {
    /// Takes who is erased off the rosters of all groups and rooms, each in its turn; those that they
    /// owned are dismissed, as when a user is deleted.
    pub(super) async fn erase_from_groups(
        &self,
        caller: &Caller,
        store: &AppStore,
        erased: &Arc<Erased>,
    ) -> Result<(), Error> {
        for id in named_in(store, erased).await? {
            let erased = erased.clone();
            let done = self.act_on_group(caller, &id, move |batch| {
                let erased = erased.clone();
                Box::pin(async move { take_off(batch, &erased).await })
            });
            match done.await {
                // It was dismissed meanwhile.
                Ok(()) | Err(Error::UnknownGroup | Error::UnknownRoom) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The groups and rooms that name somebody who is erased.
async fn named_in(store: &AppStore, erased: &Erased) -> Result<BTreeSet<GroupId>, Error> {
    let read = store.read().await?;
    let mut groups = BTreeSet::new();
    let parse = |id: &str, is_room: bool| {
        let kind = if is_room { MucKind::Room } else { MucKind::Group };
        GroupId::parse(kind, id).ok()
    };
    let mut walk = Walk::new(store.key(&spaces::GROUPS).all());
    while let Some(rows) = walk.next(&read).await? {
        for (key, value) in rows {
            let row: StoredGroup = records::decode(&value, spaces::GROUPS.name)?;
            if erased.has(&row.owner) {
                groups.extend(group_named(store, &row.id, key.blind(0)));
            }
        }
    }
    let mut walk = Walk::new(store.key(&spaces::GROUP_ROSTERS).all());
    while let Some(rows) = walk.next(&read).await? {
        for (key, value) in rows {
            let page: RosterPage = records::decode(&value, spaces::GROUP_ROSTERS.name)?;
            if page.lines.iter().any(|line| erased.has(&line.user) || erased.has(&line.by)) {
                let (id, is_room) = group_of(store, &read, key.blind(0)).await?;
                groups.extend(parse(&id, is_room));
            }
        }
    }
    Ok(groups)
}

/// Takes who is erased off the batch's group.
async fn take_off(batch: &mut Batch<'_>, erased: &Erased) -> Result<(), Error> {
    let pseudonym: UserId = PSEUDONYM.parse().map_err(|_| Error::Internal)?;
    if erased.has_user(&batch.group()?.info.owner) {
        return batch.dismiss(&GroupActor::of(&pseudonym).actor()).await;
    }
    let lines: Vec<_> = batch.group()?.roster.all().map(|(u, l)| (u.clone(), l.clone())).collect();
    for (user, line) in lines {
        if erased.has_user(&user) {
            if line.standing.is_member() {
                batch.put_out(&user).await?;
            }
            batch.written += 1;
            batch.group_mut()?.remove(&user);
        } else if matches!(&line.standing, Standing::Invited(by) if erased.has_user(by)) {
            let by = pseudonym.clone();
            batch.written += 1;
            batch.group_mut()?.change(&user, |line| line.standing = Standing::Invited(by));
        }
    }
    Ok(())
}
