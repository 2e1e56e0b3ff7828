//! Events of class rooms are posted to the address that an app's owner named.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::https::call;
use crate::server::{Place, text};

/// A request: its headers in lower case, and its body.
type Posted = (Vec<String>, String);

/// A host that refuses the first request and takes all others.
fn host() -> (SocketAddr, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                headers.push(line.trim().to_lowercase());
            }
            let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let status = if index == 0 { "503 Service Unavailable" } else { "204 No Content" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if tell.send((headers, String::from_utf8(body).unwrap())).is_err() {
                return;
            }
        }
    });
    (address, told)
}

#[test]
fn events_are_posted_signed_until_they_are_taken() {
    let place = Place::new();
    let server = place.serve_demo(&["--egress-allow", "127.0.0.1"]);
    let demo = place.demo();
    let (address, posted) = host();
    let url = format!("http://{address}/events?of=school");
    let set = ["app", "set", "class-callback", &url, "--key", "demo#stoa", "--json"];
    let shown: Value = serde_json::from_str(place.run(&set).answer()).unwrap();
    assert!(shown.to_string().contains(&url), "{shown}");

    let certificate = place.data().join("certificate");
    std::fs::write(&certificate, text(&demo, "certificate")).unwrap();
    let build = ["token", "build", "--app-id", text(&demo, "appId"), "--certificate-file"];
    let build = [&build[..], &[certificate.to_str().unwrap(), "education-app"]].concat();
    let token = place.run(&build).answer().trim().to_owned();
    let header = format!("Authorization: agora token={token}");
    let room = format!("/edu/apps/{}/v2/rooms/first", text(&demo, "appId"));
    let body = json!({"roomName": "A class", "roomType": 4});
    assert_eq!(call(&demo, "POST", &room, &[&header], Some(&body)).status, 200);
    let state = format!("{room}/states/1");
    assert_eq!(call(&demo, "PUT", &state, &[&header], None).status, 200);

    let wait = Duration::from_secs(60);
    let (_, refused) = posted.recv_timeout(wait).unwrap();
    let (headers, taken) = posted.recv_timeout(wait).unwrap();
    let events = |body: &str| serde_json::from_str::<Value>(body).unwrap()["events"].clone();
    assert_eq!(events(&refused), events(&taken));
    assert_eq!(events(&taken)[0]["cmd"], 1);
    assert_eq!(events(&taken)[0]["roomUuid"], "first");
    assert!(headers[0].starts_with("post /events?of=school "), "{headers:?}");
    let value = |name: &str| {
        let found = headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap().to_owned()
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, text(&demo, "certificate").as_bytes());
    let signed = format!("{}.{taken}", value("x-stoa-timestamp"));
    let tag: String = hmac::sign(&key, signed.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(value("x-stoa-signature"), tag);

    // What was taken is not posted again; what comes next is.
    assert_eq!(call(&demo, "PUT", &format!("{room}/states/2"), &[&header], None).status, 200);
    let (_, next) = posted.recv_timeout(wait).unwrap();
    assert_eq!(events(&next).as_array().unwrap().len(), 1);
    assert_eq!(events(&next)[0]["data"]["state"], 2);
    // It was also there to be fetched, each event once.
    let polling = format!("/edu/polling/apps/{}/v2/rooms/sequences", text(&demo, "appId"));
    let fetched = call(&demo, "GET", &polling, &[&header], None).body;
    assert_eq!(fetched["data"].as_array().unwrap().len(), 2);
    assert!(!server.end().contains("first"));
}
