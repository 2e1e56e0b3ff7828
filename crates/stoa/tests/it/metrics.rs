//! The listener for metrics: what it shows of a little story, and what it does not.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::https::{address, call, connect, exchange};
use crate::msync::{Client, text_of};
use crate::server::{Place, Server, grant, text, user};

/// Longer than anything takes; only so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// All series, by name and labels as they are written.
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn of(server: &Server) -> Self {
        let text = get(listener(server), "/metrics").1;
        assert!(text.ends_with("# EOF\n"), "{text}");
        let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        });
        Self(series.collect())
    }

    #[track_caller]
    pub(crate) fn get(&self, series: &str) -> f64 {
        // A route without calls is not there.
        self.0.get(series).copied().unwrap_or_else(|| {
            assert!(series.starts_with("stoa_rest_requests_total"), "no {series}");
            0.0
        })
    }
}

/// Where a server that logs in JSON shows its metrics.
pub(crate) fn listener(server: &Server) -> SocketAddr {
    server.field("metrics").parse().unwrap()
}

/// Asks a plain listener: the status and the body.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    exchange(TcpStream::connect(address).unwrap(), "GET", path, &[], None)
}

/// Looks until what is waited for has happened.
#[track_caller]
pub(crate) fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

fn start(place: &Place) -> Server {
    place.serve_demo(&["--metrics-listen", "127.0.0.1:0", "--log-format", "json"])
}

