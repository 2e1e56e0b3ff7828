//! Where the socket is: made safely, reached by paths of any length.
//!
//! The address of a Unix socket has room for some 100 bytes, and data directories lie deeper. So the
//! directory is opened first, and the socket named through it: `/proc/self/fd/N/control.sock`. That
//! also means that the directory which was looked at is the one that is used.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};

/// The directory's name in the data directory.
const DIRECTORY: &str = "run";
/// The socket's name in it.
const SOCKET: &str = "control.sock";
/// More than any address of a socket may have, on any system.
const LONGEST: usize = 100;

/// Where the control socket of a data directory is.
pub fn path(data: &Path) -> PathBuf {
    data.join(DIRECTORY).join(SOCKET)
}

/// A listening socket; it is taken away when this is dropped.
pub struct ControlSocket {
    pub(super) listener: UnixListener,
    directory: OwnedFd,
}

impl ControlSocket {
    /// Makes the socket of a data directory, in the place of one that a dead server has left: whoever
    /// calls this has the data's lock, so no other server lives.
    ///
    /// # Errors
    /// When the directory is not ours, or the operating system refuses.
    pub fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(DIRECTORY);
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let directory = open(&path)?;
        let stat = rustix::fs::fstat(&directory)?;
        if stat.st_uid != super::own_user() {
            let text = format!("{} belongs to another user ({})", path.display(), stat.st_uid);
            return Err(io::Error::new(ErrorKind::PermissionDenied, text));
        }
        rustix::fs::fchmod(&directory, Mode::RWXU)?;
        match rustix::fs::unlinkat(&directory, SOCKET, AtFlags::empty()) {
            Err(error) if error != rustix::io::Errno::NOENT => return Err(error.into()),
            _ => {}
        }
        // Sockets are made with all rights but these; restored at once, as it holds for the process.
        let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let bound = UnixListener::bind(address(&directory, &path)?);
        rustix::process::umask(before);
        let listener = bound?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, directory })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A next server replaces what is left.
        let _ = rustix::fs::unlinkat(&self.directory, SOCKET, AtFlags::empty());
    }
}

/// The directory of the socket, opened and looked at by a client.
pub(super) struct Found {
    pub(super) directory: OwnedFd,
    pub(super) owner: u32,
    pub(super) mode: u32,
    path: PathBuf,
}

impl Found {
    /// Opens it.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(DIRECTORY);
        let directory = open(&path)?;
        let Stat { st_uid, st_mode, .. } = rustix::fs::fstat(&directory)?;
        Ok(Self { directory, owner: st_uid, mode: st_mode & 0o7777, path })
    }

    /// Where to connect to while this lives.
    pub(super) fn address(&self) -> io::Result<PathBuf> {
        address(&self.directory, &self.path)
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// A short address of the socket in the opened directory.
fn address(directory: &OwnedFd, path: &Path) -> io::Result<PathBuf> {
    let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    if short.exists() {
        return Ok(short.join(SOCKET));
    }
    let long = path.join(SOCKET);
    if long.as_os_str().len() <= LONGEST {
        return Ok(long);
    }
    let text = format!(
        "{} is longer than a socket's address can be, and there is no /proc to shorten it",
        long.display()
    );
    Err(io::Error::new(ErrorKind::InvalidInput, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::UnixStream;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_socket_is_its_owners_and_goes_away_with_the_server() {
        let data = tempfile::tempdir().unwrap();
        let run = data.path().join("run");
        // Left open by somebody, and with the socket of a server that was killed.
        std::fs::create_dir(&run).unwrap();
        std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o777)).unwrap();
        drop(UnixListener::bind(run.join(SOCKET)).unwrap());

        let socket = ControlSocket::bind(data.path()).unwrap();
        let there = path(data.path());
        assert!(there.symlink_metadata().unwrap().file_type().is_socket());
        assert_eq!((mode(&run), mode(&there)), (0o700, 0o600));
        let found = Found::open(data.path()).unwrap();
        assert_eq!((found.owner, found.mode & 0o777), (crate::control::own_user(), 0o700));
        UnixStream::connect(found.address().unwrap()).unwrap();
        drop(socket);
        assert!(!there.exists());
    }

    #[test]
    fn a_link_in_the_place_of_the_directory_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), data.path().join("run")).unwrap();
        assert!(ControlSocket::bind(data.path()).is_err());
        assert!(Found::open(data.path()).is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_path_may_be_longer_than_an_address() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&data).unwrap();
        let socket = ControlSocket::bind(&data).unwrap();
        let found = Found::open(&data).unwrap();
        UnixStream::connect(found.address().unwrap()).unwrap();
        drop(socket);
    }
}
