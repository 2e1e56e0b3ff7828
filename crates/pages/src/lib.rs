//! The built files of `web/`, embedded in the binary when it is compiled.
//!
//! Building the pages needs Node.js, building the server does not: where `web/dist` is empty, there
//! are no files here, and [`LEFT_OUT`] is what to show instead. No IO, no HTTP: whoever serves a
//! [`File`] finds in it what the answer's headers are made of.

/// A file of the pages.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its name, beginning with `/`.
    pub path: &'static str,
    /// What names this version of it, quoted as in the header `ETag`.
    pub etag: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What to show where the pages were left out: a page without anything but text.
pub const LEFT_OUT: &str = include_str!("left_out.html");

/// What to do where the pages were left out, in a sentence.
pub const HOW_TO_BUILD: &str = "the pages were left out of this build; build them with `npm ci && npm run build` in web/ (Node.js 20.19 or newer), then build stoa again";

/// The file that is shown at `path`; `/` is the start page, and pages are shown without `.html`.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.address() == path)
}

/// All files, by path. Empty where the pages were left out.
pub fn files() -> &'static [File] {
    FILES
}

impl File {
    /// Where it is shown: a page is without `.html`, the start page at `/`.
    pub fn address(&self) -> &'static str {
        match self.path.strip_suffix(".html") {
            Some("/index") => "/",
            Some(page) => page,
            None => self.path,
        }
    }

    /// What the file is, as in the header `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, end)| end) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// Whether the file's name changes with its content, so that it can be kept for ever.
    pub fn is_immutable(&self) -> bool {
        self.path.starts_with("/assets/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_path_and_have_a_type() {
        assert!(file("/../Cargo.toml").is_none());
        assert_eq!(file("/").is_some(), !files().is_empty());
        for listed in files() {
            let found = file(listed.address()).expect("listed");
            assert_eq!(found.bytes, listed.bytes);
            assert_ne!(found.content_type(), "application/octet-stream", "{}", found.path);
            assert!(found.etag.len() == 18 && found.etag.starts_with('"'), "{}", found.etag);
        }
        let types = |path: &'static str| File { path, etag: "", bytes: b"" }.content_type();
        assert_eq!(types("/assets/a-1.js"), "text/javascript; charset=utf-8");
        assert_eq!(types("/a"), "application/octet-stream");
        let shown = |path: &'static str| File { path, etag: "", bytes: b"" }.address();
        assert_eq!((shown("/index.html"), shown("/a/b.html")), ("/", "/a/b"));
        assert_eq!(shown("/a.js"), "/a.js");
    }

    #[test]
    fn only_names_that_change_with_the_content_are_kept_for_ever() {
        let immutable = |path: &'static str| File { path, etag: "", bytes: b"" }.is_immutable();
        assert!(immutable("/assets/index-Dk3.js"));
        assert!(!immutable("/index.html"));
    }

    #[test]
    fn the_substitute_says_what_to_do() {
        assert!(LEFT_OUT.contains("npm ci") && HOW_TO_BUILD.contains("npm ci"));
        assert!(!LEFT_OUT.contains("<script") && !LEFT_OUT.contains("style="));
    }
}
