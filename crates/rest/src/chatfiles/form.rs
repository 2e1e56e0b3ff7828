//! An upload's body: a form whose file streams by and is never held.

use axum::body::{Body, HttpBody};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::{Field, Multipart};
use stoa_chat::attachment::Upload;
use stoa_core::{Refusal, limits};

use crate::error::Failure;

/// Fields of a form, at the most.
const FIELDS: usize = 16;
/// Bytes of a form beside its file: boundaries, heads of fields, the other fields.
const BESIDE: u64 = 64 * 1024;

/// A form that is being read.
pub(crate) struct Form {
    form: Multipart<'static>,
    fields: usize,
}

impl Form {
    /// The form that `body` is, with a file of at most `limit` bytes.
    ///
    /// # Errors
    /// 415 for a body that is no form; 413 for one that says itself that it is too large.
    pub(crate) fn open(headers: &HeaderMap, body: Body, limit: u64) -> Result<Self, Failure> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = media_type.and_then(|text| multer::parse_boundary(text).ok());
        let Some(boundary) = boundary else {
            return Err(Failure::of(Refusal::MediaType)
                .saying("Unsupported Media Type. The body must be multipart/form-data."));
        };
        if body.size_hint().lower() > limit.saturating_add(BESIDE) {
            return Err(stoa_chat::Error::FileTooLarge { limit }.into());
        }
        Ok(Self { form: Multipart::new(body.into_data_stream(), boundary), fields: 0 })
    }

    /// The next field.
    ///
    /// # Errors
    /// 422 when the form is cut or none.
    pub(super) async fn next(&mut self) -> Result<Option<Field<'static>>, Failure> {
        self.fields += 1;
        if self.fields > FIELDS {
            let text = format!("the form has more than {FIELDS} fields");
            return Err(Failure::of(Refusal::BadUpload).saying(text));
        }
        self.form.next_field().await.map_err(|_| broken())
    }
}

/// The next bytes of a field.
///
/// # Errors
/// 422 when the form is cut or none.
pub(super) async fn chunk(field: &mut Field<'_>) -> Result<Option<bytes::Bytes>, Failure> {
    field.chunk().await.map_err(|_| broken())
}

/// The text of a field that is no file.
///
/// # Errors
/// 422 for what is long or no text, and when the form is cut.
pub(super) async fn text(mut field: Field<'_>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(more) = chunk(&mut field).await? {
        if bytes.len() + more.len() > limits::UPLOAD_FIELD_BYTES {
            let most = limits::UPLOAD_FIELD_BYTES;
            let text = format!("a field of the form beside the file is longer than {most} bytes");
            return Err(Failure::of(Refusal::BadUpload).saying(text));
        }
        bytes.extend_from_slice(&more);
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::of(Refusal::BadUpload).saying("a field of the form beside the file is not text")
    })
}

fn broken() -> Failure {
    let text = "the body is not a multipart form, or ends before its last boundary";
    Failure::of(Refusal::BadUpload).saying(text)
}

/// Takes the form's only file into `upload`; answers it with the file's name. None without a file.
///
/// # Errors
/// 413, 422, 507; then nothing is kept of it.
pub(crate) async fn receive_file(
    mut form: Form,
    mut upload: Upload,
) -> Result<Option<(Upload, String)>, Failure> {
    match take_file(&mut form, &mut upload).await {
        Ok(Some(name)) => Ok(Some((upload, name))),
        Ok(None) => {
            upload.abort().await;
            Ok(None)
        }
        Err(failure) => {
            upload.abort().await;
            Err(failure)
        }
    }
}

async fn take_file(form: &mut Form, upload: &mut Upload) -> Result<Option<String>, Failure> {
    let mut name = None;
    while let Some(mut field) = form.next().await? {
        if field.name() != Some("file") {
            // Nothing else is known; it is read past.
            drop(text(field).await?);
            continue;
        }
        if name.is_some() {
            let text = "file: appears twice in the form";
            return Err(Failure::of(Refusal::BadUpload).saying(text));
        }
        name = Some(field.file_name().unwrap_or_default().to_owned());
        while let Some(bytes) = chunk(&mut field).await? {
            upload.push(&bytes).await?;
        }
    }
    Ok(name)
}
