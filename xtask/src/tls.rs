//! The step `tls`: how sslyze grades the server's listener.
//!
//! The server runs as it does for everybody, under its own authority and a public name; sslyze holds it
//! against Mozilla's *intermediate* configuration (versions, cipher suites, groups, certificate, known
//! attacks) and tells in JSON what that configuration does not judge: early data, HSTS. Tickets are for the
//! gateway's own tests: sslyze takes a new ticket, as each use of one brings, for one that was ignored.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{command, root};
use crate::setup;

/// The name under which the server is reached; nobody asks where it is.
const HOST: &str = "chat.example.org";
/// Seconds for which browsers must be told to come by TLS alone, at the least.
const HSTS_S: u64 = 63_072_000;

/// Starts the server that was built, has it graded, and says what came of it.
pub(crate) fn step() -> Result<(), String> {
    let python = setup::sslyze()?;
    let place = root().join("target/tls");
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("cannot empty {}: {error}", place.display()));
        }
        _ => {}
    }
    fs::create_dir_all(&place)
        .map_err(|error| format!("cannot make {}: {error}", place.display()))?;
    let server = Server::start(&place)?;
    let graded = grade(&python, &place, server.port);
    server.end()?;
    println!("{}", graded?);
    Ok(())
}

/// Runs sslyze against the server; the verdict if it is a good one.
fn grade(python: &Path, place: &Path, port: u16) -> Result<String, String> {
    let json = place.join("sslyze.json");
    // The name goes into the handshake and the request, the address is where it connects to.
    let target = format!("{HOST}:{port}{{127.0.0.1}}");
    let output =
        command(python, &["-W", "ignore", "-m", "sslyze", "--mozilla_config=intermediate"])
            .args(["--early_data", "--http_headers"])
            .arg(format!("--certinfo_ca_file={}", place.join("data/tls/ca.pem").display()))
            .arg(format!("--json_out={}", json.display()))
            .arg(target)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start sslyze: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let told = fs::read(&json).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(told) = told else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("sslyze wrote no result ({}):\n{said}{errors}", output.status));
    };
    let verdict = judge(&told, &said)?;
    // It ends well also where it has compared nothing, so that its status alone says little.
    if output.status.success() { Ok(verdict) } else { Err(format!("sslyze: {}", output.status)) }
}

/// What sslyze found, in one line; or everything that is not as it should be. `told` is its JSON, `said`
/// what it printed: the comparison with Mozilla's configuration stands there alone.
fn judge(told: &Value, said: &str) -> Result<String, String> {
    let scans = told["server_scan_results"].as_array().map_or(&[][..], Vec::as_slice);
    let [scan] = scans else {
        return Err(format!("sslyze has results of {} servers", scans.len()));
    };
    for stage in ["connectivity_status", "scan_status"] {
        if scan[stage] != "COMPLETED" {
            return Err(format!("sslyze did not finish: {stage} is {}", scan[stage]));
        }
    }
    let mut wrong = Vec::new();
    let verdicts: Vec<&str> = said.lines().filter(|line| line.trim().starts_with(HOST)).collect();
    let is_good = |line: &&str| line.ends_with(": OK - Compliant.");
    match verdicts.last() {
        Some(line) if is_good(line) => {}
        Some(line) if line.ends_with(": FAILED - Not compliant.") => {
            let reasons = said.lines().skip_while(|other| other != line).skip(1);
            let reasons = reasons.map_while(|line| line.trim().strip_prefix("* "));
            wrong.push("not Mozilla's intermediate configuration".to_owned());
            wrong.extend(reasons.map(str::to_owned));
        }
        _ => wrong.push("no comparison with Mozilla's intermediate configuration".into()),
    }
    let result = |name: &str| &scan["scan_result"][name]["result"];
    let early = &result("tls_1_3_early_data")["supports_early_data"];
    if early != false {
        wrong.push(format!("data are taken before the handshake is over: {early}"));
    }
    let hsts = &result("http_headers")["strict_transport_security_header"]["max_age"];
    if hsts.as_u64().is_none_or(|seconds| seconds < HSTS_S) {
        wrong.push(format!("HSTS should be for {HSTS_S} s or more, and is for {hsts}"));
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n  "));
    }
    let version = told["sslyze_version"].as_str().unwrap_or("?");
    Ok(format!(
        "sslyze {version}: complies with Mozilla's intermediate configuration; no early data are \
         taken, HSTS is for {hsts} s"
    ))
}

