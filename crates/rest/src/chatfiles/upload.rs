//! Uploading a file whole.

use axum::extract::{Request, State};
use stoa_chat::attachment::{NewFile, ThumbnailSize, Upload};
use stoa_core::{AppScope, Caller, Refusal};

use super::form::{self, Form};
use super::{Gently, flag, said, target, uploaded};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::error::Failure;
use crate::query::Query;
use crate::reply::Outcome;

/// `POST /{org}/{app}/chatfiles`: R045, and the SDK's simple upload.
///
/// Body: a multipart form with `file`, streamed; `thumbnail-width` and `thumbnail-height` there, in the
/// query or in headers. Query: `chat-type` (CHAT, GROUP, ROOM) and `chat-target`. Header:
/// `restrict-access`. Answer: `entities[0]` with `uuid`, `share-secret` and `file-metadata`.
///
/// Errors: 401, 413 for a file larger than the app allows, 415 for what is no form, 422 for other
/// mistakes, 507 when there is no space.
pub(crate) async fn upload(
    State(rest): State<Rest>,
    Gently(caller): Gently<AnyCaller>,
    query: Query,
    request: Request,
) -> Outcome {
    receive(&rest, &caller, &query, request).await.map_err(Failure::gently)
}

/// What came of a form so far.
#[derive(Default)]
struct Received {
    file: Option<(Upload, String)>,
    width: Option<String>,
    height: Option<String>,
}

async fn receive(rest: &Rest, caller: &Caller, query: &Query, request: Request) -> Outcome {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let mut new = NewFile {
        target: target(query)?,
        restricted: flag(query, headers, "restrict-access")?,
        ..NewFile::default()
    };
    let asked = |name| said(query, headers, name).map(|text| text.map(str::to_owned));
    let mut received = Received {
        file: None,
        width: asked("thumbnail-width")?,
        height: asked("thumbnail-height")?,
    };
    // What is wrong with these is told before the file is taken.
    ThumbnailSize::read(received.width.as_deref(), received.height.as_deref())?;
    let form = Form::open(headers, body, caller.app().chat.attachment_bytes)?;
    let read = read(rest, caller, form, &mut received).await;
    let size = read.and_then(|()| {
        Ok(ThumbnailSize::read(received.width.as_deref(), received.height.as_deref())?)
    });
    match (size, received.file) {
        (Ok(size), Some((upload, name))) => {
            new.thumbnail = size;
            new.name = name;
            let file = rest.chat.finish_upload(caller, upload, new).await?;
            Ok(uploaded(caller, &file))
        }
        (Ok(_), None) => {
            Err(Failure::of(Refusal::BadUpload).saying("file: is missing in the form"))
        }
        (Err(failure), upload) => {
            if let Some((upload, _)) = upload {
                upload.abort().await;
            }
            Err(failure)
        }
    }
}

async fn read(
    rest: &Rest,
    caller: &Caller,
    mut form: Form,
    received: &mut Received,
) -> Result<(), Failure> {
    while let Some(mut field) = form.next().await? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if received.file.is_some() => {
                let text = "file: appears twice in the form";
                return Err(Failure::of(Refusal::BadUpload).saying(text));
            }
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let upload = rest.chat.begin_upload(caller).await?;
                let (upload, _) = received.file.insert((upload, name));
                while let Some(bytes) = form::chunk(&mut field).await? {
                    upload.push(&bytes).await?;
                }
            }
            "thumbnail-width" => received.width = Some(form::text(field).await?),
            "thumbnail-height" => received.height = Some(form::text(field).await?),
            // Nothing else is known; it is read past.
            _ => drop(form::text(field).await?),
        }
    }
    Ok(())
}
