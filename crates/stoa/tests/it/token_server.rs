//! The token server of a real server: certificates through the command line, calls over mutual TLS, and
//! the examples as whoever copies them runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustls::version::TLS13;
use serde_json::{Value, json};

use crate::https;
use crate::server::{Place, Server, text};

const APP: &str = "acme#support";
const BODY: &str = r#"{"user":"anna@example.org"}"#;

/// A server with a token server and an app.
struct Lab {
    place: Place,
    server: Server,
}

impl Lab {
    fn start(more: &[&str]) -> Self {
        let place = Place::new();
        place.run(&["app", "create", "--key", APP]).answer();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
        let tokens = ["--token-server-listen", "127.0.0.1:0"];
        let arguments = [&serve[..], &tokens, more].concat();
        let server = Server::start(place.command(&arguments));
        Self { place, server }
    }

    fn address(&self, field: &str) -> SocketAddr {
        self.server.field(field).parse().unwrap()
    }

    fn tokens(&self) -> SocketAddr {
        self.address("token_server")
    }

    fn ca(&self) -> PathBuf {
        self.place.data().join("tls/ca.pem")
    }

    /// Issues a client's certificate and returns the directory with it.
    fn issue(&self, name: &str) -> PathBuf {
        let out = self.place.path(name);
        let arguments = ["token-server", "client", "issue", "--app", APP, "--name", name, "--out"];
        let mut command = self.place.command(&arguments);
        let done = command.arg(&out).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        out
    }

    /// A connection with the certificate in that directory, or without.
    fn connect(&self, dir: Option<&Path>) -> std::io::Result<https::Stream> {
        let files = dir.map(|dir| (dir.join("client.pem"), dir.join("client-key.pem")));
        let files = files.as_ref().map(|(certificate, key)| (&**certificate, &**key));
        https::connect_as(files, &self.ca(), self.tokens(), "127.0.0.1", &TLS13)
    }

    /// Whether a token opens the REST door for its user.
    fn assert_opens(&self, token: &str, username: &str) {
        let public = self.address("address");
        let stream = https::connect(&self.ca(), public, "127.0.0.1", &TLS13).unwrap();
        let bearer = format!("Authorization: Bearer {token}");
        let path = format!("/acme/support/users/{username}");
        let answer = https::request(stream, "GET", &path, &[&bearer], None);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// One call on a connection that stays open.
fn call(stream: &mut https::Stream, path: &str, body: &str) -> std::io::Result<(u16, Value)> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes())?;
    stream.flush()?;
    answer(stream)
}

/// Reads one answer: its status and its body.
fn answer(stream: &mut https::Stream) -> std::io::Result<(u16, Value)> {
    let mut lines = BufReader::new(stream);
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.parse().unwrap();
        } else if line.is_empty() {
            break;
        }
    }
    if status == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body)?;
    Ok((status, serde_json::from_slice(&body).unwrap()))
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap()
}

