//! The session, told as scripts of frames.

use proptest::prelude::*;
use stoa_core::limits;

use super::core::Input;
use super::script::{World, check};

const LOGIN: &str = "
    > login
    < call login alice
    = in
    < provision web {\"expires_in\":1800003600000}
    < call unread
";

/// A script that begins behind a login without anything unread.
#[track_caller]
fn check_open(script: &str) {
    check(&format!("{LOGIN}\n= unread\n{script}"));
}

#[test]
fn a_login_is_refused_in_the_vendors_words() {
    for (why, words) in [
        ("expired", "1 Sorry, token expired"),
        ("bad", "1 Sorry, token or password does not match login info"),
        ("unknown-user", "1 Sorry, user not found"),
        ("deactivated", "12 user is deactivated"),
    ] {
        check(&format!(
            "> login
             < call login alice
             = refused {why}
             < refused {words}
             < close NotLoggedIn"
        ));
    }
    check(
        "> login-without-token
         < refused 4 Sorry, a mandatory part is missing
         < close NotLoggedIn",
    );
}

#[test]
fn nothing_but_a_login_comes_first_and_only_once() {
    for frame in ["unread", "pull bob", "send 1 bob hello", "garbage", "notice"] {
        check(&format!("> {frame}\n< close Protocol"));
    }
    check("~ 14\n~ 2\n< close NotLoggedIn");
    check_open("> login\n< refused 4 already logged in\n< close Protocol");
    check_open("> garbage\n< close Protocol");
}

#[test]
fn the_list_of_unread_queues_waits_until_it_is_known() {
    check(&format!(
        "{LOGIN}
         > unread
         = unread bob 2 @log 0
         < unread [@log bob]
         > pull bob
         < call page bob after 2
         = page bob 2 [3 4] end 4 more
         < page bob [m3 m4] k1
         > ack bob k1
         < call page bob after 4
         = page bob 4 [5] end 5
         < page bob [m5] k2
         > ack bob k2
         < page bob [] last
         > unread
         < unread [@log]"
    ));
}

#[test]
fn an_entry_is_pushed_at_once_and_the_cursor_follows_the_acknowledgement() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         * bob 2
         < page bob [m2] k2
         ~ 2
         > ack bob k1
         < page bob [] last
         < call save bob 1
         > ack bob k2
         < page bob [] last
         ~ 5
         = saved
         < call save bob 2",
    );
}

/// What is delivered while no place can be stored comes again after the next start, and of more than
/// its last hundred the SDK does not know that.
#[test]
fn nothing_more_is_delivered_when_the_cursor_cannot_be_stored() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         ~ 2
         > ack bob k1
         < page bob [] last
         < call save bob 1
         = unsaved
         < close Unanswered",
    );
}

#[test]
fn the_cursor_is_stored_before_more_is_open_than_the_sdk_knows_again() {
    let step = limits::CURSOR_ENTRIES;
    let mut script = String::new();
    for n in 1..=step {
        script += &format!("* bob {n}\n< page bob [m{n}] k{n}\n");
    }
    for n in 1..step {
        script += &format!("> ack bob k{n}\n< page bob [] last\n");
    }
    check_open(&format!("{script}> ack bob k{step}\n< page bob [] last\n< call save bob {step}"));
}

/// A store that takes long to keep the client's place must not let more come again after a crash than
/// the SDK knows again, over all queues together.
#[test]
fn what_is_sent_waits_for_what_is_stored() {
    let list = |prefix: &str, range: std::ops::RangeInclusive<usize>| {
        range.map(|n| format!("{prefix}{n}")).collect::<Vec<_>>().join(" ")
    };
    let (seqs, metas) = (list("", 1..=40), list("m", 1..=40));
    check(&format!(
        "{LOGIN}
         = unread bob 0 carl 0 dora 0
         > unread
         < unread [bob carl dora]
         > pull bob
         < call page bob after 0
         > pull carl
         > pull dora
         = page bob 0 [{seqs}] end 40 more
         < page bob [{metas}] k1
         < call page carl after 0
         = page carl 0 [{seqs}] end 40
         < page carl [{metas}] k2
         > ack bob k1
         < call save bob 40
         > ack carl k2
         < page carl [] last
         = saved
         < call page dora after 0
         < call save carl 40
         = page dora 0 [1] end 1
         < page dora [m1] k3
         < call page bob after 40"
    ));
}

#[test]
fn what_is_pushed_waits_for_what_is_stored() {
    let (step, most) = (limits::CURSOR_ENTRIES, limits::REDELIVERED);
    let push = |n: usize| format!("* bob {n}\n< page bob [m{n}] k{n}\n");
    let ack = |n: usize| format!("> ack bob k{n}\n< page bob [] last\n");
    let mut script = String::new();
    for n in 1..=most {
        script += &(push(n) + &ack(n));
        if n as u64 == step {
            script += &format!("< call save bob {step}\n");
        }
    }
    // Nothing was said to be stored: the next one stays in the log until it is.
    script += &format!("* bob {}\n~ 0\n< notice bob\n> pull bob\n", most + 1);
    script += &format!("= saved\n< call save bob {most}\n");
    script += &format!("= saved\n< call page bob after {most}\n");
    check_open(&script);
}

