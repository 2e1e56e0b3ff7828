//! Clients whose certificate is RSA, as older GStreamer makes them: they connect; who has not the key, or another certificate than
//! was offered, does not.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaEncoding, RsaKeyPair};
use dimpl::crypto::{
    Buf, CryptoProvider, HashAlgorithm, KeyProvider, SignatureAlgorithm, SigningKey,
    aws_lc_rs as ciphers,
};
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::media::MediaKind::{Audio, Video};
use str0m::{Candidate, Rtc};

use super::client::Client;
use super::world::{World, audio, video};
use crate::types::{Offer, Source, Tell, Why};

const SHOWS: &[(Source, &[&str])] = &[(Source::Microphone, &[]), (Source::Camera, &[])];

/// What a client does with its key.
#[derive(Debug)]
struct Signs {
    hash: HashAlgorithm,
    /// What comes out is not the signature.
    wrong: bool,
}

static SHA256: Signs = Signs { hash: HashAlgorithm::SHA256, wrong: false };
static SHA384: Signs = Signs { hash: HashAlgorithm::SHA384, wrong: false };
static WRONG: Signs = Signs { hash: HashAlgorithm::SHA256, wrong: true };

impl DtlsProvider for Signs {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        None
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        // A provider has to last for ever; there are three.
        let key_provider: &'static Signs = match self {
            Signs { wrong: true, .. } => &WRONG,
            Signs { hash: HashAlgorithm::SHA256, .. } => &SHA256,
            _ => &SHA384,
        };
        let provider = CryptoProvider { key_provider, ..ciphers::default_provider() };
        let config = dimpl::Config::builder().with_crypto_provider(provider).build()?;
        Ok(Box::new(Dtls(dimpl::Dtls::new_12(config.into(), cert.clone(), now))))
    }
}

impl KeyProvider for Signs {
    fn load_private_key(&self, key: &[u8]) -> Result<Box<dyn SigningKey>, dimpl::CryptoError> {
        let key = RsaKeyPair::from_pkcs8(key).map_err(|_| dimpl::CryptoError::InvalidPrivateKey)?;
        Ok(Box::new(Key { key, asked: AtomicBool::new(false), hash: self.hash, wrong: self.wrong }))
    }
}

#[derive(Debug)]
struct Key {
    key: RsaKeyPair,
    asked: AtomicBool,
    hash: HashAlgorithm,
    wrong: bool,
}

impl SigningKey for Key {
    fn sign(
        &mut self,
        data: &[u8],
        _: HashAlgorithm,
        out: &mut Buf,
    ) -> Result<(), dimpl::CryptoError> {
        let scheme: &'static dyn RsaEncoding = match self.hash {
            HashAlgorithm::SHA256 => &RSA_PKCS1_SHA256,
            _ => &RSA_PKCS1_SHA384,
        };
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(scheme, &SystemRandom::new(), data, &mut signature).unwrap();
        signature[100] ^= u8::from(self.wrong);
        out.extend_from_slice(&signature);
        Ok(())
    }

    /// `dimpl` leaves out the ciphers of servers with another kind of key than its own, so it hears of RSA only once the server
    /// has asked for the certificate: it looks at the hash then.
    fn algorithm(&self) -> SignatureAlgorithm {
        match self.asked.load(Ordering::Relaxed) {
            true => SignatureAlgorithm::RSA,
            false => SignatureAlgorithm::ECDSA,
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        self.asked.store(true, Ordering::Relaxed);
        self.hash
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        std::slice::from_ref(&self.hash)
    }
}

#[derive(Debug)]
struct Dtls(dimpl::Dtls);

impl DtlsInstance for Dtls {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

/// Two certificates with their keys, made once: that takes a while.
fn certificates() -> &'static [DtlsCert; 2] {
    static MADE: OnceLock<[DtlsCert; 2]> = OnceLock::new();
    MADE.get_or_init(|| {
        [KeySize::Rsa2048, KeySize::Rsa3072].map(|size| {
            let key = RsaKeyPair::generate(size).unwrap();
            let key: Pkcs8V1Der<'_> = key.as_der().unwrap();
            let private_key = key.as_ref().to_vec();
            let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
                &private_key.as_slice().into(),
                &rcgen::PKCS_RSA_SHA256,
            );
            let certificate = rcgen::CertificateParams::default().self_signed(&pair.unwrap());
            DtlsCert { certificate: certificate.unwrap().der().to_vec(), private_key }
        })
    })
}

