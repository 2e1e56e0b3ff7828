//! TLS without IO: records in, plaintext out, and the way back.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, ResolvesServerCert, ServerConnectionData,
    UnbufferedServerConnection, WebPkiClientVerifier,
};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus,
};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;

/// Where a listener takes its configuration from. It is read for each connection, so that a new
/// certificate counts from the next one on.
pub type TlsSource = Arc<ArcSwap<ServerConfig>>;

/// Tickets that a client gets with a TLS 1.3 handshake. Browsers use each once and get another one for
/// it; a version before 1.3 has always one.
const TICKETS: usize = 1;

/// What session tickets are sealed with. All configurations of a process share one, so that a new
/// certificate leaves the tickets as they are.
///
/// The keys are random, exist in memory only, and follow each other by the library's own rule: tickets
/// are sealed with one for six hours and open for six more. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tickets(Arc<dyn ProducesTickets>);

impl Tickets {
    /// Tickets under new keys, which open no earlier ones.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new() -> Result<Self, rustls::Error> {
        aws_lc_rs::Ticketer::new().map(Self)
    }
}

/// The key exchanges and ciphers of every listener.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    })
}

/// The configuration of every listener: TLS 1.3 and 1.2, X25519 before P-256 and P-384, HTTP/1.1.
///
/// Who comes back can show a ticket and is spared the certificate. The ticket holds all that it takes,
/// sealed, so nothing is kept here for a connection or after it. It proves only that the same client
/// was here before: a handshake exchanges new keys all the same, no data is taken before it is over
/// (0-RTT could be sent again by others), and what speaks over the connection logs in as ever.
///
/// # Errors
/// When the library's parts do not fit together.
pub fn server_config(
    certificates: Arc<dyn ResolvesServerCert>,
    tickets: &Tickets,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::clone(&tickets.0);
    config.send_tls13_tickets = TICKETS;
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The configuration of a listener that asks its clients for a certificate of an authority among `roots`:
/// TLS 1.3 and 1.2, HTTP/1.1. One that is `required` must be shown to get in at all; otherwise a client may
/// show none, but none of another authority's.
///
/// No session is ever taken up again, so that each connection has shown its certificate itself.
///
/// # Errors
/// When there are no roots, or the library's parts do not fit together.
pub fn client_auth_config(
    certificates: Arc<dyn ResolvesServerCert>,
    roots: Arc<RootCertStore>,
    required: bool,
) -> Result<ServerConfig, rustls::Error> {
    let provider = provider();
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
    let clients = if required { clients } else { clients.allow_unauthenticated() };
    let clients = clients.build().map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificates);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What protects a connection.
///
/// Rust's TLS library keeps no buffers here: it works on the bytes that it is given. What it has
/// not used yet must stand at the front of what it is given next, *in every call*: a handshake
/// message that came in part is still in there.
pub(crate) enum Security {
    /// Nothing; for loopback.
    Plain,
    /// TLS.
    Tls(Box<UnbufferedServerConnection>),
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Tls(_) => "Tls",
        })
    }
}

/// Where a connection stands after some of its input was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Bytes that were used and must go from the front.
    pub(crate) used: usize,
    /// The handshake is not over.
    pub(crate) handshaking: bool,
    /// The other side said that it sends nothing more.
    pub(crate) closed: bool,
}

