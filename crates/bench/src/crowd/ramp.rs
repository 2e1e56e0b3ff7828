//! The highest rate that a server holds.
//!
//! Texts are sent at a fixed rate for some seconds, then at a rate a third higher, until a step does not
//! hold: more than one in a hundred deliveries took longer than a second, or not all of them came. A step
//! that fails is tried once more, since anything else on the machine may be why.

use std::time::Duration;

use super::{Crowd, Dialect, Step, aside};
use crate::Error;
use crate::proc::{self, Usage};

/// From one rate to the next.
const FACTOR: f64 = 1.35;
/// Within which nearly all must arrive.
const LIMIT_MS: f64 = 1_000.0;
/// Rates above this are nobody's.
const HIGHEST: f64 = 20_000.0;
/// How long what a failed step left behind may take to arrive.
const DRAIN: Duration = Duration::from_secs(20);

/// A step, and what it cost.
#[derive(Clone)]
pub struct Costed {
    /// What became of the texts.
    pub step: Step,
    /// The server's time.
    cpu: Duration,
    /// Our own time.
    own_cpu: Duration,
}

impl Costed {
    /// Seconds of the server's time for a million deliveries.
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() / self.step.delivered.max(1) as f64 * 1e6
    }

    /// Cores that the server used.
    pub fn server_cores(&self) -> f64 {
        self.cpu.as_secs_f64() / self.step.time.as_secs_f64().max(1e-9)
    }

    /// Cores that we used.
    pub fn generator_cores(&self) -> f64 {
        self.own_cpu.as_secs_f64() / self.step.time.as_secs_f64().max(1e-9)
    }

    /// The latency in milliseconds that a share of the deliveries did not exceed.
    pub fn quantile_ms(&self, part: f64) -> f64 {
        self.step.latencies.quantile_ms(part)
    }

    /// Whether everything came, and in time.
    pub fn held(&self) -> bool {
        self.step.delivered >= self.step.expected && self.quantile_ms(0.99) <= LIMIT_MS
    }
}

/// One step at this rate.
///
/// # Errors
/// When a connection ends, or texts are disordered.
pub async fn measure<D: Dialect>(
    crowd: Crowd<D>,
    rate: f64,
    time: Duration,
    usage: &dyn Fn() -> Usage,
) -> Result<(Crowd<D>, Costed), Error> {
    let (before, own) = (usage().cpu, proc::own_cpu());
    let (crowd, step) = aside(crowd, move |crowd| crowd.step(rate, time)).await?;
    let costed = Costed { step, cpu: usage().cpu - before, own_cpu: proc::own_cpu() - own };
    Ok((crowd, costed))
}

/// The last step that held, and the one that did not.
pub struct Ramped {
    /// At the highest rate that held.
    pub best: Costed,
    /// At the next one, unless the end of all rates was reached.
    pub failed: Option<Costed>,
}

/// Goes up from `rate`.
///
/// # Errors
/// As [`measure`], and when not even the first rate is held.
pub async fn climb<D: Dialect>(
    mut crowd: Crowd<D>,
    rate: f64,
    time: Duration,
    usage: &dyn Fn() -> Usage,
) -> Result<(Crowd<D>, Ramped), Error> {
    let mut climb = Climb { rate, again: false };
    let mut best = None;
    let failed = loop {
        let costed;
        (crowd, costed) = measure(crowd, climb.rate, time, usage).await?;
        let held = costed.held();
        let goes_on = climb.goes_on(held);
        if held {
            best = Some(costed);
            if !goes_on {
                break None;
            }
        } else {
            (crowd, ()) = aside(crowd, |crowd| crowd.drain(DRAIN)).await?;
            if !goes_on {
                break Some(costed);
            }
        }
    };
    let best = best.ok_or_else(|| {
        let (p99, lost) = failed
            .as_ref()
            .map_or((0.0, 0.0), |failed| (failed.quantile_ms(0.99), failed.step.lost()));
        Error::Server(format!(
            "not even {rate} texts a second are held: p99 {p99:.0} ms, {lost:.1} % lost"
        ))
    })?;
    Ok((crowd, Ramped { best, failed }))
}

/// Where a ramp has got to.
struct Climb {
    rate: f64,
    /// Whether this rate failed once.
    again: bool,
}

impl Climb {
    /// Goes to the next rate, or tries the same once more; whether there is something to try.
    fn goes_on(&mut self, held: bool) -> bool {
        match (held, self.again) {
            (true, _) => *self = Self { rate: self.rate * FACTOR, again: false },
            (false, false) => self.again = true,
            (false, true) => return false,
        }
        self.rate <= HIGHEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;

    /// The rates that are tried when those up to `most` hold, but the second only at the second try.
    fn rates(first: f64, most: f64) -> Vec<u32> {
        let mut climb = Climb { rate: first, again: false };
        let mut rates = Vec::new();
        loop {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            rates.push(climb.rate as u32);
            let held = climb.rate <= most && rates.len() != 2;
            if !climb.goes_on(held) {
                return rates;
            }
        }
    }

    #[test]
    fn a_rate_that_fails_twice_ends_it() {
        assert_eq!(rates(30.0, 60.0), [30, 40, 40, 54, 73, 73]);
        assert_eq!(rates(30.0, 1.0), [30, 30]);
        let all = rates(30.0, f64::INFINITY);
        assert!(all.len() < 30 && all.last() > Some(&14_000), "{all:?}");
    }

    #[test]
    fn a_step_holds_when_all_came_in_time() {
        let held = |delivered, millis: u64| {
            let mut latencies = Histogram::default();
            latencies.record(millis * 1_000_000);
            let step = Step {
                rate: 30.0,
                delivered,
                expected: 100,
                latencies,
                time: Duration::from_secs(2),
            };
            assert!((step.deliveries() * 2.0 - delivered as f64).abs() < 1e-6);
            Costed { step, cpu: Duration::ZERO, own_cpu: Duration::ZERO }.held()
        };
        assert!(held(100, 900));
        assert!(!held(100, 1_100), "too late");
        assert!(!held(99, 1), "one is missing");
    }
}
