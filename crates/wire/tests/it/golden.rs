//! Exact bytes, so that a wrong field number or type cannot hide behind a round trip.

use bytes::Bytes;
use stoa_wire::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Command, CompressType, Content,
    ContentSubType, ContentType, EditScope, EncryptType, EventInfo, EventType, Jid, KeyValue,
    MSync, Message, MessageBody, MessageConfig, MessageType, Meta, MetaQueue, MucBody,
    MucErrorCode, MucOperation, MucSetting, MucStatus, MucType, NameSpace, NetworkType, OsType,
    Provision, RedirectInfo, RosterBody, RosterErrorCode, RosterOperation, RosterStatus, RouteType,
    Size, StatisticsBody, StatisticsOperation, Status, Value, Version,
};

use crate::encoder::{bytes, double, message, number, unhex};

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// The encoding is `expected` and reads back as the value.
fn is<M: Message + Default + PartialEq + std::fmt::Debug>(value: &M, expected: &[Vec<u8>]) {
    let expected = expected.concat();
    assert_eq!(value.encode_to_vec(), expected);
    assert_eq!(M::decode(Bytes::from(expected)).unwrap(), *value);
}

#[test]
fn login_frame_in_hex() {
    // version 0, guid {o#a, amy, easemob.com, web_1}, auth $t$x, command 3, payload {resource},
    // device 0, encryption [0]
    let hex = "08 00
        12 1e 0a03 6f2361 1203 616d79 1a0b 656173656d6f622e636f6d 2205 7765625f31
        1a 04 24742478
        40 03
        4a 07 6a05 7765625f31
        50 00
        58 00";
    let frame = MSync {
        version: Some(Version::V1.into()),
        guid: Some(Jid::user("o#a", "amy").with_resource("web_1")),
        auth: text("$t$x"),
        command: Some(Command::Provision.into()),
        payload: Some(Bytes::from(
            Provision { resource: text("web_1"), ..Default::default() }.encode_to_vec(),
        )),
        device_id: Some(0),
        encrypt_type: vec![EncryptType::None.into()],
        ..Default::default()
    };
    assert_eq!(frame.encode_to_vec(), unhex(hex));

    // As clients write it: payload before command, encryption before device.
    let shuffled = "08 00 12 1e 0a03 6f2361 1203 616d79 1a0b 656173656d6f622e636f6d
        2205 7765625f31 1a 04 24742478 4a 07 6a05 7765625f31 40 03 58 00 50 00";
    assert_eq!(MSync::decode(Bytes::from(unhex(shuffled))).unwrap(), frame);
}

