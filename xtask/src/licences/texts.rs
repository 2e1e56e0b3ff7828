//! The full licence texts that a released binary carries beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::packages::{Package, Use};

/// Words with which the names of licence files begin.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// Writes to `file` each different text once, under the packages that come with it.
pub(super) fn write(file: &Path, packages: &[Package]) -> Result<(), String> {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for package in packages.iter().filter(|package| package.used_for == Use::Binary) {
        let title = format!("{} {} ({})", package.name, package.version, package.licence);
        let texts = package.folder.as_deref().map(texts_in).transpose()?.unwrap_or_default();
        if texts.is_empty() {
            without.push(title.clone());
        }
        for text in texts {
            owners.entry(text).or_default().push(title.clone());
        }
    }
    let mut out = String::from("Software by others in the stoa binary, with its licences.\n");
    for (text, titles) in &owners {
        let _ = write!(out, "\n{}\n{}\n\n{}\n", "=".repeat(80), titles.join("\n"), text.trim_end());
    }
    if !without.is_empty() {
        let _ = write!(
            out,
            "\n{}\nPackages that come without a text of their own; the licence named applies:\n{}\n",
            "=".repeat(80),
            without.join("\n")
        );
    }
    std::fs::write(file, out)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    println!("{} licence texts written to {}", owners.len(), file.display());
    Ok(())
}

/// The licence files that lie in a package's own folder.
fn texts_in(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|start| name.starts_with(start)) && entry.path().is_file() {
            texts.push(std::fs::read_to_string(entry.path()).map_err(unreadable)?);
        }
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::texts_in;
    use crate::process::root;

    #[test]
    fn our_own_licence_is_found() {
        let texts = texts_in(&root()).expect("the root can be read");
        assert!(texts.iter().any(|text| text.contains("Apache License")));
    }
}
