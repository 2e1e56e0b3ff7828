//! Queues by hand.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn queue() -> Queue {
    Queue::With("bob".parse().unwrap())
}

fn push(queues: &mut Queues, seq: u64) -> Option<u64> {
    match queues.arrived(&queue(), Seq(seq), true, true, now()) {
        Arrival::Push(key) => Some(key),
        Arrival::Keep => None,
    }
}

#[test]
fn pushes_in_turn_and_moves_the_cursor_by_acknowledgements() {
    let mut queues = Queues::default();
    let first = push(&mut queues, 5).unwrap();
    let second = push(&mut queues, 6).unwrap();
    assert_ne!(first, second);
    assert_eq!(queues.acknowledged(&queue(), first), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(5))]);
    assert_eq!(queues.acknowledged(&queue(), second), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(6))]);
    assert!(queues.take_moved().is_empty());
    assert!(!queues.has_moved());
}

#[test]
fn a_queue_that_is_listed_again_may_hold_more_than_was_seen() {
    let mut queues = Queues::default();
    let key = push(&mut queues, 5).unwrap();
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    // The event of 6 was missed.
    queues.unread_again(queue(), Seq(5));
    assert_eq!(queues.unread(now()), [queue()]);
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(5))));
}

#[test]
fn an_entry_waits_while_a_pull_is_open() {
    let mut queues = Queues::default();
    queues.unread_at_login(queue(), Seq(2), now());
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(2))));
    assert_eq!(push(&mut queues, 4), None);
    let PageAnswer::Entries(key) = queues.page_read(&queue(), Seq(2), Seq(3), true, false, now())
    else {
        panic!("the page has entries")
    };
    assert_eq!(push(&mut queues, 5), None, "a page is open");
    // The log's end was 3 when it was read, but 5 arrived since: the ack brings it.
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(Some(Seq(3))));
    let PageAnswer::Entries(key) = queues.page_read(&queue(), Seq(3), Seq(5), true, false, now())
    else {
        panic!("the page has entries")
    };
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert!(push(&mut queues, 6).is_some(), "idle again");
}

#[test]
fn keys_that_are_not_on_their_way_move_nothing() {
    let mut queues = Queues::default();
    let key = push(&mut queues, 1).unwrap();
    assert_eq!(queues.acknowledged(&queue(), key + 1), Answer::Empty);
    assert!(!queues.has_moved(), "an ack of a page not yet sent");
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(1))], "a repeated key");
}

#[test]
fn nothing_is_kept_of_a_queue_at_rest_or_only_asked_for() {
    let mut queues = Queues::default();
    let key = push(&mut queues, 1).unwrap();
    queues.acknowledged(&queue(), key);
    queues.take_moved();
    queues.saved(now());
    assert!(queues.states.is_empty());
    // The stored cursor answers what is asked now, and the next entry goes out as before.
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(None));
    assert!(push(&mut queues, 2).is_some());
    for n in 0..100 {
        let name = Queue::With(format!("nobody-{n}").parse().unwrap());
        assert_eq!(queues.pulled(&name, now()), Answer::Read(None));
        queues.page_read(&name, Seq(0), Seq(0), false, false, now());
    }
    assert_eq!(queues.states.len(), 1);
}

#[test]
fn what_was_read_before_its_event_came_is_not_sent_again() {
    let mut queues = Queues::default();
    queues.unread_at_login(queue(), Seq(4), now());
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(4))));
    let PageAnswer::Entries(key) = queues.page_read(&queue(), Seq(4), Seq(6), true, false, now())
    else {
        panic!("the page has entries")
    };
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(6))]);
    queues.saved(now());
    assert_eq!(push(&mut queues, 6), None, "its event is late");
    // After that, nothing is kept.
    let later = now().plus(LOST_AFTER);
    assert_eq!(queues.deadline(), Some(later));
    assert!(queues.due_notices(later).is_empty());
    assert!(queues.states.is_empty() && queues.deadline().is_none());
}

#[test]
fn what_comes_while_a_page_is_read_that_was_read_before_it_is_not_taken_for_received() {
    let mut queues = Queues::default();
    queues.unread_again(queue(), Seq(4));
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(4))));
    assert_eq!(push(&mut queues, 7), None);
    let PageAnswer::Entries(key) = queues.page_read(&queue(), Seq(4), Seq(6), true, false, now())
    else {
        panic!("the page has entries")
    };
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(Some(Seq(6))));
    // The same where nothing was read.
    assert_eq!(push(&mut queues, 8), None);
    assert_eq!(
        queues.page_read(&queue(), Seq(6), Seq(6), false, false, now()),
        PageAnswer::ReadOn(Seq(6))
    );
    // By now it would have been read: it is over.
    assert_eq!(queues.page_read(&queue(), Seq(6), Seq(6), false, false, now()), PageAnswer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(8))]);
    assert!(push(&mut queues, 9).is_some());
}

#[test]
fn while_a_place_is_being_stored_the_one_before_is_not_read_from() {
    let mut queues = Queues::default();
    let key = push(&mut queues, 5).unwrap();
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(5))]);
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(5))));
}

