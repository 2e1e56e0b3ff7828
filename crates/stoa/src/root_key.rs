//! Where the root key comes from, and how it is kept out of what others can see.
//!
//! A key in an environment variable stands in `/proc/PID/environ` for as long as the process lives:
//! removing the variable changes the process's own list only, not what the kernel shows. So a process
//! that finds its key there starts itself again in its own place, without the variable, and hands the
//! key over in a pipe. That happens before there is any thread. The pipe is empty once it is read.
//!
//! When the root key in a file is exchanged, the new one lies beside it until the vault is under it
//! ([`Replacement`]). A start that finds both takes the one that the vault's slots name.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::FdFlags;
use stoa_core::{Entropy, Secret};
use stoa_vault::{RootKey, RootKeyError, RootKeySource, Survey};
use zeroize::Zeroizing;

use crate::config;
use crate::failure::Failure;
use crate::private_file;

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

/// A root key.
pub struct Loaded {
    /// The key.
    pub key: RootKey,
    /// Whether it was made just now.
    pub made: bool,
    /// What is to be done when it has opened the vault.
    pub left: Left,
}

/// What an interrupted exchange of the root key has left.
pub enum Left {
    /// Nothing, as there was none.
    Nothing,
    /// The vault is under the new key.
    Finish(Replacement),
    /// The vault is under the old key.
    Discard(Replacement),
}

impl Left {
    /// Completes an exchange that was interrupted, or takes it back. To be called when the vault was
    /// opened, with all of its directories.
    ///
    /// # Errors
    /// When the files cannot be changed.
    pub fn settle(self) -> Result<(), Failure> {
        match self {
            Self::Nothing => Ok(()),
            Self::Finish(replacement) => {
                tracing::warn!("an exchange of the root key was interrupted and is now complete");
                replacement.finish()
            }
            Self::Discard(replacement) => {
                tracing::warn!("an exchange of the root key was interrupted and did not happen");
                replacement.discard()
            }
        }
    }
}

/// The root key of the vault in `vaults` (the first directory, then its mirrors). Blocks while a
/// command runs.
///
/// # Errors
/// [`KeyError`].
pub fn load(
    source: &config::RootKey,
    taken: Option<Secret>,
    vaults: &[&Path],
    entropy: &dyn Entropy,
) -> Result<Loaded, KeyError> {
    let plain = |key| Loaded { key, made: false, left: Left::Nothing };
    let source = match source {
        config::RootKey::Beside(file) if !file.exists() && !Replacement::of(file).new.exists() => {
            let vault = vaults.first().copied().unwrap_or(Path::new(""));
            if !is_empty(vault) {
                return Err(KeyError::Missing { file: file.clone(), vault: vault.into() });
            }
            let made = RootKeySource::generate_file(file, entropy);
            let failed = |source| KeyError::Write { file: file.clone(), source };
            let key = made.map_err(failed)?;
            return Ok(Loaded { key, made: true, left: Left::Nothing });
        }
        config::RootKey::Beside(file) | config::RootKey::File(file) => {
            return from_file(file, vaults);
        }
        config::RootKey::Variable(name) => RootKeySource::Env {
            name: name.clone(),
            value: taken.ok_or_else(|| KeyError::NotSet(name.clone()))?,
        },
        config::RootKey::Command(words) => RootKeySource::Command(words.clone()),
    };
    Ok(plain(source.load()?))
}

/// The key in the file, or the one beside it if that is the vault's.
fn from_file(file: &Path, vaults: &[&Path]) -> Result<Loaded, KeyError> {
    let present = RootKeySource::File(file.into()).load();
    let replacement = Replacement::of(file);
    if !replacement.new.exists() {
        return Ok(Loaded { key: present?, made: false, left: Left::Nothing });
    }
    let slots = vaults.iter().filter_map(|dir| Survey::of(dir).ok()?.newest);
    let wanted = slots.max_by_key(|slot| slot.generation).map(|slot| slot.root);
    let new = RootKeySource::File(replacement.new.clone()).load();
    match (present, new) {
        (_, Ok(key)) if wanted == Some(key.fingerprint()) => {
            Ok(Loaded { key, made: false, left: Left::Finish(replacement) })
        }
        (Ok(key), _) if wanted == Some(key.fingerprint()) => {
            Ok(Loaded { key, made: false, left: Left::Discard(replacement) })
        }
        // Neither is: opening the vault says what it wants, and both files stay.
        (present, _) => Ok(Loaded { key: present?, made: false, left: Left::Nothing }),
    }
}

/// A new root key beside the file of the present one.
pub struct Replacement {
    file: PathBuf,
    new: PathBuf,
}

