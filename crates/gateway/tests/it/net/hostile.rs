//! Clients that mean no good, and broken ones.

use std::time::Duration;

use aws_lc_rs::aead;
use rustls::ConnectionTrafficSecrets;
use stoa_gateway::net::{NetLimits, ReadState, TransportError, WsTransport};
use stoa_wire::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Server, client_frame, flush, receive, server_frame, upgrade};

/// Reads to the end, however it comes.
async fn end(client: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = client.read_to_end(&mut rest).await;
    rest
}

/// The server still works.
async fn works(server: &mut Server) {
    let mut client = server.tls().await;
    upgrade(&mut client).await;
    drop(server.session().await);
}

async fn fail(session: &mut WsTransport) -> TransportError {
    loop {
        match session.read_available(&mut |_| {}) {
            Err(error) => return error,
            Ok(ReadState::Closed(_)) => panic!("closed without an error"),
            Ok(_) => session.readable().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn sessions_that_break_the_protocol_are_told_so() {
    let mut server = Server::secure().await;
    let limit = stoa_core::limits::FRAME_BYTES;
    for (bytes, code) in [
        (vec![0x82, 0x01, b'x'], 1002_u16),
        (client_frame(0x81, b"text"), 1003),
        (client_frame(0x82, &vec![0; limit + 1]), 1009),
        (client_frame(0x88, b"\x03\xe8\xff"), 1007),
        (client_frame(0x83, b""), 1002),
    ] {
        let mut client = server.tls().await;
        upgrade(&mut client).await;
        let mut session = server.session().await;
        client.write_all(&bytes).await.unwrap();
        client.flush().await.unwrap();
        let error = fail(&mut session).await;
        assert!(matches!(error, TransportError::Protocol(_)), "{error}");
        let reading = async {
            assert_eq!(server_frame(&mut client).await, (0x88, code.to_be_bytes().to_vec()));
            drop(client);
        };
        let ((), ()) = tokio::join!(reading, session.finish());
    }
    works(&mut server).await;
    server.stop().await;
}

#[tokio::test]
async fn garbage_instead_of_tls_is_answered_with_an_alert() {
    let mut server = Server::secure().await;
    for garbage in
        [&b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0x16, 3, 1, 0, 4, 1, 2, 3, 4], &[0; 64]]
    {
        let mut client = server.tcp().await;
        client.write_all(garbage).await.unwrap();
        let answer = end(&mut client).await;
        assert!(answer.is_empty() || answer[0] == 21, "an alert or nothing: {answer:?}");
    }
    works(&mut server).await;
    server.stop().await;
}

/// The first bytes that a TLS client sends.
fn client_hello(server: &Server) -> Vec<u8> {
    let config = server.client_config(&rustls::version::TLS13);
    let mut client =
        rustls::ClientConnection::new(config.into(), "localhost".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn handshakes_cut_anywhere_free_their_place() {
    let limits = NetLimits { connections: 1, ..NetLimits::default() };
    let mut server = Server::start(true, limits).await;
    let hello = client_hello(&server);
    for part in [0, 1, 4, 5, 6, hello.len() / 2, hello.len() - 1, hello.len()] {
        // The only place may still be taken by the last one for a moment.
        loop {
            let mut client = server.tcp().await;
            if client.write_all(&hello[..part]).await.is_err() {
                continue;
            }
            if part == hello.len() {
                let mut first = [0];
                match client.read_exact(&mut first).await {
                    Ok(_) => assert_eq!(first, [22], "the server's part of the handshake"),
                    Err(_) => continue,
                }
            }
            break;
        }
    }
    loop {
        if let Ok(mut client) = server.try_tls(server.tcp().await).await {
            upgrade(&mut client).await;
            drop(server.session().await);
            break;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn who_trickles_is_cut() {
    let limits = NetLimits {
        handshake: Duration::from_millis(100),
        next_head: Duration::from_millis(100),
        ..NetLimits::default()
    };
    let server = Server::start(true, limits.clone()).await;
    let hello = client_hello(&server);
    let mut silent = server.tcp().await;
    assert_eq!(end(&mut silent).await, b"");
    let mut partial = server.tcp().await;
    partial.write_all(&hello[..hello.len() - 1]).await.unwrap();
    assert_eq!(end(&mut partial).await, b"");
    // On a machine that is slow enough this one is cut before it is mute.
    if let Ok(mut mute) = server.try_tls(server.tcp().await).await {
        let mut rest = Vec::new();
        let _ = mute.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
    }
    server.stop().await;

    let server = Server::start(false, limits).await;
    for start in ["", "GET /ws HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\n"] {
        let mut client = server.tcp().await;
        client.write_all(start.as_bytes()).await.unwrap();
        let answer = String::from_utf8(end(&mut client).await).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let limits = NetLimits { request: Duration::from_millis(100), ..NetLimits::default() };
    let server = Server::start(false, limits).await;
    let mut client = server.tcp().await;
    client.write_all(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").await.unwrap();
    assert_eq!(end(&mut client).await, b"");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    let limits = NetLimits { stall: Duration::from_millis(100), ..NetLimits::default() };
    let server = Server::start(true, limits).await;
    let mut client = server.tls().await;
    // More than sockets hold.
    let body = vec![b'x'; 16 * 1024 * 1024];
    let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&body).await.unwrap();
    client.flush().await.unwrap();
    // Stopping waits for answers that are under way.
    server.stop().await;
    drop(client);
}

#[tokio::test]
async fn too_many_connections_are_turned_away() {
    let limits = NetLimits { connections: 1, ..NetLimits::default() };
    let mut server = Server::start(false, limits).await;
    let mut first = server.tcp().await;
    upgrade(&mut first).await;
    let session = server.session().await;
    let mut second = server.tcp().await;
    assert_eq!(end(&mut second).await, b"");
    // The place of a session is free when its transport is gone.
    drop(session);
    let mut third = server.tcp().await;
    upgrade(&mut third).await;
    server.session().await;
    server.stop().await;
}

#[tokio::test]
async fn damaged_records_end_the_session_with_an_alert() {
    let mut server = Server::secure().await;
    let mut client = server.tls().await;
    upgrade(&mut client).await;
    let mut session = server.session().await;
    let (mut tcp, _) = client.into_inner();
    tcp.write_all(&[&[23, 3, 3, 0, 40][..], &[7; 40]].concat()).await.unwrap();
    let error = fail(&mut session).await;
    assert!(matches!(error, TransportError::Tls(_)), "{error}");
    assert!(matches!(session.read_available(&mut |_| {}), Ok(ReadState::Closed(None))));
    let _ = session.flush();
    drop(session);
    assert!(!end(&mut tcp).await.is_empty(), "an alert");
    works(&mut server).await;
    server.stop().await;
}

/// Seals records as a TLS 1.3 client, so that it can say what no library would.
struct Sealer {
    key: aead::LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    fn new((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => panic!("an unknown cipher"),
        };
        let len = algorithm.key_len();
        let key = aead::UnboundKey::new(algorithm, &key.as_ref()[..len]).unwrap();
        let iv = iv.as_ref().try_into().unwrap();
        Self { key: aead::LessSafeKey::new(key), iv, sequence }
    }

    /// RFC 8446, section 5.2.
    fn record(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut inner = [payload, &[kind]].concat();
        let len = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let head = [23, 3, 3, len[0], len[1]];
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, aead::Aad::from(head), &mut inner).unwrap();
        [&head[..], &inner].concat()
    }
}

const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;

#[tokio::test]
async fn half_a_handshake_message_does_not_disturb_what_the_server_sends() {
    let mut server = Server::secure().await;
    let mut config = server.client_config(&rustls::version::TLS13);
    config.enable_secret_extraction = true;
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let tcp = server.tcp().await;
    let mut client = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    upgrade(&mut client).await;
    let mut session = server.session().await;
    let (mut tcp, connection) = client.into_inner();
    let mut sealer = Sealer::new(connection.dangerous_extract_secrets().unwrap().tx);

    tcp.write_all(&sealer.record(APPLICATION, &client_frame(0x82, b"one"))).await.unwrap();
    assert_eq!(receive(&mut session).await.0, [&b"one"[..]]);
    // The first byte of a key update. The library keeps track of it within the bytes it was given.
    tcp.write_all(&sealer.record(HANDSHAKE, &[24])).await.unwrap();
    session.readable().await.unwrap();
    assert_eq!(session.read_available(&mut |_| panic!("a message")).unwrap(), ReadState::Drained);
    session.queue(Frame::from_bytes(bytes::Bytes::from_static(b"still here")));
    flush(&mut session).await;
    let mut record = [0; 5];
    tcp.read_exact(&mut record).await.unwrap();
    assert_eq!(record[0], 23);
    // The rest of it, cut again: an update that asks for none in return.
    tcp.write_all(&sealer.record(HANDSHAKE, &[0, 0])).await.unwrap();
    session.readable().await.unwrap();
    assert_eq!(session.read_available(&mut |_| panic!("a message")).unwrap(), ReadState::Drained);
    session.queue(Frame::from_bytes(bytes::Bytes::from_static(b"and here")));
    flush(&mut session).await;
    tcp.write_all(&sealer.record(HANDSHAKE, &[1, 0])).await.unwrap();
    session.readable().await.unwrap();
    assert_eq!(session.read_available(&mut |_| panic!("a message")).unwrap(), ReadState::Drained);
    session.queue(Frame::from_bytes(bytes::Bytes::from_static(b"and now")));
    flush(&mut session).await;

    drop(session);
    works(&mut server).await;
    server.stop().await;
}