#[test]
fn a_lost_page_comes_again_under_another_key() {
    let mut queues = Queues::default();
    let key = push(&mut queues, 1).unwrap();
    assert!(queues.unread(now()).is_empty());
    let later = now().plus(LOST_AFTER);
    assert_eq!(queues.unread(later), [queue()]);
    assert_eq!(queues.due_notices(later), [queue()]);
    assert!(queues.due_notices(later).is_empty(), "not twice at once");
    assert_eq!(queues.pulled(&queue(), later), Answer::Read(Some(Seq(0))));
    let PageAnswer::Entries(again) = queues.page_read(&queue(), Seq(0), Seq(1), true, false, later)
    else {
        panic!("the page has entries")
    };
    assert_ne!(key, again);
    assert_eq!(queues.acknowledged(&queue(), again), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(1))]);
}

#[test]
fn the_window_bounds_what_is_on_its_way() {
    let mut queues = Queues::default();
    let mut keys = Vec::new();
    for seq in 1..=limits::PUSH_WINDOW as u64 + 10 {
        keys.extend(push(&mut queues, seq));
    }
    assert_eq!(keys.len(), limits::PUSH_WINDOW);
    // The last ack brings what was left out, as one page.
    let sent = Seq(limits::PUSH_WINDOW as u64);
    let (last, earlier) = keys.split_last().unwrap();
    for key in earlier {
        assert_eq!(queues.acknowledged(&queue(), *key), Answer::Empty);
    }
    assert_eq!(queues.acknowledged(&queue(), *last), Answer::Read(Some(sent)));
    // An ack that comes again while that page is read does not bring it twice.
    assert_eq!(queues.acknowledged(&queue(), *last), Answer::Empty);
    let end = Seq(sent.0 + 10);
    let PageAnswer::Entries(key) = queues.page_read(&queue(), sent, end, true, false, now()) else {
        panic!("the page has entries")
    };
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
}

#[test]
fn a_pull_that_crosses_a_page_does_not_bring_it_twice() {
    let mut queues = Queues::default();
    queues.unread_at_login(queue(), Seq(0), now());
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(0))));
    let PageAnswer::Entries(key) = queues.page_read(&queue(), Seq(0), Seq(40), true, true, now())
    else {
        panic!("the page has entries")
    };
    assert_eq!(queues.pulled(&queue(), now()), Answer::Empty, "it is on its way");
    assert!(!queues.has_room(limits::REDELIVERED - 39), "and counts");
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(Some(Seq(40))));
}

#[test]
fn what_is_pushed_leaves_room_for_the_page_that_is_being_read() {
    let mut queues = Queues::default();
    queues.reserve_page();
    let pushed = (0..limits::REDELIVERED).filter(|n| {
        let queue = Queue::With(format!("user-{n}").parse().unwrap());
        let arrival = queues.arrived(&queue, Seq(1), true, true, now());
        arrival != Arrival::Keep
    });
    assert_eq!(pushed.count(), limits::REDELIVERED - limits::QUEUE_PAGE);
    queues.release_page();
    assert!(queues.has_room(limits::QUEUE_PAGE));
}

#[test]
fn own_messages_move_the_cursor_without_being_sent() {
    let mut queues = Queues::default();
    assert_eq!(queues.arrived(&queue(), Seq(1), false, true, now()), Arrival::Keep);
    assert_eq!(queues.take_moved(), [(queue(), Seq(1))]);
    let key = push(&mut queues, 2).unwrap();
    assert_eq!(queues.arrived(&queue(), Seq(3), false, true, now()), Arrival::Keep);
    assert!(!queues.has_moved(), "2 is still on its way");
    assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    assert_eq!(queues.take_moved(), [(queue(), Seq(3))]);
}

#[test]
fn a_reader_that_falls_behind_is_told_to_come() {
    let mut queues = Queues::default();
    assert_eq!(queues.arrived(&queue(), Seq(1), true, false, now()), Arrival::Keep);
    assert_eq!(queues.unread(now()), [queue()]);
    assert_eq!(push(&mut queues, 2), None, "not out of turn");
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(0))));
    assert!(queues.unread(now()).is_empty(), "its answer is being read");
}

#[test]
fn a_pull_of_a_queue_without_news_is_answered_empty() {
    let mut queues = Queues::default();
    assert_eq!(queues.pulled(&queue(), now()), Answer::Read(None));
    let answer = queues.page_read(&queue(), Seq(9), Seq(9), false, false, now());
    assert_eq!(answer, PageAnswer::Empty);
    assert!(push(&mut queues, 10).is_some());
}

#[test]
fn keys_differ_between_two_sessions_of_one_client() {
    let (mut first, mut second) = (PageKeys::default(), PageKeys::default());
    let a = first.next(Seq(7), now());
    let b = second.next(Seq(7), now().plus(Duration::from_secs(1)));
    assert_ne!(a, b);
    assert!(first.next(Seq::MAX, now()) < 1 << 63);
}
