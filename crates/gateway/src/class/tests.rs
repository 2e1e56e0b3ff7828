//! Sessions in a class, by scripts.

use super::message;
use super::script::{check, hello};

#[test]
fn who_knows_everything_hears_what_is_said_at_once() {
    check(
        "
        > hello 7 2
        < call join bob
        = in 7 2 3600
        < welcome 7 2 3600
        < live
        < goes live
        > ping
        < pong
        ",
    );
}

#[test]
fn what_was_missed_comes_in_its_order_page_by_page_and_without_answers() {
    check(
        "
        > hello 3 0
        < call join bob
        = in 7 1 3600
        < welcome 7 1 3600
        < call room 4
        = room 4 5
        < room 4- 5-
        < call room 6
        = room 6 7 8 9
        < room 6- 7-
        < call peer 1
        = peer 1
        < peer 1-
        < live
        < goes live
        ",
    );
}

#[test]
fn who_knows_too_much_or_too_little_reads_the_room_anew() {
    for known in ["> hello 8 0", "> hello 7 2"] {
        check(&format!("{known}\n< call join bob\n= in 7 1 3600\n< resync\n< closes 4008"));
    }
    let last = stoa_core::limits::CLASS_REPLAY;
    check(&format!(
        "> hello 0 0\n< call join bob\n= in {last} 0 60\n< welcome {last} 0 60\n< call room 1"
    ));
    let more = last + 1;
    check(&format!("> hello 0 0\n< call join bob\n= in {more} 0 60\n< resync\n< closes 4008"));
    // Another room of the name has begun meanwhile, or the store fails.
    for (found, end) in [
        ("= room", "< resync\n< closes 4008"),
        ("= room 2 3", "< resync\n< closes 4008"),
        ("= failed", "< end failed\n< closes 1011"),
    ] {
        check(&format!(
            "> hello 0 0\n< call join bob\n= in 3 0 60\n< welcome 3 0 60\n< call room 1\n{found}\n{end}"
        ));
    }
}

#[test]
fn who_is_not_let_in_is_told_why() {
    check(
        "
        > hello 0 0
        < call join bob
        = refused 401
        < refused 401: \"no\"
        < closes 4000
        > ping
        ",
    );
}

