//! Four data centres as four processes: what they tell each other, where they send clients, and that each serves when
//! the others are gone.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use rustls::version::TLS13;
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use stoa::tls::DirectoryIdentity;
use stoa_core::{Clock, Region, SystemClock};
use stoa_testclient::{Client, ConnectError, ConnectOptions};
use stoa_token::Builder007;

use crate::https;
use crate::server::{Place, Server, text};

/// Longer than the exchange ever takes; only so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data centre, which runs or not.
pub(crate) struct Centre {
    region: Region,
    pub(crate) place: Place,
    pub(crate) listen: SocketAddr,
    pub(crate) directory: SocketAddr,
    /// What it printed for the others.
    identity: Value,
    pub(crate) server: Option<Server>,
}

/// An app, and what its back end has.
pub(crate) struct App {
    region: Region,
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) certificate: String,
}

/// A free address on a loopback address of the region's own.
fn free(region: Region) -> SocketAddr {
    let last = 2 + Region::ALL.iter().position(|one| *one == region).unwrap();
    let ip = Ipv4Addr::new(127, 0, 0, u8::try_from(last).unwrap());
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl Centre {
    /// One that has its identity and no configuration yet.
    pub(crate) fn new(region: Region) -> Self {
        let place = Place::new();
        let asked = place.run(&["region", "identity", "--json", "--region", region.name()]);
        let identity = json_of(asked.answer());
        assert_eq!(text(&identity, "region"), region.name());
        Self {
            region,
            place,
            listen: free(region),
            directory: free(region),
            identity,
            server: None,
        }
    }

    /// All four, each of which has the same table.
    fn four() -> Vec<Self> {
        let centres: Vec<_> = Region::ALL.map(Self::new).into();
        let table: String = centres.iter().map(|centre| centre.table(centre.directory)).collect();
        centres.iter().for_each(|centre| centre.configure(&table));
        centres
    }

    /// What the table says of it.
    pub(crate) fn table(&self, directory: SocketAddr) -> String {
        let Self { region, listen, identity, .. } = self;
        let (key, certificate) = (text(identity, "signingKey"), text(identity, "certificate"));
        format!(
            "[regions.{region}]\nrest = '{listen}'\nws = '{listen}'\ndirectory = '{directory}'\n\
             signing-key = '{key}'\ncertificate = '{certificate}'\n"
        )
    }

    pub(crate) fn configure(&self, table: &str) {
        let Self { region, listen, directory, .. } = self;
        let mut file = String::new();
        let _ = write!(
            file,
            "region = '{region}'\nlisten = '{listen}'\ndirectory-listen = '{directory}'\nlog-format = 'json'\n{table}"
        );
        std::fs::write(self.place.path("stoa.toml"), file).unwrap();
    }

    pub(crate) fn start(&mut self) {
        let server = Server::start(self.place.command(&["serve"]));
        assert_eq!(server.field("directory"), self.directory.to_string());
        self.server = Some(server);
    }

    fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    pub(crate) fn create(&self, key: &str) -> App {
        let file = key.replace('#', "-");
        let created =
            self.place.run(&["app", "create", "--json", "--key", key, "--certificate-file", &file]);
        let app = json_of(created.answer());
        let certificate =
            std::fs::read_to_string(self.place.path(&file)).unwrap().trim().to_owned();
        let id = text(&app, "appId").to_owned();
        App { region: self.region, key: key.into(), id, certificate }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.place.data().join("tls/ca.pem")
    }

    fn call(&self, path: &str, headers: &[&str]) -> https::Answer {
        let name = self.listen.ip().to_string();
        let stream = https::connect(&self.ca(), self.listen, &name, &TLS13).unwrap();
        https::request(stream, "GET", path, headers, None)
    }

    /// The DNS document for an app.
    fn document(&self, app: &App) -> https::Answer {
        let by_key = format!("/easemob/server.json?app_key={}", app.key.replace('#', "%23"));
        self.call(&by_key, &[])
    }

    /// Waits until the DNS document for an app has that status.
    pub(crate) fn waits_for(&self, app: &App, status: u16) {
        let began = Instant::now();
        while self.document(app).status != status {
            assert!(began.elapsed() < PATIENCE, "{} does not learn of {}", self.region, app.key);
        }
    }

    async fn log_in(&self, app: &App, user: &str) -> Result<Client, ConnectError> {
        Client::connect(ConnectOptions {
            url: format!("wss://{}/websocket", self.listen),
            ca_pem: Some(std::fs::read_to_string(self.ca()).unwrap()),
            app_key: app.key.clone(),
            user: user.into(),
            token: app.token(Some(user)),
            resource: "webim_web_1".into(),
        })
        .await
    }
}

impl App {
    fn token(&self, user: Option<&str>) -> String {
        let now = u32::try_from(SystemClock.now().as_secs()).unwrap();
        let token = Builder007::new(&self.id, &self.certificate, now, 3600, 7);
        let token = match user {
            Some(user) => token.chat_user(user),
            None => token.chat_app(),
        };
        token.build().unwrap()
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.key.replace('#', "/"))
    }
}