#[test]
fn a_story_moves_the_figures_that_it_is_about() {
    let place = Place::new();
    let server = start(&place);
    let demo = place.demo();
    let ((alice, password), (bob, bobs_password)) = (user(&demo, 0), user(&demo, 1));
    let before = Figures::of(&server);
    assert!(before.get("stoa_sessions_open") < 0.5);

    // Two log in by password, somebody else tries to.
    let token_of = |name: &str, password: &str| {
        let answer = grant(&demo, name, password);
        assert_eq!(answer.status, 200, "{}", answer.body);
        text(&answer.body, "access_token").to_owned()
    };
    let (alices, bobs) = (token_of(alice, password), token_of(bob, bobs_password));
    assert_eq!(grant(&demo, alice, "wrong").status, 400);
    assert!(refused_login(&demo, alice, "007nonsense"));
    // Three messages, one of them to nobody; one comes twice.
    let mut from = Client::log_in(&demo, alice, "web", &alices).unwrap();
    for (id, to) in [(11, bob), (12, bob), (12, bob)] {
        from.send_text(to, id, "the text of a message").unwrap();
        from.acknowledged().unwrap();
    }
    let mut to = Client::log_in(&demo, bob, "web", &bobs).unwrap();
    let texts: Vec<_> = to.pull().unwrap().iter().map(text_of).collect();
    assert_eq!(texts, ["the text of a message"; 2]);
    // A client that trusts somebody else.
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let trusted = place.path("stranger.pem");
    std::fs::write(&trusted, stranger.cert.pem()).unwrap();
    let refused = connect(&trusted, address(&demo), "localhost", &rustls::version::TLS13);
    assert!(refused.is_err());
    let bearer = format!("Authorization: Bearer {alices}");
    let path = format!("/demo/stoa/users/{alice}");
    assert_eq!(call(&demo, "GET", &path, &[&bearer], None).status, 200);
    assert_eq!(call(&demo, "GET", "/demo/stoa/nothing", &[&bearer], None).status, 404);

    until("the refused handshake is counted", || {
        Figures::of(&server).get("stoa_tls_handshakes_total{result=\"refused\"}") > 0.5
    });
    let after = Figures::of(&server);
    let moved = |series: &str, by: i64| {
        let moved = after.get(series) - before.get(series);
        assert!((moved - by as f64).abs() < 1e-9, "{series} moved by {moved}");
    };
    moved("stoa_sessions_open", 2);
    moved("stoa_logins_total{result=\"done\"}", 2);
    moved("stoa_logins_total{result=\"token_refused\"}", 1);
    moved("stoa_passwords_hashed_total", 3);
    moved("stoa_passwords_wrong_total", 1);
    moved("stoa_password_seconds_count", 3);
    moved("stoa_messages_accepted_total{kind=\"message\"}", 2);
    moved("stoa_messages_accepted_total{kind=\"repeated\"}", 1);
    moved("stoa_messages_delivered_total{way=\"page\"}", 2);
    moved("stoa_message_answer_seconds_count", 3);
    moved("stoa_sessions_closed_total{reason=\"not_logged_in\"}", 1);
    moved("stoa_tls_handshakes_total{result=\"refused\"}", 1);
    moved("stoa_rest_requests_total{route=\"/{org}/{app}/token\",status=\"2xx\"}", 2);
    moved("stoa_rest_requests_total{route=\"/{org}/{app}/token\",status=\"4xx\"}", 1);
    moved("stoa_rest_requests_total{route=\"/{org}/{app}/users/{user}\",status=\"2xx\"}", 1);
    moved("stoa_rest_requests_total{route=\"none\",status=\"4xx\"}", 1);
    for rises in [
        "stoa_store_commits_total",
        "stoa_store_batch_transactions_count",
        "stoa_store_sync_seconds_count",
        "stoa_connections_accepted_total",
        "stoa_tls_handshakes_total{result=\"done\"}",
    ] {
        assert!(after.get(rises) > before.get(rises), "{rises}");
    }
    for nothing in ["stoa_faults_total{place=\"session\"}", "stoa_store_writes_failed_total"] {
        moved(nothing, 0);
    }
    for there in [
        "stoa_store_healthy",
        "stoa_vault_keys",
        "stoa_apps",
        "stoa_disk_free_bytes{directory=\"data\"}",
        "stoa_disk_free_bytes{directory=\"keys\"}",
        "stoa_tls_certificate_expires_seconds",
        "stoa_clock_seconds",
        "process_start_time_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_cpu_seconds_total",
    ] {
        assert!(after.get(there) > 0.0, "{there}");
    }
    let lives = after.get("stoa_tls_certificate_expires_seconds") - after.get("stoa_clock_seconds");
    assert!((80.0..90.0).contains(&(lives / 86_400.0)), "{lives}");

    // What it must not show. (The names of the demo app are words that stand in the text anyway.)
    let shown = get(listener(&server), "/metrics").1;
    for secret in
        [alice, bob, password, bobs_password, &alices, &bobs, "the text of a message", "demo#stoa"]
    {
        assert!(!shown.contains(secret), "{secret}");
    }
    drop((from, to));
    until("the sessions are gone", || Figures::of(&server).get("stoa_sessions_open") < 0.5);
    server.end();
}

fn refused_login(demo: &serde_json::Value, user: &str, token: &str) -> bool {
    let attempt = std::panic::catch_unwind(|| Client::log_in(demo, user, "web", token).is_err());
    // The client insists on being let in.
    attempt.unwrap_or(true)
}

#[test]
fn the_listener_serves_nothing_else_and_not_under_any_name() {
    let place = Place::new();
    let server = start(&place);
    let at = listener(&server);
    assert_eq!(get(at, "/healthz"), (200, "{\"status\":\"ok\"}".into()));
    assert_eq!(get(at, "/").0, 404);
    assert_eq!(get(at, "/demo/stoa/users").0, 404);
    let ask = |method: &str, headers: &[&str]| {
        exchange(TcpStream::connect(at).unwrap(), method, "/metrics", headers, None).0
    };
    assert_eq!(ask("POST", &[]), 405);
    assert_eq!(ask("GET", &["Host: rebound.example"]), 421, "one name too many");
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    let answer = exchange(TcpStream::connect(at).unwrap(), "GET", "/ws", &upgrade, None);
    assert_eq!(answer.0, 404, "no sessions here");
    // The other listener does not show it.
    let demo = place.demo();
    assert_eq!(call(&demo, "GET", "/metrics", &[], Some(&json!({}))).status, 404);
    assert!(Path::new(text(&demo, "ca")).exists());
    server.end();
}
