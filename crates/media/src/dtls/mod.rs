//! DTLS as `str0m` has it, for clients with an RSA certificate, too.
//!
//! `dimpl` asks a client for an ECDSA certificate and for nothing else, and what can be handed to it (signature check, hashes) does not
//! reach that question. A client whose certificate is RSA then has none to show: OpenSSL, and so GStreamer before
//! it moved to ECDSA. So RSA is added to the question on its way out ([`request`]), and to the record of the handshake wherever that is
//! hashed or signed, for both sides have to have seen the same; the answer is checked in [`verify`]. Everything else
//! is `dimpl`'s, and the server's own certificate stays ECDSA. Why it is so: `docs/decisions/0034-media.md`.

mod request;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use dimpl::crypto::{Buf, HashAlgorithm, HashContext, HashProvider, aws_lc_rs};
use parking_lot::Mutex;
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};

/// The ciphers and hashes of `str0m`, and DTLS that takes RSA certificates of clients.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider { dtls_provider: &Provider, ..str0m::crypto::from_feature_flags() }
}

#[derive(Debug)]
struct Provider;

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        dtls_version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        if dtls_version != DtlsVersion::Dtls12 {
            let unlike = format!("{dtls_version} asks for certificates in another way");
            return Err(CryptoError::Other(unlike));
        }
        let [dtls, asked] =
            configs(mtu)?.map(|config| dimpl::Dtls::new_12(config, cert.clone(), now));
        Ok(Box::new(Instance {
            dtls,
            asked: Some(asked),
            asks: true,
            waiting: Vec::new(),
            since: now,
        }))
    }
}

/// How `dimpl` is set up at the end that asks, and at the other. Made once: it tries all ciphers each time.
fn configs(mtu: Option<usize>) -> Result<[Arc<dimpl::Config>; 2], DtlsImplError> {
    static MADE: Mutex<BTreeMap<Option<usize>, [Arc<dimpl::Config>; 2]>> =
        Mutex::new(BTreeMap::new());
    let mut made = MADE.lock();
    if let Some(configs) = made.get(&mtu) {
        return Ok(configs.clone());
    }
    let config = |crypto| {
        // ICE has shown that the client is where it says; a cookie would show it once more.
        let mut builder =
            dimpl::Config::builder().use_server_cookie(false).with_crypto_provider(crypto);
        if let Some(mtu) = mtu {
            // The question grows.
            builder = builder.mtu(mtu.saturating_sub(request::MORE));
        }
        builder.build().map(Arc::new)
    };
    let asking = dimpl::crypto::CryptoProvider {
        signature_verification: &verify::Verifier,
        hash_provider: &Hashes,
        ..aws_lc_rs::default_provider()
    };
    let configs = [config(asking)?, config(aws_lc_rs::default_provider())?];
    made.insert(mtu, configs.clone());
    Ok(configs)
}

