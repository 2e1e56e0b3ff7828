//! The chat room that belongs to a class room, in the chat product.
//!
//! Which it is follows from the class room's number, so nothing has to be kept in step. What happens in the class (somebody
//! comes, is put out, everybody is silenced, the class is closed) is done to the chat room when it is durable, before
//! whoever did it is answered.

use std::sync::Arc;

use serde_json::{Value, json};
use stoa_chat::class::{ClassChatRoom, ClassMember};
use stoa_chat::{Chat, RoomMessage};
use stoa_core::{
    AppKey, AppScope, ClassCaller, ClassRole, ClassScope, Entropy, GroupId, OperatorOf, RoomUuid,
    Secret, UserId, UserUuid, issue_room_token,
};

use crate::frame::Frame;
use crate::room::{By, ClassState, Outcome, Room};
use crate::tree::Tree;
use crate::{Classroom, Error, Refusal};

/// The widget by which clients know the chat room.
pub const WIDGET: &str = "easemobIM";

impl Room {
    /// Whether it has a chat room: unless the app has switched it off.
    pub fn has_chat(&self) -> bool {
        let state = self.widgets.get(WIDGET).and_then(|widget| widget.get("state"));
        state.is_none_or(|state| state.as_u64() != Some(0))
    }

    /// The id of its chat room.
    pub fn chat_room_id(&self) -> GroupId {
        GroupId::of_class(self.instance)
    }

    fn chat_room(&self, main: Option<RoomUuid>) -> Option<ClassChatRoom> {
        self.has_chat().then(|| ClassChatRoom {
            number: self.instance,
            room: self.id.clone(),
            of: main,
            name: self.name.clone(),
            capacity: u32::try_from(self.capacity()).unwrap_or(u32::MAX),
            muted: self.mute_chat,
        })
    }
}

/// A number for a room that is made: by it its chat room is known, too.
pub(crate) fn number(entropy: &dyn Entropy) -> u64 {
    u64::from_le_bytes(entropy.bytes()) % GroupId::CLASS_NUMBERS
}

/// What clients need to know of the chat of an app, in the record of the widget of a room that is to be made. Its chat is
/// on unless `widgets` says otherwise.
pub(crate) fn describe(widgets: &mut Tree, app: &AppKey) {
    let widget = widgets.entry(WIDGET).or_insert_with(|| json!({}));
    let Value::Object(widget) = widget else { return };
    widget.entry("state").or_insert(json!(1));
    let extra = widget.entry("extra").or_insert_with(|| json!({}));
    let Value::Object(extra) = extra else { return };
    extra.insert("orgName".into(), json!(app.org()));
    extra.insert("appName".into(), json!(app.app()));
    extra.insert("appKey".into(), json!(app.to_string()));
}

/// Completes that record when it is known which room it is.
pub(crate) fn complete(room: &mut Room) {
    if !room.has_chat() {
        return;
    }
    let id = room.chat_room_id();
    if let Some(Value::Object(extra)) =
        room.widgets.get_mut(WIDGET).and_then(|widget| widget.get_mut("extra"))
    {
        extra.insert("chatRoomId".into(), json!(id.as_str()));
    }
}

/// The record of the widget of a user who comes into a room that has a chat.
pub(crate) fn of_user(user: &UserUuid) -> Value {
    json!({"userId": user.chat_user().as_str()})
}

/// What is done to the chat room.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Work {
    PutOut(UserUuid),
    Mute,
    Close,
}

/// What acts come to for the chat room.
fn work_of(room: &Room, out: &Outcome) -> Vec<Work> {
    if !room.has_chat() {
        return Vec::new();
    }
    let put_out = out.ended.iter().filter(|(_, why)| matches!(*why, "kicked" | "banned"));
    let mut work: Vec<Work> = put_out.map(|(user, _)| Work::PutOut(user.clone())).collect();
    let told = |frame: &Frame| frame.data.get("changeProperties")?.get("muteChat").map(drop);
    if out.frames.iter().any(|frame| told(frame).is_some()) {
        work.push(Work::Mute);
    }
    let closed = room.schedule.state == ClassState::Closed;
    if closed && out.events.iter().any(|event| event.cmd == 1) {
        work.push(Work::Close);
    }
    work
}

/// By which the line of a room reaches chat.
pub(crate) struct ChatLink {
    chat: Arc<Chat>,
    scope: OperatorOf,
}

impl ChatLink {
    pub(crate) const fn new(chat: Arc<Chat>, scope: OperatorOf) -> Self {
        Self { chat, scope }
    }

    /// Does to the chat room what acts come to, which are durable. What cannot be done is told in the log: the class goes
    /// on without.
    pub(crate) async fn follow(&self, room: Option<&Room>, out: &Outcome) {
        let Some(room) = room else { return };
        for work in work_of(room, out) {
            let done = match work {
                Work::PutOut(user) => {
                    self.chat.put_out_of_class_chat(&self.scope, room.instance, &user).await
                }
                Work::Mute => self.mute(room).await,
                Work::Close => self.chat.close_class_chat(&self.scope, room.instance).await,
            };
            if let Err(error) = done {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the chat of a class room does not follow the class");
            }
        }
    }

