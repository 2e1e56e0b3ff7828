//! Chat rooms over real sockets: a room that ends while all speak, and a member that does not listen.

use std::sync::{Mutex, PoisonError};

use stoa_chat::entry::{Kind, Priority};
use stoa_chat::{NewRoom, RoomMessage};
use stoa_core::{Caller, GroupId};
use stoa_metrics::rooms::{DROPPED, Dropped};
use stoa_metrics::store::{FAULTS, Place};
use stoa_testclient::{Client, Event};
use stoa_wire::{Message, MucBody, MucOperation, NameSpace};

use crate::server::Server;

/// What is dropped is counted for the whole process, so these tests run one after the other.
static COUNTING: Mutex<()> = Mutex::new(());

const UNKNOWN_ROOM: &str = "grpID does not exist!";

async fn make_room(server: &Server, owner: &str) -> (Caller, GroupId) {
    let back_end = server.back_end().await;
    let new = NewRoom {
        owner: owner.parse().unwrap(),
        name: "hall".into(),
        description: String::new(),
        max_members: 100,
        members: Vec::new(),
    };
    let room = server.chat.create_room(&back_end, None, new).await.unwrap();
    (back_end, room)
}

fn in_a_runtime(test: impl Future<Output = ()>) {
    let _counting = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// The next thing in `room`: what is said, or what happens there.
async fn next_in(client: &mut Client, room: &GroupId) -> Result<String, MucOperation> {
    loop {
        match client.next_event().await {
            Event::Received(received) if received.queue == room.as_str() => {
                if received.ns != NameSpace::Muc {
                    return Ok(received.text().unwrap());
                }
                let body = MucBody::decode(received.payload.clone()).unwrap();
                return Err(MucOperation::try_from(body.operation.unwrap()).unwrap());
            }
            Event::Closed { code } => panic!("closed with {code:?}"),
            _ => {}
        }
    }
}

/// The next thing that is said in `room`.
async fn next_said(client: &mut Client, room: &GroupId) -> String {
    loop {
        if let Ok(said) = next_in(client, room).await {
            return said;
        }
    }
}

#[test]
fn a_room_ends_while_all_speak() {
    in_a_runtime(async {
        let server = Server::start().await;
        let names = ["amy", "ben", "cat", "dan"];
        server.register(&names).await;
        let (back_end, room) = make_room(&server, "amy").await;
        let faults = || [Place::Append, Place::Session].map(|place| FAULTS.of(place).get());
        let before = faults();
        let mut clients = Vec::new();
        for name in names {
            let client = server.log_in(name, "web").await;
            assert_eq!(client.enter_room(room.as_str()).await.unwrap().code, 0);
            clients.push(client);
        }
        let mut posted = Vec::new();
        for n in 0..100 {
            for client in &clients {
                let body = client.room_text(room.as_str(), &n.to_string());
                let meta = client.room_envelope(room.as_str(), &body);
                posted.push(client.post_meta(meta).unwrap());
            }
        }
        let mut posted = posted.into_iter();
        // Some are said, and all others are on their way.
        for said in posted.by_ref().take(20) {
            assert_eq!(said.answer().await.unwrap().code, 0);
        }
        server.chat.dismiss_group(&back_end, None, &room).await.unwrap();
        let (mut said, mut over) = (20, 0);
        for answer in posted {
            let answer = answer.answer().await.unwrap();
            match (answer.code, &*answer.reason) {
                (0, _) => said += 1,
                (_, UNKNOWN_ROOM) => over += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(said + over, 400);
        for client in &mut clients {
            loop {
                match next_in(client, &room).await {
                    Err(MucOperation::Destroy) => break,
                    // Who came after it.
                    Err(MucOperation::Presence) | Ok(_) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            let refused = client.enter_room(room.as_str()).await.unwrap();
            assert_eq!(refused.reason, UNKNOWN_ROOM);
            let of_room = |received: &&stoa_testclient::Received| received.queue == room.as_str();
            let last = client.received().iter().rfind(of_room).map(|last| last.ns);
            assert_eq!(last, Some(NameSpace::Muc), "nothing is said behind the end");
            assert!(client.violations().is_empty(), "{:?}", client.violations());
        }
        assert_eq!(faults(), before);
        drop(clients);
        server.end().await;
    });
}

#[test]
fn who_does_not_listen_misses_what_is_said_in_rooms_and_nothing_else() {
    /// Bytes of one text; of these, few enough at once that nobody who listens misses any.
    const TEXT: usize = 4000;
    const AT_ONCE: usize = 4;
    in_a_runtime(async {
        let server = Server::start().await;
        server.register(&["amy", "ben", "eve"]).await;
        let (back_end, room) = make_room(&server, "amy").await;
        let mut amy = server.log_in("amy", "web").await;
        let mut ben = server.log_in("ben", "web").await;
        let mut eve = server.log_in("eve", "web").await;
        for client in [&amy, &ben, &eve] {
            assert_eq!(client.enter_room(room.as_str()).await.unwrap().code, 0);
        }
        eve.stop_reading().await.unwrap();

        let slow = || DROPPED.of(Dropped::Slow).get();
        let before = slow();
        let (mut said, mut mail) = (Vec::new(), Vec::new());
        // Until her socket is full, and some time longer.
        let mut rounds_left = None;
        while rounds_left != Some(0) {
            for _ in 0..AT_ONCE {
                let text = format!("{} {}", said.len(), "x".repeat(TEXT));
                let body = amy.room_text(room.as_str(), &text);
                let message = RoomMessage {
                    from: "amy".parse().unwrap(),
                    kind: Kind::Text,
                    body: body.encode_to_vec().into(),
                    ext: bytes::Bytes::new(),
                    priority: Priority::Normal,
                };
                server.chat.say_in_room(&back_end, &room, message).await.unwrap();
                said.push(text);
            }
            for client in [&mut amy, &mut ben] {
                for text in &said[said.len() - AT_ONCE..] {
                    assert_eq!(next_said(client, &room).await, *text);
                }
            }
            if rounds_left.is_none() && slow() > before {
                rounds_left = Some(200);
            }
            if let Some(left) = &mut rounds_left {
                *left -= 1;
                if mail.len() < 40 {
                    mail.push(format!("for you: {}", mail.len()));
                    assert_eq!(ben.send_text("eve", &mail[mail.len() - 1]).await.unwrap().code, 0);
                }
            }
        }
        let waiting = usize::try_from(stoa_metrics::sessions::QUEUED.get()).unwrap();
        let most = 4 * stoa_core::limits::ROOM_BACKLOG_BYTES;
        assert!(waiting < most, "{waiting} bytes wait for one who does not listen");
        assert!(slow() - before > 100, "more is missed for as long as she does not listen");

        eve.read_on().await.unwrap();
        let (mut heard, mut received) = (Vec::new(), Vec::new());
        while received.len() < mail.len() {
            match eve.next_event().await {
                Event::Received(got) if got.ns != NameSpace::Chat => {}
                Event::Received(got) if got.queue == room.as_str() => heard.extend(got.text()),
                Event::Received(got) => received.extend(got.text()),
                Event::Closed { code } => panic!("closed with {code:?}"),
                _ => {}
            }
        }
        assert_eq!(received, mail);
        assert!(heard.len() < said.len());
        let mut rest = said.iter();
        assert!(
            heard.iter().all(|text| rest.any(|said| said == text)),
            "in order, without doubles"
        );
        for client in [&amy, &ben, &eve] {
            assert!(client.violations().is_empty(), "{:?}", client.violations());
        }
    });
}
