//! The clients of the token server: which back end may mint tokens for which app, and by what it is known.
//!
//! A client is known by the fingerprint of its certificate or by the hash of its key. Neither lets anybody
//! mint who reads them. All clients are held in memory, replaced as a whole when one changes, so that
//! one that was removed is refused with its next call.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use prost::Message;
use stoa_core::{
    AddressRange, AppDirectory, AppKey, AppNumber, Entropy, Secret, Timestamp, limits,
};
use stoa_store::{AppStore, Bucket, Direction, Key, StoreError, spaces};

use crate::{Console, ConsoleError, corrupt, record};

/// The SHA-256 of a client's certificate (of its DER form).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(sha256(certificate))
    }
}

impl fmt::Display for Fingerprint {
    /// As other programs print it: bytes in hexadecimal, separated by colons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads what others print: 64 hexadecimal digits, also with colons between the bytes.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Vec<char> = text.chars().filter(|character| *character != ':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(FingerprintError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit =
                |at: usize| pair[at].to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                return Err(FingerprintError);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the fingerprint of a certificate is its SHA-256: 64 hexadecimal digits, with or without colons"
)]
pub struct FingerprintError;

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// What a client is called: 1 to 64 characters of `a-z A-Z 0-9 - _ .`, unique in its app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(Box<str>);

impl ClientName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = ClientNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
            return Err(ClientNameError);
        }
        Ok(Self(text.into()))
    }
}

/// A text that is no name of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a client has 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'")]
pub struct ClientNameError;

/// By what a client is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A certificate.
    Certificate {
        /// Its fingerprint.
        fingerprint: Fingerprint,
        /// Its last moment.
        until: Timestamp,
    },
    /// A key.
    Key {
        /// The part of it by which it is found.
        id: Box<str>,
        /// The SHA-256 of all of it. It has 256 random bits, so there is nothing to be guessed slowly.
        hash: [u8; 32],
    },
}

/// A client of the token server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClient {
    /// What it is called.
    pub name: ClientName,
    /// The app that it mints tokens for.
    pub app: AppNumber,
    /// The same app.
    pub app_key: AppKey,
    /// By what it is known.
    pub credential: Credential,
    /// From where it may call. If there are none: a client with a certificate from anywhere, one with a
    /// key from nowhere.
    pub addresses: Vec<AddressRange>,
    /// When it was registered.
    pub created: Timestamp,
}

impl TokenClient {
    /// Whether it may call from that address.
    pub fn may_call_from(&self, address: IpAddr) -> bool {
        let anywhere =
            self.addresses.is_empty() && matches!(self.credential, Credential::Certificate { .. });
        anywhere || self.addresses.iter().any(|range| range.contains(address))
    }

    /// Whether its certificate is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(self.credential, Credential::Certificate { until, .. } if now > until)
    }
}

/// All clients, for whoever has to know them by what they show.
#[derive(Debug, Default)]
pub(crate) struct TokenClients {
    by_name: HashMap<(AppNumber, ClientName), Arc<TokenClient>>,
    by_fingerprint: HashMap<Fingerprint, Arc<TokenClient>>,
    by_key: HashMap<Box<str>, Arc<TokenClient>>,
}

impl TokenClients {
    fn of(clients: impl IntoIterator<Item = Arc<TokenClient>>) -> Self {
        let mut all = Self::default();
        for client in clients {
            match &client.credential {
                Credential::Certificate { fingerprint, .. } => {
                    all.by_fingerprint.insert(*fingerprint, client.clone());
                }
                Credential::Key { id, .. } => {
                    all.by_key.insert(id.clone(), client.clone());
                }
            }
            all.by_name.insert((client.app, client.name.clone()), client);
        }
        all
    }

    /// Reads them.
    pub(crate) async fn load(
        platform: &AppStore,
        app_key: impl Fn(AppNumber) -> Option<AppKey>,
    ) -> Result<Self, StoreError> {
        let all = platform.key(&spaces::TOKEN_CLIENTS).all();
        let rows = platform.read().await?.scan(&all, Direction::Forward, usize::MAX).await?;
        let mut clients = Vec::with_capacity(rows.len());
        for (_, value) in rows {
            let record: TokenClientRecord = record::decode(&value, spaces::TOKEN_CLIENTS.name)?;
            // Those of an app that is being deleted go with it.
            let Some(app) = app_key(AppNumber(record.app)) else { continue };
            clients.push(Arc::new(record.into_client(app)?));
        }
        Ok(Self::of(clients))
    }
}

