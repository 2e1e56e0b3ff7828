//! What must be true of rooms at the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_chat::{Chat, Error, HistoryQuery};
use stoa_core::{Caller, GroupId, MucKind, Resource, Target, limits};

use super::OWNER;
use super::hear::Hearing;
use crate::audit::logged;
use crate::model::{Logged, What};
use crate::server::key;
use crate::world::{World, user_name};

/// A room as the store has it.
struct Stored {
    /// None if there is no such room.
    members: Option<BTreeSet<String>>,
    log: Vec<Logged>,
}

impl World {
    /// Judges rooms: who is in them, what was said, and who was told.
    pub(crate) fn judge_rooms(&mut self) {
        let Some(stored) = self.read_rooms() else { return };
        let now = self.now;
        for (place, Stored { members, log }) in stored.iter().enumerate() {
            let room = &self.rooms.all[place];
            let name = format!("app {}, room {}", room.app, room.id);
            let mut wrong = Vec::new();
            if !room.gone.may_be(members.is_none(), now, now) {
                let is = if members.is_none() { "gone" } else { "there" };
                wrong.push(format!("{name} is {is}"));
            }
            let Some(members) = members else {
                wrong.into_iter().for_each(|wrong| self.model.fail(wrong));
                continue;
            };
            for (user, fact) in &room.members {
                let is = members.contains(user);
                if !fact.may_be(is, now, now) {
                    let is = if is { "a member" } else { "no member" };
                    wrong.push(format!("{name}: {user} is {is}"));
                }
            }
            let (app, id) = (room.app, room.id.clone());
            wrong.into_iter().for_each(|wrong| self.model.fail(wrong));
            let window = u64::try_from(limits::DUPLICATE_WINDOW.as_millis()).unwrap_or(u64::MAX);
            self.model.judge_log(&name, log, window);
            self.model.judge_kept(
                &name,
                log,
                |sent| sent.what == What::Room && sent.app == app && sent.to == id,
                true,
            );
        }
        let mut wrong = Vec::new();
        for (number, hearing) in &self.rooms.hearings {
            for (place, Stored { log, .. }) in stored.iter().enumerate() {
                wrong.extend(self.unheard(*number, hearing, place, log));
            }
        }
        wrong.into_iter().for_each(|wrong| self.model.fail(wrong));
    }

    /// What a session should have been told in a room and was not. It was there, and in the room, from
    /// before something was said until something later came; or until now.
    fn unheard(&self, number: u64, hearing: &Hearing, place: usize, log: &[Logged]) -> Vec<String> {
        let device = &self.devices[hearing.device];
        let (room, Some(since)) = (&self.rooms.all[place], hearing.since) else {
            return Vec::new();
        };
        let Some(member) = room.members.get(&device.user).filter(|_| room.app == device.app) else {
            return Vec::new();
        };
        // What falls behind may be dropped.
        if hearing.socket.lock().fell_behind || device.gone {
            return Vec::new();
        }
        let none = Vec::new();
        let came = hearing.came.get(&place).unwrap_or(&none);
        let heard: BTreeSet<u64> = came.iter().map(|(id, _)| *id).collect();
        let is_own =
            |entry: &Logged| entry.from == device.user && entry.resource == device.resource;
        let mut wrong = Vec::new();
        for entry in log.iter().filter(|entry| !is_own(entry) && !heard.contains(&entry.id)) {
            let Some(index) = entry.sent else { continue };
            let first = self.model.sent[index].first_ms;
            // The first of those behind it that came.
            let later = came.iter().filter(|(id, _)| *id > entry.id).map(|(_, at)| *at).min();
            let until = match (later, hearing.until) {
                (Some(later), _) => later,
                (None, None) => self.now,
                (None, Some(_)) => continue,
            };
            if first > since && member.is(true, first, until) {
                let (user, resource) = (&device.user, &device.resource);
                wrong.push(format!(
                    "{user}/{resource} was not told #{index} ({}) of room {} in connection \
                     {number}, and something later by {until} ms",
                    entry.id, room.id
                ));
            }
        }
        wrong
    }

    fn read_rooms(&mut self) -> Option<Vec<Stored>> {
        let results = Arc::new(Mutex::new(Vec::<Result<Vec<Stored>, String>>::new()));
        let rooms: Vec<_> = self.rooms.all.iter().map(|room| (room.app, room.id.clone())).collect();
        let tokens: Vec<_> = (0..self.plan.apps)
            .map(|app| (self.token(app, None), self.token(app, Some(&user_name(OWNER)))))
            .collect();
        let Some(server) = &self.server else {
            self.model.fail("the server is down in peace");
            return None;
        };
        let chat = server.chat.clone();
        server.call(&results, async move {
            let mut all = Vec::new();
            for (app, id) in rooms {
                let read = read_room(&chat, app, &id, &tokens[app]).await;
                all.push(read.map_err(|error| format!("room {id} cannot be read: {error}"))?);
            }
            Ok(all)
        });
        for _ in 0..1000 {
            self.settle(5);
            if let Some(result) = results.lock().pop() {
                return result.map_err(|why| self.model.fail(why)).ok();
            }
        }
        self.model.fail("the rooms cannot be read");
        None
    }
}

async fn read_room(
    chat: &Chat,
    app: usize,
    id: &str,
    (back_end, owner): &(String, String),
) -> Result<Stored, Error> {
    let key = key(app).parse().expect("a key of the usual form");
    let id = GroupId::parse(MucKind::Room, id).map_err(|_| Error::UnknownRoom)?;
    let caller = chat.authenticate(&key, back_end).await?;
    let members = match chat.group_members(&caller, &id, 0, usize::MAX).await {
        Err(Error::UnknownRoom) => return Ok(Stored { members: None, log: Vec::new() }),
        members => members?.into_iter().map(|member| member.user.as_str().to_owned()).collect(),
    };
    let owner = chat.authenticate(&key, owner).await?;
    // The log is read by a member, which the owner is not if it has left.
    let device: Resource = "auditor".parse().expect("of the usual form");
    chat.join_room(&owner, &device, &id, "", false).await?;
    Ok(Stored { members: Some(members), log: read_log(chat, &owner, id).await? })
}

async fn read_log(chat: &Chat, owner: &Caller, id: GroupId) -> Result<Vec<Logged>, Error> {
    let mut query = HistoryQuery {
        oldest_first: true,
        ..HistoryQuery::newest(Target::Group(id), limits::HISTORY_PAGE)
    };
    let mut log = Vec::new();
    loop {
        let page = chat.history(owner, &query).await?;
        for entry in &page.entries {
            let seq = u64::try_from(log.len()).unwrap_or(u64::MAX) + 1;
            log.push(logged(stoa_core::Seq(seq), entry));
        }
        if page.is_last || page.next.is_none() {
            return Ok(log);
        }
        query.start = page.next;
    }
}