#[test]
fn what_the_bus_lost_is_found_in_the_log() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         * missed
         < call unread
         * bob 3
         = unread bob 1 carl 4
         ~ 0
         < notice carl
         > ack bob k1
         < call page bob after 1
         = page bob 1 [2 3] end 3
         < page bob [m2 m3] k2",
    );
}

#[test]
fn what_arrives_behind_something_missed_during_the_first_list_is_not_all_there_is() {
    check(&format!(
        "{LOGIN}
         * missed
         * bob 2
         > unread
         = unread
         < call unread
         = unread bob 0
         < unread [bob]
         > pull bob
         < call page bob after 0
         = page bob 0 [1 2] end 2
         < page bob [m1 m2] k1",
    ));
}

#[test]
fn what_arrives_before_the_list_is_known_is_neither_lost_nor_sent_twice() {
    check(&format!(
        "{LOGIN}
         * bob 7
         = unread bob 4
         > unread
         < unread [bob]
         > pull bob
         < call page bob after 4
         = page bob 4 [5 6 7] end 7
         < page bob [m5 m6 m7] k1
         > ack bob k1
         < page bob [] last
         * bob 8
         < page bob [m8] k2"
    ));
    check(&format!("{LOGIN}\n* bob 7\n= unread\n< page bob [m7] k1"));
}

#[test]
fn a_push_waits_while_a_pull_is_open() {
    check(&format!(
        "{LOGIN}
         = unread bob 0
         > pull bob
         < call page bob after 0
         * bob 2
         = page bob 0 [1] end 1
         < page bob [m1] k1
         * bob 3
         > ack bob k1
         < call page bob after 1
         = page bob 1 [2 3] end 3
         < page bob [m2 m3] k2
         > ack bob k2
         < page bob [] last"
    ));
}

#[test]
fn a_repeated_key_and_one_never_given_move_nothing() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         > ack bob k9
         < page bob [] last
         > ack bob k1
         < page bob [] last
         > ack bob k1
         < page bob [] last
         ~ 2
         < call save bob 1",
    );
}

#[test]
fn a_lost_page_is_told_and_comes_again_under_a_new_key() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         ~ 9
         ~ 1
         < notice bob
         > pull bob
         < call page bob after 0
         = page bob 0 [1] end 1
         < page bob [m1] k2
         > ack bob k2
         < page bob [] last
         < call save bob 1",
    );
}

#[test]
fn the_heartbeat_lists_what_was_not_acknowledged_in_time() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         > unread
         < unread []
         ~ 10
         < notice bob
         > unread
         < unread [bob]",
    );
}

#[test]
fn own_messages_are_not_echoed_and_move_the_cursor() {
    check_open("* own 1\n* bob 2\n< page bob [m2] k1\n~ 2\n< call save bob 1");
}

#[test]
fn a_socket_that_does_not_keep_up_gets_nothing_until_it_does() {
    check_open(
        "~ full
         * bob 1
         * bob 2
         * passing
         ~ drained
         < notice bob
         > pull bob
         < call page bob after 0
         = page bob 0 [1 2] end 2
         < page bob [m1 m2] k1",
    );
}

#[test]
fn entries_that_do_not_concern_the_device_are_read_over() {
    check(&format!(
        "{LOGIN}
         = unread bob 0
         > pull bob
         < call page bob after 0
         = page bob 0 [] end 40 more
         < call page bob after 40
         = page bob 40 [] end 41
         < page bob [] last
         < call save bob 41"
    ));
}

#[test]
fn every_pull_is_answered_whatever_it_names() {
    check_open(
        "> pull NOT/A/NAME
         < page NOT/A/NAME [] last
         > pull carol
         < call page carol after its cursor
         = page carol 9 [] end 9
         < page carol [] last",
    );
}

#[test]
fn each_message_is_answered_and_in_words_that_settle_the_sdk() {
    check_open(
        "> send 7 bob hello
         < call send 7 bob
         > send 8 bob hello
         < call send 8 bob
         = done 7 ok
         < answer 7 ok 500
         = done 8 too-large
         < answer 8 7 Sorry, data is too large
         > read 9 bob 500
         < call ReadReceipt 9 bob
         = done 9 no-recipient
         < answer 9 1 the recipient's username doesn't exist!
         > recall 10 bob 500
         < call recall 10 bob 500
         = done 10 late
         < answer 10 1 exceed recall time limit
         > to-group 11 1234
         < call send 11 1234
         > to-other-app 14 bob
         < answer 14 1 the recipient's username doesn't exist!
         > no-body 12
         < answer 12 3 a mandatory part is missing
         > send 0 bob hello
         < status 3 without a number
         > send 13 NOT/A/NAME hello
         < answer 13 1 the recipient's username doesn't exist!",
    );
}

