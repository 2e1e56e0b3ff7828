//! Files: uploads whole and in parts, downloads in ranges, and who is refused what
//! (msync section 9.15, chat-rest section 2.8).

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;
use serde_json::{Value, json};
use stoa_core::{AuthPolicy, SeededEntropy};
use stoa_store::engine::{Faults, Memory};
use tokio::runtime::Runtime;

use crate::form::Form;
use crate::lab::{Answer, Call, Lab};

/// A file that was uploaded.
struct Sent {
    id: String,
    secret: String,
}

impl Sent {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let entity = &answer.body["entities"][0];
        let text = |name: &str| entity[name].as_str().unwrap().to_owned();
        Self { id: text("uuid"), secret: text("share-secret") }
    }

    fn path(&self) -> String {
        format!("/chatfiles/{}", self.id)
    }

    /// The address that the SDK puts into an `<img>`.
    fn url(&self) -> String {
        format!("{}?em-redirect=true&share-secret={}", self.path(), self.secret)
    }
}

async fn post(lab: &Lab, user: &str, path: &str, form: &Form) -> Answer {
    lab.call(Call::new(Method::POST, path).token(&lab.user_token(user)).form(form)).await
}

/// Sends a file of `alice`'s to `bob`.
async fn send(lab: &Lab, name: &str, bytes: &[u8]) -> Sent {
    let path = "/chatfiles?chat-type=CHAT&chat-target=bob";
    Sent::of(&post(lab, "alice", path, &Form::new().file("file", name, bytes)).await)
}

