//! Names that lead elsewhere.

use std::sync::atomic::Ordering;

use stoa_core::Special;
use stoa_egress::{ClientTls, EgressError};

use crate::world::{FINE, NAME, Names, Server, World, reached};

#[tokio::test]
async fn what_is_allowed_is_called_and_answers() {
    let server = Server::that(|head, mut tls| async move {
        use tokio::io::AsyncWriteExt;
        let length = head.len();
        let answer = format!("HTTP/1.1 201 Created\r\nContent-Length: {length}\r\n\r\n{head}");
        let _ = tls.write_all(answer.as_bytes()).await;
    })
    .await;
    let world = World::local();
    let answer = world.get_at(&server.url("/in?x=1"), &server).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.address), (201, server.address));
    let sent = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(sent.starts_with("GET /in?x=1 HTTP/1.1\r\n"), "{sent}");
    let port = server.address.port();
    assert!(sent.contains(&format!("host: {NAME}:{port}\r\n")), "{sent}");
    assert!(sent.contains("connection: close\r\n") && sent.contains("user-agent: stoa/"), "{sent}");
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_has_no_second_say() {
    let server = Server::answering(FINE).await;
    // First where it may be reached; whoever looks again is led to another machine.
    let names = Names::of(&[(NAME, &[&["127.0.0.1"], &["127.0.0.2"]])]);
    let world = World::new(names.clone(), &["127.0.0.1"], &[]);
    let answer = world.get(&server).await.unwrap();
    assert_eq!(answer.address, server.address);
    assert_eq!(names.asked.load(Ordering::Relaxed), 1);
    // The other way round: the second look would be a good one.
    let names = Names::of(&[(NAME, &[&["127.0.0.2"], &["127.0.0.1"]])]);
    let world = World::new(names.clone(), &["127.0.0.1"], &[]);
    let refused = world.get(&server).await.unwrap_err();
    assert!(
        matches!(refused, EgressError::Address { special: Special::Loopback, .. }),
        "{refused}"
    );
    assert_eq!((names.asked.load(Ordering::Relaxed), reached(&server)), (1, 1));
}

#[tokio::test]
async fn one_address_that_must_not_be_reached_spoils_the_name() {
    let server = Server::answering(FINE).await;
    for bad in [
        "127.0.0.2",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "192.0.2.1",
        "fe80::1",
        "fd00::1",
    ] {
        for list in [[bad, "127.0.0.1"], ["127.0.0.1", bad]] {
            let names = Names::of(&[(NAME, &[&list])]);
            let world = World::new(names, &["127.0.0.1"], &[]);
            let refused = world.get(&server).await.unwrap_err();
            assert!(matches!(refused, EgressError::Address { .. }), "{bad}: {refused}");
            assert!(refused.to_string().contains("egress-allow"), "{refused}");
        }
    }
    assert_eq!(reached(&server), 0);
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_as_well() {
    let server = Server::answering(FINE).await;
    let world = World::new(Names::of(&[]), &[], &[]);
    let port = server.address.port();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"] {
        let url = format!("https://{host}:{port}/");
        let refused = world.get_at(&url, &server).await.unwrap_err();
        assert!(matches!(refused, EgressError::Address { .. }), "{host}: {refused}");
    }
    for host in ["2130706433", "0x7f.0.0.1", "127.1", "localhost"] {
        let url = format!("https://{host}:{port}/");
        let refused = world.get_at(&url, &server).await.unwrap_err();
        let kind = refused.class();
        assert!(["not_a_url", "no_address"].contains(&kind), "{host}: {refused}");
    }
    assert_eq!(reached(&server), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering(FINE).await;
    for status in [301, 302, 303, 307, 308] {
        let location = elsewhere.url("/");
        let server = Server::that(move |_, mut tls| {
            use tokio::io::AsyncWriteExt;
            let answer = format!(
                "HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            );
            async move {
                let _ = tls.write_all(answer.as_bytes()).await;
            }
        })
        .await;
        let refused = World::local().get(&server).await.unwrap_err();
        assert!(matches!(refused, EgressError::Redirect(_, code) if code == status), "{refused}");
    }
    assert_eq!(reached(&elsewhere), 0);
}

#[tokio::test]
async fn a_host_that_proves_to_be_another_is_told_nothing() {
    let (server, other) = (Server::answering(FINE).await, Server::answering(FINE).await);
    let names: &[&[&str]] = &[&["127.0.0.1"]];
    let world =
        World::new(Names::of(&[(NAME, names), ("b.example", names)]), &["127.0.0.0/8"], &[]);
    // Not the authority that was named, and not the name that it is for.
    let trust: ClientTls = other.trust();
    let refused = world.call(&server.url("/"), Some(&trust), Default::default()).await.unwrap_err();
    assert!(matches!(refused, EgressError::Tls { .. }), "{refused}");
    let url = format!("https://b.example:{}/", server.address.port());
    let refused = world.get_at(&url, &server).await.unwrap_err();
    assert!(matches!(refused, EgressError::Tls { .. }), "{refused}");
}

#[tokio::test]
async fn without_tls_only_what_the_operator_allows_is_called() {
    let world = World::new(
        Names::of(&[("a.example", &[&["1.2.3.4"]]), ("inner.test", &[&["127.0.0.1"]])]),
        &["127.0.0.1"],
        &[],
    );
    let refused = world.call("http://a.example/", None, Default::default()).await.unwrap_err();
    assert!(matches!(refused, EgressError::Clear(_)), "{refused}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let _ = tcp.read(&mut head).await;
        let _ = tcp.write_all(FINE.as_bytes()).await;
    });
    let url = format!("http://inner.test:{port}/");
    let answer = world.call(&url, None, Default::default()).await.unwrap();
    assert_eq!(&answer.body[..], b"ok");
}
