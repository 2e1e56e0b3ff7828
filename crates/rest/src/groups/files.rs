//! Files shared in a group, R111 to R114, or in a room (msync section 9.6).

use axum::extract::{Request, State};
use axum::routing::get;
use http::HeaderMap;
use serde_json::{Value, json};
use stoa_chat::ListedFile;
use stoa_core::{AppScope, GroupId, Refusal, Resource, limits};

use super::GroupPath;
use crate::Rest;
use crate::auth::AnyCaller;
use crate::chatfiles::{FilePath, Form, Gently, answer, receive_file};
use crate::error::Failure;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// Files of one page, at the most and when the caller names no number (chat-rest R111).
const PAGE: usize = 1000;

/// The routes below a group or room.
pub(crate) fn routes(at: &str) -> Routes {
    Routes::new()
        .route(&format!("{at}/share_files"), get(list).post(upload))
        .route(&format!("{at}/share_files/{{file}}"), get(download).delete(delete))
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
    let page = query.whole("pagenum", 0..=1_000_000, 1)?.max(1);
    let size = query.whole("pagesize", 0..=PAGE, PAGE)?.max(1);
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
    Gently(Acting(device)): Gently<Acting>,
    request: Request,
) -> Outcome {
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
    let app = format!("{}/{}/{}", rest.origin, key.org(), key.app());
    let kind = if group.is_room() { "chatrooms" } else { "chatgroups" };
    let data = json!({
        "file_url": format!("{app}/{kind}/{}/share_files/{id}", group.as_str()),
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
    Acting(device): Acting,
) -> Outcome {
    rest.chat.delete_group_file(&caller, device.as_ref(), &group, file).await?;
    let data = json!({ "group_id": group.as_str(), "file_id": file.to_string(), "result": true });
    Ok(Full::of(&*caller).data(data).into())
}
