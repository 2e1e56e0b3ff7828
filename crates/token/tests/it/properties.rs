//! Round trips and damage.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use stoa_token::fuzzing::{self, exercise};
use stoa_token::{
    BuildError, Builder006, Builder007, Claims, Error, Expectation, Fields, Permissions,
    Privileges, Requirement, RtcRole, Service, parse, verify,
};

use crate::{APP_ID, CERTIFICATE, ISSUED, NOW};

fn privileges() -> impl Strategy<Value = Privileges> {
    btree_map(any::<u16>(), any::<u32>(), 0..5).prop_map(|map| map.into_iter().collect())
}

fn permissions() -> impl Strategy<Value = Permissions> {
    vec((any::<u16>(), any::<u16>(), vec("\\PC{0,6}", 0..3)), 0..3).prop_map(|lists| {
        let mut permissions = Permissions::default();
        for (resource_type, permission, names) in lists {
            permissions.allow(resource_type, permission, names);
        }
        permissions
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let name = || "\\PC{0,12}";
    prop_oneof![
        (name(), name()).prop_map(|(channel, uid)| Fields::Rtc { channel, uid }),
        name().prop_map(|user_id| Fields::Rtm { user_id }),
        (name(), name()).prop_map(|(channel, account)| Fields::Streaming { channel, account }),
        Just(Fields::Fpa),
        name().prop_map(|user_id| Fields::Chat { user_id }),
        (name(), name()).prop_map(|(channel, account)| Fields::Fcdn { channel, account }),
        (name(), name(), any::<i16>()).prop_map(|(room_uuid, user_uuid, role)| Fields::Apaas {
            room_uuid,
            user_uuid,
            role
        }),
        (name(), permissions())
            .prop_map(|(user_id, permissions)| Fields::Rtm2 { user_id, permissions }),
        Just(Fields::ConvoAi),
        Just(Fields::Stt),
    ]
}

fn services() -> impl Strategy<Value = Vec<Service>> {
    vec((fields(), privileges()).prop_map(|(fields, map)| Service::new(fields, map)), 1..5)
}

fn with<'a>(services: &[Service], builder: Builder007<'a>) -> Builder007<'a> {
    services.iter().cloned().fold(builder, Builder007::service)
}

/// Everything that [`verify`] can accept, so that a refusal is not for a setting.
fn refused(token: &str, require: Option<Requirement<'_>>) -> Option<Error> {
    let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]);
    verify(token, &Expectation { require, accept_006: true, ..expect }).err()
}

