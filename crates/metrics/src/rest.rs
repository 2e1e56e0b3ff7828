//! Calls over REST.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::define::group;
use crate::label::{Label, LabelDoc, label};
use crate::{Counters, Gauge, Histogram};

label! {
    /// The first digit of the answer's status.
    StatusClass("status") {
        /// Informational.
        Informational = "1xx",
        /// Done.
        Success = "2xx",
        /// Elsewhere.
        Redirection = "3xx",
        /// The caller's doing.
        ClientError = "4xx",
        /// The server's doing.
        ServerError = "5xx",
    }
}

label! {
    /// Whose calls were too many.
    Limited("limit") {
        /// An app's, for one operation.
        Operation = "operation",
        /// One address's, of those without a token.
        Address = "address",
    }
}

/// The route template, with the names of its variables: `/{org}/{app}/users/{user}`; `none` for a path
/// that is not served.
pub(crate) const ROUTE: LabelDoc = LabelDoc { name: "route", values: &[] };

/// More routes than there are.
const ROUTES: usize = 256;

/// In microseconds.
const TIMES: &[u64] = &[
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000, 30_000_000,
];

group! {
    /// Calls that were answered.
    REQUESTS: Requests = Requests::new(), "stoa_rest_requests", none,
        "`5xx` rises at all. `4xx` rises for one route: a back end that asks wrongly.";
    /// Calls that are being answered now.
    IN_FLIGHT: Gauge = Gauge::new(), "stoa_rest_requests_in_progress", none,
        "It grows and does not fall: the store does not keep up, or the password pool is full.";
    /// From a call's head to its answer.
    TIME: Histogram = Histogram::new(TIMES), "stoa_rest_request_seconds", micros,
        "The slowest hundredth takes longer than a second without logins by password.";
    /// Calls that were refused because there were too many.
    LIMITED: Counters<Limited, { Limited::COUNT }> = Counters::new(), "stoa_rest_limited", none,
        "`operation`: a back end calls more often than its app may. `address`: somebody tries passwords, or many users share one address.";
}

/// Calls by route and status. The routes are those of the router, so there are few.
#[derive(Debug)]
pub struct Requests(Mutex<BTreeMap<Box<str>, [u64; StatusClass::COUNT]>>);

impl Requests {
    /// None yet.
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Counts a call of the route with that template, answered with `status`.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        TIME.observe_time(took);
        let class = usize::from(status / 100).clamp(1, StatusClass::COUNT) - 1;
        let mut routes = self.0.lock();
        if let Some(counts) = routes.get_mut(route) {
            counts[class] += 1;
        } else if routes.len() < ROUTES {
            let mut counts = [0; StatusClass::COUNT];
            counts[class] = 1;
            routes.insert(route.into(), counts);
        }
    }

    /// All that are not zero.
    pub(crate) fn all(&self) -> Vec<(String, &'static str, u64)> {
        let routes = self.0.lock();
        let counts = routes.iter().flat_map(|(route, counts)| {
            let classes = StatusClass::DOC.values.iter().map(|(text, _)| *text);
            classes.zip(counts).map(|(class, n)| (route.to_string(), class, *n))
        });
        counts.filter(|(_, _, n)| *n > 0).collect()
    }
}