    async fn mute(&self, room: &Room) -> Result<(), stoa_chat::Error> {
        match self.chat.mute_class_chat(&self.scope, room.instance, room.mute_chat).await {
            // Nobody has come in yet; whoever does finds it so.
            Err(stoa_chat::Error::UnknownRoom) => Ok(()),
            muted => muted,
        }
    }

    /// The room was read by a process that has just begun: what the one before may not have come to is done.
    pub(crate) async fn catch_up(&self, room: &Room) {
        let mut out = Outcome::default();
        let gone = room.users.values().filter(|user| !user.online);
        out.ended = gone.map(|user| (user.id.clone(), "kicked")).collect();
        self.follow(Some(room), &out).await;
        if !room.has_chat() {
            return;
        }
        let muted = self.mute(room).await;
        if let Err(error) = muted {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the chat of a class room is not muted as the class is");
        }
        if room.schedule.state == ClassState::Closed {
            let closed = self.chat.close_class_chat(&self.scope, room.instance).await;
            if let Err(error) = closed {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the chat of a class room that is over is not closed");
            }
        }
    }
}

/// Somebody at the door of a room, and the room's chat.
pub(crate) struct Comer {
    chat: Option<ClassChatRoom>,
    member: ClassMember,
}

impl Comer {
    /// `main` is the room of the class whose group the room is.
    pub(crate) fn new(
        room: &Room,
        user: &UserUuid,
        name: &str,
        role: ClassRole,
        main: Option<RoomUuid>,
    ) -> Self {
        let member = ClassMember { user: user.clone(), name: name.to_owned(), role };
        Self { chat: room.chat_room(main), member }
    }
}

impl Classroom {
    /// Whoever has come in may come into the chat, too.
    pub(crate) async fn let_into_chat(
        &self,
        scope: &impl AppScope,
        comer: Comer,
    ) -> Result<(), Error> {
        let Some(room) = comer.chat else { return Ok(()) };
        let number = room.number;
        self.chat().make_class_chat(scope, room).await?;
        match self.chat().check_in_to_class(scope, number, &comer.member).await {
            Ok(_) => Ok(()),
            // A user of that name was registered before the names were kept for classes: the class is without chat for
            // this one, who is told so when it asks for a token.
            Err(stoa_chat::Error::NameTaken) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Row 66: has `message`, which knows from whom it is and where it is said, said in the chat room of the class
    /// room `number`, if that is one, and in those of `groups`, as [`Turn::broadcast_over_chat`](crate::room::Turn::broadcast_over_chat) found them. A room in
    /// which nobody has been yet has no chat room, and is passed over.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Chat`].
    pub async fn say_over_chat(
        self: &Arc<Self>,
        caller: &ClassCaller,
        from: &By,
        (number, groups): (Option<u64>, Vec<RoomUuid>),
        message: impl Fn(&UserId, &GroupId) -> RoomMessage,
    ) -> Result<(), Error> {
        let from = match from {
            By::User { id, .. } => Some(id.chat_user()),
            By::App | By::Server => None,
        };
        let mut numbers: Vec<u64> = number.into_iter().collect();
        for group in groups {
            match self.turn(caller, &group, By::Server, |turn| Ok(turn.room.instance)).await {
                Ok(number) => numbers.push(number),
                Err(Error::Refused(Refusal::NoRoom)) => {}
                Err(error) => return Err(error),
            }
        }
        for number in numbers {
            self.chat().say_in_class_chat(caller, number, from.as_ref(), &message).await?;
        }
        Ok(())
    }

    /// Row 22: a token with which the caller, who has checked in to the room, uses the room's chat and nothing else of the
    /// app. It ends with the caller's own.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] unless the caller is that user; [`Refusal::NoRoom`], [`Refusal::NoUser`] before the check-in,
    /// [`Refusal::FeatureOff`] where the room has no chat, [`Refusal::RoomOver`].
    pub async fn chat_token(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
    ) -> Result<Secret, Error> {
        let place = self.place(caller, room, Some(user))?;
        let By::User { role, .. } = place.by else { return Err(Refusal::NotForThis.into()) };
        let number = self
            .turn(caller, room, By::Server, |turn| {
                if turn.room.schedule.state == ClassState::Closed {
                    return Err(Refusal::RoomOver);
                }
                if !turn.room.has_chat() {
                    return Err(Refusal::FeatureOff("chat"));
                }
                Ok(turn.room.instance)
            })
            .await?;
        if !self.chat().is_in_class(caller, number, user).await? {
            return Err(Refusal::NoUser.into());
        }
        let (app, now) = (caller.app(), self.clock().now());
        let left = caller.expires().since(now).as_secs().min(u64::from(app.tokens.cap_s));
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let class = ClassScope { room: room.clone(), user: user.clone(), role };
        Ok(issue_room_token(app, &class, app.next_issue(now), left, self.entropy()))
    }
}
