//! Whether the addresses are free for a server, or answered by the one that runs.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use stoa_core::{Clock as _, SystemClock};

use super::{Running, certificate};
use crate::admin::Check;
use crate::config::Config;

const NAME: &str = "port";
/// Longer than a server on the same machine ever takes.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn checks(config: &Config, running: Running) -> Vec<Check> {
    let mut addresses = vec![(config.listen, true)];
    let plain =
        [config.plain_http, config.metrics_listen, config.directory_listen].into_iter().flatten();
    addresses.extend(plain.map(|address| (address, false)));
    let check = |(address, tls): (SocketAddr, bool)| match running {
        _ if address.port() == 0 => Check::ok(NAME, format!("{address} takes any free port")),
        Running::No => free(address),
        Running::Yes => answered(address, tls),
    };
    addresses.into_iter().map(check).collect()
}

fn free(address: SocketAddr) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) => {
            let advice = match error.kind() {
                ErrorKind::AddrInUse => "another program has it: end that, or use another address",
                ErrorKind::PermissionDenied => {
                    "ports below 1024 need a right: with systemd, AmbientCapabilities=CAP_NET_BIND_SERVICE"
                }
                ErrorKind::AddrNotAvailable => "this machine does not have that address",
                _ => "use another address",
            };
            Check::failure(NAME, format!("{address} cannot be listened on: {error}"), advice)
        }
    }
}

fn answered(address: SocketAddr, tls: bool) -> Check {
    let connected = TcpStream::connect_timeout(&from_here(address), PATIENCE);
    let shown = connected.and_then(|stream| if tls { greet(stream).map(Some) } else { Ok(None) });
    match shown {
        Ok(None) => Check::ok(NAME, format!("{address} answers")),
        Ok(Some(shown)) => {
            let name = format!("the certificate that {address} shows");
            certificate::judge(&name, &shown, SystemClock.now())
                .unwrap_or_else(|| Check::ok(NAME, format!("{address} answers with TLS")))
        }
        Err(error) => {
            let found = format!("{address} does not answer: {error}");
            let advice = "see whether a firewall is in the way, and restart the server if it hangs";
            Check::failure(NAME, found, advice)
        }
    }
}

/// The address as this machine reaches it.
fn from_here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Shakes hands and answers the certificate that was shown.
fn greet(mut stream: TcpStream) -> io::Result<CertificateDer<'static>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while client.is_handshaking() {
        client.complete_io(&mut stream)?;
    }
    let shown = client.peer_certificates().and_then(|chain| chain.first());
    shown.map(|shown| shown.clone().into_owned()).ok_or_else(|| io::Error::other("no certificate"))
}

/// Takes every certificate: it is looked at, and nothing is said to whoever shows it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, shown, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, shown, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Level;

    #[test]
    fn a_taken_port_is_told_from_a_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let check = free(address);
        assert_eq!(check.level, Level::Failure);
        assert!(check.advice.unwrap().contains("another program"));
        assert_eq!(answered(address, false).level, Level::Ok);
        drop(taken);
        assert_eq!(free(address).level, Level::Ok);
        assert_eq!(answered(address, false).level, Level::Failure);
    }

    #[test]
    fn an_address_for_all_is_reached_by_loopback() {
        assert_eq!(from_here("[::]:1".parse().unwrap()), "[::1]:1".parse().unwrap());
        assert_eq!(from_here("10.0.0.1:1".parse().unwrap()), "10.0.0.1:1".parse().unwrap());
    }
}
