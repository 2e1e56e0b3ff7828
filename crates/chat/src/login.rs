//! From a token to a caller: the one way in, for both doors.

use std::net::IpAddr;
use std::sync::Arc;

use stoa_audit::{Act, Actor, Refused};
use stoa_bus::Topic;
use stoa_core::{
    App, AppKey, AppScope, Caller, Secret, Timestamp, TokenRefusal, UserId, VerifiedToken, Visitor,
};

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
    /// From where it comes, if that is known.
    pub address: Option<IpAddr>,
}

/// A session that may be opened.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who it is.
    pub caller: Caller,
    /// The user, as [`Caller::user`] says too.
    pub user: UserId,
    /// Whether something was revoked since shows in this.
    epoch: u64,
}

impl Chat {
    /// The app with that key.
    ///
    /// # Errors
    /// [`Error::UnknownApp`]; [`Error::Elsewhere`] for one of another data centre.
    pub fn app(&self, key: &AppKey) -> Result<Arc<App>, Error> {
        let directory = &self.shared.directory;
        if let Some(app) = directory.by_key(key) {
            return Ok(app);
        }
        let elsewhere = directory.elsewhere_by_key(key);
        Err(elsewhere.map_or(Error::UnknownApp, |app| Error::Elsewhere(Arc::new(app))))
    }

    /// A visitor at the door of the app with that key.
    ///
    /// # Errors
    /// As [`Self::app`].
    pub fn visitor(&self, key: &AppKey) -> Result<Visitor, Error> {
        self.app(key).map(Visitor::of)
    }

    /// Verifies `token` for the app with that key and finds out who it names. A user token must name
    /// an active user of the app, by name or uuid. A token that was revoked, by itself or with all of its
    /// user or app, is as good as none.
    ///
    /// # Errors
    /// As [`Self::app`]; [`Error::Token`], [`Error::UnknownUser`], [`Error::Deactivated`],
    /// [`Error::Store`].
    pub async fn authenticate(&self, key: &AppKey, token: &str) -> Result<Caller, Error> {
        let app = self.app(key)?;
        let verified = VerifiedToken::verify(&app, token, self.shared.clock.now())?;
        match verified.class() {
            Some(class) => self.check_class_token(&app, &class.user, verified.mark())?,
            None => self.check_token(app.number, verified.mark())?,
        }
        let Some(named) = verified.named_user() else {
            return verified.into_app_caller().map_err(|_| Error::NotAllowed);
        };
        let account = self.resolve(&verified, named).await?.ok_or(Error::UnknownUser)?;
        if account.deactivated {
            return Err(Error::Deactivated);
        }
        if account.is_cut(verified.mark(), app.tokens.skew_s) {
            return Err(Error::Token(TokenRefusal::Invalid("revoked")));
        }
        let user = account.username.parse().map_err(|_| Error::UnknownUser)?;
        let now = self.shared.clock.now();
        self.shared.watch.token(app.number, verified.mark(), now);
        if !account.was_used_on(now.day()) {
            self.shared.uses.note(app.number, &user);
        }
        verified.into_user_caller(user).map_err(|_| Error::NotAllowed)
    }

    /// Opens a session: the token must name the user that the device logs in as, and the device is
    /// remembered among the user's. Who attaches the session afterwards has to ask
    /// [`Self::is_still_admitted`].
    ///
    /// # Errors
    /// [`Error::Outside`]; as [`Self::authenticate`]; an app token or one of another user is [`Error::Token`], and where the
    /// store takes no writes there is no session.
    pub async fn log_in(&self, request: &LoginRequest) -> Result<LoggedIn, Error> {
        let epoch = self.shared.cuts.epoch();
        self.admit_from(&self.app(&request.app)?, request.address)?;
        let admitted = self.admit(request).await.inspect_err(|error| {
            if let Ok(app) = self.app(&request.app) {
                self.token_was_refused(&app, error, request.address);
            }
        });
        let (caller, user) = admitted?;
        // A session whose client's place cannot be stored would deliver it all again later.
        self.store.health()?;
        let store = self.store.app(&caller).await?;
        self.remember_device(&store, &user, &request.device).await?;
        Ok(LoggedIn { caller, user, epoch })
    }

    /// Counts in the audit log that a token of `app` admitted nobody, for `error`, at one of the doors. A fault of
    /// the server is none.
    pub fn token_was_refused(&self, app: &Arc<App>, error: &Error, address: Option<IpAddr>) {
        let Some(audit) = self.audit.as_ref().filter(|_| !error.is_fault()) else { return };
        let refused = Refused::new(Actor::Stranger, Act::TokenRefused, error.class());
        let refused = match address {
            Some(address) => refused.from(address),
            None => refused,
        };
        audit.refused(&Visitor::of(app.clone()), refused);
    }

    /// Who a device is that may open a session.
    async fn admit(&self, request: &LoginRequest) -> Result<(Caller, UserId), Error> {
        let caller = self.authenticate(&request.app, request.token.expose()).await?;
        // An app token is never accepted from a device (token specification, section 8).
        let mismatch = Error::Token(TokenRefusal::Invalid("user_mismatch"));
        let Some(user) = caller.user().cloned() else { return Err(mismatch) };
        if request.user.parse().ok().as_ref() != Some(&user) {
            return Err(mismatch);
        }
        let store = self.store.app(&caller).await?;
        self.check_device(&store, &caller, &user, &request.device.resource)?;
        Ok((caller, user))
    }

    /// Whether what let a session in still would, now that it is attached: what is revoked from then on tells
    /// it to end, and what was revoked before did not find it.
    ///
    /// # Errors
    /// As [`Self::log_in`].
    pub async fn is_still_admitted(
        &self,
        request: &LoginRequest,
        logged_in: &LoggedIn,
    ) -> Result<(), Error> {
        if self.shared.cuts.epoch() == logged_in.epoch {
            return Ok(());
        }
        self.admit_from(&self.app(&request.app)?, request.address)?;
        self.admit(request).await.map(drop)
    }

    /// The end of the caller's token, which thereby renews the user's sessions: those that are open
    /// live until then.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is that user; as [`Self::authenticate`] when the token was
    /// revoked meanwhile.
    pub async fn renew(&self, caller: &Caller, user: &UserId) -> Result<Timestamp, Error> {
        if caller.user() != Some(user) {
            return Err(Error::NotAllowed);
        }
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let (app, now) = (self.app(&caller.app().key)?, self.shared.clock.now());
        let mark = caller.mark();
        self.shared.online.renew(&topic, mark, now);
        self.judge(&app, &topic, None);
        // What was revoked since the caller was let in did not find this token at the sessions.
        let still = async {
            match caller.class() {
                Some(class) => self.check_class_token(&app, &class.user, mark)?,
                None => self.check_token(app.number, mark)?,
            }
            let account = self.find(caller, user).await?.ok_or(Error::UnknownUser)?;
            match account.is_cut(mark, app.tokens.skew_s) {
                true => Err(Error::Token(TokenRefusal::Invalid("revoked"))),
                false => Ok(app.admits(mark, now)?),
            }
        };
        still.await.inspect_err(|_| self.end_sessions_of(&topic, &[mark.id]))
    }
}
