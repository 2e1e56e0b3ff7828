//! Keeps the server's own certificate authorities, and what other data centres know it by: each made when it is first needed, its key sealed by
//! the vault. The certificate of the one that clients trust lies beside, for them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use stoa_core::{AppNumber, Clock, Entropy, Region};
use stoa_store::classes;
use stoa_vault::{Bucket, KeyClass, KeyScope, Opened, Vault};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;
use crate::tls::{ClientCa, DirectoryIdentity, Names, OwnCa, TlsError};

/// The sealed record. Its associated data begins with a byte with which no key of the store does.
const RECORD: &str = "ca.sealed";
const ASSOCIATED: &[u8] = b"\0own certificate authority, format 1";
/// The public part.
const CERTIFICATE: &str = "ca.pem";

/// The same of the authority that the clients of the token server are known by.
const CLIENTS_RECORD: &str = "token-clients-ca.sealed";
const CLIENTS_ASSOCIATED: &[u8] = b"\0authority of token clients, format 1";

/// The same of what other data centres know this one by.
const DIRECTORY_RECORD: &str = "directory.sealed";
const DIRECTORY_ASSOCIATED: &[u8] = b"\0identity in the directory, format 1";

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
    let record = match read(vault, &dir.join(RECORD), ASSOCIATED)? {
        Some(record) => record,
        None => {
            let made = OwnCa::create(names.clone(), clock.now(), entropy)?.to_record();
            write(vault, &dir, RECORD, ASSOCIATED, &made).await?;
            tracing::info!(
                "made a certificate authority for this server; clients trust it by its public part, tls/ca.pem in the data directory"
            );
            made
        }
    };
    let authority = OwnCa::from_record(&record)?;
    let public = dir.join(CERTIFICATE);
    if fs::read(&public).ok().as_deref() != Some(authority.pem().as_bytes()) {
        private_file::replace(&public, authority.pem().as_bytes(), 0o644)?;
    }
    Ok(authority)
}

/// The authority that issues certificates to the clients of the token server; a new one when there is
/// none. It is none of those that clients trust, and those are none that it trusts.
///
/// # Errors
/// When its record cannot be read or written, or is damaged.
pub async fn open_for_clients(
    data: &Path,
    vault: &Vault,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<ClientCa, Failure> {
    let dir = directory(data);
    let record = match read(vault, &dir.join(CLIENTS_RECORD), CLIENTS_ASSOCIATED)? {
        Some(record) => record,
        None => {
            let made = ClientCa::create(clock.now(), entropy)?.to_record();
            write(vault, &dir, CLIENTS_RECORD, CLIENTS_ASSOCIATED, &made).await?;
            tracing::info!("made a certificate authority for the clients of the token server");
            made
        }
    };
    Ok(ClientCa::from_record(&record)?)
}

/// What the data centres of other regions know this one by; a new one when there is none.
///
/// # Errors
/// When its record cannot be read or written, or is damaged.
pub async fn open_for_directory(
    data: &Path,
    region: Region,
    vault: &Vault,
    clock: &dyn Clock,
) -> Result<DirectoryIdentity, Failure> {
    let dir = directory(data);
    let record = match read(vault, &dir.join(DIRECTORY_RECORD), DIRECTORY_ASSOCIATED)? {
        Some(record) => record,
        None => {
            let made = DirectoryIdentity::create(region, clock.now())?.to_record();
            write(vault, &dir, DIRECTORY_RECORD, DIRECTORY_ASSOCIATED, &made).await?;
            tracing::info!("made a certificate by which other data centres know this one");
            made
        }
    };
    Ok(DirectoryIdentity::from_record(&record)?)
}

/// Opens the sealed record of an authority; none if there is none.
fn read(
    vault: &Vault,
    path: &Path,
    associated: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    match fs::read(path) {
        Ok(record) => match vault.open_record(associated, &record) {
            Ok(Opened::Plain(plain)) => Ok(Some(Zeroizing::new(plain))),
            Ok(Opened::Destroyed) | Err(_) => Err(TlsError::Record.into()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::Read { path: path.into(), source: error }.into()),
    }
}

/// Seals the record of an authority and writes it.
async fn write(
    vault: &Vault,
    dir: &Path,
    name: &str,
    associated: &[u8],
    record: &[u8],
) -> Result<(), Failure> {
    let scope = KeyScope {
        app: AppNumber::PLATFORM,
        class: KeyClass(classes::CONSOLE.number),
        bucket: Bucket::Whole,
    };
    let sealed = vault.seal(scope, associated, record).await?;
    let builder = fs::DirBuilder::new().recursive(true).mode(0o755).create(dir);
    builder.map_err(Failure::io(format!("make the directory {}", dir.display())))?;
    private_file::replace(&dir.join(name), &sealed, 0o600)
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

    #[tokio::test]
    async fn the_authority_of_clients_is_another_one_and_is_kept_the_same_way() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let vault = Vault::in_memory(clock.clone(), entropy.clone());
        let own = open(dir.path(), &Names::of([""; 0]), &vault, &*clock, &*entropy).await.unwrap();
        let made = open_for_clients(dir.path(), &vault, &*clock, &*entropy).await.unwrap();
        let again = open_for_clients(dir.path(), &vault, &*clock, &*entropy).await.unwrap();
        assert_eq!(made.root().unwrap(), again.root().unwrap());
        assert_ne!(made.to_record(), own.to_record());
        let record = directory(dir.path()).join(CLIENTS_RECORD);
        assert_eq!(fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
        // One record does not pass for the other.
        fs::copy(directory(dir.path()).join(RECORD), &record).unwrap();
        let damaged = open_for_clients(dir.path(), &vault, &*clock, &*entropy).await.err().unwrap();
        assert!(matches!(damaged, Failure::Tls(TlsError::Record)), "{damaged}");
    }
}