#[test]
fn a_receipt_in_a_group_names_the_message_and_what_the_reader_adds() {
    check_open(
        "> read-in-group 9 1234 500 seen
         < call read-in-group 9 1234 500 \"seen\"
         = done 9 ok
         < answer 9 ok 500
         > read-in-group 10 not-a-group 500 seen
         < answer 10 1 group not found
         > read-in-group 11 1234 none seen
         < answer 11 3 a mandatory part is missing",
    );
}

#[test]
fn an_outcome_that_is_not_known_is_never_guessed() {
    check_open(
        "> send 7 bob hello
         < call send 7 bob
         = done 7 unknown
         < close Unanswered",
    );
    check_open(
        "> send 7 bob hello
         < call send 7 bob
         ~ 9
         ~ 1
         < close Unanswered",
    );
    check(&format!("{LOGIN}\n= failed\n< close Unanswered"));
}

#[test]
fn a_session_ends_when_it_is_told_to() {
    check_open(
        "* kick-other\n* kick-device phone\n* kick\n< page @passing [operation 3] last\n< close Kicked",
    );
    check_open("* kick-this\n< page @passing [operation 2] last\n< close Kicked");
    check_open("* kick-device web\n< page @passing [operation 4] last\n< close Kicked");
}

#[test]
fn a_session_ends_by_silence_and_with_its_token() {
    check_open("~ 119\n~ 1\n< close Idle");
    // The SDK beats; the token is what ends it, some time after its end.
    let beats = "> unread\n< unread []\n~ 100\n".repeat(37);
    let beats = format!("{beats}> unread\n< unread []\n");
    check_open(&format!("{beats}~ 20\n< close TokenExpired"));
    check_open(&format!("* renewed 4000\n{beats}~ 20\n> unread\n< unread []\n~ 100"));
}

/// The client knows the end that it was told, and would come again after an earlier one.
#[test]
fn an_end_that_comes_nearer_is_told_when_it_is_there() {
    let kicked = "< page @passing [operation 4] last\n< close Kicked";
    check_open(&format!("* renewed 60\n~ 59\n~ 1\n{kicked}"));
    check_open(&format!("* renewed 60\n* other-renewed 10\n~ 59\n~ 1\n{kicked}"));
    check_open("* renewed 60\n* renewed 4000\n~ 61");
}

#[test]
fn the_end_of_the_server_stores_where_the_client_stands() {
    check_open(
        "* bob 1
         < page bob [m1] k1
         > ack bob k1
         < page bob [] last
         ~ shutdown
         < call save bob 1
         < close Shutdown",
    );
}

#[test]
fn the_end_of_the_server_waits_for_answers() {
    check_open(
        "> send 7 bob hello
         < call send 7 bob
         > send 8 bob hello
         < call send 8 bob
         ~ shutdown
         = done 7 ok
         < answer 7 ok 500
         = done 8 ok
         < answer 8 ok 500
         < close Shutdown",
    );
}

#[test]
fn a_flood_is_told_and_then_cut_off() {
    let script = format!("{LOGIN}\n= unread\n");
    let pulls =
        "> pull NOT/A/NAME\n< page NOT/A/NAME [] last\n".repeat(limits::FRAMES_BURST as usize);
    check(&format!(
        "{script}{pulls}> send 1 bob x\n< answer 1 7 traffic limit\n> unread\n< close Flood"
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever a client sends, before or after its login, the session answers or ends.
    #[test]
    fn no_frame_breaks_a_session(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8), open: bool) {
        let mut world = World::new();
        if open {
            world.open();
        }
        for frame in frames {
            world.feed(Input::Frame(frame.into()));
        }
        world.feed(Input::Tick);
    }
}

#[test]
fn edits_are_answered_with_what_is_said_about_them() {
    check_open(
        "> edit 7 bob 500 hello
         < call edit 7 bob 500
         > edit 8 bob 501 hello
         < call edit 8 bob 501
         = edited 7 ok
         < answer 7 ok 500 {\"edit_msg\":{\"chat_type\":\"chat:user\",\"count\":1,\"edit_time\":9,\"operator\":\"alice\",\"send_time\":7,\"sender\":\"alice\"}}
         = edited 8 limit
         < answer 8 1 Sorry, edit limit reached
         > edit 9 bob x hello
         < answer 9 3 a mandatory part is missing
         > recall 10 bob x
         < answer 10 3 a mandatory part is missing
         > read-group 11 1234
         < call read 11 1234
         = done 11 ok
         < answer 11 ok 500
         > edit 12 bob 500 hello
         < call edit 12 bob 500
         = edited 12 unknown
         < close Unanswered",
    );
}