/// One end of a connection.
struct Instance {
    dtls: dimpl::Dtls,
    /// What takes over when this end turns out to be the one that is asked: what others ask for is not to be changed.
    asked: Option<dimpl::Dtls>,
    /// Until the handshake is done, by the end that asks.
    asks: bool,
    /// What is being sent, before RSA is added.
    waiting: Vec<u8>,
    since: Instant,
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("asks", &self.asks).finish_non_exhaustive()
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        if let Some(asked) = self.asked.take().filter(|_| active) {
            (self.dtls, self.asks) = (asked, false);
        }
        self.dtls.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if !self.asks {
            return self.dtls.poll_output(buf);
        }
        self.waiting.resize(buf.len().saturating_sub(request::MORE), 0);
        match self.dtls.poll_output(&mut self.waiting) {
            DtlsOutput::Packet(bytes) => {
                let amended = request::datagram(bytes);
                DtlsOutput::Packet(copied(amended.as_deref().unwrap_or(bytes), buf))
            }
            DtlsOutput::PeerCert(bytes) => DtlsOutput::PeerCert(copied(bytes, buf)),
            DtlsOutput::ApplicationData(bytes) => DtlsOutput::ApplicationData(copied(bytes, buf)),
            DtlsOutput::BufferTooSmall { needed } => {
                DtlsOutput::BufferTooSmall { needed: needed + request::MORE }
            }
            DtlsOutput::Timeout(due) => DtlsOutput::Timeout(due),
            DtlsOutput::Connected => {
                // Nothing of the handshake that asks is sent any more.
                (self.asks, self.waiting) = (false, Vec::new());
                DtlsOutput::Connected
            }
            DtlsOutput::KeyingMaterial(keys, profile) => DtlsOutput::KeyingMaterial(keys, profile),
            DtlsOutput::CloseNotify => DtlsOutput::CloseNotify,
            // There is no other. One of a later version is passed over: a time that is over is the wish to be asked again.
            _ => DtlsOutput::Timeout(self.since),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.dtls.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}

/// The bytes, in the front of `to`, which has the room.
fn copied<'a>(bytes: &[u8], to: &'a mut [u8]) -> &'a [u8] {
    let to = &mut to[..bytes.len()];
    to.copy_from_slice(bytes);
    to
}

/// Hashes in which the record of a handshake is as the client has seen it.
#[derive(Debug)]
struct Hashes;

impl HashProvider for Hashes {
    fn create_hash(&self, algorithm: HashAlgorithm) -> Box<dyn HashContext> {
        Box::new(Hash(aws_lc_rs::default_provider().hash_provider.create_hash(algorithm)))
    }
}

#[derive(Debug)]
struct Hash(Box<dyn HashContext>);

impl HashContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(&request::transcript(data));
    }

    fn clone_and_finalize(&self, out: &mut Buf) {
        self.0.clone_and_finalize(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type End = Box<dyn DtlsInstance>;

    fn end(provider: &CryptoProvider, active: bool, now: Instant) -> End {
        let cert = provider.dtls_provider.generate_certificate().unwrap();
        let made = provider.dtls_provider.new_dtls(&cert, now, DtlsVersion::Dtls12, Some(1200));
        let mut end = made.unwrap();
        end.set_active(active);
        end.handle_timeout(now).unwrap();
        end
    }

    /// What the end sends now, and whether the handshake is done.
    fn sent(end: &mut End, now: Instant) -> (Vec<Vec<u8>>, bool) {
        let (mut out, mut done, mut buffer) = (Vec::new(), false, [0; 2000]);
        end.handle_timeout(now).unwrap();
        loop {
            match end.poll_output(&mut buffer) {
                DtlsOutput::Packet(bytes) => out.push(bytes.to_vec()),
                DtlsOutput::Connected => done = true,
                DtlsOutput::Timeout(_) => return (out, done),
                _ => {}
            }
        }
    }

    #[test]
    fn elliptic_certificates_are_taken_in_both_roles() {
        let now = Instant::now();
        for active in [true, false] {
            let ours = end(&provider(), active, now);
            let theirs = end(&str0m::crypto::from_feature_flags(), !active, now);
            let (mut ends, mut done) = ([ours, theirs], [false; 2]);
            for turn in 0..20 {
                let (from, to) = (turn % 2, 1 - turn % 2);
                let (datagrams, ready) = sent(&mut ends[from], now);
                done[from] |= ready;
                for datagram in datagrams {
                    assert!(datagram.len() <= 1200);
                    ends[to].handle_packet(&datagram).unwrap();
                }
            }
            assert_eq!(done, [true; 2], "active: {active}");
        }
    }

    #[test]
    fn other_versions_are_not_spoken() {
        let cert = Provider.generate_certificate().unwrap();
        for version in [DtlsVersion::Dtls13, DtlsVersion::Auto] {
            assert!(Provider.new_dtls(&cert, Instant::now(), version, None).is_err());
        }
    }
}
