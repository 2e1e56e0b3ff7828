//! The rules of the SDK's state machine.

use bytes::Bytes;
use stoa_testclient::protocol::{Identity, Output, Protocol};
use stoa_testclient::{Event, Welcome};
use stoa_wire::delivery::{self, Address, Delivery};
use stoa_wire::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Command, Frame, Jid, MSync, Message,
    MessageBody, MessageType, Meta, MetaQueue, NameSpace, Provision, StatisticsOperation, Status,
};

const NOW: u64 = 1_800_000_000_000;

fn identity() -> Identity {
    Identity {
        app_key: "org#app".into(),
        user: "amy".into(),
        resource: "web_1".into(),
        token: "007x".into(),
    }
}

fn frame(command: Command, payload: &impl Message) -> Bytes {
    Frame::new(command, payload).to_bytes()
}

/// A client that is logged in and was told that nothing waits.
fn live() -> Protocol {
    let mut client = logged_in();
    client.receive(frame(Command::Unread, &CommUnreadDl::default()), NOW);
    client
}

fn welcome() -> Provision {
    Provision {
        status: Some(Status::OK),
        resource: Some("web_1".into()),
        auth_token: Some(format!("{{\"expires_in\":{}}}", NOW + 1000)),
        ..Default::default()
    }
}

fn logged_in() -> Protocol {
    let mut client = Protocol::new(identity());
    client.login(NOW);
    client.receive(frame(Command::Provision, &welcome()), NOW);
    client
}

fn body(from: &str, to: &str) -> Vec<u8> {
    MessageBody {
        kind: Some(MessageType::Chat.into()),
        from: Some(Jid::named(from)),
        to: Some(Jid::named(to)),
        ..Default::default()
    }
    .encode_to_vec()
}

fn message(id: u64) -> Meta {
    let payload = body("bob", "amy");
    let delivery = Delivery {
        id,
        app_key: "org#app",
        from: Address::Device { user: "bob", resource: "r" },
        to: Address::User("amy"),
        timestamp: NOW,
        ns: NameSpace::Chat,
        payload: &payload,
        ext: &[],
        meta: &[],
    };
    Meta::decode(delivery.encode()).unwrap()
}

fn queue(name: &str) -> Jid {
    Jid::user("org#app", name)
}

fn page(name: &str, metas: Vec<Meta>, next_key: Option<u64>, is_last: bool) -> Bytes {
    let dl = CommSyncDl {
        status: Some(Status::OK),
        queue: Some(queue(name)),
        metas,
        next_key,
        is_last: Some(is_last),
        ..Default::default()
    };
    frame(Command::Sync, &dl)
}

fn notice(name: &str) -> Bytes {
    frame(Command::Notice, &CommNotice { queue: Some(queue(name)) })
}

/// What was said, in short: `pull q`, `pull q 5`, `got 7`, `start`, `finish`, `bad`; statistics
/// are left out.
fn said(outputs: &[Output]) -> Vec<String> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send(frame) => {
                let outer = MSync::decode(frame.clone()).unwrap();
                if outer.command() == Command::Unread {
                    return Some("unread".into());
                }
                let sync = CommSyncUl::decode(outer.payload.unwrap()).unwrap();
                let name = sync.queue?.name.unwrap();
                Some(sync.key.map_or(format!("pull {name}"), |key| format!("pull {name} {key}")))
            }
            Output::Event(Event::Received(received)) => Some(format!("got {}", received.id)),
            Output::Event(Event::OfflineSyncStart) => Some("start".into()),
            Output::Event(Event::OfflineSyncFinish) => Some("finish".into()),
            Output::Violation(_) => Some("bad".into()),
            other => Some(format!("{other:?}")),
        })
        .collect()
}

