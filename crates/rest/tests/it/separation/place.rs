//! People and what they have: the objects that the rows are about.
//!
//! A place can be made several times, in one app or in two. Each has a tag of its own, and every name and text in it
//! begins with that: so it is seen at once where something of one place turns up in another.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::{Appended, Attachment, DeviceInfo, Draft, RoomMessage};
use stoa_core::{App, Caller, Clock, GroupId, MucKind, Resource, Target};
use stoa_wire::{Content, Jid, Message, MessageBody};

use super::row::Row;
use crate::form::Form;
use crate::lab::{Answer, Call, Deaf, Lab};

/// What stands for a placeholder.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids(BTreeMap<&'static str, String>);

/// The people of a place. alice owns the group and the room, in which bob is too; the two are contacts. ivan has
/// invited alice and is invited to the group. gus is blocked, by alice, the group and the room. carl and dave are
/// nobody's friends.
const PEOPLE: &[(&str, &str)] = &[
    ("user", "alice"),
    ("bob", "bob"),
    ("carl", "carl"),
    ("dave", "dave"),
    ("ivan", "ivan"),
    ("gus", "gus"),
];

impl Ids {
    pub(super) fn of(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("there is no placeholder {name}"))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// A value for each placeholder that there is.
    pub(super) fn all() -> Self {
        let mut all = Self::default().never();
        for name in ["org", "app", "now", "batch", "seconds", "one"] {
            all.set(name, name);
        }
        all
    }

    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.insert(name, value.into());
    }

    /// The same with those of `other` for `names`.
    pub(super) fn with(&self, names: &[&'static str], other: &Self) -> Self {
        let mut ids = self.clone();
        for name in names {
            ids.set(name, other.of(name));
        }
        ids
    }

    /// A path in which each variable is its placeholder: `{user=bob}` is `{bob}`.
    #[expect(clippy::unused_self, reason = "beside fill, with which it is used")]
    pub(super) fn plain(&self, path: &str) -> String {
        let mut plain = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('{') {
            let (variable, after) = after.split_once('}').unwrap();
            let name = variable.split_once('=').map_or(variable, |(_, alias)| alias);
            plain += &format!("{before}{{{name}}}");
            rest = after;
        }
        plain + rest
    }

    /// A text with all placeholders filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, value): (&&str, &String)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        self.0.iter().fold(text.to_owned(), fill)
    }

    /// An answer in which only the names of `names` stand for what they are.
    pub(super) fn hide(&self, names: &[&'static str], text: &str) -> String {
        let hide =
            |text: String, name: &&'static str| text.replace(self.of(name), &format!("[{name}]"));
        names.iter().fold(text.to_owned(), hide)
    }

    /// Ids of the same form that were never given, in the app of `self`.
    pub(super) fn never(&self) -> Self {
        let mut never = self.clone();
        for (name, _) in PEOPLE {
            never.set(name, format!("never-{name}"));
        }
        for (name, id) in [
            ("fresh", "never-fresh"),
            ("group", "7300000000001"),
            ("room", "7300000000002"),
            ("note", "1700000000000000001"),
            ("message", "1700000000000000002"),
            ("said", "1700000000000000003"),
            ("file", "11111111-2222-4333-8444-555555555501"),
            ("upload", "11111111-2222-4333-8444-555555555502"),
            ("shared", "11111111-2222-4333-8444-555555555503"),
            ("poster", "11111111-2222-4333-8444-555555555504"),
            ("secret", "AAAAAAAAAAAAAAAAAAAAAA"),
            ("device", "never-device"),
            ("token", "007nevergiven"),
            ("client", "00000000000000000000000000000000"),
            ("certificate", "11111111111111111111111111111111"),
        ] {
            never.set(name, id);
        }
        never
    }
}

/// A place.
pub(super) struct Place {
    pub(super) app: Arc<App>,
    pub(super) ids: Ids,
    /// alice is online.
    _session: Attachment,
}

/// A text as devices write it.
fn body(from: &str, to: &str, text: &str, kind: i32) -> Bytes {
    let content = Content { kind: Some(0), text: Some(text.into()), ..Content::default() };
    let body = MessageBody {
        kind: Some(kind),
        from: Some(Jid::named(from)),
        to: Some(Jid::named(to)),
        contents: vec![content],
        ..MessageBody::default()
    };
    body.encode_to_vec().into()
}

/// Makes a call in `app`: `who` is a user's name, or the back end.
pub(super) async fn call(
    lab: &Lab,
    app: &App,
    who: Option<&str>,
    (method, path): (Method, &str),
    body: Value,
) -> Answer {
    let path = format!("//{}/{}{path}", app.key.org(), app.key.app());
    let token = lab.token_of(app, who);
    lab.call(Call::new(method, &path).token(&token).json(body)).await
}

