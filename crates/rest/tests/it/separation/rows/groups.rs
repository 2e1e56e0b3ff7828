//! Groups, and what is done to groups and rooms in the same way.

use http::Method;

use crate::separation::row::{
    BACK_END, EVERYBODY, NOT_THERE, ONESELF, OUTSIDER, Outcome, Refused, Row, UNAUTHORIZED,
    members, members_alone, row,
};

const BOB: &str = r#"{"usernames":["{bob}"]}"#;
const CARL: &str = r#"{"usernames":["{carl}"]}"#;

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_groups();
    rows.extend(joining());
    rows.extend(attributes());
    rows.extend(common("/chatgroups/{group}", OUTSIDER));
    rows
}

fn of_groups() -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    vec![
        row(get.clone(), "/chatgroups", BACK_END),
        row(post.clone(), "/chatgroups", members(UNAUTHORIZED))
            .json(r#"{"owner":"{user}","groupname":"new","members":["{bob}"]}"#),
        row(get.clone(), "/publicchatgroups", EVERYBODY),
        row(post.clone(), "/chatgroups/{group}/disable", BACK_END),
        row(post.clone(), "/chatgroups/{group}/enable", BACK_END),
        row(get.clone(), "/users/{user}/joined_chatgroups", ONESELF),
        row(get.clone(), "/chatgroups/user/{user}", ONESELF)
            .query("?needAffiliations=true&needRole=true"),
        row(get.clone(), "/chatgroups/user/{user}/joined_count", ONESELF),
        // Everybody may ask whether it is in a group itself.
        row(get.clone(), "/chatgroups/{group}/user/{user}/is_joined", members(OUTSIDER))
            .outsider(Outcome::Done),
        row(get, "/chatgroups/{group}/acks/{message}", members(OUTSIDER)),
        // An owner takes all that is said in the group.
        row(post, "/chatgroups/{group}/shield", members_alone(OUTSIDER)).by("bob"),
        row(delete, "/chatgroups/{group}/shield", members_alone(OUTSIDER)).by("bob").after(
            "bob",
            Method::POST,
            "/chatgroups/{group}/shield",
            "",
        ),
    ]
}

