//! What active revocations cost everybody else: two servers, one with 100,000 revoked tokens, one without any, do
//! the same by turns, and the server's time for it is compared.
//!
//! The tokens are revoked at the control socket, as `stoa user revoke-token` does it, each on its own. Both servers are
//! started again before they are measured. Differences are small against what else happens on the machine, so that
//! the rounds are short and many, and each begins with the server that was second in the one before; the benchmark
//! `revocation` of `stoa-chat` measures the checks by themselves.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cases::{Case, p2p};
use crate::client::Session;
use crate::client::frames::Identity;
use crate::client::protocol::News;
use crate::plan::Plan;
use crate::proc::{self, Threads};
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, parallel};

/// Revoked tokens.
const CUTS: usize = 100_000;
/// Users who log in by turns.
const USERS: usize = 1_000;
/// Pairs that write to each other, of users of their own.
const PAIRS: usize = 50;
const IN_FLIGHT: usize = 8;
/// Connections to the control socket at once: as many as the server serves.
const OPERATORS: usize = 16;
/// Logins in a round.
const LOGINS: usize = 2_000;
/// Messages of a pair in a round.
const MESSAGES: usize = 600;

/// The case.
pub(super) static CASE: Case = Case {
    name: "revocation",
    about: "logins and messages beside 100,000 revoked tokens, against the same without",
    figures: &[
        Figure::new("login", "server CPU per login, with 100,000 cuts / without", "×")
            .goal(1.01, 1.03),
        Figure::new("message", "server CPU per message, with 100,000 cuts / without", "×")
            .goal(1.01, 1.03),
        Figure::new("login_low", "the quarter of the rounds with the lowest, logins", "×"),
        Figure::new("login_high", "the quarter of the rounds with the highest, logins", "×"),
        Figure::new("message_low", "the quarter of the rounds with the lowest, messages", "×"),
        Figure::new("message_high", "the quarter of the rounds with the highest, messages", "×"),
        Figure::new("login_without", "server CPU per login, without", "ms"),
        Figure::new("login_with", "server CPU per login, with", "ms"),
        Figure::new("message_without", "server CPU per million messages, without", "s"),
        Figure::new("message_with", "server CPU per million messages, with", "s"),
        Figure::new("rounds", "rounds", ""),
        Figure::new("revoked", "tokens revoked, 16 at a time", "1/s"),
        Figure::new("start_without", "start to ready, without", "s"),
        Figure::new("start_with", "start to ready, with", "s"),
        Figure::new("rss", "server RSS after a start, beyond that without", "MB"),
    ],
    deadline: |_| Duration::from_secs(600),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let without = Side::started(plan, 0).await?;
    let with = Side::started(plan, CUTS).await?;
    let rss = with.rss as f64 - without.rss as f64;
    let rounds = plan.pick(7, 21);
    let mut sides = [without, with];
    for round in 0..rounds {
        for turn in 0..2 {
            sides[(round + turn) % 2].log_in().await?;
        }
        for turn in 0..2 {
            sides[(round + turn) % 2].write().await?;
        }
    }
    let [without, with] = sides;
    let (login, message) = (
        Against::new(&without.logins, &with.logins),
        Against::new(&without.messages, &with.messages),
    );
    let revoked = CUTS as f64 / with.revoking.as_secs_f64();
    let (start_without, start_with) = (without.start.as_secs_f64(), with.start.as_secs_f64());
    without.end().await?;
    with.end().await?;
    Ok(vec![Sample::stoa(vec![
        ("login", login.ratio),
        ("message", message.ratio),
        ("login_low", login.low),
        ("login_high", login.high),
        ("message_low", message.low),
        ("message_high", message.high),
        ("login_without", login.without * 1e3),
        ("login_with", login.with * 1e3),
        ("message_without", message.without * 1e6),
        ("message_with", message.with * 1e6),
        ("rounds", rounds as f64),
        ("revoked", revoked),
        ("start_without", start_without),
        ("start_with", start_with),
        ("rss", rss / 1e6),
    ])])
}

/// One of the two servers, and what it has used so far, in seconds for each login and message of a round.
struct Side {
    stoa: Stoa,
    identities: Vec<Identity>,
    pairs: Vec<(Session, Session)>,
    logins: Vec<f64>,
    messages: Vec<f64>,
    revoking: Duration,
    start: Duration,
    rss: u64,
}

impl Side {
    /// A server that knows so many revoked tokens, and has nothing else in memory but what a first login and a
    /// first message of everybody leave there.
    async fn started(plan: &Plan, cuts: usize) -> Result<Self, Error> {
        let mut stoa = Stoa::started(&plan.binary).await?;
        let (users, writers) = (names("login", USERS), names("pair", 2 * PAIRS));
        stoa.register(&users).await?;
        stoa.register(&writers).await?;
        let begun = Instant::now();
        revoke(&stoa, &users, cuts).await?;
        let revoking = begun.elapsed();
        stoa.stop().await?;
        let start = stoa.start().await?;
        proc::settled(stoa.pid()).await;
        let rss = stoa.rss();
        let mut receivers = stoa.sessions(&writers).await?;
        let senders = receivers.split_off(PAIRS);
        let identities = users.iter().map(|user| stoa.identity(user)).collect();
        let pairs = senders.into_iter().zip(receivers).collect();
        let (logins, messages) = (Vec::new(), Vec::new());
        let mut side = Self { stoa, identities, pairs, logins, messages, revoking, start, rss };
        side.log_in().await?;
        side.write().await?;
        side.logins.clear();
        side.messages.clear();
        Ok(side)
    }