#[test]
fn the_login() {
    let mut client = Protocol::new(identity());
    let login = MSync::decode(client.login(NOW)).unwrap();
    assert_eq!(login.command(), Command::Provision);
    assert_eq!(login.auth.as_deref(), Some("$t$007x"));
    assert_eq!(login.guid, Some(Jid::user("org#app", "amy").with_resource("web_1")));
    let provision = Provision::decode(login.payload.unwrap()).unwrap();
    assert_eq!(provision.auth_token.as_deref(), Some(r#"{"token":"$t$007x"}"#));

    let outputs = client.receive(frame(Command::Provision, &welcome()), NOW);
    let expected = Welcome { resource: "web_1".into(), expires_at: Some(NOW + 1000) };
    assert_eq!(outputs[0], Output::LoggedIn(expected));
    assert_eq!(said(&outputs[1..]), ["unread"]);
    assert_eq!(outputs.len(), 3, "and statistics");
}

#[test]
fn a_refused_login() {
    let mut client = Protocol::new(identity());
    client.login(NOW);
    let refused = Provision {
        status: Some(Status::refused(1, "Sorry, token expired")),
        ..Default::default()
    };
    let outputs = client.receive(frame(Command::Provision, &refused), NOW);
    assert_eq!(outputs, [Output::Refused { code: 1, reason: "Sorry, token expired".into() }]);
}

#[test]
fn what_waits_is_pulled_at_once_and_acknowledged() {
    let mut client = logged_in();
    let listed = |name: &str| MetaQueue { queue: Some(queue(name)), n: Some(0) };
    let unread = CommUnreadDl { unread: vec![listed("a"), listed("b")], ..Default::default() };
    let outputs = client.receive(frame(Command::Unread, &unread), NOW);
    assert_eq!(said(&outputs), ["start", "pull a", "pull b"]);
    let outputs = client.receive(page("a", vec![message(1), message(2)], Some(7), false), NOW);
    assert_eq!(said(&outputs), ["got 1", "got 2", "pull a 7"]);
    assert_eq!(said(&client.receive(page("a", vec![], None, true), NOW)), [""; 0]);
    assert_eq!(said(&client.receive(page("b", vec![], None, true), NOW)), ["finish"]);
    // Only once for a login.
    let outputs = client.receive(frame(Command::Unread, &unread), NOW);
    assert_eq!(said(&outputs), ["pull a", "pull b"]);
}

#[test]
fn notices_are_pulled_one_after_another() {
    let mut client = live();
    assert_eq!(said(&client.receive(notice("a"), NOW)), ["pull a"]);
    assert_eq!(said(&client.receive(notice("b"), NOW)), [""; 0]);
    assert_eq!(said(&client.receive(notice("a"), NOW)), [""; 0], "is pending");
    assert_eq!(said(&client.receive(page("a", vec![], None, true), NOW)), ["pull b"]);
    assert_eq!(said(&client.receive(page("b", vec![], None, true), NOW)), [""; 0]);
    assert_eq!(said(&client.receive(notice("a"), NOW)), ["pull a"]);
}

#[test]
fn a_last_page_with_metas_is_not_acknowledged_and_pulled_once_more() {
    let mut client = live();
    client.receive(notice("a"), NOW);
    let outputs = client.receive(page("a", vec![message(1)], Some(3), true), NOW);
    assert_eq!(said(&outputs), ["got 1", "pull a"]);
    assert_eq!(said(&client.receive(page("a", vec![], None, true), NOW)), [""; 0]);
    assert_eq!(said(&client.receive(notice("a"), NOW)), ["pull a"]);
}

#[test]
fn a_push_is_acknowledged_unless_it_is_a_last_page() {
    let mut client = live();
    let outputs = client.receive(page("bob", vec![message(1)], Some(3), false), NOW);
    assert_eq!(said(&outputs), ["got 1", "pull bob 3"]);
    assert_eq!(said(&client.receive(page("room", vec![message(2)], None, true), NOW)), ["got 2"]);
}

#[test]
fn a_page_under_the_key_of_the_last_is_not_acknowledged() {
    let mut client = live();
    client.receive(page("bob", vec![message(1)], Some(3), false), NOW);
    let outputs = client.receive(page("bob", vec![message(2)], Some(3), false), NOW);
    assert_eq!(said(&outputs), ["got 2", "bad"]);
    // Nor after a new login: the client remembers.
    client.login(NOW);
    client.receive(frame(Command::Provision, &welcome()), NOW);
    let outputs = client.receive(page("bob", vec![message(3)], Some(3), false), NOW);
    assert_eq!(said(&outputs), ["got 3", "bad"]);
    let outputs = client.receive(page("cat", vec![message(4)], Some(3), false), NOW);
    assert_eq!(said(&outputs), ["got 4", "pull cat 3"], "another queue");
}

#[test]
fn doubles_are_dropped_among_the_last_hundred() {
    let mut client = live();
    client.receive(page("bob", (1..=101).map(message).collect(), Some(1), false), NOW);
    let outputs = client.receive(page("bob", vec![message(2), message(1)], Some(2), false), NOW);
    assert_eq!(said(&outputs), ["got 1", "pull bob 2"]);
}

#[test]
fn a_notice_for_the_own_device_is_ignored() {
    let mut client = live();
    let own = CommNotice { queue: Some(queue("amy").with_resource("web_1")) };
    assert_eq!(said(&client.receive(frame(Command::Notice, &own), NOW)), [""; 0]);
    let other = CommNotice { queue: Some(queue("amy").with_resource("web_2")) };
    assert_eq!(said(&client.receive(frame(Command::Notice, &other), NOW)), ["pull amy"]);
}

#[test]
fn answers_settle_what_was_sent() {
    let mut client = live();
    client.send(Meta { id: Some(5), ns: Some(NameSpace::Chat.into()), ..Default::default() });
    let ack = CommSyncDl {
        status: Some(Status::refused(1, "blocked")),
        meta_id: Some(5),
        server_id: Some(9),
        timestamp: Some(NOW),
        ..Default::default()
    };
    let outputs = client.receive(frame(Command::Sync, &ack), NOW);
    let [Output::Answered(answer)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((answer.id, answer.server_id, answer.timestamp), (5, 9, NOW));
    assert_eq!((answer.code, answer.reason.as_str()), (1, "blocked"));
    assert_eq!(said(&client.receive(frame(Command::Sync, &ack), NOW)), ["bad"], "nobody waits");
}

#[test]
fn a_forced_logout() {
    let mut client = live();
    let payload = delivery::kick(StatisticsOperation::UserLoginAnotherDevice, Some("tablet"));
    let meta = Meta { ns: Some(NameSpace::Statistic.into()), payload: Some(payload), ..message(1) };
    let outputs = client.receive(page("amy", vec![meta], None, true), NOW);
    let operation = StatisticsOperation::UserLoginAnotherDevice;
    let kicked = Event::Kicked { operation, reason: Some("tablet".into()) };
    assert_eq!(outputs, [Output::Event(kicked)]);
}

#[test]
fn what_breaks_the_sdk_is_noted() {
    let ok = || CommSyncDl {
        status: Some(Status::OK),
        queue: Some(queue("bob")),
        next_key: Some(1),
        ..Default::default()
    };
    let with = |meta: Meta| CommSyncDl { metas: vec![meta, message(9)], ..ok() };
    let own = Jid::user("org#app", "amy").with_resource("web_1");
    let bodiless = MessageBody::default().encode_to_vec();
    for (dl, expected) in [
        (CommSyncDl { status: None, ..ok() }, vec!["bad"]),
        (CommSyncDl { queue: None, metas: vec![message(1)], ..ok() }, vec!["bad"]),
        (CommSyncDl { next_key: None, ..ok() }, vec!["bad"]),
        // Those behind it are lost, and yet the page is acknowledged.
        (with(Meta { from: None, ..message(1) }), vec!["bad", "pull bob 1"]),
        (with(Meta { id: None, ..message(1) }), vec!["bad", "got 0", "got 9", "pull bob 1"]),
        (
            with(Meta { to: Some(queue("amy").with_resource("x")), ..message(1) }),
            vec!["bad", "got 1", "got 9", "pull bob 1"],
        ),
        (
            with(Meta { meta: Some(Bytes::from_static(b"{\n}")), ..message(1) }),
            vec!["bad", "got 1", "got 9", "pull bob 1"],
        ),
        (with(Meta { from: Some(own), ..message(1) }), vec!["bad", "got 1", "got 9", "pull bob 1"]),
        (
            with(Meta { payload: Some(bodiless.into()), ..message(1) }),
            vec!["bad", "got 1", "got 9", "pull bob 1"],
        ),
        (
            with(Meta { payload: Some(Bytes::from_static(&[0xff])), ..message(1) }),
            vec!["bad", "got 9", "pull bob 1"],
        ),
    ] {
        assert_eq!(said(&live().receive(frame(Command::Sync, &dl), NOW)), expected, "{dl:?}");
    }
    assert_eq!(said(&live().receive(Bytes::from_static(&[0xff]), NOW)), ["bad"]);
    let mut client = Protocol::new(identity());
    client.login(NOW);
    let duration = Provision { auth_token: Some("{\"expires_in\":86400}".into()), ..welcome() };
    assert_eq!(said(&client.receive(frame(Command::Provision, &duration), NOW))[0], "bad");
}
