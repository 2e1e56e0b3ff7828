//! `serve --demo`: an app and two users to try the server with, and a file that says how.
//!
//! The file holds a certificate and passwords in clear, which is why the demo is for loopback only.
//! It is there if and only if the server is ready: an earlier one is taken away at the start.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stoa_chat::{Error, Grant, NewUser};
use stoa_console::NewApp;
use stoa_core::{App, AppDirectory, AppKey, AuthPolicy, Caller, Entropy, Secret, UserId, Visitor};

use crate::authority;
use crate::config::{Address, Config, Tls};
use crate::failure::Failure;
use crate::node::Node;
use crate::private_file;

const APP_KEY: &str = "demo#stoa";
const USERS: [&str; 2] = ["demo-alice", "demo-bob"];
/// Its name in the data directory.
const FILE: &str = "demo.json";

/// The app and the users, ready to be told.
pub struct Demo {
    app: Arc<App>,
    users: Vec<DemoUser>,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DemoFile {
    app_id: String,
    certificate: String,
    app_key: String,
    org_name: String,
    app_name: String,
    rest_url: String,
    ws_url: String,
    ca: PathBuf,
    users: Vec<DemoUser>,
}

#[derive(Clone, Serialize, Deserialize)]
struct DemoUser {
    username: String,
    password: String,
}

impl Demo {
    /// Makes the app and the users where they are missing. Users keep the passwords of the earlier
    /// file as long as these are right, and get new ones otherwise.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn prepare(node: &Node, config: &Config) -> Result<Self, Failure> {
        let before = take_away(&config.data.join(FILE))?;
        let key: AppKey = APP_KEY.parse().expect("a constant that is an app key");
        let app = match node.console.by_key(&key) {
            Some(app) => app,
            None => {
                let (region, auth) = (node.console.region(), AuthPolicy::TokenOrPassword);
                node.console.create_app(NewApp { key: key.clone(), region, auth }).await?
            }
        };
        let caller = node.administer(&key).await?;
        let mut users = Vec::new();
        for name in USERS {
            let known = before.iter().find(|user| user.username == name).cloned();
            let user = match known {
                Some(user) if is_right(node, &app, &user).await? => user,
                _ => with_new_password(node, &caller, name).await?,
            };
            users.push(user);
        }
        Ok(Self { app, users })
    }

    /// Writes the file: the server answers at `address`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(self, config: &Config, address: SocketAddr) -> Result<(), Failure> {
        let Self { app, users } = self;
        let host = Address::from(address);
        let ca = match &config.tls {
            Tls::OwnCa => authority::certificate(&config.data),
            Tls::Files { certificate, .. } => certificate.clone(),
        };
        let file = DemoFile {
            app_id: app.id.to_string(),
            certificate: app.certificates.first().map_or("", Secret::expose).into(),
            app_key: app.key.to_string(),
            org_name: app.key.org().into(),
            app_name: app.key.app().into(),
            rest_url: format!("https://{host}"),
            ws_url: format!("wss://{host}/ws"),
            ca: std::path::absolute(&ca).unwrap_or(ca),
            users,
        };
        let json = serde_json::to_vec_pretty(&file)
            .map_err(|error| Failure::io("write demo.json")(error.into()))?;
        private_file::replace(&config.data.join(FILE), &json, 0o600)
    }
}

/// Removes the file of an earlier start; the users that it named.
fn take_away(path: &Path) -> Result<Vec<DemoUser>, Failure> {
    let failed = |source| Failure::Io { what: format!("remove {}", path.display()), source };
    let users = match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice::<DemoFile>(&bytes).map_or(vec![], |file| file.users),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(failed(error)),
    };
    std::fs::remove_file(path).map_err(failed)?;
    Ok(users)
}

async fn is_right(node: &Node, app: &Arc<App>, user: &DemoUser) -> Result<bool, Failure> {
    let grant = Grant::Password {
        username: user.username.clone(),
        password: Secret::new(user.password.as_str()),
    };
    match node.chat.grant(&Visitor::of(app.clone()), grant, Some(1)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_fault() => Err(error.into()),
        Err(_) => Ok(false),
    }
}

async fn with_new_password(node: &Node, caller: &Caller, name: &str) -> Result<DemoUser, Failure> {
    let username: UserId = name.parse().expect("a constant that is a user name");
    let secret = Secret::new(random_text(&*node.entropy));
    match node.chat.set_password(caller, &username, &secret).await {
        Ok(()) => {}
        Err(Error::UnknownUser) => {
            let password = Some(secret.clone());
            let new = NewUser { username, password, nickname: None };
            node.chat.register(caller, vec![new]).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(DemoUser { username: name.into(), password: secret.expose().into() })
}

/// 128 random bits, easy to type.
fn random_text(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bits = u128::from_be_bytes(entropy.bytes());
    let letter =
        |at: u32| char::from(LETTERS[usize::try_from((bits >> (5 * at)) & 31).unwrap_or(0)]);
    (0..26).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn passwords_are_long_and_differ() {
        let entropy = SeededEntropy::new(1);
        let (a, b) = (random_text(&entropy), random_text(&entropy));
        assert!(a.len() == 26 && a != b, "{a} {b}");
    }

    #[test]
    fn what_an_earlier_start_left_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert!(take_away(&path).unwrap().is_empty());
        std::fs::write(&path, "cut").unwrap();
        assert!(take_away(&path).unwrap().is_empty());
        assert!(!path.exists());
    }
}
