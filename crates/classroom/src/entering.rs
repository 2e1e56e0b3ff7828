//! The way into a room: made ahead or by whoever comes first, as whom one acts there, check-in and entry.

use std::sync::Arc;

use serde_json::{Value, json};
use stoa_core::{
    AppKey, AppScope, ClassCaller, ClassPrincipal, ClassRole, RoomUuid, Timestamp, UserUuid,
};

use crate::chat_room::{self, Comer};
use crate::grouping;
use crate::line::Desk;
use crate::room::{By, CheckIn, GroupIs, NewRoom, Room};
use crate::{Classroom, Error, Refusal};

/// What whoever enters is given.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Proves later calls of this entry.
    pub session: u64,
    /// The answer (classroom specification, section 2.3.1).
    pub view: Value,
    /// The role, as others are told of it.
    pub role: &'static str,
}

/// A caller in a room.
#[derive(Debug, Clone)]
pub struct Place {
    /// The room.
    pub room: RoomUuid,
    /// As whom the caller acts there.
    pub by: By,
}

/// What is done before somebody comes in.
enum Opening {
    /// The room is there, or is not.
    Nothing,
    /// It is made, if nobody was quicker.
    IfMissing(RoomUuid, Box<NewRoom>),
    /// It is a group's, and as the class says. With the app's key.
    Group(Box<GroupIs>, AppKey),
}

impl Opening {
    fn open(self, desk: &mut Desk<'_>) -> Result<(), Error> {
        match self {
            Self::Group(is, key) => grouping::tell(desk, *is, &key)?,
            Self::IfMissing(name, new) if desk.slot.is_none() => make(desk, name, *new)?,
            Self::IfMissing(..) | Self::Nothing => {}
        }
        Ok(())
    }
}

impl Classroom {
    /// Makes a room.
    ///
    /// # Errors
    /// [`Refusal::RoomExists`], [`Refusal::NotAllowed`], [`Refusal::Argument`].
    pub async fn create(
        self: &Arc<Self>,
        caller: &ClassCaller,
        id: &RoomUuid,
        new: NewRoom,
    ) -> Result<(), Error> {
        if *caller.principal() != ClassPrincipal::App {
            return Err(Refusal::NotAllowed.into());
        }
        let name = id.clone();
        let new = self.described(caller, new);
        let made = self.act(caller, id, |desk| {
            if desk.slot.is_some() {
                return Err(Refusal::RoomExists.into());
            }
            make(desk, name, new)
        });
        made.await?;
        self.notice_reuse(caller, id).await
    }

    /// With what clients need to know of the app's chat.
    fn described(&self, caller: &ClassCaller, mut new: NewRoom) -> NewRoom {
        chat_room::describe(&mut new.widgets, &self.app(caller).key);
        new
    }

    /// As whom a caller acts in a room. `user` and `role` are what the request says, which a token that names them
    /// has to agree with.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`].
    pub fn place(
        &self,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: Option<&UserUuid>,
    ) -> Result<Place, Error> {
        let by = match caller.principal() {
            ClassPrincipal::App => By::App,
            ClassPrincipal::RoomUser { room: of, user: named, role } => {
                let main = self.groups.main_of(caller.app().number, room);
                // Into a group by the token of its class, and no other.
                let is_there = of == main.as_ref().unwrap_or(room);
                if !is_there || user.is_some_and(|user| user != named) {
                    return Err(Refusal::NotForThis.into());
                }
                By::User { id: named.clone(), role: role.unwrap_or(ClassRole::Invisible) }
            }
            ClassPrincipal::User(_) | ClassPrincipal::Signaling(_) | ClassPrincipal::Anyone => {
                return Err(Refusal::NotForThis.into());
            }
        };
        Ok(Place { room: room.clone(), by })
    }

