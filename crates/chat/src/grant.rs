//! Tokens that Stoa itself issues: by password, by client credentials, or for a user on behalf of
//! the app's back end (chat-rest section 1.3).

use std::net::IpAddr;

use stoa_core::{
    App, AppScope, Caller, Secret, UserId, Visitor, issue_token, issue_token_at_the_door,
    same_secret,
};

use crate::account::NewUser;
use crate::password::Claimant;
use crate::records::Account;
use crate::{Chat, Error, User};

/// What proves an app's back end: the App ID and one of its certificates.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The App ID.
    pub client_id: String,
    /// The App Certificate.
    pub client_secret: Secret,
}

/// Whom a token is asked for.
#[derive(Debug, Clone)]
pub enum Grant {
    /// A user who knows the password.
    Password {
        /// The user's name.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// The app's back end.
    ClientCredentials(ClientCredentials),
}

/// A token that was issued.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token, format 007.
    pub token: Secret,
    /// Its life in seconds.
    pub expires_in_s: u32,
    /// The user it is for; none for an app token.
    pub user: Option<User>,
}

/// What is said to a wrong name as well as to a wrong password, so that names cannot be tried. The SDK
/// looks for these words (msync section 9.1).
const WRONG_PASSWORD: &str = "invalid password";

impl Chat {
    /// Issues a token to a visitor who proves who it is. `ttl_s` is cut to the app's longest life;
    /// none or 0 stands for that.
    ///
    /// # Errors
    /// [`Error::InvalidGrant`] when the proof fails or the app does not take it (`auth` is `token`),
    /// [`Error::Deactivated`], [`Error::Busy`], [`Error::Store`].
    pub async fn grant(
        &self,
        visitor: &Visitor,
        grant: Grant,
        ttl_s: Option<u64>,
    ) -> Result<IssuedToken, Error> {
        self.grant_from(visitor, None, grant, ttl_s).await
    }

    /// As [`Self::grant`], to a visitor from `place`: the client's address, or what stands for the
    /// network that one party is likely to hold. Wrong passwords are counted for each place, so that
    /// who tries many holds up nobody else.
    ///
    /// # Errors
    /// As [`Self::grant`], and [`Error::TooManyTries`].
    pub async fn grant_from(
        &self,
        visitor: &Visitor,
        place: Option<IpAddr>,
        grant: Grant,
        ttl_s: Option<u64>,
    ) -> Result<IssuedToken, Error> {
        if !visitor.app().auth.allows_password() {
            let refusal = "the app takes only tokens made with its App Certificate";
            return Err(Error::InvalidGrant(refusal));
        }
        match grant {
            Grant::Password { username, password } => {
                let name = username.parse::<UserId>().ok();
                let account = match &name {
                    Some(name) => self.find(visitor, name).await?,
                    None => None,
                };
                let hash = account.as_ref().map(|a| a.password_hash.as_str());
                let hash = hash.filter(|hash| !hash.is_empty());
                let claimant = Claimant {
                    app: visitor.app().number,
                    name: name.as_ref().map_or(&*username, UserId::as_str),
                    place,
                    now: self.shared.clock.now(),
                };
                if !self.passwords.verify(claimant, &password, hash).await? {
                    return Err(Error::InvalidGrant(WRONG_PASSWORD));
                }
                // Told only to whoever knows the password.
                match account {
                    Some(account) if account.deactivated => Err(Error::Deactivated),
                    // By the app as it is now: its server certificate may have been exchanged meanwhile.
                    Some(account) => {
                        let app = self.app(&visitor.app().key)?;
                        self.issue(&app, Some(account), ttl_s, true)
                    }
                    None => Err(Error::InvalidGrant(WRONG_PASSWORD)),
                }
            }
            Grant::ClientCredentials(credentials) => {
                let app = visitor.app();
                if credentials.client_id != app.id.as_str() {
                    return Err(Error::InvalidGrant("client_id does not match"));
                }
                let secret = credentials.client_secret.expose();
                // Every certificate is compared, each in constant time.
                let now = self.shared.clock.now();
                let good = app.certificates.iter().filter(|one| one.is_enabled(now));
                if good.filter(|one| same_secret(one.expose(), secret)).count() == 0 {
                    return Err(Error::InvalidGrant("client_secret does not match"));
                }
                self.issue(app, None, ttl_s, true)
            }
        }
    }

    /// Issues a token for a user on behalf of the app's back end, registering the user first if
    /// `create` says so and there is none.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token, [`Error::UnknownUser`], [`Error::Deactivated`],
    /// [`Error::Concurrent`] when another call registers the same user, [`Error::Token`] when the caller's token
    /// was ended since the call began.
    pub async fn grant_for(
        &self,
        caller: &Caller,
        user: &UserId,
        create: bool,
        ttl_s: Option<u64>,
    ) -> Result<IssuedToken, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let account = match self.find(caller, user).await? {
            Some(account) if account.deactivated => return Err(Error::Deactivated),
            Some(account) => account,
            None if create => {
                let new = NewUser { username: user.clone(), password: None, nickname: None };
                match self.register_one(caller, new).await {
                    Err(Error::NameTaken) => return Err(Error::Concurrent),
                    other => other?,
                }
            }
            None => return Err(Error::UnknownUser),
        };
        // Who is let in no more since the call began gets no token that would outlive it.
        let app = self.app(&caller.app().key)?;
        app.admits(caller.mark(), self.shared.clock.now())?;
        self.issue(&app, Some(account), ttl_s, false)
    }

    /// Issues a token for an account, or for the app's back end. One that is issued at the door ends when the
    /// app takes no proof there any more.
    pub(crate) fn issue(
        &self,
        app: &App,
        account: Option<Account>,
        ttl_s: Option<u64>,
        at_the_door: bool,
    ) -> Result<IssuedToken, Error> {
        let now = app.next_issue(self.shared.clock.now());
        let issued = account.as_ref().map_or(now, |account| account.next_issue(now));
        let user = account.map(User::try_from).transpose()?;
        let cap = app.tokens.cap_s;
        let wanted = ttl_s.filter(|ttl| *ttl > 0).and_then(|ttl| u32::try_from(ttl).ok());
        let expires_in_s = wanted.map_or(cap, |ttl| ttl.min(cap));
        let name = user.as_ref().map(|user| &user.username);
        let sign = if at_the_door { issue_token_at_the_door } else { issue_token };
        let token = sign(app, name, issued, expires_in_s, &*self.entropy);
        Ok(IssuedToken { token, expires_in_s, user })
    }
}