#[test]
fn a_client_mints_over_mutual_tls_until_it_is_removed() {
    use std::os::unix::fs::PermissionsExt;

    let lab = Lab::start(&[]);
    let dir = lab.issue("shop");
    let mode = std::fs::metadata(dir.join("client-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read(dir.join("ca.pem")).unwrap(), std::fs::read(lab.ca()).unwrap());

    let mut kept = lab.connect(Some(&dir)).unwrap();
    let (status, first) = call(&mut kept, "/v1/tokens", BODY).unwrap();
    assert_eq!((status, first["created"].as_bool()), (200, Some(true)), "{first}");
    lab.assert_opens(text(&first, "token"), text(&first, "username"));
    let (_, again) = call(&mut kept, "/v1/tokens", BODY).unwrap();
    assert_eq!(again["username"], first["username"]);
    assert_eq!(again["created"], false);

    // The name does not lead back to the id, and the id is in no file.
    let listed = lab.place.run(&["user", "list", "--json", "--app", APP]);
    assert!(listed.answer().contains(text(&first, "username")) && !listed.stdout.contains("anna"));

    let listed = lab.place.run(&["token-server", "client", "list", "--json"]);
    let client: Value = serde_json::from_str(listed.answer()).unwrap();
    assert_eq!((text(&client, "name"), text(&client, "credential")), ("shop", "certificate"));
    assert!(client["appLastMinted"].as_u64().is_some());

    // The connection is the one that was let in; the client is not let in any more.
    lab.place.run(&["token-server", "client", "remove", "--app", APP, "--name", "shop"]).answer();
    let (status, refused) = call(&mut kept, "/v1/tokens", BODY).unwrap();
    assert_eq!((status, code(&refused)), (401, "unknown_client"));
    let mut fresh = lab.connect(Some(&dir)).unwrap();
    let (status, refused) = call(&mut fresh, "/v1/tokens", BODY).unwrap();
    assert_eq!((status, code(&refused)), (401, "unknown_client"));
    let log = lab.server.end();
    assert!(!log.contains("anna"), "{log}");
}

#[test]
fn it_is_on_its_own_listener_and_nothing_else_is_there() {
    let lab = Lab::start(&[]);
    let dir = lab.issue("shop");
    let public = lab.address("address");
    for path in ["/v1/tokens", "/v1/users/lookup", "/v1/users/delete"] {
        let stream = https::connect(&lab.ca(), public, "127.0.0.1", &TLS13).unwrap();
        let body = json!({ "user": "anna" });
        let answer = https::request(stream, "POST", path, &[], Some(&body));
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.body["token"].is_null());
    }
    for path in ["/healthz", "/acme/support/users", "/easemob/server.json"] {
        let answer = https::request(lab.connect(Some(&dir)).unwrap(), "GET", path, &[], None);
        assert_eq!((answer.status, code(&answer.body)), (404, "unknown_path"), "{path}");
    }
    // No sessions either.
    let upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let mut stream = lab.connect(Some(&dir)).unwrap();
    stream.write_all(upgrade.as_bytes()).unwrap();
    let (status, refused) = answer(&mut stream).unwrap();
    assert_eq!((status, code(&refused)), (404, "unknown_path"));
}

#[test]
fn certificates_can_be_required_and_those_of_others_open_nothing() {
    let lab = Lab::start(&["--token-server-client-certificates", "required"]);
    let dir = lab.issue("shop");
    let mut good = lab.connect(Some(&dir)).unwrap();
    assert_eq!(call(&mut good, "/v1/tokens", BODY).unwrap().0, 200);
    // In TLS 1.3 a client hears of a refusal when it first reads.
    let none = lab.connect(None).and_then(|mut stream| call(&mut stream, "/v1/tokens", BODY));
    assert!(none.is_err(), "{none:?}");

    let other = Lab::start(&[]);
    let foreign = lab.connect(Some(&other.issue("shop")));
    let foreign = foreign.and_then(|mut stream| call(&mut stream, "/v1/tokens", BODY));
    assert!(foreign.is_err(), "{foreign:?}");
}

#[test]
fn a_key_counts_from_its_addresses_on_loopback() {
    let lab = Lab::start(&[]);
    let file = lab.place.path("key");
    let create = ["token-server", "key", "create", "--app", APP, "--key-file", "key"];
    let refused = lab.place.run(&[&create[..], &["--name", "till"]].concat());
    assert!(refused.refused(2).contains("--address"), "{}", refused.stderr);
    lab.place.run(&[&create[..], &["--name", "till", "--address", "10.0.0.0/8"]].concat()).answer();
    let key = std::fs::read_to_string(&file).unwrap();
    let bearer = format!("Authorization: Bearer {}", key.trim());
    let body = json!({ "user": "anna" });
    let ask = || {
        let stream = lab.connect(None).unwrap();
        https::request(stream, "POST", "/v1/tokens", &[&bearer], Some(&body))
    };
    let elsewhere = ask();
    assert_eq!((elsewhere.status, code(&elsewhere.body)), (403, "address_not_allowed"));
    let allow = ["token-server", "allow", "--app", APP, "--name", "till", "--address", "127.0.0.1"];
    lab.place.run(&allow).answer();
    let minted = ask();
    assert_eq!(minted.status, 200, "{}", minted.body);
    lab.assert_opens(text(&minted.body, "token"), text(&minted.body, "username"));
    let anywhere = lab.place.run(&allow[..6]);
    assert!(anywhere.refused(2).contains("at least one range"), "{}", anywhere.stderr);
}

#[test]
fn addresses_that_strangers_or_others_reach_are_refused() {
    let place = Place::new();
    place.run(&["app", "create", "--key", APP]).answer();
    let serve = ["serve", "--listen", "127.0.0.1:8443", "--token-server-listen"];
    for (address, says) in [
        ("0.0.0.0:8444", "strangers"),
        ("203.0.113.1:8444", "strangers"),
        ("169.254.1.1:8444", "strangers"),
        ("127.0.0.1:8443", "is that of listen"),
        ("0.0.0.0:8443", "is that of listen"),
    ] {
        let refused = place.run(&[&serve[..], &[address]].concat());
        assert!(refused.refused(2).contains(says), "{address}: {}", refused.stderr);
    }
    let unnamed = place.run(&["token-server"]);
    assert!(unnamed.refused(2).contains("token-server-listen"), "{}", unnamed.stderr);
}

#[test]
fn it_runs_alone_but_not_beside_a_server() {
    let place = Place::new();
    place.run(&["app", "create", "--key", APP]).answer();
    let alone = ["token-server", "--token-server-listen", "127.0.0.1:0", "--log-format", "json"];
    let server = Server::start(place.command(&alone));
    assert_eq!(server.field("address"), server.field("token_server"), "there is no other listener");
    let lab = Lab { place, server };
    let dir = lab.issue("shop");
    let mut stream = lab.connect(Some(&dir)).unwrap();
    assert_eq!(call(&mut stream, "/v1/tokens", BODY).unwrap().0, 200);
    let beside = lab.place.run(&alone);
    assert!(
        beside.refused(3).contains("set token-server-listen for the server"),
        "{}",
        beside.stderr
    );
    lab.server.end();
}

#[test]
fn the_examples_mint_tokens_that_open_the_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let example = |path: &str| root.join("examples/token-server").join(path);
    let lab = Lab::start(&["--token-server-client-certificates", "required"]);
    let dir = lab.issue("shop");
    let url = format!("https://{}", lab.tokens());

    let mut node = Command::new("node");
    node.arg(example("node/mint.mjs"));
    let mut python = Command::new("python3");
    python.arg(example("python/mint.py"));
    let rust = Command::new(rust_example(&root));

    for (name, mut command) in [("node", node), ("python", python), ("rust", rust)] {
        let id = format!("anna of {name}");
        let ended = command.arg(&url).arg(&dir).arg(&id).output();
        let ended = ended.unwrap_or_else(|error| panic!("{name} is needed: {error}"));
        assert!(ended.status.success(), "{name}: {}", String::from_utf8_lossy(&ended.stderr));
        let token = String::from_utf8(ended.stdout).unwrap();
        let body = json!({ "user": id }).to_string();
        let mut stream = lab.connect(Some(&dir)).unwrap();
        let (_, user) = call(&mut stream, "/v1/users/lookup", &body).unwrap();
        lab.assert_opens(token.trim(), text(&user, "username"));

        // Whoever is not let in is told so.
        let nobody = command_again(&command, &lab.place.path("nowhere"));
        assert!(!nobody, "{name}: without its files it must fail");
    }
}

/// The example in Rust, compiled. It is chosen out of the whole workspace, as its tests are: for a package alone cargo
/// would compile half of the dependencies with other features.
fn rust_example(root: &Path) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--workspace", "--exclude", "xtask"]);
    build.args(["--example", "token-server-client"]).current_dir(root);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "the example does not compile");
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("examples/token-server-client")
}

/// Runs an example again with another directory; whether it succeeded.
fn command_again(command: &Command, dir: &Path) -> bool {
    let arguments: Vec<_> = command.get_args().collect();
    let (user, rest) = arguments.split_last().unwrap();
    let (_, rest) = rest.split_last().unwrap();
    let mut again = Command::new(command.get_program());
    if let Some(place) = command.get_current_dir() {
        again.current_dir(place);
    }
    again.args(rest).arg(dir).arg(user).output().unwrap().status.success()
}
