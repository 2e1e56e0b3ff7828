//! A room and its users as JSON (classroom specification, sections 2.1.2, 2.3.1 and 2.6).

use serde_json::{Value, json};
use stoa_core::{ClassRole, RoomType};

use super::{Crosses, Participant, Room};
use crate::tree::Tree;

impl Room {
    /// `roomProperties`, as whoever sees right answers or does not.
    pub fn properties(&self, sees_answers: bool) -> Tree {
        let mut properties = Tree::new();
        let mut put = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        put("roomType", json!(self.kind.number()));
        put("state", json!(self.schedule.state));
        put("schedule", Value::Object(self.schedule.view()));
        put("flexProps", Value::Object(self.flex.clone()));
        put("widgets", Value::Object(self.widgets_view(sees_answers)));
        let mut processes = Tree::new();
        processes.insert("handsUp".into(), self.stage.view());
        processes.insert("waveArm".into(), self.hands.view());
        self.groups.add_processes(&mut processes);
        put("processes", Value::Object(processes));
        put("carousel", Value::Object(super::carousel::view(self.carousel.as_ref())));
        put("screen", super::screen::view(self.screen.as_ref()));
        put("expandedScope", self.gallery.view());
        put("muteChat", json!(u8::from(self.mute_chat)));
        put("groups", self.groups.view());
        let Crosses { media, messages } = self.crosses;
        put("crossRegion", json!({"media": media, "messages": messages}));
        properties
    }

    /// The room as the app's back end sees it.
    pub fn view(&self) -> Value {
        let rule = |rule: &super::RoleRule| {
            let mut view = Tree::new();
            if let Some(limit) = rule.limit {
                view.insert("limit".into(), json!(limit));
            }
            if let Some(stream) = rule.stream {
                let [on, video, audio] = [stream.on, stream.video, stream.audio].map(u8::from);
                let stream = json!({"state": on, "videoState": video, "audioState": audio});
                view.insert("defaultStream".into(), stream);
            }
            Value::Object(view)
        };
        let roles: Tree =
            self.roles.iter().map(|(number, role)| (number.to_string(), rule(role))).collect();
        json!({
            "roomUuid": self.id.as_str(),
            "roomName": self.name,
            "createTime": self.created.as_millis(),
            "scenario": "education",
            "roomTemplate": self.template(),
            "roleConfig": roles,
            "state": self.schedule.state,
            "muteChat": {"audience": self.mute_chat},
            "muteVideo": {},
            "muteAudio": {},
            "checkState": false,
            "roomProperties": self.properties(true),
        })
    }

    const fn template(&self) -> &'static str {
        match self.kind {
            RoomType::OneToOne => "edu_1v1_v1",
            RoomType::Lecture => "edu_big_v1",
            RoomType::Small => "edu_medium_v1",
            RoomType::Cloud => "cloud_class_v1",
            RoomType::Group => "edu_group_v1",
        }
    }

    /// `userProperties` of a user.
    pub fn user_properties_view(&self, user: &Participant) -> Tree {
        let mut properties = Tree::new();
        properties.insert("flexProps".into(), Value::Object(user.flex.clone()));
        properties.insert("widgets".into(), Value::Object(user.widgets.clone()));
        properties.insert("reward".into(), json!({"count": user.rewards}));
        properties.insert("tags".into(), Value::Object(user.tags.clone()));
        properties
    }

    /// Who it is: name and role.
    pub fn user_brief(&self, user: &Participant) -> Value {
        let role = user.role.name(self.kind);
        json!({"userUuid": user.id.as_str(), "userName": user.name, "role": role})
    }

    /// A user as the app's back end sees it.
    pub fn user_view(&self, user: &Participant) -> Value {
        json!({
            "userUuid": user.id.as_str(),
            "userName": user.name,
            "role": user.role.number().to_string(),
            "streamUuid": user.stream_uuid().to_string(),
            "state": u8::from(user.online),
            "userProperties": self.user_properties_view(user),
            "updateTime": user.updated.as_millis(),
        })
    }

    /// A user in an event of users who come and go.
    pub(crate) fn user_event(&self, user: &Participant, how: u8) -> Value {
        json!({
            "userUuid": user.id.as_str(),
            "userName": user.name,
            "role": user.role.name(self.kind),
            "userProperties": self.user_properties_view(user),
            "streamUuid": user.stream_uuid().to_string(),
            "type": how,
            "updateTime": user.updated.as_millis(),
        })
    }

    /// A user in a frame of users who come, and in the snapshot at entry.
    pub(crate) fn user_in_frame(&self, user: &Participant) -> Value {
        let shown = user.streams.iter().filter(|stream| self.is_shown(user, stream));
        let streams: Vec<Value> = shown.map(|stream| Value::Object(stream.view())).collect();
        json!({
            "userUuid": user.id.as_str(),
            "userName": user.name,
            "role": user.role.name(self.kind),
            "userProperties": self.user_properties_view(user),
            "streams": streams,
        })
    }

    /// Whom a user sees at entry: in a lecture only those who teach, and who is on the stage.
    pub(crate) fn is_seen_at_entry(&self, user: &Participant) -> bool {
        user.online
            && user.role.is_listed()
            && (self.kind != RoomType::Lecture
                || user.role != ClassRole::Student
                || self.is_on_stage(&user.id))
    }
}
