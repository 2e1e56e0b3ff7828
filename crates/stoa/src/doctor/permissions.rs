//! Who may read what the server keeps.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::admin::Check;
use crate::config::{Config, RootKey, Tls};

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let mut paths = vec![(config.data.as_path(), 0o700), (config.files.as_path(), 0o700)];
    paths.extend(config.vaults().into_iter().map(|dir| (dir, 0o700)));
    if let RootKey::Beside(file) | RootKey::File(file) = &config.root_key {
        paths.push((file, 0o600));
    }
    if let Tls::Files { key, .. } = &config.tls {
        paths.push((key, 0o600));
    }
    paths.into_iter().filter_map(|(path, wanted)| of_path(path, wanted)).collect()
}

/// Whether a path is its owner's alone; nothing if it is not there.
fn of_path(path: &Path, wanted: u32) -> Option<Check> {
    let shown = path.display();
    let found = match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            let found = format!("{shown} cannot be looked at: {error}");
            return Some(Check::failure("permissions", found, "run as the user of the server"));
        }
        Ok(found) => found,
    };
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let found = format!("{shown} is open to group or others (mode {mode:04o})");
        return Some(Check::failure("permissions", found, format!("chmod {wanted:o} {shown}")));
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && own != 0 {
        let found = format!("{shown} belongs to user {}, and this is user {own}", found.uid());
        return Some(Check::failure("permissions", found, format!("chown {own} {shown}")));
    }
    Some(Check::ok("permissions", format!("{shown} is its owner's alone (mode {mode:04o})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Level;

    #[test]
    fn what_others_can_read_is_found_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |mode| {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            of_path(dir.path(), 0o700).unwrap()
        };
        let check = mode(0o755);
        assert_eq!(check.level, Level::Failure);
        assert_eq!(check.advice, Some(format!("chmod 700 {}", dir.path().display())));
        assert_eq!(mode(0o700).level, Level::Ok);
        assert_eq!(of_path(&dir.path().join("none"), 0o600), None);
    }
}
