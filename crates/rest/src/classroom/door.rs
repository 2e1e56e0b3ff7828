//! Who is calling: the app by its App ID, the room and the user in the path, and the tokens in the headers
//! (classroom specification, sections 2.0 and 3).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use stoa_classroom::Refusal;
use stoa_classroom::room::{By, Turn};
use stoa_core::{App, AppId, ClassCaller, ClassPrincipal, ClassRole, Region, RoomUuid, UserUuid};

use super::answer::ClassFailure;
use crate::Rest;
use crate::error::Failure;
use crate::query::Query;

/// A call with a token that was verified for the app in its path.
pub(crate) struct ClassCall {
    pub(crate) caller: ClassCaller,
    variables: Vec<(String, String)>,
    /// The token of the user's entry, if it was shown.
    session: Option<u64>,
    /// From where it comes, if that is known.
    pub(crate) from: Option<IpAddr>,
    /// The query's fields.
    pub(crate) query: Query,
}

impl ClassCall {
    /// The text of the path's variable.
    fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the path has a variable `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variable(name).is_some()
    }

    /// The text of the path's variable `name`.
    pub(crate) fn text(&self, name: &'static str) -> &str {
        self.variable(name).unwrap_or_default()
    }

    /// A name in the path.
    pub(crate) fn named(&self, name: &'static str) -> Result<UserUuid, ClassFailure> {
        let text = self.text(name);
        let parsed = text.parse();
        parsed.map_err(|error| Refusal::argument(format!("{name} in the path {error}")).into())
    }

    /// The room in the path.
    pub(crate) fn room(&self) -> Result<RoomUuid, ClassFailure> {
        self.named("room")
    }

    /// The user in the path.
    pub(crate) fn user(&self) -> Result<UserUuid, ClassFailure> {
        self.named("user")
    }

    /// A number in the path.
    pub(crate) fn number(&self, name: &'static str) -> Result<u64, ClassFailure> {
        let parsed = self.text(name).parse();
        parsed
            .map_err(|_| Refusal::argument(format!("{name} in the path: must be a number")).into())
    }

    /// On or off in the path, as 1 or 0.
    pub(crate) fn switch(&self, name: &'static str) -> Result<bool, ClassFailure> {
        match self.text(name) {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(Refusal::argument(format!("{name} in the path: must be 0 or 1")).into()),
        }
    }

    /// The app's own back end.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for who is in the room, [`Refusal::NotForThis`] for everybody else.
    pub(crate) fn back_end(&self, rest: &Rest) -> Result<By, ClassFailure> {
        match self.caller.principal() {
            ClassPrincipal::App => Ok(By::App),
            ClassPrincipal::RoomUser { .. } if self.has("room") => {
                self.by(rest, &self.room()?)?;
                Err(Refusal::NotAllowed.into())
            }
            ClassPrincipal::RoomUser { .. } => Err(Refusal::NotAllowed.into()),
            _ => Err(Refusal::NotForThis.into()),
        }
    }

    /// As whom the caller comes in as `user` in the role that the request asks for, which a token that names one has
    /// to agree with.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`].
    pub(crate) fn role(
        &self,
        rest: &Rest,
        room: &RoomUuid,
        user: &UserUuid,
        asked: ClassRole,
    ) -> Result<ClassRole, ClassFailure> {
        match rest.classroom.place(&self.caller, room, Some(user))?.by {
            By::User { .. } if self.caller.may_enter_as(asked) => Ok(asked),
            // Without a token that says a role, it is the app's to give one.
            By::User { .. } if self.caller.is_guest() => Err(Refusal::NotAllowed.into()),
            _ => Err(Refusal::NotForThis.into()),
        }
    }

    /// As whom the caller acts in `room`.
    ///
    /// # Errors
    /// [`Refusal::NotForThis`].
    pub(crate) fn by(&self, rest: &Rest, room: &RoomUuid) -> Result<By, ClassFailure> {
        Ok(rest.classroom.place(&self.caller, room, None)?.by)
    }

    /// Does an act by somebody in a room. When the token of an entry was shown it has to be that of the user's last.
    ///
    /// # Errors
    /// Those of the act; [`Refusal::NoRoom`], [`Refusal::NotForThis`].
    pub(crate) async fn turn<T: Send + 'static>(
        &self,
        rest: &Rest,
        room: &RoomUuid,
        by: By,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, ClassFailure> {
        let session = self.session;
        let done = rest.classroom.turn(&self.caller, room, by, move |turn| {
            if let (Some(session), Some(user)) = (session, turn.by.user()) {
                let is_last = turn.room.users.get(user).is_some_and(|user| user.session == session);
                if !is_last {
                    return Err(Refusal::NotForThis);
                }
            }
            act(turn)
        });
        Ok(done.await?)
    }

    /// As [`Self::turn`], as whom the caller is in the room.
    ///
    /// # Errors
    /// Those of the act; [`Refusal::NoRoom`], [`Refusal::NotForThis`].
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        rest: &Rest,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, ClassFailure> {
        let room = self.room()?;
        let by = self.by(rest, &room)?;
        self.turn(rest, &room, by, act).await
    }
}