impl Place {
    /// Registers the people of a place, and answers their names.
    pub(super) async fn people(lab: &Lab, app: &Arc<App>, tag: &str) -> Ids {
        let mut ids = Ids::default();
        for (name, person) in PEOPLE {
            ids.set(name, format!("{tag}{person}"));
        }
        let users: Vec<Value> =
            PEOPLE.iter().map(|(name, _)| json!({ "username": ids.of(name) })).collect();
        call(lab, app, None, (Method::POST, "/users"), users.into()).await.done();
        ids
    }

    /// A place of the people that `ids` names, in `app`.
    pub(super) async fn make(lab: &Lab, app: &Arc<App>, tag: &str, ids: Ids) -> Self {
        let device = format!("{tag}web");
        let session = Self::online(lab, app, ids.of("user"), &device).await;
        let mut place = Self { app: app.clone(), ids, _session: session };
        place.ids.set("device", device);
        place.ids.set("org", app.key.org());
        place.ids.set("app", app.key.app());
        place.ids.set("fresh", format!("{tag}fresh"));
        place.ids.set("token", lab.token_of(app, Some(place.ids.of("ivan"))));
        for (name, value) in [("batch", "batch"), ("seconds", "600"), ("one", "1")] {
            place.ids.set(name, value);
        }
        place.ids.set("client", app.id.to_string());
        place.ids.set("certificate", app.certificates[1].expose());
        place.ties(lab, tag).await;
        place.group(lab, tag).await;
        place.room(lab, tag).await;
        place.messages(lab, tag).await;
        place.files(lab, tag).await;
        place
    }

    async fn caller(lab: &Lab, app: &App, who: Option<&str>) -> Caller {
        lab.chat.authenticate(&app.key, &lab.token_of(app, who)).await.unwrap()
    }

    async fn online(lab: &Lab, app: &App, user: &str, resource: &str) -> Attachment {
        let device = DeviceInfo {
            resource: resource.parse().unwrap(),
            uuid: format!("uuid-of-{resource}"),
            name: "webim".into(),
            platform: 16,
        };
        let caller = Self::caller(lab, app, Some(user)).await;
        lab.chat.attach(&caller, device, "", Arc::new(Deaf), None).unwrap()
    }