/// TOKEN_CLIENTS.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TokenClientRecord {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    app: u32,
    #[prost(uint64, tag = "3")]
    created_ms: u64,
    /// Of a certificate: its fingerprint.
    #[prost(bytes = "vec", tag = "4")]
    fingerprint: Vec<u8>,
    #[prost(uint64, tag = "5")]
    until_ms: u64,
    /// Of a key: its id, and the hash of all of it.
    #[prost(string, tag = "6")]
    key_id: String,
    #[prost(bytes = "vec", tag = "7")]
    key_hash: Vec<u8>,
    #[prost(string, repeated, tag = "8")]
    addresses: Vec<String>,
}

impl TokenClientRecord {
    pub(crate) fn new(client: &TokenClient) -> Self {
        let mut record = Self {
            name: client.name.as_str().into(),
            app: client.app.0,
            created_ms: client.created.as_millis(),
            addresses: client.addresses.iter().map(AddressRange::to_string).collect(),
            ..Self::default()
        };
        match &client.credential {
            Credential::Certificate { fingerprint, until } => {
                record.fingerprint = fingerprint.0.into();
                record.until_ms = until.as_millis();
            }
            Credential::Key { id, hash } => {
                record.key_id = id.to_string();
                record.key_hash = hash.to_vec();
            }
        }
        record
    }

    pub(crate) fn into_client(self, app_key: AppKey) -> Result<TokenClient, StoreError> {
        let corrupt = || corrupt(&spaces::TOKEN_CLIENTS);
        let bytes = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map_err(|_| corrupt());
        let credential = if self.key_id.is_empty() {
            Credential::Certificate {
                fingerprint: Fingerprint(bytes(self.fingerprint)?),
                until: Timestamp::from_millis(self.until_ms),
            }
        } else {
            Credential::Key { id: self.key_id.into(), hash: bytes(self.key_hash)? }
        };
        let addresses = self.addresses.iter().map(|range| range.parse().map_err(|_| corrupt()));
        Ok(TokenClient {
            name: self.name.parse().map_err(|_| corrupt())?,
            app: AppNumber(self.app),
            app_key,
            credential,
            addresses: addresses.collect::<Result<_, _>>()?,
            created: Timestamp::from_millis(self.created_ms),
        })
    }
}

/// What a key begins with, so that one that lies about is recognised.
const KEY: &str = "stoa_";
/// Random bits of the part by which a key is found, and of the rest, in letters of five bits.
const ID_LETTERS: usize = 13;
const SECRET_LETTERS: usize = 52;

/// A new key: `stoa_`, the id by which it is found, `_`, and 260 random bits.
fn new_key(entropy: &dyn Entropy) -> (Box<str>, Secret) {
    let (id, secret) = (entropy.letters::<ID_LETTERS>(), entropy.letters::<SECRET_LETTERS>());
    let secret = Secret::new(secret);
    let key = Secret::new(format!("{KEY}{id}_{}", secret.expose()));
    (id.into(), key)
}

/// The id of a key; none if the text is no key.
fn key_id(key: &str) -> Option<&str> {
    let (id, secret) = key.strip_prefix(KEY)?.split_once('_')?;
    (id.len() == ID_LETTERS && secret.len() == SECRET_LETTERS).then_some(id)
}

impl Console {
    /// The client whose certificate has that fingerprint.
    pub fn client_by_certificate(&self, fingerprint: &Fingerprint) -> Option<Arc<TokenClient>> {
        self.token_clients.load().by_fingerprint.get(fingerprint).cloned()
    }

    /// The client whose key this is.
    pub fn client_by_key(&self, key: &str) -> Option<Arc<TokenClient>> {
        let client = self.token_clients.load().by_key.get(key_id(key)?).cloned()?;
        let Credential::Key { hash, .. } = &client.credential else { return None };
        verify_slices_are_equal(hash, &sha256(key.as_bytes())).ok()?;
        Some(client)
    }

