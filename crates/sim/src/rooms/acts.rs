//! What clients and back ends do in rooms.

use stoa_chat::{Error, NewRoom};
use stoa_core::{GroupId, MucKind};
use stoa_wire::{Jid, Message, Meta, MucBody, MucOperation, NameSpace};

use super::{Asked, End, Fact, OWNER, Room, Which};
use crate::client::{ANSWER_MS, Phase};
use crate::model::What;
use crate::server::key;
use crate::world::{Outcome, World, note, user_name};

/// What a back end's call about a room came to.
pub(crate) enum RoomOutcome {
    /// A room was made with these members, or not, or nobody knows.
    Made(usize, Vec<String>, Option<String>),
    /// Something was done to it. If not, what it was instead is known for some refusals.
    Did(Asked, End, Option<bool>),
}

/// One act in a room.
#[derive(Clone, Copy)]
enum Act {
    Enter,
    Leave,
    Say,
    Burst,
    Add,
    Kick,
    Mute,
    Unmute,
    Make,
    Dismiss,
}

/// What an error of a call says about the fact that it was to turn.
fn end_of(error: &Error) -> (End, Option<bool>) {
    match error {
        error if error.is_fault() => (End::Unknown, None),
        Error::NotInGroup => (End::Refused, Some(false)),
        _ => (End::Refused, None),
    }
}

impl World {
    /// Makes the rooms that there are from the beginning.
    pub(crate) fn make_first_rooms(&mut self) {
        for app in 0..self.plan.apps {
            for _ in 0..self.rooms.per_app {
                self.make_room(app);
            }
        }
    }

    fn make_room(&mut self, app: usize) {
        let Some(server) = &self.server else { return };
        self.rooms.asked += 1;
        let dice = &self.rooms.dice;
        let others = (1..self.plan.users).filter(|_| dice.chance(300)).map(user_name);
        let members: Vec<String> = others.collect();
        let new = NewRoom {
            owner: name(&user_name(OWNER)),
            name: "hall".into(),
            description: String::new(),
            max_members: 100,
            members: members.iter().map(|member| name(member)).collect(),
        };
        let (chat, token) = (server.chat.clone(), self.token(app, None));
        note!(self, "back end: makes a room in app {app} with {members:?}");
        server.call(&self.outcomes, async move {
            let made = async {
                let caller = chat.authenticate(&key(app).parse().expect(USUAL), &token).await?;
                chat.create_room(&caller, None, new).await
            };
            let id = made.await.ok().map(|id| id.as_str().to_owned());
            Outcome::Room(RoomOutcome::Made(app, members, id))
        });
    }

    /// Lets a page do something in a room.
    pub(crate) fn act_in_room(&mut self, tab: usize) {
        let device = self.tabs[tab].device;
        if self.tabs[tab].phase == Phase::Over || self.devices[device].gone {
            return;
        }
        let (app, user) = (self.devices[device].app, self.devices[device].user.clone());
        let rooms = self.rooms.of(app);
        if rooms.is_empty() {
            return;
        }
        let mut room = *self.rooms.dice.pick(&rooms);
        let act = self.rooms.dice.weighted(&[
            (250, Act::Enter),
            (80, Act::Leave),
            (550, Act::Say),
            (20, Act::Burst),
            (25, Act::Add),
            (25, Act::Kick),
            (20, Act::Mute),
            (30, Act::Unmute),
            (10, Act::Make),
            (5, Act::Dismiss),
        ]);
        // Mostly something is said where it is heard.
        let now = self.now;
        if matches!(act, Act::Say | Act::Burst)
            && !self.rooms.dice.chance(100)
            && let Some(mine) = rooms.iter().find(|room| self.is_member(**room, &user, now))
        {
            room = *mine;
        }
        let whom = user_name(self.rooms.dice.index(self.plan.users));
        let id = self.rooms.all[room].id.clone();
        match act {
            Act::Enter => self.enter_or_leave(tab, room, true),
            Act::Leave => self.enter_or_leave(tab, room, false),
            Act::Say => self.compose(device, What::Room, &id),
            Act::Burst => {
                for _ in 0..self.rooms.dice.between(5, 40) {
                    self.compose(device, What::Room, &id);
                }
            }
            Act::Add => self.by_back_end(room, Which::Member, &whom, true),
            Act::Kick => self.by_back_end(room, Which::Member, &whom, false),
            Act::Mute => self.by_back_end(room, Which::Muted, &whom, true),
            Act::Unmute => self.by_back_end(room, Which::Muted, &whom, false),
            Act::Make => self.make_room(app),
            Act::Dismiss => self.by_back_end(room, Which::Gone, "", true),
        }
    }