    /// Does something in the name of the person `who` (a placeholder), or of the back end, which must succeed.
    pub(super) async fn does(
        &self,
        lab: &Lab,
        who: &str,
        (method, path): (Method, &str),
        body: &str,
    ) -> Answer {
        let who = (who != "app").then(|| self.ids.of(who));
        let (path, body) = (self.ids.fill(path), self.ids.fill(body));
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        let answer = call(lab, &self.app, who, (method, &path), body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer
    }

    /// Does what has to be done before a row's call.
    pub(super) async fn prepare(&self, lab: &Lab, row: &Row) {
        for (who, method, path, body) in &row.before {
            self.does(lab, who, (method.clone(), path), body).await;
        }
        if row.password {
            let body = r#"{"newpassword":"secret"}"#;
            self.does(lab, "app", (Method::PUT, "/users/{user}/password"), body).await;
        }
    }

    async fn ties(&self, lab: &Lab, tag: &str) {
        for (who, method, path, body) in [
            ("app", Method::POST, "/users/{user}/contacts/users/{bob}", ""),
            ("ivan", Method::POST, "/users/{ivan}/contacts/apply", r#"{"usernames":["{user}"]}"#),
            ("user", Method::POST, "/users/{user}/blocks/users", r#"{"usernames":["{gus}"]}"#),
            ("user", Method::POST, "/users/{user}/presence/600", r#"{"usernames":["{bob}"]}"#),
        ] {
            self.does(lab, who, (method, path), body).await;
        }
        let body = json!({ "nickname": format!("{tag}hidden nickname") });
        let path = "/metadata/user/{user}";
        self.does(lab, "user", (Method::PUT, path), &body.to_string()).await;
    }

    async fn group(&mut self, lab: &Lab, tag: &str) {
        let body = json!({
            "groupname": format!("{tag}hidden group"), "description": format!("{tag}hidden words"),
            "owner": self.ids.of("user"), "members": [self.ids.of("bob"), self.ids.of("gus")],
            "public": false, "membersonly": true, "allowinvites": false,
        });
        let made = self.does(lab, "app", (Method::POST, "/chatgroups"), &body.to_string()).await;
        self.ids.set("group", made.body["data"]["groupid"].as_str().unwrap());
        self.furnish(lab, tag, "/chatgroups/{group}", "shared").await;
        // ivan is asked; others come at once.
        let asks = |asks: bool| json!({ "invite_need_confirm": asks }).to_string();
        self.does(lab, "user", (Method::PUT, "/chatgroups/{group}"), &asks(true)).await;
        let invite = (Method::POST, "/chatgroups/{group}/invite");
        self.does(lab, "user", invite, r#"{"usernames":["{ivan}"]}"#).await;
        self.does(lab, "user", (Method::PUT, "/chatgroups/{group}"), &asks(false)).await;
        let path = (Method::PUT, "/metadata/chatgroup/{group}/user/{user}");
        let body = json!({ "metaData": { "about": format!("{tag}hidden value") } });
        self.does(lab, "user", path, &body.to_string()).await;
    }

    async fn room(&mut self, lab: &Lab, tag: &str) {
        let body = json!({
            "name": format!("{tag}hidden room"), "description": format!("{tag}hidden words"),
            "owner": self.ids.of("user"), "members": [self.ids.of("bob"), self.ids.of("gus")],
        });
        let made = self.does(lab, "app", (Method::POST, "/chatrooms"), &body.to_string()).await;
        self.ids.set("room", made.body["data"]["id"].as_str().unwrap());
        self.furnish(lab, tag, "/chatrooms/{room}", "poster").await;
        let path = (Method::PUT, "/metadata/chatroom/{room}/user/{user}");
        let body = json!({ "metaData": { "topic": format!("{tag}hidden value") } });
        self.does(lab, "user", path, &body.to_string()).await;
    }

    /// What groups and rooms have in common.
    async fn furnish(&mut self, lab: &Lab, tag: &str, at: &str, file: &'static str) {
        let path = |rest: &str| format!("{at}/{rest}");
        self.does(lab, "user", (Method::POST, &path("blocks/users/{gus}")), "").await;
        self.does(lab, "user", (Method::POST, &path("white/users/{bob}")), "").await;
        let text = json!({ "announcement": format!("{tag}hidden announcement") }).to_string();
        self.does(lab, "user", (Method::POST, &path("announcement")), &text).await;
        let given = self.upload(lab, &path("share_files"), "file", tag).await;
        self.ids.set(file, given.body["data"]["file_id"].as_str().unwrap());
    }

    /// Sends a form as alice.
    async fn upload(&self, lab: &Lab, path: &str, field: &str, tag: &str) -> Answer {
        let (org, name) = (self.app.key.org(), self.app.key.app());
        let path = format!("//{org}/{name}{}", self.ids.fill(path));
        let text = format!("{tag}hidden bytes");
        let form = Form::new().text("part_number", "1");
        let form = form.file(field, &format!("{tag}hidden.txt"), text.as_bytes());
        let token = lab.token_of(&self.app, Some(self.ids.of("user")));
        let method = if field == "part_file" { Method::PUT } else { Method::POST };
        let answer = lab.call(Call::new(method, &path).token(&token).form(&form)).await;
        answer.done();
        answer
    }

    async fn messages(&mut self, lab: &Lab, tag: &str) {
        let (alice, bob) = (self.ids.of("user").to_owned(), self.ids.of("bob").to_owned());
        let (group, room) = (self.ids.of("group").to_owned(), self.ids.of("room").to_owned());
        let text = format!("{tag}hidden text");
        let to_bob = body(&alice, &bob, &text, 1);
        let note = self.say(lab, Target::User(bob.parse().unwrap()), to_bob).await;
        self.ids.set("note", note.id.to_string());
        let to_group = body(&alice, &group, &text, 2);
        let message = self.say(lab, Target::Group(group.parse().unwrap()), to_group).await;
        self.ids.set("message", message.id.to_string());
        let back_end = Self::caller(lab, &self.app, None).await;
        let said = RoomMessage {
            from: alice.parse().unwrap(),
            kind: Kind::Text,
            body: body(&alice, &room, &text, 3),
            ext: Bytes::new(),
            priority: Priority::Normal,
        };
        let room = GroupId::parse(MucKind::Room, &room).unwrap();
        let said = lab.chat.say_in_room(&back_end, &room, said).await.unwrap();
        self.ids.set("said", said.id.to_string());
        self.ids.set("now", lab.clock.now().as_millis().to_string());
    }

    /// Sends a message as alice's device.
    async fn say(&self, lab: &Lab, to: Target, body: Bytes) -> Appended {
        let caller = Self::caller(lab, &self.app, Some(self.ids.of("user"))).await;
        let (done, outcome) = tokio::sync::oneshot::channel();
        let receipts = matches!(to, Target::Group(_));
        let draft = Draft {
            to,
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            content_bytes: body.len(),
            client_id: u64::try_from(body.len()).unwrap(),
            body,
            ext: Bytes::new(),
            online_only: false,
            receipts,
            priority: Priority::Normal,
        };
        let done = Box::new(move |appended| drop(done.send(appended)));
        let device: Resource = self.ids.of("device").parse().unwrap();
        lab.chat.send(&caller, &device, draft, done).await;
        outcome.await.unwrap().unwrap()
    }

    async fn files(&mut self, lab: &Lab, tag: &str) {
        let given = self
            .upload(
                lab,
                "/chatfiles?chat-type=CHAT&chat-target={bob}&restrict-access=true",
                "file",
                tag,
            )
            .await;
        let entity = &given.body["entities"][0];
        self.ids.set("file", entity["uuid"].as_str().unwrap());
        self.ids.set("secret", entity["share-secret"].as_str().unwrap());
        let begun = self.does(lab, "user", (Method::POST, "/sdk/chatfiles/part-upload"), "").await;
        self.ids.set("upload", begun.body["entities"][0]["uuid"].as_str().unwrap());
        self.upload(lab, "/sdk/chatfiles/part-upload/{upload}", "part_file", tag).await;
    }
}
