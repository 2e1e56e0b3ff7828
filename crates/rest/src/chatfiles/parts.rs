//! Uploading a large file in parts (msync section 9.15).

use axum::extract::{Request, State};
use http::HeaderMap;
use serde_json::json;
use stoa_chat::attachment::{NewFile, Part, ThumbnailSize};
use stoa_core::{Caller, Refusal, Uuid, limits};

use super::form::{self, Form};
use super::{FilePath, Gently, flag, said, target, uploaded};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::error::Failure;
use crate::query::Query;
use crate::reply::{Full, Outcome, Reply};

/// `POST /{org}/{app}/sdk/chatfiles/part-upload`: begins an upload. Answer: `entities[0]` with `uuid`,
/// `file_upper_limit` (bytes of the whole file) and `part_lower_limit` (bytes of each part but the last,
/// as the SDK cuts them).
///
/// Errors: 401.
pub(crate) async fn begin(State(rest): State<Rest>, Gently(caller): Gently<AnyCaller>) -> Outcome {
    let upload = rest.chat.begin_parts(&caller).await.map_err(Failure::from);
    let upload = upload.map_err(Failure::gently)?;
    let entity = json!({
        "uuid": upload.id.to_string(),
        "file_upper_limit": upload.limit,
        "part_lower_limit": upload.part,
    });
    Ok(Full::of(&*caller).entities(vec![entity]).into())
}

/// `PUT /{org}/{app}/sdk/chatfiles/part-upload/{uuid}`: takes a part. Body: a multipart form with
/// `part_file` and `part_number` ("1", …), in either order. Parts may come in any order and several at a
/// time; one that comes again takes the place of the first.
///
/// Errors: 401, 404 when the caller has no such upload under way, 413, 415, 422, 507.
pub(crate) async fn part(
    State(rest): State<Rest>,
    Gently(caller): Gently<AnyCaller>,
    Gently(FilePath(id)): Gently<FilePath>,
    request: Request,
) -> Outcome {
    take(&rest, &caller, id, request).await.map_err(Failure::gently)
}

async fn take(rest: &Rest, caller: &Caller, id: Uuid, request: Request) -> Outcome {
    use stoa_core::AppScope;

    let (parts, body) = request.into_parts();
    let form = Form::open(&parts.headers, body, caller.app().chat.attachment_bytes)?;
    let mut part = None;
    let number = read(rest, caller, id, form, &mut part).await;
    match (number, part) {
        (Ok(number), Some(part)) => {
            rest.chat.finish_part(caller, part, number).await?;
            Ok(Reply::Brief { action: "put" })
        }
        (Ok(_), None) => {
            Err(Failure::of(Refusal::BadUpload).saying("part_file: is missing in the form"))
        }
        (Err(failure), part) => {
            if let Some(part) = part {
                part.abort().await;
            }
            Err(failure)
        }
    }
}

/// Reads the form and answers the part's number.
async fn read(
    rest: &Rest,
    caller: &Caller,
    id: Uuid,
    mut form: Form,
    part: &mut Option<Part>,
) -> Result<u32, Failure> {
    let mut number = None;
    while let Some(mut field) = form.next().await? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "part_file" if part.is_some() => {
                let text = "part_file: appears twice in the form";
                return Err(Failure::of(Refusal::BadUpload).saying(text));
            }
            "part_file" => {
                let part = part.insert(rest.chat.begin_part(caller, id).await?);
                while let Some(bytes) = form::chunk(&mut field).await? {
                    part.push(&bytes).await?;
                }
            }
            "part_number" => number = Some(form::text(field).await?),
            _ => drop(form::text(field).await?),
        }
    }
    let number = number.and_then(|text| text.trim().parse().ok());
    number.filter(|number| (1..=limits::UPLOAD_PARTS).contains(number)).ok_or_else(|| {
        let most = limits::UPLOAD_PARTS;
        let text = format!("part_number: must be a whole number from 1 to {most}");
        Failure::of(Refusal::BadUpload).saying(text)
    })
}

/// `POST /{org}/{app}/sdk/chatfiles/part-upload/{uuid}`: completes an upload. Query: `restrict-access`,
/// `chat-type`, `chat-target`, `thumbnail-width`, `thumbnail-height`. Answer: as for a simple upload.
///
/// Errors: 401, 404 when the caller has no such upload, 409 when a part is still coming, 422 when parts
/// are missing.
pub(crate) async fn complete(
    State(rest): State<Rest>,
    Gently(caller): Gently<AnyCaller>,
    Gently(FilePath(id)): Gently<FilePath>,
    query: Query,
    headers: HeaderMap,
) -> Outcome {
    let new = || {
        let width = said(&query, &headers, "thumbnail-width")?;
        let height = said(&query, &headers, "thumbnail-height")?;
        Ok::<_, Failure>(NewFile {
            name: said(&query, &headers, "file-name")?.unwrap_or_default().to_owned(),
            target: target(&query)?,
            restricted: flag(&query, &headers, "restrict-access")?,
            thumbnail: ThumbnailSize::read(width, height)?,
        })
    };
    let new = new().map_err(Failure::gently)?;
    let file = rest.chat.complete_parts(&caller, id, new).await.map_err(Failure::from);
    Ok(uploaded(&*caller, &file.map_err(Failure::gently)?))
}

/// `DELETE /{org}/{app}/sdk/chatfiles/part-upload/{uuid}`: gives an upload up and removes its parts.
///
/// Errors: 401, 404 when the caller has no such upload under way.
pub(crate) async fn abort(
    State(rest): State<Rest>,
    Gently(caller): Gently<AnyCaller>,
    Gently(FilePath(id)): Gently<FilePath>,
) -> Outcome {
    let aborted = rest.chat.abort_parts(&caller, id).await.map_err(Failure::from);
    aborted.map_err(Failure::gently)?;
    Ok(Reply::Brief { action: "delete" })
}
