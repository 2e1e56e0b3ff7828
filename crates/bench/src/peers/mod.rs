//! Other servers, measured in the same run on the same machine by the same generator.

pub mod ejabberd;
pub mod janus;
pub mod nats;
pub mod postgres;
pub mod xmpp;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};

use crate::Error;

/// A port of loopback that nobody uses now.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(Error::io("find a free port"))
}

/// Makes a certificate for `localhost` with its key in one file; returns the file of the certificate.
fn certify(dir: &Path) -> Result<PathBuf, Error> {
    let failed = |error: rcgen::Error| Error::Server(format!("a certificate: {error}"));
    let mut params = CertificateParams::new(["localhost".to_owned()]).map_err(failed)?;
    // Erlang sets a timer for its end, which must not lie thousands of years ahead.
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?.pem();
    let key = key.serialize_pem();
    write(&dir.join("key.pem"), &format!("{certificate}{key}"))?;
    let file = dir.join("certificate.pem");
    write(&file, &certificate)?;
    Ok(file)
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(Error::io(format!("write {}", file.display())))
}