/// An answer without what differs each time.
fn plain(mut answer: https::Answer) -> (u16, Value) {
    for field in ["timestamp", "duration"] {
        answer.body.as_object_mut().unwrap().remove(field);
    }
    (answer.status, answer.body)
}

#[test]
fn four_data_centres_direct_clients_to_each_other_and_each_serves_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut centres = Centre::four();
    centres.iter_mut().for_each(Centre::start);
    let apps: Vec<App> =
        centres.iter().map(|centre| centre.create(&format!("acme#{}", centre.region))).collect();
    for (centre, app) in centres.iter().flat_map(|c| apps.iter().map(move |app| (c, app))) {
        centre.waits_for(app, 200);
    }

    for app in &apps {
        let home = centres.iter().find(|centre| centre.region == app.region).unwrap();
        for name in ["anna", "bert"] {
            home.place.run(&["user", "create", "--app", &app.key, "--user", name]).answer();
        }
        let said = plain(home.document(app));
        assert_eq!(said.1["rest"]["hosts"][0]["domain"], home.listen.ip().to_string());
        assert_eq!(said.1["msync-wx"]["hosts"][0]["port"], home.listen.port().to_string());
        let (rest, ws) =
            (format!("https://{}", home.listen), format!("wss://{}/websocket", home.listen));
        for centre in &centres {
            assert_eq!(plain(centre.document(app)), said, "{} of {}", centre.region, app.key);
            let by_id = format!("/easemob/server.json?app_id={}", app.id);
            assert_eq!(plain(centre.call(&by_id, &[])), said);
            let token = format!("Authorization: Bearer {}", app.token(None));
            let user = format!("Authorization: Bearer {}", app.token(Some("anna")));
            let users = app.path("/users/anna");
            if centre.region == app.region {
                assert_eq!(centre.call(&users, &[&token]).status, 200);
                continue;
            }
            // Whoever asks, and for whom: nothing is looked up.
            let nobody = app.path("/users/nobody");
            let mut answers = Vec::new();
            for path in [&users, &nobody] {
                let garbage = "Authorization: Bearer 007garbage";
                for headers in [&[][..], &[token.as_str()], &[user.as_str()], &[garbage]] {
                    answers.push(plain(centre.call(path, headers)));
                }
            }
            let (status, body) = &answers[0];
            assert_eq!((*status, text(body, "error")), (421, "region_mismatch"), "{body}");
            assert_eq!(text(body, "region"), app.region.name());
            assert_eq!((text(body, "rest_url"), text(body, "ws_url")), (&*rest, &*ws));
            assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
            match runtime.block_on(centre.log_in(app, "anna")) {
                Err(ConnectError::Refused { code: 1, reason }) => {
                    assert!(reason.contains(&ws), "{reason}");
                }
                other => panic!("{:?}", other.map(|_| "a session").map_err(|e| e.to_string())),
            }
        }
        runtime.block_on(async {
            let anna = home.log_in(app, "anna").await.unwrap();
            assert_eq!(anna.send_text("bert", "at home").await.unwrap().code, 0);
        });
    }
    let unknown = App { key: "acme#nothing".into(), ..apps[0].clone() };
    let answers: Vec<_> = centres.iter().map(|centre| plain(centre.document(&unknown))).collect();
    assert_eq!(answers[0].0, 404);
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");

    // What is known to be elsewhere is not made here.
    let taken = centres[0].place.run(&["app", "create", "--key", &apps[2].key]);
    assert!(taken.refused(1).contains("exists in the region 'eu'"), "{}", taken.stderr);
    let listed = json_of(centres[0].place.run(&["region", "list", "--json"]).answer());
    for region in listed["regions"].as_array().unwrap() {
        assert_eq!(region["apps"], 1, "{region}");
        let here = region["here"].as_bool().unwrap();
        assert_eq!(here, region["region"] == "cn");
        assert!(here || region["directory"]["problem"].is_null(), "{region}");
    }
    assert_eq!(listed["conflicts"], json!([]));

    // A deleted app is unknown everywhere, and its key is free again.
    let gone = &apps[1];
    let delete = ["app", "delete", "--key", &gone.key, "--confirm", &gone.key];
    centres[1].place.run(&delete).answer();
    centres.iter().for_each(|centre| centre.waits_for(gone, 404));
    let again = centres[0].create(&gone.key);
    centres.iter().for_each(|centre| centre.waits_for(&again, 200));

    // One is gone: the others know where its apps are. All are gone, and the last is started anew.
    for last in [2, 3, 0] {
        centres[last].kill();
        for centre in centres.iter().filter(|centre| centre.server.is_some()) {
            assert_eq!(plain(centre.document(&apps[last])).0, 200);
        }
    }
    let alone = &mut centres[1];
    alone.kill();
    alone.start();
    assert_eq!(alone.document(&apps[2]).body["rest"]["hosts"][0]["domain"], "127.0.0.4");
    assert_eq!(alone.call(&apps[2].path("/users"), &[]).status, 421);
    let own = alone.create("acme#own");
    let token = format!("Authorization: Bearer {}", own.token(None));
    assert_eq!(alone.call(&own.path("/users"), &[&token]).status, 200);
}