fn joining() -> Vec<Row> {
    let (post, delete) = (Method::POST, Method::DELETE);
    let opened = r#"{"public":true}"#;
    let group = "/chatgroups/{group}";
    vec![
        row(delete, "/chatgroups/{group}/quit", members_alone(OUTSIDER)).by("bob"),
        row(post.clone(), "/chatgroups/{group}/invite", members(OUTSIDER)).json(CARL),
        row(post.clone(), "/chatgroups/{group}/invite_verify", members(UNAUTHORIZED))
            .by("ivan")
            .json(r#"{"invitee":"{ivan}","verifyResult":true}"#)
            .outsider(Outcome::Refused((400, "invitee: is not invited to this group"))),
        row(post.clone(), "/chatgroups/{group}/apply", members(UNAUTHORIZED))
            .by("dave")
            .json(r#"{"username":"{dave}","message":"may I?"}"#)
            .after("app", Method::PUT, group, opened)
            .open("whoever sees a public group may apply to it"),
        row(post, "/chatgroups/{group}/apply_verify", members(OUTSIDER))
            .json(r#"{"applicant":"{dave}","verifyResult":true}"#)
            .after("app", Method::PUT, group, opened)
            .after("dave", Method::POST, "/chatgroups/{group}/apply", r#"{"message":"may I?"}"#),
    ]
}

fn attributes() -> Vec<Row> {
    let set = r#"{"metaData":{"about":"other"}}"#;
    let several = r#"{"targets":["{user}"],"properties":[]}"#;
    let at = |prefix: &str| {
        let one = format!("{prefix}/metadata/chatgroup/{{group}}/user/{{user}}");
        let many = format!("{prefix}/metadata/chatgroup/{{group}}/get");
        [
            row(Method::GET, &one, members(OUTSIDER)),
            row(Method::PUT, &one, members(OUTSIDER)).json(set),
            row(Method::POST, &many, members(OUTSIDER)).json(several),
        ]
    };
    at("").into_iter().chain(at("/sdk")).collect()
}

/// What groups and rooms have in common, below `at`; `out` is what outsiders are told.
pub(super) fn common(at: &'static str, out: Refused) -> Vec<Row> {
    let mut rows = of_the_whole(at, out);
    rows.extend(lists(at, out));
    rows.extend(silence(at, out));
    rows.extend(shared_files(at, out));
    rows
}

fn is_room(out: Refused) -> bool {
    out == NOT_THERE
}

/// Of a room everybody may see who it is: all may come in.
const SEEN: &str = "a room of the app is there for all its users to come into: what it is called, and who runs it is seen before";

fn of_the_whole(at: &'static str, out: Refused) -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let path = |rest: &str| format!("{at}{rest}");
    // The refusal names the one that was to be added.
    let named = (out.0, "Users {carl} are not members of this group!");
    let admins = if is_room(out) {
        row(get.clone(), &path("/admin"), EVERYBODY).open(SEEN)
    } else {
        row(get.clone(), &path("/admin"), members(out))
    };
    let details = if is_room(out) {
        row(get.clone(), at, EVERYBODY).open(SEEN)
    } else {
        row(get.clone(), at, members(OUTSIDER))
    };
    vec![
        details,
        row(put.clone(), at, members(out)).json(r#"{"description":"other"}"#),
        row(put, at, members(out)).json(r#"{"newowner":"{bob}"}"#),
        row(delete.clone(), at, members(out)),
        row(get.clone(), &path("/users"), members(out)).query("?pagenum=1&pagesize=10"),
        row(get.clone(), &path("/users"), members(out)).query("?limit=10"),
        row(post.clone(), &path("/users"), members(out)).json(CARL),
        row(post.clone(), &path("/users/{user=carl}"), members(named)),
        row(delete.clone(), &path("/users/{user=bob}"), members(out)),
        row(get.clone(), &path("/roles"), members(out)),
        admins,
        row(post.clone(), &path("/admin"), members(out)).json(r#"{"newadmin":"{bob}"}"#),
        row(delete, &path("/admin/{user=bob}"), members(out)).after(
            "app",
            Method::POST,
            if is_room(out) { "/chatrooms/{room}/admin" } else { "/chatgroups/{group}/admin" },
            r#"{"newadmin":"{bob}"}"#,
        ),
        row(get, &path("/announcement"), members(out)),
        row(post, &path("/announcement"), members(out)).json(r#"{"announcement":"other"}"#),
    ]
}

fn lists(at: &str, out: Refused) -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let path = |rest: &str| format!("{at}{rest}");
    vec![
        row(get.clone(), &path("/blocks/users"), members(out)),
        row(post.clone(), &path("/blocks/users"), members(out)).json(BOB),
        row(post.clone(), &path("/blocks/users/{user=bob}"), members(out)),
        row(delete.clone(), &path("/blocks/users/{user=gus}"), members(out)),
        row(get.clone(), &path("/white/users"), members(out)),
        row(post.clone(), &path("/white/users"), members(out)).json(BOB),
        row(get, &path("/white/users/{user=bob}"), members(out)),
        row(post, &path("/white/users/{user}"), members(out)),
        row(delete, &path("/white/users/{user=bob}"), members(out)),
    ]
}

fn silence(at: &'static str, out: Refused) -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let path = |rest: &str| format!("{at}{rest}");
    let room = is_room(out);
    let mute = if room { "/chatrooms/{room}/mute" } else { "/chatgroups/{group}/mute" };
    let bob = r#"{"usernames":["{bob}"],"mute_duration":-1}"#;
    vec![
        row(get.clone(), &path("/mute"), members(out)),
        row(post.clone(), &path("/mute"), members(out)).json(bob),
        row(delete.clone(), &path("/mute/{user=bob}"), members(out)).after(
            "app",
            Method::POST,
            mute,
            bob,
        ),
        row(get, &format!("/sdk{at}/mute/{{user=bob}}"), members(UNAUTHORIZED))
            .by("bob")
            .outsider(Outcome::Refused(out)),
        row(post, &path("/ban"), members(out)),
        row(delete, &path("/ban"), members(out)),
    ]
}

fn shared_files(at: &str, out: Refused) -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let path = |rest: &str| format!("{at}{rest}");
    let file = path(if is_room(out) {
        "/share_files/{file=poster}"
    } else {
        "/share_files/{file=shared}"
    });
    vec![
        row(get.clone(), &path("/share_files"), members(out)),
        row(post, &path("/share_files"), members(out)).file("file"),
        row(get, &file, members(out)),
        row(delete, &file, members(out)),
    ]
}
