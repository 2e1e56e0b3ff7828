//! Revocation for users of class rooms.
//!
//! They are known by their tokens alone: one may hold a token and have come into no room yet, so there need not be an
//! account that could hold the cut. It stands in a row of its own, by the name that the user has in chat
//! ([`stoa_core::ClassName::chat_user`]). A name means one person to those who run an app, in chat and in its classes:
//! so whatever revokes the tokens of a user of chat revokes those of the same name in class rooms.

use stoa_core::{App, AppScope, Timestamp, TokenMark, TokenRefusal, UserId, UserUuid};

use crate::entry::{KickReason, Which};
use crate::revocation::Subject;
use crate::{Chat, Error};

impl Subject {
    /// That of the user of class rooms who has the name `user` in chat; none if nobody can have it there.
    fn class_user(user: &UserId) -> Option<Self> {
        let digits = user.is_of_classes().then(|| user.as_str())?;
        u128::from_str_radix(digits, 16).ok().map(|number| Self::ClassUser(number.to_be_bytes()))
    }
}

/// The name in chat of the user of class rooms who is cut together with `user`: whoever has the same name there, and for
/// a name that check-in gives the one to whom it was given. None: no name in class rooms is that long.
fn in_classes(user: &UserId) -> Option<UserId> {
    if user.is_of_classes() {
        return Some(user.clone());
    }
    user.as_str().parse::<UserUuid>().ok().map(|name| name.chat_user())
}

/// What is cut in class rooms together with `user`.
pub(crate) fn subject_in_classes(user: &UserId) -> Option<Subject> {
    Subject::class_user(&in_classes(user)?)
}

impl Chat {
    /// Revokes all tokens for class rooms, in the name `user`, that were made up to now: they open neither rooms nor
    /// their chat, and what they let in ends. Whether anybody of that name has come before is not asked. Whoever asks for
    /// it acts for the app.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn revoke_class_user(
        &self,
        scope: &impl AppScope,
        user: &UserUuid,
    ) -> Result<(), Error> {
        let name = user.chat_user();
        self.cut_in_classes(scope, &name, self.shared.clock.now()).await?;
        self.shared.kick(scope.app().number, &name, Which::All, KickReason::Revoked, "");
        Ok(())
    }

    /// Revokes the tokens in class rooms of whoever is cut there together with `user`.
    pub(crate) async fn cut_in_classes(
        &self,
        scope: &impl AppScope,
        user: &UserId,
        at: Timestamp,
    ) -> Result<(), Error> {
        let Some(subject) = subject_in_classes(user) else { return Ok(()) };
        self.cut(scope, &[subject], at).await?;
        self.end_chat_of_classes(scope, user);
        Ok(())
    }

    /// Ends the sessions in chat that tokens for class rooms have let in. Those on the rooms' own streams are judged when
    /// the epoch has changed.
    pub(crate) fn end_chat_of_classes(&self, scope: &impl AppScope, user: &UserId) {
        let app = scope.app().number;
        // Of the user itself whoever revokes something decides.
        if let Some(name) = in_classes(user).filter(|name| name != user) {
            self.shared.kick(app, &name, Which::All, KickReason::Revoked, "");
        }
    }

    /// Whether a token for class rooms was revoked, by itself or with all others of `user`.
    ///
    /// # Errors
    /// [`Error::Token`] if it was.
    pub fn check_class_token(
        &self,
        app: &App,
        user: &UserUuid,
        mark: &TokenMark,
    ) -> Result<(), Error> {
        self.check_token(app.number, mark)?;
        if !self.shared.cuts.any() {
            return Ok(());
        }
        let subject = Subject::class_user(&user.chat_user());
        let cut = subject.and_then(|subject| self.shared.cuts.of(app.number, subject));
        match cut.is_some_and(|at| mark.is_cut(at, app.tokens.skew_s)) {
            true => Err(Error::Token(TokenRefusal::Invalid("revoked"))),
            false => Ok(()),
        }
    }
}
