//! Hosts that send without end, or not at all.

use std::time::Duration;

use stoa_core::limits;
use stoa_egress::{Bounds, EgressError};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::world::{FINE, LONG, NAME, Names, Server, World};

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let server = Server::that(|_, mut tls| async move {
        let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while tls.write_all(b"4\r\nmore\r\n").await.is_ok() {}
    })
    .await;
    let bounds = Bounds { body: 10_000, ..Bounds::default() };
    let world = World::local();
    let refused = world.call(&server.url("/"), Some(&server.trust()), bounds).await.unwrap_err();
    assert!(matches!(refused, EgressError::TooLarge(_, 10_000)), "{refused}");
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_not_begun() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nx").await;
    let refused = World::local().get(&server).await.unwrap_err();
    assert!(matches!(refused, EgressError::TooLarge(_, limits::EGRESS_BODY_BYTES)), "{refused}");
}

#[tokio::test]
async fn a_head_without_end_is_cut() {
    let server = Server::that(|_, mut tls| async move {
        let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nX: ").await;
        while tls.write_all(&[b'x'; 1024]).await.is_ok() {}
    })
    .await;
    let refused = World::local().get(&server).await.unwrap_err();
    assert!(matches!(refused, EgressError::Http { .. }), "{refused}");
}

#[tokio::test]
async fn what_breaks_the_protocol_is_no_answer() {
    for answer in ["SMTP ready\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", ""] {
        let server = Server::answering(answer).await;
        let refused = World::local().get(&server).await.unwrap_err();
        assert!(matches!(refused, EgressError::Http { .. }), "{answer:?}: {refused}");
    }
}

/// Time stands still until the server has the request, and is then moved beyond the limit.
#[tokio::test]
async fn a_server_that_does_not_answer_is_left_when_its_time_is_over() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let server = Server::that(move |_, tls| {
        let tell = tell.clone();
        async move {
            tell.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(tls);
        }
    })
    .await;
    let world = World::local();
    let (url, trust) = (server.url("/"), server.trust());
    let bounds = Bounds { time: LONG, ..Bounds::default() };
    let call = world.call(&url, Some(&trust), bounds);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("it has not answered"),
        _ = told.recv() => {}
    }
    tokio::time::pause();
    tokio::time::advance(LONG - Duration::from_secs(1)).await;
    assert!(futures(&mut call).await.is_none(), "a second is left");
    tokio::time::advance(Duration::from_secs(2)).await;
    let refused = call.await.unwrap_err();
    assert!(matches!(refused, EgressError::Timeout(_, "answer")), "{refused}");
}

/// What `future` comes to, if it is ready now.
async fn futures<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_server_that_does_not_finish_the_handshake_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::local();
    let server = Server::answering(FINE).await;
    let (url, trust) = (format!("https://{NAME}:{port}/"), server.trust());
    let call = world.call(&url, Some(&trust), Bounds { time: LONG, ..Bounds::default() });
    tokio::pin!(call);
    let accepted = tokio::select! {
        _ = &mut call => panic!("it has not answered"),
        accepted = listener.accept() => accepted.unwrap(),
    };
    tokio::time::pause();
    tokio::time::advance(limits::EGRESS_CONNECT * 2).await;
    let refused = call.await.unwrap_err();
    assert!(matches!(refused, EgressError::Timeout(_, "take a connection")), "{refused}");
    drop(accepted);
}

#[tokio::test]
async fn an_app_has_so_many_connections_and_others_have_theirs() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let server = Server::that(move |_, tls| {
        let tell = tell.clone();
        async move {
            tell.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(tls);
        }
    })
    .await;
    let world = std::sync::Arc::new(World::local());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..limits::EGRESS_CONNECTIONS_OF_ONE {
        let (world, url, trust) = (world.clone(), server.url("/"), server.trust());
        let bounds = Bounds { time: LONG, ..Bounds::default() };
        calls.spawn(async move { drop(world.call(&url, Some(&trust), bounds).await) });
        told.recv().await.unwrap();
    }
    let refused = world.get(&server).await.unwrap_err();
    assert!(matches!(refused, EgressError::Busy), "{refused}");
    let errand = stoa_egress::Errand::directory(stoa_core::Region::Na);
    let host = NAME.parse().unwrap();
    let (port, trust) = (server.address.port(), server.trust());
    world.egress.connect(&errand, &host, port, &trust).await.unwrap();
    // Whoever hangs up gives the place back.
    calls.shutdown().await;
    world.egress.connect(&world.errand(), &host, port, &trust).await.unwrap();
}

#[tokio::test]
async fn a_name_with_very_many_addresses_is_refused() {
    let many: Vec<String> =
        (0..=limits::EGRESS_ADDRESSES).map(|n| format!("127.0.1.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let world = World::new(Names::of(&[(NAME, &[&many])]), &["127.0.0.0/8"], &[]);
    let server = Server::answering(FINE).await;
    let refused = world.get(&server).await.unwrap_err();
    assert!(matches!(refused, EgressError::Addresses(_)), "{refused}");
}
