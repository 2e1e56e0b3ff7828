//! Who a chat caller is.

use stoa_token::{
    Builder007, ChatGrant, ChatSubject, Error, Expectation, Fields, Privileges, RoomClaim, Service,
    classroom_chat_user, verify_chat,
};

use crate::{APP_ID, CERTIFICATE, ISSUED, NOW, OTHER_CERTIFICATE, builder};

/// What the token grants at `now`.
fn at(now: u64, builder: &Builder007<'_>) -> Result<ChatGrant, Error> {
    let token = builder.build().expect("the case can be built");
    verify_chat(&token, &Expectation::new(now, APP_ID, &[OTHER_CERTIFICATE, CERTIFICATE]))
}

fn chat(user: &str, privileges: impl Into<Privileges>) -> Service {
    Service::new(Fields::Chat { user_id: user.to_owned() }, privileges)
}

#[test]
fn a_user_token_is_the_user() {
    let grant = at(NOW, &builder().chat_user("alice")).unwrap();
    assert_eq!(grant.user(), Some("alice"));
    assert!(!grant.is_app());
    assert_eq!((grant.issued_at, grant.expires_at), (NOW, NOW + 3600));
    assert_eq!(grant.room, None);
}

#[test]
fn an_app_token_is_nobody() {
    let grant = at(NOW, &builder().chat_app()).unwrap();
    assert_eq!(grant.subject, ChatSubject::App);
    assert_eq!(grant.user(), None);
}

#[test]
fn rights_are_taken_from_one_entry_alone() {
    let cases: [(&[Service], Result<ChatSubject, Error>); 9] = [
        (&[Service::new(Fields::Fpa, [(1, 0)])], Err(Error::ServiceMissing)),
        // The user's right without a user, the app's right with one.
        (&[chat("", [(1, 0)])], Err(Error::PrivilegeMissing)),
        (&[chat("a", [(2, 0)])], Err(Error::PrivilegeMissing)),
        (&[chat("", [(1, 0)]), chat("a", [(2, 0)])], Err(Error::PrivilegeMissing)),
        (&[chat("a", [])], Err(Error::PrivilegeMissing)),
        (&[chat("a", [(2, 0)]), chat("b", [(1, 0)])], Ok(ChatSubject::User("b".into()))),
        // Both: the lesser right.
        (&[chat("", [(2, 0)]), chat("b", [(1, 0)])], Ok(ChatSubject::User("b".into()))),
        (&[chat("a", [(1, 5)]), chat("", [(2, 0)])], Ok(ChatSubject::App)),
        (&[chat("a", [(1, 5)]), chat("b", [])], Err(Error::PrivilegeExpired)),
    ];
    for (services, expected) in cases {
        let builder = services.iter().cloned().fold(builder(), Builder007::service);
        let found = at(NOW + 10, &builder).map(|grant| grant.subject);
        assert_eq!(found, expected, "{services:?}");
    }
}

#[test]
fn a_grant_ends_with_the_token_the_privilege_or_the_day() {
    let expires = |builder: &Builder007<'_>| at(NOW, builder).unwrap().expires_at - NOW;
    let week = Builder007::new(APP_ID, CERTIFICATE, ISSUED, 604_800, 0);
    assert_eq!(expires(&week.clone().chat_user("a")), 86_400);
    assert_eq!(expires(&week.clone().service(chat("a", [(1, 60)]))), 60);
    assert_eq!(expires(&builder().service(chat("a", [(1, 0)]))), 3600);
    assert_eq!(expires(&builder().service(chat("a", [(1, 7200)]))), 3600);

    assert!(at(NOW + 3599, &builder().chat_user("a")).is_ok());
    assert_eq!(at(NOW + 3600, &builder().chat_user("a")), Err(Error::Expired));
    assert_eq!(at(NOW + 86_400, &week.chat_user("a")), Err(Error::Expired));
    let minute = builder().service(chat("a", [(1, 60)]));
    assert!(at(NOW + 59, &minute).is_ok());
    assert_eq!(at(NOW + 60, &minute), Err(Error::PrivilegeExpired));
}

