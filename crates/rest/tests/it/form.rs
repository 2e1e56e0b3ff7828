//! Multipart forms, as the SDK sends them.

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// A form in the making.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With a file under the field `field`. The name stands as it is given.
    pub(crate) fn file(self, field: &str, name: &str, bytes: &[u8]) -> Self {
        let head = format!("name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: text/html");
        self.part(&head, bytes)
    }

    /// With a text under the field `field`.
    pub(crate) fn text(self, field: &str, text: &str) -> Self {
        self.part(&format!("name=\"{field}\""), text.as_bytes())
    }

    fn part(mut self, head: &str, bytes: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.0[..], format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }
}
