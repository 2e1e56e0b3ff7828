//! Where the root key comes from: a file, an environment variable or a command.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stoa_core::{Entropy, Secret};
use stoa_seal::RootKey;
use zeroize::Zeroizing;

use crate::RootKeyError;

/// The most that is read from a file or command, in bytes.
const LONGEST: usize = 4096;

/// Where the operator keeps the root key. It is 64 hexadecimal or 44 base64 characters (32 bytes).
pub enum RootKeySource {
    /// A file that only its owner may read.
    File(PathBuf),
    /// An environment variable.
    ///
    /// Takes the value, not only the name: removing a variable is sound only while the process has a
    /// single thread, so the binary reads and removes it as the first thing that it does.
    Env {
        /// The variable's name, for messages.
        name: String,
        /// What it held.
        value: Secret,
    },
    /// A command (program and arguments, no shell) that writes the key to its standard output.
    Command(Vec<String>),
}

impl RootKeySource {
    /// Reads the root key. Blocks while a command runs.
    ///
    /// # Errors
    /// When it cannot be read, when the file is open to others, or when it is no root key.
    pub fn load(&self) -> Result<RootKey, RootKeyError> {
        match self {
            Self::File(path) => from_file(path),
            Self::Env { name, value } => {
                parse(value.expose().as_bytes(), || format!("the environment variable {name}"))
            }
            Self::Command(argv) => from_command(argv),
        }
    }

    /// Makes a new root key and writes it to `path`, which must not exist yet, readable by its owner
    /// only. It is durable when this returns.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn generate_file(path: &Path, entropy: &dyn Entropy) -> io::Result<RootKey> {
        let key = RootKey::random(entropy);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key.to_hex().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(key)
    }
}

fn from_file(path: &Path) -> Result<RootKey, RootKeyError> {
    let failed = |source| RootKeyError::File { path: path.into(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    // Of the opened file, so that it cannot be exchanged between the check and the reading.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(RootKeyError::Permissions { path: path.into(), mode });
    }
    let origin = || format!("the root key file {}", path.display());
    parse(&read_limited(file).map_err(failed)?, origin)
}

fn from_command(argv: &[String]) -> Result<RootKey, RootKeyError> {
    let (program, arguments) = argv.split_first().ok_or(RootKeyError::NoCommand)?;
    let failed = |source| RootKeyError::Command { program: program.clone(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let output = child.stdout.take().expect("standard output was asked for as a pipe");
    // Reading stops at the limit and closes the pipe, so that a talkative command ends.
    let read = read_limited(output);
    let status = child.wait().map_err(failed)?;
    let bytes = read.map_err(failed)?;
    let origin = || format!("the output of the root key command {program}");
    if bytes.len() <= LONGEST && !status.success() {
        return Err(RootKeyError::CommandFailed { program: program.clone(), status });
    }
    parse(&bytes, origin)
}

/// Reads at most one byte more than [`LONGEST`] into a buffer that never moves and is wiped.
fn read_limited(from: impl io::Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut from = from.take(LONGEST as u64 + 1);
    let mut length = 0;
    loop {
        match from.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn parse(bytes: &[u8], origin: impl Fn() -> String) -> Result<RootKey, RootKeyError> {
    if bytes.len() > LONGEST {
        return Err(RootKeyError::TooLong { origin: origin() });
    }
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| RootKeyError::NotText { origin: origin() })?;
    RootKey::parse_strong(text).map_err(|source| RootKeyError::Format { origin: origin(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    fn refused(source: &RootKeySource) -> String {
        source.load().err().unwrap().to_string()
    }

    fn shell(script: &str) -> RootKeySource {
        RootKeySource::Command(vec!["sh".into(), "-c".into(), script.into()])
    }

    #[test]
    fn a_file_must_be_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let entropy = SeededEntropy::new(1);
        let made = RootKeySource::generate_file(&path, &entropy).unwrap();
        let source = RootKeySource::File(path.clone());
        assert_eq!(source.load().ok().unwrap().fingerprint(), made.fingerprint());
        assert!(RootKeySource::generate_file(&path, &entropy).is_err(), "never overwritten");

        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let message = refused(&source);
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        }
        assert!(refused(&RootKeySource::File(dir.path().join("none"))).contains("cannot read"));
    }

    #[test]
    fn a_variable_and_a_command_give_the_same_key() {
        let hex = RootKey::random(&SeededEntropy::new(1)).to_hex().to_string();
        let env = RootKeySource::Env { name: "STOA_ROOT_KEY".into(), value: Secret::new(&hex) };
        let command = shell(&format!("echo {hex}"));
        let prints = [env.load(), command.load()].map(|key| key.ok().unwrap().fingerprint());
        assert_eq!(prints[0], prints[1]);
    }

    #[test]
    fn commands_that_fail_are_told_apart() {
        assert!(refused(&shell("exit 3")).contains("failed (exit status: 3)"));
        assert!(refused(&shell("yes | head -c 100000")).contains("longer than 4 KiB"));
        assert!(refused(&shell("printf '\\377'")).contains("not text"));
        assert!(refused(&shell("echo short")).contains("holds no root key"));
        assert!(refused(&RootKeySource::Command(vec![])).contains("empty"));
        let missing = RootKeySource::Command(vec!["/nonexistent/program".into()]);
        assert!(refused(&missing).contains("cannot run"));
    }
}
