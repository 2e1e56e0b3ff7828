//! Sessions over a rotation of the certificate that the server signs tokens with.

use std::time::Duration;

use super::commands::{Objects, rows};
use super::lab::{Frame, Lab, Socket};

const OVERLAP: Duration = Duration::from_secs(600);
const MOMENT: Duration = Duration::from_secs(1);

/// A gateway with alice in a session that a token of the server let in.
async fn with_session() -> (Lab, Socket) {
    let lab = Lab::start().await;
    lab.register(&lab.app, &["alice".into(), "bob".into()]).await;
    let socket = lab.session_with(&lab.app, "alice", &lab.issued(&lab.app, "alice")).await;
    (lab, socket)
}

/// Sends a command that any session answers.
async fn ask(lab: &Lab, socket: &mut Socket, id: u64) {
    let objects = Objects {
        app_key: lab.app.key.to_string(),
        me: "alice".into(),
        peer: "bob".into(),
        group: "1".into(),
        room: "2".into(),
        note: 1,
        message: 2,
        said: 3,
    };
    let probe = rows().into_iter().find(|row| row.name == "another namespace").unwrap();
    socket.send((probe.frame)(&objects, id)).await;
}

/// The session answers.
async fn is_open(lab: &Lab, socket: &mut Socket, id: u64) {
    ask(lab, socket, id).await;
    loop {
        match socket.next().await {
            Some(Frame::Ack(of, ..)) if of == id => return,
            Some(_) => {}
            None => panic!("the session has ended"),
        }
    }
}

/// The code of a login's answer.
async fn log_in(lab: &Lab, user: &str, token: &str) -> i32 {
    let mut socket = lab.connect().await;
    socket.send(lab.login(&lab.app.key.to_string(), user, Some(token))).await;
    match socket.next().await {
        Some(Frame::Provision(code, _)) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_of_the_former_server_certificate_lives_for_the_overlap() {
    let (lab, mut socket) = with_session().await;
    let former = lab.issued(&lab.app, "bob");
    lab.rotate_server_certificate(&lab.app, Some(OVERLAP));
    let new = lab.issued(&lab.app, "bob");
    for step in [MOMENT, OVERLAP - 2 * MOMENT] {
        lab.clock.advance(step);
        is_open(&lab, &mut socket, step.as_secs()).await;
        assert_eq!((log_in(&lab, "bob", &former).await, log_in(&lab, "bob", &new).await), (0, 0));
    }
    lab.clock.advance(MOMENT);
    // A session looks at a clock that is set by hand when it has something to do.
    ask(&lab, &mut socket, 7).await;
    while socket.next().await.is_some() {}
    assert_eq!((log_in(&lab, "bob", &former).await, log_in(&lab, "bob", &new).await), (1, 0));
}

#[tokio::test]
async fn without_an_overlap_it_ends_at_once_and_those_of_others_do_not() {
    let (lab, mut socket) = with_session().await;
    let former = lab.issued(&lab.app, "alice");
    // Let in by a token that the app's back end made.
    let mut bob = lab.session(&lab.app, "bob").await;
    lab.rotate_server_certificate(&lab.app, None);
    while socket.next().await.is_some() {}
    is_open(&lab, &mut bob, 7).await;
    let new = lab.issued(&lab.app, "alice");
    assert_eq!((log_in(&lab, "alice", &former).await, log_in(&lab, "alice", &new).await), (1, 0));
}
