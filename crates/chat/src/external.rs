//! Users by the ids that the app itself gives its people.
//!
//! An app's own ids never enter the chat: the first time that a token is minted for one, a user with a
//! random name is registered, and the way from the id to that name is kept. The id stands blinded in a
//! key, the name is sealed with the user's own key. So nobody finds the one from the other without asking
//! here, and whoever deletes the user destroys the way to it too; the same id is then another person.

use std::fmt;
use std::str::FromStr;

use prost::Message;
use stoa_core::{AppScope, Caller, Entropy, OperatorOf, Secret, UserId, issue_token, limits};
use stoa_store::{AppStore, Bucket, Key, Reader, spaces};

use crate::account::{account_key, enter, user_blind};
use crate::grant::IssuedToken;
use crate::observation::NameOf;
use crate::records::{self, Account, Username};
use crate::{Chat, Error, User};

/// An app's own id of a user: 1 to 512 bytes of any text.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(Secret);

impl FromStr for ExternalId {
    type Err = ExternalIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > limits::EXTERNAL_ID_BYTES {
            return Err(ExternalIdError);
        }
        Ok(Self(Secret::new(text)))
    }
}

impl fmt::Debug for ExternalId {
    /// Ids never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

/// A text that is no id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user's id has 1 to {} bytes", limits::EXTERNAL_ID_BYTES)]
pub struct ExternalIdError;

/// A token for a user by the app's own id.
#[derive(Debug)]
pub struct Minted {
    /// The token, format 007.
    pub token: Secret,
    /// Its life in seconds.
    pub expires_in_s: u32,
    /// Whose it is.
    pub user: User,
    /// The user was registered for it.
    pub created: bool,
}

/// The life of the token with which the operator becomes the app's back end, in seconds. It never leaves
/// this process.
const OWN_TOKEN_S: u32 = 60;

impl Chat {
    /// Mints a token for the user whom the app calls `id`, registering one with a random name if there
    /// is none. `ttl_s` is cut to the app's longest life; none stands for that.
    ///
    /// # Errors
    /// [`Error::Deactivated`], [`Error::Store`].
    pub async fn mint(
        &self,
        app: &OperatorOf,
        id: &ExternalId,
        ttl_s: Option<u64>,
    ) -> Result<Minted, Error> {
        let store = self.store.app(app).await?;
        let key = external_key(&store, id);
        let known = mapped(&store, &mut store.read().await?, &key).await?;
        let (account, created) = match known {
            Some(account) => (account, false),
            None => self.register_external(&store, &key).await?,
        };
        if account.deactivated {
            return Err(Error::Deactivated);
        }
        // By the app as it is now: its server certificate may have been exchanged meanwhile.
        let app = self.app(&app.app().key)?;
        let IssuedToken { token, expires_in_s, user } =
            self.issue(&app, Some(account), ttl_s, false)?;
        // It was issued for an account, so it names one.
        let user = user.ok_or(Error::UnknownUser)?;
        Ok(Minted { token, expires_in_s, user, created })
    }

    /// The user for whom tokens are minted under `id`.
    ///
    /// # Errors
    /// [`Error::UnknownUser`] if none was; [`Error::Store`].
    pub async fn external_user(&self, app: &OperatorOf, id: &ExternalId) -> Result<User, Error> {
        let store = self.store.app(app).await?;
        let key = external_key(&store, id);
        let account = mapped(&store, &mut store.read().await?, &key).await?;
        account.ok_or(Error::UnknownUser)?.try_into()
    }

