//! The authority that the clients of the token server get their certificates from.
//!
//! It is another one than that of the server's own certificate, so that neither can stand for the other: a
//! client's certificate proves no server, and no server's certificate mints a token. Whoever has one of its
//! certificates is let in to the handshake; who may call is decided by the register of clients.
//!
//! A client makes its key pair itself and sends the public half; the private one never comes here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use prost::Message;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use stoa_core::{Entropy, Timestamp};
use zeroize::Zeroizing;

use super::TlsError;
use super::own_ca::{AUTHORITY_LIFE, DAY, Record, authority, name_of, set_life};

/// The authority: its private key and its certificate.
pub struct ClientCa {
    key: KeyPair,
    /// Its certificate, PEM.
    pem: String,
    params: CertificateParams,
}

/// The public half of a client's key pair: a point of P-256, uncompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey(Vec<u8>);

impl ClientKey {
    /// The key with these bytes; none if they are no point of the curve.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        const UNCOMPRESSED: u8 = 4;
        let uncompressed = bytes.len() == 65 && bytes.first() == Some(&UNCOMPRESSED);
        let is_key = uncompressed && ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes).is_ok();
        is_key.then(|| Self(bytes.into()))
    }
}

impl FromStr for ClientKey {
    type Err = ClientKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        };
        let bytes: Option<Vec<_>> = text.as_bytes().chunks(2).map(hex).collect();
        bytes.and_then(|bytes| Self::parse(&bytes)).ok_or(ClientKeyError)
    }
}

impl fmt::Display for ClientKey {
    /// Its bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client's public key is an uncompressed point of P-256 in hexadecimal")]
pub struct ClientKeyError;

impl PublicKeyData for ClientKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// A certificate that was issued to a client.
pub struct ClientCertificate {
    /// The certificate, PEM.
    pub pem: String,
    /// The same, DER.
    pub der: CertificateDer<'static>,
    /// Its last moment.
    pub until: Timestamp,
}

impl ClientCa {
    /// A new authority.
    ///
    /// # Errors
    /// When its certificate cannot be made.
    pub fn create(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, TlsError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let name = format!("Stoa token clients {:08x}", u32::from_be_bytes(entropy.bytes()));
        let mut params = authority(&name);
        set_life(&mut params, now, AUTHORITY_LIFE);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { key, pem, params })
    }

    /// The authority from what [`Self::to_record`] gave.
    ///
    /// # Errors
    /// [`TlsError::Record`].
    pub fn from_record(bytes: &[u8]) -> Result<Self, TlsError> {
        let Record { key, pem, name, .. } = Record::decode(bytes).map_err(|_| TlsError::Record)?;
        let key = Zeroizing::new(key);
        let key = KeyPair::try_from(key.as_slice()).map_err(|_| TlsError::Record)?;
        Ok(Self { key, pem, params: authority(&name) })
    }

    /// All of it, the private key included: to be sealed at once.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let (key, name) = (self.key.serialize_der(), name_of(&self.params));
        Record { key, pem: self.pem.clone(), name, permitted: Vec::new() }.into_bytes()
    }

    /// Its certificate, by which those that it issued are verified.
    ///
    /// # Errors
    /// [`TlsError::Record`].
    pub fn root(&self) -> Result<CertificateDer<'static>, TlsError> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).map_err(|_| TlsError::Record)
    }

    /// A certificate for a client with this public key, good for `days` from now on. `name` says whose it is
    /// to people who look at it; nothing is decided by it.
    ///
    /// # Errors
    /// When the name is none that can stand in a certificate.
    pub fn issue(
        &self,
        name: &str,
        key: &ClientKey,
        days: u32,
        now: Timestamp,
    ) -> Result<ClientCertificate, TlsError> {
        let life: Duration = DAY.saturating_mul(days);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        set_life(&mut params, now, life);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(key, &issuer)?;
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Ok(ClientCertificate { pem, der, until: now.plus(life) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::server::WebPkiClientVerifier;
    use rustls_pki_types::UnixTime;
    use stoa_core::SeededEntropy;

    use crate::tls::Validity;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn client() -> ClientKey {
        ClientKey::parse(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().der_bytes())
            .unwrap()
    }

    /// Whether a server that trusts `ca` lets that certificate in.
    fn let_in(ca: &ClientCa, certificate: &CertificateDer<'_>, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(ca.root().unwrap()).unwrap();
        let (roots, provider) =
            (Arc::new(roots), Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_secs()));
        verifier.verify_client_cert(certificate, &[], at).is_ok()
    }

    #[test]
    fn servers_let_in_its_clients_for_their_time_and_nobody_else() {
        let ca = ClientCa::create(NOW, &SeededEntropy::new(1)).unwrap();
        let issued = ca.issue("acme#support shop", &client(), 30, NOW).unwrap();
        assert!(let_in(&ca, &issued.der, NOW));
        assert!(let_in(&ca, &issued.der, issued.until));
        assert!(!let_in(&ca, &issued.der, issued.until.plus(DAY)));
        assert_eq!(Validity::of(&issued.der).unwrap().until, issued.until);

        let again = ClientCa::from_record(&ca.to_record()).unwrap();
        let later = again.issue("acme#support shop", &client(), 1, NOW).unwrap();
        assert!(let_in(&ca, &later.der, NOW), "the same authority after a restart");
        let stranger = ClientCa::create(NOW, &SeededEntropy::new(1)).unwrap();
        assert!(!let_in(&stranger, &issued.der, NOW));
        assert!(matches!(ClientCa::from_record(b"damaged"), Err(TlsError::Record)));
    }

    #[test]
    fn only_points_of_the_curve_are_keys() {
        let good = client().0;
        let mut bad = good.clone();
        bad[40] ^= 1;
        for bytes in [&bad[..], &good[1..], &good[..64], &[], &[4; 65], &[2; 33]] {
            assert_eq!(ClientKey::parse(bytes), None);
        }
        let good = ClientKey(good);
        assert_eq!(good.to_string().parse(), Ok(good));
        for text in ["", "04", "xy", "0"] {
            assert_eq!(text.parse::<ClientKey>(), Err(ClientKeyError));
        }
    }
}
