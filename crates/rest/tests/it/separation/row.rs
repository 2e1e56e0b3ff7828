//! A row of the matrix: one call that is allowed to somebody, and to whom.

use http::Method;

use super::place::Ids;
use crate::form::Form;
use crate::lab::Call;

/// Status and text of a refusal. In the text can stand placeholders, as in rows.
pub(super) type Refused = (u16, &'static str);

/// Also what every call without a token, or with one of another user, is told.
pub(super) const UNAUTHORIZED: Refused = (401, "Unable to authenticate (OAuth)");
pub(super) const OUTSIDER: Refused = (403, "Users are not members of this group!");
/// The same as chat rooms tell it.
pub(super) const NOT_THERE: Refused = (400, "Users are not members of this group!");

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    Done,
    Refused(Refused),
}

/// Who may make a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct May {
    /// Whether a token is looked at, at all.
    pub(super) token: bool,
    /// The user whom the call concerns.
    pub(super) user: Outcome,
    /// Another user of the app, whom it does not concern.
    pub(super) other: Outcome,
    pub(super) back_end: Outcome,
}

const DENIED: Outcome = Outcome::Refused(UNAUTHORIZED);

/// Anybody: the call needs no token, or brings another proof.
pub(super) const ANYBODY: May =
    May { token: false, user: Outcome::Done, other: Outcome::Done, back_end: Outcome::Done };
/// The app's back end alone.
pub(super) const BACK_END: May =
    May { token: true, user: DENIED, other: DENIED, back_end: Outcome::Done };
/// The user whom the path names, and the back end.
pub(super) const ONESELF: May =
    May { token: true, user: Outcome::Done, other: DENIED, back_end: Outcome::Done };
/// The user whom the path names, and nobody else.
pub(super) const ONESELF_ALONE: May = May { back_end: DENIED, ..ONESELF };
/// Every user of the app, and the back end.
pub(super) const EVERYBODY: May =
    May { token: true, user: Outcome::Done, other: Outcome::Done, back_end: Outcome::Done };

/// Who takes part, and the back end; others are refused.
pub(super) const fn members(others: Refused) -> May {
    May { other: Outcome::Refused(others), ..EVERYBODY }
}

/// Who takes part, and nobody else.
pub(super) const fn members_alone(others: Refused) -> May {
    May { back_end: DENIED, ..members(others) }
}

/// What goes with a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body {
    None,
    Json(&'static str),
    /// A form with a small text file.
    File(&'static str),
}

/// What has to be done before, so that the call is a good one: in whose name (a placeholder; `app` is the back
/// end), method, path and body.
pub(super) type Before = (&'static str, Method, &'static str, &'static str);

/// A call. In its path, query and body stand placeholders of [`Ids`] in braces; a variable of the path is its own
/// placeholder unless another one follows it: `{user=bob}`.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) method: Method,
    path: String,
    query: &'static str,
    body: Body,
    pub(super) may: May,
    /// The placeholder of the user whom it concerns.
    pub(super) me: &'static str,
    pub(super) before: Vec<Before>,
    /// Why somebody of another channel is told something here, or may do it.
    pub(super) open: Option<&'static str>,
    /// What who does not take part is told as well, in its own name, beside what `may` says of others.
    pub(super) outsider: Option<Outcome>,
    /// What is said to a call without a token, if it is not the usual.
    pub(super) stranger: Option<Refused>,
    /// Whether alice needs a password.
    pub(super) password: bool,
}

/// A call below the app's path.
pub(super) fn row(method: Method, path: &str, may: May) -> Row {
    whole(method, &format!("/{{org}}/{{app}}{path}"), may)
}

/// A call of a path that has no app.
pub(super) fn whole(method: Method, path: &str, may: May) -> Row {
    let (path, before) = (path.to_owned(), Vec::new());
    let (query, body, me, password) = ("", Body::None, "user", false);
    let (open, outsider, stranger) = (None, None, None);
    Row { method, path, query, body, may, me, before, open, outsider, stranger, password }
}

impl Row {
    pub(super) fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    pub(super) fn json(self, body: &'static str) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    pub(super) fn file(self, field: &'static str) -> Self {
        Self { body: Body::File(field), ..self }
    }

    /// Made by another user than alice.
    pub(super) fn by(self, me: &'static str) -> Self {
        Self { me, ..self }
    }

    pub(super) fn after(
        mut self,
        who: &'static str,
        method: Method,
        path: &'static str,
        body: &'static str,
    ) -> Self {
        self.before.push((who, method, path, body));
        self
    }

    /// Open to people of other channels, and why.
    pub(super) fn open(self, why: &'static str) -> Self {
        Self { open: Some(why), ..self }
    }

    /// What who does not take part is told in its own name.
    pub(super) fn outsider(self, told: Outcome) -> Self {
        Self { outsider: Some(told), ..self }
    }

    /// What is said without a token.
    pub(super) fn stranger(self, told: Refused) -> Self {
        Self { stranger: Some(told), ..self }
    }

    pub(super) fn with_password(self) -> Self {
        Self { password: true, ..self }
    }

    /// The path as the router has it.
    pub(super) fn template(&self) -> String {
        let mut template = String::new();
        let mut rest = &*self.path;
        while let Some((before, variable)) = rest.split_once('{') {
            let (variable, after) = variable.split_once('}').unwrap();
            let name = variable.split_once('=').map_or(variable, |(name, _)| name);
            template += &format!("{before}{{{name}}}");
            rest = after;
        }
        template + rest
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}{}", self.method, self.path, self.query)
    }

    /// The placeholders that stand in it.
    pub(super) fn placeholders(&self, ids: &Ids) -> Vec<&'static str> {
        let body = match self.body {
            Body::Json(text) => text,
            Body::None | Body::File(_) => "",
        };
        let all = format!("{}{}{body}", ids.plain(&self.path), self.query);
        ids.names().filter(|name| all.contains(&format!("{{{name}}}"))).collect()
    }

    /// The call with `ids`, without a token.
    pub(super) fn call(&self, ids: &Ids) -> Call {
        let path = ids.fill(&format!("{}{}", ids.plain(&self.path), self.query));
        let call = Call::new(self.method.clone(), &format!("/{path}"));
        match self.body {
            Body::None => call,
            Body::Json(text) => call.text(ids.fill(text)),
            Body::File(field) => {
                let form = Form::new().text("part_number", "2");
                call.form(&form.file(field, "two.txt", b"a file's bytes"))
            }
        }
    }
}