async fn get(lab: &Lab, path: &str) -> Answer {
    lab.call(Call::new(Method::GET, path)).await
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn stored(lab: &Lab) -> usize {
    files(lab.files.path()).len()
}

async fn lab() -> Lab {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    lab
}

/// An image that does not compress well.
fn picture(format: ImageFormat) -> Vec<u8> {
    let noise = |x: u32, y: u32| {
        let n =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(2_246_822_519);
        let [a, b, c, _] = n.to_le_bytes();
        Rgb([a, b, c])
    };
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(RgbImage::from_fn(400, 200, noise));
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The answer without what is random.
fn shown(answer: &Answer) -> String {
    let mut body = answer.body.clone();
    if let Some(entity) = body["entities"].get_mut(0) {
        for name in ["uuid", "share-secret"] {
            if entity.get(name).is_some() {
                assert!(entity[name].as_str().unwrap().len() >= 32);
                entity[name] = format!("[{name}]").into();
            }
        }
    }
    format!("{}\n{}\n", answer.status.as_u16(), serde_json::to_string_pretty(&body).unwrap())
}

#[tokio::test]
async fn an_upload_is_answered_as_the_sdk_expects() {
    let lab = lab().await;
    let form = Form::new().file("file", "note.txt", b"hello").text("thumbnail-width", "100");
    let path = "/chatfiles?chat-type=CHAT&chat-target=bob";
    let call = Call::new(Method::POST, path).token(&lab.user_token("alice")).form(&form);
    let answer = lab.call(call.header("restrict-access", "true").header("accept", "*/*")).await;
    insta::assert_snapshot!(shown(&answer));
    let sent = Sent::of(&answer);
    let download = get(&lab, &sent.url()).await;
    assert_eq!((download.status.as_u16(), &*download.bytes), (200, &b"hello"[..]));
    let mut head = format!("{}\n", download.status);
    let mut names: Vec<_> = download.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    for name in names {
        let value = download.header(name).replace(&sent.id, "[uuid]");
        head.push_str(&format!("{name}: {value}\n"));
    }
    insta::assert_snapshot!(head);
}

#[tokio::test]
async fn who_may_read() {
    let lab = lab().await;
    let sent = send(&lab, "a.txt", b"for bob").await;
    let ask = |token: Option<String>, secret: Option<&str>, by_header: bool| {
        let mut call = match secret {
            Some(secret) if !by_header => {
                Call::new(Method::GET, &format!("{}?share-secret={secret}", sent.path()))
            }
            _ => Call::new(Method::GET, &sent.path()),
        };
        if let Some(token) = token {
            call = call.token(&token);
        }
        if let Some(secret) = secret.filter(|_| by_header) {
            call = call.header("share-secret", secret);
        }
        lab.call(call)
    };
    let right = Some(sent.secret.as_str());
    for by_header in [false, true] {
        assert_eq!(ask(None, right, by_header).await.bytes, b"for bob");
        // An `<img>` goes on showing what it showed when the token is over.
        assert_eq!(ask(Some(lab.forged_token()), right, by_header).await.status, 200);
        let wrong = ask(Some(lab.user_token("alice")), Some("wrong"), by_header).await;
        assert_eq!(wrong.refused(403), ("forbidden_op", "chatfile no permission"));
    }
    for (token, status) in [
        (lab.user_token("alice"), 200),
        (lab.user_token("bob"), 200),
        (lab.app_token(), 200),
        (lab.user_token("carol"), 403),
        (lab.user_token("nobody"), 404),
        (lab.forged_token(), 401),
        (lab.foreign_token(), 401),
    ] {
        assert_eq!(ask(Some(token), None, false).await.status, status);
    }
    assert_eq!(ask(None, None, false).await.refused(401).0, "unauthorized");
    let undefined = get(&lab, &format!("{}?share-secret=undefined", sent.path())).await;
    assert_eq!(undefined.refused(401).0, "unauthorized");
    let carol = ask(Some(lab.user_token("carol")), None, false).await;
    assert_eq!(carol.refused(403), ("forbidden_op", "chatfile no permission"));
}

#[tokio::test]
async fn another_app_and_no_file_are_the_same() {
    let lab = lab().await;
    let sent = send(&lab, "a.txt", b"ours").await;
    let mut answers = Vec::new();
    for id in [sent.id.as_str(), "00000000-0000-4000-8000-000000000000", "no-id"] {
        let path = format!("//demo/other/chatfiles/{id}?share-secret={}", sent.secret);
        answers.push(get(&lab, &path).await.body);
        let path = format!("//demo/other/chatfiles/{id}");
        let call = Call::new(Method::GET, &path).token(&lab.foreign_token());
        answers.push(lab.call(call).await.body);
    }
    assert_eq!(answers[0]["error"], "file_expired");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_file_is_over_after_seven_days() {
    let lab = lab().await;
    let sent = send(&lab, "a.txt", b"x").await;
    lab.clock.advance(Duration::from_secs(7 * 86_400) - Duration::from_millis(1));
    let answer = get(&lab, &sent.url()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (200, "private, max-age=0, immutable")
    );
    lab.clock.advance(Duration::from_millis(1));
    assert_eq!(get(&lab, &sent.url()).await.refused(404).0, "file_expired");
}

#[tokio::test]
async fn ranges() {
    let lab = lab().await;
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let size = bytes.len();
    let sent = send(&lab, "a.bin", &bytes).await;
    let ask = |range: &str| lab.call(Call::new(Method::GET, &sent.url()).header("range", range));
    let whole = get(&lab, &sent.url()).await;
    assert!(whole.bytes == bytes && whole.header("accept-ranges") == "bytes");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=65535-65536", 65_535, 65_537),
        ("bytes=700000-", 700_000, size),
        ("bytes=-5", size - 5, size),
        ("bytes=799999-9999999", 799_999, size),
    ] {
        let answer = ask(range).await;
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.bytes == bytes[from..to], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert_eq!(answer.header("content-length"), (to - from).to_string());
    }
    for range in ["bytes=800000-", "bytes=9999999-9999999", "bytes=-0"] {
        let answer = ask(range).await;
        assert_eq!(answer.refused(416).0, "illegal_argument", "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
    }
    for range in ["bytes=0-1,5-6", "bytes=9-1", "lines=0-1", "nonsense"] {
        assert!(ask(range).await.bytes == bytes, "{range}");
    }
    let tag = whole.header("etag").to_owned();
    let known = Call::new(Method::GET, &sent.url()).header("if-none-match", &tag);
    let known = lab.call(known).await;
    assert_eq!((known.status.as_u16(), known.bytes.len(), known.header("etag")), (304, 0, &*tag));
    let head = lab.call(Call::new(Method::HEAD, &sent.url()).header("range", "bytes=0-9")).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (206, 0));
    assert_eq!(head.header("content-length"), "10");
    let posted = lab.call(Call::new(Method::POST, &sent.url())).await;
    assert!(posted.bytes == bytes, "U08");
    let empty = send(&lab, "empty", b"").await;
    let answer = get(&lab, &empty.url()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length")), (200, "0"));
}

#[tokio::test]
async fn what_is_shown_in_place_and_what_is_saved() {
    let lab = lab().await;
    let cases: [(&str, &[u8], &str, &str); 7] = [
        ("a.gif", b"GIF89a\x01\0\x01\0<script>alert(1)</script>", "image/gif", "inline"),
        (
            "a.html",
            b"<!DOCTYPE html><script>alert(1)</script>",
            "application/octet-stream",
            "attachment",
        ),
        (
            "a.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
            "application/octet-stream",
            "attachment",
        ),
        ("a.png", b"<html>no image</html>", "application/octet-stream", "attachment"),
        ("a.pdf", b"%PDF-1.7 (app.alert(1))", "application/octet-stream", "attachment"),
        ("a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4", "inline"),
        ("a", b"", "application/octet-stream", "attachment"),
    ];
    for (name, bytes, content_type, kind) in cases {
        let sent = send(&lab, name, bytes).await;
        let answer = get(&lab, &sent.url()).await;
        assert_eq!(answer.bytes, bytes);
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        assert!(answer.header("content-disposition").starts_with(kind), "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "sandbox; default-src 'none'");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn names_of_files_do_no_harm() {
    let lab = lab().await;
    for (name, header) in [
        ("../../../etc/passwd", "attachment; filename=\"passwd\"; filename*=UTF-8''passwd"),
        ("C:\\\\x\\\\evil.exe", "attachment; filename=\"evil.exe\"; filename*=UTF-8''evil.exe"),
        ("a\\\"; filename=\\\"b", "attachment; filename="),
        (
            "photo\u{202E}gpj.exe",
            "attachment; filename=\"photogpj.exe\"; filename*=UTF-8''photogpj.exe",
        ),
        ("L\u{f6}we.txt", "attachment; filename=\"L_we.txt\"; filename*=UTF-8''L%C3%B6we.txt"),
        ("..", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ("", "attachment; filename=\"file\"; filename*=UTF-8''file"),
    ] {
        let sent = send(&lab, name, b"x").await;
        let answer = get(&lab, &sent.url()).await;
        let value = answer.header("content-disposition");
        assert!(value.starts_with(header), "{name:?}: {value}");
        assert_eq!((value.matches('"').count(), value.matches(';').count()), (2, 2), "{value}");
        assert!(!value.contains(['/', '\\']), "{value}");
    }
    let on_disk = files(lab.files.path());
    let is_id = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())
    };
    assert!(!on_disk.is_empty() && on_disk.iter().all(is_id), "{on_disk:?}");
}

#[tokio::test]
async fn thumbnails() {
    let lab = lab().await;
    for format in
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP]
    {
        let original = picture(format);
        let path = "/chatfiles?chat-type=CHAT&chat-target=bob";
        let form = Form::new().file("file", "a", &original).text("thumbnail-height", "20");
        let sent = Sent::of(&post(&lab, "alice", path, &form).await);
        let small = get(&lab, &format!("{}&thumbnail=true", sent.url())).await;
        assert_eq!(small.status, 200);
        let decoded = image::load_from_memory(&small.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (40, 20), "{format:?}");
        let by_header = Call::new(Method::GET, &sent.url()).header("thumbnail", "true");
        let by_header = lab.call(by_header).await;
        assert!(
            by_header.bytes == small.bytes
                && by_header.header("content-type").starts_with("image/")
        );
        let whole = get(&lab, &sent.url()).await;
        assert!(whole.bytes == original && whole.header("etag") != small.header("etag"));
        let frame = get(&lab, &format!("{}&vframe=true", sent.url())).await;
        assert!(frame.bytes == small.bytes);
    }
    // The address of a video's frame carries no secret, and its reader no token.
    let video = send(&lab, "a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom").await;
    assert_eq!(
        get(&lab, &format!("{}?vframe=true", video.path())).await.refused(401).0,
        "unauthorized"
    );
    assert_eq!(get(&lab, &format!("{}&vframe=true", video.url())).await.status, 404);
    let original = get(&lab, &format!("{}&thumbnail=true", video.url())).await;
    assert_eq!(original.header("content-type"), "video/mp4", "R047: the original in its place");
}

#[tokio::test]
async fn image_bombs_and_cut_images_are_files_without_a_thumbnail() {
    let lab = lab().await;
    let picture = picture(ImageFormat::Png);
    let mut gif = b"GIF89a\xFF\xFF\xFF\xFF\xF7\0\0".to_vec();
    gif.resize(20_000, 7);
    let mut huge = picture.clone();
    huge[16..24].copy_from_slice(&[0, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF]);
    for bytes in [gif, huge, picture[..picture.len() / 2].to_vec(), picture[..12_000].to_vec()] {
        let sent = send(&lab, "bomb", &bytes).await;
        let small = get(&lab, &format!("{}&thumbnail=true", sent.url())).await;
        assert_eq!(small.status, 200);
        let whole = get(&lab, &sent.url()).await;
        assert!(whole.bytes == bytes);
        assert!(small.bytes == bytes || small.bytes.len() < 20_000);
    }
}

#[tokio::test]
async fn uploads_that_are_none_are_refused_with_what_the_sdk_survives() {
    let lab = lab().await;
    let path = "/chatfiles?chat-type=CHAT&chat-target=bob";
    let file = Form::new().file("file", "a", b"x");
    let many = (0..20).fold(file.clone(), |form, n| form.text(&format!("f{n}"), "x"));
    let long = "x".repeat(2_000);
    for (form, status, problem) in [
        (Form::new(), 422, "file: is missing in the form"),
        (Form::new().text("name", "x"), 422, "file: is missing in the form"),
        (file.clone().file("file", "b", b"y"), 422, "file: appears twice in the form"),
        (
            file.clone().text("thumbnail-width", "0"),
            422,
            "thumbnail-width: must be a whole number of pixels from 1 to 1024",
        ),
        (many, 422, "the form has more than 16 fields"),
        (
            file.clone().text("other", &long),
            422,
            "a field of the form beside the file is longer than 1024 bytes",
        ),
        (
            Form::new().file("file", "a", &vec![0; (10 << 20) + 1]),
            413,
            "the file is too large: 10485760 bytes are allowed",
        ),
        (
            Form::new().file("file", "a", &vec![0; (10 << 20) + 100_000]),
            413,
            "the file is too large: 10485760 bytes are allowed",
        ),
    ] {
        let answer = post(&lab, "alice", path, &form).await;
        assert_eq!(answer.refused(status), ("illegal_argument", problem));
        assert!(answer.body.get("entities").is_none());
        assert_eq!(stored(&lab), 0, "{problem}");
    }
    for (query, problem) in [
        ("chat-type=OTHER&chat-target=bob", "chat-type: must be CHAT, GROUP or ROOM"),
        (
            "chat-type=CHAT&chat-target=a%20b",
            "chat-target: a username consists of a-z, 0-9, '_', '-' and '.'",
        ),
        ("chat-type=GROUP&chat-target=../1", "chat-target: an id has 1 to 64 letters and digits"),
        ("chat-type=CHAT&chat-type=CHAT", "chat-type: is given twice in the query"),
        ("restrict-access=maybe", "restrict-access: must be true or false"),
    ] {
        let answer = post(&lab, "alice", &format!("/chatfiles?{query}"), &file).await;
        assert_eq!(answer.refused(422), ("illegal_argument", problem));
    }
    let json = lab.as_user("alice", Method::POST, path, json!({"file": "x"})).await;
    assert_eq!(json.refused(415).0, "web_application");
    let nobody = lab.call(Call::new(Method::POST, path).form(&file)).await;
    assert_eq!(nobody.refused(401).0, "unauthorized");
    let other =
        lab.call(Call::new(Method::POST, path).token(&lab.foreign_token()).form(&file)).await;
    assert_eq!(other.refused(401).0, "auth_bad_access_token");
    assert_eq!(stored(&lab), 0);
}

#[test]
fn an_upload_cut_at_any_byte_leaves_nothing() {
    let runtime = Runtime::new().unwrap();
    let lab = runtime.block_on(lab());
    let form = Form::new()
        .text("thumbnail-width", "100")
        .file("file", "a.bin", &[7; 300_000])
        .text("thumbnail-height", "100");
    let whole = form.bytes();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let inputs = (any::<proptest::sample::Index>(), 1..100_000_usize, any::<bool>());
    let outcome = runner.run(&inputs, |(cut, step, ends)| {
        lab.clock.advance(Duration::from_secs(1));
        // Up to the last boundary: what is behind it may be missing.
        let cut = cut.index(whole.len() - 4);
        let mut pieces: Vec<Result<Bytes, std::io::Error>> =
            whole[..cut].chunks(step).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if !ends {
            pieces.push(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let mut call = Call::new(Method::POST, "/chatfiles")
            .token(&lab.user_token("alice"))
            .header("content-type", &form.content_type());
        *call.0.body_mut() = Body::from_stream(stream::iter(pieces));
        let answer = runtime.block_on(lab.call(call));
        prop_assert_eq!(answer.refused(422).0, "illegal_argument");
        prop_assert_eq!(stored(&lab), 0);
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn parts_in_any_order() {
    let lab = lab().await;
    let token = lab.user_token("alice");
    let begun = lab.as_user("alice", Method::POST, "/sdk/chatfiles/part-upload", Value::Null).await;
    insta::assert_snapshot!(shown(&begun));
    let id = begun.body["entities"][0]["uuid"].as_str().unwrap().to_owned();
    let path = format!("/sdk/chatfiles/part-upload/{id}");
    let piece = |n: u8| vec![n; 100_000];
    let put = |number: u8, number_first: bool| {
        let form = Form::new();
        let (name, bytes) = (number.to_string(), piece(number));
        let form = if number_first {
            form.text("part_number", &name).file("part_file", "blob", &bytes)
        } else {
            form.file("part_file", "blob", &bytes).text("part_number", &name)
        };
        lab.call(Call::new(Method::PUT, &path).token(&token).form(&form))
    };
    let all = tokio::join!(put(4, true), put(2, false), put(3, true), put(1, false));
    for answer in [all.0, all.1, all.2, all.3] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.is_object());
    }
    let complete = format!("{path}?restrict-access=true&chat-type=CHAT&chat-target=bob");
    let answer = lab.as_user("alice", Method::POST, &complete, Value::Null).await;
    insta::assert_snapshot!(shown(&answer));
    let sent = Sent::of(&answer);
    let whole = get(&lab, &sent.url()).await;
    assert!(whole.bytes == (1..=4).flat_map(piece).collect::<Vec<_>>());
    let ranged = Call::new(Method::GET, &sent.url()).header("range", "bytes=99999-100000");
    assert_eq!(lab.call(ranged).await.bytes, [1, 2]);
}

#[tokio::test]
async fn parts_that_are_refused() {
    let lab = lab().await;
    let begun = lab.as_user("alice", Method::POST, "/sdk/chatfiles/part-upload", Value::Null).await;
    let id = begun.body["entities"][0]["uuid"].as_str().unwrap().to_owned();
    let path = format!("/sdk/chatfiles/part-upload/{id}");
    let put = |user: &str, path: &str, form: Form| {
        lab.call(Call::new(Method::PUT, path).token(&lab.user_token(user)).form(&form))
    };
    let file = Form::new().file("part_file", "blob", b"x");
    let problem = "part_number: must be a whole number from 1 to 1000";
    for number in ["0", "1001", "-1", "one", ""] {
        let answer = put("alice", &path, file.clone().text("part_number", number)).await;
        assert_eq!(answer.refused(422).1, problem, "{number}");
    }
    assert_eq!(put("alice", &path, file.clone()).await.refused(422).1, problem);
    let none = put("alice", &path, Form::new().text("part_number", "1")).await;
    assert_eq!(none.refused(422).1, "part_file: is missing in the form");
    let stranger = put("bob", &path, file.clone().text("part_number", "1")).await;
    assert_eq!(stranger.refused(404).0, "file_expired");
    let no_id = put("alice", "/sdk/chatfiles/part-upload/x", file.clone()).await;
    assert_eq!(no_id.refused(404).0, "file_expired");
    let early = lab.as_user("alice", Method::POST, &path, Value::Null).await;
    assert!(early.refused(422).1.contains("parts are missing"));
    assert_eq!(stored(&lab), 0);
    assert_eq!(put("alice", &path, file.text("part_number", "1")).await.status, 200);
    assert_eq!(stored(&lab), 1);
    let aborted = lab.as_user("alice", Method::DELETE, &path, Value::Null).await;
    assert_eq!(aborted.status, 200, "{}", aborted.body);
    assert_eq!(stored(&lab), 0);
    let again = lab.as_user("alice", Method::DELETE, &path, Value::Null).await;
    assert_eq!(again.refused(404).0, "file_expired");
}

#[tokio::test]
async fn a_store_that_fails_leaves_no_bytes() {
    let faults = Faults { before_commit: 1000, ..Faults::default() };
    let entropy = std::sync::Arc::new(SeededEntropy::new(9));
    let memory = std::sync::Arc::new(Memory::new());
    let lab = Lab::over(faults.over(memory, entropy), AuthPolicy::Token);
    let form = Form::new().file("file", "a", b"x");
    let call = Call::new(Method::POST, "/chatfiles").token(&lab.app_token()).form(&form);
    assert_eq!(lab.call(call).await.refused(503).0, "service_unavailable");
    assert_eq!(stored(&lab), 0);
}

#[tokio::test]
async fn nothing_lies_in_clear() {
    let lab = lab().await;
    let canary = "a-canary-in-the-coal-mine";
    let sent = send(&lab, &format!("{canary}.txt"), canary.repeat(9_000).as_bytes()).await;
    for path in files(lab.files.path()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(12).any(|window| &canary.as_bytes()[..12] == window));
        let name = path.to_string_lossy().into_owned();
        assert!(!name.contains(canary) && !name.contains(&sent.id.replace('-', "")));
    }
}

#[tokio::test]
async fn strangers_who_try_secrets_are_slowed_down() {
    let lab = lab().await;
    let sent = send(&lab, "a", b"x").await;
    let try_wrong = |n: u32| {
        let path = format!("{}?share-secret={n:032x}", sent.path());
        lab.call(Call::new(Method::GET, &path).from("203.0.113.7"))
    };
    let mut refused = 0;
    for n in 0..40 {
        refused += u32::from(try_wrong(n).await.status == 429);
    }
    assert!(refused >= 15, "{refused}");
    let neighbour = Call::new(Method::GET, &sent.url()).from("203.0.113.8");
    assert_eq!(lab.call(neighbour).await.bytes, b"x");
}