/// The server, listening on a free port. Killed when it is dropped.
struct Server {
    process: Child,
    port: u16,
    /// Reads what it says, so that it never waits for a reader.
    log: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it, with everything in `place`, and waits until it is ready.
    fn start(place: &Path) -> Result<Self, String> {
        let mut serve =
            command(root().join("target/debug/stoa"), &["serve", "--log-format", "json"]);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("STOA_")) {
                serve.env_remove(name);
            }
        }
        serve.args(["--listen", "127.0.0.1:0", "--public-rest", HOST, "--public-ws", HOST]);
        // No configuration file is read there.
        serve.args(["--data", "data", "--keys", "keys"]).current_dir(place);
        let mut process = serve
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the server: {error}"))?;
        let stderr = process.stderr.take();
        let mut server = Self { process, port: 0, log: None };
        let mut lines = BufReader::new(stderr.ok_or("the server has no standard error")?).lines();
        let mut before = Vec::new();
        loop {
            let Some(Ok(line)) = lines.next() else {
                return Err(format!(
                    "the server ended before it was ready:\n{}",
                    before.join("\n")
                ));
            };
            if let Some(port) = port_of(&line) {
                server.port = port;
                break;
            }
            before.push(line);
        }
        server.log = Some(std::thread::spawn(move || lines.for_each(drop)));
        Ok(server)
    }

    /// Ends it in order.
    fn end(mut self) -> Result<(), String> {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        // It cannot be another process: a child that ended keeps its id until we have waited for it.
        kill_process(id.ok_or("no process id")?, Signal::TERM)
            .map_err(|error| format!("cannot end the server: {error}"))?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if let Some(log) = self.log.take() {
            log.join().map_err(|_| "the server's log could not be read")?;
        }
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Harmless when it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port in the line of the log that says that the server is ready; none in any other.
fn port_of(line: &str) -> Option<u16> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "ready" {
        return None;
    }
    line["address"].as_str()?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What sslyze told and said of a server that is not as it should be: OpenSSL's own, with all that
    /// it speaks and a certificate for ten years.
    const TOLD: &str = include_str!("../samples/sslyze-refused.json");
    const SAID: &str = include_str!("../samples/sslyze-refused.txt");
    const GOOD: &str = "    chat.example.org:38555: OK - Compliant.\n";

    fn told() -> Value {
        serde_json::from_str(TOLD).expect("JSON")
    }

    /// What was told, with HSTS.
    fn good() -> Value {
        let mut told = told();
        told["server_scan_results"][0]["scan_result"]["http_headers"]["result"]["strict_transport_security_header"] =
            serde_json::json!({ "max_age": HSTS_S });
        told
    }

    #[test]
    fn a_server_that_is_not_as_it_should_be_is_refused_with_all_reasons() {
        let reasons = judge(&told(), SAID).expect_err("not compliant");
        for part in [
            "not Mozilla's intermediate configuration",
            "certificate_path_validation: Certificate path validation failed",
            "maximum_certificate_lifespan: Certificate life span is 3650 days",
            "tls_versions: TLS versions {",
            "tls_curves: ",
            "HSTS should be for 63072000 s or more, and is for null",
        ] {
            assert!(reasons.contains(part), "{part}: {reasons}");
        }
        assert_eq!(reasons.lines().count(), 7, "{reasons}");
    }

    #[test]
    fn each_thing_alone_is_enough_for_a_refusal() {
        let verdict = judge(&good(), GOOD).expect("as it should be");
        assert!(verdict.starts_with("sslyze 6.3.1: complies"), "{verdict}");
        assert!(judge(&good(), SAID).is_err(), "another configuration");
        assert!(judge(&good(), "").is_err(), "no comparison");
        assert!(judge(&told(), GOOD).is_err(), "no HSTS");
        for (pointer, value) in [
            ("/scan_result/tls_1_3_early_data/result/supports_early_data", true.into()),
            ("/scan_result/tls_1_3_early_data/result", Value::Null),
            ("/connectivity_status", "ERROR".into()),
            ("/scan_status", "ERROR_NO_CONNECTIVITY".into()),
        ] {
            let mut told = good();
            let place = told["server_scan_results"][0].pointer_mut(pointer);
            *place.expect("there in the sample") = value;
            assert!(judge(&told, GOOD).is_err(), "{pointer}");
        }
        assert!(judge(&serde_json::json!({ "server_scan_results": [] }), GOOD).is_err());
        assert!(judge(&Value::Null, GOOD).is_err());
    }

    #[test]
    fn the_port_stands_in_the_line_that_says_ready() {
        let line = |message| format!(r#"{{"message":"{message}","address":"127.0.0.1:4711"}}"#);
        assert_eq!(port_of(&line("ready")), Some(4711));
        assert_eq!(port_of(&line("started")), None);
        assert_eq!(port_of("ready address=127.0.0.1:4711"), None);
    }
}
