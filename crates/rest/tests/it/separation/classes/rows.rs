//! The rows: each endpoint once, and what it tells the back end, the teacher, an assistant, the student whom it
//! concerns, another one and an observer.

use stoa_core::App;

/// What is told to the columns in their order.
type Told = [u16; 6];

/// The app's back end alone.
const APP: Told = [200, 403, 403, 403, 403, 403];
/// Who teaches.
const TEACHING: Told = [200, 200, 200, 403, 403, 403];
/// The teacher.
const TEACHER: Told = [200, 200, 403, 403, 403, 403];
/// Who teaches, and the student whom it concerns.
const CONCERNED: Told = [200, 200, 200, 200, 403, 403];
/// The app, and the student whom it concerns.
const ITSELF: Told = [200, 403, 403, 200, 403, 403];
/// Everybody in the room, and the app.
const ALL: Told = [200; 6];
/// Nobody: the feature is off.
const OFF: Told = [403; 6];
/// The same about a user: others are told that their token is for somebody else.
const OFF_FOR: Told = [403, 401, 401, 403, 401, 401];
/// Everybody in the room: the feature is off. The app is not in it.
const OFF_INSIDE: Told = [401, 403, 403, 403, 403, 403];
/// Everybody in the room: there is no such connection. The app is not in it.
const NONE_INSIDE: Told = [401, 404, 404, 404, 404, 404];
/// Everybody in the room, and the app: it is never served.
const NEVER: Told = [405; 6];
/// The app, and the user whose name stands in the path and in the token.
const OWN_TOKEN: Told = [200, 401, 401, 200, 401, 401];
/// The user whose name stands in the path and in the token.
const SEATED: Told = [401, 401, 401, 200, 401, 401];

/// What has to be done before: by whom (`app` is the back end), method, path below the education plane, body.
pub(super) type Before = (&'static str, &'static str, &'static str, &'static str);

/// An endpoint.
pub(super) struct Row {
    pub(super) method: &'static str,
    plane: &'static str,
    /// With values for its variables: `{user=bob}`.
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    pub(super) told: Told,
    pub(super) before: &'static [Before],
}

impl Row {
    /// The path below the region, as the router has it.
    pub(super) fn below(&self) -> String {
        let mut template = format!("/{}/apps/{{app_id}}", self.plane);
        let mut rest = self.path;
        while let Some((before, variable)) = rest.split_once('{') {
            let (variable, after) = variable.split_once('}').unwrap();
            let (name, _) = variable.split_once('=').unwrap();
            template += &format!("{before}{{{name}}}");
            rest = after;
        }
        template + rest
    }

    /// The path below the region with its values.
    pub(super) fn at(&self, app: &App) -> String {
        let mut path = format!("/{}/apps/{}", self.plane, app.id);
        let mut rest = self.path;
        while let Some((before, variable)) = rest.split_once('{') {
            let (variable, after) = variable.split_once('}').unwrap();
            path += &format!("{before}{}", variable.split_once('=').unwrap().1);
            rest = after;
        }
        path + rest
    }
}

const fn edu(method: &'static str, path: &'static str, told: Told) -> Row {
    Row { method, plane: "edu", path, body: "", told, before: &[] }
}

const fn scene(method: &'static str, path: &'static str, told: Told) -> Row {
    Row { plane: "scene", ..edu(method, path, told) }
}

impl Row {
    const fn json(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn after(self, before: &'static [Before]) -> Self {
        Self { before, ..self }
    }
}

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = back_end();
    rows.extend(entry());
    rows.extend(stage());
    rows.extend(scenes());
    rows.extend(widgets());
    rows.extend(chat());
    rows.extend(groups());
    rows.extend(off());
    rows
}

const SET: &str = r#"{"properties":{"a":1}}"#;
const REMOVE: &str = r#"{"properties":["a"]}"#;
const BOBS: &str = r#"{"users":[{"userUuid":"bob","properties":{"a":1}}]}"#;
const NOT_BOBS: &str = r#"{"users":[{"userUuid":"bob","properties":["a"]}]}"#;