#[test]
fn strangers_say_hello_first_and_in_time() {
    check(
        "
        > {\"type\":\"ping\"}
        < pong
        ~ 9
        > {\"type\":\"renew\",\"token\":\"007\"}
        < refused 400: \"renew: comes after welcome\"
        < closes 4000
        ",
    );
    check("~ 9\n> ping\n< pong\n~ 1\n< closes 1008");
    check("> nonsense\n< refused 400: \"it is no JSON\"\n< closes 4000");
}

#[test]
fn c149_what_clients_send_is_refused_and_never_reaches_the_room() {
    check(
        r#"
        > hello 7 0
        < call join bob
        = in 7 0 3600
        < welcome 7 0 3600
        < live
        < goes live
        > {"startSequence":8,"total":1,"list":[{"cmd":4,"sequence":8,"data":{}}]}
        < error 400: "type: must be hello, renew, ping, media or leave; a room is changed over REST"
        > {"cmd":20,"data":{}}
        < error 400: "type: must be hello, renew, ping, media or leave; a room is changed over REST"
        > [1]
        < error 400: "it must be an object"
        > hello 7 0
        < error 400: "hello: was said"
        "#,
    );
}

#[test]
fn c017_a_token_is_warned_of_and_renewed() {
    check(
        "
        > hello 0 0
        < call join bob
        = in 0 0 60
        < welcome 0 0 60
        < live
        < goes live
        ~ 14
        ~ alive
        ~ 14
        ~ alive
        ~ 2
        < will expire 60
        ~ 12
        > renew
        < call renew 007y
        * lives 120
        = renewed 120
        < renewed 120
        ~ 14
        ~ alive
        ~ 14
        ~ alive
        ~ 14
        ~ alive
        ~ 6
        < will expire 120
        > renew
        < call renew 007y
        = not-renewed 401
        < error 401: \"no\"
        ",
    );
}

#[test]
fn c016_a_session_ends_with_its_token() {
    check(
        "
        > hello 0 0
        < call join bob
        = in 0 0 10
        < welcome 0 0 10
        < live
        < goes live
        < will expire 10
        ~ 9
        ~ 1
        < end expired
        < closes 4005
        ",
    );
}

#[test]
fn who_is_silent_is_asked_and_then_given_up() {
    check(
        "
        > hello 0 0
        < call join bob
        = in 0 0 3600
        < welcome 0 0 3600
        < live
        < goes live
        ~ 59
        ~ 1
        < asks
        ~ 5
        ~ alive
        ~ 60
        < asks
        ~ 9
        ~ 1
        < closes 1001
        ",
    );
}

#[test]
fn sound_and_pictures_are_for_who_hears_the_room() {
    let ask = r#"> {"type":"media","op":"stats"}"#;
    check(&format!("{ask}\n< refused 400: \"media: comes after live\"\n< closes 4000"));
    check(&format!(
        "> hello 0 0\n< call join bob\n{ask}\n< error 400: \"media: comes after live\"\n\
         = in 0 0 3600\n< welcome 0 0 3600\n< live\n< goes live\n{ask}\n< call media"
    ));
}

#[test]
fn only_who_is_in_leaves() {
    let leave = r#"> {"type":"leave"}"#;
    check(&format!("{leave}\n< refused 400: \"leave: comes after welcome\"\n< closes 4000"));
    check(&format!(
        "> hello 0 0\n< call join bob\n{leave}\n< error 400: \"leave: comes after welcome\"\n\
         = in 1 0 3600\n< welcome 1 0 3600\n< call room 1\n{leave}\n< end left\n< closes 1000"
    ));
}

#[test]
fn a_clock_that_jumps_makes_nobody_silent() {
    let live =
        "> hello 0 0\n< call join bob\n= in 0 0 90000\n< welcome 0 0 90000\n< live\n< goes live";
    check(&format!("{live}\n~ 3600\n< asks\n~ 9\n~ alive\n~ 3600\n< asks"));
}

#[test]
fn each_ending_has_its_word_and_its_code() {
    for (why, end) in [
        ("* displaced", "< end displaced\n< closes 4001"),
        ("* kicked", "< end kicked\n< closes 4002"),
        ("* banned", "< end banned\n< closes 4003"),
        ("* closed", "< end closed\n< closes 4004"),
        ("* revoked", "< end revoked\n< closes 4006"),
        ("* outside", "< end outside\n< closes 4007"),
        ("* overrun", "< resync\n< closes 4008"),
        ("~ shutdown", "< end restart\n< closes 1001"),
        ("~ gone", "< closes 1000"),
        ("> {\"type\":\"leave\"}", "< end left\n< closes 1000"),
    ] {
        let live =
            "> hello 0 0\n< call join bob\n= in 0 0 60\n< welcome 0 0 60\n< live\n< goes live";
        check(&format!("{live}\n{why}\n{end}\n* kicked\n> ping"));
    }
}

#[test]
fn a_flood_of_messages_ends_the_session() {
    let pings = "> ping\n< pong\n".repeat(29);
    check(&format!("> hello 0 0\n< call join bob\n{pings}> ping\n< end flood\n< closes 1008"));
}

#[test]
fn every_field_of_a_hello_is_judged() {
    let good = hello(0, 0);
    assert!(message::read(good.to_string().as_bytes()).is_ok());
    for (field, bad, says) in [
        ("appId", "\"x\"", "appId: must have 32 hexadecimal digits"),
        ("roomUuid", "\"\"", "roomUuid has 1 to 63 bytes"),
        ("userUuid", "7", "userUuid: is required and must be a text"),
        ("token", "7", "token: must be a text"),
        ("userToken", "\"xyz\"", "userToken: must be the one that the entry gave"),
        ("sequence", "-1", "sequence: is required and must be a number, 0 or more"),
        ("peerSequence", "null", "peerSequence: is required and must be a number, 0 or more"),
    ] {
        let mut hello = good.clone();
        hello[field] = serde_json::from_str(bad).unwrap();
        let why = message::read(hello.to_string().as_bytes()).unwrap_err();
        assert_eq!(why, says);
    }
}
