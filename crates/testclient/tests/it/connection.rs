//! The client's connection, over TLS, with a server that the test plays frame by frame.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use stoa_testclient::{Client, ConnectError, ConnectOptions, Event, SendError};
use stoa_wire::delivery::{Address, Delivery, kick};
use stoa_wire::{
    CommSyncDl, CommSyncUl, CommUnreadDl, Command, Frame, Jid, MSync, Message as _, Meta,
    NameSpace, Provision, SharedFrame, StatisticsOperation, Status,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ca_pem: String,
}

type Peer = WebSocketStream<TlsStream<TcpStream>>;

impl Server {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = made.signing_key.serialize_der();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { listener, acceptor, ca_pem: made.cert.pem() }
    }

    fn options(&self) -> ConnectOptions {
        let port = self.listener.local_addr().unwrap().port();
        ConnectOptions {
            url: format!("wss://localhost:{port}/ws"),
            ca_pem: Some(self.ca_pem.clone()),
            app_key: "org#app".into(),
            user: "amy".into(),
            token: "t".into(),
            resource: "web_1".into(),
        }
    }

    async fn accept(&self) -> Peer {
        let (tcp, _) = self.listener.accept().await.unwrap();
        accept_async(self.acceptor.accept(tcp).await.unwrap()).await.unwrap()
    }

    /// Accepts a client and lets it in.
    async fn admit(&self) -> Peer {
        let mut peer = self.accept().await;
        assert_eq!(next(&mut peer).await.command(), Command::Provision);
        let welcome = Provision {
            status: Some(Status::OK),
            resource: Some("web_1".into()),
            ..Default::default()
        };
        send(&mut peer, &Frame::new(Command::Provision, &welcome)).await;
        assert_eq!(next(&mut peer).await.command(), Command::Unread);
        assert_eq!(next_sync(&mut peer).await.meta.unwrap().ns(), NameSpace::Statistic);
        send(&mut peer, &Frame::new(Command::Unread, &CommUnreadDl::default())).await;
        assert_eq!(next_sync(&mut peer).await.meta.unwrap().ns(), NameSpace::Statistic);
        peer
    }
}

async fn next(peer: &mut Peer) -> MSync {
    match peer.next().await.unwrap().unwrap() {
        Message::Binary(frame) => MSync::decode(frame).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn next_sync(peer: &mut Peer) -> CommSyncUl {
    CommSyncUl::decode(next(peer).await.payload.unwrap()).unwrap()
}

async fn send(peer: &mut Peer, frame: &Frame) {
    peer.send(Message::Binary(frame.to_bytes())).await.unwrap();
}

async fn acknowledge(peer: &mut Peer, meta: &Meta, server_id: u64) {
    let ack = CommSyncDl {
        status: Some(Status::OK),
        meta_id: meta.id,
        server_id: Some(server_id),
        timestamp: Some(7),
        ..Default::default()
    };
    send(peer, &Frame::new(Command::Sync, &ack)).await;
}

/// A push from bob with `payload`.
fn push(id: u64, ns: NameSpace, payload: &[u8], key: u64) -> Frame {
    let delivery = Delivery {
        id,
        app_key: "org#app",
        from: Address::User("bob"),
        to: Address::User("amy"),
        timestamp: 1,
        ns,
        payload,
        ext: &[],
        meta: &[],
    };
    SharedFrame::new(&Jid::user("org#app", "bob"), &[delivery.encode()], 1)
        .with_tail(Some(key), false)
}

#[tokio::test]
async fn a_whole_conversation() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(Client::connect(server.options()), server.admit());
    let mut client = client.unwrap();
    assert_eq!(client.welcome().unwrap().resource, "web_1");

    let (ack, sent) = tokio::join!(client.send_text("bob", "tea?"), async {
        let meta = next_sync(&mut peer).await.meta.unwrap();
        acknowledge(&mut peer, &meta, 99).await;
        meta
    });
    let ack = ack.unwrap();
    assert_eq!((ack.code, ack.server_id, ack.timestamp, ack.id), (0, 99, 7, sent.id()));
    assert_eq!(sent.to, Some(Jid::user("org#app", "bob")));

    let answer = client.text("amy", "yes!").encode_to_vec();
    send(&mut peer, &push(100, NameSpace::Chat, &answer, 5)).await;
    let Event::Received(received) = client.next_event().await else { panic!("no message") };
    assert_eq!((received.id, received.from.as_str()), (100, "bob"));
    assert_eq!(received.text().as_deref(), Some("yes!"));
    assert_eq!(client.received(), [*received]);
    assert_eq!(next_sync(&mut peer).await.key, Some(5));

    client.send_raw(Bytes::from_static(&[0xff])).unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::binary(vec![0xff]));
    client.heartbeat().unwrap();
    assert_eq!(next(&mut peer).await.command(), Command::Unread);
    assert_eq!(client.violations(), [""; 0]);

    let ((), ()) = tokio::join!(client.close(), async {
        assert!(matches!(peer.next().await, Some(Ok(Message::Close(None)))));
        assert!(peer.next().await.is_none());
    });
}