fn back_end() -> Vec<Row> {
    vec![
        edu("GET", "/v2/rooms/{room=class}", APP),
        edu("POST", "/v2/rooms/{room=class}", [409, 403, 403, 403, 403, 403])
            .json(r#"{"roomName":"x","roomType":4}"#),
        edu("PUT", "/v2/rooms/{room=class}/states/{state=1}", TEACHER),
        edu("PUT", "/v2/rooms/{room=class}/properties", TEACHING).json(SET),
        edu("DELETE", "/v2/rooms/{room=class}/properties", TEACHING).json(REMOVE),
        edu("GET", "/v2/rooms/{room=class}/users", ALL),
        edu("GET", "/v2/rooms/{room=class}/users/{user=bob}", CONCERNED),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/properties", CONCERNED).json(SET),
        edu("DELETE", "/v2/rooms/{room=class}/users/{user=bob}/properties", CONCERNED).json(REMOVE),
        edu("POST", "/v2/rooms/{room=class}/users/{user=bob}/exit", TEACHING),
        edu("GET", "/v2/rooms/{room=class}/sequences", ALL),
        Row { plane: "edu/polling", ..edu("GET", "/v2/rooms/sequences", APP) },
    ]
}

fn entry() -> Vec<Row> {
    let student = r#"{"role":2,"userName":"Bob"}"#;
    vec![
        edu("PUT", "/v3/rooms/{room=class}/users/{user=bob}", SEATED).json(student),
        edu("PUT", "/v3/rooms/{room=class}/users/{user=bob}/entry", SEATED).json(student),
        edu("PUT", "/v1/rooms/{room=class}/users/{user=bob}/token", OWN_TOKEN)
            .json(r#"{"token":"<token of bob>"}"#),
        edu("POST", "/v2/users/{user=bob}/token/invalid", APP),
        scene("POST", "/v2/rooms/{room=class}/users/{user=bob}/entry", SEATED)
            .json(r#"{"role":"audience","userName":"Bob","streamUuid":"0"}"#),
    ]
}

const ON_STAGE: &[Before] =
    &[("ann", "POST", "/v2/rooms/class/processes/handsUp/acceptance", r#"{"toUserUuid":"bob"}"#)];
const INVITED: &[Before] =
    &[("ann", "POST", "/v2/rooms/class/processes/handsUp/progress", r#"{"toUserUuid":"bob"}"#)];
const HAND_UP: &[Before] =
    &[("bob", "POST", "/v2/rooms/class/processes/waveArm/progress", r#"{"timeout":-1}"#)];
const SHARED: &[Before] =
    &[("app", "PUT", "/v2/rooms/class/properties", r#"{"properties":{"screenGrants.bob":true}}"#)];
const TO_BOB: &str = r#"{"toUserUuid":"bob"}"#;
const REWARD: &str = r#"{"rewardDetails":[{"userUuid":"bob","changeReward":1}]}"#;

fn stage() -> Vec<Row> {
    let students = [403, 403, 403, 200, 200, 403];
    vec![
        edu("PUT", "/v2/rooms/{room=class}/processes/handsUp/{state=1}", TEACHING)
            .json(r#"{"defaultAcceptRole":"audience"}"#),
        edu("POST", "/v2/rooms/{room=class}/processes/handsUp/progress", CONCERNED).json(TO_BOB),
        edu("DELETE", "/v2/rooms/{room=class}/processes/handsUp/progress", CONCERNED)
            .json(TO_BOB)
            .after(INVITED),
        edu("POST", "/v2/rooms/{room=class}/processes/handsUp/acceptance", CONCERNED)
            .json(TO_BOB)
            .after(INVITED),
        edu("DELETE", "/v2/rooms/{room=class}/processes/handsUp/acceptance", CONCERNED)
            .json(TO_BOB)
            .after(ON_STAGE),
        edu("DELETE", "/v2/rooms/{room=class}/processes/handsUp/acceptance/all", TEACHING)
            .after(ON_STAGE),
        edu("POST", "/v2/rooms/{room=class}/processes/waveArm/progress", students)
            .json(r#"{"timeout":3,"retry":true,"payload":{"userName":"x"}}"#),
        edu("DELETE", "/v2/rooms/{room=class}/processes/waveArm/progress", CONCERNED)
            .json(TO_BOB)
            .after(HAND_UP),
        edu("PUT", "/v2/rooms/{room=class}/carousels/states/{state=1}", TEACHING),
        edu("PUT", "/v2/rooms/{room=class}/expandedScope/states/{state=1}", TEACHER)
            .json(r#"{"userUuids":["bob"]}"#),
        edu("POST", "/v2/rooms/{room=class}/rewards", TEACHING).json(REWARD),
        edu("POST", "/v3/rooms/{room=class}/rewards", TEACHING).json(REWARD),
        edu("POST", "/v4/rooms/{room=class}/rewards", TEACHING).json(REWARD),
        edu("PUT", "/v2/rooms/{room=class}/users/properties/batch", CONCERNED).json(BOBS),
        edu("DELETE", "/v2/rooms/{room=class}/users/properties/batch", CONCERNED).json(NOT_BOBS),
        edu("PUT", "/v1/rooms/{room=class}/user/{user=bob}/tags/{key=seat}", TEACHING)
            .json(r#"{"properties":{"row":1}}"#),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/screen/{state=1}", ITSELF)
            .json(r#"{"audioState":1,"audioSourceState":1}"#)
            .after(SHARED),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/device", ITSELF)
            .json(r#"{"camera":1,"mic":0}"#),
    ]
}

fn scenes() -> Vec<Row> {
    let bobs = "/v1/rooms/{room=class}/users/{user=bob}/streams/{stream=<stream of bob>}";
    let speakers = [200, 200, 200, 200, 200, 403];
    vec![
        scene("GET", "/v1/rooms/{room=class}/sequences", ALL),
        scene(
            "GET",
            "/v1/rooms/{room=class}/users/{user=bob}/sequences",
            [200, 401, 401, 200, 401, 401],
        ),
        scene("PUT", "/v1/rooms/{room=class}/properties", TEACHING).json(SET),
        scene("DELETE", "/v1/rooms/{room=class}/properties", TEACHING).json(REMOVE),
        scene("PUT", "/v1/rooms/{room=class}/users/{user=bob}/properties", CONCERNED).json(SET),
        scene("DELETE", "/v1/rooms/{room=class}/users/{user=bob}/properties", CONCERNED)
            .json(REMOVE),
        scene("PUT", "/v1/rooms/{room=class}/users/properties", CONCERNED).json(BOBS),
        scene("DELETE", "/v1/rooms/{room=class}/users/properties", CONCERNED).json(NOT_BOBS),
        scene("PUT", bobs, TEACHING).json(r#"{"videoState":1,"audioState":0}"#),
        scene("PATCH", bobs, ITSELF).json(r#"{"videoSourceState":1,"audioSourceState":0}"#),
        scene("DELETE", bobs, CONCERNED),
        scene("PUT", "/v1/rooms/{room=class}/streams", TEACHING).json(
            r#"{"streams":[{"userUuid":"bob","streamUuid":"<stream of bob>","audioState":0}]}"#,
        ),
        scene("POST", "/v1/rooms/{room=class}/message/channel", speakers)
            .json(r#"{"payload":{"cmd":"flexMsg","data":{}},"sync":true}"#),
        scene("POST", "/v2/rooms/{room=class}/users/{to_user=ada}/messages/peer", speakers)
            .json(r#"{"payload":{"cmd":"flexMsg"},"waitForAck":false}"#),
        scene(
            "PUT",
            "/v1/rooms/{room=class}/users/{user=bob}/states/{state=1}",
            [403, 403, 403, 200, 403, 403],
        ),
    ]
}

const QUIZ: &[Before] = &[(
    "ann",
    "POST",
    "/v2/rooms/class/widgets/popupQuizs/start",
    r#"{"items":["A","B"],"correctItems":["A"]}"#,
)];
const POLL: &[Before] = &[(
    "ann",
    "POST",
    "/v2/rooms/class/widgets/polls/start",
    r#"{"mode":1,"pollItems":["yes","no"],"pollTitle":"Well?"}"#,
)];
const COUNTDOWN: &[Before] =
    &[("ann", "POST", "/v2/rooms/class/widgets/countdownTimer/start", r#"{"duration":60}"#)];
const HELD: &[Before] =
    &[COUNTDOWN[0], ("ann", "PUT", "/v2/rooms/class/widgets/countdownTimer/<made>/pause", "")];
const WIDGET: &[Before] =
    &[("ann", "PUT", "/v2/rooms/class/widgets/watermark", r#"{"state":1,"extra":{"a":1}}"#)];

fn widgets() -> Vec<Row> {
    let sees = [200, 200, 200, 403, 403, 200];
    let own = r#"{"answer":1}"#;
    vec![
        edu("PUT", "/v2/rooms/{room=class}/widgets/{widget=watermark}", TEACHING)
            .json(r#"{"state":1}"#),
        edu("DELETE", "/v2/rooms/{room=class}/widgets/{widget=watermark}", TEACHING).after(WIDGET),
        edu("DELETE", "/v2/rooms/{room=class}/widgets/{widget=watermark}/extra", TEACHING)
            .json(REMOVE)
            .after(WIDGET),
        edu("PUT", "/v2/rooms/{room=class}/widgets/{widget=notes}/users/{user=bob}", ITSELF)
            .json(own),
        edu("DELETE", "/v2/rooms/{room=class}/widgets/{widget=notes}/users/{user=bob}", ITSELF)
            .json(REMOVE),
        edu("POST", "/v2/rooms/{room=class}/widgets/popupQuizs/start", TEACHING).json(QUIZ[0].3),
        edu("POST", "/v2/rooms/{room=class}/widgets/popupQuizs/{id=<made>}/stop", TEACHING)
            .after(QUIZ),
        edu("PUT", "/v2/rooms/{room=class}/widgets/popupQuizs/{id=<made>}/correctItems", TEACHING)
            .json(r#"{"correctItems":["B"]}"#)
            .after(QUIZ),
        edu("GET", "/v2/rooms/{room=class}/widgets/popupQuizs/{id=<made>}/users", sees).after(QUIZ),
        edu(
            "PUT",
            "/v2/rooms/{room=class}/widgets/popupQuizs/{id=<made>}/users/{user=bob}",
            ITSELF,
        )
        .json(r#"{"selectedItems":["A"]}"#)
        .after(QUIZ),
        edu("GET", "/v2/rooms/{room=class}/widgets/popupQuiz/sequences", TEACHING),
        edu("POST", "/v2/rooms/{room=class}/widgets/polls/start", TEACHING).json(POLL[0].3),
        edu("POST", "/v2/rooms/{room=class}/widgets/polls/{id=<made>}/users/{user=bob}", ITSELF)
            .json(r#"{"selectIndex":[0]}"#)
            .after(POLL),
        edu("POST", "/v2/rooms/{room=class}/widgets/polls/{id=<made>}/stop", TEACHING).after(POLL),
        edu("GET", "/v2/rooms/{room=class}/widgets/poll/sequences", TEACHING),
        edu("POST", "/v2/rooms/{room=class}/widgets/countdownTimer/start", TEACHING)
            .json(COUNTDOWN[0].3),
        edu("PUT", "/v2/rooms/{room=class}/widgets/countdownTimer/{id=<made>}/pause", TEACHING)
            .after(COUNTDOWN),
        edu("PUT", "/v2/rooms/{room=class}/widgets/countdownTimer/{id=<made>}/continue", TEACHING)
            .after(HELD),
        edu("PUT", "/v2/rooms/{room=class}/widgets/countdownTimer/{id=<made>}/stop", TEACHING)
            .after(COUNTDOWN),
        edu("GET", "/v2/rooms/{room=class}/widgets/netlessBoard/windowManager", ALL),
        edu("PUT", "/v2/rooms/{room=class}/widgets/netlessBoard/windowManager", TEACHING)
            .json(r#"{"a":1}"#),
    ]
}

fn chat() -> Vec<Row> {
    let speakers = [200, 200, 200, 200, 200, 403];
    let words = r#"{"message":"Hello","type":1}"#;
    let to_all = r#"{"range":1,"type":"txt","msg":"Hello"}"#;
    let with_bob = "/v2/rooms/{room=class}/conversation/students/{user=bob}/messages";
    vec![
        edu("GET", "/v2/rooms/{room=class}/chat/messages", ALL),
        edu("POST", "/v2/rooms/{room=class}/chat/messages", TEACHING).json(to_all),
        edu("POST", "/v2/rooms/{room=class}/widgets/easemobIM/messages", TEACHING).json(to_all),
        edu("PATCH", "/v2/rooms/{room=class}/widgets/easemobIM/messages", TEACHING).json(to_all),
        edu("POST", "/v2/rooms/{room=class}/from/{user=bob}/chat", [403, 403, 403, 200, 403, 403])
            .json(words),
        scene("POST", "/v1/rooms/{room=class}/chat/channel", speakers).json(words),
        edu("GET", "/v2/rooms/{room=class}/widgets/easemobIM/users/{user=bob}/token", SEATED),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/role", APP).json(r#"{"role":1}"#),
        edu("PUT", "/v2/rooms/{room=class}/mute", TEACHING).json(r#"{"muteChat":1}"#),
        edu("GET", "/v2/rooms/{room=class}/conversation/students", TEACHING),
        edu("GET", with_bob, CONCERNED),
        edu("POST", with_bob, CONCERNED).json(words),
    ]
}

const GROUPS: &[Before] = &[(
    "ann",
    "PUT",
    "/v2/rooms/class/groups/states/1",
    r#"{"groups":[{"groupUuid":"g1","users":[{"userUuid":"bob"}]},{"groupUuid":"g2","users":[]}]}"#,
)];
const ASKED: &[Before] = &[
    GROUPS[0],
    (
        "ann",
        "PATCH",
        "/v2/rooms/class/groups/users",
        r#"{"groups":[{"groupUuid":"g2","addUsers":["bob"]}],"inProgress":true}"#,
    ),
];

fn groups() -> Vec<Row> {
    let invited = [403, 404, 404, 200, 404, 404];
    vec![
        edu("PUT", "/v2/rooms/{room=class}/groups/states/{state=1}", TEACHER).json(GROUPS[0].3),
        edu("POST", "/v2/rooms/{room=class}/groups/states/{state=1}", TEACHER)
            .json(r#"{"groups":[{"groupUuid":"g3"}]}"#)
            .after(GROUPS),
        edu("DELETE", "/v2/rooms/{room=class}/groups/states/{state=1}", TEACHER)
            .json(r#"{"removeGroupUuids":["g1"]}"#)
            .after(GROUPS),
        edu("PATCH", "/v2/rooms/{room=class}/groups/info", TEACHING)
            .json(r#"{"groups":[{"groupUuid":"g1","groupName":"One"}]}"#)
            .after(GROUPS),
        edu("PATCH", "/v2/rooms/{room=class}/groups/users", TEACHING)
            .json(r#"{"groups":[{"groupUuid":"g2","addUsers":[{"userUuid":"cid"}]}]}"#)
            .after(GROUPS),
        edu("POST", "/v2/rooms/{room=class}/groups/{group=g2}/acceptance", invited)
            .json(r#"{"leaveGroupUuids":["g1"]}"#)
            .after(ASKED),
        edu("DELETE", "/v2/rooms/{room=class}/groups/{group=g2}/progress", invited).after(ASKED),
    ]
}

fn off() -> Vec<Row> {
    vec![
        edu("POST", "/v1/rooms/{room=class}/whip", OFF_INSIDE),
        edu("POST", "/v1/rooms/{room=class}/whep", OFF_INSIDE),
        edu("DELETE", "/v1/rooms/{room=class}/whip/{session=7}", NONE_INSIDE),
        edu("DELETE", "/v1/rooms/{room=class}/whep/{session=7}", NONE_INSIDE),
        edu("PATCH", "/v1/rooms/{room=class}/whip/{session=7}", NEVER),
        edu("PATCH", "/v1/rooms/{room=class}/whep/{session=7}", NEVER),
        edu("GET", "/v2/rooms/{room=class}/records", OFF),
        edu("PUT", "/v2/rooms/{room=class}/records/ready", OFF),
        edu("PUT", "/v2/rooms/{room=class}/records/states/{state=1}", OFF),
        edu("PATCH", "/v2/rooms/{room=class}/records/states/{state=1}", OFF),
        edu("POST", "/v2/rooms/{room=class}/widgets/netlessBoard/scenes", OFF),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/screen", OFF),
        edu("DELETE", "/v2/rooms/{room=class}/users/{user=bob}/screen", OFF),
        edu("PUT", "/v2/rooms/{room=class}/processes/remoteControl/progress", OFF),
        edu("DELETE", "/v2/rooms/{room=class}/processes/remoteControl", OFF),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/remoteControl/acceptance", OFF),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/remoteControl/authorization", OFF),
        edu("DELETE", "/v2/rooms/{room=class}/users/{user=bob}/remoteControl/authorization", OFF),
        edu("PUT", "/v2/rooms/{room=class}/users/{user=bob}/remoteControl/token", OFF),
        edu("GET", "/v3/users/{user=bob}/resources/page", OFF_FOR),
        edu("POST", "/v3/users/{user=bob}/presignedUrls", OFF_FOR),
        edu("DELETE", "/v3/users/{user=bob}/resources", OFF_FOR),
        edu("POST", "/v3/users/{user=bob}/resources/{resource=x}", OFF_FOR),
        edu("PUT", "/v3/users/{user=bob}/resources/{resource=x}", OFF_FOR),
        edu("POST", "/v4/users/{user=bob}/resources/{resource=x}", OFF_FOR),
        edu("PUT", "/v4/users/{user=bob}/resources/{resource=x}", OFF_FOR),
    ]
}
