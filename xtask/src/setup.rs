//! What building and testing need from the machine: found, installed, or asked for in a sentence.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{command, find, output, root, run};

/// Names under which a Chromium may stand on the search path.
const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The oldest Node.js that `conformance/` runs on.
const NODE_MAJOR: u32 = 20;

/// The C compiler that the cryptography library is built with.
pub(crate) fn compiler() -> Result<(), String> {
    match find(&["cc", "gcc", "clang"]) {
        Some(_) => Ok(()),
        None => Err("a C compiler is needed to build the cryptography library: \
            install one (Debian: `apt-get install build-essential`, macOS: `xcode-select --install`)"
            .into()),
    }
}

/// The C++ compiler that libFuzzer is built with.
pub(crate) fn cxx_compiler() -> Result<(), String> {
    match find(&["c++", "g++", "clang++"]) {
        Some(_) => Ok(()),
        None => Err("a C++ compiler is needed to build libFuzzer: install one (Debian: `apt-get \
            install build-essential`, macOS: `xcode-select --install`)"
            .into()),
    }
}

/// A part of the Rust toolchain that is installed separately.
pub(crate) fn component(program: &str, name: &str) -> Result<(), String> {
    match find(&[program]) {
        Some(_) => Ok(()),
        None => {
            Err(format!("`{program}` is missing: install it with `rustup component add {name}`"))
        }
    }
}

/// A browser for the conformance run; installed with apt-get where that is possible.
pub(crate) fn browser() -> Result<PathBuf, String> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        let chosen = PathBuf::from(chosen);
        return if chosen.is_file() {
            Ok(chosen)
        } else {
            Err(format!("CHROMIUM names {}, which is not a file", chosen.display()))
        };
    }
    if let Some(found) = find(BROWSERS) {
        return Ok(found);
    }
    let wanted = "the conformance run needs a Chromium: install it (Debian: `apt-get install \
        chromium`) or name one in the variable CHROMIUM";
    let Some(mut install) = apt_get() else { return Err(wanted.into()) };
    println!("chromium is missing; installing the Debian package");
    let _ = run(apt_get().expect("found a line above").args(["update", "-q"]));
    run(install.args(["install", "-q", "-y", "--no-install-recommends", "chromium"]))
        .map_err(|error| format!("{error}; {wanted}"))?;
    find(BROWSERS).ok_or_else(|| wanted.into())
}

/// An encoder as broadcasters have it, for the conformance run: Debian's `simple-whip-client`, on Linux.
pub(crate) fn encoder() -> Result<(), String> {
    if !cfg!(target_os = "linux") || find(&["whip-client"]).is_some() {
        return Ok(());
    }
    packages(&["simple-whip-client"])
}

/// Debian packages: those that are missing are installed, without starting the services in them.
pub(crate) fn packages(names: &[&str]) -> Result<(), String> {
    let installed = |name: &&str| {
        let mut query = command("dpkg-query", &["-W", "-f", "${db:Status-Status}", name]);
        query.stderr(Stdio::null()).output().is_ok_and(|output| output.stdout == b"installed")
    };
    let missing: Vec<&str> = names.iter().filter(|name| !installed(name)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let wanted = format!("these packages are needed: `apt-get install {list}`");
    let Some(mut install) = apt_get() else { return Err(wanted) };
    println!("installing the Debian packages {list}");
    let _ = run(apt_get().expect("found a line above").args(["update", "-q"]));
    // In the runlevel of maintenance, packages start nothing.
    install.env("RUNLEVEL", "1");
    run(install.args(["install", "-q", "-y", "--no-install-recommends"]).args(&missing))
        .map_err(|error| format!("{error}; {wanted}"))
}

/// The library that moves a process's clock; none where it is not and cannot be installed.
pub(crate) fn faketime() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let known = || {
        let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
        // That for programs with many threads: the other lets one thread see the right time for an
        // instant while another reads the file that says how wrong it is.
        let below = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
        folders.map(|folder| below(folder.path())).find(|library| library.is_file())
    };
    if let Some(library) = known() {
        return Some(library);
    }
    let mut install = apt_get()?;
    println!("libfaketime is missing; installing the Debian package");
    let _ = run(apt_get()?.args(["update", "-q"]));
    run(install.args(["install", "-q", "-y", "--no-install-recommends", "libfaketime"])).ok()?;
    known()
}

