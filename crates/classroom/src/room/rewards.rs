//! Rewards (classroom specification, sections 1.9 and 2.5).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_core::UserUuid;

use super::Turn;
use super::tags::MOST_USERS;
use crate::Refusal;
use crate::tree::Tree;

/// Rewards given or taken away at once, at the most.
pub const MOST_REWARDS: i64 = 100;
/// Rewards of one student, at the most.
const MOST_TOTAL: i64 = 1_000_000;

impl Turn<'_> {
    /// Row 35: gives students rewards, or takes them away. With `batched` everybody is told of all in one frame.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::NoUser`], [`Refusal::Argument`].
    pub fn give_rewards(
        &mut self,
        changes: &[(UserUuid, i64)],
        batched: bool,
    ) -> Result<(), Refusal> {
        self.admit_teaching()?;
        if changes.is_empty() || changes.len() > MOST_USERS {
            return Err(Refusal::argument(format!("rewardDetails: has 1 to {MOST_USERS} entries")));
        }
        let mut sums: BTreeMap<&UserUuid, i64> = BTreeMap::new();
        for (user, change) in changes {
            self.student("userUuid", user)?;
            if *change == 0 || !(-MOST_REWARDS..=MOST_REWARDS).contains(change) {
                let what = format!("changeReward: must be 1 to {MOST_REWARDS}, or as many less");
                return Err(Refusal::argument(what));
            }
            *sums.entry(user).or_default() += change;
        }
        let mut details = Vec::new();
        for (user, sum) in sums {
            let Some(found) = self.room.users.get_mut(user) else { continue };
            let before = found.rewards;
            found.rewards = (before + sum).clamp(0, MOST_TOTAL);
            found.updated = self.at;
            details.push((user.clone(), found.rewards - before, found.rewards));
            self.touch(user);
        }
        let views: Vec<Value> = details
            .iter()
            .map(|(user, changed, total)| {
                json!({
                    "userUuid": user.as_str(),
                    "changedReward": changed,
                    "total": total,
                    "totalReward": total,
                })
            })
            .collect();
        let cause = json!({"cmd": 1101, "data": {"rewardDetails": views}});
        let mut list = Vec::new();
        for (user, _, total) in &details {
            let mut changed = Tree::new();
            changed.insert("reward.count".into(), json!(total));
            if batched {
                list.push(self.user_change(user, &changed, &cause).1);
            } else {
                self.user_properties(user, &changed, &cause);
            }
        }
        self.frame_of_many(22, list);
        self.event(1101, json!({"rewardDetails": views, "updateTime": self.at.as_millis()}));
        Ok(())
    }
}
