//! The rows: every command that a session understands.

use bytes::Bytes;
use stoa_chat::Draft;
use stoa_core::Target;
use stoa_testclient::protocol::Protocol;
use stoa_wire::{
    CommSyncUl, Command, Content, EditScope, Jid, MSync, Message, MessageBody, MessageConfig,
    MessageType, Meta, MucBody, MucOperation, NameSpace,
};

use super::super::incoming::{Act, Incoming};

/// The list of commands, and which of them a frame is: a new one cannot be left out, because the match would not
/// be complete.
macro_rules! commands {
    ($($name:literal = $pattern:pat,)*) => {
        /// All commands.
        pub(super) const COMMANDS: &[&str] = &[$($name),*];

        /// Which command a frame is.
        pub(super) const fn command(incoming: &Incoming) -> &'static str {
            match incoming {
                $($pattern => $name,)*
            }
        }
    };
}

commands! {
    "log in" = Incoming::Login(_),
    "ask for unread queues" = Incoming::Unread,
    "pull a user's queue" = Incoming::Pull { is_group: false, .. },
    "pull a group's queue" = Incoming::Pull { is_group: true, .. },
    "send to a user" = Incoming::Act { act: Act::Send(Draft { to: Target::User(_), .. }), .. },
    "send to a group" = Incoming::Act { act: Act::Send(Draft { to: Target::Group(_), .. }), .. },
    "acknowledge" = Incoming::Act { act: Act::Acknowledge(_), .. },
    "have read a group" = Incoming::Act { act: Act::Read(_), .. },
    "recall" = Incoming::Act { act: Act::Recall(_), .. },
    "edit" = Incoming::Act { act: Act::Edit(_), .. },
    "acknowledge in a group" = Incoming::Act { act: Act::AcknowledgeInGroup(_), .. },
    "enter a room" = Incoming::Act { act: Act::EnterRoom { .. }, .. },
    "leave a room" = Incoming::Act { act: Act::LeaveRoom { .. }, .. },
    "what is not supported" = Incoming::Act { act: Act::Refuse(_), .. },
    "what needs no answer" = Incoming::Nothing,
}

/// What the commands are about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Objects {
    pub(super) app_key: String,
    /// The user of the session.
    pub(super) me: String,
    pub(super) peer: String,
    pub(super) group: String,
    pub(super) room: String,
    /// A message to or from the peer, one in the group, one in the room.
    pub(super) note: u64,
    pub(super) message: u64,
    pub(super) said: u64,
}

/// An object that a command names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    Peer,
    Group,
    Room,
    Note,
    Message,
    Said,
}

impl Objects {
    /// The same with those of `other` for `parts`.
    pub(super) fn with(&self, parts: &[Part], other: &Self) -> Self {
        let mut objects = self.clone();
        for part in parts {
            match part {
                Part::Peer => objects.peer.clone_from(&other.peer),
                Part::Group => objects.group.clone_from(&other.group),
                Part::Room => objects.room.clone_from(&other.room),
                Part::Note => objects.note = other.note,
                Part::Message => objects.message = other.message,
                Part::Said => objects.said = other.said,
            }
        }
        objects
    }

    fn chat(&self, id: u64, to: Jid, body: MessageBody) -> Bytes {
        let body = MessageBody {
            from: Some(Jid::named(&self.me)),
            to: Some(Jid::named(to.name.as_deref().unwrap_or_default())),
            ..body
        };
        meta(Meta {
            id: Some(id),
            to: Some(to),
            ns: Some(NameSpace::Chat.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        })
    }

    fn to_peer(&self) -> Jid {
        Jid::user(&self.app_key, &self.peer)
    }

    fn to_group(&self) -> Jid {
        Jid::group(&self.app_key, &self.group)
    }

    fn to_room(&self) -> Jid {
        Jid::group(&self.app_key, &self.room)
    }

    fn pull(queue: Jid) -> Bytes {
        sync(&CommSyncUl { queue: Some(queue), ..CommSyncUl::default() })
    }

    fn moved(&self, id: u64, operation: MucOperation) -> Bytes {
        let body = MucBody {
            muc_id: Some(self.to_room()),
            operation: Some(operation.into()),
            is_chatroom: Some(true),
            ..MucBody::default()
        };
        meta(Meta {
            id: Some(id),
            to: Some(self.to_room()),
            ns: Some(NameSpace::Muc.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        })
    }
}

fn meta(meta: Meta) -> Bytes {
    sync(&CommSyncUl { meta: Some(meta), ..CommSyncUl::default() })
}

fn sync(payload: &CommSyncUl) -> Bytes {
    let frame = MSync {
        version: Some(stoa_wire::Version::V1.into()),
        command: Some(Command::Sync.into()),
        payload: Some(payload.encode_to_vec().into()),
        ..MSync::default()
    };
    frame.encode_to_vec().into()
}

fn of(kind: MessageType) -> MessageBody {
    MessageBody { kind: Some(kind.into()), ..MessageBody::default() }
}

fn text(kind: MessageType, text: &str) -> MessageBody {
    let content = Content { kind: Some(0), text: Some(text.to_owned()), ..Content::default() };
    MessageBody { contents: vec![content], ..of(kind) }
}

fn about(kind: MessageType, message: u64) -> MessageBody {
    MessageBody { ack_message_id: Some(message), ..of(kind) }
}

fn edited(message: u64) -> MessageBody {
    let scope = Some(EditScope::Body.into());
    MessageBody {
        edit_message_id: Some(message),
        edit_scope: scope,
        ..text(MessageType::Edit, "other")
    }
}

/// What answers a command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answered {
    /// By its number.
    Ack,
    /// With a page of the queue.
    Page,
    /// With the list of queues.
    List,
    Not,
}

/// A command that its own people may give.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Whether it is bob's and not alice's: who receives.
    pub(super) of_bob: bool,
    pub(super) answered: Answered,
    pub(super) parts: &'static [Part],
    /// Why people of another channel may do it.
    pub(super) open: Option<&'static str>,
    pub(super) frame: fn(&Objects, u64) -> Bytes,
}

