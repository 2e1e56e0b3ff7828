//! Keeps the server's own certificate authority: made at the first start, its key sealed by the
//! vault, its certificate beside for clients.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use stoa_core::{AppNumber, Clock, Entropy};
use stoa_store::classes;
use stoa_vault::{Bucket, KeyClass, KeyScope, Opened, Vault};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;
use crate::tls::{Names, OwnCa, TlsError};

/// The sealed record. Its associated data begins with a byte with which no key of the store does.
const RECORD: &str = "ca.sealed";
const ASSOCIATED: &[u8] = b"\0own certificate authority, format 1";
/// The public part.
const CERTIFICATE: &str = "ca.pem";

/// Where the authority of this data directory is kept.
pub fn directory(data: &Path) -> PathBuf {
    data.join("tls")
}

/// The certificate for clients to trust.
pub fn certificate(data: &Path) -> PathBuf {
    directory(data).join(CERTIFICATE)
}

/// The authority of this data directory; a new one for `names` when there is none.
///
/// # Errors
/// When its record cannot be read or written, or is damaged.
pub async fn open(
    data: &Path,
    names: &Names,
    vault: &Vault,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<OwnCa, Failure> {
    let dir = directory(data);
    let path = dir.join(RECORD);
    let authority = match fs::read(&path) {
        Ok(record) => match vault.open_record(ASSOCIATED, &record) {
            Ok(Opened::Plain(plain)) => OwnCa::from_record(&Zeroizing::new(plain))?,
            Ok(Opened::Destroyed) | Err(_) => return Err(TlsError::Record.into()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = OwnCa::create(names.clone(), clock.now(), entropy)?;
            let scope = KeyScope {
                app: AppNumber::PLATFORM,
                class: KeyClass(classes::CONSOLE.number),
                bucket: Bucket::Whole,
            };
            let record = vault.seal(scope, ASSOCIATED, &made.to_record()).await?;
            let builder = fs::DirBuilder::new().recursive(true).mode(0o755).create(&dir);
            builder.map_err(Failure::io(format!("make the directory {}", dir.display())))?;
            private_file::replace(&path, &record, 0o600)?;
            tracing::info!(
                "made a certificate authority for this server; clients trust it by its public part, tls/ca.pem in the data directory"
            );
            made
        }
        Err(error) => return Err(TlsError::Read { path, source: error }.into()),
    };
    let public = dir.join(CERTIFICATE);
    if fs::read(&public).ok().as_deref() != Some(authority.pem().as_bytes()) {
        private_file::replace(&public, authority.pem().as_bytes(), 0o644)?;
    }
    Ok(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use stoa_core::{ManualClock, SeededEntropy, Timestamp};

    #[tokio::test]
    async fn it_is_made_once_and_its_key_is_never_in_clear() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let vault = Vault::in_memory(clock.clone(), entropy.clone());
        let names = Names::of(["chat.example.org"]);
        let open = || open(dir.path(), &names, &vault, &*clock, &*entropy);

        let made = open().await.unwrap();
        let public = certificate(dir.path());
        assert_eq!(fs::read_to_string(&public).unwrap(), made.pem());
        let record = directory(dir.path()).join(RECORD);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&record), mode(&public)), (0o600, 0o644));
        let (sealed, plain) = (fs::read(&record).unwrap(), made.to_record());
        assert!(!sealed.windows(16).any(|window| plain.windows(16).any(|part| part == window)));

        fs::remove_file(&public).unwrap();
        assert_eq!(open().await.unwrap().pem(), made.pem());
        assert_eq!(fs::read_to_string(&public).unwrap(), made.pem(), "made again from the record");

        fs::write(&record, &sealed[1..]).unwrap();
        let damaged = open().await.err().unwrap();
        assert!(matches!(damaged, Failure::Tls(TlsError::Record)), "{damaged}");
    }
}
