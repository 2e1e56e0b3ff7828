//! Reading a file.

use axum::body::Body;
use axum::extract::State;
use futures_util::TryStreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stoa_chat::attachment::{OpenFile, Proof, Rendition, is_shown};
use stoa_core::{Refusal, Timestamp, Visitor};
use stoa_metrics::store::{FAULTS, Place};

use super::{Asked, FilePath, asked, disposition, flag, said};
use crate::Rest;
use crate::auth::Door;
use crate::error::Failure;
use crate::query::Query;
use crate::reply::{FileReply, Outcome, Reply};

/// Seconds for which a browser may keep a file at the most.
const KEPT_S: u64 = 86_400;

/// Pages of any origin may show files: who may read one is told by its secret or a token.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// `GET` or `POST /{org}/{app}/chatfiles/{uuid}` (U08): R046 and R047. Query or header: `share-secret`,
/// `thumbnail`; query: `vframe`. With the right secret no token is needed. One range is served.
///
/// Errors: 401 without secret and token, 403 for a wrong secret or a caller whom the file is not for,
/// 404 `file_expired` when there is no such file any more, 416.
pub(crate) async fn download(
    State(rest): State<Rest>,
    door: Door,
    FilePath(id): FilePath,
    query: Query,
    headers: HeaderMap,
) -> Outcome {
    let secret = said(&query, &headers, "share-secret")?;
    let frame = flag(&query, &headers, "vframe")?;
    let small = frame || flag(&query, &headers, "thumbnail")?;
    let rendition = if small { Rendition::Thumbnail } else { Rendition::Original };
    let file = match secret {
        Some(secret) => {
            door.admit_stranger(&rest)?;
            let visitor = Visitor::of(door.app().clone());
            let proof = Proof { secret: Some(secret), caller: None };
            let opened = rest.chat.open_file(&visitor, id, proof, rendition).await;
            if matches!(opened, Err(stoa_chat::Error::FileForbidden)) {
                door.proof_failed(&rest);
            }
            let file = opened?;
            door.count(&rest)?;
            file
        }
        None => {
            let caller = door.caller(&rest).await?;
            let proof = Proof { secret: None, caller: Some(&caller) };
            rest.chat.open_file(&caller, id, proof, rendition).await?
        }
    };
    if frame && !file.is_thumbnail {
        return Err(Failure::of(Refusal::UnknownPath).saying("there is no frame of this video"));
    }
    answer(file, &headers, rest.chat.clock().now())
}

/// The answer that hands out `file` as far as `headers` ask for it.
pub(crate) fn answer(file: OpenFile, headers: &HeaderMap, now: Timestamp) -> Outcome {
    let size = file.size();
    let tag = format!("\"{}{}\"", file.id, if file.is_thumbnail { "-small" } else { "" });
    let asked = asked(headers, size, &tag);
    let kept = file.expires.since(now).as_secs().min(KEPT_S);
    let text =
        |text: String| HeaderValue::try_from(text).map_err(|_| Failure::of(Refusal::Internal));
    let mut head = HeaderMap::new();
    head.insert(ETAG, text(tag)?);
    head.insert(CACHE_CONTROL, text(format!("private, max-age={kept}, immutable"))?);
    head.insert(VARY, HeaderValue::from_static("Authorization, share-secret, thumbnail"));
    head.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    let (status, range) = match asked {
        Asked::Known => (StatusCode::NOT_MODIFIED, 0..0),
        Asked::Beyond => return Err(Failure::beyond(size)),
        Asked::Whole => (StatusCode::OK, 0..size),
        Asked::Part(range) => {
            let of = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            head.insert(CONTENT_RANGE, text(of)?);
            (StatusCode::PARTIAL_CONTENT, range)
        }
    };
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Reply::File(FileReply::new(status, head, Body::empty())));
    }
    head.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    head.insert(CONTENT_LENGTH, (range.end - range.start).into());
    head.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(CONTENT_DISPOSITION, disposition(&file.name, is_shown(file.content_type)));
    head.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    // Headers are sent by then: all that is left is to cut the answer short, and to tell the operator.
    let bytes = file.read(range).inspect_err(|error| {
        FAULTS.of(Place::Rest).inc();
        let error: &dyn std::error::Error = error;
        tracing::error!(error, "a file could not be read to its end");
    });
    Ok(Reply::File(FileReply::new(status, head, Body::from_stream(bytes))))
}
