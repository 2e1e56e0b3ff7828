//! By what data centres know each other when they exchange the directory: a certificate of each one's own, which the
//! others have in their configuration (its SHA-256), as they have nobody's authority.
//!
//! What a certificate says of itself (names, dates) decides nothing here. It is the named one or it is not, and
//! whoever shows it proves in the handshake to have its key. TLS 1.3 alone: both sides are ours.

use std::sync::Arc;

use prost::Message;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName as Hint, Error,
    ServerConfig, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use stoa_console::Fingerprint;
use stoa_core::{Region, Timestamp};
use zeroize::Zeroizing;

use super::own_ca::{AUTHORITY_LIFE, Record, set_life};
use super::{TlsError, key};

/// The key and the certificate of this data centre.
pub struct DirectoryIdentity {
    key: Zeroizing<KeyPair>,
    /// The certificate, PEM.
    pem: String,
}

impl DirectoryIdentity {
    /// A new one.
    ///
    /// # Errors
    /// When its certificate cannot be made.
    pub fn create(region: Region, now: Timestamp) -> Result<Self, TlsError> {
        let key = Zeroizing::new(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("Stoa directory {region}"));
        set_life(&mut params, now, AUTHORITY_LIFE);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let pem = params.self_signed(&*key)?.pem();
        Ok(Self { key, pem })
    }

    /// The identity from what [`Self::to_record`] gave.
    ///
    /// # Errors
    /// [`TlsError::Record`].
    pub fn from_record(bytes: &[u8]) -> Result<Self, TlsError> {
        let Record { key, pem, .. } = Record::decode(bytes).map_err(|_| TlsError::Record)?;
        let key = Zeroizing::new(key);
        let key = KeyPair::try_from(key.as_slice()).map_err(|_| TlsError::Record)?;
        Ok(Self { key: Zeroizing::new(key), pem })
    }

    /// All of it, the private key included: to be sealed at once.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let (key, pem) = (self.key.serialize_der(), self.pem.clone());
        Record { key, pem, name: String::new(), permitted: Vec::new() }.into_bytes()
    }

    /// By what the others know it.
    ///
    /// # Errors
    /// [`TlsError::Record`].
    pub fn fingerprint(&self) -> Result<Fingerprint, TlsError> {
        self.certificate().map(|certificate| Fingerprint::of(&certificate))
    }

    fn certificate(&self) -> Result<CertificateDer<'static>, TlsError> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).map_err(|_| TlsError::Record)
    }

    fn certified(&self) -> Result<CertifiedKey, TlsError> {
        let key = key::from_pkcs8(self.key.serialize_der());
        key::certified(vec![self.certificate()?], &key).map_err(TlsError::Unusable)
    }

    /// For a listener that lets in whoever shows one of `certificates`, and nobody else.
    ///
    /// # Errors
    /// When its parts do not fit together.
    pub fn server(&self, certificates: Vec<Fingerprint>) -> Result<ServerConfig, TlsError> {
        let pinned = Arc::new(Pinned::new(certificates));
        let config = ServerConfig::builder_with_provider(pinned.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Unusable)?;
        let own = Arc::new(SingleCertAndKey::from(self.certified()?));
        let mut config = config.with_client_cert_verifier(pinned).with_cert_resolver(own);
        // Each connection has shown its certificate itself.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// For connections to whoever shows `certificate`.
    ///
    /// # Errors
    /// When its parts do not fit together.
    pub fn client(&self, certificate: Fingerprint) -> Result<ClientConfig, TlsError> {
        let pinned = Arc::new(Pinned::new(vec![certificate]));
        let config = ClientConfig::builder_with_provider(pinned.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Unusable)?;
        let own = Arc::new(SingleCertAndKey::from(self.certified()?));
        let mut config = config
            .dangerous()
            .with_custom_certificate_verifier(pinned)
            .with_client_cert_resolver(own);
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Takes the certificates that the operator has named, and no other.
#[derive(Debug)]
struct Pinned {
    certificates: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn new(certificates: Vec<Fingerprint>) -> Self {
        Self { certificates, provider: Arc::new(aws_lc_rs::default_provider()) }
    }

    fn check(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        if self.certificates.contains(&Fingerprint::of(shown)) {
            return Ok(());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    /// Neither side takes part in an earlier version.
    fn refuse_tls12() -> Error {
        Error::General("TLS 1.3 is required".into())
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::refuse_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[Hint] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Self::refuse_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    use rustls::{ClientConnection, Connection, ServerConnection};

    /// Shakes hands in memory; who was refused says why.
    fn shake(client: ClientConfig, server: ServerConfig) -> Result<(), Error> {
        let name = ServerName::try_from("elsewhere.example.org").unwrap();
        let client = ClientConnection::new(Arc::new(client), name).unwrap();
        let server = ServerConnection::new(Arc::new(server)).unwrap();
        let (mut client, mut server) = (Connection::from(client), Connection::from(server));
        let mut bytes = Vec::new();
        while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
            for turn in 0..2 {
                let (from, to) =
                    if turn == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
                bytes.clear();
                from.write_tls(&mut bytes).unwrap();
                let mut rest = &*bytes;
                while !rest.is_empty() {
                    to.read_tls(&mut rest).unwrap();
                    to.process_new_packets()?;
                }
            }
        }
        client.writer().write_all(b"canary").unwrap();
        bytes.clear();
        client.write_tls(&mut bytes).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"));
        server.read_tls(&mut &*bytes).unwrap();
        server.process_new_packets()?;
        let mut read = [0; 6];
        server.reader().read_exact(&mut read).unwrap();
        assert_eq!(&read, b"canary");
        Ok(())
    }

    fn identity(region: Region) -> DirectoryIdentity {
        DirectoryIdentity::create(region, Timestamp::from_secs(1_800_000_000)).unwrap()
    }

    #[test]
    fn only_those_who_name_each_other_speak() {
        let (eu, na, stranger) = (identity(Region::Eu), identity(Region::Na), identity(Region::Na));
        let print = |one: &DirectoryIdentity| one.fingerprint().unwrap();
        let again = DirectoryIdentity::from_record(&eu.to_record()).unwrap();
        assert_eq!(print(&again), print(&eu));
        let server = || again.server(vec![print(&na)]).unwrap();
        shake(na.client(print(&eu)).unwrap(), server()).unwrap();
        let refused = shake(stranger.client(print(&eu)).unwrap(), server());
        assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{refused:?}");
        let refused = shake(na.client(print(&stranger)).unwrap(), server());
        assert!(matches!(refused, Err(Error::InvalidCertificate(_))), "{refused:?}");
        // Nobody comes in without a certificate.
        let pinned = Arc::new(Pinned::new(vec![print(&eu)]));
        let mut bare = na.client(print(&eu)).unwrap();
        bare.client_auth_cert_resolver =
            ClientConfig::builder_with_provider(pinned.provider.clone())
                .with_protocol_versions(&[&TLS13])
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(pinned)
                .with_no_client_auth()
                .client_auth_cert_resolver;
        assert!(matches!(shake(bare, server()), Err(Error::NoCertificatesPresented)));
        assert!(matches!(DirectoryIdentity::from_record(b"x"), Err(TlsError::Record)));
    }
}
