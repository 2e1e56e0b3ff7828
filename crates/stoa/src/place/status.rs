//! How the exchange with each data centre stands, for whoever asks.

use std::collections::HashMap;

use parking_lot::Mutex;
use stoa_core::{Region, Timestamp};

/// How the exchange with one data centre stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerStatus {
    /// When it answered last.
    pub answered: Option<Timestamp>,
    /// Why it does not, if that was the last that was heard.
    pub problem: Option<String>,
}

/// How the exchange with each data centre stands since the process started.
#[derive(Debug, Default)]
pub struct Statuses(Mutex<HashMap<Region, PeerStatus>>);

impl Statuses {
    /// Of one; nothing if it was not asked yet.
    pub fn of(&self, region: Region) -> PeerStatus {
        self.0.lock().get(&region).cloned().unwrap_or_default()
    }

    /// It answered. Whether it did not before.
    pub(super) fn answered(&self, region: Region, at: Timestamp) -> bool {
        let status = PeerStatus { answered: Some(at), problem: None };
        self.0.lock().insert(region, status).is_none_or(|before| before.problem.is_some())
    }

    /// It did not, or not as it should. Whether that is new.
    pub(super) fn failed(&self, region: Region, problem: &str) -> bool {
        let mut all = self.0.lock();
        let status = all.entry(region).or_default();
        status.problem.replace(problem.into()).is_none_or(|before| before != problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_once() {
        let (all, now) = (Statuses::default(), Timestamp::from_secs(1));
        assert_eq!(all.of(Region::Na), PeerStatus::default());
        assert!(all.failed(Region::Na, "a") && !all.failed(Region::Na, "a"));
        assert!(all.failed(Region::Na, "b"));
        assert!(all.answered(Region::Na, now) && !all.answered(Region::Na, now));
        assert!(all.failed(Region::Na, "b"));
        let status = PeerStatus { answered: Some(now), problem: Some("b".into()) };
        assert_eq!(all.of(Region::Na), status);
    }
}
