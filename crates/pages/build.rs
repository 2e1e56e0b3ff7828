//! Writes the table of the files in `web/dist/site`, which the crate embeds; an empty one when the
//! pages were not built.
//!
//! Cargo runs this again when something in `web/dist` changes. That folder is part of the repository,
//! so that it is there to be watched before anything was built.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    // A path that is not there would make Cargo run this each time.
    let watched = if dist.is_dir() { dist.clone() } else { Path::new("build.rs").into() };
    println!("cargo::rerun-if-changed={}", watched.display());

    let site = dist.join("site");
    let mut files = Vec::new();
    if site.join("index.html").is_file() {
        collect(&site, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&site).map_err(io::Error::other)?;
        let name = name.to_str().ok_or_else(|| io::Error::other("a name that is not UTF-8"))?;
        let bytes = fs::canonicalize(file)?;
        let tag = fingerprint(&fs::read(file)?);
        writeln!(
            table,
            "    File {{ path: {:?}, etag: \"\\\"{tag:016x}\\\"\", bytes: include_bytes!({bytes:?}) }},",
            format!("/{}", name.replace('\\', "/")),
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").map(PathBuf::from);
    fs::write(out.ok_or_else(|| io::Error::other("no OUT_DIR"))?.join("files.rs"), table)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, into)? } else { into.push(path) }
    }
    Ok(())
}

/// FNV-1a: says whether two versions of a file are the same, to a browser that had one of them.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