    /// Whether `user` certainly is in the room.
    pub(super) fn is_member(&self, room: usize, user: &str, now: u64) -> bool {
        self.rooms.all[room].members.get(user).is_some_and(|fact| fact.is(true, now, now))
    }

    /// A page enters a room or leaves it, as the SDK does. Answers whether it could ask.
    pub(super) fn enter_or_leave(&mut self, tab: usize, room: usize, enter: bool) {
        let (Phase::Live, Some(number)) = (self.tabs[tab].phase, self.tabs[tab].connection) else {
            return;
        };
        let clock = self.client_clock();
        let device = &mut self.devices[self.tabs[tab].device];
        let client_id = (device.last_client_id + 1).max(clock);
        device.last_client_id = client_id;
        let (app_key, user) = (key(device.app), device.user.clone());
        let id = self.rooms.all[room].id.clone();
        let operation = if enter { MucOperation::Join } else { MucOperation::Leave };
        let body = MucBody {
            muc_id: Some(Jid::group(&app_key, &id)),
            operation: Some(operation.into()),
            is_chatroom: Some(true),
            ..MucBody::default()
        };
        let meta = Meta {
            id: Some(client_id),
            to: Some(Jid::group(&app_key, &id)),
            ns: Some(NameSpace::Muc.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        };
        let mut asked = self.rooms.begin(room, Which::Member, &user, enter, self.now);
        asked.by_user = true;
        note!(self, "tab {tab}: {} room {id}", if enter { "enters" } else { "leaves" });
        if enter && let Some(connection) = self.connections.get_mut(&number) {
            // What was said last comes again.
            *connection.pulls.entry(id).or_default() += 1;
        }
        let until = self.now + ANSWER_MS;
        let frame = self.tabs[tab].protocol.send(meta);
        self.tabs[tab].asked.insert(client_id, (asked, until));
        self.send_up(number, &frame);
    }

    /// The answer to an entering or leaving.
    pub(crate) fn entered_or_left(&mut self, tab: usize, asked: &Asked, code: i32, reason: &str) {
        let (now, room) = (self.now, &self.rooms.all[asked.room]);
        let from = room.members.get(&asked.user).map_or(0, |fact| fact.asked_at(asked.number));
        let id = room.id.clone();
        note!(self, "tab {tab}: {} {id}: {code} {reason}", asked.to);
        let gone = &room.gone;
        if code == 0 && !gone.may_be(false, from, now) {
            return self
                .model
                .fail(format!("tab {tab}: room {id} was dismissed, and is not denied"));
        }
        let end = match (code, reason) {
            (0, _) => End::Done,
            (_, "grpID does not exist!") if !gone.may_be(true, from, now) => {
                return self.model.fail(format!("tab {tab}: room {id} is denied"));
            }
            (_, "grpID does not exist!") => {
                self.rooms.fact(asked.room, Which::Gone, "").was(true, from, now);
                End::Refused
            }
            (_, "not in group or chatroom") => {
                self.rooms.fact(asked.room, Which::Member, &asked.user).was(false, from, now);
                End::Refused
            }
            _ => End::Unknown,
        };
        self.rooms.end(asked, now, end);
    }

    /// A back end does something to a room or a user in it.
    pub(super) fn by_back_end(&mut self, room: usize, which: Which, user: &str, to: bool) {
        let Some(server) = &self.server else { return };
        let app = self.rooms.all[room].app;
        let id = self.rooms.all[room].id.clone();
        let asked = self.rooms.begin(room, which, user, to, self.now);
        let (chat, token, user) = (server.chat.clone(), self.token(app, None), user.to_owned());
        note!(self, "back end: {which:?} {user} {to} in room {id}");
        server.call(&self.outcomes, async move {
            let done = async {
                let caller = chat.authenticate(&key(app).parse().expect(USUAL), &token).await?;
                let id = GroupId::parse(MucKind::Room, &id).map_err(|_| Error::UnknownRoom)?;
                let users = || vec![name(&user)];
                match (which, to) {
                    (Which::Member, true) => {
                        chat.add_members(&caller, None, &id, users()).await.map(drop)
                    }
                    (Which::Member, false) => {
                        let outcomes = chat.remove_members(&caller, None, &id, users()).await?;
                        outcomes.into_iter().try_for_each(|(_, outcome)| outcome)
                    }
                    (Which::Muted, true) => {
                        chat.mute_in_group(&caller, None, &id, users(), None).await.map(drop)
                    }
                    (Which::Muted, false) => {
                        chat.unmute_in_group(&caller, None, &id, users()).await.map(drop)
                    }
                    (Which::Gone, _) => chat.dismiss_group(&caller, None, &id).await,
                }
            };
            let (end, instead) = match done.await {
                Ok(()) => (End::Done, None),
                Err(error) => end_of(&error),
            };
            Outcome::Room(RoomOutcome::Did(asked, end, instead))
        });
    }

    /// Takes what a back end was told about a room.
    pub(crate) fn take_room_outcome(&mut self, outcome: RoomOutcome) {
        let now = self.now;
        match outcome {
            RoomOutcome::Made(app, members, None) => {
                note!(self, "back end: no room in app {app} with {members:?}");
            }
            RoomOutcome::Made(app, members, Some(id)) => {
                note!(self, "back end: room {id} in app {app}");
                let mut room = Room {
                    app,
                    id,
                    members: (0..self.plan.users)
                        .map(|user| (user_name(user), Fact::untrue()))
                        .collect(),
                    muted: std::collections::BTreeMap::new(),
                    gone: Fact::untrue(),
                };
                for user in members.iter().chain([&user_name(OWNER)]) {
                    if let Some(member) = room.members.get_mut(user) {
                        member.was(true, now, now);
                        if *user != user_name(OWNER) {
                            // Whoever is deleted meanwhile, or was away for long.
                            member.may_become(false, now, now + super::PUT_OUT_MS);
                        }
                    }
                }
                self.rooms.all.push(room);
            }
            RoomOutcome::Did(asked, end, instead) => {
                note!(self, "back end: {:?} {} {}: {end:?}", asked.which, asked.user, asked.to);
                let fact = self.rooms.fact(asked.room, asked.which, &asked.user);
                let from = fact.asked_at(asked.number);
                if let (Which::Member, Some(instead)) = (asked.which, instead) {
                    fact.was(instead, from, now);
                }
                self.rooms.end(&asked, now, end);
                self.may_be_put_out(&asked, now);
            }
        }
    }

    /// Whoever is made a member and never comes, for a deletion had no answer, is put out some time later.
    fn may_be_put_out(&mut self, asked: &Asked, now: u64) {
        let app = self.rooms.all[asked.room].app;
        let mut devices = self.devices.iter();
        let never_comes = devices.any(|one| one.gone && one.app == app && one.user == asked.user);
        if asked.which == Which::Member && asked.to && never_comes {
            let member = self.rooms.fact(asked.room, Which::Member, &asked.user);
            member.may_become(false, now, u64::MAX);
        }
    }
}

const USUAL: &str = "of the usual form";

fn name(user: &str) -> stoa_core::UserId {
    user.parse().expect(USUAL)
}
