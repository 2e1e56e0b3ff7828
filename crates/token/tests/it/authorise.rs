//! What a requirement is satisfied by.

use stoa_token::{
    Builder007, Error, Expectation, Fields, Permissions, Requirement, Resource, RtcRole, Service,
    ServiceType, Verified, privilege, verify,
};

use crate::{APP_ID, CERTIFICATE, NOW, builder};

fn at(now: u64, builder: &Builder007<'_>, require: Requirement<'_>) -> Result<Verified, Error> {
    let expect = Expectation::new(now, APP_ID, &[CERTIFICATE]).require(require);
    verify(&builder.build().expect("the case can be built"), &expect)
}

#[track_caller]
fn check(builder: &Builder007<'_>, require: Requirement<'_>, expected: Result<u64, Error>) {
    let until = at(NOW, builder, require).map(|verified| verified.granted_until() - NOW);
    assert_eq!(until, expected, "{require:?}");
}

#[test]
fn rtc_by_channel_user_and_privilege() {
    let token = builder().rtc("room", "7", RtcRole::Subscriber, 60);
    check(&token, Requirement::rtc("room", "7", privilege::RTC_JOIN), Ok(60));
    check(&token, Requirement::rtc("Room", "7", 1), Err(Error::ChannelMismatch));
    check(&token, Requirement::rtc("room", "8", 1), Err(Error::UserMismatch));
    check(&token, Requirement::rtc("room", "", 1), Err(Error::UserMismatch));
    let publish = Requirement::rtc("room", "7", privilege::RTC_PUBLISH_AUDIO);
    check(&token, publish, Err(Error::PrivilegeMissing));
    let any = builder().rtc("room", "", RtcRole::Publisher, 0);
    check(&any, Requirement::rtc("room", "anybody", 4), Ok(3600));
    // The text "0" is an account like any other; only the number 0 is written as nothing.
    let zero = builder().rtc("room", "0", RtcRole::Publisher, 0);
    check(&zero, Requirement::rtc("room", "1", 1), Err(Error::UserMismatch));
    check(&zero, Requirement::rtc("room", &stoa_token::rtc_uid(0), 1), Err(Error::UserMismatch));
}

#[test]
fn one_entry_satisfies_everything() {
    let token = builder().rtc_with("A", "1", [(1, 10)]).rtc_with("B", "2", [(1, 0), (2, 20)]);
    check(&token, Requirement::rtc("A", "1", 1), Ok(10));
    check(&token, Requirement::rtc("B", "2", 1), Ok(3600));
    check(&token, Requirement::rtc("B", "2", 2), Ok(20));
    check(&token, Requirement::rtc("A", "2", 1), Err(Error::UserMismatch));
    check(&token, Requirement::rtc("A", "1", 2), Err(Error::PrivilegeMissing));
    // Of two entries for the same, the one whose privilege is not over serves.
    let twice = builder().rtc_with("A", "1", [(1, 10)]).rtc_with("A", "1", [(1, 30)]);
    let later = at(NOW + 20, &twice, Requirement::rtc("A", "1", 1)).unwrap();
    assert_eq!(later.granted_until(), NOW + 30);
    assert_eq!(later.granted(), Some(&later.services()[1]));
    let refused = at(NOW + 30, &twice, Requirement::rtc("A", "1", 1));
    assert_eq!(refused.unwrap_err(), Error::PrivilegeExpired);
}

#[test]
fn class_rooms() {
    let token = builder().room_user("math", "pupil", 2);
    let verified = at(NOW, &token, Requirement::room_user("math", "pupil")).unwrap();
    let Some(Service { fields: Fields::Apaas { role, .. }, .. }) = verified.granted() else {
        panic!("no class room service: {verified:?}");
    };
    assert_eq!(*role, 2);
    check(&token, Requirement::room_user("art", "pupil"), Err(Error::RoomMismatch));
    check(&token, Requirement::room_user("math", "other"), Err(Error::UserMismatch));
    check(&token, Requirement::room_user("math", ""), Err(Error::UserMismatch));
    check(&token, Requirement::education_user("pupil"), Err(Error::PrivilegeMissing));
    check(&token, Requirement::education_app(), Err(Error::PrivilegeMissing));
    check(&token, Requirement::rtm_login("pupil"), Ok(3600));
    check(&token, Requirement::rtm_login(""), Err(Error::UserMismatch));

    check(&builder().education_app(), Requirement::education_app(), Ok(3600));
    check(&builder().education_user("t"), Requirement::education_user("t"), Ok(3600));
    check(
        &builder().education_user("t"),
        Requirement::room_user("", "t"),
        Err(Error::RoomMismatch),
    );
    // The right over the whole app stands only in an entry that names nobody.
    let fields = Fields::Apaas { room_uuid: "math".into(), user_uuid: "pupil".into(), role: 2 };
    let strange = builder().service(Service::new(fields, [(1, 0), (3, 0)]));
    check(&strange, Requirement::education_app(), Err(Error::PrivilegeMissing));
}

#[test]
fn resources_of_rtm2() {
    let mut permissions = Permissions::default();
    permissions.allow(0, 1, ["news", "chat-*"]);
    let token = builder().rtm_with_permissions("u", permissions);
    let login = Requirement {
        user: Some("u"),
        privilege: Some(privilege::LOGIN),
        ..Requirement::service(ServiceType::Rtm2)
    };
    let on = |resource_type, permission, name| Requirement {
        resource: Some(Resource { resource_type, permission, name }),
        ..login
    };
    check(&token, login, Ok(3600));
    check(&token, on(0, 1, "news"), Ok(3600));
    check(&token, on(0, 1, "chat-*"), Ok(3600));
    check(&token, on(0, 1, "chat-1"), Err(Error::PermissionMissing));
    check(&token, on(0, 0, "news"), Err(Error::PermissionMissing));
    check(&token, on(1, 1, "news"), Err(Error::PermissionMissing));
    let rtm = Requirement { service: ServiceType::Rtm, ..on(0, 1, "news") };
    check(&builder().rtm("u"), rtm, Err(Error::PermissionMissing));
}

#[test]
fn what_a_service_does_not_have_is_not_satisfied() {
    let token = builder().stt().convo_ai().fpa();
    check(&token, Requirement::service(ServiceType::Stt), Ok(3600));
    let require = |service| Requirement { user: Some("u"), ..Requirement::service(service) };
    for service in [ServiceType::Stt, ServiceType::ConvoAi, ServiceType::Fpa] {
        check(&token, require(service), Err(Error::UserMismatch));
        let channel = Requirement { channel: Some(""), ..Requirement::service(service) };
        check(&token, channel, Err(Error::ChannelMismatch));
    }
    let listed = Requirement { privilege: Some(1), ..Requirement::service(ServiceType::Stt) };
    check(&token, listed, Err(Error::PrivilegeMissing));
    check(&token, Requirement::service(ServiceType::Chat), Err(Error::ServiceMissing));
}

#[test]
fn without_a_requirement_the_token_itself_counts() {
    let token = builder().stt().build().unwrap();
    let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]);
    let verified = verify(&token, &expect).unwrap();
    assert_eq!(verified.expires_at(), NOW + 3600);
    assert_eq!((verified.granted(), verified.granted_until()), (None, NOW + 3600));
    assert_eq!(verified.issue_ts(), Some(NOW));
    let late = Expectation { now: NOW + 3600, ..expect };
    assert_eq!(verify(&token, &late).unwrap_err(), Error::Expired);
}
