//! What goes into a session's state machine and what comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use stoa_chat::entry::{Event, Queue};
use stoa_chat::{
    Appended, Draft, Edit, Edited, Error, GroupReceipt, LoginRequest, Page, Recall, Receipt,
    RoomEntered, Unread,
};
use stoa_core::{GroupId, MessageId, Seq, Target, Timestamp, UserId};
use stoa_wire::Frame;

use super::close::CloseReason;

/// What happens to a session.
#[derive(Debug)]
pub(crate) enum Input {
    /// The client sent a frame.
    Frame(Bytes),
    /// An event of the user's.
    Event(Arc<Event>),
    /// Events of the user's did not arrive.
    Missed,
    /// A call was made.
    Outcome(Outcome),
    /// The bytes that wait for the socket crossed the soft bound, upwards or downwards.
    Pressure(bool),
    /// So much waits for the socket that it will not be read any more.
    Overrun,
    /// The deadline came.
    Tick,
    /// The server is going to end.
    Shutdown,
}

/// What a session wants.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Send this frame.
    Send(Frame),
    /// Make this call; calls are made one after the other.
    Call(Call),
    /// The client has everything of this queue up to here. To be known at once to whoever takes the
    /// session over; [`Call::Save`] stores it later.
    Moved(Queue, Seq),
    /// Send what is queued and close the connection.
    Close(CloseReason),
}

/// A call into chat.
#[derive(Debug)]
pub(crate) enum Call {
    /// Log in, and attach the session.
    Login { request: LoginRequest, note: String },
    /// List the queues with news.
    Unread,
    /// Read a page.
    Page { queue: Queue, after: Option<Seq> },
    /// Send a message.
    Send { id: u64, draft: Draft },
    /// Send a receipt.
    Acknowledge { id: u64, receipt: Receipt },
    /// Note that a group's conversation was read.
    Read { id: u64, target: Target },
    /// Take a message back.
    Recall { id: u64, recall: Recall },
    /// Replace a message's content.
    Edit { id: u64, edit: Box<Edit> },
    /// Send a receipt for a message of a group.
    AcknowledgeInGroup { id: u64, receipt: GroupReceipt },
    /// Come into a chat room.
    EnterRoom { id: u64, room: GroupId, ext: String, leave_others: bool },
    /// Go out of a chat room.
    LeaveRoom { id: u64, room: GroupId },
    /// Store how far the device has received.
    Save(Vec<(Queue, Seq)>),
}

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Of [`Call::Login`].
    Login(Result<LoggedIn, Error>),
    /// Of [`Call::Unread`].
    Unread(Result<Vec<Unread>, Error>),
    /// Of [`Call::Page`].
    Page(Queue, Result<Page, Error>),
    /// Of [`Call::EnterRoom`].
    Entered(u64, GroupId, Result<RoomEntered, Error>),
    /// Of [`Call::Send`], [`Call::Acknowledge`], [`Call::Read`], [`Call::Recall`] and
    /// [`Call::LeaveRoom`].
    Done(u64, Result<Appended, Error>),
    /// Of [`Call::Edit`].
    Edited(u64, Box<Result<Edited, Error>>),
    /// Of [`Call::Save`].
    Saved(Result<(), ()>),
}

/// A session that was let in.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) user: UserId,
    pub(crate) app_key: Arc<str>,
    pub(crate) number: u64,
    pub(crate) expires: Timestamp,
    /// An id for a notice of the server, should one be needed.
    pub(crate) notice_id: MessageId,
}
