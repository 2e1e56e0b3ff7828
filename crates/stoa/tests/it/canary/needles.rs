//! What is looked for, and in which spellings.

use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A search for many strings at once, each in every spelling in which it could have been written by accident.
pub(super) struct Needles {
    search: AhoCorasick,
    /// Which spelling of which string each pattern is.
    names: Vec<String>,
}

/// What a search through files came to.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub(super) files: usize,
    pub(super) bytes: usize,
    /// One line for each file with a find.
    pub(super) found: Vec<String>,
}

/// The ways in which a string could be written. Base64 hides it in three ways, by its offset modulo three.
pub(super) fn spellings(string: &str) -> Vec<(&'static str, Vec<u8>)> {
    let raw = string.as_bytes();
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let wide: Vec<u16> = string.encode_utf16().collect();
    let mut all = vec![
        ("raw", raw.to_vec()),
        ("HEX", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("utf-16le", wide.iter().flat_map(|unit| unit.to_le_bytes()).collect()),
        ("utf-16be", wide.iter().flat_map(|unit| unit.to_be_bytes()).collect()),
    ];
    for (offset, name) in ["base64", "base64+1", "base64+2"].into_iter().enumerate() {
        let text = STANDARD.encode([&vec![0; offset][..], raw].concat());
        // Only the characters that the string alone decides.
        let (from, to) = ((offset * 8).div_ceil(6), (offset + raw.len()) * 8 / 6);
        let sure = text[from..to].to_owned();
        let url_safe = sure.replace('+', "-").replace('/', "_");
        if url_safe != sure {
            all.push(("base64url", url_safe.into_bytes()));
        }
        all.push((name, sure.into_bytes()));
    }
    all.dedup_by(|one, other| one.1 == other.1);
    all
}

/// What the text of a token in format 007 stands for.
pub(super) fn bytes_of(token: &str) -> Vec<u8> {
    STANDARD.decode(token.strip_prefix("007").unwrap()).unwrap()
}

impl Needles {
    /// Strings, and tokens: those could lie there without their text form, too.
    pub(super) fn new(strings: &[String], tokens: &[String]) -> Self {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for token in tokens {
            names.push(format!("{token} as its bytes"));
            patterns.push(bytes_of(token));
        }
        for string in strings.iter().chain(tokens) {
            for (spelling, bytes) in spellings(string) {
                names.push(format!("{string} as {spelling}"));
                patterns.push(bytes);
            }
        }
        let search = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(patterns);
        Self { search: search.unwrap(), names }
    }

    /// The first find in `bytes`.
    pub(super) fn found_in(&self, bytes: &[u8]) -> Option<&str> {
        self.search.find(bytes).map(|found| &*self.names[found.pattern().as_usize()])
    }

    /// Searches every file below `root`, and the names of all of them, without those that `except` names.
    pub(super) fn search(&self, root: &Path, except: impl Fn(&Path) -> bool) -> Searched {
        let (mut searched, mut waiting) = (Searched::default(), vec![root.to_owned()]);
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if except(&path) {
                    continue;
                }
                let mut find = |bytes: &[u8], place: &str| {
                    if let Some(found) = self.found_in(bytes) {
                        searched.found.push(format!("{found} in {place} {}", path.display()));
                    }
                };
                find(entry.file_name().as_encoded_bytes(), "the name of");
                if kind.is_dir() {
                    waiting.push(path);
                } else if kind.is_file() {
                    let bytes = std::fs::read(&path).unwrap();
                    find(&bytes, "the file");
                    searched.files += 1;
                    searched.bytes += bytes.len();
                }
            }
        }
        searched
    }
}
