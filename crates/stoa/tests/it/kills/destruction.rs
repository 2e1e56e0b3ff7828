//! Days that end while a server serves, and an app that is deleted.

use stoa::lifetime::Ended;
use stoa_chat::lifetime::Pace;

use super::{
    APP, OF_APP, Traced, copy, most_came_before_the_end, place_with, read, receipts, spread, whole,
};
use crate::retention::{Past, config_of, opened, with_node};
use crate::server::{Place, Server};

/// Days that are over, and what is said on each.
const DAYS: u64 = 8;
const EACH_DAY: u64 = 3;
/// What is said today.
const TODAY: u64 = 2;
const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];
/// What a server says that has ended days.
const ENDED: &str = "ended days that were over";

/// A place as it is before its days are ended, with a copy of its data.
fn with_days_that_are_over() -> Place {
    let place = place_with(&["alice", "bob"]);
    // Its certificates are made, and what a first start does is done.
    Server::start(place.command(&SERVE)).end();
    with_node(&config_of(&place, "data"), async |node| {
        for day in 0..DAYS {
            let past = Past::of(node, 200 + day);
            for n in 0..EACH_DAY {
                past.say("alice", "reader", 10 + day * EACH_DAY + n).await;
            }
        }
    });
    copy(&place.data(), &place.path("old"));
    place
}

/// The same once more, in a place of its own.
fn again(template: &Place) -> Place {
    let place = Place::new();
    for name in ["data", "old", "data.keys", "data.keys.root"] {
        copy(&template.path(name), &place.path(name));
    }
    place
}

/// How many messages open in the copy from before, with the vault of today.
fn opened_of_old(place: &Place) -> u64 {
    let mut found = 0;
    with_node(&config_of(place, "old"), async |node| found = opened(node).await);
    found
}

#[test]
fn days_whose_end_is_killed_are_whole_or_gone_in_every_copy_with_one_receipt_each() {
    let template = with_days_that_are_over();
    assert_eq!(opened_of_old(&again(&template)), TODAY + DAYS * EACH_DAY);
    let undisturbed = again(&template);
    let mut server = Traced::start(&undisturbed, &SERVE);
    let ready = server.until(" ready address=");
    let ended = server.until(ENDED);
    drop(server);
    assert!(ended > ready, "{ready}, {ended}");

    let (mut interrupted, mut completed, mut done) = (0, 0, 0);
    // Each one, from before it is written down which keys are meant.
    let points: Vec<_> = (ready.saturating_sub(1)..=ended).collect();
    for after in &points {
        let place = again(&template);
        let killed = Traced::start(&place, &SERVE).kill_after(*after, Some(ENDED));
        interrupted += usize::from(killed.interrupted);
        let started = place.run(&["retention", "verify"]);
        started.answer();
        completed += usize::from(started.stderr.contains("completed destructions"));
        let days = u64::try_from(receipts(&place, "day")).unwrap();
        assert!(days == 0 || days == DAYS, "all in one step: {days}, after {after}");
        done += usize::from(days > 0);
        // What has a receipt opens nowhere, what has none opens as before; here, and in the copy.
        let open = TODAY + (DAYS - days) * EACH_DAY;
        assert_eq!(opened_of_old(&place), open, "after {after}");
        with_node(&config_of(&place, "data"), async |node| {
            assert_eq!(opened(node).await, open, "after {after}");
            // The next sweep goes on with it.
            node.end_days(Pace::ALONE).await.unwrap();
            assert_eq!(node.end_days(Pace::ALONE).await.unwrap(), Ended::default());
            assert_eq!(opened(node).await, TODAY, "after {after}");
        });
        assert_eq!(opened_of_old(&place), TODAY, "after {after}");
        assert_eq!(u64::try_from(receipts(&place, "day")).unwrap(), DAYS, "after {after}");
        assert_eq!(read(&place, "data"), TODAY, "after {after}");
    }
    most_came_before_the_end(points.len(), interrupted);
    assert!(completed > 0 && done < points.len(), "{completed} were completed, {done} were done");
}

#[test]
fn an_app_whose_deletion_is_killed_is_there_or_gone_with_one_receipt() {
    let template = place_with(&["alice", "bob"]);
    template.run(&["app", "create", "--key", "acme#other"]).answer();
    let of_other = ["--app", "acme#other", "--user", "zoe"];
    template.run(&[&["user", "create"][..], &of_other].concat()).answer();
    copy(&template.data(), &template.path("old"));
    let delete = ["app", "delete", "--key", APP, "--confirm", APP];
    let undisturbed = again(&template);
    let steps = whole(&undisturbed, &delete);
    let mut interrupted = 0;
    for after in spread(1, steps, 8) {
        let place = again(&template);
        interrupted += usize::from(super::killed(&place, &delete, after).interrupted);
        let is_there = place.run(&[&["user", "show", "--user", "alice"][..], &OF_APP].concat());
        if is_there.code == Some(0) {
            assert_eq!((read(&place, "data"), receipts(&place, "app")), (2, 0), "after {after}");
            place.run(&delete).answer();
        }
        assert_eq!(receipts(&place, "app"), 1, "after {after} of {steps}");
        // Neither here nor in a copy from before; and the other app goes on.
        for data in ["data", "old"] {
            let at = super::at(data);
            let of_it = ["user", "show", "--user", "alice", "--app", APP];
            assert_ne!(place.run(&[&of_it[..], &at].concat()).code, Some(0), "{data}");
            let of_other = [&["user", "show"][..], &of_other, &at].concat();
            assert_eq!(place.run(&of_other).code, Some(0), "{data}, after {after}");
        }
    }
    most_came_before_the_end(8, interrupted);
}