#[tokio::test]
async fn a_forced_logout() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(Client::connect(server.options()), server.admit());
    let mut client = client.unwrap();
    let operation = StatisticsOperation::UserRemoved;
    send(&mut peer, &push(1, NameSpace::Statistic, &kick(operation, None), 1)).await;
    peer.close(None).await.unwrap();
    assert_eq!(client.next_event().await, Event::Kicked { operation, reason: None });
    let drained = async { while let Some(Ok(_)) = peer.next().await {} };
    let (event, ()) = tokio::join!(client.next_event(), drained);
    assert_eq!(event, Event::Closed { code: None });
    assert_eq!(client.next_event().await, Event::Closed { code: None });
    assert_eq!(client.send_text("bob", "hello?").await, Err(SendError::Closed));
}

#[tokio::test]
async fn a_refused_login() {
    let server = Server::start().await;
    let (refused, ()) = tokio::join!(Client::connect(server.options()), async {
        let mut peer = server.accept().await;
        next(&mut peer).await;
        let refused = Provision {
            status: Some(Status::refused(1, "Sorry, token expired")),
            ..Default::default()
        };
        send(&mut peer, &Frame::new(Command::Provision, &refused)).await;
        while let Some(Ok(_)) = peer.next().await {}
    });
    let Err(ConnectError::Refused { code, reason }) = refused else { panic!("let in") };
    assert_eq!((code, reason.as_str()), (1, "Sorry, token expired"));
}

#[tokio::test]
async fn what_was_not_answered_when_the_server_died_is_sent_again() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(Client::connect(server.options()), server.admit());
    let mut client = client.unwrap();
    send(&mut peer, &push(1, NameSpace::Chat, &client.text("amy", "one").encode_to_vec(), 5)).await;
    assert!(matches!(client.next_event().await, Event::Received(_)));
    let meta = client.envelope("bob", &client.text("bob", "hello"));
    let (lost, ()) = tokio::join!(client.send_meta(meta.clone()), async {
        while next_sync(&mut peer).await.meta.is_none() {}
        drop(peer);
    });
    assert_eq!(lost, Err(SendError::Closed));
    assert_eq!(client.next_event().await, Event::Closed { code: None });

    let (connected, mut peer) = tokio::join!(client.reconnect(), server.admit());
    connected.unwrap();
    let (ack, ()) = tokio::join!(client.send_meta(meta.clone()), async {
        let again = next_sync(&mut peer).await.meta.unwrap();
        assert_eq!(again, meta);
        acknowledge(&mut peer, &again, 3).await;
    });
    assert_eq!(ack.unwrap().server_id, 3);
    // A page that comes again brings nothing new, and under its old key it is not acknowledged.
    let two = client.text("amy", "two").encode_to_vec();
    send(&mut peer, &push(1, NameSpace::Chat, &two, 6)).await;
    send(&mut peer, &push(2, NameSpace::Chat, &two, 7)).await;
    let Event::Received(received) = client.next_event().await else { panic!("no message") };
    assert_eq!(received.id, 2);
    assert_eq!(client.received().len(), 2);
    assert_eq!(client.violations(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_talked_to() {
    let (server, other) = (Server::start().await, Server::start().await);
    let options = ConnectOptions { ca_pem: Some(other.ca_pem.clone()), ..server.options() };
    let (result, accepted) = tokio::join!(Client::connect(options), async {
        let (tcp, _) = server.listener.accept().await.unwrap();
        server.acceptor.accept(tcp).await.is_ok()
    });
    assert!(matches!(result, Err(ConnectError::Io(_))));
    assert!(!accepted);
    let options = ConnectOptions { url: "http://localhost/ws".into(), ..server.options() };
    assert!(matches!(Client::connect(options).await, Err(ConnectError::Url)));
}