    /// All clients of the token server, by app and name.
    pub fn token_clients(&self) -> Vec<Arc<TokenClient>> {
        let mut clients: Vec<_> = self.token_clients.load().by_name.values().cloned().collect();
        clients.sort_by(|a, b| (a.app, &a.name).cmp(&(b.app, &b.name)));
        clients
    }

    /// Registers a client that is known by its certificate.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::ClientExists`], [`ConsoleError::Value`],
    /// [`ConsoleError::Store`].
    pub async fn add_certificate_client(
        &self,
        app: &AppKey,
        name: ClientName,
        fingerprint: Fingerprint,
        until: Timestamp,
        addresses: Vec<AddressRange>,
    ) -> Result<Arc<TokenClient>, ConsoleError> {
        let credential = Credential::Certificate { fingerprint, until };
        self.add_client(app, name, credential, addresses).await
    }

    /// Registers a client that is known by a key, and makes the key. It is not kept and cannot be shown
    /// again.
    ///
    /// # Errors
    /// As [`Self::add_certificate_client`]; without addresses [`ConsoleError::Value`].
    pub async fn add_key_client(
        &self,
        app: &AppKey,
        name: ClientName,
        addresses: Vec<AddressRange>,
    ) -> Result<(Arc<TokenClient>, Secret), ConsoleError> {
        let (id, key) = new_key(&*self.entropy);
        let credential = Credential::Key { id, hash: sha256(key.expose().as_bytes()) };
        Ok((self.add_client(app, name, credential, addresses).await?, key))
    }

    async fn add_client(
        &self,
        app: &AppKey,
        name: ClientName,
        credential: Credential,
        addresses: Vec<AddressRange>,
    ) -> Result<Arc<TokenClient>, ConsoleError> {
        check_addresses(&credential, &addresses)?;
        let app = self.by_key(app).ok_or_else(|| ConsoleError::UnknownApp(app.clone()))?;
        let _changing = self.changes.lock().await;
        if self.token_clients.load().by_name.len() >= limits::TOKEN_CLIENTS {
            let problem = format!("there are {} already; remove some", limits::TOKEN_CLIENTS);
            return Err(ConsoleError::Value { field: "clients", problem });
        }
        let (app, app_key, created) = (app.number, app.key.clone(), self.clock.now());
        let client = TokenClient { name, app, app_key, credential, addresses, created };
        let key = &self.client_key(client.app, &client.name);
        let (new, value) = (&client, &TokenClientRecord::new(&client).encode_to_vec());
        self.platform
            .transact(|mut txn| async move {
                if txn.exists(key).await? {
                    return Err(ConsoleError::ClientExists {
                        name: new.name.clone(),
                        app: new.app_key.clone(),
                    });
                }
                txn.put(key, Bucket::Whole, value).await?;
                Ok(txn.done(()))
            })
            .await?;
        let client = Arc::new(client);
        self.show_client(&client, true);
        Ok(client)
    }

    /// Sets from where a client may call.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::UnknownClient`], [`ConsoleError::Value`],
    /// [`ConsoleError::Store`].
    pub async fn set_client_addresses(
        &self,
        app: &AppKey,
        name: &ClientName,
        addresses: Vec<AddressRange>,
    ) -> Result<Arc<TokenClient>, ConsoleError> {
        let _changing = self.changes.lock().await;
        let known = self.token_client(app, name)?;
        check_addresses(&known.credential, &addresses)?;
        let client = Arc::new(TokenClient { addresses, ..(*known).clone() });
        let key = &self.client_key(client.app, name);
        let value = &TokenClientRecord::new(&client).encode_to_vec();
        self.platform
            .transact(|mut txn| async move {
                txn.put(key, Bucket::Whole, value).await?;
                Ok::<_, ConsoleError>(txn.done(()))
            })
            .await?;
        self.show_client(&client, true);
        Ok(client)
    }

    /// Removes a client: its next call is refused.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::UnknownClient`], [`ConsoleError::Store`].
    pub async fn remove_client(
        &self,
        app: &AppKey,
        name: &ClientName,
    ) -> Result<Arc<TokenClient>, ConsoleError> {
        let _changing = self.changes.lock().await;
        let client = self.token_client(app, name)?;
        let key = &self.client_key(client.app, name);
        self.platform
            .transact(|mut txn| async move {
                txn.delete(key)?;
                Ok::<_, ConsoleError>(txn.done(()))
            })
            .await?;
        self.show_client(&client, false);
        Ok(client)
    }

