//! The demo page in `web/`: checked, tested and built, and built again only when something changed.
//!
//! The server embeds what lies in `web/dist/site`. Without Node.js the page is left out and everything
//! else works, so that for `up` its absence is no error; the test command insists on it.

use std::path::{Path, PathBuf};

use crate::process::{command, find, output, root, run as execute};
use crate::setup;

/// The oldest Node.js that the page is built with.
const NODE: (u32, u32) = (20, 19);
/// Says of which sources the built page is.
const STAMP: &str = "dist/.built-from";

fn folder() -> PathBuf {
    root().join("web")
}

/// The step of the test command: types, unit tests, and the build.
pub(crate) fn step() -> Result<(), String> {
    node()?;
    setup::npm_packages("web")?;
    npm(&["run", "--silent", "check"])?;
    npm(&["test", "--silent"])?;
    build()
}

/// Builds the page if it is not up to date; fails without Node.js.
pub(crate) fn build() -> Result<(), String> {
    node()?;
    let sources = fingerprint()?;
    let stamp = folder().join(STAMP);
    let built = folder().join("dist/site/index.html").is_file();
    if built && std::fs::read_to_string(&stamp).is_ok_and(|before| before == sources) {
        return Ok(());
    }
    println!("building the demo page");
    setup::npm_packages("web")?;
    npm(&["run", "--silent", "build"])?;
    std::fs::write(&stamp, sources)
        .map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

/// Builds the page if that can be done, and otherwise says in a line that it is left out.
pub(crate) fn build_if_possible() {
    if let Err(reason) = build() {
        println!("the demo page is left out of this build: {reason}");
    }
}

fn node() -> Result<(), String> {
    let (major, minor) = NODE;
    let wanted = format!("it needs Node.js {major}.{minor} or newer with npm");
    if find(&["node"]).is_none() || find(&["npm"]).is_none() {
        return Err(format!("{wanted}, which is not there"));
    }
    let said = output(&mut command("node", &["--version"]))?;
    match version(&said) {
        Some(found) if found >= NODE => Ok(()),
        _ => Err(format!("{wanted}, and found {}", said.trim())),
    }
}

fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn npm(arguments: &[&str]) -> Result<(), String> {
    execute(command("npm", arguments).current_dir(folder()))
}

/// A number that changes with any source of the page.
fn fingerprint() -> Result<String, String> {
    let mut files = Vec::new();
    collect(&folder(), &mut files)
        .map_err(|error| format!("cannot read the page's sources: {error}"))?;
    files.sort();
    // FNV-1a: nobody forges it, it only has to differ.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in &files {
        let bytes = std::fs::read(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        for byte in file.as_os_str().as_encoded_bytes().iter().chain(&[0]).chain(&bytes) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}\n"))
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.ends_with("node_modules") || path.ends_with("dist") {
            continue;
        }
        if path.is_dir() { collect(&path, into)? } else { into.push(path) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node() {
        assert_eq!(version("v20.19.2\n"), Some((20, 19)));
        assert!(version("v20.20.0") >= Some(NODE) && version("v22.1.0") >= Some(NODE));
        assert!(version("v20.9.0") < Some(NODE));
        assert_eq!(version("20"), None);
    }

    #[test]
    fn sources_are_looked_at_and_what_is_made_of_them_is_not() {
        let mut files = Vec::new();
        collect(&folder(), &mut files).expect("web/ is there");
        assert!(files.contains(&folder().join("src/main.tsx")));
        assert!(!files.iter().any(|file| {
            file.components()
                .any(|part| part.as_os_str() == "node_modules" || part.as_os_str() == "dist")
        }));
    }
}
