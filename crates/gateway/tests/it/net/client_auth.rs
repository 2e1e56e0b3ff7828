//! A listener that asks its clients for a certificate.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use stoa_gateway::net::{NetLimits, PeerCertificate, TlsSource, client_auth_config, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;

use super::support::{UPGRADE, VERSIONS, certificate};

type Shown = Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>;

/// Says which certificate the client has shown.
async fn who(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let shown = request.extensions().get::<PeerCertificate>();
    let text = shown.map_or("nobody".into(), |shown| {
        shown.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    Ok(Response::new(Full::new(Bytes::from(text))))
}

/// What a client hears that shows `shown` and sends `request`; none if it is not let in.
async fn asked(
    listener: &Listener,
    version: &'static SupportedProtocolVersion,
    shown: &Shown,
    request: &str,
) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(listener.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        Some((certificate, key)) => {
            config.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let tcp = TcpStream::connect(listener.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.ok()?;
    tls.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // Whoever is refused in TLS 1.3 hears of it here; an answer may come before an end that is none.
    let _ = tls.read_to_end(&mut answer).await;
    (!answer.is_empty()).then(|| String::from_utf8(answer).unwrap())
}

struct Listener {
    address: std::net::SocketAddr,
    certificate: CertificateDer<'static>,
    sessions: mpsc::UnboundedReceiver<()>,
    _stop: oneshot::Sender<()>,
}

async fn listen(root: &CertificateDer<'static>, required: bool) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, key) = certificate();
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = client_auth_config(key, Arc::new(roots), required).unwrap();
    let tls = TlsSource::new(Arc::new(config).into());
    let (stop, stopped) = oneshot::channel::<()>();
    let (opened, sessions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let limits = NetLimits::default().without_sessions();
        let on_session = move |_, _| opened.send(()).unwrap();
        let stopped = async { _ = stopped.await };
        serve(listener, Some(tls), tower::service_fn(who), on_session, limits, stopped).await
    });
    Listener { address, certificate, sessions, _stop: stop }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn client_of(authority: &CertifiedIssuer<'static, KeyPair>) -> Shown {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority).unwrap();
    Some((certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn who_shows_a_certificate_is_known_by_it_and_others_are_nobody() {
    let (ours, theirs) = (authority(), authority());
    let (client, stranger) = (client_of(&ours), client_of(&theirs));
    let (certificate, _) = client.as_ref().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
    let print: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for required in [false, true] {
        let listener = listen(ours.der(), required).await;
        for version in VERSIONS {
            let answer = asked(&listener, version, &client, GET).await.unwrap();
            assert!(answer.ends_with(&print), "{answer}");
            let nobody = asked(&listener, version, &None, GET).await;
            assert_eq!(nobody.is_some(), !required, "{nobody:?}");
            assert!(nobody.is_none_or(|answer| answer.ends_with("nobody")));
            assert_eq!(asked(&listener, version, &stranger, GET).await, None);
        }
    }
}

#[tokio::test]
async fn a_listener_without_sessions_takes_none() {
    let ours = authority();
    let mut listener = listen(ours.der(), false).await;
    let request = UPGRADE.replace("Connection: Upgrade", "Connection: Upgrade, close");
    let answer = asked(&listener, VERSIONS[0], &client_of(&ours), &request).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(listener.sessions.try_recv().is_err());
}