impl FromRequestParts<Rest> for ClassCall {
    type Rejection = ClassFailure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, ClassFailure> {
        let variables = RawPathParams::from_request_parts(parts, &())
            .await
            .map_err(|_| Refusal::argument("the path is not percent-encoded UTF-8"))?;
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| variable == name);
            found.map(|(_, value)| value.as_str())
        };
        if let Some(region) = variable("region") {
            let known = region.parse::<Region>();
            let known = known.map_err(|_| Failure::of(stoa_core::Refusal::UnknownPath))?;
            // As a room that is not there: nobody is told where it is (classroom specification, section 6).
            if known != rest.region {
                return Err(elsewhere(parts).into());
            }
        }
        let app = variable("app_id").unwrap_or_default().parse::<AppId>();
        let app = app.ok().and_then(|id| rest.directory.by_id(&id));
        let app = app.ok_or(Refusal::NotForThis)?;
        let from = (rest.client_address)(&parts.extensions);
        let crossing = rest.chat.crosses_from(&app, from).map_err(|error| match error {
            stoa_chat::Error::Outside { .. } => Refusal::Region.into(),
            error => ClassFailure::from(Failure::from(error)),
        })?;
        let caller = caller(rest, &app, &parts.headers, is_of_tools(parts))?;
        let room = variable("room").and_then(|text| text.parse::<RoomUuid>().ok());
        let caller = match &room {
            None => caller,
            Some(room) => {
                if crossing && !rest.classroom.lets_cross(&caller, room).await? {
                    return Err(Refusal::Region.into());
                }
                let named = header(&parts.headers, "x-agora-uid").and_then(|uid| uid.parse().ok());
                let named = named.or_else(|| variable("user").and_then(|text| text.parse().ok()));
                rest.classroom.seat(caller, room, named.as_ref()).await?
            }
        };
        let session = header(&parts.headers, "token");
        let session = session.filter(|text| !text.is_empty());
        let session = session.map(|text| u64::from_str_radix(&text, 16)).transpose();
        let session = session.map_err(|_| Refusal::NotForThis)?;
        Ok(Self { caller, variables, session, from, query: Query::of(&parts.uri) })
    }
}

/// What a call with another region before its path is told: as of a room that is not there, for nobody is told where it is
/// (classroom specification, section 6). But whoever checks in would make a second room of that name there.
fn elsewhere(parts: &Parts) -> Refusal {
    const CHECK_IN: &str = "/{region}/edu/apps/{app_id}/v3/rooms/{room}/users/{user}";
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let is_check_in = parts.method == http::Method::PUT && route == Some(CHECK_IN);
    if is_check_in { Refusal::Region } else { Refusal::NoRoom }
}

/// Whoever the tokens name. All of them have to name the same.
fn caller(
    rest: &Rest,
    app: &Arc<App>,
    headers: &HeaderMap,
    bearer: bool,
) -> Result<ClassCaller, ClassFailure> {
    let named = header(headers, "x-agora-uid").map(|text| text.parse::<UserUuid>());
    let named = named.transpose().map_err(|_| Refusal::NotForThis)?;
    let tokens = [authorization(headers, bearer), header(headers, "x-agora-token")];
    let mut tokens = tokens.into_iter().flatten().filter(|token| !token.is_empty());
    let first = tokens.next();
    let caller = rest.classroom.authenticate(app, first.as_deref(), named.as_ref())?;
    for token in tokens.filter(|token| Some(token) != first.as_ref()) {
        let other = rest.classroom.authenticate(app, Some(&token), named.as_ref())?;
        if other.principal() != caller.principal() {
            return Err(Refusal::NotForThis.into());
        }
    }
    Ok(caller)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).trim().to_owned())
}

/// Whether a call is one of standard tools, which send their tokens as RFC 6750 has it.
fn is_of_tools(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    route.contains("/rooms/{room}/whip") || route.contains("/rooms/{room}/whep")
}

/// The token of `Authorization: agora token=…`, with quotes or without, or where that is taken of `Bearer …`.
fn authorization(headers: &HeaderMap, bearer: bool) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(AUTHORIZATION)?.as_bytes()).into_owned();
    let (scheme, rest) = value.trim().split_once(' ')?;
    if bearer && scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let token = rest.trim().strip_prefix("token=")?.trim().trim_matches('"');
    scheme.eq_ignore_ascii_case("agora").then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_with_quotes_or_without() {
        let token = |bearer, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, http::HeaderValue::from_static(value));
            authorization(&headers, bearer)
        };
        assert_eq!(token(false, "agora token=007abc").as_deref(), Some("007abc"));
        assert_eq!(token(true, "Agora token=\"007abc\"").as_deref(), Some("007abc"));
        assert_eq!(token(true, "Bearer 007abc").as_deref(), Some("007abc"));
        assert_eq!(token(false, "Bearer 007abc"), None);
        assert_eq!(token(true, "Basic 007abc"), None);
        assert_eq!(token(true, "agora 007abc"), None);
    }
}
