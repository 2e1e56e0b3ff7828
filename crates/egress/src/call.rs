//! One HTTP request and its answer: HTTP/1.1 on a connection of its own, which ends with it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use stoa_core::{Region, limits};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::egress::{Reached, count};
use crate::{ClientTls, Connection, Egress, EgressError, Errand, Host, Target};

/// How the server names itself to hosts outside.
const AGENT: &str = concat!("stoa/", env!("CARGO_PKG_VERSION"));
/// Header lines of an answer at the most.
const HEADERS: usize = 100;

/// What a call may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the first look at it to the end of the answer.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: limits::EGRESS_CALL, body: limits::EGRESS_BODY_BYTES }
    }
}

/// What a host answered. Never a redirect.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Who answered.
    pub address: SocketAddr,
    /// In which region that is; none: that is not known, as only a directory's may be.
    pub region: Option<Region>,
}

impl Egress {
    /// Sends a request to `target` and reads the answer. `headers` are sent as they are, besides those that
    /// belong to the connection. `tls` says whom to trust; none: the authorities that the system does.
    ///
    /// # Errors
    /// [`EgressError`]; a redirect is one too.
    pub async fn call(
        &self,
        errand: &Errand,
        target: &Target,
        request: Request<Bytes>,
        tls: Option<&ClientTls>,
        bounds: Bounds,
    ) -> Result<Answer, EgressError> {
        let host = &target.host;
        let answered = timeout(bounds.time, async {
            let connection = self.open(errand, host, target.port, target.scheme, tls).await?;
            exchange(connection, target, request, bounds.body).await
        });
        let late = |_| EgressError::Timeout(host.clone(), "answer");
        let answered = answered.await.map_err(late).and_then(|answered| answered);
        count(&answered);
        answered
    }
}

async fn exchange(
    connection: Connection,
    target: &Target,
    request: Request<Bytes>,
    most: usize,
) -> Result<Answer, EgressError> {
    let host = &target.host;
    let broken = |source| EgressError::Http { host: host.clone(), source };
    let Reached { address, region } = connection.reached;
    let request = prepared(target, request)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(limits::EGRESS_HEAD_BYTES)
        .max_headers(HEADERS)
        .handshake(TokioIo::new(connection))
        .await
        .map_err(broken)?;
    // Ends with this call, however that ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let (head, body) = response.into_parts();
    if head.status.is_redirection() {
        return Err(EgressError::Redirect(host.clone(), head.status.as_u16()));
    }
    let body = read(host, body, most).await?;
    Ok(Answer { status: head.status, headers: head.headers, body, address, region })
}

/// The request as it is sent.
fn prepared(target: &Target, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, EgressError> {
    /// What belongs to the connection is not the caller's to say.
    const OURS: [HeaderName; 5] = [
        HOST,
        CONNECTION,
        http::header::TRANSFER_ENCODING,
        http::header::CONTENT_LENGTH,
        http::header::UPGRADE,
    ];
    let (mut head, body) = request.into_parts();
    let none = |error: http::Error| EgressError::Request(error);
    head.uri = Uri::builder().path_and_query(target.path.as_str()).build().map_err(none)?;
    for ours in &OURS {
        head.headers.remove(ours);
    }
    let authority =
        HeaderValue::try_from(target.authority()).map_err(|error| none(error.into()))?;
    head.headers.insert(HOST, authority);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    head.version = http::Version::HTTP_11;
    // A tunnel to somewhere else is no call.
    if head.method == Method::CONNECT {
        head.method = Method::GET;
    }
    Ok(Request::from_parts(head, Full::new(body)))
}

/// Reads a body of at most `most` bytes.
async fn read(host: &Host, mut body: Incoming, most: usize) -> Result<Bytes, EgressError> {
    let too_large = || EgressError::TooLarge(host.clone(), most);
    // What says at once that it is too large is not begun.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| EgressError::Http { host: host.clone(), source })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
