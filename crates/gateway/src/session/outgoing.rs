//! From the domain to frames: every conversion into the wire's types stands here.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use stoa_chat::entry::{Delivery, Entry, KickReason, Queue, RoomPage};
use stoa_chat::{Appended, Edited, Error, RoomEntered};
use stoa_core::{GroupId, MessageId, MsyncStatus, Timestamp, UserId};
use stoa_wire::delivery::{self, Address};
use stoa_wire::{
    CommNotice, CommSyncDl, CommUnreadDl, Command, Frame, Jid, Message, Meta, MetaQueue, MucBody,
    MucOperation, MucStatus, NameSpace, Provision, RedirectInfo, SharedFrame, StatisticsOperation,
    Status,
};

/// The queue of what is not kept: notices of the server and online-only messages. No user can have
/// this name.
const PASSING: &str = "@passing";

/// Makes the frames of one session.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// `org#app`.
    pub(crate) app_key: Arc<str>,
}

/// The login succeeded; the token ends at `expires`, which the client wants as a moment, not as a
/// duration (msync section 0, item 7).
pub(crate) fn logged_in(resource: &str, expires: Timestamp) -> Frame {
    let auth_token = format!("{{\"expires_in\":{}}}", expires.as_millis());
    Frame::new(
        Command::Provision,
        &Provision {
            resource: Some(resource.into()),
            status: Some(Status { error_code: Some(0), ..Status::OK }),
            auth_token: Some(auth_token),
            ..Default::default()
        },
    )
}

/// The login failed.
pub(crate) fn login_refused(resource: &str, status: MsyncStatus) -> Frame {
    Frame::new(
        Command::Provision,
        &Provision {
            resource: Some(resource.into()),
            status: Some(Status::refused(status.code, status.reason)),
            ..Default::default()
        },
    )
}

/// The login failed for `error`. Who is at the wrong data centre is told the right one: the SDK follows no redirect,
/// so it stands in the reason, and where a client that does looks for it (msync section 3.2).
pub(crate) fn not_admitted(resource: &str, error: &Error) -> Frame {
    let row = error.refusal().msync();
    let Error::Elsewhere(app) = error else { return login_refused(resource, row) };
    let mut status = Status::refused(row.code, &app.to_string());
    status.redirect_info.extend(app.hosts.as_ref().map(|hosts| RedirectInfo {
        host: Some(hosts.ws.host.clone()),
        port: Some(hosts.ws.port.into()),
    }));
    let resource = Some(resource.into());
    Frame::new(
        Command::Provision,
        &Provision { resource, status: Some(status), ..Default::default() },
    )
}

/// The answer to the meta `id`.
pub(crate) fn answer(id: u64, outcome: Result<Appended, MsyncStatus>, now: Timestamp) -> Frame {
    let dl = match outcome {
        Ok(appended) => CommSyncDl {
            status: Some(Status::OK),
            meta_id: Some(id),
            server_id: Some(appended.id.0),
            timestamp: Some(appended.at.as_millis()),
            ..Default::default()
        },
        Err(status) => CommSyncDl {
            status: Some(Status::refused(status.code, status.reason)),
            meta_id: Some(id).filter(|id| *id > 0),
            timestamp: Some(now.as_millis()),
            ..Default::default()
        },
    };
    Frame::new(Command::Sync, &dl)
}

/// What is said in a room: no acknowledgement is asked for.
pub(crate) fn room_page(page: &RoomPage) -> Frame {
    let metas: Vec<Bytes> =
        page.entries.iter().map(|entry| stoa_translate::meta(entry, &page.app_key)).collect();
    let at = page.entries.last().map_or(0, |entry| entry.at.as_millis());
    let queue = Jid::group(&page.app_key, page.room.as_str());
    SharedFrame::new(&queue, &metas, at).with_tail(None, true)
}

/// A mute without an end, as a number that JavaScript knows exactly.
const FOR_EVER_MS: i64 = (1 << 53) - 1;

impl Outgoing {
    /// The answer to `user`, who came into `room` with the meta `id`: with what the SDK shows of the room
    /// (msync section 6.2).
    pub(crate) fn entered(
        &self,
        id: u64,
        room: &GroupId,
        user: &UserId,
        entered: &RoomEntered,
        now: Timestamp,
    ) -> Frame {
        let muted_until = match entered.muted_until_ms {
            None => -1,
            Some(until) if until < 0 => FOR_EVER_MS,
            Some(until) => until,
        };
        let info = json!({
            user.as_str(): {
                "is_all_mute": entered.all_muted,
                "create_timestamp": entered.created.as_millis(),
                "is_in_white_list": entered.allowed,
                "member_count": entered.members,
                "mute_duration": muted_until,
            }
        });
        let status = MucStatus { chatroom_info: Some(info.to_string()), ..MucStatus::default() };
        let body = MucBody {
            muc_id: Some(Jid::group(&self.app_key, room.as_str())),
            operation: Some(MucOperation::Join as i32),
            from: Some(Jid::user(&self.app_key, user.as_str())),
            is_chatroom: Some(true),
            status: Some(status),
            ..MucBody::default()
        };
        let meta = Meta {
            id: Some(entered.answer.0),
            from: Some(Jid::group(&self.app_key, room.as_str())),
            to: Some(Jid::user(&self.app_key, user.as_str())),
            timestamp: Some(now.as_millis()),
            ns: Some(NameSpace::Muc as i32),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        };
        let dl = CommSyncDl {
            status: Some(Status::OK),
            meta_id: Some(id),
            server_id: Some(entered.answer.0),
            metas: vec![meta],
            // Metas never come without a queue (msync section 0, item 2).
            queue: Some(self.named(PASSING, false)),
            timestamp: Some(now.as_millis()),
            ..CommSyncDl::default()
        };
        Frame::new(Command::Sync, &dl)
    }

