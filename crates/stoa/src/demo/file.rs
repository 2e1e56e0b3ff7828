//! `demo.json`: how to reach the demo, for people and programs on this machine.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stoa_core::{Address, Certificate};

use super::Demo;
use crate::config::{Config, Tls};
use crate::failure::Failure;
use crate::{authority, private_file};

/// Its name in the data directory.
const NAME: &str = "demo.json";

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DemoFile {
    app_id: String,
    certificate: String,
    app_key: String,
    org_name: String,
    app_name: String,
    rest_url: String,
    ws_url: String,
    /// The page, with the code that opens it once.
    #[serde(default)]
    demo_url: String,
    /// The page of classes, with the same code.
    #[serde(default)]
    class_demo_url: String,
    ca: PathBuf,
    users: Vec<DemoUser>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct DemoUser {
    pub(super) username: String,
    pub(super) password: String,
}

impl DemoFile {
    /// What there is to say of `demo` when the server answers at `address`.
    pub(super) fn new(demo: &Demo, config: &Config, address: SocketAddr) -> Self {
        let app = &demo.app;
        let host = Address::from(address);
        let ca = match &config.tls {
            Tls::OwnCa => authority::certificate(&config.data),
            Tls::Files { certificate, .. } => certificate.clone(),
        };
        Self {
            app_id: app.id.to_string(),
            certificate: app.certificates.first().map_or("", Certificate::expose).into(),
            app_key: app.key.to_string(),
            org_name: app.key.org().into(),
            app_name: app.key.app().into(),
            rest_url: format!("https://{host}"),
            ws_url: format!("wss://{host}/ws"),
            demo_url: String::new(),
            class_demo_url: String::new(),
            ca: std::path::absolute(&ca).unwrap_or(ca),
            users: demo.users.clone(),
        }
    }

    /// Writes it into the data directory, naming where the pages are.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&mut self, data: &Path, urls: &[String; 2]) -> Result<(), Failure> {
        [self.demo_url, self.class_demo_url] = urls.clone();
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::io("write demo.json")(error.into()))?;
        private_file::replace(&data.join(NAME), &json, 0o600)
    }
}

/// Removes the file of an earlier start from the data directory; the users that it named.
pub(super) fn take_away(data: &Path) -> Result<Vec<DemoUser>, Failure> {
    let path = data.join(NAME);
    let failed = |source| Failure::Io { what: format!("remove {}", path.display()), source };
    let users = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<DemoFile>(&bytes).map_or(vec![], |file| file.users),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(failed(error)),
    };
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_start_left_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        assert!(take_away(dir.path()).unwrap().is_empty());
        std::fs::write(dir.path().join(NAME), "cut").unwrap();
        assert!(take_away(dir.path()).unwrap().is_empty());
        assert!(!dir.path().join(NAME).exists());
    }
}