    /// Lets nobody see the clients of an app any more.
    pub(crate) fn hide_clients(&self, app: AppNumber) {
        self.token_clients.rcu(|clients| {
            let others = clients.by_name.values().filter(|client| client.app != app);
            TokenClients::of(others.cloned())
        });
    }

    /// The keys of the records of an app's clients.
    pub(crate) async fn client_keys(&self, app: AppNumber) -> Result<Vec<Key>, StoreError> {
        let all = self.platform.key(&spaces::TOKEN_CLIENTS).all();
        let rows = self.platform.read().await?.scan(&all, Direction::Forward, usize::MAX).await?;
        let mut keys = Vec::new();
        for (key, value) in rows {
            let record: TokenClientRecord = record::decode(&value, spaces::TOKEN_CLIENTS.name)?;
            if record.app == app.0 {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    fn token_client(
        &self,
        app: &AppKey,
        name: &ClientName,
    ) -> Result<Arc<TokenClient>, ConsoleError> {
        let known = self.by_key(app).ok_or_else(|| ConsoleError::UnknownApp(app.clone()))?;
        let found = self.token_clients.load().by_name.get(&(known.number, name.clone())).cloned();
        found.ok_or_else(|| ConsoleError::UnknownClient { name: name.clone(), app: app.clone() })
    }

    fn client_key(&self, app: AppNumber, name: &ClientName) -> Key {
        let parts: [&[u8]; 2] = [&app.0.to_be_bytes(), name.as_str().as_bytes()];
        let name = self.platform.blind("token client", &parts);
        self.platform.key(&spaces::TOKEN_CLIENTS).blind(name).done()
    }

    /// Lets everybody see the client as it is now, or see it no more.
    fn show_client(&self, client: &Arc<TokenClient>, is_there: bool) {
        let named = (client.app, client.name.clone());
        self.token_clients.rcu(|clients| {
            let others = clients.by_name.iter().filter(|(name, _)| **name != named);
            let others = others.map(|(_, other)| other.clone());
            TokenClients::of(others.chain(is_there.then(|| client.clone())))
        });
    }
}

fn check_addresses(
    credential: &Credential,
    addresses: &[AddressRange],
) -> Result<(), ConsoleError> {
    let refused = |problem: String| Err(ConsoleError::Value { field: "address", problem });
    if addresses.len() > limits::TOKEN_CLIENT_ADDRESSES {
        return refused(format!("at most {} ranges", limits::TOKEN_CLIENT_ADDRESSES));
    }
    if addresses.is_empty() && matches!(credential, Credential::Key { .. }) {
        return refused("a client with a key needs at least one range from which it calls".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use stoa_core::{AuthPolicy, ManualClock, Operator, Region, SeededEntropy};
    use stoa_store::Store;

    use crate::NewApp;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    async fn open(store: &Store, entropy: &Arc<SeededEntropy>) -> Console {
        let (clock, operator) = (Arc::new(ManualClock::new(NOW)), Operator::of_this_process());
        Console::open(store, &operator, Region::Eu, clock, entropy.clone()).await.unwrap()
    }

    async fn with_app() -> (Store, Arc<SeededEntropy>, Console, AppKey) {
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = Store::in_memory(Arc::new(ManualClock::new(NOW)), entropy.clone());
        let console = open(&store, &entropy).await;
        for key in ["acme#other", "acme#support"] {
            let (key, auth) = (key.parse().unwrap(), AuthPolicy::Token);
            console.create_app(NewApp { key, region: Region::Eu, auth }).await.unwrap();
        }
        (store, entropy, console, "acme#support".parse().unwrap())
    }

    fn name(text: &str) -> ClientName {
        text.parse().unwrap()
    }

    fn ranges(texts: &[&str]) -> Vec<AddressRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_certificate_is_known_until_its_client_is_removed() {
        let (store, entropy, console, app) = with_app().await;
        let (print, until) = (Fingerprint::of(b"certificate"), NOW.plus(Duration::from_secs(60)));
        let added = console.add_certificate_client(&app, name("shop"), print, until, vec![]).await;
        let added = added.unwrap();
        assert_eq!((added.app_key.clone(), added.created), (app.clone(), NOW));
        assert!(!added.is_over(until) && added.is_over(until.plus(Duration::from_millis(1))));
        assert!(added.may_call_from("203.0.113.9".parse().unwrap()));
        for console in [&console, &open(&store, &entropy).await] {
            assert_eq!(console.client_by_certificate(&print), Some(added.clone()));
            assert_eq!(console.client_by_certificate(&Fingerprint::of(b"another")), None);
        }
        let again = console.add_certificate_client(&app, name("shop"), print, until, vec![]).await;
        assert!(matches!(again, Err(ConsoleError::ClientExists { .. })));
        let other = "acme#other".parse().unwrap();
        let elsewhere = Fingerprint::of(b"another");
        console
            .add_certificate_client(&other, name("shop"), elsewhere, until, vec![])
            .await
            .unwrap();
        assert_eq!(console.token_clients().len(), 2);

        console.remove_client(&app, &name("shop")).await.unwrap();
        let gone = console.remove_client(&app, &name("shop")).await;
        assert!(matches!(gone, Err(ConsoleError::UnknownClient { .. })));
        for console in [console, open(&store, &entropy).await] {
            assert_eq!(console.client_by_certificate(&print), None);
            assert!(console.client_by_certificate(&elsewhere).is_some());
        }
    }

    #[tokio::test]
    async fn a_key_is_shown_once_and_only_its_hash_is_kept() {
        let (store, entropy, console, app) = with_app().await;
        let none = console.add_key_client(&app, name("shop"), vec![]).await;
        assert!(matches!(none, Err(ConsoleError::Value { field: "address", .. })));
        let home = ranges(&["10.1.0.0/16"]);
        let (client, key) = console.add_key_client(&app, name("shop"), home).await.unwrap();
        let text = key.expose();
        assert!(text.starts_with("stoa_") && text.len() == 5 + 13 + 1 + 52, "{}", text.len());
        let record = TokenClientRecord::new(&client).encode_to_vec();
        assert!(!record.windows(20).any(|part| text.as_bytes().windows(20).any(|own| own == part)));
        for console in [&console, &open(&store, &entropy).await] {
            assert_eq!(console.client_by_key(text), Some(client.clone()));
            // The last letter is another one.
            let last = if text.ends_with('a') { "b" } else { "a" };
            let wrong = format!("{}{last}", &text[..text.len() - 1]);
            for wrong in [&wrong, &text[..70], "", "stoa_", &text.replace("stoa_", "")] {
                assert_eq!(console.client_by_key(wrong), None);
            }
        }
        assert!(client.may_call_from("10.1.2.3".parse().unwrap()));
        assert!(!client.may_call_from("10.2.0.0".parse().unwrap()));
    }

    #[tokio::test]
    async fn from_where_a_client_calls_can_be_changed() {
        let (store, entropy, console, app) = with_app().await;
        let (client, _) =
            console.add_key_client(&app, name("shop"), ranges(&["::1"])).await.unwrap();
        let fd = ranges(&["fd00::/8", "127.0.0.1"]);
        let changed = console.set_client_addresses(&app, &client.name, fd.clone()).await.unwrap();
        assert_eq!(changed.addresses, fd);
        assert_eq!(open(&store, &entropy).await.token_clients(), [changed]);
        let none = console.set_client_addresses(&app, &client.name, vec![]).await;
        assert!(matches!(none, Err(ConsoleError::Value { .. })));
        let many = vec![fd[0]; limits::TOKEN_CLIENT_ADDRESSES + 1];
        let many = console.set_client_addresses(&app, &client.name, many).await;
        assert!(matches!(many, Err(ConsoleError::Value { .. })));
        let unknown = console.set_client_addresses(&app, &name("none"), fd).await;
        assert!(matches!(unknown, Err(ConsoleError::UnknownClient { .. })));
    }

    #[test]
    fn fingerprints_are_printed_as_others_print_them() {
        let text = Fingerprint::of(b"").to_string();
        assert!(text.starts_with("E3:B0:C4:42:98:FC") && text.len() == 95, "{text}");
        let bare = text.replace(':', "").to_lowercase();
        for good in [&text, &bare] {
            assert_eq!(good.parse(), Ok(Fingerprint::of(b"")));
        }
        for bad in ["", &bare[1..], &bare.replace('e', "g"), &format!("{bare}00")] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError));
        }
    }
}
