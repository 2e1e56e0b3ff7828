//! Sessions that behave.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use stoa_gateway::net::{CloseCode, FlushState, ReadState};
use stoa_wire::{Frame, Jid, SharedFrame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as TheirCode;

use super::support::{
    Server, UPGRADE, VERSIONS, client_frame, echo, flush, read_answer, receive, server_frame,
    upgrade,
};

/// Messages of many sizes there and back, then a proper end.
async fn talk<T: AsyncRead + AsyncWrite + Unpin>(io: T, path: &str) {
    let (mut client, answer) = client_async(format!("ws://localhost{path}"), io).await.unwrap();
    assert_eq!(answer.status(), 101);
    for len in [0, 1, 125, 126, 4096, 16_384, 16_385, 65_535, 65_536] {
        let sent = Message::binary(vec![u8::try_from(len % 251).unwrap(); len]);
        client.send(sent.clone()).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), sent, "{len}");
    }
    for i in 0..100_u8 {
        client.feed(Message::binary(vec![i])).await.unwrap();
    }
    client.flush().await.unwrap();
    for i in 0..100_u8 {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(vec![i]));
    }
    client.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    let pong = client.next().await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
    let reason = CloseFrame { code: TheirCode::Away, reason: "bye".into() };
    client.close(Some(reason)).await.unwrap();
    let Some(Ok(Message::Close(Some(back)))) = client.next().await else { panic!("no close") };
    assert_eq!(back.code, TheirCode::Away);
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn with_every_version_of_tls_and_without() {
    for path in ["/ws", "/websocket"] {
        let mut server = Server::secure().await;
        for version in VERSIONS {
            let io = server.tls_over(version, server.tcp().await).await;
            let client = talk(io, path);
            let ((), ()) = tokio::join!(client, async { echo(server.session().await).await });
        }
        server.stop().await;

        let mut server = Server::plain().await;
        let client = talk(server.tcp().await, path);
        let ((), ()) = tokio::join!(client, async { echo(server.session().await).await });
        server.stop().await;
    }
}

#[tokio::test]
async fn fragments_and_several_messages_in_one_write() {
    let mut server = Server::secure().await;
    let mut client = server.tls().await;
    upgrade(&mut client).await;
    let mut session = server.session().await;
    let together = [
        client_frame(0x02, b"one "),
        client_frame(0x89, b"ping 1"),
        client_frame(0x00, b"message "),
        client_frame(0x89, b"ping 2"),
        client_frame(0x80, b"in three"),
        client_frame(0x82, b"another"),
    ];
    client.write_all(&together.concat()).await.unwrap();
    client.flush().await.unwrap();
    let (messages, end) = receive(&mut session).await;
    assert_eq!(messages, [&b"one message in three"[..], b"another"]);
    assert_eq!(end, None);
    flush(&mut session).await;
    assert_eq!(server_frame(&mut client).await, (0x8a, b"ping 2".to_vec()), "the last is enough");
    server.stop().await;
}

#[tokio::test]
async fn messages_sent_with_the_request_are_not_lost() {
    let mut server = Server::secure().await;
    let mut client = server.tls().await;
    let first = client_frame(0x82, b"early");
    let together = [UPGRADE.as_bytes(), &first, &client_frame(0x82, b"half")[..5]].concat();
    client.write_all(&together).await.unwrap();
    client.flush().await.unwrap();
    read_answer(&mut client).await;
    let mut session = server.session().await;
    session.readable().await.unwrap();
    let mut messages = Vec::new();
    session.read_available(&mut |message| messages.push(message)).unwrap();
    assert_eq!(messages, [&b"early"[..]]);
    client.write_all(&client_frame(0x82, b"half")[5..]).await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(receive(&mut session).await.0, [&b"half"[..]]);
    server.stop().await;
}

/// Counts the TLS records of application data that come.
struct RecordCounter<T> {
    io: T,
    head: Vec<u8>,
    skip: usize,
    records: usize,
}

impl<T> RecordCounter<T> {
    fn new(io: T) -> Self {
        Self { io, head: Vec::new(), skip: 0, records: 0 }
    }

    fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.head.push(*byte);
            if let [kind, _, _, high, low] = self.head[..] {
                self.skip = u16::from_be_bytes([high, low]).into();
                self.records += usize::from(kind == 23);
                self.head.clear();
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for RecordCounter<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.count(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for RecordCounter<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn frames_of_one_turn_share_a_record() {
    let mut server = Server::secure().await;
    let counter = RecordCounter::new(server.tcp().await);
    let mut client = server.tls_over(&rustls::version::TLS13, counter).await;
    upgrade(&mut client).await;
    let mut session = server.session().await;
    let before = client.get_ref().0.records;

    let shared = SharedFrame::new(&Jid::named("room"), &[[7; 250]], 1);
    for key in 0..10 {
        session.queue(shared.with_tail(Some(key), false));
    }
    assert_eq!(session.outbound_bytes(), 10 * (10 + shared.with_tail(Some(1), false).len()));
    assert_eq!(session.flush().unwrap(), FlushState::Done);
    assert_eq!(session.outbound_bytes(), 0);
    for key in 0..10 {
        let expected = shared.with_tail(Some(key), false).to_bytes().to_vec();
        assert_eq!(server_frame(&mut client).await, (0x82, expected));
    }
    assert_eq!(client.get_ref().0.records - before, 1);

    // A frame above a record's size takes as many records as it needs.
    session.queue(Frame::from_bytes(vec![9; 200_000].into()));
    let reading = server_frame(&mut client);
    let (frame, ()) = tokio::join!(reading, flush(&mut session));
    assert_eq!(frame, (0x82, vec![9; 200_000]));
    assert_eq!(client.get_ref().0.records - before, 1 + 200_010_usize.div_ceil(16_384));
    server.stop().await;
}

#[tokio::test]
async fn a_slow_reader_is_seen_and_catches_up() {
    let mut server = Server::secure().await;
    let mut client = server.tls().await;
    upgrade(&mut client).await;
    let mut session = server.session().await;
    let body = Bytes::from(vec![5; 60_000]);
    let mut queued = 0_usize;
    // Sockets hold some megabytes; whatever they hold, they are full in the end.
    while session.flush().unwrap() == FlushState::Done {
        session.queue(Frame::from_bytes(body.clone()));
        queued += 1;
    }
    let full = session.outbound_bytes();
    assert!(full > 0);
    for more in 1..=10 {
        session.queue(Frame::from_bytes(body.clone()));
        queued += 1;
        assert_eq!(session.flush().unwrap(), FlushState::Blocked);
        assert_eq!(session.outbound_bytes(), full + more * 60_010, "grows by each frame");
    }
    // The frames that wait are not copied.
    assert!(!body.is_unique());
    let reading = async {
        for _ in 0..queued {
            let (first, payload) = server_frame(&mut client).await;
            assert_eq!((first, payload.len()), (0x82, 60_000));
        }
    };
    let ((), ()) = tokio::join!(reading, flush(&mut session));
    assert_eq!(session.outbound_bytes(), 0);
    assert!(body.is_unique(), "nothing is kept");
    server.stop().await;
}

#[tokio::test]
async fn what_is_queued_can_be_dropped() {
    let mut server = Server::plain().await;
    let mut client = server.tcp().await;
    upgrade(&mut client).await;
    let mut session = server.session().await;
    session.queue(Frame::from_bytes(Bytes::from_static(b"old")));
    session.drop_queued();
    assert_eq!(session.outbound_bytes(), 0);
    session.queue(Frame::from_bytes(Bytes::from_static(b"new")));
    flush(&mut session).await;
    assert_eq!(server_frame(&mut client).await, (0x82, b"new".to_vec()));
    server.stop().await;
}

#[tokio::test]
async fn the_last_message_and_the_reason_arrive_before_the_end() {
    for secure in [true, false] {
        let mut server = Server::start(secure, Default::default()).await;
        let tcp = server.tcp().await;
        let mut client: Box<dyn Io> = if secure {
            Box::new(server.tls_over(&rustls::version::TLS13, tcp).await)
        } else {
            Box::new(tcp)
        };
        upgrade(&mut client).await;
        let mut session = server.session().await;
        // Input that is never read would make the system reset the connection.
        client.write_all(&client_frame(0x82, &[1; 5000])).await.unwrap();
        client.flush().await.unwrap();
        session.readable().await.unwrap();
        session.queue(Frame::from_bytes(Bytes::from_static(b"you are out")));
        session.close(CloseCode::POLICY, "kicked");
        session.queue(Frame::from_bytes(Bytes::from_static(b"too late")));
        session.close(CloseCode::NORMAL, "too late");
        let reading = async {
            assert_eq!(server_frame(&mut client).await, (0x82, b"you are out".to_vec()));
            assert_eq!(server_frame(&mut client).await, (0x88, b"\x03\xf0kicked".to_vec()));
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"");
            client.shutdown().await.unwrap();
        };
        let ((), ()) = tokio::join!(reading, session.finish());
        server.stop().await;
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed() {
    for secure in [true, false] {
        let mut server = Server::start(secure, Default::default()).await;
        if secure {
            let mut client = server.tls().await;
            upgrade(&mut client).await;
        } else {
            let mut client = server.tcp().await;
            upgrade(&mut client).await;
        }
        let mut session = server.session().await;
        let (messages, end) = receive(&mut session).await;
        assert_eq!((messages.len(), end), (0, Some(ReadState::Closed(None))));
        // And it stays so.
        assert_eq!(receive(&mut session).await.1, Some(ReadState::Closed(None)));
        session.finish().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn new_keys_on_the_way() {
    let mut server = Server::secure().await;
    let mut client = server.tls().await;
    upgrade(&mut client).await;
    let echoing = tokio::spawn(echo(server.session().await));
    for round in 0..5_u8 {
        client.get_mut().1.refresh_traffic_keys().unwrap();
        client.write_all(&client_frame(0x82, &[round; 300])).await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(server_frame(&mut client).await, (0x82, vec![round; 300]));
    }
    drop(client);
    echoing.await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_counts_from_the_next_connection_on() {
    let mut server = Server::secure().await;
    let mut old = server.tls().await;
    server.renew();
    let mut new = server.tls().await; // trusts the new certificate only
    for client in [&mut old, &mut new] {
        upgrade(client).await;
        drop(server.session().await);
    }
    server.stop().await;
}
