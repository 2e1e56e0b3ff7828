//! A private key from its text, and into use, without a copy of it in memory that was given back.
//!
//! The library's own readers would do it too, but wipe nothing of what they read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use zeroize::Zeroizing;

/// A private key; wiped when it is dropped.
pub(super) type PrivateKey = Zeroizing<PrivateKeyDer<'static>>;

/// A form in which a key is written: the label of its section, and what makes a key of the bytes in it.
type Form = (&'static [u8], fn(Vec<u8>) -> PrivateKeyDer<'static>);

/// All of them (RFC 7468; RFC 5915 and RFC 8017 for the older ones).
const FORMS: [Form; 3] = [
    (b"PRIVATE KEY", |der| PrivatePkcs8KeyDer::from(der).into()),
    (b"EC PRIVATE KEY", |der| PrivateSec1KeyDer::from(der).into()),
    (b"RSA PRIVATE KEY", |der| PrivatePkcs1KeyDer::from(der).into()),
];

/// The first private key in a PEM text; none if there is none, or it is encrypted or malformed.
pub(super) fn from_pem(text: &[u8]) -> Option<PrivateKey> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let (label, form) = lines
        .find_map(|line| FORMS.iter().find(|(label, _)| is_boundary(line, b"BEGIN ", label)))?;
    // Large enough from the start, so that growing leaves no copy behind.
    let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
    loop {
        let line = lines.next()?;
        if is_boundary(line, b"END ", label) {
            break;
        }
        base64.extend_from_slice(line);
    }
    let mut der = Zeroizing::new(vec![0; base64.len()]);
    let len = STANDARD.decode_slice(&*base64, &mut der).ok()?;
    der.truncate(len);
    Some(Zeroizing::new(form(std::mem::take(&mut *der))))
}

fn is_boundary(line: &[u8], begins: &[u8], label: &[u8]) -> bool {
    let inner = line.strip_prefix(b"-----").and_then(|line| line.strip_suffix(b"-----"));
    inner.and_then(|inner| inner.strip_prefix(begins)) == Some(label)
}

/// A certificate with its key, ready to be served.
///
/// # Errors
/// When the key is of no kind that can be used, or is not the certificate's.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKey,
) -> Result<CertifiedKey, Error> {
    let certified = CertifiedKey::new(chain, any_supported_type(key)?);
    match certified.keys_match() {
        // A kind of key that does not tell its public half.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(error) => Err(error),
    }
}

/// The key in its standard form (PKCS #8), from `der`, which it takes over.
pub(super) fn from_pkcs8(der: Vec<u8>) -> PrivateKey {
    Zeroizing::new(PrivatePkcs8KeyDer::from(der).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::KeyPair;
    use rustls_pki_types::pem::PemObject;
    use zeroize::Zeroize;

    const EC: &str = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n\
        -----BEGIN EC PRIVATE KEY-----\r\nAQID\r\nBAUG\r\n-----END EC PRIVATE KEY-----\r\n";

    #[test]
    fn every_form_is_read_as_the_library_reads_it() {
        let made = KeyPair::generate().unwrap().serialize_pem();
        let rsa = EC.replace("EC PRIVATE", "RSA PRIVATE");
        let behind = format!("{EC}{made}");
        let before = format!("Bag Attributes\n    friendlyName: x\n{made}");
        for text in [&made, EC, &rsa, &behind, &before, made.trim_end()] {
            let read = from_pem(text.as_bytes()).unwrap();
            assert_eq!(*read, PrivateKeyDer::from_pem_slice(text.as_bytes()).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        let made = KeyPair::generate().unwrap().serialize_pem();
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQID",
            "-----BEGIN PRIVATE KEY-----\nAQ!D\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAQID\n-----END EC PRIVATE KEY-----",
            &EC.replace("AQID", "Proc-Type: 4,ENCRYPTED\n\nAQID"),
            &made.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            &made.replace("PRIVATE KEY", "CERTIFICATE"),
        ] {
            assert!(from_pem(text.as_bytes()).is_none(), "{text}");
        }
    }

    /// Holds for the type, so for every key that is read or made here.
    #[test]
    fn a_key_is_wiped_when_it_is_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let made = KeyPair::generate().unwrap();
        let mut key = from_pkcs8(made.serialize_der());
        wiped(&key);
        assert_eq!(key.secret_der(), made.serialized_der());
        key.zeroize();
        assert!(key.secret_der().is_empty());
    }
}
