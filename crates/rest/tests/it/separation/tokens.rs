//! The columns of the matrix: who shows which token.

use std::time::Duration;

use stoa_core::{App, Clock, UserId};
use stoa_token::Builder007;

use super::place::Ids;
use super::row::{Outcome, Refused, Row, UNAUTHORIZED};
use crate::lab::Lab;

/// What a token is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// None is shown.
    None,
    /// It admits nobody, and this is said.
    Bad(Refused),
    /// Of the user whom the call concerns.
    Me,
    /// Of another user of the app.
    Other,
    BackEnd,
}

impl Column {
    /// What comes of a call.
    pub(super) fn expected(self, row: &Row) -> Outcome {
        let may = &row.may;
        match self {
            Self::None | Self::Bad(_) if !may.token => Outcome::Done,
            Self::None => Outcome::Refused(row.stranger.unwrap_or(UNAUTHORIZED)),
            Self::Bad(refused) => Outcome::Refused(refused),
            Self::Me => may.user,
            Self::Other => may.other,
            Self::BackEnd => may.back_end,
        }
    }
}

/// A token with what it is.
pub(super) type Shown = (&'static str, Option<String>, Column);

const NO_GOOD: Refused = (401, "Unable to authenticate.");
const CORRUPT: Refused = (401, "Unable to authenticate due to corrupt access token.");
const EXPIRED: Refused = (401, "Unable to authenticate due to expired access token.");

/// A token, of `salt` so that it is another than those of the same second.
fn made<'a>(lab: &Lab, app: &'a App, salt: u32) -> Builder007<'a> {
    let issued = u32::try_from(lab.clock.now().as_secs()).unwrap();
    Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, 3600, salt)
}

/// A token in which one bit of the signature is another: that is where a token begins.
fn flipped(token: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let mut bytes = STANDARD.decode(token.strip_prefix("007").unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    format!("007{}", STANDARD.encode(bytes))
}

/// Tokens of all people of a place, and what ended them: to be made before there is anything else.
pub(super) struct Old {
    /// Ended by time.
    expired: [String; 2],
    /// Ended one by one.
    revoked: [String; 2],
    /// Ended with all of their user's.
    of_revoked_user: String,
    /// Of server certificates that are no more: for one the overlap is over, the other had none.
    of_ended_servers: [String; 2],
    /// Of the former server certificate, within the overlap.
    of_former_server: [String; 2],
}

impl Old {
    /// Makes the tokens of `me`, and ends them. The clock is set forward until all of it is behind.
    pub(super) async fn make(lab: &Lab, app: &App, me: &str) -> Self {
        let name: UserId = me.parse().unwrap();
        let back_end = lab.chat.authenticate(&app.key, &lab.token_of(app, None)).await.unwrap();
        let short = |salt| {
            let issued = u32::try_from(lab.clock.now().as_secs()).unwrap();
            Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, 60, salt)
        };
        let expired = [short(21).chat_user(me), short(22).chat_app()];
        let expired = expired.map(|token| token.build().unwrap());
        let of_revoked_user = made(lab, app, 23).chat_user(me).build().unwrap();
        lab.chat.revoke_user(&back_end, &name).await.unwrap();
        lab.clock.advance(Duration::from_secs(1));
        let [without_overlap, _] = lab.issued(app, me);
        lab.rotate_server_certificate(app, None);
        let [_, overlap_is_over] = lab.issued(app, me);
        lab.rotate_server_certificate(app, Some(Duration::from_secs(299)));
        // The clocks of back ends may be ahead, so what is made in the next minute is ended too.
        lab.clock.advance(Duration::from_secs(300));
        let revoked = [made(lab, app, 24).chat_user(me), made(lab, app, 25).chat_app()];
        let revoked = revoked.map(|token| token.build().unwrap());
        for token in &revoked {
            lab.chat.authenticate(&app.key, token).await.unwrap();
            lab.chat.revoke_token(&back_end, token).await.unwrap();
        }
        let of_ended_servers = [without_overlap, overlap_is_over];
        let of_former_server = lab.issued(app, me);
        lab.rotate_server_certificate(app, Some(Duration::from_secs(3600)));
        Self { expired, revoked, of_revoked_user, of_ended_servers, of_former_server }
    }
}

/// All columns, for a call that concerns the person `me` in `app`, and not the person `other`.
pub(super) fn columns(
    lab: &Lab,
    (app, foreign): (&App, &App),
    ids: &Ids,
    (me, other): (&str, &str),
    old: Old,
) -> Vec<Shown> {
    let me = ids.of(me);
    let mine = lab.token_of(app, Some(me));
    let back_end = lab.token_of(app, None);
    let room = made(lab, app, 7).room_user("class-7", me, 2);
    let learner = made(lab, app, 7).education_user(me);
    let school = made(lab, app, 7).education_app();
    let forged = |token: Builder007<'_>| token.build().unwrap();
    let bad = |name, token: String, refused| (name, Some(token), Column::Bad(refused));
    let [expired_mine, expired_app] = old.expired;
    let [revoked_mine, revoked_app] = old.revoked;
    let [without_overlap, overlap_is_over] = old.of_ended_servers;
    let [former, former_door] = old.of_former_server;
    vec![
        ("no token", None, Column::None),
        bad("garbage", "007garbage".into(), CORRUPT),
        bad("own, a bit flipped", flipped(&mine), CORRUPT),
        bad("back end's, a bit flipped", flipped(&back_end), CORRUPT),
        bad("own, expired", expired_mine, EXPIRED),
        bad("back end's, expired", expired_app, EXPIRED),
        bad("the same name's of another app", lab.token_of(foreign, Some(me)), NO_GOOD),
        bad("another app's back end's", lab.token_of(foreign, None), NO_GOOD),
        bad("own, for a class room", forged(room), NO_GOOD),
        bad("own, for the education service", forged(learner), NO_GOOD),
        bad("back end's, for the education service", forged(school), NO_GOOD),
        bad("own, revoked", revoked_mine, NO_GOOD),
        bad("back end's, revoked", revoked_app, NO_GOOD),
        bad("own, of before the user was revoked", old.of_revoked_user, NO_GOOD),
        bad("own, of a server certificate that had no overlap", without_overlap, NO_GOOD),
        bad("own, of a door certificate whose overlap is over", overlap_is_over, NO_GOOD),
        ("own, of the former server certificate", Some(former), Column::Me),
        ("own, of the former door certificate", Some(former_door), Column::Me),
        ("another user's", Some(lab.token_of(app, Some(ids.of(other)))), Column::Other),
        ("own", Some(mine), Column::Me),
        ("back end's", Some(back_end), Column::BackEnd),
    ]
}