    /// The answer to the edit `id`: with what is said about it (msync section 4.6).
    pub(crate) fn edited(&self, id: u64, edited: &Edited) -> Frame {
        let Edited { entry, mark, told } = edited;
        let payload = stoa_translate::edit_msg(entry, mark).to_string();
        let meta = Meta {
            id: Some(told.0),
            from: Some(Jid::user(&self.app_key, mark.by.as_str())),
            to: Some(Jid::user(&self.app_key, mark.by.as_str())),
            timestamp: Some(mark.at.as_millis()),
            ns: Some(NameSpace::Notify as i32),
            payload: Some(payload.into()),
            ..Default::default()
        };
        let dl = CommSyncDl {
            status: Some(Status::OK),
            meta_id: Some(id),
            server_id: Some(entry.id.0),
            metas: vec![meta],
            // Metas never come without a queue (msync section 0, item 2).
            queue: Some(self.named(PASSING, false)),
            timestamp: Some(mark.at.as_millis()),
            ..Default::default()
        };
        Frame::new(Command::Sync, &dl)
    }

    fn queue(&self, queue: &Queue) -> Jid {
        self.named(queue.name(), matches!(queue, Queue::Group(_)))
    }

    fn named(&self, name: &str, is_group: bool) -> Jid {
        if is_group { Jid::group(&self.app_key, name) } else { Jid::user(&self.app_key, name) }
    }

    /// The list of queues that the client should pull.
    pub(crate) fn unread(&self, queues: &[Queue], now: Timestamp) -> Frame {
        let item = |queue: &Queue| MetaQueue { queue: Some(self.queue(queue)), n: Some(1) };
        Frame::new(
            Command::Unread,
            &CommUnreadDl {
                status: Some(Status::OK),
                unread: queues.iter().map(item).collect(),
                timestamp: Some(now.as_millis()),
            },
        )
    }

    /// Something is in `queue`.
    pub(crate) fn notice(&self, queue: &Queue) -> Frame {
        let queue = Some(self.queue(queue));
        Frame::new(Command::Notice, &CommNotice { queue })
    }

    /// A page of `queue`, to be acknowledged under `key`.
    pub(crate) fn page(
        &self,
        queue: &Queue,
        entries: impl Iterator<Item = Arc<Entry>>,
        key: u64,
        now: Timestamp,
    ) -> Frame {
        let metas: Vec<Bytes> =
            entries.map(|entry| stoa_translate::meta(&entry, &self.app_key)).collect();
        let shared = SharedFrame::new(&self.queue(queue), &metas, now.as_millis());
        shared.with_tail(Some(key), false)
    }

    /// The last page of the queue called `name`: nothing is in it.
    pub(crate) fn empty_page(&self, name: &str, is_group: bool, now: Timestamp) -> Frame {
        let none: [Bytes; 0] = [];
        let queue = self.named(name, is_group);
        SharedFrame::new(&queue, &none, now.as_millis()).with_tail(None, true)
    }

    /// An entry that is pushed, to be acknowledged under `key`. Encoded once for all sessions of the
    /// user.
    pub(crate) fn push(&self, delivery: &Delivery, key: u64) -> Frame {
        self.shared(delivery, || self.queue(&delivery.queue)).with_tail(Some(key), false)
    }

    /// An entry that is not kept: no acknowledgement is asked for.
    pub(crate) fn passing(&self, delivery: &Delivery) -> Frame {
        self.shared(delivery, || self.named(PASSING, false)).with_tail(None, true)
    }

    fn shared(&self, delivery: &Delivery, queue: impl Fn() -> Jid) -> SharedFrame {
        let encode = || -> SharedFrame {
            let entry = &delivery.entry;
            let meta = stoa_translate::meta(entry, &self.app_key);
            SharedFrame::new(&queue(), &[meta], entry.at.as_millis())
        };
        let kept = delivery.encoded.get_or_init(|| Box::new(encode()));
        kept.downcast_ref::<SharedFrame>().cloned().unwrap_or_else(encode)
    }

    /// The session is to end, and the client must not come back by itself. The connection is closed
    /// after it (msync section 3.4).
    pub(crate) fn kicked(
        &self,
        id: MessageId,
        user: &str,
        reason: KickReason,
        note: &str,
        now: Timestamp,
    ) -> Frame {
        let operation = match reason {
            KickReason::UserRemoved => StatisticsOperation::UserRemoved,
            KickReason::AnotherDevice => StatisticsOperation::UserLoginAnotherDevice,
            KickReason::PasswordChanged => StatisticsOperation::UserKickedByChangePassword,
            KickReason::ByOtherDevice | KickReason::Revoked | KickReason::Outside => {
                StatisticsOperation::UserKickedByOtherDevice
            }
        };
        let payload = delivery::kick(operation, Some(note).filter(|note| !note.is_empty()));
        let meta = delivery::Delivery {
            id: id.0,
            app_key: &self.app_key,
            from: Address::User(user),
            to: Address::User(user),
            timestamp: now.as_millis(),
            ns: NameSpace::Statistic,
            payload: &payload,
            ext: b"",
            meta: b"",
        }
        .encode();
        SharedFrame::new(&self.named(PASSING, false), &[meta], now.as_millis())
            .with_tail(None, true)
    }
}