#[test]
fn secrets_are_not_shown() {
    let frame = MSync { auth: text("$t$sesame"), ..Default::default() };
    let login =
        Provision { auth_token: text("sesame"), password: text("sesame"), ..Default::default() };
    let shown = format!("{frame:?} {login:?}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[test]
fn jid_and_key_value() {
    is(
        &Jid::group("o#a", "g1").with_resource("r"),
        &[bytes(1, "o#a"), bytes(2, "g1"), bytes(3, "conference.easemob.com"), bytes(4, "r")],
    );
    is(&Jid::named("amy"), &[bytes(2, "amy")]);
    is(&KeyValue::bool("k", true), &[bytes(1, "k"), number(2, 1), number(3, 1)]);
    is(&KeyValue::int("k", -1), &[bytes(1, "k"), number(2, 2), number(3, u64::MAX)]);
    is(&KeyValue::double("k", 0.5), &[bytes(1, "k"), number(2, 6), double(5, 0.5)]);
    is(&KeyValue::string("k", ""), &[bytes(1, "k"), number(2, 7), bytes(6, "")]);
    is(&KeyValue::json("k", "{}".into()), &[bytes(1, "k"), number(2, 8), bytes(6, "{}")]);
    is(&KeyValue { value: Some(Value::Float(1.0)), ..Default::default() }, &[unhex("25 0000803f")]);
}

#[test]
fn frames_of_every_command() {
    is(
        &MSync {
            version: Some(1),
            compress_algorimth: Some(1),
            crypto: Some(2),
            user_agent: text("u"),
            pov: Some(3),
            command: Some(Command::Notice.into()),
            payload: Some(Bytes::from_static(b"p")),
            device_id: Some(4),
            encrypt_type: vec![1, 2],
            encrypt_key: text("k"),
            ..Default::default()
        },
        &[
            number(1, 1),
            number(4, 1),
            number(5, 2),
            bytes(6, "u"),
            number(7, 3),
            number(8, 2),
            bytes(9, "p"),
            number(10, 4),
            number(11, 1),
            number(11, 2),
            bytes(12, "k"),
        ],
    );
    let queue = Jid::named("q");
    is(
        &CommSyncUl {
            meta: Some(Meta { id: Some(9), ..Default::default() }),
            key: Some(5),
            queue: Some(queue.clone()),
            is_roam: Some(false),
            last_full_roam_key: Some(6),
        },
        &[
            message(1, &[number(1, 9)]),
            number(2, 5),
            message(3, &[bytes(2, "q")]),
            number(4, 0),
            number(5, 6),
        ],
    );
    is(
        &CommSyncDl {
            status: Some(Status::OK),
            meta_id: Some(1),
            server_id: Some(2),
            metas: vec![Meta::default(), Meta { id: Some(3), ..Default::default() }],
            next_key: Some(4),
            queue: Some(queue.clone()),
            is_last: Some(false),
            timestamp: Some(5),
            is_roam: Some(true),
        },
        &[
            bytes(1, ""),
            number(2, 1),
            number(3, 2),
            bytes(4, ""),
            message(4, &[number(1, 3)]),
            number(5, 4),
            message(6, &[bytes(2, "q")]),
            number(7, 0),
            number(8, 5),
            number(9, 1),
        ],
    );
    is(&CommNotice { queue: Some(queue.clone()) }, &[message(1, &[bytes(2, "q")])]);
    is(
        &CommUnreadDl {
            status: Some(Status::OK),
            unread: vec![MetaQueue { queue: Some(queue), n: Some(0) }],
            timestamp: Some(8),
        },
        &[bytes(1, ""), message(2, &[message(1, &[bytes(2, "q")]), number(2, 0)]), number(3, 8)],
    );
}

#[test]
fn meta_and_status() {
    is(
        &Meta {
            id: Some(1 << 62),
            from: Some(Jid::named("a")),
            to: Some(Jid::named("b")),
            timestamp: Some(7),
            ns: Some(NameSpace::Notify.into()),
            payload: Some(Bytes::from_static(b"{}")),
            routetype: Some(RouteType::Direct.into()),
            ext: vec![KeyValue { key: text("k"), ..Default::default() }],
            meta: Some(Bytes::from_static(b"[]")),
            directed_users: vec!["x".into(), "y".into()],
        },
        &[
            number(1, 1 << 62),
            message(2, &[bytes(2, "a")]),
            message(3, &[bytes(2, "b")]),
            number(4, 7),
            number(5, 5),
            bytes(6, "{}"),
            number(7, 2),
            message(8, &[bytes(1, "k")]),
            bytes(9, "[]"),
            bytes(10, "x"),
            bytes(10, "y"),
        ],
    );
    is(
        &Status {
            redirect_info: vec![RedirectInfo { host: text("h"), port: Some(443) }],
            ..Status::refused(19, "no")
        },
        &[number(1, 19), bytes(2, "no"), message(3, &[bytes(1, "h"), number(2, 443)])],
    );
}

#[test]
fn provision() {
    is(
        &Provision {
            os_type: Some(OsType::Other.into()),
            version: text("1.4.0"),
            network_type: Some(NetworkType::Wire.into()),
            app_sign: text("s"),
            compress_type: vec![CompressType::None.into(), CompressType::Zlib.into()],
            encrypt_type: vec![EncryptType::None.into(), EncryptType::Aes256Cbc.into()],
            encrypt_key: text("k"),
            status: Some(Status::refused(1, "r")),
            device_uuid: text("u"),
            is_manual_login: Some(true),
            password: text("p"),
            device_name: text("n"),
            resource: text("res"),
            auth: text("a"),
            service_id: text("i"),
            action_version: text("v5.1"),
            auth_token: text("{}"),
            os_custom_value: Some(2),
            session_id: text("1:"),
            reason: text("why"),
        },
        &[
            number(1, 16),
            bytes(2, "1.4.0"),
            number(3, 5),
            bytes(4, "s"),
            number(5, 0),
            number(5, 1),
            number(6, 0),
            number(6, 2),
            bytes(7, "k"),
            message(8, &[number(1, 1), bytes(2, "r")]),
            bytes(9, "u"),
            number(10, 1),
            bytes(11, "p"),
            bytes(12, "n"),
            bytes(13, "res"),
            bytes(14, "a"),
            bytes(16, "i"),
            bytes(17, "v5.1"),
            bytes(18, "{}"),
            number(19, 2),
            bytes(20, "1:"),
            bytes(21, "why"),
        ],
    );
}

#[test]
fn message_body() {
    let kv = KeyValue { key: text("k"), ..Default::default() };
    let size = Size { width: Some(1.0), height: Some(2.0) };
    let kv_bytes = |field| message(field, &[bytes(1, "k")]);
    let size_bytes = |field| message(field, &[double(1, 1.0), double(2, 2.0)]);
    is(
        &Content {
            kind: Some(ContentType::Combine.into()),
            text: text("t"),
            latitude: Some(1.5),
            longitude: Some(-2.5),
            address: text("a"),
            display_name: text("d"),
            remote_path: text("r"),
            secret_key: text("s"),
            file_length: Some(9),
            action: text("x"),
            params: vec![kv.clone()],
            duration: Some(12),
            size: Some(size),
            thumbnail_remote_path: text("tr"),
            thumbnail_secret_key: text("ts"),
            thumbnail_display_name: text("td"),
            thumbnail_file_length: Some(17),
            thumbnail_size: Some(size),
            custom_event: text("e"),
            custom_exts: vec![kv.clone()],
            building_name: text("b"),
            sub_type: Some(ContentSubType::Gif.into()),
            title: text("ti"),
            summary: text("su"),
            combine_level: Some(1),
        },
        &[
            number(1, 8),
            bytes(2, "t"),
            double(3, 1.5),
            double(4, -2.5),
            bytes(5, "a"),
            bytes(6, "d"),
            bytes(7, "r"),
            bytes(8, "s"),
            number(9, 9),
            bytes(10, "x"),
            kv_bytes(11),
            number(12, 12),
            size_bytes(13),
            bytes(14, "tr"),
            bytes(15, "ts"),
            bytes(16, "td"),
            number(17, 17),
            size_bytes(18),
            bytes(19, "e"),
            kv_bytes(20),
            bytes(21, "b"),
            number(22, 1),
            bytes(23, "ti"),
            bytes(24, "su"),
            number(25, 1),
        ],
    );
    is(
        &MessageBody {
            kind: Some(MessageType::Edit.into()),
            from: Some(Jid::named("a")),
            to: Some(Jid::named("b")),
            contents: vec![Content::default()],
            ext: vec![kv],
            ack_message_id: Some(6),
            msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
            ack_content: text("c"),
            meta: text("{}"),
            edit_message_id: Some(11),
            edit_scope: Some(EditScope::BodyAndExt.into()),
        },
        &[
            number(1, 8),
            message(2, &[bytes(2, "a")]),
            message(3, &[bytes(2, "b")]),
            bytes(4, ""),
            kv_bytes(5),
            number(6, 6),
            message(7, &[number(1, 1)]),
            bytes(8, "c"),
            bytes(9, "{}"),
            number(11, 11),
            number(12, 2),
        ],
    );
}

#[test]
fn an_explicit_sub_type_of_zero_is_not_an_absent_one() {
    let absent = Content::decode(Bytes::from(bytes(2, "hi"))).unwrap();
    let explicit = Content::decode(Bytes::from([bytes(2, "hi"), number(22, 0)].concat())).unwrap();
    assert_eq!(absent.sub_type, None);
    assert_eq!(explicit.sub_type, Some(0));
    assert_eq!(absent.encode_to_vec(), bytes(2, "hi"));
    assert_eq!(explicit.encode_to_vec(), [bytes(2, "hi"), number(22, 0)].concat());
}

#[test]
fn muc_roster_and_statistics() {
    is(
        &MucBody {
            muc_id: Some(Jid::named("g")),
            operation: Some(MucOperation::GroupMemberMetadataUpdate.into()),
            from: Some(Jid::named("a")),
            to: vec![Jid::named("b")],
            setting: Some(MucSetting {
                name: text("n"),
                desc: text("d"),
                kind: Some(MucType::PublicAnonymous.into()),
                max_users: Some(4),
                owner: text("o"),
            }),
            reason: text("r"),
            is_chatroom: Some(true),
            status: Some(MucStatus {
                error_code: Some(MucErrorCode::Unknown.into()),
                description: text("d"),
                chatroom_info: text("{}"),
            }),
            is_thread: Some(false),
            muc_parent_id: Some(Jid::named("p")),
            muc_name: text("m"),
            event_info: Some(EventInfo {
                event_type: Some(EventType::CircleChannel.into()),
                ext: text("x"),
            }),
            muc_member_count: Some(13),
            ext: text("e"),
            leave_other_rooms: Some(true),
            members: vec!["x".into(), "y".into()],
        },
        &[
            message(1, &[bytes(2, "g")]),
            number(2, 45),
            message(3, &[bytes(2, "a")]),
            message(4, &[bytes(2, "b")]),
            message(5, &[bytes(1, "n"), bytes(2, "d"), number(3, 4), number(4, 4), bytes(5, "o")]),
            bytes(6, "r"),
            number(7, 1),
            message(8, &[number(1, 5), bytes(2, "d"), bytes(3, "{}")]),
            number(9, 0),
            message(10, &[bytes(2, "p")]),
            bytes(11, "m"),
            message(12, &[number(1, 1), bytes(2, "x")]),
            number(13, 13),
            bytes(14, "e"),
            number(15, 1),
            bytes(16, "x"),
            bytes(16, "y"),
        ],
    );
    is(
        &RosterBody {
            operation: Some(RosterOperation::RemoteDecline.into()),
            status: Some(RosterStatus {
                error_code: Some(RosterErrorCode::UserAlreadyBlacklist.into()),
                description: text("d"),
            }),
            from: Some(Jid::named("a")),
            to: vec![Jid::named("b")],
            reason: text("r"),
            roster_ver: text("v"),
            bi_direction: Some(true),
        },
        &[
            number(1, 9),
            message(2, &[number(1, 3), bytes(2, "d")]),
            message(3, &[bytes(2, "a")]),
            message(4, &[bytes(2, "b")]),
            bytes(5, "r"),
            bytes(6, "v"),
            number(7, 1),
        ],
    );
    is(
        &StatisticsBody {
            operation: Some(StatisticsOperation::UserKickedByOtherDevice.into()),
            os: Some(OsType::Custom.into()),
            version: text("v"),
            network: Some(NetworkType::Wifi.into()),
            im_time: Some(5),
            chat_time: Some(6),
            location: text("l"),
            reason: text("r"),
        },
        &[
            number(1, 4),
            number(2, 5),
            bytes(3, "v"),
            number(4, 1),
            number(5, 5),
            number(6, 6),
            bytes(7, "l"),
            bytes(10, "r"),
        ],
    );
}