/// `apt-get`, through sudo where we are not root and no password is asked for.
fn apt_get() -> Option<Command> {
    find(&["apt-get"])?;
    if rustix::process::geteuid().is_root() {
        let mut command = command("apt-get", &[]);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        return Some(command);
    }
    find(&["sudo"])?;
    output(&mut command("sudo", &["-n", "true"])).ok()?;
    Some(command("sudo", &["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]))
}

/// What asks whether a Python is new enough for sslyze, and can make environments of its own: Debian
/// keeps that in a package of its own.
const PYTHON: &str = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))";

/// A Python that has sslyze, in an environment of its own below `target/`: exactly what
/// `xtask/sslyze.txt` lists, by hash; not fetched again while that is what was installed last.
pub(crate) fn sslyze() -> Result<PathBuf, String> {
    let list = root().join("xtask/sslyze.txt");
    let wanted =
        std::fs::read(&list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let environment = root().join("target/sslyze");
    let (python, installed) =
        (environment.join("bin/python"), environment.join("installed-sslyze.txt"));
    if python.is_file() && std::fs::read(&installed).is_ok_and(|previous| previous == wanted) {
        return Ok(python);
    }
    let system = python_with_venv()?;
    println!("installing sslyze from PyPI into target/sslyze");
    run(command(system, &["-m", "venv", "--clear"]).arg(&environment))?;
    run(command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--requirement"])
        .arg(&list))?;
    std::fs::write(&installed, wanted)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
    Ok(python)
}

/// Python 3 with its `venv`; installed with apt-get where that is possible.
fn python_with_venv() -> Result<PathBuf, String> {
    let known = || {
        let python = find(&["python3"])?;
        let fits = command(&python, &["-c", PYTHON]).stderr(Stdio::null()).status();
        fits.is_ok_and(|status| status.success()).then_some(python)
    };
    if let Some(python) = known() {
        return Ok(python);
    }
    packages(&["python3", "python3-venv"])?;
    known().ok_or_else(|| {
        "grading TLS needs Python 3.10 or newer with its `venv` (Debian: `apt-get install \
         python3-venv`)"
            .into()
    })
}

/// Python 3, which an example is written in.
pub(crate) fn python() -> Result<(), String> {
    match find(&["python3"]) {
        Some(_) => Ok(()),
        None => Err("Python 3 is needed to run the example for it: install it (Debian: `apt-get \
            install python3`, macOS: `xcode-select --install`)"
            .into()),
    }
}

/// Node.js and npm, new enough.
pub(crate) fn node() -> Result<(), String> {
    let wanted = format!(
        "the conformance run needs Node.js {NODE_MAJOR} or newer with npm: install it from your \
         distribution or from nodejs.org"
    );
    if find(&["node"]).is_none() || find(&["npm"]).is_none() {
        return Err(wanted);
    }
    let version = output(&mut command("node", &["--version"]))?;
    match major(&version) {
        Some(found) if found >= NODE_MAJOR => Ok(()),
        _ => Err(format!("{wanted} (found {})", version.trim())),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The npm packages of `folder`, exactly as its lock file says; not fetched again while the lock
/// file is the one that was installed last.
pub(crate) fn npm_packages(folder: &str) -> Result<(), String> {
    let path = format!("{folder}/package-lock.json");
    let folder = root().join(folder);
    let lock = std::fs::read(root().join(&path))
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    let installed = folder.join("node_modules").join(".installed-lock.json");
    if std::fs::read(&installed).is_ok_and(|previous| previous == lock) {
        return Ok(());
    }
    run(command("npm", &["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    std::fs::write(&installed, lock)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_of_node() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major("vx"), None);
    }
}
