//! Whether a client has the key of its certificate: what it signed is checked, RSA here, all else by `dimpl`.
//!
//! Whose certificate it is says its fingerprint, which `str0m` compares with the offer's.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RsaParameters, UnparsedPublicKey,
};
use dimpl::CryptoError;
use dimpl::crypto::{self, HashAlgorithm, NamedGroup, SignatureAlgorithm, SignatureVerifier};
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::request;

/// Checks signatures under the record of a handshake.
#[derive(Debug)]
pub(super) struct Verifier;

impl SignatureVerifier for Verifier {
    fn verify_signature(
        &self,
        cert_der: &[u8],
        data: &[u8],
        signature: &[u8],
        hash_alg: HashAlgorithm,
        sig_alg: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        let data = &request::transcript(data);
        if sig_alg != SignatureAlgorithm::RSA {
            let dimpl = crypto::aws_lc_rs::default_provider().signature_verification;
            return dimpl.verify_signature(cert_der, data, signature, hash_alg, sig_alg);
        }
        let scheme: &'static RsaParameters = match hash_alg {
            HashAlgorithm::SHA256 => &RSA_PKCS1_2048_8192_SHA256,
            HashAlgorithm::SHA384 => &RSA_PKCS1_2048_8192_SHA384,
            hash => {
                return Err(CryptoError::UnsupportedSignaturePair { signature: sig_alg, hash });
            }
        };
        let (_, certificate) =
            X509Certificate::from_der(cert_der).map_err(|_| CryptoError::CertificateParseFailed)?;
        let key = certificate.public_key();
        if key.algorithm.algorithm != OID_PKCS1_RSAENCRYPTION {
            return Err(CryptoError::UnsupportedPublicKeyAlgorithm);
        }
        UnparsedPublicKey::new(scheme, &key.subject_public_key.data)
            .verify(data, signature)
            .map_err(|_| CryptoError::SignatureVerificationFailed {
                signature: sig_alg,
                hash: hash_alg,
                // RSA has no curve.
                group: NamedGroup::default(),
            })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    #[test]
    fn a_signature_counts_for_its_key_data_and_scheme_alone() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &key.as_der().unwrap().as_ref().into(),
            &rcgen::PKCS_RSA_SHA256,
        );
        let rsa = rcgen::CertificateParams::default().self_signed(&pair.unwrap()).unwrap();
        let elliptic = rcgen::generate_simple_self_signed(Vec::new()).unwrap().cert;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"data", &mut signature).unwrap();
        let check = |certificate: &[u8], data: &[u8], hash, algorithm| {
            Verifier.verify_signature(certificate, data, &signature, hash, algorithm)
        };
        let (sha256, sha384) = (HashAlgorithm::SHA256, HashAlgorithm::SHA384);
        assert_eq!(check(rsa.der(), b"data", sha256, SignatureAlgorithm::RSA), Ok(()));
        assert!(check(rsa.der(), b"date", sha256, SignatureAlgorithm::RSA).is_err());
        assert!(check(rsa.der(), b"data", sha384, SignatureAlgorithm::RSA).is_err());
        assert!(check(rsa.der(), b"data", HashAlgorithm::SHA512, SignatureAlgorithm::RSA).is_err());
        assert!(check(rsa.der(), b"data", sha256, SignatureAlgorithm::ECDSA).is_err());
        assert!(check(rsa.der(), b"data", sha256, SignatureAlgorithm::from_u8(0)).is_err());
        assert!(check(elliptic.der(), b"data", sha256, SignatureAlgorithm::RSA).is_err());
        assert!(check(&rsa.der()[1..], b"data", sha256, SignatureAlgorithm::RSA).is_err());
        assert!(check(&[], b"data", sha256, SignatureAlgorithm::RSA).is_err());
    }
}
