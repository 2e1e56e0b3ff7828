//! An authority of the server's own, so that TLS works from the first start without anybody having
//! bought or asked for a certificate.
//!
//! Whoever trusts it trusts it for this server only: its certificate says for which names it may
//! vouch (`localhost`, loopback, and the hosts that the server was configured with), and clients hold
//! it to that. Its private key leaves this module only as a record to be sealed. The certificates
//! that it issues live for three months and are made anew at every start and every month.

use std::path::Path;
use std::time::Duration;

use prost::Message;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use stoa_core::{Entropy, Timestamp};
use zeroize::{Zeroize, Zeroizing};

use super::key::PrivateKey;
use super::names::Names;
use super::{TlsError, key};

pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// How long the authority lives.
pub(super) const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3650);
/// How long a certificate of the server lives.
const CERTIFICATE_LIFE: Duration = DAY.saturating_mul(90);
/// By how much a client's clock may be behind.
const CLOCK_SKEW: Duration = DAY;

/// The authority: its private key and its certificate.
pub struct OwnCa {
    key: Zeroizing<KeyPair>,
    /// Its certificate, PEM.
    pem: String,
    params: CertificateParams,
    permitted: Names,
}

/// What is kept of an authority, sealed.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    /// The private key, PKCS #8.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    /// The certificate, PEM.
    #[prost(string, tag = "2")]
    pub(super) pem: String,
    /// The common name.
    #[prost(string, tag = "3")]
    pub(super) name: String,
    /// The names for which it may vouch.
    #[prost(string, repeated, tag = "4")]
    pub(super) permitted: Vec<String>,
}

impl Record {
    /// Its bytes, to be sealed at once.
    pub(super) fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        // Large enough from the start, so that growing leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.encoded_len()));
        self.encode(&mut *bytes).expect("a vector takes what it was made for");
        self.key.zeroize();
        bytes
    }
}

/// The common name of an authority.
pub(super) fn name_of(params: &CertificateParams) -> String {
    match params.distinguished_name.get(&DnType::CommonName) {
        Some(rcgen::DnValue::Utf8String(name)) => name.clone(),
        _ => String::new(),
    }
}

impl OwnCa {
    /// A new authority, which may vouch for `names` and for nothing else.
    ///
    /// # Errors
    /// When a name is none that can stand in a certificate.
    pub fn create(names: Names, now: Timestamp, entropy: &dyn Entropy) -> Result<Self, TlsError> {
        let key = Zeroizing::new(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
        // Programs that keep many authorities tell them apart by name.
        let name = format!("Stoa {:08x}", u32::from_be_bytes(entropy.bytes()));
        let mut params = authority(&name);
        set_life(&mut params, now, AUTHORITY_LIFE);
        params.name_constraints = Some(names.constraints());
        let pem = params.self_signed(&*key)?.pem();
        Ok(Self { key, pem, params, permitted: names })
    }

    /// The authority from what [`Self::to_record`] gave.
    ///
    /// # Errors
    /// [`TlsError::Record`].
    pub fn from_record(bytes: &[u8]) -> Result<Self, TlsError> {
        let record = Record::decode(bytes).map_err(|_| TlsError::Record)?;
        let Record { key, pem, name, permitted } = record;
        let key = Zeroizing::new(key);
        let key = KeyPair::try_from(key.as_slice()).map_err(|_| TlsError::Record)?;
        Ok(Self {
            key: Zeroizing::new(key),
            pem,
            params: authority(&name),
            permitted: Names::of(permitted.iter().map(String::as_str)),
        })
    }

    /// All of it, the private key included: to be sealed at once.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        Record {
            key: self.key.serialize_der(),
            pem: self.pem.clone(),
            name: name_of(&self.params),
            permitted: self.permitted.texts(),
        }
        .into_bytes()
    }

    /// The authority's certificate, for clients to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for the server under `names`, with a private key of its own that exists in
    /// memory only. `dir` is where the authority is kept, for the message.
    ///
    /// # Errors
    /// [`TlsError::NotPermitted`] for a name that the authority may not vouch for.
    pub fn issue(
        &self,
        names: &Names,
        now: Timestamp,
        dir: &Path,
    ) -> Result<CertifiedKey, TlsError> {
        if let Some(name) = names.outside(&self.permitted) {
            return Err(TlsError::NotPermitted { name, dir: dir.into() });
        }
        let (certificate, key) = self.sign(names, now)?;
        // The authority's own certificate goes along for clients that pin its key.
        let own = CertificateDer::from_pem_slice(self.pem.as_bytes());
        let own = own.map_err(|_| TlsError::Record)?;
        key::certified(vec![certificate, own], &key).map_err(TlsError::Unusable)
    }

    fn sign(
        &self,
        names: &Names,
        now: Timestamp,
    ) -> Result<(CertificateDer<'static>, PrivateKey), TlsError> {
        let key = Zeroizing::new(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Stoa server");
        params.subject_alt_names = names.alternatives()?;
        set_life(&mut params, now, CERTIFICATE_LIFE);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let certificate = params.signed_by(&*key, &issuer)?.der().clone();
        Ok((certificate, key::from_pkcs8(key.serialize_der())))
    }
}