#[test]
fn what_the_fuzzer_kept() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/token");
    let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
    assert!(!inputs.is_empty());
    inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_built_is_parsed_and_verifies(
        services in services(), expire in 1_u32.., salt: u32,
    ) {
        let builder = with(&services, Builder007::new(APP_ID, CERTIFICATE, ISSUED, expire, salt));
        let token = builder.build().unwrap();
        let parsed = parse(&token).unwrap();
        prop_assert_eq!(&parsed.content, &builder.content().unwrap());

        let Claims::V007(claims) = &parsed.unauthenticated else { panic!("not 007") };
        prop_assert_eq!((claims.issue_ts, claims.expire, claims.salt), (ISSUED, expire, salt));
        let mut sorted = services;
        sorted.sort_by_key(|service| service.kind().number());
        prop_assert_eq!(&claims.services, &sorted);

        let expect = Expectation::new(NOW, APP_ID, &[CERTIFICATE]);
        let verified = verify(&token, &expect).unwrap();
        prop_assert_eq!(verified.claims(), &parsed.unauthenticated);
    }

    #[test]
    fn a_006_token_serves_its_own_channel_and_user(
        channel in "\\PC{0,20}", uid in "\\PC{0,20}", other in "\\PC{1,20}", salt: u32,
    ) {
        let builder = Builder006::rtc(APP_ID, CERTIFICATE, &channel, &uid, salt, ISSUED + 60);
        let token = builder.role(RtcRole::Subscriber, 0).build().unwrap();
        prop_assert_eq!(refused(&token, Some(Requirement::rtc(&channel, &uid, 1))), None);
        let elsewhere = format!("{channel}{other}");
        let require = Requirement::rtc(&elsewhere, &uid, 1);
        prop_assert_eq!(refused(&token, Some(require)), Some(Error::ChannelMismatch));
        if !uid.is_empty() {
            let somebody = format!("{uid}{other}");
            let require = Requirement::rtc(&channel, &somebody, 1);
            prop_assert_eq!(refused(&token, Some(require)), Some(Error::UserMismatch));
        }
    }

    #[test]
    fn a_flipped_bit_of_the_content_is_refused(services in services(), bit: prop::sample::Index) {
        let mut content = with(&services, crate::builder()).content().unwrap();
        let bit = bit.index(content.len() * 8);
        content[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(refused(&fuzzing::seal_007(&content), None).is_some());
    }

    #[test]
    fn a_flipped_bit_of_the_text_is_refused_or_says_the_same(
        services in services(), bit: prop::sample::Index,
    ) {
        let token = with(&services, crate::builder()).build().unwrap();
        let mut bytes = token.clone().into_bytes();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(damaged) = std::str::from_utf8(&bytes)
            && refused(damaged, None).is_none()
        {
            prop_assert_eq!(parse(damaged).unwrap().content, parse(&token).unwrap().content);
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(data in vec(any::<u8>(), 0..400)) {
        exercise(&data);
    }

    #[test]
    fn damaged_tokens_do_no_harm(
        // What to do at a place: 0 overwrite, 1 insert, 2 cut off behind it.
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
        layer in 0..4_usize,
    ) {
        let content = fuzzing::seed().content().unwrap();
        let old = Builder006::rtm(APP_ID, CERTIFICATE, "ann", 1, ISSUED + 60, 0).build().unwrap();
        let mut data = match layer {
            0 => fuzzing::seed().build().unwrap().into_bytes(),
            1 => old.into_bytes(),
            // The services, which the exercise signs again.
            2 => content[80..].to_owned(),
            _ => content,
        };
        for (place, byte, what) in damage {
            let place = place.index(data.len().max(1));
            match what {
                0 if place < data.len() => data[place] = byte,
                1 => data.insert(place, byte),
                _ => data.truncate(place + 1),
            }
        }
        exercise(&data);
    }
}

#[test]
fn every_single_bit_of_a_007_token_counts() {
    let content = crate::builder().chat_user("alice").content().unwrap();
    assert_eq!(refused(&fuzzing::seal_007(&content), None), None);
    for bit in 0..content.len() * 8 {
        let mut damaged = content.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&fuzzing::seal_007(&damaged), None).is_some(), "bit {bit}");
    }
}

#[test]
fn every_single_bit_of_a_006_token_counts() {
    let require = Some(Requirement::rtc("room", "12", 1));
    let builder = Builder006::rtc(APP_ID, CERTIFICATE, "room", "12", 5, ISSUED + 60);
    let token = builder.role(RtcRole::Publisher, 0).build().unwrap();
    let content = parse(&token).unwrap().content;
    assert_eq!(refused(&fuzzing::seal_006(&content), require), None);
    for bit in 0..content.len() * 8 {
        let mut damaged = content.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&fuzzing::seal_006(&damaged), require).is_some(), "bit {bit}");
    }
}

#[test]
fn what_a_verifier_would_refuse_is_not_built() {
    let build = |builder: Builder007<'_>| builder.build().unwrap_err();
    let empty = |app_id, certificate| Builder007::new(app_id, certificate, ISSUED, 1, 1);
    let short = &CERTIFICATE[1..];
    assert_eq!(build(empty(short, CERTIFICATE).chat_app()), BuildError::AppId);
    assert_eq!(build(empty(APP_ID, short).chat_app()), BuildError::Certificate);
    assert_eq!(build(empty(APP_ID, &short.replace('0', "g")).chat_app()), BuildError::Certificate);
    assert_eq!(build(crate::builder()), BuildError::NoService);
    assert_eq!(build(crate::builder().chat_user("")), BuildError::NoUser);
    assert_eq!(build(crate::builder().room_user("", "u", 1)), BuildError::NoUser);
    assert_eq!(build(crate::builder().chat_user(&"x".repeat(65_536))), BuildError::TooLarge);
    assert_eq!(build(crate::builder().chat_user(&"x".repeat(65_500))), BuildError::TooLarge);
    // Compresses well, so that only the content's length counts.
    let longest = 65_536 - 34 - 48 - 2 - 8 - 2;
    assert!(crate::builder().chat_user(&"x".repeat(longest)).build().is_ok());
    assert_eq!(build(crate::builder().chat_user(&"x".repeat(longest + 1))), BuildError::TooLarge);
}
