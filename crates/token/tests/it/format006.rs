//! Format 006: what the vectors leave open.

use stoa_token::{
    Builder006, Error, Expectation, Requirement, Resource, RtcRole, ServiceType, Verified, fuzzing,
    parse, verify,
};

use crate::{APP_ID, CERTIFICATE, ISSUED, NOW};

const END: u32 = ISSUED + 86_400;

fn rtc<'a>(channel: &'a str, uid: &'a str) -> Builder006<'a> {
    Builder006::rtc(APP_ID, CERTIFICATE, channel, uid, 5, END).role(RtcRole::Publisher, 0)
}

fn join(token: &str, channel: &str, user: &str) -> Result<Verified, Error> {
    let require = Requirement::rtc(channel, user, 1);
    let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]).require(require);
    verify(token, &Expectation { accept_006: true, ..expect })
}

#[test]
fn it_is_off_unless_asked_for() {
    let token = rtc("room", "12").build().unwrap();
    let require = Requirement::rtc("room", "12", 1);
    let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]).require(require);
    assert_eq!(verify(&token, &expect).unwrap_err(), Error::UnsupportedVersion);

    let verified = join(&token, "room", "12").unwrap();
    assert_eq!((verified.issue_ts(), verified.expires_at()), (None, u64::from(END)));
    assert_eq!(verified.granted_until(), u64::from(END));
    assert!(verified.services().is_empty());
    let nothing = Expectation { require: None, accept_006: true, ..expect };
    assert_eq!(verify(&token, &nothing).unwrap_err(), Error::ServiceMissing);
}

#[test]
fn any_user_only_by_a_signature_over_the_empty_user() {
    let any = rtc("room", "").build().unwrap();
    assert!(join(&any, "room", "somebody").is_ok());
    // This name's checksum is 0, which otherwise marks a token for any user.
    let chosen = "27l6ota";
    assert_eq!(crc32fast::hash(chosen.as_bytes()), 0);
    let token = rtc("room", chosen).build().unwrap();
    assert_eq!(join(&token, "room", "somebody").unwrap_err(), Error::BadSignature);
}

#[test]
fn control_characters_do_not_name_a_user() {
    let token = rtc("room", "a\u{1}").build().unwrap();
    assert_eq!(join(&token, "room", "a\u{1}").unwrap_err(), Error::UserMismatch);
}

#[test]
fn a_privilege_ends_at_its_own_time() {
    let until = ISSUED + 60;
    let token = rtc("room", "1").role(RtcRole::Subscriber, until).build().unwrap();
    assert_eq!(join(&token, "room", "1").unwrap().granted_until(), u64::from(until));
    let rtm = Builder006::rtm(APP_ID, CERTIFICATE, "ann", 1, END, ISSUED);
    let login = Requirement { privilege: Some(1000), ..Requirement::rtm_login("ann") };
    let expect = Expectation::new(NOW - 1, APP_ID, &[CERTIFICATE]).require(login);
    let expect = Expectation { accept_006: true, ..expect };
    let token = rtm.build().unwrap();
    assert_eq!(verify(&token, &expect).unwrap().granted_until(), NOW);
    let late = Expectation { now: NOW, ..expect };
    assert_eq!(verify(&token, &late).unwrap_err(), Error::PrivilegeExpired);
    // Nothing outlives the token.
    let far = rtc("room", "1").role(RtcRole::Subscriber, END + 60).build().unwrap();
    assert_eq!(join(&far, "room", "1").unwrap().granted_until(), u64::from(END));
}

#[test]
fn it_serves_a_channel_and_a_user_or_a_signaling_user_only() {
    let refused = |builder: Builder006<'_>, require: Requirement<'_>| {
        let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]).require(require);
        let token = builder.build().unwrap();
        verify(&token, &Expectation { accept_006: true, ..expect }).unwrap_err()
    };
    let rtm = |user| Builder006::rtm(APP_ID, CERTIFICATE, user, 1, END, 0);
    assert_eq!(refused(rtm(""), Requirement::rtm_login("")), Error::UserMismatch);
    let login = Requirement::rtm_login("ann");
    assert_eq!(refused(rtm("ann"), Requirement { user: None, ..login }), Error::UserMismatch);

    let join = Requirement::rtc("room", "1", 1);
    let ask = |require| refused(rtc("room", "1"), require);
    assert_eq!(ask(Requirement { channel: None, ..join }), Error::ChannelMismatch);
    assert_eq!(ask(Requirement { user: None, ..join }), Error::UserMismatch);
    assert_eq!(ask(Requirement { room: Some("room"), ..join }), Error::RoomMismatch);
    assert_eq!(ask(Requirement { service: ServiceType::Chat, ..join }), Error::ServiceMissing);
    let resource = Some(Resource { resource_type: 0, permission: 0, name: "r" });
    assert_eq!(ask(Requirement { resource, ..join }), Error::PermissionMissing);
}

/// Why 006 is off: no verifier can see this.
#[test]
fn a_holder_can_move_the_user_into_the_channel() {
    let mut content = parse(&rtc("room", "12").build().unwrap()).unwrap().content;
    content[34..38].copy_from_slice(&crc32fast::hash(b"room12").to_le_bytes());
    content[38..42].fill(0);
    assert!(join(&fuzzing::seal_006(&content), "room12", "anybody").is_ok());
}