    /// Whoever came without a token that names room and role, as what it is in `room`: `named` is whom it says to be.
    /// Every other caller stays what it is.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn seat(
        self: &Arc<Self>,
        caller: ClassCaller,
        room: &RoomUuid,
        named: Option<&UserUuid>,
    ) -> Result<ClassCaller, Error> {
        let user = match caller.principal() {
            ClassPrincipal::Signaling(user) => Some(user),
            ClassPrincipal::Anyone => named,
            _ => None,
        };
        let Some(user) = user.cloned() else { return Ok(caller) };
        let of = user.clone();
        let known = self.act(&caller, room, move |desk| {
            let Some(room) = desk.slot.as_ref() else { return Ok((None, None)) };
            let there = room.users.get(&of).filter(|user| user.online);
            Ok((there.map(|user| user.role), room.stated_role(&of)))
        });
        let (role, stated) = known.await?;
        Ok(caller.seated(room, &user, role, stated))
    }

    /// Whether a client whose network is in another region, which the app's owner permits, is let into this room, or into the
    /// class whose group it is.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn lets_cross(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<bool, Error> {
        let main = self.groups.main_of(scope.app().number, room);
        let lets = self.act(scope, main.as_ref().unwrap_or(room), |desk| {
            Ok(desk.slot.as_ref().is_none_or(|room| room.crosses.messages))
        });
        lets.await
    }

    /// Whether a user may come in, and what its page needs to know before it does; makes the room when there is none
    /// and `implicit` says how.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`], and those of [`Turn::check_in`](crate::room::Turn::check_in).
    pub async fn check_in(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
        who: CheckIn,
        implicit: Option<NewRoom>,
    ) -> Result<Value, Error> {
        let opening = self.opening(caller, room, user, implicit).await?;
        let main = self.groups.main_of(caller.app().number, room);
        let (user, area) = (user.clone(), self.area(caller));
        let (checked, comer) = self
            .act(caller, room, move |desk| {
                opening.open(desk)?;
                let turn = desk.turn(By::User { id: user.clone(), role: who.role })?;
                turn.check_in(&user, who.role)?;
                let schedule = &turn.room.schedule;
                let comer = Comer::new(turn.room, &user, &who.name, who.role, main);
                let checked = json!({
                    "state": schedule.state,
                    "startTime": schedule.start.map(Timestamp::as_millis),
                    "duration": schedule.duration_s,
                    "closeDelay": schedule.close_delay_s,
                    "rtcRegion": area,
                    "rtmRegion": area,
                    "vid": 0,
                    "rteRole": who.role.name(turn.room.kind),
                });
                Ok((checked, comer))
            })
            .await?;
        self.let_into_chat(caller, comer).await?;
        Ok(checked)
    }

    /// What has to be done for a user to find the room.
    async fn opening(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
        implicit: Option<NewRoom>,
    ) -> Result<Opening, Error> {
        let group = self.group(caller, room, user).await?;
        let implicit = self.implicit(caller, room, implicit.filter(|_| group.is_none())).await?;
        Ok(match (group, implicit) {
            (Some(is), _) => Opening::Group(Box::new(is), self.app(caller).key.clone()),
            (None, Some(new)) => Opening::IfMissing(room.clone(), Box::new(new)),
            (None, None) => Opening::Nothing,
        })
    }

    /// What a room is made with by whoever comes first. Where it is not there yet, it is noticed if its name was another's.
    async fn implicit(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        new: Option<NewRoom>,
    ) -> Result<Option<NewRoom>, Error> {
        let Some(new) = new else { return Ok(None) };
        let is_new = self.act(caller, room, |desk| Ok(desk.slot.is_none())).await?;
        if is_new {
            self.notice_reuse(caller, room).await?;
        }
        Ok(is_new.then(|| self.described(caller, new)))
    }

    /// Where media and messages of the app's rooms go: in its region alone where it has a geofence.
    fn area(&self, caller: &ClassCaller) -> &'static str {
        let app = self.app(caller);
        if app.place.geofence { app.region.media_area() } else { "AREA_GLOBAL" }
    }

    /// Lets a user in; makes the room when there is none and `implicit` says how.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`], and those of [`Turn::enter`](crate::room::Turn::enter).
    pub async fn enter(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
        who: CheckIn,
        implicit: Option<NewRoom>,
    ) -> Result<Entry, Error> {
        let opening = self.opening(caller, room, user, implicit).await?;
        let main = self.groups.main_of(caller.app().number, room);
        let (user, area) = (user.clone(), self.area(caller));
        let (entry, comer) = self
            .act(caller, room, move |desk| {
                opening.open(desk)?;
                let role = who.role;
                let mut turn = desk.turn(By::User { id: user.clone(), role })?;
                let entered = turn.enter(&user, &who)?;
                let comer = Comer::new(turn.room, &user, &who.name, role, main);
                let mut view = snapshot(turn.room, &user, entered.session);
                view["room"]["roomProperties"]["region"] = json!({"rtc": area, "rtm": area});
                let role = role.name(turn.room.kind);
                Ok((Entry { session: entered.session, view, role }, comer))
            })
            .await?;
        self.let_into_chat(caller, comer).await?;
        Ok(entry)
    }

    /// What the class says of a group that a user wants to come into; none: the room is no group.
    async fn group(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
    ) -> Result<Option<GroupIs>, Error> {
        let Some(main) = self.groups.main_of(scope.app().number, room) else { return Ok(None) };
        let (id, user) = (room.clone(), user.clone());
        let is = self.turn(scope, &main, By::Server, move |turn| {
            if turn.room.is_banned(&user, turn.at) {
                return Err(Refusal::Banned);
            }
            turn.room.group_is(&id).ok_or(Refusal::NoRoom)
        });
        is.await.map(Some)
    }
}

/// Makes a room where there is none.
fn make(desk: &mut Desk<'_>, id: RoomUuid, new: NewRoom) -> Result<(), Error> {
    let instance = chat_room::number(desk.entropy);
    let mut room = Room::new(id, instance, new, desk.at)?;
    chat_room::complete(&mut room);
    *desk.slot = Some(room);
    desk.turn(By::Server)?.touch_room();
    Ok(())
}

/// What whoever enters is told of the room.
fn snapshot(room: &Room, user: &UserUuid, session: u64) -> Value {
    let Some(own) = room.users.get(user) else { return Value::Null };
    let remote = room.users.values().filter(|other| other.id != *user);
    let remote: Vec<Value> = remote
        .filter(|other| room.is_seen_at_entry(other))
        .map(|other| room.user_in_frame(other))
        .collect();
    let streams: Vec<Value> =
        own.streams.iter().map(|stream| Value::Object(stream.view())).collect();
    json!({
        "room": {
            "roomInfo": {
                "roomUuid": room.id.as_str(),
                "roomName": room.name,
                "roomScenario": "education",
            },
            "roomState": {
                "createTime": room.created.as_millis(),
                "total": room.total(),
            },
            "roomProperties": room.properties(own.role.sees_answers()),
            "sequence": room.sequence,
        },
        "localUser": {
            "userUuid": own.id.as_str(),
            "userName": own.name,
            "role": own.role.name(room.kind),
            "userToken": format!("{session:016x}"),
            "streamUuid": own.stream_uuid().to_string(),
            "streams": streams,
            "userProperties": room.own_properties_view(own),
            "sequence": own.peer_sequence,
            "subscribe": 1,
        },
        "remoteUsers": remote,
        "sysConfig": {
            "rtmChannels": [room.id.as_str()],
            "onlineStateEnsureDelay": 5000,
            "vid": 0,
        },
    })
}