    /// A round of logins.
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    async fn log_in(&mut self) -> Result<(), Error> {
        let (endpoint, identities) = (self.stoa.endpoint().clone(), self.identities.clone());
        let login = move |turn: usize| {
            let (endpoint, identity) = (endpoint.clone(), identities[turn % USERS].clone());
            async move {
                let mut session = Session::open(&endpoint, identity).await?;
                session.login().await?;
                session.close().await
            }
        };
        let pid = self.stoa.pid();
        proc::settled(pid).await;
        let before = Threads::of(pid);
        parallel::each((0..LOGINS).collect(), AT_ONCE, login).await?;
        proc::settled(pid).await;
        let used = Threads::of(pid).since(&before);
        self.logins.push(used.as_secs_f64() / LOGINS as f64);
        Ok(())
    }

    /// A round of messages.
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    async fn write(&mut self) -> Result<(), Error> {
        let pid = self.stoa.pid();
        proc::settled(pid).await;
        let before = Threads::of(pid);
        let mut writing = JoinSet::new();
        for (from, to) in self.pairs.drain(..) {
            writing.spawn(exchange(from, to));
        }
        while let Some(pair) = writing.join_next().await {
            self.pairs.push(pair.map_err(|error| Error::Server(format!("a pair: {error}")))??);
        }
        proc::settled(pid).await;
        let used = Threads::of(pid).since(&before);
        self.messages.push(used.as_secs_f64() / (PAIRS * MESSAGES) as f64);
        Ok(())
    }

    async fn end(mut self) -> Result<(), Error> {
        self.pairs.clear();
        self.stoa.stop().await
    }
}

/// Revokes so many tokens of these users, and tries some of them.
async fn revoke(stoa: &Stoa, users: &[String], cuts: usize) -> Result<(), Error> {
    /// Of how many one is tried.
    const TRIED: usize = 5_000;
    // Tokens with which nobody logs in; their salts tell them apart.
    let tokens: Vec<String> = (0..cuts)
        .map(|number| {
            let salt = u32::try_from(number / USERS).unwrap_or(u32::MAX).saturating_add(2);
            stoa.salted_token(Some(&users[number % USERS]), salt)
        })
        .collect();
    let mut operators = JoinSet::new();
    for part in tokens.chunks(cuts.div_ceil(OPERATORS).max(1)) {
        let (mut operator, part) = (stoa.operator().await?, part.to_vec());
        operators.spawn(async move {
            for token in part {
                Stoa::revoke_token(&mut operator, &token).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = operators.join_next().await {
        done.map_err(|error| Error::Server(format!("an operator: {error}")))??;
    }
    for (number, token) in tokens.iter().enumerate().step_by(TRIED) {
        let mut rest = Rest::connect(stoa.endpoint(), token.clone()).await?;
        let path = format!("{}/users/{}", stoa.app_path(), users[number % USERS]);
        let (status, _) = rest.call("GET", &path, &serde_json::Value::Null).await?;
        if status != 401 {
            return Err(Error::protocol(format!("a revoked token is answered with {status}")));
        }
    }
    Ok(())
}

/// A round's messages from one to the other, each stored, delivered and acknowledged.
async fn exchange(mut from: Session, mut to: Session) -> Result<(Session, Session), Error> {
    let name = to.identity().user.clone();
    let text = |number: usize| format!("{number:<100}");
    let (mut sent, mut arrived, mut unanswered) = (0, 0, 0);
    while sent < IN_FLIGHT {
        from.send_text(&name, text(sent)).await?;
        (sent, unanswered) = (sent + 1, unanswered + 1);
    }
    while arrived < MESSAGES || unanswered > 0 {
        tokio::select! {
            news = from.hear() => {
                if let News::Ack(_) = news? {
                    unanswered -= 1;
                }
                from.answer().await?;
            }
            news = to.hear() => {
                let news = news?;
                to.answer().await?;
                let (News::Page(metas) | News::Last(metas)) = news else { continue };
                for meta in metas {
                    let came = p2p::text(meta)?;
                    if came != text(arrived) {
                        return Err(Error::protocol(format!("{came} instead of {arrived}")));
                    }
                    arrived += 1;
                    if sent < MESSAGES {
                        from.send_text(&name, text(sent)).await?;
                        (sent, unanswered) = (sent + 1, unanswered + 1);
                    }
                }
            }
        }
    }
    Ok((from, to))
}

/// What all rounds have in common.
struct Against {
    without: f64,
    with: f64,
    ratio: f64,
    low: f64,
    high: f64,
}

impl Against {
    /// Medians of both, and the median and the quartiles of the rounds' ratios: both sides of a round meet the
    /// machine as it is at that moment.
    fn new(without: &[f64], with: &[f64]) -> Self {
        let ratios: Vec<f64> =
            with.iter().zip(without).map(|(with, without)| with / without).collect();
        Self {
            without: share(without, 2, 4),
            with: share(with, 2, 4),
            ratio: share(&ratios, 2, 4),
            low: share(&ratios, 1, 4),
            high: share(&ratios, 3, 4),
        }
    }
}

/// The value that stands at `part / of` of the way when they are sorted. 0 without any.
fn share(values: &[f64], part: usize, of: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * part / of).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_by_their_medians() {
        let against = Against::new(&[2.0, 1.0, 4.0, 2.0, 2.0], &[3.0, 3.0, 4.0, 9.0, 1.0]);
        assert_eq!(
            (against.without, against.with).partial_cmp(&(2.0, 3.0)),
            Some(std::cmp::Ordering::Equal)
        );
        assert!((against.ratio - 1.5).abs() < 1e-9);
        assert!((against.low - 1.0).abs() < 1e-9 && (against.high - 3.0).abs() < 1e-9);
        assert!(share(&[], 2, 4).abs() < 1e-9);
    }
}
