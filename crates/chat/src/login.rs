//! From a token to a caller: the one way in, for both doors.

use std::sync::Arc;

use stoa_bus::Topic;
use stoa_core::{
    App, AppKey, AppScope, Caller, Secret, Timestamp, TokenRefusal, UserId, VerifiedToken, Visitor,
};

use crate::entry::Event;
use crate::{Chat, DeviceInfo, Error};

/// What a device presents to open a session.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The app it belongs to.
    pub app: AppKey,
    /// As whom it wants to log in.
    pub user: String,
    /// The token.
    pub token: Secret,
    /// The device.
    pub device: DeviceInfo,
}

/// A session that may be opened.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who it is.
    pub caller: Caller,
    /// The user, as [`Caller::user`] says too.
    pub user: UserId,
}

impl Chat {
    /// The app with that key.
    ///
    /// # Errors
    /// [`Error::UnknownApp`].
    pub fn app(&self, key: &AppKey) -> Result<Arc<App>, Error> {
        self.shared.directory.by_key(key).ok_or(Error::UnknownApp)
    }

    /// A visitor at the door of the app with that key.
    ///
    /// # Errors
    /// [`Error::UnknownApp`].
    pub fn visitor(&self, key: &AppKey) -> Result<Visitor, Error> {
        self.app(key).map(Visitor::of)
    }

    /// Verifies `token` for the app with that key and finds out who it names. A user token must name
    /// an active user of the app, by name or uuid, and be younger than the user's password.
    ///
    /// # Errors
    /// [`Error::UnknownApp`], [`Error::Token`], [`Error::UnknownUser`], [`Error::Deactivated`],
    /// [`Error::Store`].
    pub async fn authenticate(&self, key: &AppKey, token: &str) -> Result<Caller, Error> {
        let app = self.app(key)?;
        let verified = VerifiedToken::verify(&app, token, self.shared.clock.now())?;
        let Some(named) = verified.named_user() else {
            return verified.into_app_caller().map_err(|_| Error::NotAllowed);
        };
        let account = self.resolve(&verified, named).await?.ok_or(Error::UnknownUser)?;
        if account.is_void(verified.issued()) {
            return Err(Error::Token(TokenRefusal::Invalid("void")));
        }
        if account.deactivated {
            return Err(Error::Deactivated);
        }
        let user = account.username.parse().map_err(|_| Error::UnknownUser)?;
        verified.into_user_caller(user).map_err(|_| Error::NotAllowed)
    }

    /// Opens a session: the token must name the user that the device logs in as, and the device is
    /// remembered among the user's.
    ///
    /// # Errors
    /// As [`Self::authenticate`]; an app token or one of another user is [`Error::Token`], and where the
    /// store takes no writes there is no session.
    pub async fn log_in(&self, request: &LoginRequest) -> Result<LoggedIn, Error> {
        let caller = self.authenticate(&request.app, request.token.expose()).await?;
        // An app token is never accepted from a device (token specification, section 8).
        let mismatch = Error::Token(TokenRefusal::Invalid("user_mismatch"));
        let Some(user) = caller.user().cloned() else { return Err(mismatch) };
        if request.user.parse().ok().as_ref() != Some(&user) {
            return Err(mismatch);
        }
        // A session whose client's place cannot be stored would deliver it all again later.
        self.store.health()?;
        let store = self.store.app(&caller).await?;
        self.remember_device(&store, &user, &request.device).await?;
        Ok(LoggedIn { caller, user })
    }

    /// The end of the caller's token, which thereby renews the user's sessions: those that are open
    /// live until then.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is that user.
    pub fn renew(&self, caller: &Caller, user: &UserId) -> Result<Timestamp, Error> {
        if caller.user() != Some(user) {
            return Err(Error::NotAllowed);
        }
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let until = caller.expires();
        self.shared.bus.publish(&topic, &Arc::new(Event::Renewed { until }));
        Ok(until)
    }
}
