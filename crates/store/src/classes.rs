//! The table of data classes: what kinds of data there are, whose they are, how long they are kept,
//! and what a key of theirs covers, so that destroying the key ends exactly what it should.
//!
//! Every [space](crate::spaces) belongs to one class. Numbers are stored in the vault and never
//! change or return.

use std::time::Duration;

use stoa_core::{ChatSettings, Timestamp};

/// A class of data.
#[derive(Debug)]
pub struct DataClass {
    /// The number by which the vault knows the class.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// Whose data they are.
    pub classification: Classification,
    /// How long they are kept unless an app's settings say otherwise.
    pub retention: Retention,
    /// What one key of the class covers.
    pub buckets: &'static [BucketKind],
}

/// Whose data a class holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classification {
    /// Data of those who run apps here: accounts, apps, settings.
    Customer,
    /// Data of an app's users.
    User,
    /// Data about the running of the service.
    Operational,
}

/// How long data are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// As long as the app's plan says; this long on the plan `self-hosted`.
    ByPlan(Duration),
    /// So long after they were stored.
    For(Duration),
    /// Until they are deleted, or were not used for so long.
    WhileUsed(Duration),
    /// So long after the class they belong to has ended.
    AfterClass(Duration),
}

/// What one data key covers, besides one app and one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketKind {
    /// Everything.
    Whole,
    /// What was stored on one day in UTC.
    Day,
    /// What was stored in one month in UTC.
    Month,
    /// What belongs to one user, account, group or room.
    Object,
}

impl DataClass {
    /// How long what is of this class is kept at `now` in an app with these settings. Reads and the sweep go
    /// by this alone.
    pub fn kept(&self, settings: &ChatSettings, now: Timestamp) -> Duration {
        match self.retention {
            Retention::ByPlan(_) => settings.messages_kept(now),
            Retention::For(time) | Retention::WhileUsed(time) | Retention::AfterClass(time) => time,
        }
    }

    /// How long what somebody or something has of this class is kept when that has ended: a class room for a while,
    /// and what was kept until it is deleted no longer.
    pub fn kept_after_end(&self, settings: &ChatSettings, now: Timestamp) -> Duration {
        match self.retention {
            Retention::AfterClass(_) => self.kept(settings, now),
            Retention::WhileUsed(_) | Retention::ByPlan(_) | Retention::For(_) => Duration::ZERO,
        }
    }

    /// Whether there is a key of this class for each user, account, group or room.
    pub fn has_objects(&self) -> bool {
        self.buckets.contains(&BucketKind::Object)
    }
}

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 60 * 60)
}

/// History, roaming and offline messages.
pub static MESSAGE: DataClass = DataClass {
    number: 1,
    name: "messages",
    classification: Classification::User,
    retention: Retention::ByPlan(days(180)),
    buckets: &[BucketKind::Day],
};

/// What concerns one user only: receipts, recalls, requests, events of their other devices.
pub static USER_EVENT: DataClass = DataClass {
    number: 2,
    name: "user log",
    classification: Classification::User,
    retention: Retention::For(days(7)),
    buckets: &[BucketKind::Day],
};

/// Files that users send.
pub static ATTACHMENT: DataClass = DataClass {
    number: 3,
    name: "attachments",
    classification: Classification::User,
    retention: Retention::For(days(7)),
    buckets: &[BucketKind::Day],
};

/// What waits to be called back or pushed.
pub static OUTBOUND: DataClass = DataClass {
    number: 4,
    name: "callback and push queues",
    classification: Classification::User,
    retention: Retention::For(days(3)),
    buckets: &[BucketKind::Day],
};

/// Accounts and profiles, contacts, groups and who is in them.
pub static USER_INFORMATION: DataClass = DataClass {
    number: 5,
    name: "user information, contacts, group membership and information",
    classification: Classification::User,
    retention: Retention::WhileUsed(days(180)),
    // Where the numbering of a log stands names nobody, and outlives whose it was.
    buckets: &[BucketKind::Object, BucketKind::Whole],
};

/// Apps, their settings and certificates, and the accounts of those who own them.
pub static CONSOLE: DataClass = DataClass {
    number: 6,
    name: "console accounts",
    classification: Classification::Customer,
    retention: Retention::WhileUsed(days(180)),
    buckets: &[BucketKind::Object, BucketKind::Whole],
};

/// Counters and measurements.
pub static MONITORING: DataClass = DataClass {
    number: 7,
    name: "monitoring",
    classification: Classification::Operational,
    retention: Retention::For(days(7)),
    buckets: &[BucketKind::Day],
};

/// State, events, chat and attendance of a class.
pub static CLASS_ROOM: DataClass = DataClass {
    number: 8,
    name: "class room",
    classification: Classification::User,
    retention: Retention::AfterClass(Duration::from_secs(60 * 60)),
    buckets: &[BucketKind::Object],
};

/// Who did what. Names in it are sealed under the user's own key.
pub static AUDIT: DataClass = DataClass {
    number: 9,
    name: "audit log",
    classification: Classification::Operational,
    retention: Retention::For(days(365)),
    // The head of a chain, which names nobody, outlives the months.
    buckets: &[BucketKind::Month, BucketKind::Whole],
};

/// What was revoked: it is asked for as long as a token can live.
pub static REVOCATION: DataClass = DataClass {
    number: 10,
    name: "revocations",
    classification: Classification::User,
    retention: Retention::For(days(2)),
    buckets: &[BucketKind::Day],
};

/// Every class, by number.
pub static CLASSES: &[&DataClass] = &[
    &MESSAGE,
    &USER_EVENT,
    &ATTACHMENT,
    &OUTBOUND,
    &USER_INFORMATION,
    &CONSOLE,
    &MONITORING,
    &CLASS_ROOM,
    &AUDIT,
    &REVOCATION,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbered_in_order_and_have_a_key() {
        for (class, number) in CLASSES.iter().zip(1..) {
            assert_eq!(class.number, number, "{}", class.name);
            assert!(!class.buckets.is_empty(), "{}", class.name);
        }
    }
}
