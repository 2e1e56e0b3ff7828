//! The real file system.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock, statfs};
use zeroize::Zeroizing;

use super::{LockGuard, LockRefusal, VaultFs};

/// The operating system's files.
#[derive(Debug, Default, Clone, Copy)]
pub struct DiskFs;

/// File systems that write changed blocks elsewhere, by the number that `statfs` gives them.
const COPY_ON_WRITE: &[(u32, &str)] =
    &[(0x9123_683E, "btrfs"), (0x2FC1_2FC1, "zfs"), (0xCA45_1A4E, "bcachefs")];

/// Links are not followed: the vault's files are its own.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

impl VaultFs for DiskFs {
    fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_dir(parent),
            _ => self.sync_dir(Path::new(".")),
        }
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    fn lock(&self, dir: &Path) -> Result<LockGuard, LockRefusal> {
        let path = dir.join("lock");
        // Not emptied on opening: it may be another's, with its process id in it.
        let mut file = options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(LockRefusal::Io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockRefusal::Held(holder.trim().parse().ok()));
            }
            Err(error) => return Err(LockRefusal::Io(error.into())),
        }
        let write_id = |file: &mut File| {
            file.set_len(0)?;
            file.write_all(std::process::id().to_string().as_bytes())
        };
        write_id(&mut file).map_err(LockRefusal::Io)?;
        Ok(LockGuard::new(file))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(dir)?;
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut file = options().read(true).open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // One allocation of the right size, so that growing leaves no copies behind.
        let mut bytes = Zeroizing::new(vec![0; length]);
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = options().append(true).open(path)?;
        file.write_all(bytes)?;
        // Also syncs the length, but not the times, which nobody reads.
        file.sync_data()
    }

    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = options().write(true).open(path)?;
        file.write_all_at(bytes, offset)?;
        file.sync_all()
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        options().read(true).open(path)?.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn copies_on_write(&self, dir: &Path) -> Option<&'static str> {
        // The numbers are 32 bits wide; the field's width and sign depend on the machine.
        #[allow(clippy::cast_possible_truncation, reason = "the low 32 bits are the number")]
        let kind = statfs(dir).ok()?.f_type as u32;
        COPY_ON_WRITE.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
    }
}
