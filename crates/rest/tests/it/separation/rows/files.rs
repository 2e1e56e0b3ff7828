//! Files.

use http::Method;

use crate::separation::row::{ANYBODY, EVERYBODY, Row, members, row};

const NOT_YOURS: (u16, &str) = (403, "chatfile no permission");
const NONE: (u16, &str) = (404, "the file does not exist or has expired");

/// These rows.
pub(super) fn rows() -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let part = "/sdk/chatfiles/part-upload/{file=upload}";
    // An upload under way is the uploader's alone: not even the back end's.
    let uploader = crate::separation::row::May { back_end: members(NONE).other, ..members(NONE) };
    vec![
        row(post.clone(), "/chatfiles", EVERYBODY).file("file"),
        row(get.clone(), "/chatfiles/{file}", members(NOT_YOURS)),
        row(post.clone(), "/chatfiles/{file}", members(NOT_YOURS)),
        row(get, "/chatfiles/{file}", ANYBODY).query("?share-secret={secret}"),
        row(post.clone(), "/chatfiles/{file}", ANYBODY).query("?share-secret={secret}"),
        row(post.clone(), "/sdk/chatfiles/part-upload", EVERYBODY),
        row(put, part, uploader).file("part_file"),
        row(post, part, uploader),
        row(delete, part, uploader),
    ]
}
