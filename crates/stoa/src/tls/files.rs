//! A certificate of the operator's, from PEM files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::{TlsError, key};

/// The certificate with those of its issuers, and the private key that belongs to it.
///
/// # Errors
/// When a file cannot be read or holds something else, when the key can be read by others than its
/// owner, or when the two do not belong together.
pub fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let content = |path: &Path, wanted| TlsError::Content { path: path.into(), wanted };
    let text = std::fs::read(certificate).map_err(TlsError::read(certificate))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| content(certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(content(certificate, "certificate"));
    }
    let text = private(key)?;
    let parsed = key::from_pem(&text).ok_or_else(|| content(key, "private key"))?;
    key::certified(chain, &parsed)
        .map_err(|source| TlsError::Pair { path: certificate.into(), source })
}

/// A file that only its owner may read.
fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = || TlsError::read(path);
    let mut file = File::open(path).map_err(failed())?;
    // Of the opened file, so that it cannot be exchanged between the check and the reading.
    let found = file.metadata().map_err(failed())?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TlsError::Permissions { path: path.into(), mode });
    }
    // Large enough from the start, so that growing leaves no copy behind.
    let room = usize::try_from(found.len()).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.read_to_end(&mut bytes).map_err(failed())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    #[test]
    fn a_pair_is_read_and_what_is_wrong_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let [certificate, key, other] =
            ["certificate", "key", "other"].map(|name| dir.path().join(name));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        write(&certificate, made.cert.pem()).unwrap();
        write(&key, made.signing_key.serialize_pem()).unwrap();
        write(&other, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let refused =
            |certificate: &Path, key: &Path| read(certificate, key).unwrap_err().to_string();

        set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        let message = refused(&certificate, &key);
        assert!(message.contains(&format!("run: chmod 600 {}", key.display())), "{message}");
        for path in [&key, &other] {
            set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(read(&certificate, &key).unwrap().cert.len(), 1);

        assert!(refused(&certificate, &other).contains("cannot be used"));
        assert!(refused(&key, &key).contains("holds no certificate"));
        set_permissions(&certificate, Permissions::from_mode(0o600)).unwrap();
        assert!(refused(&certificate, &certificate).contains("holds no private key"));
        assert!(refused(&dir.path().join("gone"), &key).contains("cannot read"));
    }
}