impl Clone for App {
    fn clone(&self) -> Self {
        let Self { region, key, id, certificate } = self;
        Self { region: *region, key: key.clone(), id: id.clone(), certificate: certificate.clone() }
    }
}

/// A socket, and all bytes that went through it.
struct Recorded {
    socket: TcpStream,
    bytes: Vec<u8>,
}

impl Read for Recorded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.socket.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl std::io::Write for Recorded {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.socket.write(buffer)?;
        self.bytes.extend_from_slice(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

/// The schema of the exchange once more, so that what is not in it is found.
mod schema {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Page {
        #[prost(message, repeated, tag = "1")]
        pub(super) records: Vec<Signed>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Signed {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) body: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) signature: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Record {
        #[prost(string, tag = "1")]
        pub(super) app_id: String,
        #[prost(string, tag = "2")]
        pub(super) app_key: String,
        #[prost(string, tag = "3")]
        pub(super) region: String,
        #[prost(uint64, tag = "4")]
        pub(super) version: u64,
        #[prost(bool, tag = "5")]
        pub(super) deleted: bool,
    }
}

/// The test is the other data centre, so it has both directions in clear, and the bytes on the wire.
#[test]
fn what_goes_between_data_centres_is_the_directory_and_nothing_else() {
    const CANARY: &str = "canary7f3a";
    let (mut eu, na) = (Centre::new(Region::Eu), Centre::new(Region::Na));
    let own = DirectoryIdentity::create(Region::Na, SystemClock.now()).unwrap();
    let listener = TcpListener::bind(free(Region::Na)).unwrap();
    let directory = listener.local_addr().unwrap();
    let print = own.fingerprint().unwrap().to_string();
    let of_na = na.table(directory).replace(text(&na.identity, "certificate"), &print);
    eu.configure(&format!("{}{of_na}", eu.table(eu.directory)));
    eu.start();
    let app = eu.create("acme#support");
    eu.place.run(&["user", "create", "--app", &app.key, "--user", CANARY]).answer();
    eu.place.run(&["user", "create", "--app", &app.key, "--user", "bert"]).answer();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let session = eu.log_in(&app, CANARY).await.unwrap();
        let said = session.send_text("bert", &format!("{CANARY} is what is said")).await;
        assert_eq!(said.unwrap().code, 0);
    });
    let print = text(&eu.identity, "certificate").parse().unwrap();
    let mut wire = Vec::new();