/// What all certificates of an authority have in common.
pub(super) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// Sets from when (a little earlier, for clients whose clock is behind) and how long a certificate
/// counts.
pub(super) fn set_life(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    let since = |at: Timestamp| Duration::from_secs(at.as_secs());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since(now.minus(CLOCK_SKEW));
    params.not_after = epoch + since(now.plus(life));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::{CertificateError, Error, RootCertStore};
    use rustls_pki_types::{ServerName, UnixTime};
    use stoa_core::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn created(hosts: &[&str]) -> OwnCa {
        OwnCa::create(Names::of(hosts.iter().copied()), NOW, &SeededEntropy::new(1)).unwrap()
    }

    /// What a client that trusts `ca` says of `chain` when it wanted to reach `host`.
    fn judged(
        ca: &OwnCa,
        chain: &[CertificateDer<'_>],
        host: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::new(default_provider()),
        );
        let host = ServerName::try_from(host).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_secs()));
        let verifier = verifier.build().unwrap();
        verifier.verify_server_cert(&chain[0], &chain[1..], &host, &[], at).map(drop)
    }

    #[test]
    fn clients_accept_it_under_its_names_and_no_others() {
        let hosts = ["chat.example.org", "10.0.0.1"];
        let ca = created(&hosts);
        let issued = ca.issue(&Names::of(hosts), NOW, Path::new("tls")).unwrap();
        for host in ["localhost", "127.0.0.1", "::1", "chat.example.org", "10.0.0.1"] {
            judged(&ca, &issued.cert, host, NOW).unwrap();
        }
        for host in ["example.org", "other.example", "127.0.0.2", "10.0.0.2"] {
            assert!(judged(&ca, &issued.cert, host, NOW).is_err(), "{host}");
        }
        let stranger = created(&hosts);
        assert!(judged(&stranger, &issued.cert, "localhost", NOW).is_err());
        let later = NOW.plus(CERTIFICATE_LIFE + DAY);
        let expired = judged(&ca, &issued.cert, "localhost", later);
        assert!(matches!(
            expired,
            Err(Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. }
            ))
        ));
    }

    #[test]
    fn clients_refuse_what_it_may_not_vouch_for() {
        let ca = created(&["chat.example.org"]);
        let foreign = Names::of(["bank.example"]);
        let refused = ca.issue(&foreign, NOW, Path::new("data/tls")).unwrap_err().to_string();
        assert!(refused.contains("'bank.example'") && refused.contains("data/tls"), "{refused}");

        // Its key in wrong hands: signed all the same.
        for host in ["bank.example", "10.0.0.2"] {
            let (certificate, _) = ca.sign(&Names::of([host]), NOW).unwrap();
            let judged = judged(&ca, &[certificate], host, NOW).unwrap_err();
            assert!(format!("{judged:?}").contains("NameConstraint"), "{host}: {judged:?}");
        }
    }

    #[test]
    fn it_comes_back_from_its_record() {
        let ca = created(&["chat.example.org", "fd00::1"]);
        let again = OwnCa::from_record(&ca.to_record()).unwrap();
        assert_eq!(again.pem(), ca.pem());
        assert_eq!(again.permitted, ca.permitted);
        let issued = again.issue(&Names::of(["fd00::1"]), NOW, Path::new("tls")).unwrap();
        judged(&ca, &issued.cert, "fd00::1", NOW).unwrap();
        assert!(matches!(OwnCa::from_record(b"damaged"), Err(TlsError::Record)));
    }
}