    /// Deletes the user for whom tokens are minted under `id`, as [`Chat::delete_user`] does, and with
    /// it what leads from the id to it.
    ///
    /// # Errors
    /// [`Error::UnknownUser`] if there is none; [`Error::Store`].
    pub async fn delete_external_user(
        &self,
        app: &OperatorOf,
        id: &ExternalId,
    ) -> Result<User, Error> {
        let user = self.external_user(app, id).await?;
        let deleted = self.delete_user(&self.back_end(app).await?, &user.username).await?;
        // The row cannot be opened any more. It is cleared away, unless the id has a new user by now.
        let store = &self.store.app(app).await?;
        let key = &external_key(store, id);
        store
            .transact(|mut txn| async move {
                if mapped(store, &mut txn, key).await?.is_none() {
                    txn.delete(key)?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await?;
        Ok(deleted)
    }

    /// Registers a user with a random name for the id of that key. When another call was quicker, it is
    /// that one's user.
    async fn register_external(
        &self,
        store: &AppStore,
        key: &Key,
    ) -> Result<(Account, bool), Error> {
        let name = &random_name(&*self.entropy);
        let new = &self.new_account(store, name);
        if self.shared.erasing.has(store.number(), user_blind(store, name)) {
            return Err(Error::NameTaken);
        }
        let registered = store
            .transact(|mut txn| async move {
                if let Some(account) = mapped(store, &mut txn, key).await? {
                    return Ok(txn.done((account, false)));
                }
                enter(store, &mut txn, name, new).await?;
                let bucket = Bucket::Object(user_blind(store, name).0);
                let value = Username { username: name.as_str().into() }.encode_to_vec();
                txn.put(key, bucket, &value).await?;
                Ok::<_, Error>(txn.done((new.clone(), true)))
            })
            .await?;
        if registered.1 {
            self.shared.watch.name(store.number(), NameOf::User, name.as_str());
        }
        Ok(registered)
    }

    /// The app's back end, which the operator may act as.
    pub(crate) async fn back_end(&self, app: &OperatorOf) -> Result<Caller, Error> {
        // As it is now, as when a token is issued.
        let app = &self.app(&app.app().key)?;
        let now = app.next_issue(self.shared.clock.now());
        let token = issue_token(app, None, now, OWN_TOKEN_S, &*self.entropy);
        self.authenticate(&app.key, token.expose()).await
    }
}

fn external_key(store: &AppStore, id: &ExternalId) -> Key {
    let id = store.blind("external user", &[id.0.expose().as_bytes()]);
    store.key(&spaces::EXTERNAL_USERS).blind(id).done()
}

/// The account to which the id of that key leads. One that was deleted half-way counts as gone.
async fn mapped(
    store: &AppStore,
    reader: &mut impl Reader,
    key: &Key,
) -> Result<Option<Account>, Error> {
    let Some(value) = reader.get(key).await? else { return Ok(None) };
    let name: Username = records::decode(&value, spaces::EXTERNAL_USERS.name)?;
    let Ok(name) = name.username.parse::<UserId>() else {
        let space = spaces::EXTERNAL_USERS.name;
        return Err(stoa_store::StoreError::Corrupt { space }.into());
    };
    let value = reader.get(&account_key(store, &name)).await?;
    Ok(value.map(|value| records::decode(&value, spaces::USERS.name)).transpose()?)
}

/// A name that says nothing: `u` and 130 random bits in base32.
fn random_name(entropy: &dyn Entropy) -> UserId {
    let name = format!("u{}", entropy.letters::<26>());
    name.parse().expect("letters and digits, 27 of them, are a name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn names_are_random_and_fit() {
        let entropy = SeededEntropy::new(5);
        let (one, two) = (random_name(&entropy), random_name(&entropy));
        assert_ne!(one, two);
        assert_eq!((one.as_str().len(), &one.as_str()[..1]), (27, "u"));
    }

    #[test]
    fn ids_are_any_text_up_to_a_length() {
        for text in ["1", "anna@example.org", "名前/ü ", &"x".repeat(512)] {
            assert!(text.parse::<ExternalId>().is_ok(), "{text}");
        }
        for text in ["", &"x".repeat(513), &"ü".repeat(257)] {
            assert_eq!(text.parse::<ExternalId>(), Err(ExternalIdError), "{text}");
        }
        assert_eq!(format!("{:?}", "anna".parse::<ExternalId>().unwrap()), "ExternalId(…)");
    }
}
