//! The named methods of the builders make what the official builder calls of that name make
//! (token specification, section 10).

#![expect(clippy::unwrap_used, reason = "the file of vectors is ours: its form is an invariant")]

use serde_json::Value;
use stoa_token::{
    Builder006, Builder007, Claims, Claims006, Claims007, Permissions, RtcRole, parse, rtc_uid,
};

/// The arguments of a builder call.
struct Args<'a>(&'a Value);

impl Args<'_> {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn number(&self, name: &str) -> u32 {
        self.0[name].as_u64().unwrap().try_into().unwrap()
    }

    /// A user by number or by account.
    fn user(&self, name: &str) -> String {
        match &self.0[name] {
            Value::Number(uid) => rtc_uid(uid.as_u64().unwrap().try_into().unwrap()),
            account => account.as_str().unwrap().to_owned(),
        }
    }

    fn role(&self) -> RtcRole {
        if self.number("role") == 2 { RtcRole::Subscriber } else { RtcRole::Publisher }
    }

    fn permissions(&self) -> Permissions {
        let mut permissions = Permissions::default();
        for entry in self.0["permissions"].as_array().unwrap() {
            let number = |index: usize| entry[index].as_u64().unwrap().try_into().unwrap();
            let names = entry[2].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            permissions.allow(number(0), number(1), names);
        }
        permissions
    }

    /// The four privileges with times of their own.
    fn rtc_times<'b>(&self, builder: Builder007<'b>, channel: &str, user: &str) -> Builder007<'b> {
        let names = ["join", "audio", "video", "data"];
        let times = (1..).zip(names).map(|(privilege, name)| (privilege, self.number(name)));
        builder.rtc_with(channel, user, times.collect::<stoa_token::Privileges>())
    }

    fn rtc_and_rtm<'b>(&self, builder: Builder007<'b>) -> Builder007<'b> {
        let user = self.text("rtc_account");
        let builder = match self.role() {
            RtcRole::Publisher => self.rtc_times(builder, self.text("channel"), user),
            RtcRole::Subscriber => {
                builder.rtc(self.text("channel"), user, RtcRole::Subscriber, self.number("join"))
            }
        };
        builder.rtm_for(self.text("rtm_user"), self.number("rtm_token_expire"))
    }
}

/// What our method for the call makes; none for calls that are the generic one.
fn build_007<'b>(call: &str, args: &Args<'_>, empty: Builder007<'b>) -> Option<Builder007<'b>> {
    let rtc = |user: &str, builder: Builder007<'b>| {
        builder.rtc(args.text("channel"), user, args.role(), args.number("privilege_expire"))
    };
    Some(match call {
        "RtcTokenBuilder.buildTokenWithUid" | "RtcTokenBuilder2.build_token_with_uid" => {
            rtc(&args.user("uid"), empty)
        }
        "RtcTokenBuilder.buildTokenWithUserAccount" => rtc(args.text("account"), empty),
        "RtcTokenBuilder.buildTokenWithUidAndPrivilege" => {
            args.rtc_times(empty, args.text("channel"), &args.user("uid"))
        }
        "RtcTokenBuilder.BuildTokenWithUserAccountAndPrivilege" => {
            args.rtc_times(empty, args.text("channel"), args.text("account"))
        }
        "RtcTokenBuilder.buildTokenWithRtm" | "RtcTokenBuilder2.build_token_with_rtm" => {
            rtc(args.text("account"), empty).rtm(args.text("account"))
        }
        "RtcTokenBuilder.buildTokenWithRtm2" => args.rtc_and_rtm(empty),
        "ConvoAITokenBuilder.buildToken" => args.rtc_and_rtm(empty).convo_ai(),
        "SttTokenBuilder.buildToken" => args.rtc_and_rtm(empty).stt(),
        "RtmTokenBuilder.buildToken" => empty.rtm(args.text("user_id")),
        "RtmTokenBuilder.buildTokenWithPermissions" => {
            empty.rtm_with_permissions(args.text("user_id"), args.permissions())
        }
        "FpaTokenBuilder.buildToken" => empty.fpa(),
        "ChatTokenBuilder.buildUserToken" | "ChatTokenBuilder.build_user_token" => {
            empty.chat_user(args.text("user"))
        }
        "ChatTokenBuilder.buildAppToken" | "ChatTokenBuilder.build_app_token" => empty.chat_app(),
        "EducationTokenBuilder.build_room_user_token" => {
            let role = args.number("role").try_into().unwrap();
            empty.room_user(args.text("room_uuid"), args.text("user_uuid"), role)
        }
        "EducationTokenBuilder.buildUserToken" | "ApaasTokenBuilder.buildUserToken" => {
            empty.education_user(args.text("user_uuid"))
        }
        "EducationTokenBuilder.buildAppToken" | "ApaasTokenBuilder.buildAppToken" => {
            empty.education_app()
        }
        // The JavaScript builder leaves privileges out of a room user token and changes role 0.
        "AccessToken2.build"
        | "EducationTokenBuilder.buildRoomUserToken"
        | "ApaasTokenBuilder.buildRoomUserToken" => return None,
        call => panic!("a builder call that the test does not know: {call}"),
    })
}

fn build_006<'b>(
    call: &str,
    args: &'b Args<'_>,
    claims: &'b Claims006,
    certificate: &'b str,
    user: &'b str,
) -> Builder006<'b> {
    let (app_id, salt, ts) = (&claims.app_id, claims.salt, claims.ts);
    let until = args.number("privilege_expired_ts");
    match call {
        "RtmTokenBuilder.buildToken" => Builder006::rtm(app_id, certificate, user, salt, ts, until),
        _ => Builder006::rtc(app_id, certificate, args.text("channel"), user, salt, ts)
            .role(args.role(), until),
    }
}

#[test]
fn each_named_call() {
    let file: Value = serde_json::from_str(crate::vectors::FILE).unwrap();
    let mut checked = 0;
    for vector in file["positive"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (call, args) = (vector["source"]["call"].as_str().unwrap(), Args(&vector["args"]));
        let parsed = parse(text("token")).unwrap();
        match &parsed.unauthenticated {
            Claims::V007(Claims007 { app_id, issue_ts, expire, salt, .. }) => {
                let certificate = text("app_certificate");
                let empty = Builder007::new(app_id, certificate, *issue_ts, *expire, *salt);
                let Some(builder) = build_007(call, &args, empty) else { continue };
                assert_eq!(builder.content(), Ok(parsed.content), "{}", text("id"));
            }
            Claims::V006(claims) => {
                let user = args.user("user");
                let builder = build_006(call, &args, claims, text("app_certificate"), &user);
                assert_eq!(builder.build().as_deref(), Ok(text("token")), "{}", text("id"));
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 76);
}
