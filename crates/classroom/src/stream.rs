//! Connections of those who are in a room: listening, what was missed, and tokens that are renewed or taken back.
//!
//! A connection listens from the end of the batch of acts in which it came, so that what was told before has a
//! number up to [`Heard`] and is in the store, and what is told afterwards is heard: nothing is missing between the
//! two, and nothing comes twice.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use stoa_core::{
    App, AppId, AppScope, AuthPolicy, ClassCaller, ClassPrincipal, ClassRole, Fingerprint,
    RoomUuid, Timestamp, UserUuid,
};

use crate::frame::Frame;
use crate::hub::{Ear, Heard, Joining, Listener, Pass, Verdict};
use crate::line::Line;
use crate::room::By;
use crate::{Classroom, Error, Refusal};

/// A connection that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Up to which numbers all had been told before.
    pub heard: Heard,
    /// Whether it is shown right answers.
    pub sees_answers: bool,
    /// When its token ends.
    pub until: Timestamp,
}

/// What becomes of a user whose connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// Nothing was said: the user is awaited for a while.
    MayComeBack,
    /// The user has left.
    Leaves,
}

/// Whose frames are numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Those to everybody in the room.
    Room,
    /// Those to one user.
    Peer,
}

impl Classroom {
    /// The app with that id, for whoever comes from `address` to its class rooms, and whether that is let in by a
    /// permission to cross regions alone, which rooms may not take over ([`Self::lets_cross`]).
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] when there is no such app here; those of the app's geofence.
    pub fn app_for(&self, id: &AppId, address: Option<IpAddr>) -> Result<(Arc<App>, bool), Error> {
        let app = self.directory.by_id(id).ok_or(Refusal::NotForThis)?;
        let crosses = self.chat.crosses_from(&app, address)?;
        Ok((app, crosses))
    }

    /// In which role the token of `caller` lets `user` be in `room`; none: it says nothing of roles, and the entry
    /// has decided.
    fn role_in(
        &self,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
    ) -> Result<Option<ClassRole>, Error> {
        match caller.principal() {
            ClassPrincipal::RoomUser { .. } => match self.place(caller, room, Some(user))?.by {
                By::User { role, .. } => Ok(Some(role)),
                By::App | By::Server => Err(Refusal::NotForThis.into()),
            },
            ClassPrincipal::Signaling(named) if named == user => Ok(None),
            ClassPrincipal::Anyone => Ok(None),
            _ => Err(Refusal::NotForThis.into()),
        }
    }

    /// From now on `to` hears what the room says to a user who has entered, and whose entry gave `session`.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] for a token of somebody else or another role, and when the user has entered elsewhere
    /// since; [`Refusal::NoRoom`], [`Refusal::NoUser`]; [`Error::Token`].
    pub async fn listen(
        self: &Arc<Self>,
        caller: &ClassCaller,
        room: &RoomUuid,
        user: &UserUuid,
        session: u64,
        address: Option<IpAddr>,
        to: Arc<dyn Listener>,
    ) -> Result<Joined, Error> {
        let role = self.role_in(caller, room, user)?;
        let from = Arc::new(OnceLock::new());
        let until = caller.expires();
        let pass = Pass { marks: caller.mark().cloned().into_iter().collect(), address, until };
        let (name, told) = (user.clone(), from.clone());
        let sees_answers = self.act(caller, room, move |desk| {
            let mut turn = desk.turn(By::Server)?;
            let found = turn.room.users.get(&name).ok_or(Refusal::NoUser)?.role;
            if role.is_some_and(|role| role != found) {
                return Err(Refusal::NotForThis.into());
            }
            turn.connected(&name, session)?;
            let sees_answers = found.sees_answers();
            let ear = Ear { session, sees_answers, to, pass };
            desk.joining.push(Joining { user: name, ear, from: told });
            Ok(sees_answers)
        });
        let sees_answers = sees_answers.await?;
        let heard = *from.get().ok_or(Refusal::NotForThis)?;
        // What was revoked since the token was verified did not find this connection.
        let line = self.line(caller, room).await?;
        self.judge(&line, Some(user), None);
        Ok(Joined { heard, sees_answers, until })
    }

    /// The connection of `to` is gone: the user is out, or awaited for a while, unless it listens elsewhere by now.
    pub async fn hang_up(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
        to: &Arc<dyn Listener>,
        how: HangUp,
    ) {
        let Ok(line) = self.line(scope, room).await else { return };
        let Some(session) = line.hub.leave(user, to) else { return };
        let user = user.clone();
        let told = self.turn(scope, room, By::Server, move |turn| {
            match how {
                HangUp::MayComeBack => turn.disconnected(&user, session),
                HangUp::Leaves => turn.takes_leave(&user, session),
            }
            Ok(())
        });
        // A room that is gone awaits nobody.
        let _ = told.await;
    }

    /// Frames that a connection missed, from number `from` on, a page of them.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`].
    pub async fn missed(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
        track: Track,
        from: u64,
    ) -> Result<Vec<Frame>, Error> {
        match track {
            Track::Room => self.frames(scope, room, from, crate::PAGE).await,
            Track::Peer => self.peer_frames(scope, room, user, from, crate::PAGE).await,
        }
    }

    /// A further token keeps the user's connection to the room alive. Answers when it ends.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`] for a token of somebody else or another role; [`Refusal::NoRoom`];
    /// [`Refusal::NoUser`] when the user is not there; [`Error::Token`].
    pub async fn renew(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        user: &UserUuid,
        token: &str,
    ) -> Result<Timestamp, Error> {
        let caller = &self.authenticate(&self.app(scope), Some(token), Some(user))?;
        let role = self.role_in(caller, room, user)?;
        let name = user.clone();
        let found = self.turn(caller, room, By::Server, move |turn| {
            let found = turn.room.users.get(&name).filter(|user| user.online);
            found.map(|found| found.role).ok_or(Refusal::NoUser)
        });
        let found = found.await?;
        if role.is_some_and(|role| role != found) {
            return Err(Refusal::NotForThis.into());
        }
        let line = self.line(caller, room).await?;
        line.hub.renew(user, caller.mark(), self.clock.now());
        self.judge(&line, Some(user), None);
        Ok(caller.expires())
    }

    /// The app's back end revokes all tokens in the name `user` that were made up to now, and ends what they let in.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for everybody else; [`Error::Chat`].
    pub async fn revoke_user(&self, caller: &ClassCaller, user: &UserUuid) -> Result<(), Error> {
        if *caller.principal() != ClassPrincipal::App {
            return Err(Refusal::NotAllowed.into());
        }
        self.chat.revoke_class_user(caller, user).await?;
        self.keep_admitted();
        Ok(())
    }

    /// The owner of `app` has decided something about it: connections end that would not be let in any more. So do
    /// all that a token of the certificate `leaked` ever let in or renewed.
    pub fn app_changed(&self, app: &App, leaked: Option<Fingerprint>) {
        let lines: Vec<_> = {
            let lines = self.lines.lock();
            let of_app = lines.iter().filter(|((number, _), _)| *number == app.number);
            of_app.map(|(_, line)| line.clone()).collect()
        };
        lines.iter().for_each(|line| self.judge(line, None, leaked));
    }

    /// Ends connections that would not be let in any more, if something was revoked since the last time.
    pub(crate) fn keep_admitted(&self) {
        let epoch = self.chat.revocation_epoch();
        if self.judged.swap(epoch, Ordering::AcqRel) == epoch {
            return;
        }
        let lines: Vec<_> = self.lines.lock().values().cloned().collect();
        lines.iter().for_each(|line| self.judge(line, None, None));
    }

    /// Looks whether the connections to a room, or that of one user, would still be let in.
    fn judge(&self, line: &Line, user: Option<&UserUuid>, leaked: Option<Fingerprint>) {
        let now = self.clock.now();
        let app = self.directory.by_id(&line.app);
        let ended = line.hub.judge(user, |user, pass| match &app {
            None => Verdict::Ends("revoked"),
            Some(app) => self.verdict(app, user, pass, leaked, now),
        });
        // Not when they have hung up: they might not.
        ended.iter().for_each(|user| line.live.leave(user));
    }

    fn verdict(
        &self,
        app: &App,
        user: &UserUuid,
        pass: &Pass,
        leaked: Option<Fingerprint>,
        now: Timestamp,
    ) -> Verdict {
        if !self.chat.is_admitted_from(app, pass.address) {
            return Verdict::Ends("outside");
        }
        if pass.marks.is_empty() {
            let open = app.auth == AuthPolicy::Open;
            return if open { Verdict::Lives(pass.until) } else { Verdict::Ends("revoked") };
        }
        let has_leaked = leaked.is_some_and(|fingerprint| {
            pass.marks.iter().any(|mark| mark.issuer.certificate() == fingerprint)
        });
        let good =
            pass.marks.iter().filter(|mark| self.chat.check_class_token(app, user, mark).is_ok());
        let until = good.filter_map(|mark| app.admits(mark, now).ok()).max();
        // One that has run out ends with its own word for it.
        let over = pass.until <= now;
        match until.filter(|_| !has_leaked) {
            Some(until) => Verdict::Lives(until),
            None if over && !has_leaked => Verdict::Lives(pass.until),
            None => Verdict::Ends("revoked"),
        }
    }
}
