//! Clients that come back with a ticket.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};
use tokio::io::AsyncWriteExt;

use super::support::{
    Server, VERSIONS, client_frame, connect, echo, read_head, server_frame, upgrade,
};

/// One request over a connection of its own, after which the client has its ticket: it is sent before
/// the answer. What kind of handshake that was.
async fn visit(server: &Server, config: &Arc<ClientConfig>) -> HandshakeKind {
    let mut client = connect(Arc::clone(config), server.tcp().await).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let kind = client.get_ref().1.handshake_kind().unwrap();
    client.shutdown().await.unwrap();
    kind
}

#[tokio::test]
async fn who_comes_back_is_spared_the_certificate_also_after_a_new_one() {
    let mut server = Server::secure().await;
    for version in VERSIONS {
        let config = Arc::new(server.client_config(version));
        assert_eq!(visit(&server, &config).await, HandshakeKind::Full);
        for _ in 0..3 {
            assert_eq!(visit(&server, &config).await, HandshakeKind::Resumed, "{version:?}");
        }
        let stranger = Arc::new(server.client_config(version));
        assert_eq!(visit(&server, &stranger).await, HandshakeKind::Full);
        // The client would refuse the new certificate, had it to see it.
        server.renew();
        assert_eq!(visit(&server, &config).await, HandshakeKind::Resumed, "{version:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_ticket_whose_key_is_gone_gives_a_full_handshake_and_no_error() {
    let mut server = Server::secure().await;
    for version in VERSIONS {
        let config = Arc::new(server.client_config(version));
        assert_eq!(visit(&server, &config).await, HandshakeKind::Full);
        assert_eq!(visit(&server, &config).await, HandshakeKind::Resumed, "{version:?}");
        server.forget_tickets();
        assert_eq!(visit(&server, &config).await, HandshakeKind::Full, "{version:?}");
        assert_eq!(visit(&server, &config).await, HandshakeKind::Resumed, "{version:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_comes_back_is_a_new_one() {
    let mut server = Server::secure().await;
    for version in VERSIONS {
        let config = Arc::new(server.client_config(version));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut client = connect(Arc::clone(&config), server.tcp().await).await.unwrap();
            upgrade(&mut client).await;
            let echoing = tokio::spawn(echo(server.session().await));
            client.write_all(&client_frame(0x82, b"hello")).await.unwrap();
            client.flush().await.unwrap();
            assert_eq!(server_frame(&mut client).await, (0x82, b"hello".to_vec()));
            assert_eq!(client.get_ref().1.handshake_kind(), Some(kind), "{version:?}");
            assert!(!client.get_ref().1.is_early_data_accepted());
            drop(client);
            echoing.await.unwrap();
        }
    }
    server.stop().await;
}

/// They could be sent again by whoever recorded them.
#[tokio::test]
async fn no_ticket_allows_data_before_the_handshake_is_over() {
    let server = Server::secure().await;
    let mut config = server.client_config(&rustls::version::TLS13);
    config.enable_early_data = true;
    let config = Arc::new(config);
    assert_eq!(visit(&server, &config).await, HandshakeKind::Full);
    assert_eq!(visit(&server, &config).await, HandshakeKind::Resumed, "each brings another ticket");
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(config, name).unwrap();
    assert!(client.early_data().is_none());
    server.stop().await;
}