#[test]
fn an_issuers_clock_may_be_a_minute_ahead() {
    let token = builder().chat_user("a");
    assert!(at(NOW - 60, &token).is_ok());
    assert_eq!(at(NOW - 61, &token), Err(Error::NotYetValid));
}

#[test]
fn times_near_the_end_of_32_bits_do_not_overflow() {
    let last = Builder007::new(APP_ID, CERTIFICATE, u32::MAX, u32::MAX, 0).chat_user("a");
    let end = u64::from(u32::MAX) + 86_400;
    assert_eq!(at(end - 1, &last).unwrap().expires_at, end);
    assert_eq!(at(end, &last), Err(Error::Expired));
    assert_eq!(at(u64::MAX, &last), Err(Error::Expired));
    assert_eq!(at(0, &last), Err(Error::NotYetValid));
}

#[test]
fn a_class_room_token_is_the_md5_of_its_user_in_that_room() {
    assert_eq!(classroom_chat_user("pupil"), "84b7416ca865741d7e85f645b9032ce2");
    let grant = at(NOW, &builder().room_user("room", "pupil", 2)).unwrap();
    assert_eq!(grant.subject, ChatSubject::User(classroom_chat_user("pupil")));
    let room = RoomClaim { room_uuid: "room".into(), user_uuid: "pupil".into(), role: 2 };
    assert_eq!(grant.room, Some(room));
}

#[test]
fn only_beside_a_room_user_an_empty_map_means_the_user() {
    let apaas = |room: &str, user: &str| {
        let fields = Fields::Apaas { room_uuid: room.into(), user_uuid: user.into(), role: 2 };
        Service::new(fields, [])
    };
    let with = |apaas| at(NOW, &builder().service(chat("a", [])).service(apaas));
    assert_eq!(with(apaas("r", "u")).unwrap().user(), Some("a"));
    assert_eq!(with(apaas("r", "")), Err(Error::PrivilegeMissing));
    assert_eq!(with(apaas("", "u")), Err(Error::PrivilegeMissing));
    // A map that lists something is taken as it is.
    let listed = builder().service(chat("a", [(2, 0)])).service(apaas("r", "u"));
    assert_eq!(at(NOW, &listed), Err(Error::PrivilegeMissing));
    // Nobody is not made a user.
    let nobody = builder().service(chat("", [])).service(apaas("r", "u"));
    assert_eq!(at(NOW, &nobody), Err(Error::PrivilegeMissing));
}

#[test]
fn other_apps_certificates_and_formats_are_refused() {
    let token = builder().chat_user("alice").build().unwrap();
    let verify = |app_id: &str, certificates: &[&str]| {
        verify_chat(&token, &Expectation::new(NOW, app_id, certificates)).map(|grant| grant.subject)
    };
    // Primary and secondary, in either order.
    assert!(verify(APP_ID, &[CERTIFICATE]).is_ok());
    assert!(verify(APP_ID, &[CERTIFICATE, OTHER_CERTIFICATE]).is_ok());
    assert!(verify(APP_ID, &[OTHER_CERTIFICATE, CERTIFICATE]).is_ok());
    assert_eq!(verify(OTHER_CERTIFICATE, &[CERTIFICATE]), Err(Error::AppIdMismatch));
    assert_eq!(verify(&APP_ID.to_uppercase(), &[CERTIFICATE]), Err(Error::AppIdMismatch));
    assert_eq!(verify(APP_ID, &[OTHER_CERTIFICATE]), Err(Error::BadSignature));
    assert_eq!(verify(APP_ID, &[&CERTIFICATE.to_uppercase()]), Err(Error::BadSignature));
    assert_eq!(verify(APP_ID, &[]), Err(Error::BadSignature));

    let old = stoa_token::Builder006::rtm(APP_ID, CERTIFICATE, "alice", 1, ISSUED + 60, 0);
    let refused =
        verify_chat(&old.build().unwrap(), &Expectation::new(NOW, APP_ID, &[CERTIFICATE]));
    assert_eq!(refused, Err(Error::UnsupportedVersion));
}
