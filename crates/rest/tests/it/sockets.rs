//! What only shows on a real connection: bodies that are refused before they were sent.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::Lab;

async fn serve(lab: &Lab) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = lab.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Reads one answer: its head, and its body as JSON.
async fn answer(socket: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let end = loop {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "closed before the answer");
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length: usize = length.unwrap().parse().unwrap();
    while bytes.len() < end + length {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "cut answer");
    }
    assert_eq!(bytes.len(), end + length);
    (head, serde_json::from_slice(&bytes[end..]).unwrap())
}

fn head(lab: &Lab, extra: &str) -> String {
    let token = lab.app_token();
    format!(
        "POST /demo/stoa/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n{extra}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_client_that_sends_ten_megabytes_reads_the_refusal_and_goes_on() {
    let lab = Lab::new();
    let address = serve(&lab).await;
    for chunked in [false, true] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let block = vec![b'x'; 1 << 20];
        if chunked {
            let head = head(&lab, "Transfer-Encoding: chunked");
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..10 {
                socket.write_all(b"100000\r\n").await.unwrap();
                socket.write_all(&block).await.unwrap();
                socket.write_all(b"\r\n").await.unwrap();
            }
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        } else {
            let head = head(&lab, &format!("Content-Length: {}", 10 << 20));
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..10 {
                socket.write_all(&block).await.unwrap();
            }
        }
        let (status, body) = answer(&mut socket).await;
        assert!(status.starts_with("http/1.1 413 "), "{status}");
        assert_eq!(body["error_description"], "the body is larger than 1048576 bytes");
        // The connection is still good.
        let next = head(&lab, "Content-Length: 2") + "{}";
        socket.write_all(next.as_bytes()).await.unwrap();
        let (status, body) = answer(&mut socket).await;
        assert!(status.starts_with("http/1.1 400 "), "{status}");
        assert_eq!(body["error"], "illegal_argument");
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_refused_at_once() {
    let lab = Lab::new();
    let address = serve(&lab).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = head(&lab, "Content-Length: 999999999999\r\nExpect: 100-continue");
    socket.write_all(head.as_bytes()).await.unwrap();
    let (status, body) = answer(&mut socket).await;
    assert!(
        status.starts_with("http/1.1 413 ") && status.contains("connection: close"),
        "{status}"
    );
    assert_eq!(body["error"], "illegal_argument");
    assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
}
