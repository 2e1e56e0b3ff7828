//! How often a thing may be called (chat-rest section 1.7, U33).
//!
//! One bucket for each app and operation, as the vendor counts; and one for each address of strangers,
//! who ask for a token or register.

use std::net::IpAddr;
use std::time::Duration;

use http::Method;
use stoa_core::{AppNumber, Buckets, Quota, Timestamp, limits, site};
use stoa_metrics::rest::{LIMITED, Limited};

use crate::error::Failure;

/// Calls per second of strangers from one address: a company's users behind one.
const STRANGER: Quota = Quota::per_second(20, 400);
/// What a wrong password costs a stranger, in calls: 20 in a row, then one a second.
const FAILED_PROOF: u32 = 19;
/// Addresses that are remembered.
const ADDRESSES: usize = 20_000;
/// Apps times operations that are remembered.
const OPERATIONS: usize = 200_000;
/// Calls per second for the online states of many users (chat-rest R019).
const BATCH_STATUS_PER_SECOND: u32 = 50;
/// The same for presence and block lists (chat-rest sections 2.5 and 2.7).
const HALF_RATE: &[&str] = &["/presence", "/users/{user}/blocks", "/user/{user}/blocks"];

/// The same for making and listing chat rooms, and those that a user is in (chat-rest section 2.17).
const HALF_RATE_ROUTES: &[&str] = &["/chatrooms", "/joined_chatrooms"];

/// What is counted together: one operation of one app.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    app: AppNumber,
    method: Method,
    route: Box<str>,
}

impl Operation {
    /// `method` on `route` (the path with its variables' names) in `app`.
    pub(crate) fn new(app: AppNumber, method: &Method, route: &str) -> Self {
        Self { app, method: method.clone(), route: route.into() }
    }

    fn quota(&self) -> Quota {
        let batch_status = self.method == Method::POST && self.route.ends_with("/status");
        let half = HALF_RATE.iter().any(|part| self.route.contains(part))
            || HALF_RATE_ROUTES.iter().any(|end| self.route.ends_with(end));
        let per_second = if batch_status || half {
            BATCH_STATUS_PER_SECOND
        } else {
            limits::REST_CALLS_PER_SECOND
        };
        Quota::per_second(per_second, per_second)
    }
}

/// The buckets of one node.
#[derive(Debug)]
pub(crate) struct Rates {
    operations: Buckets<Operation>,
    strangers: Buckets<IpAddr>,
    registrations: Buckets<(AppNumber, IpAddr)>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            operations: Buckets::new(OPERATIONS),
            strangers: Buckets::new(ADDRESSES),
            registrations: Buckets::new(ADDRESSES),
        }
    }
}

impl Rates {
    /// Counts a call of `operation`.
    ///
    /// # Errors
    /// 429 when the app has used up its calls.
    pub(crate) fn operation(
        &mut self,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let taken = self.operations.take(operation, operation.quota(), now);
        taken.map_err(|wait| limited(Limited::Operation, wait))
    }

    /// Counts a call of a stranger at `address`.
    ///
    /// # Errors
    /// 429 when too many came from there.
    pub(crate) fn stranger(&mut self, address: IpAddr, now: Timestamp) -> Result<(), Failure> {
        let taken = self.strangers.take(&site(address), STRANGER, now);
        taken.map_err(|wait| limited(Limited::Address, wait))
    }

    /// Counts a stranger at `address` who registers with an open app, which lets `per_hour` do so.
    ///
    /// # Errors
    /// 429 when too many came from there.
    pub(crate) fn registration(
        &mut self,
        app: AppNumber,
        address: IpAddr,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let key = (app, site(address));
        let taken = self.registrations.take(&key, Quota::per_hour(per_hour), now);
        taken.map_err(|wait| limited(Limited::Address, wait))
    }

    /// Counts a wrong password from `address`.
    pub(crate) fn failed_proof(&mut self, address: IpAddr, now: Timestamp) {
        self.strangers.charge(&site(address), STRANGER, FAILED_PROOF, now);
    }
}

fn limited(whose: Limited, wait: Duration) -> Failure {
    LIMITED.of(whose).inc();
    Failure::rate_limited(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn later(ms: u64) -> Timestamp {
        START.plus(Duration::from_millis(ms))
    }

    #[test]
    fn wrong_passwords_use_up_an_address_but_not_its_neighbours() {
        let mut rates = Rates::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let (home, other) = (address("2001:db8::1"), address("2001:db8:0:1::1"));
        let tries = (0..100)
            .take_while(|_| {
                let admitted = rates.stranger(home, START).is_ok();
                rates.failed_proof(home, START);
                admitted
            })
            .count();
        assert_eq!(tries, 20);
        assert!(rates.stranger(address("2001:db8::2"), START).is_err(), "the same site");
        assert!(rates.stranger(other, START).is_ok());
        assert!(rates.stranger(home, later(1000)).is_ok());
    }

    #[test]
    fn an_open_app_takes_so_many_registrations_from_an_address_in_an_hour() {
        let mut rates = Rates::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut count = |app, from: &str, minutes: u64| {
            let now = later(minutes * 60_000);
            let admitted =
                |_: &_| rates.registration(AppNumber(app), address(from), 6, now).is_ok();
            (0..20).filter(admitted).count()
        };
        assert_eq!(count(1, "192.0.2.1", 0), 6);
        assert_eq!(count(1, "192.0.2.2", 0), 6, "another address");
        assert_eq!(count(2, "192.0.2.1", 0), 6, "another app");
        assert_eq!(count(1, "192.0.2.1", 9), 0);
        assert_eq!(count(1, "192.0.2.1", 30), 3, "one every ten minutes");
    }

    #[test]
    fn an_operation_has_the_rate_of_its_row() {
        let mut rates = Rates::default();
        let mut count = |app, method: Method, route| {
            let operation = Operation::new(AppNumber(app), &method, route);
            (0..200).filter(|_| rates.operation(&operation, START).is_ok()).count()
        };
        assert_eq!(count(1, Method::GET, "/{org}/{app}/users/{user}/status"), 100);
        assert_eq!(count(1, Method::POST, "/{org}/{app}/users/{user}/status"), 50);
        assert_eq!(count(1, Method::POST, "/{org}/{app}/users"), 100);
        assert_eq!(count(1, Method::POST, "/{org}/{app}/users"), 0);
        assert_eq!(count(2, Method::POST, "/{org}/{app}/users"), 100);
    }
}