const fn row(name: &'static str, parts: &'static [Part], frame: fn(&Objects, u64) -> Bytes) -> Row {
    Row { name, of_bob: false, answered: Answered::Ack, parts, open: None, frame }
}

const fn bobs(row: Row) -> Row {
    Row { of_bob: true, ..row }
}

const fn answered(how: Answered, row: Row) -> Row {
    Row { answered: how, ..row }
}

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    use Answered::{List, Not, Page};
    use MessageType as Of;
    use Part::{Group, Message, Note, Peer, Room, Said};
    vec![
        answered(List, bobs(row("unread", &[], |_, _| Protocol::unread()))),
        answered(
            Page,
            bobs(row("pull a user's queue", &[Peer], |o, _| Objects::pull(o.to_peer()))),
        ),
        answered(Page, bobs(row("pull a group", &[Group], |o, _| Objects::pull(o.to_group())))),
        answered(Page, bobs(row("pull a room", &[Room], |o, _| Objects::pull(o.to_room())))),
        row("send to a user", &[Peer], |o, id| o.chat(id, o.to_peer(), text(Of::Chat, "hello"))),
        row("send to a group", &[Group], |o, id| {
            o.chat(id, o.to_group(), text(Of::GroupChat, "hello"))
        }),
        row("send to a room", &[Room], |o, id| {
            o.chat(id, o.to_room(), text(Of::ChatRoom, "hello"))
        }),
        bobs(row("have read", &[Peer, Note], |o, id| {
            o.chat(id, o.to_peer(), about(Of::ReadAck, o.note))
        })),
        bobs(row("have received", &[Peer, Note], |o, id| {
            o.chat(id, o.to_peer(), about(Of::DeliverAck, o.note))
        })),
        bobs(row("have read all", &[Peer], |o, id| o.chat(id, o.to_peer(), of(Of::ChannelAck)))),
        bobs(row("have read all of a group", &[Group], |o, id| {
            o.chat(id, o.to_group(), of(Of::ChannelAck))
        })),
        row("recall a note", &[Peer, Note], |o, id| {
            o.chat(id, o.to_peer(), about(Of::Recall, o.note))
        }),
        row("recall in a group", &[Group, Message], |o, id| {
            o.chat(id, o.to_group(), about(Of::Recall, o.message))
        }),
        row("recall in a room", &[Room, Said], |o, id| {
            o.chat(id, o.to_room(), about(Of::Recall, o.said))
        }),
        row("edit a note", &[Peer, Note], |o, id| o.chat(id, o.to_peer(), edited(o.note))),
        row("edit in a group", &[Group, Message], |o, id| {
            o.chat(id, o.to_group(), edited(o.message))
        }),
        bobs(row("have read in a group", &[Group, Message], |o, id| {
            let config = Some(MessageConfig { allow_group_ack: Some(true) });
            let body = MessageBody { msg_config: config, ..about(Of::ReadAck, o.message) };
            o.chat(id, o.to_group(), body)
        })),
        Row {
            open: Some("a room of the app is there for all its users to come into"),
            ..bobs(row("enter a room", &[Room], |o, id| o.moved(id, MucOperation::Join)))
        },
        bobs(row("leave a room", &[Room], |o, id| o.moved(id, MucOperation::Leave))),
        row("another namespace", &[], |_, id| {
            meta(Meta { id: Some(id), ns: Some(NameSpace::Roster.into()), ..Meta::default() })
        }),
        answered(
            Not,
            row("statistics", &[], |_, id| {
                meta(Meta {
                    id: Some(id),
                    ns: Some(NameSpace::Statistic.into()),
                    ..Meta::default()
                })
            }),
        ),
    ]
}
