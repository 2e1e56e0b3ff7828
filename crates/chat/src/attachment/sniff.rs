//! What a file is, by its first bytes: images of pixels, audio and video, which a browser may show in
//! place. Everything else, whatever it says of itself, is a file to be saved.

/// The type of a file that is not shown.
pub const OTHER: &str = "application/octet-stream";

/// Types that can be shown without running anything. No SVG: it is a document with scripts.
const SHOWN: &[&str] = &[
    "audio/aac",
    "audio/amr",
    "audio/m4a",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/x-flac",
    "audio/x-wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/mpeg",
    "video/quicktime",
    "video/webm",
    "video/x-m4v",
    "video/x-matroska",
    "video/x-msvideo",
];

/// Bytes from the start of a file that tell what it is.
pub(super) const HEAD: usize = 4096;

/// The type of a file that begins with `head`.
pub(super) fn content_type(head: &[u8]) -> &'static str {
    infer::get(head).map_or(OTHER, |found| known(found.mime_type()))
}

/// The type with this name, if it is shown; [`OTHER`] otherwise.
pub(super) fn known(name: &str) -> &'static str {
    SHOWN.iter().find(|shown| **shown == name).copied().unwrap_or(OTHER)
}

/// Whether a browser may show a file of this type in place.
pub fn is_shown(content_type: &str) -> bool {
    SHOWN.contains(&content_type)
}

/// Whether a thumbnail can be made of it.
pub(super) fn is_image(content_type: &str) -> bool {
    matches!(content_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/bmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_only_what_runs_nothing_is_shown() {
        for (head, content_type) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"GIF89a=<script>alert(1)</script>", "image/gif"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", "image/jpeg"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
            (b"OggS\0\x02\0\0\0\0", "audio/ogg"),
            (b"<!DOCTYPE html><script>", OTHER),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", OTHER),
            (b"%PDF-1.7", OTHER),
            (b"PK\x03\x04", OTHER),
            (b"", OTHER),
        ] {
            assert_eq!(super::content_type(head), content_type);
            assert_eq!(is_shown(content_type), content_type != OTHER);
            assert_eq!(known(content_type), content_type);
        }
        assert!(SHOWN.is_sorted() && !is_shown("image/svg+xml") && !is_shown("text/html"));
    }
}
