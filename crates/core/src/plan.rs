//! Plans: what an app may have, as data (chat-rest section 3.1).

use std::str::FromStr;
use std::time::Duration;

use crate::{HeldRetention, KeepMessages, limits};

/// A preset of bounds. A bound of `u32::MAX` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Its name on the command line.
    pub name: &'static str,
    /// Contacts of one user.
    pub contacts: u32,
    /// Groups of the app.
    pub groups: u32,
    /// Members of one group.
    pub group_members: u32,
    /// Groups that one user is a member of.
    pub groups_joined: u32,
    /// Chat rooms of the app.
    pub rooms: u32,
    /// Members of one chat room.
    pub room_members: u32,
    /// Chat rooms that one user is in.
    pub rooms_joined: u32,
    /// Whether one message may be sent to all chat rooms.
    pub room_broadcast: bool,
    /// Whether readers in groups may send receipts, and users may report messages.
    pub receipts_and_reports: bool,
    /// How long messages are kept.
    pub messages: Duration,
    /// How long they are kept by the vendor's older table of plans.
    pub messages_before: Duration,
}

const NO_BOUND: u32 = u32::MAX;

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

impl Plan {
    /// No quotas; what the server itself bears is the bound. The default.
    pub const SELF_HOSTED: Self = Self {
        name: "self-hosted",
        contacts: NO_BOUND,
        groups: NO_BOUND,
        group_members: NO_BOUND,
        groups_joined: NO_BOUND,
        rooms: NO_BOUND,
        room_members: NO_BOUND,
        rooms_joined: NO_BOUND,
        room_broadcast: true,
        receipts_and_reports: true,
        messages: days(180),
        messages_before: days(180),
    };

    /// Every preset.
    pub const ALL: &'static [Self] = &[
        Self::SELF_HOSTED,
        Self {
            name: "free",
            contacts: 100,
            groups: 100,
            group_members: 100,
            groups_joined: 100,
            rooms: 100,
            room_members: 100,
            rooms_joined: 100,
            room_broadcast: false,
            receipts_and_reports: false,
            messages: days(7),
            messages_before: days(3),
        },
        Self {
            name: "starter",
            contacts: 250,
            groups: 10_000,
            group_members: 250,
            groups_joined: 1_000,
            rooms: 10_000,
            room_members: 2_000,
            rooms_joined: 1_000,
            room_broadcast: false,
            receipts_and_reports: false,
            messages: days(90),
            messages_before: days(7),
        },
        Self {
            name: "pro",
            contacts: 1_000,
            groups: 50_000,
            group_members: 1_000,
            groups_joined: 2_000,
            rooms: 50_000,
            room_members: 10_000,
            rooms_joined: 2_000,
            room_broadcast: true,
            receipts_and_reports: true,
            messages: days(180),
            messages_before: days(90),
        },
        Self {
            name: "enterprise",
            contacts: 10_000,
            groups: 100_000,
            group_members: 5_000,
            groups_joined: 10_000,
            rooms: 100_000,
            room_members: 20_000,
            rooms_joined: 10_000,
            room_broadcast: true,
            receipts_and_reports: true,
            messages: days(180),
            messages_before: days(180),
        },
    ];
}

impl Default for Plan {
    fn default() -> Self {
        Self::SELF_HOSTED
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|plan| plan.name == text).copied();
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|plan| plan.name).collect();
            format!("'{text}' is none of {}", names.join(", "))
        })
    }
}

/// What an app's owner decides about chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatSettings {
    /// The plan.
    pub plan: Plan,
    /// How long messages are kept.
    pub keep_messages: KeepMessages,
    /// What messages are kept for until a shorter retention takes effect.
    pub held: Option<HeldRetention>,
    /// Only contacts may write to each other.
    pub friends_only: bool,
    /// How long after it was sent a message can be taken back, at most seven days.
    pub recall_window: Duration,
    /// Bytes of one attachment.
    pub attachment_bytes: u64,
    /// How many of a chat room's last messages whoever joins is sent, at most
    /// [`limits::ROOM_HISTORY_MOST`].
    pub room_history: u32,
    /// Messages that a chat room passes on in a second before it drops those of low and normal
    /// priority; 0 for no such bound.
    pub room_rate: u32,
    /// When a person is erased, what that person said to others stays, under another name.
    pub keeps_erased_messages: bool,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            plan: Plan::SELF_HOSTED,
            keep_messages: KeepMessages::ByPlan,
            held: None,
            friends_only: false,
            recall_window: Duration::from_secs(120),
            attachment_bytes: limits::ATTACHMENT_BYTES,
            room_history: limits::ROOM_HISTORY,
            room_rate: 0,
            keeps_erased_messages: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_known_by_name() {
        for plan in Plan::ALL {
            assert_eq!(plan.name.parse(), Ok(*plan));
        }
        let refusal = "gold".parse::<Plan>().unwrap_err();
        assert_eq!(refusal, "'gold' is none of self-hosted, free, starter, pro, enterprise");
    }
}
