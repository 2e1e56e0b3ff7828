//! Files shared in a group: R111 to R114.

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::HeaderMap;
use serde_json::{Value, json};
use stoa_chat::ListedFile;
use stoa_core::{AppScope, GroupId, Refusal, Resource, limits};

use super::{GroupPath, device};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::chatfiles::{FilePath, Form, Gently, answer, receive_file};
use crate::error::Failure;
use crate::query::Query;
use crate::reply::{Full, Outcome};

/// Files of one page, at the most and when the caller names no number (chat-rest R111).
const PAGE: usize = 1000;

/// The routes.
pub(crate) fn routes() -> Router<Rest> {
    Router::new()
        .route("/chatgroups/{group}/share_files", get(list).post(upload))
        .route("/chatgroups/{group}/share_files/{file}", get(download).delete(delete))
}

/// `GET /{org}/{app}/chatgroups/{group}/share_files?pagenum&pagesize`: R111, newest first; `pagenum`
/// from 1, `pagesize` up to 1000.
///
/// Errors: 400, 403, 404.
async fn list(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    query: Query,
) -> Outcome {
    let number = |name: &str, most: usize| -> Result<Option<usize>, Failure> {
        let Some(text) = query.get(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| *number <= most);
        let rule = || Failure::argument(format!("{name}: must be a whole number up to {most}"));
        number.map(Some).ok_or_else(rule)
    };
    let page = number("pagenum", 1_000_000)?.unwrap_or(1).max(1);
    let size = number("pagesize", PAGE)?.unwrap_or(PAGE).max(1);
    let files = rest.chat.group_files(&caller, &group, (page - 1) * size, size).await?;
    let count = files.len();
    let rows: Vec<Value> = files.iter().map(row).collect();
    Ok(Full::of(&*caller).data(rows.into()).count(count).into())
}

fn row(file: &ListedFile) -> Value {
    json!({
        "file_id": file.id.to_string(),
        "file_name": file.name,
        "file_owner": file.owner.as_ref().map_or("@ppAdmin", |owner| owner.as_str()),
        "file_size": file.size,
        "created": file.created.as_millis(),
    })
}

/// `POST /{org}/{app}/chatgroups/{group}/share_files?resource`: R112, a multipart form with `file` of at
/// most 10 MB. Members may.
///
/// Errors: 401, 403, 404, 413, 415, 422 (never 400, which the SDK does not survive here), 507.
async fn upload(
    State(rest): State<Rest>,
    Gently(caller): Gently<AnyCaller>,
    GroupPath(group): GroupPath,
    query: Query,
    request: Request,
) -> Outcome {
    let device = device(&query).map_err(Failure::gently)?;
    receive(&rest, &caller, device.as_ref(), &group, request).await.map_err(Failure::gently)
}

async fn receive(
    rest: &Rest,
    caller: &AnyCaller,
    device: Option<&Resource>,
    group: &GroupId,
    request: Request,
) -> Outcome {
    let (parts, body) = request.into_parts();
    let form = Form::open(&parts.headers, body, limits::SHARED_FILE_BYTES)?;
    let upload = rest.chat.begin_group_file(caller, group).await?;
    let Some((upload, name)) = receive_file(form, upload).await? else {
        return Err(Failure::of(Refusal::BadUpload).saying("file: is missing in the form"));
    };
    let file = rest.chat.share_group_file(caller, device, group, upload, &name).await?;
    let (id, key) = (file.id.to_string(), &caller.app().key);
    let data = json!({
        "file_url": format!("{}/{}/{}/chatgroups/{}/share_files/{id}", rest.origin, key.org(), key.app(), group.as_str()),
        "group_id": group.as_str(),
        "file_name": file.name,
        "created": file.created.as_millis(),
        "file_id": id,
        "file_size": file.size,
    });
    Ok(Full::of(&**caller).data(data).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/share_files/{file}`: R113, the bytes. Members may.
///
/// Errors: 403, 404, 416.
async fn download(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    FilePath(file): FilePath,
    headers: HeaderMap,
) -> Outcome {
    let file = rest.chat.open_group_file(&caller, &group, file).await?;
    answer(file, &headers, rest.chat.clock().now())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/share_files/{file}?resource`: R114. Members their own; owner
/// and administrators any.
///
/// Errors: 403, 404.
async fn delete(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    FilePath(file): FilePath,
    query: Query,
) -> Outcome {
    let device = device(&query)?;
    rest.chat.delete_group_file(&caller, device.as_ref(), &group, file).await?;
    let data = json!({ "group_id": group.as_str(), "file_id": file.to_string(), "result": true });
    Ok(Full::of(&*caller).data(data).into())
}