impl Replacement {
    fn of(file: &Path) -> Self {
        let mut new = file.as_os_str().to_owned();
        new.push(".next");
        Self { file: file.into(), new: new.into() }
    }

    /// Writes the new key beside `file`, durably.
    ///
    /// # Errors
    /// When it cannot be written, or one is there already.
    pub fn write(file: &Path, key: &RootKey) -> Result<Self, Failure> {
        let replacement = Self::of(file);
        private_file::create(&replacement.new, &key.to_hex())?;
        Ok(replacement)
    }

    /// Where the key is when [`Self::finish`] has returned.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts the new key in the place of the old one, which is overwritten first.
    ///
    /// # Errors
    /// When the files cannot be changed. The next start tries again.
    pub fn finish(self) -> Result<(), Failure> {
        let finish = || {
            erase(&self.file)?;
            std::fs::rename(&self.new, &self.file)?;
            private_file::sync_above(&self.file)
        };
        let what = "put the new root key in the place of the old one";
        finish().map_err(Failure::io(format!(
            "{what}: {} opens the vault, and {} does not any more",
            self.new.display(),
            self.file.display()
        )))
    }

    /// Takes the new key away.
    fn discard(self) -> Result<(), Failure> {
        let discard = || {
            erase(&self.new)?;
            std::fs::remove_file(&self.new)?;
            private_file::sync_above(&self.new)
        };
        discard().map_err(Failure::io(format!("remove {}", self.new.display())))
    }
}

/// Overwrites what a file holds, in place.
fn erase(file: &Path) -> io::Result<()> {
    let mut file = match std::fs::OpenOptions::new().write(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(LONGEST).min(LONGEST);
    file.write_all(&vec![b'0'; length])?;
    file.sync_all()
}

/// The root key that the command gives now.
///
/// # Errors
/// When it gives none.
pub async fn ask(words: Vec<String>) -> Result<RootKey, Failure> {
    let asked = tokio::task::spawn_blocking(move || RootKeySource::Command(words).load());
    let asked = asked.await.map_err(|error| Failure::io("run the command")(error.into()))?;
    asked.map_err(|error| KeyError::from(error).into())
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
        let load = || load(&source, None, &[&vault], &SeededEntropy::new(1));

        let first = load().ok().unwrap();
        assert!(first.made);
        let again = load().ok().unwrap();
        assert!(!again.made && again.key.fingerprint() == first.key.fingerprint());

        std::fs::create_dir(&vault).unwrap();
        std::fs::write(vault.join("slots"), "x").unwrap();
        std::fs::remove_file(&file).unwrap();
        let message = load().err().unwrap().to_string();
        assert!(message.contains("keys.root is missing"), "{message}");
        assert!(!file.exists(), "no other key is made in its place");
    }

    /// Both files lie there after a crash, the old one overwritten or not: the vault says which.
    #[test]
    fn an_interrupted_exchange_is_settled_by_what_the_vault_says() {
        for (vault_is_under_the_new, old_is_erased) in [(false, false), (true, false), (true, true)]
        {
            let dir = tempfile::tempdir().unwrap();
            let (file, vault) = (dir.path().join("root"), dir.path().join("keys"));
            let entropy = std::sync::Arc::new(SeededEntropy::new(1));
            let clock = std::sync::Arc::new(stoa_core::SystemClock);
            let open = |root| {
                let options = stoa_vault::VaultOptions::new(&vault);
                stoa_vault::Vault::open(options, root, clock.clone(), entropy.clone())
            };
            let old = RootKeySource::generate_file(&file, &*entropy).unwrap();
            let [print, hex] = [old.fingerprint().to_string(), old.to_hex().to_string()];
            let opened = open(old).unwrap();
            let new = RootKey::random(&*entropy);
            let new_print = new.fingerprint().to_string();
            Replacement::write(&file, &new).unwrap();
            assert!(Replacement::write(&file, &new).is_err(), "one at a time");
            if vault_is_under_the_new {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(opened.rotate_root(new)).unwrap();
            }
            drop(opened);
            if old_is_erased {
                erase(&file).unwrap();
            }

            let source = config::RootKey::File(file.clone());
            let loaded = load(&source, None, &[&vault], &*entropy).ok().unwrap();
            let wanted = if vault_is_under_the_new { &new_print } else { &print };
            assert_eq!(loaded.key.fingerprint().to_string(), *wanted);
            loaded.left.settle().unwrap();
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "keys and root");
            let left = std::fs::read_to_string(&file).unwrap();
            assert_eq!(left.trim() == hex, !vault_is_under_the_new);
            let again = load(&source, None, &[&vault], &*entropy).ok().unwrap();
            assert!(open(again.key).is_ok());
        }
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
