//! Files that hold secrets, and files that must be there whole or not at all.

use std::fs::{File, OpenOptions, remove_file, rename};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use stoa_core::Secret;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// More than any secret has.
const LONGEST: u64 = 4096;

/// Writes `secret` and a line end to a new file that only its owner can read.
///
/// # Errors
/// When it is there already or cannot be written.
pub fn create(path: &Path, secret: &str) -> Result<(), Failure> {
    let write = || {
        let mut file = new_file(path)?;
        file.write_all(secret.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        sync_above(path)
    };
    write().map_err(Failure::io(format!("write {}", path.display())))
}

/// Makes a file that only its owner can read, for more than fits into memory.
///
/// # Errors
/// When it is there already or cannot be made.
pub fn open_new(path: &Path) -> Result<File, Failure> {
    new_file(path).map_err(Failure::io(format!("write {}", path.display())))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Reads a secret from a file, or from standard input with `-`; the line end after it does not
/// belong to it.
///
/// # Errors
/// When it cannot be read, or is empty.
pub fn read(path: &Path) -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(LONGEST).unwrap_or(0)));
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    read.map_err(Failure::io(format!("read {}", path.display())))?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() {
        return Err(Failure::Usage(format!("{} is empty", path.display())));
    }
    Ok(Secret::new(secret))
}

/// Where a file that is to be replaced is written first.
pub fn draft(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    draft.into()
}

/// Makes durable that there is something of this name, or nothing any more.
///
/// # Errors
/// When the directory in which it lies cannot be synced.
pub fn sync_above(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a file with this mode so that it is there whole or not at all, also after a crash.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let draft = draft(path);
    let write = || {
        // One that a crash has left may have another mode.
        match remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        rename(&draft, path)?;
        sync_above(path)
    };
    write().map_err(Failure::io(format!("write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_their_owners_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        create(&path, "correct horse").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().expose(), "correct horse");
        assert!(create(&path, "other").is_err());
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("is empty"));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(dir.path().join("file.new"), "left by a crash").unwrap();
        for text in ["one", "two"] {
            replace(&path, text.as_bytes(), 0o600).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    }
}
