//! Where the root key comes from, and how it is kept out of what others can see.
//!
//! A key in an environment variable stands in `/proc/PID/environ` for as long as the process lives:
//! removing the variable changes the process's own list only, not what the kernel shows. So a process
//! that finds its key there starts itself again in its own place, without the variable, and hands the
//! key over in a pipe. That happens before there is any thread. The pipe is empty once it is read.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::FdFlags;
use stoa_core::{Entropy, Secret};
use stoa_vault::{RootKey, RootKeyError, RootKeySource};
use zeroize::Zeroizing;

use crate::config;

/// More than any spelling of a root key has, and less than a pipe holds without a reader.
const LONGEST: usize = 4096;

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The source has none, or none that is one.
    #[error(transparent)]
    Source(#[from] RootKeyError),
    /// The variable is not set.
    #[error("the environment variable {0} should hold the root key, but is not set")]
    NotSet(String),
    /// The variable holds something that cannot be a key.
    #[error("the environment variable {0} holds no root key: it is longer than 4 KiB or no text")]
    NotText(String),
    /// The process could not start itself again without the variable.
    #[error("the environment variable with the root key could not be wiped: {0}")]
    Wipe(io::Error),
    /// The key was handed over and could not be read.
    #[error("the root key was handed over in a pipe that cannot be read: {0}")]
    HandOver(io::Error),
    /// There is a vault, but not the file with the key that it was made with.
    #[error("the root key file {} is missing, and the vault {} cannot be opened without it; put it back, or name where the key is now (root-key-file, root-key-env, root-key-command)", file.display(), vault.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// The vault.
        vault: PathBuf,
    },
    /// A new key could not be written.
    #[error("cannot write the new root key to {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the key out of the environment if it is there; to be called before any thread is started.
///
/// When the variable is set this does not return: the process is replaced by itself without it, comes
/// here again, and finds the key in a pipe.
///
/// # Errors
/// [`KeyError`].
pub fn take_from_environment(source: &config::RootKey) -> Result<Option<Secret>, KeyError> {
    let config::RootKey::Variable(name) = source else { return Ok(None) };
    if let Some(handed_over) = std::env::var_os(config::ROOT_KEY_HANDOVER) {
        return receive(&handed_over).map(Some).map_err(KeyError::HandOver);
    }
    let value = std::env::var_os(name).ok_or_else(|| KeyError::NotSet(name.clone()))?;
    let value = value.into_string().map(Zeroizing::new);
    let value = value.ok().filter(|value| value.len() <= LONGEST);
    let value = value.ok_or_else(|| KeyError::NotText(name.clone()))?;
    Err(KeyError::Wipe(start_again_without(name, &value)))
}

/// Replaces the process by itself; returns only what kept it from doing so.
fn start_again_without(name: &str, value: &str) -> io::Error {
    let exec = || {
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(value.as_bytes())?;
        drop(writer);
        rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
        let mut arguments = std::env::args_os();
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        let error = command
            .args(arguments)
            .env_remove(name)
            .env(config::ROOT_KEY_HANDOVER, reader.as_raw_fd().to_string())
            .exec();
        Err::<(), _>(error)
    };
    exec().expect_err("a process that was replaced is not here any more")
}

/// Reads the pipe that was inherited as this descriptor.
fn receive(descriptor: &OsString) -> io::Result<Secret> {
    let number = descriptor.to_str().and_then(|text| text.parse::<u32>().ok());
    let number = number.ok_or(io::ErrorKind::InvalidInput)?;
    let file = File::open(format!("/dev/fd/{number}"))?;
    let mut text = Zeroizing::new(String::with_capacity(LONGEST));
    file.take(LONGEST as u64).read_to_string(&mut text)?;
    Ok(Secret::new(text.as_str()))
}

/// The root key of the vault in `vault`, and whether it was made just now. Blocks while a command
/// runs.
///
/// # Errors
/// [`KeyError`].
pub fn load(
    source: &config::RootKey,
    taken: Option<Secret>,
    vault: &Path,
    entropy: &dyn Entropy,
) -> Result<(RootKey, bool), KeyError> {
    let source = match source {
        config::RootKey::Beside(file) if !file.exists() => {
            if !is_empty(vault) {
                return Err(KeyError::Missing { file: file.clone(), vault: vault.into() });
            }
            let made = RootKeySource::generate_file(file, entropy);
            let failed = |source| KeyError::Write { file: file.clone(), source };
            return made.map(|key| (key, true)).map_err(failed);
        }
        config::RootKey::Beside(file) | config::RootKey::File(file) => {
            RootKeySource::File(file.clone())
        }
        config::RootKey::Variable(name) => RootKeySource::Env {
            name: name.clone(),
            value: taken.ok_or_else(|| KeyError::NotSet(name.clone()))?,
        },
        config::RootKey::Command(words) => RootKeySource::Command(words.clone()),
    };
    Ok((source.load()?, false))
}

/// Whether there is nothing in the directory, or no directory.
pub(crate) fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn the_first_start_makes_one_and_later_ones_need_it() {
        let dir = tempfile::tempdir().unwrap();
        let (file, vault) = (dir.path().join("keys.root"), dir.path().join("keys"));
        let source = config::RootKey::Beside(file.clone());
        let load = || load(&source, None, &vault, &SeededEntropy::new(1));

        let (made, new) = load().ok().unwrap();
        assert!(new);
        let (again, new) = load().ok().unwrap();
        assert!(!new && again.fingerprint() == made.fingerprint());

        std::fs::create_dir(&vault).unwrap();
        std::fs::write(vault.join("slots"), "x").unwrap();
        std::fs::remove_file(&file).unwrap();
        let message = load().err().unwrap().to_string();
        assert!(message.contains("keys.root is missing"), "{message}");
        assert!(!file.exists(), "no other key is made in its place");
    }

    #[test]
    fn a_pipe_gives_the_key_once() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"key").unwrap();
        drop(writer);
        let descriptor = OsString::from(reader.as_raw_fd().to_string());
        assert_eq!(receive(&descriptor).unwrap().expose(), "key");
        assert_eq!(receive(&descriptor).unwrap().expose(), "");
        assert!(receive(&"x".into()).is_err());
    }
}
