//! `serve --demo`: an app and two users to try the server with, a page on which they chat, one on
//! which classes are held, and a file
//! that says how to reach it all.
//!
//! The file holds a certificate and passwords in clear, which is why the demo is for loopback only.
//! It is there if and only if the server is ready: an earlier one is taken away at the start. The
//! page holds neither: it is let in by a one-time code and given tokens that last for minutes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `file` | `demo.json` |
//! | `admission` | who may use the page: the one-time code, and the cookie that it is exchanged for |
//! | `guard` | under which names the page's listener answers, and to whom |
//! | `site` | the page's files with their headers |
//! | `api` | what the page asks for: a session, tokens, a record as it lies on disk |
//! | `class` | what the page of classes asks for: a class, tokens |
//! | `page` | the listener, and all of the above on it |

mod admission;
mod api;
mod class;
mod file;
mod guard;
mod page;
mod site;

use std::sync::Arc;

use stoa_chat::{Error, Grant, NewUser};
use stoa_console::NewApp;
use stoa_core::{App, AppDirectory, AppKey, AuthPolicy, Caller, Entropy, Secret, UserId, Visitor};

use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use file::DemoUser;
pub(crate) use page::Announce;
pub use page::Page;

const APP_KEY: &str = "demo#stoa";
const USERS: [&str; 2] = ["demo-alice", "demo-bob"];

/// The app and the users, ready to be told.
pub struct Demo {
    app: Arc<App>,
    users: Vec<DemoUser>,
}

impl Demo {
    /// Makes the app and the users where they are missing. Users keep the passwords of the earlier
    /// file as long as these are right, and get new ones otherwise.
    ///
    /// # Errors
    /// When they cannot be made.
    pub async fn prepare(node: &Node, config: &Config) -> Result<Self, Failure> {
        let before = file::take_away(&config.data)?;
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
}
