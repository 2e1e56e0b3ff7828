//! HTTP beside the sessions.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Server, VERSIONS, read_head};

fn post(body: &str) -> String {
    format!(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer and its body.
async fn answer(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> (String, String) {
    let head = read_head(io).await;
    let len = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    io.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn requests_one_after_another_on_one_connection() {
    let server = Server::secure().await;
    for version in VERSIONS {
        let mut client = server.tls_over(version, server.tcp().await).await;
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        for body in ["first", "", &"x".repeat(200_000)] {
            client.write_all(post(body).as_bytes()).await.unwrap();
            let (head, echoed) = answer(&mut client).await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            assert!(head.contains("x-path: /echo\r\n") && head.contains("x-peer: true\r\n"));
            assert!(head.contains("x-encrypted: true\r\n"), "{head}");
            assert_eq!(echoed, body);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    for secure in [true, false] {
        let server = Server::start(secure, Default::default()).await;
        // The first request looks like a session's for six bytes.
        let together =
            ["GET /wiki HTTP/1.1\r\nHost: x\r\n\r\n", &post("two"), &post("three")].concat();
        let bodies = ["", "two", "three"];
        if secure {
            let mut client = server.tls().await;
            client.write_all(together.as_bytes()).await.unwrap();
            for body in bodies {
                assert_eq!(answer(&mut client).await.1, body);
            }
        } else {
            let mut client = server.tcp().await;
            // In two pieces that do not end where requests end.
            let (one, two) = together.as_bytes().split_at(3);
            client.write_all(one).await.unwrap();
            client.write_all(two).await.unwrap();
            for body in bodies {
                let (head, echoed) = answer(&mut client).await;
                assert!(head.contains("x-encrypted: false\r\n"), "{head}");
                assert_eq!(echoed, body);
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_closed_its_side_is_answered() {
    let server = Server::secure().await;
    let mut client = server.tls().await;
    client.write_all(post("last words").as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let (head, body) = answer(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "last words");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::plain().await;
    for start in ["GET /ws HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"] {
        let mut client = server.tcp().await;
        let request = format!("{start}X: {}", "x".repeat(40_000));
        // The server may answer and close before it has read all of it.
        let _ = client.write_all(request.as_bytes()).await;
        let (head, _) = answer(&mut client).await;
        assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_path_of_sessions_without_the_wish_for_one_is_http() {
    let server = Server::plain().await;
    let mut client = server.tcp().await;
    client.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert!(head.contains("x-path: /ws\r\n"), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn stopping_ends_idle_connections() {
    let server = Server::secure().await;
    let mut client = server.tls().await;
    client.write_all(post("hello").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await.1, "hello");
    server.stop().await;
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}