/// A class: one who watches, with an ECDSA certificate, and one with this RSA certificate, who has made an offer.
fn class(seed: u64, signs: &'static Signs, certificate: DtlsCert) -> (World, [usize; 2], Offer) {
    let mut world = World::new(seed);
    let student = world.join(&[], &[Audio, Video]);
    let teacher = world.client();
    let provider = str0m::config::CryptoProvider {
        dtls_provider: signs,
        ..str0m::crypto::from_feature_flags()
    };
    let config = Rtc::builder().set_crypto_provider(provider.into()).set_dtls_cert(certificate);
    let client = &mut world.clients[teacher];
    let candidate = Candidate::host(client.addr, "udp").unwrap();
    *client = Client::with(&client.name.clone(), candidate, config, world.now);
    let offer = client.offer(SHOWS, &[]);
    world.watch(student, 0, audio(teacher));
    world.watch(student, 1, video(teacher, 400));
    (world, [teacher, student], offer)
}

fn is_seen(world: &mut World, student: usize) {
    world.run(Duration::from_secs(3));
    assert!(world.decoded(student, 1)[0] > 40, "{:?}", world.decoded(student, 1));
    assert!(world.sounds(student, 0) > 70, "{}", world.sounds(student, 0));
    world.check();
}

fn is_refused(mut world: World, [teacher, student]: [usize; 2], why: Why) {
    world.run(Duration::from_secs(20));
    assert!(!world.clients[teacher].connected);
    let told = world.told(teacher);
    assert!(matches!(told[..], [.., Tell::Closed(last)] if last == why), "{told:?}");
    assert!(world.clients[student].decoders.is_empty());
    assert_eq!(world.counters.half_open.load(Ordering::Relaxed), 0);
    world.check();
}

#[test]
fn who_has_an_rsa_certificate_is_seen_and_heard() {
    for (seed, signs) in [(51, &SHA256), (52, &SHA384)] {
        for certificate in certificates() {
            let (mut world, [teacher, student], offer) = class(seed, signs, certificate.clone());
            world.send_offer(teacher, &offer).unwrap();
            is_seen(&mut world, student);
        }
    }
}

#[test]
fn what_is_lost_of_the_handshake_is_asked_for_again() {
    // The network is gone for a while, beginning with each part of it; it takes 60 ms otherwise.
    for begin in (0..70).step_by(10) {
        let certificate = certificates()[0].clone();
        let (mut world, [teacher, student], offer) = class(53, &SHA256, certificate);
        world.run(Duration::from_secs(1));
        world.send_offer(teacher, &offer).unwrap();
        world.run(Duration::from_millis(begin));
        world.loss = 1000;
        world.run(Duration::from_millis(500));
        world.loss = 0;
        world.run(Duration::from_secs(13));
        assert!(world.clients[teacher].connected, "gone after {begin} ms");
        assert!(world.decoded(student, 1)[0] > 40, "gone after {begin} ms");
    }
}

#[test]
fn another_rsa_certificate_than_the_offered_one_is_refused() {
    let [own, other] = certificates();
    let (mut world, ends, offer) = class(59, &SHA256, own.clone());
    let fingerprint = |cert: &DtlsCert| {
        let digest = str0m::crypto::from_feature_flags().sha256_provider.sha256(&cert.certificate);
        digest.map(|byte| format!("{byte:02X}")).join(":")
    };
    let sdp = offer.sdp.replace(&fingerprint(own), &fingerprint(other));
    assert_ne!(sdp, offer.sdp);
    world.send_offer(ends[0], &Offer { sdp, ..offer }).unwrap();
    is_refused(world, ends, Why::Failed);
}

#[test]
fn a_wrong_signature_is_refused() {
    let (mut world, ends, offer) = class(60, &WRONG, certificates()[0].clone());
    world.send_offer(ends[0], &offer).unwrap();
    is_refused(world, ends, Why::Timeout);
}

#[test]
fn who_has_the_certificate_and_not_its_key_is_refused() {
    let [victim, own] = certificates().clone();
    let certificate = DtlsCert { private_key: own.private_key, ..victim };
    let (mut world, ends, offer) = class(61, &SHA256, certificate);
    world.send_offer(ends[0], &offer).unwrap();
    is_refused(world, ends, Why::Timeout);
}