    // What it asks for.
    let (socket, _) = listener.accept().unwrap();
    let server = ServerConnection::new(Arc::new(own.server(vec![print]).unwrap())).unwrap();
    let recorded = Recorded { socket, bytes: Vec::new() };
    let mut stream = StreamOwned::new(server, recorded);
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        asked.push(byte[0]);
    }
    let asked = String::from_utf8(asked).unwrap().to_ascii_lowercase();
    let mut lines = asked.split("\r\n").filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("get /v1/directory?after=0 http/1.1"));
    let mut headers: Vec<_> = lines.map(str::to_owned).collect();
    headers.sort();
    let agent = format!("user-agent: stoa/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(headers, ["connection: close".into(), format!("host: {directory}"), agent]);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    stream.flush().unwrap();
    wire.append(&mut stream.sock.bytes);

    // What it answers.
    let client = Arc::new(own.client(print).unwrap());
    let name = ServerName::try_from("directory").unwrap();
    let client = ClientConnection::new(client, name).unwrap();
    let recorded =
        Recorded { socket: TcpStream::connect(eu.directory).unwrap(), bytes: Vec::new() };
    let mut stream = StreamOwned::new(client, recorded);
    let ask = "GET /v1/directory?after=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    wire.append(&mut stream.sock.bytes);
    let at = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..at].to_vec()).unwrap().to_ascii_lowercase();
    let mut names: Vec<_> =
        head.split("\r\n").skip(1).map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(names, ["connection", "content-length", "content-type", "date"]);
    let body = &answer[at + 4..];
    let page = schema::Page::decode(body).unwrap();
    assert_eq!(page.encode_to_vec(), body, "there is nothing beside the records");
    let [signed] = &page.records[..] else { panic!("{page:?}") };
    let record = schema::Record::decode(&*signed.body).unwrap();
    assert_eq!(record.encode_to_vec(), signed.body, "nor in a record");
    assert_eq!((&record.app_key, &record.app_id), (&app.key, &app.id));
    assert_eq!((&*record.region, record.deleted, signed.signature.len()), ("eu", false, 64));

    let holds = |bytes: &[u8], text: &str| {
        bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
    };
    assert!(holds(&answer, "acme") && !holds(&answer, CANARY) && !holds(&answer, "bert"));
    for text in [CANARY, "acme", "bert", "directory?after", &app.id] {
        assert!(!holds(&wire, text), "{text} can be read on the wire");
    }
    let log = eu.server.take().unwrap().end();
    assert!(!log.contains(CANARY));
}

/// Nobody else comes in: without a certificate, with another one, or to another path.
#[test]
fn the_directory_is_for_those_alone_whom_the_operator_has_named() {
    let (mut eu, na) = (Centre::new(Region::Eu), Centre::new(Region::Na));
    eu.configure(&format!("{}{}", eu.table(eu.directory), na.table(na.directory)));
    eu.start();
    let print = text(&eu.identity, "certificate").parse().unwrap();
    let stranger = DirectoryIdentity::create(Region::Na, SystemClock.now()).unwrap();
    let name = ServerName::try_from("directory").unwrap();
    let client = ClientConnection::new(Arc::new(stranger.client(print).unwrap()), name).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(eu.directory).unwrap());
    // In TLS 1.3 a client hears of a refusal when it first reads.
    let _ = stream.write_all(b"GET /v1/directory?after=0 HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut read = Vec::new();
    assert!(stream.read_to_end(&mut read).is_err() && read.is_empty());
    // It is on its own listener.
    assert_eq!(eu.call("/v1/directory?after=0", &[]).status, 404);
    // Who cannot be reached is shown, and nothing waits for it.
    let began = Instant::now();
    loop {
        let listed = json_of(eu.place.run(&["region", "list", "--json"]).answer());
        let of_na = &listed["regions"][3];
        assert_eq!((&of_na["region"], &of_na["apps"]), (&json!("na"), &json!(0)));
        if of_na["directory"]["problem"].is_string() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{of_na}");
    }
    eu.server.take().unwrap().end();
}

/// No command and no setting takes an app from one region to another.
#[test]
fn nothing_that_can_be_asked_for_moves_an_app() {
    let (eu, na) = (Centre::new(Region::Eu), Centre::new(Region::Na));
    eu.create("acme#support");
    // The region is a setting of the data centre; where the data are, another one is refused by every command.
    let help = eu.place.run(&["app", "set", "--help"]);
    assert!(!help.answer().lines().any(|line| line.trim_start().starts_with("region")));
    for command in [
        &["app", "create", "--key", "acme#other", "--region", "na"][..],
        &["app", "list", "--region", "na"],
        &["app", "show", "--key", "acme#support", "--region", "na"],
        &["app", "set", "plan", "--key", "acme#support", "free", "--region", "na"],
        &["region", "list", "--region", "na"],
        &["serve", "--listen", "127.0.0.1:0", "--region", "na"],
    ] {
        let refused = eu.place.run(command);
        let why = refused.refused(2);
        assert!(why.contains("the data belongs to region 'eu'"), "{command:?}: {why}");
    }
    // Nor do the data open elsewhere by being put there.
    std::fs::remove_dir_all(na.place.data()).unwrap();
    std::fs::rename(eu.place.data(), na.place.data()).unwrap();
    let refused = na.place.run(&["serve", "--listen", "127.0.0.1:0", "--region", "na"]);
    assert!(!refused.stderr.is_empty() && refused.code != Some(0), "{}", refused.stderr);
}