/// Why plaintext could not be sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The connection has failed or is not yet open.
    #[error("the connection cannot send")]
    NotOpen,
    /// Too much was sent under one key.
    #[error("the connection's keys are used up")]
    Exhausted,
    /// What came cannot be TLS.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Security {
    /// The certificate that the client has shown, if it was asked for one.
    pub(crate) fn client_certificate(&self) -> Option<&CertificateDer<'static>> {
        match self {
            Self::Plain => None,
            Self::Tls(tls) => tls.peer_certificates().and_then(<[_]>::first),
        }
    }

    pub(crate) fn tls(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self::Tls(Box::new(UnbufferedServerConnection::new(config)?)))
    }

    /// Uses `incoming`: plaintext goes to `on_plain`, what TLS itself has to say to `out`.
    pub(crate) fn open(
        &mut self,
        incoming: &mut [u8],
        out: &mut Vec<u8>,
        on_plain: &mut dyn FnMut(&[u8]),
    ) -> Result<Opened, rustls::Error> {
        let tls = match self {
            Self::Plain => {
                on_plain(incoming);
                return Ok(Opened { used: incoming.len(), handshaking: false, closed: false });
            }
            Self::Tls(tls) => tls,
        };
        let mut used = 0;
        let mut closed = false;
        loop {
            let UnbufferedStatus { mut discard, state } =
                tls.process_tls_records(&mut incoming[used..]);
            let state = match state {
                Ok(state) => state,
                Err(error) => {
                    put_alert(tls, &mut incoming[used + discard..], out);
                    return Err(error);
                }
            };
            let handshaking = match state {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        on_plain(record.payload);
                    }
                    None
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    encode(&mut data, out);
                    None
                }
                // What was encoded stands in `out`, and leaves before anything else does.
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    None
                }
                ConnectionState::PeerClosed => {
                    closed = true;
                    None
                }
                ConnectionState::Closed => {
                    closed = true;
                    Some(false)
                }
                ConnectionState::BlockedHandshake => Some(true),
                ConnectionState::WriteTraffic(_) => Some(false),
                // Early data is never offered, and there are no further states.
                _ => return Err(rustls::Error::General("unexpected state".to_owned())),
            };
            used += discard;
            if let Some(handshaking) = handshaking {
                return Ok(Opened { used, handshaking, closed });
            }
        }
    }

    /// Appends `plain` sealed to `out`. `unused` is input that was not used yet; it is not used
    /// here either.
    pub(crate) fn seal(
        &mut self,
        plain: &[u8],
        unused: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let tls = match self {
            Self::Plain => {
                out.extend_from_slice(plain);
                return Ok(());
            }
            Self::Tls(tls) => tls,
        };
        let ConnectionState::WriteTraffic(mut traffic) = tls.process_tls_records(unused).state?
        else {
            return Err(SealError::NotOpen);
        };
        let mut exhausted = false;
        append(out, sealed_len(plain.len()), |room| match traffic.encrypt(plain, room) {
            Ok(written) => Ok(written),
            Err(EncryptError::InsufficientSize(error)) => Err(error.required_size),
            Err(EncryptError::EncryptExhausted) => {
                exhausted = true;
                Ok(0)
            }
        });
        if exhausted { Err(SealError::Exhausted) } else { Ok(()) }
    }

    /// Appends to `out` that nothing more will be sent, if that can be said.
    pub(crate) fn put_close(&mut self, unused: &mut [u8], out: &mut Vec<u8>) {
        let Self::Tls(tls) = self else { return };
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) =
            tls.process_tls_records(unused).state
        {
            append(out, 0, |room| match traffic.queue_close_notify(room) {
                Ok(written) => Ok(written),
                Err(EncryptError::InsufficientSize(error)) => Err(error.required_size),
                Err(EncryptError::EncryptExhausted) => Ok(0),
            });
        }
    }
}

/// After an error: appends the alert that tells the other side, if there is one.
fn put_alert(tls: &mut UnbufferedServerConnection, unused: &mut [u8], out: &mut Vec<u8>) {
    if let Ok(ConnectionState::EncodeTlsData(mut data)) = tls.process_tls_records(unused).state {
        encode(&mut data, out);
    }
}

fn encode(data: &mut EncodeTlsData<'_, ServerConnectionData>, out: &mut Vec<u8>) {
    append(out, 0, |room| match data.encode(room) {
        Ok(written) => Ok(written),
        Err(EncodeError::InsufficientSize(error)) => Err(error.required_size),
        Err(EncodeError::AlreadyEncoded) => Ok(0),
    });
}

/// Enough room for `len` bytes sealed, usually: 16 KiB a record, and what encloses each.
const fn sealed_len(len: usize) -> usize {
    len + 32 * (len / (16 * 1024) + 1)
}

/// Lets `write` fill room at the end of `out`, first as much as is guessed. It says how much it
/// wrote, or how much it needs.
fn append(
    out: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>,
) {
    let start = out.len();
    let mut needed = guess;
    loop {
        out.resize(start + needed, 0);
        match write(&mut out[start..]) {
            Ok(written) => return out.truncate(start + written),
            Err(more) => needed = more.max(needed + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the documentation says of the library's rule (`docs/security.md`).
    #[test]
    fn a_ticket_opens_for_twelve_hours_at_most_and_only_under_its_own_keys() {
        let (tickets, others) = (Tickets::new().unwrap(), Tickets::new().unwrap());
        assert_eq!(tickets.0.lifetime(), 12 * 3600);
        let ticket = tickets.0.encrypt(b"a session").unwrap();
        // So that the other keys do not turn it away for its length alone.
        others.0.encrypt(&[0; 100]).unwrap();
        assert_eq!(tickets.0.decrypt(&ticket).as_deref(), Some(&b"a session"[..]));
        assert_eq!(others.0.decrypt(&ticket), None);
    }
}
