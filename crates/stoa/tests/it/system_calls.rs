//! What the server asks of the kernel: it connects to no other machine but through `egress`.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::egress::{check, host};
use crate::https::call;
use crate::msync::Client;
use crate::server::{Place, Server, grant, text, user};

/// The calls by which a process reaches another machine.
const CALLS: &str = "connect,sendto,sendmsg,sendmmsg";

/// The same under `strace` with these options.
pub(crate) fn under_strace(traced: &Command, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "0", "-e", "signal=none"]).args(options);
    command.arg("--").arg(traced.get_program()).args(traced.get_args());
    for (name, value) in traced.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(traced.get_current_dir().unwrap()).stdin(Stdio::null());
    command
}

/// The process that runs under this `strace`, if it runs.
pub(crate) fn traced_by(tracer: u32) -> Option<Pid> {
    let children =
        std::fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// A server under `strace`, which writes these calls of all its threads and children to a file.
fn traced(place: &Place, arguments: &[&str]) -> Server {
    let calls = format!("trace={CALLS}");
    Server::start(under_strace(&place.command(arguments), &["-e", &calls, "-o", "calls"]))
}

/// Ends the server, which `strace` waits for, so that all calls are written.
fn end(server: Server) {
    kill_process(traced_by(server.id()).unwrap(), Signal::TERM).unwrap();
    server.ended();
}

/// Calls that name an address of another machine, or of this one as if it were another: each that names a
/// socket address of the internet.
fn outward(calls: &str) -> Vec<&str> {
    let names_one = |line: &&str| line.contains("sa_family=AF_INET");
    calls.lines().filter(names_one).collect()
}

#[test]
fn the_server_connects_to_nobody_but_whom_egress_was_asked_for() {
    let place = Place::new();
    let address: SocketAddr = host();
    let arguments = [
        "serve",
        "--demo",
        "--listen",
        "127.0.0.1:0",
        "--demo-listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--egress-allow",
        "127.0.0.1",
    ];
    let server = traced(&place, &arguments);
    let demo = place.demo();
    let ((alice, password), (bob, bobs)) = (user(&demo, 0), user(&demo, 1));
    let token = |name, password| {
        grant(&demo, name, password).body["access_token"].as_str().unwrap().to_owned()
    };
    let (of_alice, of_bob) = (token(alice, password), token(bob, bobs));
    let mut first = Client::log_in(&demo, alice, "web", &of_alice).unwrap();
    for id in 1..=20 {
        first.send_text(bob, id, "hello").unwrap();
        first.acknowledged().unwrap();
    }
    let mut second = Client::log_in(&demo, bob, "web", &of_bob).unwrap();
    assert_eq!(second.pull().unwrap().len(), 20);
    // REST: what is read, written, refused and unknown.
    let app = format!("/{}/{}", text(&demo, "orgName"), text(&demo, "appName"));
    let bearer = format!("Authorization: Bearer {of_alice}");
    for (method, path, body) in [
        ("GET", format!("{app}/users/{alice}"), None),
        ("PUT", format!("{app}/metadata/user/{alice}"), None),
        ("POST", format!("{app}/chatgroups"), Some(serde_json::json!({"groupname": "g"}))),
        ("GET", format!("{app}/chatfiles/none"), None),
        ("GET", "/healthz".to_owned(), None),
        ("GET", "/nowhere".to_owned(), None),
    ] {
        call(&demo, method, &path, &[&bearer], body.as_ref());
    }
    // Commands through the control socket, and the one that goes out.
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    place.run(&["user", "create", "--app", "acme#support", "--user", "carol"]).answer();
    place.run(&["checklist"]);
    let before = std::fs::read_to_string(place.path("calls")).unwrap();
    assert_eq!(outward(&before), Vec::<&str>::new(), "nothing was asked for that goes out");
    let (code, reached) = check(&place, &format!("http://{address}/"), &[]);
    assert_eq!(code, Some(0), "{reached}");
    // What egress refuses does not even get as far as the kernel.
    assert_eq!(check(&place, "https://10.0.0.1/", &[]).0, Some(1));
    drop((first, second));
    end(server);

    let calls = std::fs::read_to_string(place.path("calls")).unwrap();
    let out = outward(&calls);
    let [connect] = out.as_slice() else { panic!("{out:#?}") };
    let port = format!("sin_port=htons({})", address.port());
    assert!(connect.contains("connect(") && connect.contains(&port), "{connect}");
    assert!(connect.contains("127.0.0.1"), "{connect}");
}

/// The trace does see what it is to see: a command without a server connects itself.
#[test]
fn a_connection_would_be_seen() {
    let place = Place::new();
    place.run(&["app", "create", "--key", "acme#support"]).answer();
    let address = host();
    let url = format!("http://{address}/");
    let command = place.command(&[
        "egress",
        "check",
        &url,
        "--app",
        "acme#support",
        "--egress-allow",
        "127.0.0.1",
    ]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "0", "-e", &format!("trace={CALLS}"), "-o", "calls", "--"]);
    strace.arg(command.get_program()).args(command.get_args());
    let ended = strace.current_dir(place.path("")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let calls = std::fs::read_to_string(place.path("calls")).unwrap();
    let port = format!("sin_port=htons({})", address.port());
    assert!(outward(&calls).iter().any(|call| call.contains(&port)), "{calls}");
}
