//! Whole sessions over a real socket: the client behaves as the SDK does, chat is in memory.

use std::time::Duration;

use stoa_core::{Clock, SystemClock, issue_token};
use stoa_testclient::{Client, ConnectError, Event};
use stoa_wire::StatisticsOperation;

use crate::server::Server;

/// The next `count` texts that a client receives.
async fn texts(client: &mut Client, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        match client.next_event().await {
            Event::Received(received) => texts.extend(received.text()),
            Event::Closed { code } => panic!("closed with {code:?} after {texts:?}"),
            _ => {}
        }
    }
    texts
}

#[tokio::test]
async fn both_sides_talk_and_nothing_breaks_the_sdk() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let mut amy = server.log_in("amy", "web").await;
    let mut phone = server.log_in("amy", "phone").await;
    let mut bob = server.log_in("bob", "web").await;
    for n in 0..20 {
        let (from, to) = if n % 2 == 0 { (&amy, "bob") } else { (&bob, "amy") };
        assert_eq!(from.send_text(to, &format!("{n}")).await.unwrap().code, 0);
    }
    let all =
        |keep: fn(&u32) -> bool| (0..20).filter(keep).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&mut bob, 10).await, all(|n| n % 2 == 0));
    assert_eq!(texts(&mut amy, 10).await, all(|n| n % 2 == 1));
    assert_eq!(texts(&mut phone, 20).await, all(|_| true));
    for client in [&amy, &phone, &bob] {
        assert!(client.violations().is_empty(), "{:?}", client.violations());
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_once_and_in_order() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let amy = server.log_in("amy", "web").await;
    let mut bob = server.log_in("bob", "web").await;
    amy.send_text("bob", "before").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["before"]);
    // All at once: the window fills, and the rest comes in pages.
    let burst = (0..200).map(|n| format!("burst {n}")).collect::<Vec<_>>();
    let sent = futures_util::future::join_all(burst.iter().map(|text| amy.send_text("bob", text)));
    assert!(sent.await.into_iter().all(|ack| ack.unwrap().code == 0));
    assert_eq!(texts(&mut bob, 200).await, burst);
    bob.reconnect().await.unwrap();
    amy.send_text("bob", "after").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["after"]);
    assert!(bob.violations().is_empty(), "{:?}", bob.violations());
}

#[tokio::test]
async fn the_same_device_again_ends_the_older_session() {
    let server = Server::start().await;
    server.register(&["amy"]).await;
    let mut first = server.log_in("amy", "web").await;
    let second = server.log_in("amy", "web").await;
    let kicked = loop {
        match first.next_event().await {
            Event::Kicked { operation, .. } => break operation,
            Event::Closed { .. } => panic!("closed without a word"),
            _ => {}
        }
    };
    assert_eq!(kicked, StatisticsOperation::UserLoginAnotherDevice);
    assert_eq!(first.next_event().await, Event::Closed { code: Some(1000) });
    assert_eq!(second.send_text("amy", "still here").await.unwrap().code, 0);
}

#[tokio::test]
async fn an_unknown_user_is_told_so_and_cut_off() {
    let server = Server::start().await;
    match server.try_log_in("nobody", "web").await.err() {
        Some(ConnectError::Refused { code: 1, reason }) => {
            assert_eq!(reason, "Sorry, user not found")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_end_of_the_server_closes_sessions_and_keeps_their_places() {
    let server = Server::start().await;
    server.register(&["amy", "bob"]).await;
    let amy = server.log_in("amy", "web").await;
    let mut bob = server.log_in("bob", "web").await;
    amy.send_text("bob", "hello").await.unwrap();
    assert_eq!(texts(&mut bob, 1).await, ["hello"]);
    // Frames are handled in order: when this is answered, the acknowledgement before it is known.
    assert_eq!(bob.send_text("amy", "hi").await.unwrap().code, 0);
    let (chat, app, back_end) = (server.chat.clone(), server.app.clone(), server.back_end().await);
    let bobs = "bob".parse().unwrap();
    let token = issue_token(&app, Some(&bobs), SystemClock.now(), 60, &server.entropy);
    tokio::time::timeout(Duration::from_secs(30), server.end()).await.unwrap();
    assert_eq!(bob.next_event().await, Event::Closed { code: Some(1001) });
    assert!(!chat.is_online(&back_end, &"bob".parse().unwrap()));
    let caller = chat.authenticate(&app.key, token.expose()).await.unwrap();
    assert!(chat.unread(&caller, &"web".parse().unwrap()).await.unwrap().is_empty());
}
